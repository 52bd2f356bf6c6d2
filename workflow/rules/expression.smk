"""
INPUTS   RNA FASTQ files, or gene count matrices; reference.gtf, reference.fasta or reference.transcripts; gene sets; for SNPs of
         RNA the genome's index and results/reference/sites.parquet
OUTPUTS  results/samples/{sample}/rna/quant.sf, salmon.json, reads.json, {sample}.fastp.json; with a panel of SNPs
         results/samples/{sample}/alleles.parquet and rna/aligned.bam, its alignment; with a panel of foreign sequences
         rna/unmapped.fq.gz; results/{lot}/rna/expression.h5ad,
         de, markers and enrichment (parquet, TSV), levels.parquet, quality.parquet, metrics.json, arms.parquet, and with
         a reference panel panel.parquet, panel.json, panel_genes.parquet, pca.parquet, panel_metrics.json;
         results/study/expression.h5ad, de.parquet, pca.parquet, distances.parquet, marker_scores.parquet, scores.parquet
STEPS    map_transcripts, index_transcripts -> quantify_transcripts: reads are verified, trimmed, quantified, and the first of them
         aligned to the genome for their SNPs -> analyse_expression: a lot, its own donor and the frozen panel only, with weak second
         evidence of an aneuploidy; compare_samples: all lots of a study that has several
"""


rule map_transcripts:
    input:
        gtf=files.given(settings.reference.gtf),
    output:
        transcripts=files.TRANSCRIPT_GENES,
        genes=files.GENES,
    log:
        "logs/reference/map_transcripts.log",
    benchmark:
        "benchmarks/reference/map_transcripts.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("map_transcripts"),
    params:
        **step("map_transcripts"),
    script:
        "../scripts/map_transcripts.py"


# --gencode: a name ends at the first '|', as GENCODE writes it; other names have none.
rule index_transcripts:
    input:
        transcripts=expression.transcripts_of(settings.reference),
        decoys=expression.decoys_of(settings.reference),
    output:
        index=directory(files.TRANSCRIPTS),
    log:
        "logs/reference/index_transcripts.log",
    benchmark:
        "benchmarks/reference/index_transcripts.tsv"
    conda:
        "../../envs/expression.yaml"
    threads: 4
    resources:
        **needs("index_transcripts"),
    params:
        transcripts=commands.transcripts_command(settings.reference),
        not_whole=commands.NOT_WHOLE,
    shell:
        "trap 'rm -rf {output.index}.part' EXIT; "
        "(mkdir -p {output.index}.part && {params.transcripts} > {output.index}.part/targets.fa"
        " && test -s {output.index}.part/targets.fa"
        ' && (test -z "$(tail -c 1 {output.index}.part/targets.fa)" || {params.not_whole})'
        " && cat /dev/null {input.decoys} >> {output.index}.part/targets.fa"
        " && sed -n 's/^>\\([^[:space:]]*\\).*/\\1/p' /dev/null {input.decoys} > {output.index}.part/decoys.txt"
        " && salmon index --gencode --threads {threads} --transcripts {output.index}.part/targets.fa"
        " $(test -s {output.index}.part/decoys.txt && echo --decoys {output.index}.part/decoys.txt)"
        " --index {output.index}.part/index"
        " && mv {output.index}.part/index {output.index}) > {log} 2>&1"


