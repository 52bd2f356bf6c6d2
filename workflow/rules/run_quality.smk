"""
INPUTS   the records of all lots; what fastp said of every sample
OUTPUTS  results/multiqc/{verdicts,quality}_mqc.json; results/multiqc.html
STEPS    tabulate_verdicts -> summarise_run. Made when report.multiqc says so, or when asked for; no verdict rests on it
"""


rule tabulate_verdicts:
    input:
        reports=files.reports(study),
    output:
        verdicts="results/multiqc/verdicts_mqc.json",
        quality="results/multiqc/quality_mqc.json",
    log:
        "logs/tabulate_verdicts.log",
    benchmark:
        "benchmarks/tabulate_verdicts.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("tabulate_verdicts"),
    params:
        **step("tabulate_verdicts"),
    script:
        "../scripts/tabulate_verdicts.py"


# Nothing is fetched and nothing is sent: no version check, no AI, no upload.
rule summarise_run:
    input:
        verdicts="results/multiqc/verdicts_mqc.json",
        quality="results/multiqc/quality_mqc.json",
        said=files.said_by_fastp(study),
    output:
        html=files.MULTIQC,
    log:
        "logs/summarise_run.log",
    benchmark:
        "benchmarks/summarise_run.tsv"
    conda:
        "../../envs/multiqc.yaml"
    resources:
        **needs("summarise_run"),
    shell:
        "multiqc --force --no-version-check --no-ai --no-megaqc-upload --no-data-dir --no-ansi --fn_as_s_name --strict"
        " --title 'Quality of the run' --filename multiqc.part.html --outdir results {input} > {log} 2>&1"
        " && mv results/multiqc.part.html {output.html}"
