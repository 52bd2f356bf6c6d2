"""
INPUTS   aligned.cram (or ready counts) of the lot and of its donor's hepatocytes, results/reference/bins.parquet
OUTPUTS  results/samples/{sample}/dna/counts.parquet, library.json; results/{lot}/dna/: log_ratios, segments, arms, lod, calls,
         donor_variants (parquet; the same as tables for people, SEG, VCF, BED and bedGraph), comparison.json, noise.json,
         match.json, metrics.json
STEPS    count_fragments | import_counts -> analyse_copy_number
"""


rule count_fragments:
    input:
        cram=files.ALIGNED["dna"],
        index=files.ALIGNED_INDEX["dna"],
        fasta=files.FASTA,
        bins=files.BINS,
    output:
        counts=files.COUNTS,
        library=files.LIBRARY,
    log:
        "logs/samples/{sample}/count_fragments.log",
    benchmark:
        "benchmarks/samples/{sample}/count_fragments.tsv"
    wildcard_constraints:
        sample=samples.one_of(samples.samples_with(study, "fastq_1", "alignment", assay="wgs")),
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("count_fragments"),
    params:
        **step("count_fragments", settings.counting),
    script:
        "../scripts/count_fragments.py"


rule import_counts:
    input:
        table=lambda wildcards: study.samples[wildcards.sample][0].counts,
        facts=lambda wildcards: files.verified_units(study, wildcards.sample),
        bins=files.BINS,
    output:
        counts=files.COUNTS,
    log:
        "logs/samples/{sample}/import_counts.log",
    benchmark:
        "benchmarks/samples/{sample}/import_counts.tsv"
    wildcard_constraints:
        sample=samples.one_of(samples.samples_with(study, "counts", assay="wgs")),
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("import_counts"),
    params:
        **step("import_counts"),
    script:
        "../scripts/import_counts.py"


rule analyse_copy_number:
    input:
        lot=lambda wildcards: files.counts_of(study, lot=wildcards.lot),
        donor=lambda wildcards: files.counts_of(study, donor=study.lots[wildcards.lot].donor_id),
        bins=files.BINS,
        layout=shipped(settings.reference.layout),
        recurrent=shipped(settings.copy_number.recurrent_regions),
        gtf=files.given(settings.reference.gtf),
    output:
        **files.DNA.named(),
        metrics=files.METRICS["dna"],
        ratios_tsv="results/{lot}/dna/log_ratios.tsv",
        segments_tsv="results/{lot}/dna/segments.tsv",
        calls_tsv=report(
            "results/{lot}/dna/calls.tsv",
            caption="../report/calls.rst",
            category="Tables",
            labels={"lot": "{lot}", "table": "calls"},
        ),
        arms_tsv="results/{lot}/dna/arms.tsv",
        lod_tsv=report(
            "results/{lot}/dna/lod.tsv",
            caption="../report/lod.rst",
            category="Tables",
            labels={"lot": "{lot}", "table": "limits of detection"},
        ),
        seg="results/{lot}/dna/segments.seg",
        vcf=files.CALLS_VCF,
        bed="results/{lot}/dna/calls.bed",
        bedgraph="results/{lot}/dna/log_ratios.bedgraph",
    log:
        "logs/{lot}/analyse_copy_number.log",
    benchmark:
        "benchmarks/{lot}/analyse_copy_number.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("analyse_copy_number"),
    params:
        **step("analyse_copy_number", settings.copy_number),
        sex=lambda wildcards: samples.sex_of(study, wildcards.lot),
        sets=lambda wildcards: samples.sets_of(study, wildcards.lot),
    script:
        "../scripts/analyse_copy_number.py"


rule copy_number:
    input:
        expand(files.METRICS["dna"], lot=samples.lots_with_dna(study)),
