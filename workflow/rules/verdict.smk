"""
INPUTS   results/{lot}/{dna,rna,alleles,variants,mitochondria,foreign}/metrics.json (all but dna: when the lot has them), the acceptance document
OUTPUTS  results/{lot}/metrics.json, verdict.json
STEPS    decide_lot: every criterion against its metric, then the lot by gravity
"""


rule decide_lot:
    input:
        metrics=lambda wildcards: files.metrics_of(study, settings, wildcards.lot),
        acceptance=shipped(settings.acceptance),
        usual=shipped(Config().acceptance),
    output:
        metrics=files.LOT_METRICS,
        verdict=files.VERDICT,
    log:
        "logs/{lot}/decide_lot.log",
    benchmark:
        "benchmarks/{lot}/decide_lot.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("decide_lot"),
    params:
        **step("decide_lot", settings.copy_number),
        facts=lambda wildcards: study.lots[wildcards.lot].model_dump(mode="json"),
        results=lambda wildcards: samples.lot_results(study, wildcards.lot),
        sets=lambda wildcards: samples.sets_of(study, wildcards.lot),
        snps_asked=lambda wildcards: samples.snps_asked(study, settings, wildcards.lot),
        tested_elsewhere=settings.identity.tested_elsewhere,
        panel_asked=settings.expression.panel is not None,
        weakened=[one.model_dump(mode="json") for one in lists.weakened(settings, Path.cwd())],
        verified=lambda wildcards: samples.fastq_files(study, wildcards.lot),
    script:
        "../scripts/decide_lot.py"
