"""
INPUTS   all results of a lot, the quality facts of its samples; for the overview what is across lots, too
OUTPUTS  results/{lot}/report.json, report.html, report.pdf, figures/; results/overview.html, lots.tsv, lots.xlsx
STEPS    assemble_report -> render_report -> render_overview
"""


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
        sets=lambda wildcards: samples.sets_of(study, wildcards.lot),
        replicates=lambda wildcards: samples.rna_replicates(study, wildcards.lot),
        quality=lambda wildcards: files.quality_of(study, wildcards.lot),
        used=lambda wildcards: files.used_references(study, settings, wildcards.lot),
        acceptance=portable(shipped(settings.acceptance)),
        tools=lambda wildcards: commands.tools_of(study, settings, wildcards.lot),
        differences=differences(settings),
        reference=settings.reference.model_dump(mode="json", exclude={"decoys"}),
    script:
        "../scripts/assemble_report.py"


rule render_report:
    input:
        report=files.REPORT,
    output:
        html=report(
            files.HTML, caption="../report/report.rst", category="Reports", labels={"lot": "{lot}", "file": "HTML"}
        ),
        pdf=report(
            files.PDF, caption="../report/report.rst", category="Reports", labels={"lot": "{lot}", "file": "PDF"}
        ),
        figures=report(
            directory(files.FIGURES),
            patterns=["{name}.png"],
            caption="../report/figure.rst",
            category="Figures",
            labels={"lot": "{lot}", "figure": "{name}"},
        ),
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


rule render_overview:
    input:
        **files.overview_inputs(study, settings),
    output:
        html=report(files.OVERVIEW, caption="../report/overview.rst", category="Study", labels={"file": "overview"}),
        tsv=report(files.LOTS_TSV, caption="../report/overview.rst", category="Study", labels={"file": "table of lots"}),
        xlsx=files.LOTS_XLSX,
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
        sealed=audit.sealed(Path.cwd()),
        samples=expression.expression_samples(study, samples.study_samples(study)),
        decided=audit.decided(Path.cwd(), main=workflow.is_main_process),
    script:
        "../scripts/render_overview.py"
