"""
INPUTS   results/{lot}/rna/de.parquet, results/study/expression.h5ad; the GMT files and axes of the section pathways
OUTPUTS  results/{lot}/rna/enrichment.parquet, levels.parquet; results/study/scores.parquet
STEPS    enrich_contrast: GSEA of a lot against its own donor; tabulate_levels: markers and pathway genes; score_study: GSVA of all samples, relative to each other
"""


rule enrich_contrast:
    input:
        table=files.RNA.differential,
        gene_sets=[shipped(path) for path in settings.pathways.gmt_files],
        axes=shipped(settings.pathways.axes),
    output:
        enrichment=files.RNA.enrichment,
    log:
        "logs/{lot}/enrich_contrast.log",
    benchmark:
        "benchmarks/{lot}/enrich_contrast.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("enrich_contrast"),
    params:
        **step("enrich_contrast", settings.pathways),
    script:
        "../scripts/enrich_contrast.py"


rule tabulate_levels:
    input:
        expression=files.EXPRESSION,
        panel=shipped(settings.expression.markers),
        gene_sets=[shipped(path) for path in settings.pathways.gmt_files],
        axes=shipped(settings.pathways.axes),
    output:
        levels=files.RNA.levels,
    log:
        "logs/{lot}/tabulate_levels.log",
    benchmark:
        "benchmarks/{lot}/tabulate_levels.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("tabulate_levels"),
    params:
        **step("tabulate_levels"),
    script:
        "../scripts/tabulate_levels.py"


rule score_study:
    input:
        expression=files.STUDY_EXPRESSION,
        gene_sets=[shipped(path) for path in settings.pathways.gmt_files],
        axes=shipped(settings.pathways.axes),
    output:
        scores=files.STUDY.sets,
    log:
        "logs/study/score_study.log",
    benchmark:
        "benchmarks/study/score_study.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("score_study"),
    params:
        **step("score_study", settings.pathways),
    script:
        "../scripts/score_study.py"
