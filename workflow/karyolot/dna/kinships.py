"""Every pair of samples at once: the likelihoods of `identity.kinship` as products of matrices."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.alleles import Counted, Earlier, Kinship, Pairs
from karyolot.dna.identity import (
    DROPPED,
    OUTLIERS,
    SIBLINGS,
    SITE,
    Floats,
    frequencies,
    genotypes,
    hardy_weinberg,
    kinship,
    likelihoods,
    relation,
    shared_rows,
)

SAMPLES = 128
"""Samples of a block: its pairs under all hypotheses, a quarter of a megabyte, stay in the cache of a core."""
SITES = 512
FACTORS = 8
"""Most likelihood ratios that are multiplied before their logarithm is taken."""
LARGEST = 37
"""log10 of the largest single-precision number."""
RARE = 1e-9
"""Allele frequency below which single precision does not hold the ratio of one site, which is at most its inverse square (and at
least OUTLIERS)."""


def match_all(
    counted: Mapping[str, Counted],
    owners: Mapping[str, str],
    persons: Mapping[str, str],
    log10_ratio: float,
    earlier: Earlier | None = None,
) -> pd.DataFrame:
    """Schema Pairs, no share estimated: every pair of samples. Those of two unchanged samples are taken from `earlier`.

    owners: the lot or donor a sample belongs to; persons: the donor by the sheet.
    """
    names = list(counted)
    place = {name: number for number, name in enumerate(names)}
    found = _Found.none(len(names))
    if earlier is not None:
        found.take(earlier, place)
    for group, frequency in panels(counted):
        rows = np.array([place[name] for name in group])
        known = found.done[np.ix_(rows, rows)].sum(axis=1) > 1  # with another than itself
        order = np.argsort(known, kind="stable")
        if fresh := int((~known).sum()):
            ratios, sites = log_ratios([counted[group[row]] for row in order], frequency, fresh)
            same = ratios[1:].max(axis=0)
            found.put(rows[order], sites, same / np.log(10), (same - ratios[0]) / np.log(10))
    tables = {name: counted[name].table for name in names if not found.done[place[name]].all()}
    for one, other in combinations(tables, 2):
        if not found.done[place[one], place[other]]:
            kin = _alone(tables[one], tables[other], counted[one].rna, counted[other].rna, log10_ratio)
            both = np.array([place[one]]), np.array([place[other]])
            found.set(both, kin.sites, kin.log10_unrelated, kin.log10_sibling)
    return _table(names, owners, persons, found, log10_ratio)


class _Found(NamedTuple):
    """Of all pairs of samples, (samples, samples), both ways round: sites, log10 ratios, and whether they are known."""

    sites: NDArray[np.int64]
    unrelated: Floats
    sibling: Floats
    done: NDArray[np.bool_]

    @classmethod
    def none(cls, count: int) -> "_Found":
        shape = count, count
        return cls(np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape), np.eye(count, dtype=bool))

    def set(self, pairs: tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]], *values: Any) -> None:
        """sites and both ratios of pairs, by the numbers of their samples."""
        for place in (pairs, pairs[::-1]):
            for matrix, value in zip(self, (*values, True), strict=True):
                matrix[place] = value

    def take(self, earlier: Earlier, place: Mapping[str, int]) -> None:
        """The pairs of unchanged samples."""
        kept = {name: place[name] for name in earlier.unchanged}
        both = [earlier.pairs[column].map(kept) for column in ("sample_a", "sample_b")]
        rows = both[0].notna() & both[1].notna()
        one, other = (numbers[rows].to_numpy(np.intp) for numbers in both)
        columns = ("sites", "log10_unrelated", "log10_sibling")
        self.set((one, other), *(earlier.pairs.loc[rows, column].to_numpy() for column in columns))

    def put(self, rows: NDArray[np.int64], sites: NDArray[np.int64], unrelated: Floats, sibling: Floats) -> None:
        """What `log_ratios` found; rows: the numbers of its samples. Of two samples in one block it is there both ways round."""
        one, other = np.nonzero(np.arange(sites.shape[1]) >= np.arange(len(sites))[:, None] // SAMPLES * SAMPLES)
        values = sites[one, other], unrelated[one, other].round(2), sibling[one, other].round(2)
        self.set((rows[one], rows[other]), *values)


def _alone(one: pd.DataFrame, two: pd.DataFrame, first_rna: bool, second_rna: bool, log10_ratio: float) -> Kinship:
    """Two samples (schema AlleleCounts) of different panels, or of one that does not state all frequencies."""
    at_one, at_two = shared_rows(one, two)
    first, second = (table.iloc[at].reset_index(drop=True) for table, at in ((one, at_one), (two, at_two)))
    held = genotypes(first, rna=first_rna), genotypes(second, rna=second_rna)
    return kinship(*held, frequencies(first, second)[0], log10_ratio)


def _table(
    names: Sequence[str],
    owners: Mapping[str, str],
    persons: Mapping[str, str],
    found: _Found,
    log10_ratio: float,
) -> pd.DataFrame:
    first, second = np.triu_indices(len(names), 1)
    sites, unrelated, sibling, _ = (matrix[first, second] for matrix in found)
    columns: dict[str, object] = {}
    for side, rows in (("a", first), ("b", second)):
        for column, known in (("sample", {name: name for name in names}), ("owner", owners), ("person", persons)):
            columns[f"{column}_{side}"] = np.array([known[name] for name in names], dtype=object)[rows]
    columns["expected"] = columns["person_a"] == columns["person_b"]
    columns |= {"sites": sites, "log10_unrelated": unrelated, "log10_sibling": sibling}
    over = zip(unrelated.tolist(), sibling.tolist(), strict=True)
    columns["result"] = np.array([relation(*both, log10_ratio) for both in over], dtype=object)
    columns["b_in_a"] = columns["a_in_b"] = np.full(len(first), np.nan)
    return pd.DataFrame(columns, columns=list(Pairs.to_schema().columns))


def panels(counted: Mapping[str, Counted]) -> Iterator[tuple[list[str], Floats]]:
    """Samples that were counted at the same sites with the same known frequencies, two or more, and these frequencies."""
    groups: list[list[str]] = []
    for name, one in counted.items():
        for group in groups:
            known = counted[group[0]].sites
            if one.sites is known or one.sites[[*SITE, "frequency"]].equals(known[[*SITE, "frequency"]]):
                group.append(name)
                break
        else:
            groups.append([name])
    for group in groups:
        frequency = counted[group[0]].sites["frequency"].to_numpy(float)
        if len(group) > 1 and not np.isnan(frequency).any():
            yield group, frequency


def log_ratios(counted: Sequence[Counted], frequency: Floats, fresh: int) -> tuple[Floats, NDArray[np.int64]]:
    """Of the first `fresh` samples with all: natural logarithms of the likelihood over 'unrelated', of siblings and of one
    person at each of DROPPED, shape (hypotheses, fresh, samples), and the sites that both cover. Frequencies are known. Blocks
    of SAMPLES below the diagonal, which would repeat those above it, are 0.

    At a site, the likelihood of two samples under a hypothesis is linear in the three likelihoods of either: a product of
    a matrix (samples, 3) with one (3, samples). Both are scaled so that it is 1 for 'unrelated'. A fourth column
    makes it 1 where one of them has no read.
    """
    count, hypotheses = len(counted), 1 + len(DROPPED)
    log = np.zeros((hypotheses, fresh, count))
    covered = np.zeros((fresh, count), dtype=np.int64)
    rarest = float(np.minimum(frequency, 1 - frequency).min(initial=0.5))
    kind = np.float32 if rarest >= RARE else np.float64
    factors = max(1, min(FACTORS, int(LARGEST / (-2 * np.log10(rarest)))))
    rna = np.array([one.rna for one in counted])
    for low in range(0, len(frequency), SITES):
        part = slice(low, low + SITES)
        p = frequency[part]
        ref, alt = (np.stack([one.counts[row, part] for one in counted], axis=1).astype(np.int64) for row in (0, 1))
        like = likelihoods(ref, alt, rna=False)
        like[:, rna] = likelihoods(ref[:, rna], alt[:, rna], rna=True)
        scaled = (like / np.einsum("ijk,ik->ij", like, hardy_weinberg(p))[:, :, None]).astype(kind)
        seen = ref + alt > 0
        number = seen.astype(np.float32)
        covered += (number[:, :fresh].T @ number).astype(np.int64)
        right = np.empty((len(p), 4, count), kind)
        right[:, :3], right[:, 3] = (scaled * seen[:, :, None]).transpose(0, 2, 1), ~seen
        for first in range(0, fresh, SAMPLES):
            rows = slice(first, min(first + SAMPLES, fresh))
            left = _functionals(scaled[:, rows], seen[:, rows], p.astype(kind))
            for second in range(first, count, SAMPLES):
                columns = slice(second, second + SAMPLES)
                found = _log_products(left, np.ascontiguousarray(right[:, :, columns]), factors)
                log[:, rows, columns] += found.reshape(hypotheses, -1, found.shape[1])
    return log, covered


def _functionals(scaled: Floats, seen: NDArray[np.bool_], p: Floats) -> Floats:
    """What the likelihoods of second samples are multiplied with, given first ones: shape (sites, hypotheses * samples, 4).

    scaled: likelihoods of the first over their mean in the population, shape (sites, samples, 3). The terms are those of
    `identity._terms`.
    """
    p = p[:, None]
    q, prior = 1 - p, hardy_weinberg(p[:, 0])[:, None, :]
    shared = prior * scaled
    with_ref, with_alt = q * scaled[:, :, 0] + p * scaled[:, :, 1], q * scaled[:, :, 1] + p * scaled[:, :, 2]
    half = np.stack([q * q * with_ref, p * q * (with_ref + with_alt), p * p * with_alt], axis=2)
    ends = scaled[:, :, 1] / 4
    lost = prior[:, :, 1:2] * np.stack([ends, (scaled[:, :, 0] + scaled[:, :, 2]) / 4 - scaled[:, :, 1], ends], axis=2)
    terms = [SIBLINGS[0] * prior + SIBLINGS[1] * half + SIBLINGS[2] * shared]
    terms += [(1 - OUTLIERS) * (shared + d * lost) + OUTLIERS * prior for d in DROPPED]
    whole = np.ones((len(p), len(terms), scaled.shape[1], 4), scaled.dtype)
    for number, term in enumerate(terms):
        np.copyto(term, prior, where=~seen[:, :, None])
        whole[:, number, :, :3] = term
    return whole.reshape(len(p), -1, 4)


def _log_products(left: Floats, right: Floats, factors: int) -> Floats:
    """Sum over sites of the logarithms of left @ right, `factors` of them multiplied before."""
    total = np.zeros((left.shape[1], right.shape[2]))
    product = np.empty(total.shape, left.dtype)
    factor = np.empty_like(product)
    for low in range(0, len(left), factors):
        np.matmul(left[low], right[low], out=product)
        for site in range(low + 1, min(low + factors, len(left))):
            product *= np.matmul(left[site], right[site], out=factor)
        total += np.log(product, out=product)
    return total
