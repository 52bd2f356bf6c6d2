"""
INPUTS   alignments and counts of the sample table; FASTQ files are verified where they are read: align_reads, quantify_transcripts
OUTPUTS  results/samples/{sample}/reads/{unit}.json
STEPS    verify_data: checksum of an alignment or a table of counts; nothing is made from a file that fails
"""


rule verify_data:
    input:
        data=lambda wildcards: files.ready_file(study, wildcards.sample, wildcards.unit),
    output:
        facts=files.UNIT_FACTS,
    log:
        "logs/samples/{sample}/verify_data.{unit}.log",
    benchmark:
        "benchmarks/samples/{sample}/verify_data.{unit}.tsv"
    wildcard_constraints:
        sample=samples.one_of(samples.samples_with(study, "alignment", "counts")),
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("verify_data"),
    params:
        **step("verify_data"),
        sha256=lambda wildcards: samples.unit_of(study, wildcards.sample, wildcards.unit).sha256_1,
        state=lambda wildcards: state_of(files.ready_file(study, wildcards.sample, wildcards.unit)),
    script:
        "../scripts/verify_data.py"
