"""
INPUTS   counts and calls of a lot and of the lots it was grown from, counts of their donor, verdicts on the earlier lots; small
         variants and mitochondrial DNA of the lot and of the one it was grown from, where they were searched
OUTPUTS  results/{lot}/lineage/kinetics.json, parent.json, metrics.json; results/study/lineage/{family}.json, for the
         overview, of all lots grown from the lot {family}
STEPS    trace_lineage: clones of the lots together, at shared breakpoints, and is the lot of this line;
         trace_family: the same clones, with sister lots
"""


rule trace_lineage:
    input:
        unpack(lambda wildcards: files.lineage_inputs(study, wildcards.lot)),
        unpack(lambda wildcards: files.descent_inputs(study, settings, wildcards.lot)),
        donor=lambda wildcards: files.counts_of(study, donor=study.lots[wildcards.lot].donor_id),
        bins=files.BINS,
        layout=shipped(settings.reference.layout),
        recurrent=shipped(settings.copy_number.recurrent_regions),
        gtf=files.given(settings.reference.gtf),
    output:
        kinetics=files.KINETICS,
        descent=files.DESCENT,
        metrics=files.METRICS["lineage"],
    log:
        "logs/{lot}/trace_lineage.log",
    benchmark:
        "benchmarks/{lot}/trace_lineage.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("trace_lineage"),
    params:
        **step("trace_lineage", settings.copy_number),
        sex=lambda wildcards: samples.sex_of(study, wildcards.lot),
        line=lambda wildcards: samples.line_of(study, wildcards.lot),
        parent=lambda wildcards: samples.parent_of(study, wildcards.lot),
    script:
        "../scripts/trace_lineage.py"


# Its wildcard is not a lot: the results of a family are none of its first lot's, which may be sealed.
rule trace_family:
    input:
        unpack(lambda wildcards: files.family_inputs(study, wildcards.family)),
        donor=lambda wildcards: files.counts_of(study, donor=study.lots[wildcards.family].donor_id),
        bins=files.BINS,
        layout=shipped(settings.reference.layout),
        recurrent=shipped(settings.copy_number.recurrent_regions),
        gtf=files.given(settings.reference.gtf),
    output:
        kinetics=files.FAMILY,
    log:
        "logs/study/trace_family.{family}.log",
    benchmark:
        "benchmarks/study/trace_family.{family}.tsv"
    wildcard_constraints:
        family=samples.one_of(list(samples.families(study))),
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("trace_family"),
    params:
        **step("trace_family", settings.copy_number),
        sex=lambda wildcards: samples.sex_of(study, wildcards.family),
        line=lambda wildcards: samples.family_of(study, wildcards.family),
    script:
        "../scripts/trace_family.py"
