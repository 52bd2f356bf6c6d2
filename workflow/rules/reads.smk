"""
INPUTS   FASTQ files of the sample table
OUTPUTS  results/samples/{sample}/reads/{unit}.json
STEPS    verify_reads: whole file, checksum, pairing; nothing is aligned or quantified from a file that fails
"""


rule verify_reads:
    input:
        reads=lambda wildcards: paths.reads_of(study, wildcards.sample, wildcards.unit),
    output:
        facts="results/samples/{sample}/reads/{unit}.json",
    log:
        "logs/samples/{sample}/verify_reads.{unit}.log",
    conda:
        "../../envs/karyolot.yaml"
    resources:
        mem_mb=1000,
    params:
        **stage("verify_reads"),
        sha256=lambda wildcards: paths.checksums_of(study, wildcards.sample, wildcards.unit),
    script:
        "../scripts/verify_reads.py"
