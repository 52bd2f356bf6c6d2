"""
INPUTS   identity.sites of the config (a panel of SNPs; without it nothing here runs), aligned.cram of lot and donor
OUTPUTS  results/reference/sites.parquet; results/samples/{sample}/dna/alleles.parquet; results/{lot}/alleles/:
         identity.json, events.parquet, facts.json, metrics.json; results/study/identity.parquet: every pair of samples
STEPS    prepare_sites -> count_alleles -> match_alleles, compare_alleles -> summarise_alleles; match_samples
"""


rule prepare_sites:
    input:
        panel=paths.given(settings.identity.sites),
        fasta="results/reference/genome.fa",
        index="results/reference/genome.fa.fai",
        layout=shipped(settings.reference.layout),
    output:
        sites="results/reference/sites.parquet",
    log:
        "logs/reference/prepare_sites.log",
    benchmark:
        "benchmarks/reference/prepare_sites.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("prepare_sites"),
    params:
        **stage("prepare_sites"),
    script:
        "../scripts/prepare_sites.py"


rule count_alleles:
    input:
        cram="results/samples/{sample}/dna/aligned.cram",
        index="results/samples/{sample}/dna/aligned.cram.crai",
        fasta="results/reference/genome.fa",
        sites="results/reference/sites.parquet",
    output:
        alleles="results/samples/{sample}/dna/alleles.parquet",
    log:
        "logs/samples/{sample}/count_alleles.log",
    benchmark:
        "benchmarks/samples/{sample}/count_alleles.tsv"
    wildcard_constraints:
        sample=paths.one_of(paths.samples_with(study, "fastq_1", "alignment", assay="wgs")),
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("count_alleles"),
    params:
        **stage("count_alleles", settings.identity),
    script:
        "../scripts/count_alleles.py"


rule match_alleles:
    input:
        lot=lambda wildcards: paths.alleles_of(study, lot=wildcards.lot),
        donor=lambda wildcards: paths.alleles_of(study, donor=study.lots[wildcards.lot].donor_id),
    output:
        identity="results/{lot}/alleles/identity.json",
    log:
        "logs/{lot}/match_alleles.log",
    benchmark:
        "benchmarks/{lot}/match_alleles.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("match_alleles"),
    params:
        **stage("match_alleles", settings.identity),
    script:
        "../scripts/match_alleles.py"


rule compare_alleles:
    input:
        lot=lambda wildcards: paths.alleles_of(study, lot=wildcards.lot),
        donor=lambda wildcards: paths.alleles_of(study, donor=study.lots[wildcards.lot].donor_id),
        ratios="results/{lot}/dna/log_ratios.parquet",
        noise="results/{lot}/dna/noise.json",
        calls="results/{lot}/dna/calls.parquet",
    output:
        events="results/{lot}/alleles/events.parquet",
        facts="results/{lot}/alleles/facts.json",
    log:
        "logs/{lot}/compare_alleles.log",
    benchmark:
        "benchmarks/{lot}/compare_alleles.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("compare_alleles"),
    params:
        **stage("compare_alleles", settings.identity),
    script:
        "../scripts/compare_alleles.py"


rule summarise_alleles:
    input:
        identity="results/{lot}/alleles/identity.json",
        events="results/{lot}/alleles/events.parquet",
        facts="results/{lot}/alleles/facts.json",
    output:
        metrics="results/{lot}/alleles/metrics.json",
    log:
        "logs/{lot}/summarise_alleles.log",
    benchmark:
        "benchmarks/{lot}/summarise_alleles.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("summarise_alleles"),
    params:
        **stage("summarise_alleles"),
    script:
        "../scripts/summarise_alleles.py"


rule match_samples:
    input:
        alleles=paths.allele_tables(study, settings),
    output:
        pairs="results/study/identity.parquet",
        tsv="results/study/identity.tsv",
    log:
        "logs/match_samples.log",
    benchmark:
        "benchmarks/match_samples.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("match_samples"),
    params:
        **stage("match_samples", settings.identity),
        samples=paths.allele_samples(study, settings),
    script:
        "../scripts/match_samples.py"
