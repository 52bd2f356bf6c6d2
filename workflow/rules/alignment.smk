"""
INPUTS   FASTQ pairs, or a BAM/CRAM of the sample; results/reference/genome.fa and its index
OUTPUTS  results/samples/{sample}/dna/aligned.cram(.crai), duplicates.json, flagstat.json, reads.json, {sample}.fastp.json
STEPS    align_reads: FASTQ files of all lanes are read once, in one pipe to the CRAM; duplicates within a library |
         import_alignment -> mark_duplicates
"""


# Threads of markdup write: with -@ samtools 1.16 reads with threads too, and hangs or ends without an error when the program
# before it in the pipe dies. The output of the first program on the reads comes last in the log.
rule align_reads:
    input:
        reads=lambda wildcards: samples.lanes_of(study, wildcards.sample),
        index=commands.aligner_files(settings.alignment),
        fasta=files.FASTA,
    output:
        cram=files.ALIGNED["dna"],
        index=files.ALIGNED_INDEX["dna"],
        flagstat=files.FLAGSTAT,
        facts=files.READ_FACTS["dna"],
        fastp=files.FASTP["dna"],
    log:
        "logs/samples/{sample}/align_reads.log",
    benchmark:
        "benchmarks/samples/{sample}/align_reads.tsv"
    wildcard_constraints:
        sample=samples.one_of(samples.samples_with(study, "fastq_1", assay="wgs")),
    conda:
        "../../envs/alignment.yaml"
    threads: 8
    resources:
        **needs("align_reads"),
    params:
        **programs(*commands.own_programs(settings.alignment)),
        trim=lambda wildcards, output: commands.trim_command(
            settings.reads, study, wildcards.sample, output.facts, output.fastp, python
        ),
        align=lambda wildcards, threads: commands.align_command(
            settings.alignment, study, wildcards.sample, threads, python
        ),
        distance=settings.alignment.optical_distance,
        remove_path=lambda wildcards, output: commands.remove_genome_path(output.cram),
        state=lambda wildcards: state_of(samples.lanes_of(study, wildcards.sample)),
        not_whole=commands.NOT_WHOLE,
        no_space=commands.NO_SPACE,
    shell:
        "trap 'rm -rf {output.cram}.part* {output.cram}.sort.* {output.cram}.dup* {output.index}.part {output.flagstat}.part"
        " {output.facts}.part {output.facts}.part.said {output.fastp}.part' EXIT; "
        "(({params.trim} 2> {output.facts}.part.said"
        " | {params.align}"
        " | samtools fixmate -u -m --no-PG - -"
        " | samtools sort -u --no-PG -m 512M -T {output.cram}.sort -"
        " | samtools markdup -d {params.distance} --barcode-tag RG --no-PG -T {output.cram}.dup"
        " -O cram,nthreads=2 --reference {input.fasta} - {output.cram}.part"
        " || {{ cat {output.facts}.part.said >&2; {params.no_space}; exit 1; }})"
        " && samtools quickcheck {output.cram}.part && {params.remove_path}"
        " && samtools index -o {output.index}.part {output.cram}.part"
        " && (gzip -t < {output.index}.part || {params.not_whole})"
        " && samtools flagstat -O json {output.cram}.part > {output.flagstat}.part"
        " && (test \"$(tail -n 1 {output.flagstat}.part)\" = '}}'"
        ' && test $(awk \'$1 == "\\"primary\\":" {{n += $2}} END {{print n}}\' {output.flagstat}.part) -eq'
        " $(sed -n 's/.*\"passed_filter_reads\": \\([0-9]*\\).*/\\1/p' {output.fastp}.part) || {params.not_whole})"
        " && mv {output.facts}.part {output.facts} && mv {output.fastp}.part {output.fastp}"
        " && mv {output.flagstat}.part {output.flagstat} && mv {output.cram}.part {output.cram}"
        " && mv {output.index}.part {output.index}) 2> {log}"


