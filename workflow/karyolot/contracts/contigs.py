"""How contigs are compared, whatever a file calls them."""

from collections.abc import Collection, Iterable, Mapping

from karyolot.contracts.problems import Fault, some

MITOCHONDRION = frozenset({"M", "MT"})
"""The mitochondrial contig, as `contig_key` gives its names."""
CHROMOSOMES = frozenset({*map(str, range(1, 23)), "X", "Y"})
"""Of a human, likewise."""
SHORTEST_CHROMOSOME = 40_000_000
"""Bases: chromosome 21 of T2T-CHM13 has 45 million, and the decoys of GRCh37, the longest of other contigs, 35 million."""


def contig_key(name: str) -> str:
    """'chr8' and '8' are the same contig: what both are called in comparisons."""
    return name.removeprefix("chr")


def is_in(band: str, region: str) -> bool:
    """Whether a band ('20q11.21') lies in a region named by an arm or band prefix ('20q', '20q11', '20q11.21')."""
    rest = band.removeprefix(region)
    return (
        rest != band
        and ("p" in region or "q" in region)
        and (rest == "" or not region[-1].isdigit() or not rest[0].isdigit())
    )


def chromosomes_beside(contigs: Mapping[str, int], known: Collection[str]) -> list[str]:
    """Chromosomes among contigs, by their names or lengths, that are not among the known ones."""
    keys = set(map(contig_key, known))
    return [
        name
        for name, length in contigs.items()
        if contig_key(name) not in keys and (contig_key(name) in CHROMOSOMES or length >= SHORTEST_CHROMOSOME)
    ]


def foreign_contigs(given: Iterable[str], reference: Iterable[str], remedy: str) -> Fault | None:
    """The Fault (E14) of a file none of whose contigs is in the reference, whatever their spelling; None when one is."""
    given, reference = list(given), list(reference)
    if set(map(contig_key, given)) & set(map(contig_key, reference)):
        return None
    return Fault("E14", f"none of its contigs ({some(given)}) is in the reference ({some(reference)})", remedy)
