"""Genes: ids with and without version, symbols that were renamed, coding transcripts, alleles. Light to import, for the check."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

MOST_WITHOUT_LENGTH = 0.1
"""Largest part of a sample's counts in genes without a length: they are left out of TPM, so that those of all other genes are
too high by 1 / (1 - part). An eleventh more is less than replicates differ by."""
_VERSIONED = re.compile(r"(ENS[A-Z]*G\d+)\.\d+(_PAR_Y)?")


class Model(NamedTuple):
    """A coding transcript. Intervals are 0-based half-open and sorted by position; cds includes the stop codon.

    complete: its start is annotated. rank: 2 = MANE Select, 1 = canonical by Ensembl, 0 = another one.
    """

    transcript: str
    gene: str
    chrom: str
    strand: str
    exons: tuple[tuple[int, int], ...]
    cds: tuple[tuple[int, int], ...]
    complete: bool
    rank: int


def trimmed(start: int, ref: str, alt: str) -> tuple[int, str, str]:
    """An allele in its shortest form: without the bases that both alleles end with, then those they begin with but one."""
    while min(len(ref), len(alt)) > 1 and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while min(len(ref), len(alt)) > 1 and ref[0] == alt[0]:
        start, ref, alt = start + 1, ref[1:], alt[1:]
    return start, ref, alt


def unversioned(gene: str) -> str:
    """An Ensembl gene id without its version; any other id as it is.

    ENSG00000182378.15_PAR_Y becomes ENSG00000182378_PAR_Y: GENCODE's copies on Y are genes of their own.
    """
    if not gene.startswith("ENS"):
        return gene
    found = _VERSIONED.fullmatch(gene)
    return found[1] + (found[2] or "") if found else gene


def matched(genes: Iterable[str], annotated: Iterable[str]) -> dict[str, str]:
    """The annotated gene of each gene, by id; where an id is not annotated as written, by its id without version.

    Genes that are not annotated are not in the result, nor are those whose id fits two annotated genes only without
    versions.
    """
    ids = set(annotated)
    bare: dict[str, str | None] = {}
    for gene in ids:
        key = unversioned(gene)
        bare[key] = None if key in bare else gene
    found = {gene: gene if gene in ids else bare.get(unversioned(gene)) for gene in genes}
    return {gene: known for gene, known in found.items() if known is not None}


def renamed(names: Sequence[str], aliases: Mapping[str, str]) -> list[str]:
    """Symbols as they are today. aliases: former symbol -> today's.

    A former symbol stays where today's is among the names too: the two are then different genes.
    """
    if not any(name in aliases for name in names):
        return list(names)
    there = set(names)
    return [aliases[name] if name in aliases and aliases[name] not in there else name for name in names]
