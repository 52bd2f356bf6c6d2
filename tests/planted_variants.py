"""Reads over driver loci with planted variants, as the text that `bcftools query` prints of a pile-up."""

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from karyolot.contracts.drivers import DriverGene, DriverLoci, DriverPanel
from karyolot.contracts.settings import SmallVariants as Settings
from karyolot.contracts.small_variants import Consequences, SmallVariants, SpikedIndels, VariantLimits, VariantResults
from karyolot.dna.small_variants import search
from karyolot.dna.variant_errors import kind_of
from karyolot.io.small_variants import SAMPLES, read_pileup

START = 1000
"""Of the first position, 0-based."""
ERRORS = {"C>A": 3e-4, "C>G": 1e-4, "C>T": 4e-4, "T>A": 1e-4, "T>C": 3e-4, "T>G": 1e-4}
"""Errors of usual reads by substitution, on the strand of the pyrimidine."""
OTHER_STRAND = dict(zip("ACGT", "TGCA", strict=True))


@dataclass(frozen=True)
class Planted:
    """A variant. at: position of the locus, from 0. lot, donor, rna: fraction of their reads. forward: share of its reads on the
    forward strand. ref: bases it replaces, '' = the one at its position."""

    at: int
    alt: str
    lot: float = 0.0
    donor: float = 0.0
    rna: float = 0.0
    forward: float = 0.5
    ref: str = ""


@dataclass(frozen=True)
class Study:
    """Depths of the reads, and how they err. spread: overdispersion of errors among positions. sequence: of the locus; '' =
    random. indels: (at, ref, alt, rate in every sample) of artefacts."""

    bases: int = 3000
    lot: int = 100
    donor: int = 100
    rna: int = 0
    errors: Mapping[str, float] | None = None
    spread: float = 0.001
    sequence: str = ""
    indels: tuple[tuple[int, str, str, float], ...] = ()
    seed: int = 1

    def bases_of(self) -> str:
        rng = np.random.default_rng([self.seed, 7])
        return self.sequence or "".join(rng.choice(list("ACGT"), self.bases))


def substitution(ref: str, alt: str) -> str:
    """'C>T' of either strand."""
    return f"{ref}>{alt}" if ref in "CT" else f"{OTHER_STRAND[ref]}>{OTHER_STRAND[alt]}"


def write_pileup(path: Path, study: Study, planted: Iterable[Planted] = ()) -> list[str]:
    """The pile-up of a study; returns what its columns are."""
    rng, held = np.random.default_rng(study.seed), {}
    for one in planted:
        held.setdefault(one.at, []).append(one)
    errors = study.errors or ERRORS
    depths = {"lot": study.lot, "donor": study.donor} | (
        {"rna_lot": study.rna, "rna_donor": study.rna} if study.rna else {}
    )
    lines = []
    for at, ref in enumerate(study.bases_of()):
        alts = [base for base in "ACGT" if base != ref]
        rates = [errors[substitution(ref, alt)] for alt in alts]
        sites = rng.beta(np.array(rates) * (1 / study.spread - 1), (1 - np.array(rates)) * (1 / study.spread - 1))
        own = [one for one in held.get(at, []) if len(one.alt) == 1 and not one.ref]
        cells, indels = [], []
        for name, mean in depths.items():
            depth = int(rng.poisson(mean))
            counts = rng.multinomial(depth, [1 - sites.sum(), *sites])[1:]
            forward = rng.binomial(counts, 0.5)
            for one in own:
                number = rng.binomial(depth, _fraction(one, name))
                counts[alts.index(one.alt)] += number
                forward[alts.index(one.alt)] += rng.binomial(number, one.forward)
            rest = max(depth - int(counts.sum()), 0)
            left = rng.binomial(rest, 0.5)
            cells += [",".join(map(str, [left, *forward])), ",".join(map(str, [rest - left, *(counts - forward)]))]
        lines.append(_line(at, ref, ",".join(alts), "0", cells))
        artefacts = [
            Planted(at, alt, rate, rate, rate, ref=old) for place, old, alt, rate in study.indels if place == at
        ]
        for one in [*artefacts, *(one for one in held.get(at, []) if one.ref)]:
            cells = []
            for name, mean in depths.items():
                number = int(rng.binomial(mean, _fraction(one, name)))
                ahead, left = int(rng.binomial(number, one.forward)), int(rng.binomial(mean - number, 0.5))
                cells += [f"{left},{ahead}", f"{mean - number - left},{number - ahead}"]
            indels.append(_line(at, one.ref, one.alt, "1", cells))
        lines += indels
    with gzip.open(path, "wt") as handle:
        handle.write("".join(lines))
    return [name for name in SAMPLES if name in depths]


def _fraction(one: Planted, sample: str) -> float:
    return {"lot": one.lot, "donor": one.donor, "rna_lot": one.rna}.get(sample, one.donor)


def _line(at: int, ref: str, alt: str, indel: str, cells: list[str]) -> str:
    return "\t".join(["chr17", str(START + at + 1), ref, alt, indel, ".", *cells]) + "\n"


def loci(
    bases: int, hotspots: Mapping[str, tuple[int, int]] | None = None, role: str = "driver", gene: str = "TP53"
) -> pd.DataFrame:
    """One gene over all positions, and recurrent mutations: label -> positions from, to."""
    rows = [("", (0, bases)), *(hotspots or {}).items()]
    table = [
        {"chrom": "chr17", "start": START + a, "end": START + b, "gene": gene, "role": role, "hotspot": label}
        for label, (a, b) in rows
    ]
    return DriverLoci.frame(table)


def panel(gene: str = "TP53", role: str = "driver") -> DriverPanel:
    return DriverPanel(genes=(DriverGene(gene=gene, role=role, transcript="T1", hotspots=1, missing=""),))  # type: ignore[arg-type]


def missense(study: Study, *planted: Planted, gene: str = "TP53", change: str = "R175H") -> pd.DataFrame:
    """Consequences of substitutions: each a missense change of `change`; of indels a frameshift."""
    sequence = study.bases_of()
    rows = [
        {
            "chrom": "chr17", "start": START + one.at, "ref": one.ref or sequence[one.at], "alt": one.alt, "gene": gene,
            "consequence": "frameshift" if one.ref else "missense", "change": "R175fs" if one.ref else change,
        }
        for one in planted
    ]  # fmt: skip
    return Consequences.frame(rows)


def found(
    folder: Path,
    study: Study,
    *planted: Planted,
    hotspots: Mapping[str, tuple[int, int]] | None = None,
    named: bool = True,
    gene: str = "TP53",
    role: str = "driver",
    sets: float | None = None,
    haploid: tuple[str, ...] = (),
    settings: Settings | None = None,
    counted: int = 21,
) -> VariantResults:
    """What the search finds in the lot. named: whether the planted variants change the protein. counted: of 30 reads of each
    indel that was spiked into its reads."""
    path = folder / "pileup.tsv.gz"
    roles = write_pileup(path, study, planted)
    consequences = missense(study, *planted, gene=gene) if named else Consequences.frame([])
    places = loci(len(study.bases_of()), hotspots, role, gene)
    results = search(
        read_pileup(path, roles, kind_of),
        places,
        panel(gene, role),
        consequences,
        settings or Settings(),
        haploid,
        sets,
        spiked=SpikedIndels.frame(
            [{"chrom": "chr17", "start": START, "change": 1, "carrying": 30, "counted": counted}] * 40
        ),
    )
    SmallVariants.validate(results.variants)
    VariantLimits.validate(results.limits)
    return results
