"""
INPUTS   RNA FASTQ files, or gene count matrices; reference.gtf, reference.fasta or reference.transcripts; gene sets
OUTPUTS  results/samples/{sample}/rna/quant.sf, salmon.json, {unit}.fastp.json; results/{lot}/rna/expression.h5ad,
         de, markers and enrichment (parquet, TSV), levels.parquet, quality.parquet, metrics.json, arms.parquet, and with
         a reference panel panel.parquet, panel.json, panel_genes.parquet, pca.parquet, panel_metrics.json;
         results/study/expression.h5ad, de.parquet, pca.parquet, distances.parquet, marker_scores.parquet, scores.parquet
STEPS    map_transcripts, extract_transcripts -> index_transcripts; trim_transcripts (verifies, too) -> quantify_transcripts ->
         analyse_expression: a lot and its own donor only -> compare_arms: weak second evidence of an aneuploidy;
         compare_panel: a lot and the frozen panel only; test_study -> compare_samples: all of them
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


rule extract_transcripts:
    input:
        fasta=files.FASTA,
        gtf=files.given(settings.reference.gtf),
    output:
        fasta=files.TRANSCRIPTS,
    log:
        "logs/reference/extract_transcripts.log",
    benchmark:
        "benchmarks/reference/extract_transcripts.tsv"
    conda:
        "../../envs/expression.yaml"
    resources:
        **needs("extract_transcripts"),
    params:
        not_whole=commands.NOT_WHOLE,
    shell:
        "trap 'rm -rf {output.fasta}.part' EXIT; "
        "(gzip -cdf {input.gtf:q} | gffread -w {output.fasta}.part -g {input.fasta} -"
        ' && test -s {output.fasta}.part && (test -z "$(tail -c 1 {output.fasta}.part)" || {params.not_whole})'
        " && mv {output.fasta}.part {output.fasta}) 2> {log}"


# --gencode: a name ends at the first '|', as GENCODE writes it; other names have none.
rule index_transcripts:
    input:
        transcripts=expression.transcripts_of(settings.reference),
        decoys=expression.decoys_of(settings.reference),
    output:
        index=directory("results/reference/salmon"),
    log:
        "logs/reference/index_transcripts.log",
    benchmark:
        "benchmarks/reference/index_transcripts.tsv"
    conda:
        "../../envs/expression.yaml"
    threads: 4
    resources:
        **needs("index_transcripts"),
    shell:
        "trap 'rm -rf {output.index}.part' EXIT; "
        "(mkdir -p {output.index}.part"
        " && gzip -cdf {input.transcripts:q} {input.decoys} > {output.index}.part/targets.fa"
        " && sed -n 's/^>\\([^[:space:]]*\\).*/\\1/p' /dev/null {input.decoys} > {output.index}.part/decoys.txt"
        " && salmon index --gencode --threads {threads} --transcripts {output.index}.part/targets.fa"
        " $(test -s {output.index}.part/decoys.txt && echo --decoys {output.index}.part/decoys.txt)"
        " --index {output.index}.part/index"
        " && mv {output.index}.part/index {output.index}) > {log} 2>&1"


rule trim_transcripts:
    input:
        reads=lambda wildcards: samples.reads_of(study, wildcards.sample, wildcards.unit),
    output:
        reads=temp(directory(files.TRIMMED)),
        facts=files.UNIT_FACTS,
        fastp=files.FASTP["rna"],
    log:
        "logs/samples/{sample}/trim_transcripts.{unit}.log",
    benchmark:
        "benchmarks/samples/{sample}/trim_transcripts.{unit}.tsv"
    wildcard_constraints:
        sample=samples.one_of(samples.samples_with(study, "fastq_1", assay="rnaseq")),
    conda:
        "../../envs/expression.yaml"
    threads: 2
    resources:
        **needs("trim_transcripts"),
    params:
        **programs("karyolot.inputs.stream"),
        trim=lambda wildcards, output: commands.trim_rna_command(
            settings.reads, study, wildcards.sample, wildcards.unit, output, python
        ),
        state=lambda wildcards: state_of(samples.reads_of(study, wildcards.sample, wildcards.unit)),
        not_whole=commands.NOT_WHOLE,
    shell:
        "trap 'rm -rf {output.facts}.part {output.fastp}.part' EXIT; "
        "(mkdir -p {output.reads} && {params.trim}"
        " && (gzip -t {output.reads}/*.gz || {params.not_whole})"
        " && mv {output.facts}.part {output.facts} && mv {output.fastp}.part {output.fastp}) 2> {log}"


# One thread: several learn the bias model in changing order, and the TPM of two runs differed by up to 5 %. Lines with times and
# paths are left out of salmon.json, so that it states facts only.
rule quantify_transcripts:
    input:
        reads=lambda wildcards: expand(
            files.TRIMMED, unit=samples.units_of(study, wildcards.sample), allow_missing=True
        ),
        index="results/reference/salmon",
    output:
        **foreign.unmapped(settings.reference),
        quant=files.QUANTIFIED,
        facts=files.SALMON,
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
        reads=lambda wildcards: commands.salmon_reads(study, wildcards.sample),
        options=commands.salmon_options(settings.expression, unmapped=settings.reference.foreign is not None),
        unmapped=lambda wildcards, output: foreign.keep_unmapped(settings.reference, output),
        not_whole=commands.NOT_WHOLE,
    shell:
        "trap 'rm -rf {output.quant}.part {output.facts}.part' EXIT; "
        "(salmon quant --index {input.index} --libType A {params.reads} {params.options} --threads 1"
        " --output {output.quant}.part"
        " && (test $(wc -l < {output.quant}.part/quant.sf) -eq $((1 + 10#0$(sed -n 's/.*\"num_valid_targets\": \\([0-9]*\\).*/\\1/p'"
        " {output.quant}.part/aux_info/meta_info.json))) || {params.not_whole})"
        " && (grep -v '_time\"' {output.quant}.part/aux_info/meta_info.json | sed '$d'"
        " && sed 1d {output.quant}.part/lib_format_counts.json | grep -v read_files) > {output.facts}.part"
        " && {params.unmapped}"
        " && mv {output.facts}.part {output.facts} && mv {output.quant}.part/quant.sf {output.quant}) > {log} 2>&1"


rule analyse_expression:
    input:
        unpack(
            lambda wildcards: expression.expression_inputs(
                study, settings.reference, samples.rna_samples(study, wildcards.lot)
            )
        ),
        panel=shipped(settings.expression.markers),
        gene_sets=[shipped(path) for path in settings.pathways.gmt_files],
        axes=shipped(settings.pathways.axes),
    output:
        expression=files.EXPRESSION,
        differential=files.RNA.differential,
        markers=files.RNA.markers,
        enrichment=files.RNA.enrichment,
        levels=files.RNA.levels,
        quality=files.RNA.quality,
        components=files.RNA.components,
        differential_tsv="results/{lot}/rna/de.tsv",
        markers_tsv="results/{lot}/rna/markers.tsv",
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


rule compare_panel:
    input:
        expression=files.EXPRESSION,
        panel=files.given(settings.expression.panel),
    output:
        table=files.PANEL.comparison.table,
        facts=files.PANEL.comparison.facts,
        genes=files.PANEL.genes,
        components=files.PANEL.components,
        metrics=files.METRICS["panel"],
    log:
        "logs/{lot}/compare_panel.log",
    benchmark:
        "benchmarks/{lot}/compare_panel.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("compare_panel"),
    params:
        **step("compare_panel"),
    script:
        "../scripts/compare_panel.py"


rule compare_arms:
    input:
        table=files.RNA.differential,
        genes=files.GENES,
        bins=files.BINS,
        panel=files.given(settings.expression.panel),
    output:
        arms=files.RNA.arms,
    log:
        "logs/{lot}/compare_arms.log",
    benchmark:
        "benchmarks/{lot}/compare_arms.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("compare_arms"),
    params:
        **step("compare_arms"),
    script:
        "../scripts/compare_arms.py"


rule test_study:
    input:
        **expression.expression_inputs(study, settings.reference, samples.study_samples(study)),
    output:
        expression=files.STUDY_EXPRESSION,
        table=files.STUDY_DIFFERENTIAL,
    log:
        "logs/study/test_study.log",
    benchmark:
        "benchmarks/study/test_study.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("test_study"),
    params:
        **step("test_study", settings.expression, without="panel"),
        samples=expression.expression_samples(study, samples.study_samples(study)),
        salmon=expression.quantified_samples(study, samples.study_samples(study)),
        gtf=expression.annotation_name(settings.reference),
    script:
        "../scripts/test_study.py"


rule compare_samples:
    input:
        expression=files.STUDY_EXPRESSION,
        markers=shipped(settings.expression.markers),
        panel=files.given(settings.expression.panel),
        gene_sets=[shipped(path) for path in settings.pathways.gmt_files],
        axes=shipped(settings.pathways.axes),
    output:
        **files.STUDY.named(),
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
    script:
        "../scripts/compare_samples.py"