rule import_alignment:
    input:
        alignment=lambda wildcards: files.ready_file(study, wildcards.sample, wildcards.unit),
        facts=files.UNIT_FACTS,
        fasta=files.FASTA,
    output:
        bam=temp("results/samples/{sample}/dna/{unit}.bam"),
    log:
        "logs/samples/{sample}/import_alignment.{unit}.log",
    benchmark:
        "benchmarks/samples/{sample}/import_alignment.{unit}.tsv"
    wildcard_constraints:
        sample=samples.one_of(samples.samples_with(study, "alignment", assay="wgs")),
    conda:
        "../../envs/alignment.yaml"
    resources:
        **needs("import_alignment"),
    params:
        group=lambda wildcards: commands.read_group(study, wildcards.sample, wildcards.unit),
        not_whole=commands.NOT_WHOLE,
    shell:
        "trap 'rm -rf {output.bam}.part {output.bam}.sort.* {output.bam}.collate*' EXIT; "
        "(samtools collate -u -O --no-PG --reference {input.fasta} {input.alignment:q} {output.bam}.collate"
        " | samtools fixmate -u -m --no-PG - -"
        " | samtools addreplacerg -u -w -m overwrite_all --no-PG -r {params.group} -o - -"
        " | samtools sort -l 1 --no-PG -m 512M -T {output.bam}.sort -o {output.bam}.part -"
        " && samtools quickcheck {output.bam}.part"
        " && (test $(samtools view -c {output.bam}.part) -eq"
        " $(samtools view -c --input-fmt-option required_fields=2 --reference {input.fasta} {input.alignment:q})"
        " || {params.not_whole})"
        " && mv {output.bam}.part {output.bam}) 2> {log}"


rule mark_duplicates:
    input:
        bams=lambda wildcards: expand(
            "results/samples/{{sample}}/dna/{unit}.bam", unit=samples.units_of(study, wildcards.sample)
        ),
        fasta=files.FASTA,
    output:
        cram=files.ALIGNED["dna"],
        index=files.ALIGNED_INDEX["dna"],
        flagstat=files.FLAGSTAT,
    log:
        "logs/samples/{sample}/mark_duplicates.log",
    benchmark:
        "benchmarks/samples/{sample}/mark_duplicates.tsv"
    wildcard_constraints:
        sample=samples.one_of(samples.samples_with(study, "alignment", assay="wgs")),
    conda:
        "../../envs/alignment.yaml"
    threads: 2
    resources:
        **needs("mark_duplicates"),
    params:
        distance=settings.alignment.optical_distance,
        remove_path=lambda wildcards, output: commands.remove_genome_path(output.cram),
        not_whole=commands.NOT_WHOLE,
        no_space=commands.NO_SPACE,
    shell:
        "trap 'rm -rf {output.cram}.part* {output.cram}.dup* {output.index}.part {output.flagstat}.part' EXIT; "
        "((samtools merge -u -c -p --no-PG -o - {input.bams}"
        " | samtools markdup -d {params.distance} --barcode-tag RG --no-PG -T {output.cram}.dup"
        " -O cram,nthreads={threads} --reference {input.fasta} - {output.cram}.part"
        " || {{ {params.no_space}; exit 1; }})"
        " && samtools quickcheck {output.cram}.part && {params.remove_path}"
        " && samtools index -o {output.index}.part {output.cram}.part"
        " && (gzip -t < {output.index}.part || {params.not_whole})"
        " && samtools flagstat -O json {output.cram}.part > {output.flagstat}.part"
        " && (test \"$(tail -n 1 {output.flagstat}.part)\" = '}}'"
        " && test $(for bam in {input.bams}; do samtools view -c $bam; done | awk '{{n += $1}} END {{print n}}') -eq"
        ' $(awk \'$1 == "\\"total\\":" {{n += $2}} END {{print n}}\' {output.flagstat}.part) || {params.not_whole})'
        " && mv {output.flagstat}.part {output.flagstat} && mv {output.cram}.part {output.cram}"
        " && mv {output.index}.part {output.index}) 2> {log}"
