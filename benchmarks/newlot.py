"""Is the gene-level test of a lot against the reference panel honest, and how long does it take?

Simulated studies: 18,000 genes, `pairs` accepted lots with their donors and one new lot with its own. Donors differ, all
lots change alike, and counts scatter as negative binomials whose dispersion follows a trend with genes about it. 1,000
genes of the new lot change otherwise, by 1 to 3 log2 units. Per number of pairs: fraction of unchanged genes with
p < 0.05; fraction of the genes called at padj < 0.05 that are unchanged; fraction of the changed genes called.

    .venv/bin/python benchmarks/newlot.py [STUDIES]          redoes newlot.tsv (20 studies: five minutes)
"""

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from karyolot.rna.deseq import adjust, fit
from karyolot.rna.newlot import design

GENES, CHANGED = 18_000, 1_000


def study(pairs: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Counts (samples x genes), samples, and which genes are planted."""
    rng = np.random.default_rng([7, pairs, seed])
    base = rng.lognormal(5, 2, GENES)
    donor = rng.normal(0, 0.5, (pairs + 1, GENES))
    change = rng.normal(0, 1, GENES) * (rng.random(GENES) < 0.5)
    planted = rng.permutation(GENES) < CHANGED
    new = planted * rng.uniform(1, 3, GENES) * rng.choice([-1, 1], GENES)
    lots = change + np.outer(np.arange(pairs + 1) == pairs, new)
    means = base * 2.0 ** np.vstack([donor, donor + lots]) * rng.lognormal(0, 0.2, (2 * pairs + 2, 1))
    dispersion = (0.05 + 2 / base) * rng.lognormal(0, 0.6, GENES)
    counts = rng.poisson(means * rng.gamma(1 / dispersion, dispersion, means.shape))
    names = [f"D{n:02d}" for n in range(pairs + 1)]
    samples = pd.DataFrame({"donor": names * 2, "state": np.repeat(["hepatocyte", "lot"], pairs + 1), "new": False})
    samples.loc[2 * pairs + 1, "new"] = True
    samples.index = pd.Index([f"S{n:02d}" for n in samples.index])
    return pd.DataFrame(counts, samples.index), samples, planted


def main(studies: int) -> None:
    rows = []
    for pairs in (5, 6, 10):
        for seed in range(studies):
            counts, samples, planted = study(pairs, seed)
            seen = counts.to_numpy().any(axis=0)
            begun = time.process_time()
            table = fit(counts.loc[:, seen], design(samples), "newlot", outliers=False)
            called = adjust(table["p"].to_numpy(), table["base_mean"].to_numpy(), 0.05) < 0.05
            true = planted[seen]
            rows.append({
                "pairs": pairs, "false_p": (table["p"][~true] < 0.05).mean(),
                "false_calls": (called & ~true).sum() / max(1, called.sum()),
                "found": (called & true).sum() / true.sum(), "cpu_s": time.process_time() - begun,
            })  # fmt: skip
    by_pairs = pd.DataFrame(rows).groupby("pairs")
    found = by_pairs.mean()
    found.insert(0, "studies", by_pairs.size())
    found.insert(3, "false_calls_se", by_pairs["false_calls"].sem())
    found.to_csv(Path(__file__).with_suffix(".tsv"), sep="\t", float_format="%.3g")
    print(found.to_string())


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
