"""Every pair of samples at once: the likelihoods of `identity.kinship` as products of matrices."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.alleles import Pairs
from karyolot.dna.identity import (
    DROPPED,
    OUTLIERS,
    SIBLINGS,
    SITE,
    Floats,
    Genotypes,
    frequencies,
    hardy_weinberg,
    kinship,
    relation,
    shared_rows,
)

SAMPLES = 128
"""Samples of a block: its pairs under all hypotheses, half a megabyte, stay in the cache of a core."""
SITES = 512
FACTORS = 8
"""Likelihood ratios multiplied before their logarithm is taken: at least OUTLIERS each, at most the inverse square of an
allele's frequency."""


def match_all(
    tables: Mapping[str, pd.DataFrame],
    held: Mapping[str, Genotypes],
    owners: Mapping[str, str],
    persons: Mapping[str, str],
    log10_ratio: float,
) -> pd.DataFrame:
    """Schema Pairs, no share estimated: every pair of `tables` (schema AlleleCounts by sample), `held` their genotypes.

    owners: the lot or donor a sample belongs to; persons: the donor by the sheet.
    """
    names = list(tables)
    place = {name: number for number, name in enumerate(names)}
    count = len(names)
    sites = np.zeros((count, count), dtype=np.int64)
    unrelated, sibling = np.zeros((count, count)), np.zeros((count, count))
    done = np.zeros((count, count), dtype=bool)
    for group, frequency in panels(tables):
        own = np.ix_(rows := [place[name] for name in group], rows)
        ratios, sites[own] = log_ratios([held[name] for name in group], frequency)
        same = ratios[1:].max(axis=0)
        unrelated[own], sibling[own] = same / np.log(10), (same - ratios[0]) / np.log(10)
        done[own] = True
    for a, b in combinations(range(count), 2):
        if not done[a, b]:
            one, two = tables[names[a]], tables[names[b]]
            at_a, at_b = shared_rows(one, two)
            frequency = frequencies(
                *(table.iloc[at].reset_index(drop=True) for table, at in ((one, at_a), (two, at_b)))
            )[0]
            found = kinship(held[names[a]].at(at_a), held[names[b]].at(at_b), frequency, log10_ratio)
            sites[a, b], unrelated[a, b], sibling[a, b] = found.sites, found.log10_unrelated, found.log10_sibling
    return _table(names, owners, persons, sites, unrelated.round(2), sibling.round(2), log10_ratio)


def _table(
    names: Sequence[str],
    owners: Mapping[str, str],
    persons: Mapping[str, str],
    sites: NDArray[np.int64],
    unrelated: Floats,
    sibling: Floats,
    log10_ratio: float,
) -> pd.DataFrame:
    first, second = np.triu_indices(len(names), 1)
    columns: dict[str, object] = {}
    for side, rows in (("a", first), ("b", second)):
        for column, known in (("sample", {name: name for name in names}), ("owner", owners), ("person", persons)):
            columns[f"{column}_{side}"] = np.array([known[name] for name in names], dtype=object)[rows]
    columns["expected"] = columns["person_a"] == columns["person_b"]
    columns |= {"sites": sites[first, second], "log10_unrelated": unrelated[first, second]}
    columns["log10_sibling"] = sibling[first, second]
    over = zip(unrelated[first, second].tolist(), sibling[first, second].tolist(), strict=True)
    columns["result"] = np.array([relation(*both, log10_ratio) for both in over], dtype=object)
    columns["b_in_a"] = columns["a_in_b"] = np.full(len(first), np.nan)
    return pd.DataFrame(columns, columns=list(Pairs.to_schema().columns))


def panels(tables: Mapping[str, pd.DataFrame]) -> Iterator[tuple[list[str], Floats]]:
    """Samples that were counted at the same sites with the same known frequencies, two or more, and these frequencies."""
    groups: list[list[str]] = []
    for name, table in tables.items():
        for group in groups:
            if table[[*SITE, "frequency"]].equals(tables[group[0]][[*SITE, "frequency"]]):
                group.append(name)
                break
        else:
            groups.append([name])
    for group in groups:
        frequency = tables[group[0]]["frequency"].to_numpy(float)
        if len(group) > 1 and not np.isnan(frequency).any():
            yield group, frequency


