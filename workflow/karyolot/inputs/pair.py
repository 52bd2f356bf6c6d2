"""The check of two tables of counts and their tracks, given to `karyolot call` without a study: the rules of a study's."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from karyolot.contracts.contigs import contig_key
from karyolot.contracts.problems import Fault, Problem, some
from karyolot.contracts.settings import Layout
from karyolot.inputs import genome
from karyolot.inputs.formats import bin_counts, fasta, intervals, layout
from karyolot.inputs.formats.text import regular_file

T = TypeVar("T")
KINDS = {"gc": intervals.GC, "mappability": intervals.MAPPABILITY, "rt": intervals.TIMING}
"""What the tracks of `karyolot call` hold, by option."""


class Pair(NamedTuple):
    """What two tables and their genome are: the width of the bins, and the contigs in the lot's (or the FASTA's) spelling."""

    width: int
    contigs: list[tuple[str, int]]
    layout: Layout


class _Found:
    """Problems of files, as they are found."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def note(self, path: Path, fault: Fault | None) -> None:
        if fault is not None:
            where = (str(path), fault.message, fault.remedy, fault.line)
            self.problems.append(Problem(fault.code, *where, meant=fault.meant))

    def look(self, path: Path, look: Callable[[Path], T]) -> T | None:
        """`look` of a file; None when its Fault became a problem."""
        try:
            regular_file(path)
            return look(path)
        except Fault as fault:
            self.note(path, fault)
            return None


def examine(
    lot: Path, donor: Path, layout_file: Path, tracks: Mapping[str, Path], sequence: Path | None
) -> tuple[Pair | None, list[Problem]]:
    """Everything that is wrong with the files, in one pass.

    Parameters
    ----------
    lot, donor
        Counts per bin.
    layout_file
        Layout of the assembly.
    tracks
        Files by option, see KINDS.
    sequence
        FASTA of the genome; None when its lengths come from the cytobands of the layout.

    Returns
    -------
    tuple
        The pair (None when there is an error), and the problems: errors and warnings.
    """
    found = _Found()
    assembly = found.look(layout_file, layout.look)
    lengths = _lengths(found, assembly, sequence)
    if sequence is not None and "gc" in tracks:
        found.note(sequence, Fault("E25", "GC is given twice: --gc and --fasta", "give one of them"))
    own = _counts(found, lot, donor, assembly, lengths)
    for option, path in tracks.items():
        track = found.look(path, partial(intervals.look, kind=KINDS[option]))
        autosomes = assembly.layout.autosomes if assembly is not None else ()
        for fault in (
            (*track.notes, *genome.track_beside_genome(track, lengths, autosomes)) if track is not None else ()
        ):
            found.note(path, fault)
    if own is None or assembly is None or any(not problem.warning for problem in found.problems):
        return None, found.problems
    if sequence is None:
        spelling = {contig_key(name): name for name in own.contigs}
        keys = {contig_key(name): length for name, length in lengths.items()}
        lengths = {spelling[key]: length for key, length in keys.items() if key in spelling}
    return Pair(own.width, list(lengths.items()), assembly.layout), found.problems


def _lengths(found: _Found, assembly: layout.Facts | None, sequence: Path | None) -> Mapping[str, int]:
    """Contigs of the genome and their lengths, from its sequence or from the cytobands of the layout."""
    if sequence is not None and (facts := found.look(sequence, fasta.look)) is not None:
        if assembly and (message := genome.layout_fault(assembly.layout, assembly.ends, facts.contigs)):
            found.note(sequence, Fault("E14", message, "give the FASTA of the assembly that --genome names"))
        return facts.contigs
    if assembly is None:
        return {}
    return {name: assembly.ends[contig_key(name)] for name in dict.fromkeys(assembly.bands["chrom"])}


def _counts(
    found: _Found, lot: Path, donor: Path, assembly: layout.Facts | None, lengths: Mapping[str, int]
) -> bin_counts.Facts | None:
    """Facts of the lot's counts, after both tables were compared with the genome and against each other."""
    own, other = found.look(lot, bin_counts.look), found.look(donor, bin_counts.look)
    for path, facts in ((lot, own), (donor, other)):
        if facts is not None and assembly is not None:
            for fault in (
                *facts.notes,
                *genome.counts_beside_genome(facts, lengths, genome.expected_contigs(assembly.layout)),
            ):
                found.note(path, fault)
    if own is not None and other is not None:
        donors = genome.by_contig(other)
        same = [name for content, name in genome.by_contig(own).items() if content in donors]
        where = "" if genome.content_of(own) == genome.content_of(other) else f", on {some(same)},"
        copied = Fault("E03", f"holds{where} the same counts as {donor}", "give the lot's own counts")
        found.note(lot, copied if same or not where else genome.counts_beside_donor(own, other, str(donor)))
    return own
