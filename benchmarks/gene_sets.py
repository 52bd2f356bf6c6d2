"""How often is a gene set of which nothing changed significant?

Simulated counts of 1,600 genes in 40 sets, negative binomial, of which no gene differs between lots and donors. The genes of a
set rise and fall together: by a factor of each culture (sd 0.15 log2) and, between people, one of each person (sd 0.3 log2).

replicates        cultures of one lot and of its donor
people            lots of n people against donors of n others
people, paired    lots of n people, each against the same person's hepatocytes

Per design and n: fraction of sets with p < 0.05, of studies with any set at adjusted p < 0.05, with Wilson's 95 % interval, by
CAMERA as a run computes it and, for comparison, with genes taken for independent.

    .venv/bin/python benchmarks/gene_sets.py [STUDIES]          (20 studies: two minutes)
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from anndata import AnnData

import planted_expression
from karyolot.rna.camera import residuals, set_p_values
from karyolot.rna.differential import differential

GENES, SIZE, DISPERSION = 1_600, 40, 0.05
OF_CULTURE, OF_PERSON = 0.15, 0.3
SETS = {f"S{n}": frozenset(f"G{gene:03d}" for gene in range(SIZE * n, SIZE * (n + 1))) for n in range(GENES // SIZE)}
DESIGNS = {"replicates": "~ state", "people": "~ state", "people, paired": "~ donor + state"}


def study(kind: str, n: int, seed: int) -> AnnData:
    """n samples of either state."""
    generator = np.random.default_rng([seed, n, list(DESIGNS).index(kind)])
    of_set = np.repeat(np.arange(len(SETS)), SIZE)
    person = {"replicates": [0] * 2 * n, "people": list(range(2 * n)), "people, paired": [*range(n)] * 2}[kind]
    people = OF_PERSON * generator.standard_normal((2 * n, len(SETS)))
    moved = people[person] + OF_CULTURE * generator.standard_normal((2 * n, len(SETS)))
    mean = 2 ** (generator.normal(8, 1, GENES) + moved[:, of_set]) * generator.lognormal(0, 0.2, (2 * n, 1))
    counts = generator.poisson(mean * generator.gamma(1 / DISPERSION, DISPERSION, mean.shape))
    states = ["hepatocyte"] * n + ["lot"] * n
    return planted_expression.table(counts, [(f"D{of:02d}", state) for of, state in zip(person, states, strict=True)])


def p_values(data: AnnData, design: str) -> dict[str, np.ndarray]:
    """Of all sets, by method."""
    table = differential(data, design)
    statistic = table.set_index("gene_id")["stat"].dropna()
    rest = residuals(data, design)
    assert rest is not None
    alone = pd.DataFrame(np.sqrt(len(statistic)) * np.eye(len(statistic)), statistic.index)
    tested = {"CAMERA": rest.loc[statistic.index], "genes independent": alone}
    return {name: set_p_values(statistic, own, SETS).to_numpy() for name, own in tested.items()}


def wilson(found: np.ndarray) -> tuple[float, float]:
    """95 % interval of a proportion (doi 10.1080/01621459.1927.10502953)."""
    n, p, z = len(found), float(np.mean(found)), 1.96
    middle, half = p + z**2 / 2 / n, z * np.sqrt(p * (1 - p) / n + z**2 / 4 / n**2)
    return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)


def rows(studies: int) -> Iterator[dict[str, object]]:
    for kind, design in DESIGNS.items():
        for n in (3, 5, 10):
            found = [p_values(study(kind, n, seed), design) for seed in range(studies)]
            for method in found[0]:
                p = np.array([own[method] for own in found])
                small, any_ = p.ravel() < 0.05, (false_discovery_control(p, axis=1) < 0.05).any(axis=1)
                yield {
                    "design": kind, "n": n, "method": method, "sets": small.size, "p_below_0.05": small.mean(),
                    **dict(zip(("low", "high"), wilson(small), strict=True)),
                    "studies": studies, "any_padj_below_0.05": any_.mean(),
                }  # fmt: skip
            print(kind, n, file=sys.stderr, flush=True)


def main(studies: int) -> None:
    table = pd.DataFrame(rows(studies))
    table.to_csv(Path(__file__).with_suffix(".tsv"), sep="\t", index=False, float_format="%.3g")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
