"""
INPUTS   small_variants.genes of the config (a BED of genes; without it nothing here runs), aligned.cram of lot and donor;
         small_variants.calls: ready calls, instead of bcftools'
OUTPUTS  results/{lot}/variants/: called.vcf.gz, depths.tsv, small_variants.parquet and .tsv, facts.json, metrics.json
STEPS    call_variants (both samples at once, so the donor is counted at every site of the lot) -> classify_variants
"""


rule call_variants:
    input:
        unpack(lambda wildcards: files.paired(study, wildcards.lot)),
        fasta=files.FASTA,
        fasta_index=files.FASTA_INDEX,
        genes=files.given(settings.small_variants.genes),
        own=lambda wildcards: files.own_calls(settings.small_variants, wildcards.lot),
    output:
        called="results/{lot}/variants/called.vcf.gz",
        depths="results/{lot}/variants/depths.tsv",
    log:
        "logs/{lot}/call_variants.log",
    benchmark:
        "benchmarks/{lot}/call_variants.tsv"
    conda:
        "../../envs/alignment.yaml"
    resources:
        **needs("call_variants"),
    params:
        command=lambda wildcards: commands.call_command(study, settings.small_variants, wildcards.lot),
        reader=lambda wildcards: commands.calls_reader(settings.small_variants, wildcards.lot),
        not_whole=commands.NOT_WHOLE,
    shell:
        "trap 'rm -rf {output.called}.part {output.depths}.part' EXIT; "
        "({params.command} > {output.called}.part"
        " && ({params.reader} {output.called}.part > /dev/null || {params.not_whole})"
        " && samtools bedcov -Q 20 --reference {input.fasta} {input.genes:q} {input.reads} > {output.depths}.part"
        " && (test $(wc -l < {output.depths}.part) -eq $(grep -cE '^[^#[:space:]]+[[:space:]]+[0-9]' {input.genes:q}) || {params.not_whole})"
        " && mv {output.called}.part {output.called} && mv {output.depths}.part {output.depths}) 2> {log}"


rule classify_variants:
    input:
        called="results/{lot}/variants/called.vcf.gz",
        depths="results/{lot}/variants/depths.tsv",
    output:
        variants=files.VARIANTS.variants,
        tsv="results/{lot}/variants/small_variants.tsv",
        facts=files.VARIANTS.facts,
        metrics=files.METRICS["variants"],
    log:
        "logs/{lot}/classify_variants.log",
    benchmark:
        "benchmarks/{lot}/classify_variants.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("classify_variants"),
    params:
        **step("classify_variants", settings.small_variants),
        samples=lambda wildcards: samples.variant_samples(study, wildcards.lot),
    script:
        "../scripts/classify_variants.py"
