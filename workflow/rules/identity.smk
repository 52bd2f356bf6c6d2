"""
INPUTS   identity.sites of the config (a panel of SNPs), aligned.cram of lot and donor; or allele counts of lot and donor (column
         alleles), which need no panel; allele counts of the RNA of both that came as reads, made by quantify_transcripts
OUTPUTS  results/reference/sites.parquet; results/samples/{sample}/alleles.parquet; results/{lot}/alleles/:
         identity.json, events.parquet, arms.parquet, track.parquet (for drawing), facts.json, persons.json, metrics.json;
         results/study/identity.parquet: every pair of samples; identity.json: what it was made from
STEPS    prepare_sites -> count_alleles | import_alleles -> compare_alleles: a lot and its own donor only, with the metrics of its
         calls as the alleles support them; one that is not its donor's, and the other donors -> match_samples: all of them, those
         that are new against the others
"""


rule prepare_sites:
    input:
        panel=files.given(settings.identity.sites),
        fasta=files.FASTA,
        index=files.FASTA_INDEX,
        layout=shipped(settings.reference.layout),
    output:
        sites=files.SITES,
    log:
        "logs/reference/prepare_sites.log",
    benchmark:
        "benchmarks/reference/prepare_sites.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("prepare_sites"),
    params:
        **step("prepare_sites"),
    script:
        "../scripts/prepare_sites.py"


rule count_alleles:
    input:
        unpack(lambda wildcards: files.aligned(study, wildcards.sample)),
        fasta=files.FASTA,
        sites=files.SITES,
    output:
        alleles=files.ALLELES,
    log:
        "logs/samples/{sample}/count_alleles.log",
    benchmark:
        "benchmarks/samples/{sample}/count_alleles.tsv"
    wildcard_constraints:
        sample=samples.one_of(samples.samples_with(study, "fastq_1", "alignment", assay="wgs")),
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("count_alleles"),
    params:
        **step("count_alleles", settings.identity, without="tested_elsewhere"),
    script:
        "../scripts/count_alleles.py"


rule import_alleles:
    input:
        table=lambda wildcards: study.samples[wildcards.sample][0].alleles,
        bins=files.BINS,
        sites=files.panel_sites(settings),
    output:
        alleles=files.ALLELES,
    log:
        "logs/samples/{sample}/import_alleles.log",
    benchmark:
        "benchmarks/samples/{sample}/import_alleles.tsv"
    wildcard_constraints:
        sample=samples.one_of(samples.samples_with(study, "alleles")),
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("import_alleles"),
    params:
        **step("import_alleles"),
        names=lambda wildcards: samples.allele_names(study, wildcards.sample),
        state=lambda wildcards: state_of(study.samples[wildcards.sample][0].alleles),
    script:
        "../scripts/import_alleles.py"


rule compare_alleles:
    input:
        unpack(lambda wildcards: files.alleles_of(study, settings, wildcards.lot)),
        ratios=files.DNA.ratios,
        calls=files.DNA.calls,
        segments=files.DNA.segments,
        noise=files.DNA.noise,
        metrics=files.METRICS["dna"],
    output:
        identity=files.LOT_ALLELES.identity,
        events=files.LOT_ALLELES.events,
        arms=files.LOT_ALLELES.arms,
        track=files.LOT_ALLELES.track,
        facts=files.LOT_ALLELES.facts,
        persons=files.LOT_ALLELES.persons,
        metrics=files.METRICS["alleles"],
    log:
        "logs/{lot}/compare_alleles.log",
    benchmark:
        "benchmarks/{lot}/compare_alleles.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("compare_alleles"),
    params:
        **step("compare_alleles", settings.identity, without="tested_elsewhere"),
        copy_number=settings.copy_number.model_dump(mode="json"),
        samples=lambda wildcards: samples.expressed_of(study, settings, wildcards.lot),
        sets=lambda wildcards: samples.sets_of(study, wildcards.lot),
        # A function of `input` triggers no rerun: a donor who is added changes no lot.
        counted=lambda wildcards, input: files.counted_of(study, settings, wildcards.lot),
    script:
        "../scripts/compare_alleles.py"


rule match_samples:
    input:
        alleles=files.allele_tables(study, settings),
        own=expand(files.LOT_ALLELES.identity, lot=samples.allele_lots(study, settings)),
    output:
        # Kept while the job runs: pairs that it holds are not compared again.
        pairs=update(files.PAIRS),
        compared=update("results/study/identity.json"),
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
        **step("match_samples", settings.identity, without="tested_elsewhere"),
        samples=samples.allele_samples(study, settings),
        lots=samples.allele_lots(study, settings),
    script:
        "../scripts/match_samples.py"
