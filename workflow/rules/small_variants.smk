"""
INPUTS   small_variants.drivers and .hotspots with reference.gtf, small_variants.genes (BED of further genes), the genome;
         aligned reads of lot and donor, of their RNA too where it was aligned; small_variants.calls: calls that are added
OUTPUTS  results/reference/drivers.*: loci, panel, regions, models; results/{lot}/variants/: pileup.tsv.gz, consequences.tsv,
         spiked_indels.tsv, spiked_pileup.tsv.gz, small_variants and limits (parquet and tsv), facts.json, metrics.json
STEPS    locate_drivers -> call_variants (all files at once, so the donor is counted at every position of the lot; consequences;
         indels spiked into the lot's reads, aligned and counted again) -> classify_variants
"""


rule locate_drivers:
    input:
        **variants.driver_inputs(settings),
        fasta=files.FASTA,
        fasta_index=files.FASTA_INDEX,
    output:
        loci=variants.DRIVER_LOCI,
        panel=variants.DRIVER_PANEL,
        regions=variants.DRIVER_REGIONS,
        models=variants.DRIVER_MODELS,
    log:
        "logs/reference/locate_drivers.log",
    benchmark:
        "benchmarks/reference/locate_drivers.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("locate_drivers"),
    params:
        **step("locate_drivers", settings.small_variants),
    script:
        "../scripts/locate_drivers.py"


rule call_variants:
    input:
        unpack(lambda wildcards: variants.searched(study, settings, wildcards.lot)),
        fasta=files.FASTA,
        fasta_index=files.FASTA_INDEX,
        regions=variants.DRIVER_REGIONS,
        models=variants.DRIVER_MODELS,
    output:
        pileup="results/{lot}/variants/pileup.tsv.gz",
        consequences="results/{lot}/variants/consequences.tsv",
        spiked="results/{lot}/variants/spiked_indels.tsv",
        recounted="results/{lot}/variants/spiked_pileup.tsv.gz",
    log:
        "logs/{lot}/call_variants.log",
    benchmark:
        "benchmarks/{lot}/call_variants.tsv"
    conda:
        "../../envs/alignment.yaml"
    resources:
        **needs("call_variants"),
    params:
        **programs("karyolot.io.spiked_indels"),
        command=lambda wildcards, input, output: commands.pileup_command(
            settings.small_variants, input.reads, output.pileup, output.consequences
        ),
        spike=lambda wildcards, input, output: commands.spike_command(
            settings, input.reads[0], output.spiked, output.recounted, python
        ),
    shell:
        "trap 'rm -rf {output.pileup}.* {output.consequences}.* {output.spiked}.* {output.recounted}.*' EXIT; "
        "({params.command} && {params.spike}"
        " && gzip -t {output.pileup}.part && gzip -t {output.recounted}.part"
        " && mv {output.pileup}.part {output.pileup} && mv {output.consequences}.part {output.consequences}"
        " && mv {output.spiked}.part {output.spiked} && mv {output.recounted}.part {output.recounted}) 2> {log}"


rule classify_variants:
    input:
        pileup="results/{lot}/variants/pileup.tsv.gz",
        consequences="results/{lot}/variants/consequences.tsv",
        spiked="results/{lot}/variants/spiked_indels.tsv",
        recounted="results/{lot}/variants/spiked_pileup.tsv.gz",
        loci=variants.DRIVER_LOCI,
        panel=variants.DRIVER_PANEL,
        layout=shipped(settings.reference.layout),
        own=lambda wildcards: files.own_calls(settings.small_variants, wildcards.lot),
    output:
        **files.VARIANTS.named(),
        variants_tsv=report(
            "results/{lot}/variants/small_variants.tsv",
            caption="../report/variants.rst",
            category="Tables",
            labels={"lot": "{lot}", "table": "small variants"},
        ),
        limits_tsv="results/{lot}/variants/limits.tsv",
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
        roles=lambda wildcards: list(samples.searched_samples(study, settings, wildcards.lot).values()),
        samples=lambda wildcards: samples.variant_samples(study, wildcards.lot),
        sex=lambda wildcards: samples.sex_of(study, wildcards.lot),
        sets=lambda wildcards: samples.sets_of(study, wildcards.lot),
    script:
        "../scripts/classify_variants.py"
