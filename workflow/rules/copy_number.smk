"""
INPUTS   aligned.cram (or ready counts) of the lot and of its donor's hepatocytes, results/reference/bins.parquet
OUTPUTS  results/samples/{sample}/dna/counts.parquet, library.json; results/{lot}/dna/: log_ratios, segments, arms, lod, calls,
         donor_variants (parquet), comparison.json, noise.json, donor_noise.json, match.json, metrics.json
STEPS    count_fragments | import_counts -> compare_bins -> segment_log_ratios -> assess_limits -> call_changes;
         match_donor; summarise_copy_number; export_copy_number: tables for people, SEG, VCF, BED for other programs
"""


rule count_fragments:
    input:
        cram=files.ALIGNED["dna"],
        index=files.ALIGNED_INDEX["dna"],
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


rule compare_bins:
    input:
        lot=lambda wildcards: files.counts_of(study, lot=wildcards.lot),
        donor=lambda wildcards: files.counts_of(study, donor=study.lots[wildcards.lot].donor_id),
        bins=files.BINS,
    output:
        ratios=files.DNA.ratios,
        comparison=files.DNA.comparison,
    log:
        "logs/{lot}/compare_bins.log",
    benchmark:
        "benchmarks/{lot}/compare_bins.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("compare_bins"),
    params:
        **step("compare_bins", settings.copy_number),
        sex=lambda wildcards: samples.sex_of(study, wildcards.lot),
    script:
        "../scripts/compare_bins.py"


rule segment_log_ratios:
    input:
        ratios=files.DNA.ratios,
    output:
        segments=files.DNA.segments,
        noise=files.DNA.noise,
        donor_noise="results/{lot}/dna/donor_noise.json",
    log:
        "logs/{lot}/segment_log_ratios.log",
    benchmark:
        "benchmarks/{lot}/segment_log_ratios.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("segment_log_ratios"),
    params:
        **step("segment_log_ratios", settings.copy_number),
    script:
        "../scripts/segment_log_ratios.py"


rule assess_limits:
    input:
        ratios=files.DNA.ratios,
        noise=files.DNA.noise,
        layout=shipped(settings.reference.layout),
        watch=shipped(settings.copy_number.watch_regions),
    output:
        arms=files.DNA.arms,
        lod=files.DNA.lod,
    log:
        "logs/{lot}/assess_limits.log",
    benchmark:
        "benchmarks/{lot}/assess_limits.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("assess_limits"),
    params:
        **step("assess_limits", settings.copy_number),
    script:
        "../scripts/assess_limits.py"


rule call_changes:
    input:
        ratios=files.DNA.ratios,
        segments=files.DNA.segments,
        arms=files.DNA.arms,
        comparison=files.DNA.comparison,
        noise=files.DNA.noise,
        donor_noise="results/{lot}/dna/donor_noise.json",
        layout=shipped(settings.reference.layout),
        watch=shipped(settings.copy_number.watch_regions),
        gtf=files.given(settings.reference.gtf),
    output:
        calls=files.DNA.calls,
    log:
        "logs/{lot}/call_changes.log",
    benchmark:
        "benchmarks/{lot}/call_changes.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("call_changes"),
    params:
        **step("call_changes", settings.copy_number),
    script:
        "../scripts/call_changes.py"


rule match_donor:
    input:
        ratios=files.DNA.ratios,
        lot=lambda wildcards: files.counts_of(study, lot=wildcards.lot),
        donor=lambda wildcards: files.counts_of(study, donor=study.lots[wildcards.lot].donor_id),
        bins=files.BINS,
    output:
        variants=files.DNA.variants,
        match=files.DNA.match,
    log:
        "logs/{lot}/match_donor.log",
    benchmark:
        "benchmarks/{lot}/match_donor.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("match_donor"),
    params:
        **step("match_donor", settings.copy_number),
        sex=lambda wildcards: samples.sex_of(study, wildcards.lot),
    script:
        "../scripts/match_donor.py"


rule export_copy_number:
    input:
        ratios=files.DNA.ratios,
        segments=files.DNA.segments,
        calls=files.DNA.calls,
        arms=files.DNA.arms,
        lod=files.DNA.lod,
    output:
        ratios="results/{lot}/dna/log_ratios.tsv",
        segments="results/{lot}/dna/segments.tsv",
        calls="results/{lot}/dna/calls.tsv",
        arms="results/{lot}/dna/arms.tsv",
        lod="results/{lot}/dna/lod.tsv",
        seg="results/{lot}/dna/segments.seg",
        vcf=files.CALLS_VCF,
        bed="results/{lot}/dna/calls.bed",
        bedgraph="results/{lot}/dna/log_ratios.bedgraph",
    log:
        "logs/{lot}/export_copy_number.log",
    benchmark:
        "benchmarks/{lot}/export_copy_number.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("export_copy_number"),
    params:
        **step("export_copy_number"),
    script:
        "../scripts/export_copy_number.py"


rule summarise_copy_number:
    input:
        unpack(lambda wildcards: files.allele_inputs(study, settings, wildcards.lot)),
        calls=files.DNA.calls,
        segments=files.DNA.segments,
        arms=files.DNA.arms,
        lod=files.DNA.lod,
        comparison=files.DNA.comparison,
        noise=files.DNA.noise,
        match=files.DNA.match,
        layout=shipped(settings.reference.layout),
    output:
        metrics=files.METRICS["dna"],
    log:
        "logs/{lot}/summarise_copy_number.log",
    benchmark:
        "benchmarks/{lot}/summarise_copy_number.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("summarise_copy_number"),
    params:
        **step("summarise_copy_number", settings.copy_number),
    script:
        "../scripts/summarise_copy_number.py"


rule copy_number:
    input:
        expand(files.METRICS["dna"], lot=samples.lots_with_dna(study)),
