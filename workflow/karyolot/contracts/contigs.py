"""How contigs are compared, whatever a file calls them."""

from collections.abc import Iterable

from karyolot.contracts.problems import Fault, some

MITOCHONDRION = frozenset({"M", "MT"})
"""The mitochondrial contig, as `contig_key` gives its names."""


def contig_key(name: str) -> str:
    """'chr8' and '8' are the same contig: what both are called in comparisons."""
    return name.removeprefix("chr")


def foreign_contigs(given: Iterable[str], reference: Iterable[str], remedy: str) -> Fault | None:
    """The Fault (E14) of a file none of whose contigs is in the reference, whatever their spelling; None when one is."""
    given, reference = list(given), list(reference)
    if set(map(contig_key, given)) & set(map(contig_key, reference)):
        return None
    return Fault("E14", f"none of its contigs ({some(given)}) is in the reference ({some(reference)})", remedy)
