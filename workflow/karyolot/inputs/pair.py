"""The check of two tables of counts and their tracks, given to `karyolot call` without a study: the rules of a study's."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

from karyolot.contracts.problems import Fault, Problem
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
    problems: list[Problem] = []

    def note(path: Path, fault: Fault | None) -> None:
        if fault is not None:
            problems.append(Problem(fault.code, str(path), fault.message, fault.remedy, fault.line, meant=fault.meant))

    def looked(path: Path, look: Callable[[Path], T]) -> T | None:
        try:
            regular_file(path)
            return look(path)
        except Fault as fault:
            note(path, fault)
            return None

    assembly = looked(layout_file, layout.look)
    tables = {path: looked(path, bin_counts.look) for path in dict.fromkeys((lot, donor))}
    lengths: Mapping[str, int] = {}
    if assembly is not None:
        lengths = {name: assembly.ends[genome.key_of(name)] for name in dict.fromkeys(assembly.bands["chrom"])}
    if sequence is not None and (found := looked(sequence, fasta.look)) is not None:
        lengths = found.contigs
        if assembly and (message := genome.layout_fault(assembly.layout, assembly.ends, lengths)):
            note(sequence, Fault("E14", message, "give the FASTA of the assembly that --genome names"))
    if sequence is not None and "gc" in tracks:
        note(sequence, Fault("E25", "GC is given twice: --gc and --fasta", "give one of them"))
    for path, facts in tables.items():
        if facts is not None and assembly is not None:
            autosomes = assembly.layout.autosomes
            for fault in (*facts.notes, *genome.counts_beside_genome(facts, lengths, autosomes)):
                note(path, fault)
    own, other = tables[lot], tables[donor]
    if own is not None and other is not None:
        if genome.content_of(own) == genome.content_of(other):
            note(lot, Fault("E03", f"holds the same counts as {donor}", "give the lot's own counts"))
        else:
            note(lot, genome.counts_beside_donor(own, other, str(donor)))
    for option, path in tracks.items():
        track = looked(path, lambda file, kind=KINDS[option]: intervals.look(file, kind))  # type: ignore[misc]
        if track is not None:
            for about in (*track.notes, genome.track_beside_genome(track, lengths)):
                note(path, about)
    if own is None or assembly is None or any(not problem.warning for problem in problems):
        return None, problems
    if sequence is None:
        spelling = {genome.key_of(name): name for name in own.contigs}
        keys = {genome.key_of(name): length for name, length in lengths.items()}
        lengths = {spelling[key]: length for key, length in keys.items() if key in spelling}
    return Pair(own.width, list(lengths.items()), assembly.layout), problems
