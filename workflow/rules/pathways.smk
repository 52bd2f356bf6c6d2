"""
INPUTS   results/{lot}/rna/de.parquet, results/study/expression.h5ad; the GMT files and axes of the section pathways
OUTPUTS  results/{lot}/rna/enrichment.parquet, levels.parquet; results/study/scores.parquet
STEPS    enrich_contrast: GSEA of a lot against its own donor; tabulate_levels: markers and pathway genes; score_study: GSVA of all samples, relative to each other
"""


rule enrich_contrast:
    input:
        table="results/{lot}/rna/de.parquet",
        gene_sets=[shipped(path) for path in settings.pathways.gmt_files],
        axes=shipped(settings.pathways.axes),
    output:
        enrichment="results/{lot}/rna/enrichment.parquet",
    log:
        "logs/{lot}/enrich_contrast.log",
    conda:
        "../../envs/karyolot.yaml"
    resources:
        mem_mb=2000,
    params:
        **stage("enrich_contrast", settings.pathways),
    script:
        "../scripts/enrich_contrast.py"


rule tabulate_levels:
    input:
        expression="results/{lot}/rna/expression.h5ad",
        panel=shipped(settings.expression.markers),
        gene_sets=[shipped(path) for path in settings.pathways.gmt_files],
        axes=shipped(settings.pathways.axes),
    output:
        levels="results/{lot}/rna/levels.parquet",
    log:
        "logs/{lot}/tabulate_levels.log",
    conda:
        "../../envs/karyolot.yaml"
    resources:
        mem_mb=2000,
    params:
        **stage("tabulate_levels"),
    script:
        "../scripts/tabulate_levels.py"


rule score_study:
    input:
        expression="results/study/expression.h5ad",
        gene_sets=[shipped(path) for path in settings.pathways.gmt_files],
        axes=shipped(settings.pathways.axes),
    output:
        scores="results/study/scores.parquet",
    log:
        "logs/study/score_study.log",
    conda:
        "../../envs/karyolot.yaml"
    resources:
        mem_mb=4000,
    params:
        **stage("score_study", settings.pathways),
    script:
        "../scripts/score_study.py"
