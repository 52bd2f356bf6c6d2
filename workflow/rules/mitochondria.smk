"""
INPUTS   aligned.cram of lot and donor, their counts, bins and flagstat
OUTPUTS  results/{lot}/mitochondria/: heteroplasmies and deletions (parquet; the same as tables for people), facts.json,
         metrics.json
STEPS    analyse_mitochondria: one pass over the mitochondrial contig of both, copies per cell, heteroplasmy, deletions
"""


rule analyse_mitochondria:
    input:
        unpack(lambda wildcards: files.mitochondria_inputs(study, wildcards.lot)),
        fasta=files.FASTA,
        fasta_index=files.FASTA_INDEX,
        bins=files.BINS,
    output:
        **files.MITOCHONDRIA.named(),
        heteroplasmies_tsv="results/{lot}/mitochondria/heteroplasmies.tsv",
        deletions_tsv="results/{lot}/mitochondria/deletions.tsv",
        metrics=files.METRICS["mitochondria"],
    log:
        "logs/{lot}/analyse_mitochondria.log",
    benchmark:
        "benchmarks/{lot}/analyse_mitochondria.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("analyse_mitochondria"),
    params:
        **step("analyse_mitochondria", settings.mitochondria),
        sets=lambda wildcards: samples.sets_of(study, wildcards.lot),
    script:
        "../scripts/analyse_mitochondria.py"
