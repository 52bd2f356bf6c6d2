"""What a run takes of the files that name genes to search: the driver panel, the annotation, and the user's own list."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from karyolot.contracts.genes import Model
from karyolot.contracts.problems import Fault, KaryolotError, some
from karyolot.inputs.formats import drivers, fasta, gtf, intervals

Sources = tuple[list[dict[str, str]], list[dict[str, str]], list[Model], list[tuple[str, int, int, str]]]
BESIDE = 10_000
"""Bases on either side of a gene that are kept of a genome without index: promoters lie there."""


def driver_sources(files: Any, contigs: Collection[str]) -> Sources:
    """Rows of the panel and of its recurrent mutations, coding transcripts of all genes that are searched, and intervals of the
    user's list.

    Parameters
    ----------
    files
        Has the lists `gtf` (one or none), `panel` (genes and recurrent mutations, or nothing) and `own` (a BED or nothing).
    contigs
        Of the genome; transcripts on others are left out.
    """
    genes, hotspots = drivers.read(*files.panel) if files.panel else ([], [])
    own = [row for path in files.own for row in intervals.named_regions(path)]
    wanted = {row["gene"] for row in genes} | {name for *_, name in own if name}
    models = [model for path in files.gtf for model in gtf.models(path, wanted) if model.chrom in contigs]
    return genes, hotspots, models, own


@dataclass(frozen=True, slots=True)
class PanelFacts:
    """notes: driver genes and recurrent mutations that the genome and its annotation lack."""

    notes: tuple[Fault, ...] = ()


def look_panel(
    annotation: Path, genome: Path, panel: tuple[Path, Path], coding: Collection[str], _state: tuple[object, ...]
) -> PanelFacts:
    """Whether annotation, genome and driver panel belong together.

    Parameters
    ----------
    panel
        The tables of genes and of recurrent mutations.
    coding
        Genes of the annotation that have coding sequence; the others are reported elsewhere.
    _state
        Sizes and times of genome and panel: what is remembered of this reader is of these files.

    Raises
    ------
    Fault
        E14: most recurrent mutations have another residue or base here.
    """
    from karyolot.dna.loci import locate  # which imports pandas: the jobs of a run import this module, and not that

    genes, hotspots = drivers.read(*panel)
    models = gtf.models(annotation, {row["gene"] for row in genes})
    try:
        with _bases(genome, models) as (contigs, bases):
            found = locate(genes, hotspots, [model for model in models if model.chrom in contigs], [], bases)
    except KaryolotError as error:
        message, _, remedy = str(error).partition("; ")
        raise Fault("E14", message, remedy) from None
    lacking = [f"{one.gene}: {one.missing}" for one in found.panel.genes if one.missing and one.gene in coding]
    if not lacking:
        return PanelFacts()
    message = f"{len(lacking)} of {len(genes)} driver genes are not located in full ({some(lacking, 6)})"
    remedy = "what is named is not searched as listed: give small_variants.drivers and .hotspots of this annotation"
    return PanelFacts((Fault("W05", message, remedy),))


@contextmanager
def _bases(genome: Path, models: Sequence[Model]) -> Iterator[tuple[Collection[str], Callable[[str, int, int], str]]]:
    """Contigs of a genome, and its bases in and near the transcripts. The index is used where it is; none is made beside the
    user's file."""
    indices = [Path(f"{genome}.fai"), *([Path(f"{genome}.gzi")] if genome.suffix == ".gz" else [])]
    from karyolot.io.drivers import genome_bases

    if all(index.is_file() and index.stat().st_mtime >= genome.stat().st_mtime for index in indices):
        with genome_bases(genome) as both:
            yield both
        return
    spans = [(m.chrom, max(m.exons[0][0] - BESIDE, 0), m.exons[-1][1] + BESIDE) for m in models]
    held = {span: bytearray(b"N" * (span[2] - span[1])) for span in dict.fromkeys(spans)}
    contigs: set[str] = set()
    for name, position, piece in fasta.records(genome):
        contigs.add(name)
        for (chrom, start, end), kept in held.items():
            low, high = max(start, position), min(end, position + len(piece))
            if chrom == name and low < high:
                kept[low - start : high - start] = piece[low - position : high - position]

    def bases(chrom: str, start: int, end: int) -> str:
        of = next((span for span in held if span[0] == chrom and span[1] <= start and end <= span[2]), None)
        return held[of][start - of[1] : end - of[1]].decode().upper() if of else ""

    yield contigs, bases
