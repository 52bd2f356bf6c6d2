"""
INPUTS   reference.foreign of the config (a FASTA of foreign sequences; without it nothing here runs), aligned.cram of lot and
         donor with counts, bins and flagstat; RNA of both that came as reads, with the names of those salmon could not map
OUTPUTS  results/{lot}/foreign/: hits.paf, sequences and integrations (parquet; the same as tables for people), facts.json,
         metrics.json
STEPS    search_foreign: reads that do not fit the host, in full or in part, against the panel -> summarise_foreign
"""


rule search_foreign:
    input:
        unpack(lambda wildcards: foreign.reads(study, wildcards.lot)),
        fasta=files.FASTA,
        fasta_index=files.FASTA_INDEX,
        panel=files.given(settings.reference.foreign),
    output:
        hits="results/{lot}/foreign/hits.paf",
    log:
        "logs/{lot}/search_foreign.log",
    benchmark:
        "benchmarks/{lot}/search_foreign.tsv"
    conda:
        "../../envs/alignment.yaml"
    resources:
        **needs("search_foreign"),
    params:
        command=lambda wildcards: foreign.command(study, settings, wildcards.lot),
    shell:
        "trap 'rm -f {output.hits}.part' EXIT; "
        "({params.command} > {output.hits}.part && echo '# end' >> {output.hits}.part"
        " && mv {output.hits}.part {output.hits}) 2> {log}"


rule summarise_foreign:
    input:
        unpack(lambda wildcards: files.mitochondria_inputs(study, wildcards.lot)),
        hits="results/{lot}/foreign/hits.paf",
        panel=files.given(settings.reference.foreign),
        bins=files.BINS,
    output:
        **files.FOREIGN.named(),
        sequences_tsv="results/{lot}/foreign/sequences.tsv",
        integrations_tsv="results/{lot}/foreign/integrations.tsv",
        metrics=files.METRICS["foreign"],
    log:
        "logs/{lot}/summarise_foreign.log",
    benchmark:
        "benchmarks/{lot}/summarise_foreign.tsv"
    conda:
        "../../envs/karyolot.yaml"
    resources:
        **needs("summarise_foreign"),
    params:
        **step("summarise_foreign"),
        samples=lambda wildcards: foreign.samples_of(study, wildcards.lot),
    script:
        "../scripts/summarise_foreign.py"