# Its steps always run together, since trimmed reads are not kept. What a lot reads of its donor is: if it had to be made again for
# a new lot, all earlier lots of that donor would run again. One thread: with several salmon learns the bias model in changing
# order, and the TPM of two runs differed by up to 5 %. Lines with times and paths are left out of salmon.json, so that it states
# facts only.
rule quantify_transcripts:
    input:
        **expression.snp_inputs(study, settings),
        reads=lambda wildcards: samples.lanes_of(study, wildcards.sample),
        salmon=files.TRANSCRIPTS,
    output:
        **only_if(settings.reference.foreign, unmapped=foreign.UNMAPPED),
        **only_if(
            samples.rna_wanted(study, settings),
            alleles=files.ALLELES,
            bam=files.ALIGNED["rna"],
            index=files.ALIGNED_INDEX["rna"],
        ),
        quant=files.QUANTIFIED,
        salmon=files.SALMON,
        facts=files.READ_FACTS["rna"],
        fastp=files.FASTP["rna"],
    log:
        "logs/samples/{sample}/quantify_transcripts.log",
    benchmark:
        "benchmarks/samples/{sample}/quantify_transcripts.tsv"
    wildcard_constraints:
        sample=samples.one_of(samples.samples_with(study, "fastq_1", assay="rnaseq")),
    conda:
        "../../envs/expression.yaml"
    resources:
        **needs("quantify_transcripts"),
    params:
        **programs(*commands.own_programs_of_rna(study, settings)),
        folder=files.TRIMMED,
        spent=commands.SPENT,
        trim=lambda wildcards, output: commands.trim_rna_command(
            settings.reads, study, wildcards.sample, output, python
        ),
        reads=lambda wildcards: commands.salmon_reads(study, wildcards.sample),
        options=commands.salmon_options(settings.expression, unmapped=settings.reference.foreign is not None),
        unmapped=lambda wildcards, output: foreign.keep_unmapped(settings.reference, study, wildcards.sample, output),
        snps=lambda wildcards, output, threads: commands.snps_command(
            settings, study, wildcards.sample, output, threads, python
        ),
        state=lambda wildcards: state_of(samples.lanes_of(study, wildcards.sample)),
        not_whole=commands.NOT_WHOLE,
    shell:
        "trap 'rm -rf {output.quant}.part {output.salmon}.part {output.facts}.part {output.fastp}.part {params.spent}' EXIT; "
        "(mkdir -p {params.folder} && {params.trim}"
        " && (gzip -t {params.folder}/*.gz || {params.not_whole})"
        " && salmon quant --index {input.salmon} --libType A {params.reads} {params.options} --threads 1"
        " --output {output.quant}.part"
        " && (test $(wc -l < {output.quant}.part/quant.sf) -eq $((1 + 10#0$(sed -n 's/.*\"num_valid_targets\": \\([0-9]*\\).*/\\1/p'"
        " {output.quant}.part/aux_info/meta_info.json))) || {params.not_whole})"
        " && (grep -v '_time\"' {output.quant}.part/aux_info/meta_info.json | sed '$d'"
        " && sed 1d {output.quant}.part/lib_format_counts.json | grep -v read_files) > {output.salmon}.part"
        " && {params.snps} && {params.unmapped}"
        " && mv {output.facts}.part {output.facts} && mv {output.fastp}.part {output.fastp}"
        " && mv {output.salmon}.part {output.salmon} && mv {output.quant}.part/quant.sf {output.quant}) > {log} 2>&1"


rule analyse_expression:
    input:
        unpack(
            lambda wildcards: expression.expression_inputs(
                study, settings.reference, samples.rna_samples(study, wildcards.lot)
            )
        ),
        panel=shipped(settings.expression.markers),
        frozen=files.given(settings.expression.panel),
        gene_sets=[shipped(path) for path in settings.pathways.gmt_files],
        axes=shipped(settings.pathways.axes),
        bins=expression.places(settings.reference),
    output:
        **only_if(expression.places(settings.reference), arms=files.RNA.arms),
        **only_if(
            settings.expression.panel,
            panel_table=files.PANEL.comparison.table,
            panel_facts=files.PANEL.comparison.facts,
            panel_genes=files.PANEL.genes,
            panel_components=files.PANEL.components,
            panel_metrics=files.METRICS["panel"],
        ),
        expression=files.EXPRESSION,
        differential=files.RNA.differential,
        markers=files.RNA.markers,
        enrichment=files.RNA.enrichment,
        levels=files.RNA.levels,
        quality=files.RNA.quality,
        components=files.RNA.components,
        differential_tsv="results/{lot}/rna/de.tsv",
        markers_tsv=report(
            "results/{lot}/rna/markers.tsv",
            caption="../report/markers.rst",
            category="Tables",
            labels={"lot": "{lot}", "table": "markers"},
        ),
        enrichment_tsv="results/{lot}/rna/enrichment.tsv",
        metrics=files.METRICS["rna"],
    log:
        "logs/{lot}/analyse_expression.log",
    benchmark:
        "benchmarks/{lot}/analyse_expression.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("analyse_expression"),
    params:
        **step("analyse_expression", settings.pathways),
        design=settings.expression.design,
        samples=lambda wildcards: expression.expression_samples(study, samples.rna_samples(study, wildcards.lot)),
        salmon=lambda wildcards: expression.quantified_samples(study, samples.rna_samples(study, wildcards.lot)),
        gtf=expression.annotation_name(settings.reference),
        sex=lambda wildcards: samples.sex_of(study, wildcards.lot),
    script:
        "../scripts/analyse_expression.py"


rule compare_samples:
    input:
        **expression.expression_inputs(study, settings.reference, samples.study_samples(study)),
        markers=shipped(settings.expression.markers),
        panel=files.given(settings.expression.panel),
        gene_sets=[shipped(path) for path in settings.pathways.gmt_files],
        axes=shipped(settings.pathways.axes),
    output:
        **only_if(files.study_files(study), **files.STUDY.named()),
        expression=files.STUDY_EXPRESSION,
        differential=files.STUDY_DIFFERENTIAL,
    log:
        "logs/study/compare_samples.log",
    benchmark:
        "benchmarks/study/compare_samples.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("compare_samples"),
    params:
        **step("compare_samples", settings.pathways),
        design=settings.expression.design,
        samples=expression.expression_samples(study, samples.study_samples(study)),
        salmon=expression.quantified_samples(study, samples.study_samples(study)),
        gtf=expression.annotation_name(settings.reference),
    script:
        "../scripts/compare_samples.py"
