"""
INPUTS   reference.fasta or reference.bins of the config, the genome layout, tracks
OUTPUTS  results/reference/genome.fa(.fai), the aligner's index, bins.parquet, files.json
STEPS    prepare_genome -> index_genome (-> convert_index, for bwa-mem3), make_bins; hash_references: checksums; made once,
         shared by all donors and lots
"""


# A plain FASTA is linked: results only read it, and a copy takes 3 GB in each directory.
rule prepare_genome:
    input:
        fasta=files.given(settings.reference.fasta),
    output:
        fasta=files.FASTA,
        index=files.FASTA_INDEX,
    log:
        "logs/reference/prepare_genome.log",
    benchmark:
        "benchmarks/reference/prepare_genome.tsv"
    conda:
        "../../envs/alignment.yaml"
    resources:
        **needs("prepare_genome"),
    params:
        not_whole=commands.NOT_WHOLE,
    shell:
        "trap 'rm -rf {output.fasta}.part* {output.index}.part' EXIT; "
        '(if test "$(head -c 1 {input.fasta:q})" = ">"; then ln -s "$(realpath -s {input.fasta:q})" {output.fasta}.part;'
        " else gzip -cd {input.fasta:q} > {output.fasta}.part; fi"
        " && samtools faidx --fai-idx {output.index}.part {output.fasta}.part"
        " && (test $(grep -c '^>' {output.fasta}.part) -eq $(wc -l < {output.index}.part) || {params.not_whole})"
        " && mv {output.index}.part {output.index} && mv {output.fasta}.part {output.fasta} && touch {output.index})"
        " 2> {log}"


# Alignment waits for these two, and all else of the reference is made beside them.
rule index_genome:
    input:
        fasta=files.FASTA,
    output:
        commands.index_files(settings.alignment),
    log:
        "logs/reference/index_genome.log",
    benchmark:
        "benchmarks/reference/index_genome.tsv"
    priority: 1
    conda:
        "../../envs/alignment.yaml"
    resources:
        **needs("index_genome"),
    params:
        command=commands.index_command(settings.alignment),
    shell:
        "trap 'rm -rf results/reference/index.part' EXIT; ({params.command}) > {log} 2>&1"


rule convert_index:
    input:
        bwt=f"{files.INDEX}.bwt",
        sa=f"{files.INDEX}.sa",
    output:
        packed=files.PACKED_INDEX,
    log:
        "logs/reference/convert_index.log",
    benchmark:
        "benchmarks/reference/convert_index.tsv"
    priority: 1
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("convert_index"),
    params:
        **step("convert_index"),
    script:
        "../scripts/convert_index.py"


rule make_bins:
    input:
        **files.bin_inputs(settings.reference),
    output:
        bins=files.BINS,
    log:
        "logs/reference/make_bins.log",
    benchmark:
        "benchmarks/reference/make_bins.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("make_bins"),
    params:
        **step("make_bins", settings.counting),
    script:
        "../scripts/make_bins.py"


rule hash_references:
    input:
        files=files.reference_files(settings),
    output:
        facts=files.REFERENCE_FACTS,
    log:
        "logs/reference/hash_references.log",
    benchmark:
        "benchmarks/reference/hash_references.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("hash_references"),
    params:
        **step("hash_references"),
        state=state_of(files.reference_files(settings)),
    script:
        "../scripts/hash_references.py"
