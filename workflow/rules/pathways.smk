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
        expression="results/{lot}/rna/expression.h5ad",
        panel=shipped(settings.expression.markers),
        gene_sets=[shipped(path) for path in settings.pathways.gmt_files],
        axes=shipped(settings.pathways.axes),
    output:
        levels="results/{lot}/rna/levels.parquet",
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
        expression="results/study/expression.h5ad",
        gene_sets=[shipped(path) for path in settings.pathways.gmt_files],
        axes=shipped(settings.pathways.axes),
    output:
        scores="results/study/scores.parquet",
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