def log_ratios(held: Sequence[Genotypes], frequency: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Of all pairs of samples at the same sites: natural logarithms of the likelihood over 'unrelated', of siblings and of one
    person at each of DROPPED, shape (hypotheses, samples, samples), and the sites that both cover. Frequencies are known.

    At a site, the likelihood of two samples under a hypothesis is linear in the three likelihoods of either: a product of
    a matrix (samples, 3) with one (3, samples). Both are scaled so that it is 1 for 'unrelated'. A fourth column
    makes it 1 where one of them has no read.
    """
    count, hypotheses = len(held), 1 + len(DROPPED)
    log = np.zeros((hypotheses, count, count))
    covered = np.zeros((count, count), dtype=np.int64)
    for low in range(0, len(frequency), SITES):
        part = slice(low, low + SITES)
        p = frequency[part]
        like = np.stack([one.likelihood[part] for one in held], axis=1)
        seen = np.stack([one.depth[part] > 0 for one in held], axis=1)
        number = seen.astype(np.float32)
        covered += (number.T @ number).astype(np.int64)
        scaled = like / (like * hardy_weinberg(p)[:, None, :]).sum(axis=2, keepdims=True)
        right = np.concatenate([np.where(seen[:, :, None], scaled, 0.0), ~seen[:, :, None]], axis=2).transpose(0, 2, 1)
        for first in range(0, count, SAMPLES):
            rows = slice(first, first + SAMPLES)
            left = _functionals(scaled[:, rows], seen[:, rows], p)
            for second in range(first, count, SAMPLES):
                columns = slice(second, second + SAMPLES)
                found = _log_products(left, np.ascontiguousarray(right[:, :, columns]))
                log[:, rows, columns] += found.reshape(hypotheses, -1, found.shape[1])
    return log, covered


def _functionals(scaled: Floats, seen: NDArray[np.bool_], p: Floats) -> Floats:
    """What the likelihoods of second samples are multiplied with, given first ones: shape (sites, hypotheses * samples, 4).

    scaled: likelihoods of the first over their mean in the population, shape (sites, samples, 3). The terms are those of
    `identity._terms`.
    """
    p = p[:, None]
    q, prior = 1 - p, hardy_weinberg(p[:, 0])[:, None, :]
    x0, x1, x2 = np.moveaxis(scaled, 2, 0)
    apart = np.broadcast_to(prior, scaled.shape)
    shared = prior * scaled
    with_ref, with_alt = q * x0 + p * x1, q * x1 + p * x2
    half = np.stack([q * q * with_ref, p * q * (with_ref + with_alt), p * p * with_alt], axis=2)
    ends = x1 / 4
    lost = shared + prior[:, :, 1:2] * np.stack([ends, (x0 + x2) / 4 - x1, ends], axis=2)
    terms = [SIBLINGS[0] * apart + SIBLINGS[1] * half + SIBLINGS[2] * shared]
    terms += [(1 - OUTLIERS) * ((1 - d) * shared + d * lost) + OUTLIERS * apart for d in DROPPED]
    kept = [np.where(seen[:, :, None], term, prior) for term in terms]
    whole = np.stack(kept, axis=1).reshape(len(p), -1, 3)
    return np.concatenate([whole, np.ones((*whole.shape[:2], 1))], axis=2)


def _log_products(left: Floats, right: Floats) -> Floats:
    """Sum over sites of the logarithms of left @ right."""
    total = np.zeros((left.shape[1], right.shape[2]))
    product, factor = np.empty_like(total), np.empty_like(total)
    for low in range(0, len(left), FACTORS):
        np.matmul(left[low], right[low], out=product)
        for site in range(low + 1, min(low + FACTORS, len(left))):
            product *= np.matmul(left[site], right[site], out=factor)
        total += np.log(product, out=product)
    return total
