"""
INPUTS   all results of a lot, the quality facts of its samples; for the overview what is across lots, too
OUTPUTS  results/{lot}/provenance.json, report.json, report.html, report.pdf; results/overview.html, lots.tsv, lots.xlsx
STEPS    summarise_sample, collect_provenance -> assemble_report -> render_report, print_report -> render_overview, tabulate_lots
"""


rule summarise_sample:
    input:
        unpack(lambda wildcards: files.quality_inputs(study, wildcards.sample)),
    output:
        qc=files.QUALITY,
    log:
        "logs/samples/{sample}/summarise_sample.log",
    benchmark:
        "benchmarks/samples/{sample}/summarise_sample.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("summarise_sample"),
    params:
        **step("summarise_sample"),
        facts=lambda wildcards: samples.sample_facts(study, wildcards.sample),
    script:
        "../scripts/summarise_sample.py"


rule collect_provenance:
    input:
        data=lambda wildcards: files.verified_data(study, wildcards.lot),
        files=lambda wildcards: files.input_files(study, settings, wildcards.lot),
        verdict=files.VERDICT,
    output:
        provenance=files.PROVENANCE,
    log:
        "logs/{lot}/collect_provenance.log",
    benchmark:
        "benchmarks/{lot}/collect_provenance.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("collect_provenance"),
    params:
        **step("collect_provenance"),
        report=step("assemble_report")["code"],
        tools=lambda wildcards: commands.tools_of(study, settings, wildcards.lot),
        differences=differences(settings),
        acceptance=shipped(settings.acceptance),
        reference=settings.reference.model_dump(mode="json", exclude={"decoys"}),
    script:
        "../scripts/collect_provenance.py"


rule assemble_report:
    input:
        unpack(lambda wildcards: files.lot_inputs(study, settings, wildcards.lot)),
    output:
        report=files.REPORT,
    log:
        "logs/{lot}/assemble_report.log",
    benchmark:
        "benchmarks/{lot}/assemble_report.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("assemble_report"),
    params:
        **step("assemble_report", settings.copy_number),
        lot=lambda wildcards: samples.lot_facts(study, wildcards.lot),
        notice=settings.notice,
        results=lambda wildcards: samples.lot_results(study, wildcards.lot),
        replicates=lambda wildcards: samples.rna_replicates(study, wildcards.lot),
    script:
        "../scripts/assemble_report.py"


rule render_report:
    input:
        report=files.REPORT,
    output:
        html=files.HTML,
    log:
        "logs/{lot}/render_report.log",
    benchmark:
        "benchmarks/{lot}/render_report.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("render_report"),
    params:
        **step("render_report"),
        mark=made_by.mark,
    script:
        "../scripts/render_report.py"


rule print_report:
    input:
        report=files.REPORT,
    output:
        pdf=files.PDF,
    log:
        "logs/{lot}/print_report.log",
    benchmark:
        "benchmarks/{lot}/print_report.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("print_report"),
    params:
        **step("print_report"),
        mark=made_by.mark,
    script:
        "../scripts/print_report.py"


rule render_overview:
    input:
        **files.overview_inputs(study, settings),
    output:
        html=files.OVERVIEW,
    log:
        "logs/render_overview.log",
    benchmark:
        "benchmarks/render_overview.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("render_overview"),
    params:
        **step("render_overview"),
        mark=made_by.mark,
        samples=files.expression_samples(study, samples.study_samples(study)),
    script:
        "../scripts/render_overview.py"


rule tabulate_lots:
    input:
        reports=files.reports(study),
    output:
        tsv=files.LOTS_TSV,
        xlsx=files.LOTS_XLSX,
    log:
        "logs/tabulate_lots.log",
    benchmark:
        "benchmarks/tabulate_lots.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("tabulate_lots"),
    params:
        **step("tabulate_lots"),
    script:
        "../scripts/tabulate_lots.py"
