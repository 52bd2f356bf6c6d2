"""
INPUTS   FASTQ files of RNA, alignments and counts of the sample table; reads of genomes are verified by align_reads
OUTPUTS  results/samples/{sample}/reads/{unit}.json
STEPS    verify_reads: whole file, checksum, pairing | verify_data: checksum of an alignment or a table of counts;
         nothing is made from a file that fails
"""


rule verify_reads:
    input:
        reads=lambda wildcards: samples.reads_of(study, wildcards.sample, wildcards.unit),
    output:
        facts=files.UNIT_FACTS,
    log:
        "logs/samples/{sample}/verify_reads.{unit}.log",
    benchmark:
        "benchmarks/samples/{sample}/verify_reads.{unit}.tsv"
    wildcard_constraints:
        sample=samples.one_of(samples.samples_with(study, "fastq_1", assay="rnaseq")),
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("verify_reads"),
    params:
        **step("verify_reads"),
        sha256=lambda wildcards: samples.checksums_of(study, wildcards.sample, wildcards.unit),
        state=lambda wildcards: state_of(samples.reads_of(study, wildcards.sample, wildcards.unit)),
    script:
        "../scripts/verify_reads.py"


rule verify_data:
    input:
        data=lambda wildcards: files.ready_file(study, wildcards.sample, wildcards.unit),
    output:
        facts=files.UNIT_FACTS,
    log:
        "logs/samples/{sample}/verify_data.{unit}.log",
    benchmark:
        "benchmarks/samples/{sample}/verify_data.{unit}.tsv"
    wildcard_constraints:
        sample=samples.one_of(samples.samples_with(study, "alignment", "counts")),
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("verify_data"),
    params:
        **step("verify_data"),
        sha256=lambda wildcards: samples.unit_of(study, wildcards.sample, wildcards.unit).sha256_1,
        state=lambda wildcards: state_of(files.ready_file(study, wildcards.sample, wildcards.unit)),
    script:
        "../scripts/verify_data.py"
