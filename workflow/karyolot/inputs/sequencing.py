"""What the check finds in FASTQ, BAM and CRAM files, one by one and as mates."""

from collections.abc import Sequence
from pathlib import Path

from karyolot.contracts.problems import Fault, quoted
from karyolot.inputs import probe
from karyolot.inputs.files import Files, Use
from karyolot.inputs.genome import contig_fault, key_of, some
from karyolot.inputs.probe import ReadsHead


def reads(files: Files, uses: Sequence[Use]) -> None:
    """Every FASTQ file by itself, then the mates of each row."""
    heads = {(use.entry.line, use.column): (use, head) for use in uses if (head := reads_head(files, use)) is not None}
    for (line, column), (use, first) in heads.items():
        if column == "fastq_1" and (line, "fastq_2") in heads and line not in files.misplaced:
            mates(files, use, first, *heads[line, "fastq_2"])


def mates(files: Files, use: Use, first: ReadsHead, other_use: Use, second: ReadsHead) -> None:
    if first.mates == {2} or second.mates == {1}:
        swapped = first.mates != {1} and second.mates != {2}
        message = "the names of its reads say that they are the other mates"
        remedy = "exchange fastq_1 and fastq_2" if swapped else "name the file of the other mates"
        files.in_row(use if first.mates == {2} else other_use, Fault("E04", message, remedy))
        return
    for number, (one, other) in enumerate(zip(first.names, second.names, strict=False), 1):
        if one != other:
            message = f"read {number} is {quoted(other)}, and in fastq_1 {quoted(one)}"
            remedy = "name the mates of fastq_1, both files in the sequencer's order"
            files.in_row(other_use, Fault("E04", message, remedy))
            return


def reads_head(files: Files, use: Use) -> ReadsHead | None:
    try:
        head = files.look(probe.reads_head, use.file)
    except Fault as fault:
        files.in_row(use, fault)
        return None
    if head.longest < files.config.reads.min_length:
        message = (
            f"its reads have at most {head.longest} bases, and reads.min_length is {files.config.reads.min_length}"
        )
        files.in_row(use, Fault("E28", message, "name the right file, or lower reads.min_length"))
    return head


def alignment(files: Files, use: Use, contigs: dict[str, int] | None) -> None:
    try:
        head = files.look(probe.alignment_head, use.file)
    except Fault as fault:
        files.in_row(use, fault)
        return
    if head.paired is False:
        files.in_row(use, Fault("E28", "its reads are not paired, and fragments are counted", "sequence pairs"))
    if len(head.samples) > 1:
        message = f"holds reads of {len(head.samples)} samples (SM {', '.join(sorted(head.samples))})"
        files.in_row(use, Fault("W28", message, "split it by read group, unless all are the same cells"))
    if contigs is not None and (difference := contig_fault(head.contigs, contigs)):
        files.in_row(use, Fault("E14", difference, "give the FASTA the reads were aligned to, or the FASTQ files"))


def sites(files: Files, contigs: dict[str, int] | None) -> None:
    """Check the panel of SNPs."""

    def fits(file: Path) -> None:
        panel = files.look(probe.panel_contigs, file)
        if contigs and not set(map(key_of, panel)) & set(map(key_of, contigs)):
            message = f"none of its contigs ({some(panel)}) is in the reference ({some(contigs)})"
            raise Fault("E14", message, "give the panel made for this genome")

    files.examine("identity.sites", fits)
