"""`karyolot plan`: how deeply a lot and its donor must be sequenced for a claim. Before sequencing, so all is a forecast."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from karyolot.contracts.copy_number import Arms, Comparison, Noise
from karyolot.contracts.metrics import BOUNDED_INDELS
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.record import Record
from karyolot.contracts.settings import Config
from karyolot.dna import variant_limits
from karyolot.dna.atlas import Atlas
from karyolot.dna.bins import make_bins
from karyolot.dna.forecast import (
    COUNTED,
    NOISY_WAVES,
    USABLE,
    Forecast,
    Libraries,
    Unreachable,
    depth_needed,
    forecast,
    libraries_of,
    panel_needed,
    poisson_variance,
    shared_by,
    shared_in,
    typical,
    typical_ratios,
)
from karyolot.dna.limits import known_regions
from karyolot.dna.noise import measure_noise
from karyolot.dna.variant_limits import TYPICAL_COUNTED
from karyolot.inputs.formats import layout
from karyolot.inputs.reference import places
from karyolot.io.files import read_model
from karyolot.io.record import read_record
from karyolot.io.shipped import RESOURCES
from karyolot.io.tables import read_table
from karyolot.plan.resources import GB_PER_PAIR, of_genome
from karyolot.report.words import bins_of

SHOWN_DEPTHS = (1.0, 5.0, 30.0, 50.0, 100.0)
SHOWN_SIZES_MB = (1.0, 5.0, 20.0)
SIZES_MB = (1.0, 2.0, 5.0, 10.0, 20.0)
"""The last is the longest claim that settings allow (copy_number.claim_mb)."""
MOST_DONOR_DEPTH = 1_000.0
SECTIONS = ("counting", "copy_number", "identity", "alignment")
"""Settings of a finished lot that a forecast depends on."""
TYPICAL_READS = (
    f"Reads: {COUNTED:.0%} of the read pairs (2 x 150 bases) are counted; {USABLE:.0%} of the bins are usable, none on the"
    " short arms of chromosomes 13, 14, 15, 21 and 22."
)
TYPICAL_NOISE = (
    "Noise: Poisson, and waves shared by neighbouring bins, as high as in the quieter of two published tumour/normal pairs"
    " (standard deviation 0.019 of the ratio in bins of 50 kb). It has not been measured on replicate cultures."
)

VERIFIED = (
    "Verification: a run tests its limits with simulated changes in the lot's own reads and raises those that fall short. In"
    " simulations the limits of comparable lots differed by 3% (standard deviation), by 9% at most (benchmarks/plan.tsv)."
)
DRIVERS = (
    "Driver mutations: heterozygous in diploid cells; 43,000 coding and 150 recurrent bases, those of the shipped panel; 3 errors"
    f" in 10,000 reads of each substitution. Indels: {BOUNDED_INDELS}; 1 error in 100,000 reads; {TYPICAL_COUNTED:.0%} of the"
    " reads with one are counted, as of 2 x 150 bases. Shorter reads lose more: a run measures that part in the lot's own reads."
)


class Basis(NamedTuple):
    """What the forecast rests on. assumptions: sentences that state where each of its parts is from."""

    libraries: Libraries
    settings: Config
    assumptions: tuple[str, ...]
    genome: str


class Asked(NamedTuple):
    """A claim that is planned for; arms: cell fraction of a change of a whole arm, None = not requested."""

    claim_mb: float
    fraction: float
    arms: float | None
    donor_depth: float | None


def plan(
    claim_mb: float,
    fraction: float,
    *,
    genome: str = "",
    arms: float | None = None,
    like: str = "",
    donor_depth: float | None = None,
) -> dict[str, Any]:
    """What `karyolot plan` prints, as plain values; a null has its reason beside it.

    Parameters
    ----------
    claim_mb, fraction
        A gain or loss of this size or larger in this fraction of cells is to be called.
    genome
        A layout of resources/genomes; '' = GRCh38, or that of `like`.
    arms
        Cell fraction of a gain or loss of any whole autosomal arm; None = not requested.
    like
        DIRECTORY:LOT, a finished lot whose noise and usable reads are taken; '' = typical ones.
    donor_depth
        Mean coverage of a donor that is sequenced already; None = as the lot.

    Raises
    ------
    KaryolotError
        An argument is out of range, or the genome or the lot is not there.
    """
    asked = Asked(claim_mb, fraction, arms, donor_depth)
    _check(asked)
    if like and genome:
        raise KaryolotError(
            "--genome has no effect together with --like: the genome is that of the finished lot; give one of them"
        )
    basis = _like(like) if like else _typical(genome or "GRCh38")
    basis = basis._replace(settings=_claiming(claim_mb, basis.settings))
    needed = _needed(asked, basis)
    depths = [(depth, donor_depth or depth) for depth in SHOWN_DEPTHS]
    facts: dict[str, Any] = {
        **asked._asdict(),
        "power": basis.settings.copy_number.power,
        "genome": basis.genome,
        "reason": needed.reason if isinstance(needed, Unreachable) else "",
        **dict.fromkeys(("lot", "donor", "analysis", "panel")),
        "depths": [{"lot": lot, "donor": donor, **_at_depth(lot, donor, basis)} for lot, donor in depths],
        "assumptions": [*basis.assumptions, VERIFIED, DRIVERS],
    }
    if not isinstance(needed, Unreachable):
        facts |= _planned(needed, donor_depth or needed, asked, basis)
        if not like:
            noisy = basis._replace(libraries=basis.libraries._replace(shared=shared_by(NOISY_WAVES)))
            limit = _at(needed, donor_depth or needed, noisy).of_size(claim_mb)
            facts["assumptions"].append(
                f"With the noise of the noisier pair the limit at this depth would be {limit:.1%}. Sequence one lot and its"
                " donor, then plan the others by its noise (--like)."
            )
    return facts


def _claiming(claim_mb: float, settings: Config) -> Config:
    own = settings.copy_number.model_copy(update={"claim_mb": claim_mb, "lod_sizes_mb": SIZES_MB})
    return settings.model_copy(update={"copy_number": own})


def _at(lot: float, donor: float, basis: Basis) -> Forecast:
    """At these mean coverages."""
    own = basis.libraries
    settings = basis.settings
    return forecast(own.density(lot), own.density(donor), own, settings.copy_number, settings.counting.bin_bp)


def _at_depth(lot: float, donor: float, basis: Basis) -> dict[str, Any]:
    """Limits at these mean coverages; driver_*: of mutations of driver genes, at any base and at recurrent ones, and indels."""
    found = variant_limits.forecast(lot, donor, basis.settings.small_variants)
    return {**_bought(_at(lot, donor, basis)), **{f"driver_{name}": limit for name, limit in found._asdict().items()}}


def _needed(asked: Asked, basis: Basis) -> float | Unreachable:
    """Mean coverage of the lot needed for all that is requested."""
    wanted: list[tuple[Callable[[Forecast], float], float]] = [(lambda it: it.of_size(asked.claim_mb), asked.fraction)]
    if asked.arms is not None:
        wanted.append((Forecast.of_any_arm, asked.arms))
    own, bin_bp = basis.settings.copy_number, basis.settings.counting.bin_bp
    found = [depth_needed(limit, least, asked.donor_depth, basis.libraries, own, bin_bp) for limit, least in wanted]
    names = (f"changes of {asked.claim_mb:g} Mb", "whole arms")
    reasons = [
        f"{name}: {item.reason}" for name, item in zip(names, found, strict=False) if isinstance(item, Unreachable)
    ]
    return Unreachable("; ".join(reasons)) if reasons else max(item for item in found if isinstance(item, float))


def _planned(lot: float, donor: float, asked: Asked, basis: Basis) -> dict[str, Any]:
    own = basis.settings
    snps = panel_needed(
        asked.fraction, asked.claim_mb, (lot, donor), basis.libraries, own.copy_number.power, own.identity
    )
    known = isinstance(snps, int)
    return {
        "lot": _sample(lot, basis),
        "donor": _sample(donor, basis),
        "analysis": _analysis(_at(lot, donor, basis)),
        "panel": {"snps": snps if known else None, "reason": "" if isinstance(snps, int) else snps.reason},
    }


def _check(asked: Asked) -> None:
    for name, value in (("--fraction", asked.fraction), ("--arms", asked.arms)):
        if value is not None and not 0 < value <= 1:
            raise KaryolotError(f"{name} {value:g}: must be above 0 and at most 1", "10 % of cells is 0.1")
    if not 0 < asked.claim_mb <= SIZES_MB[-1]:
        raise KaryolotError(
            f"--claim {asked.claim_mb:g}: must be above 0 and at most {SIZES_MB[-1]:g} (Mb)",
            "changes of whole arms are planned with --arms",
        )
    if asked.donor_depth is not None and not 0 < asked.donor_depth <= MOST_DONOR_DEPTH:
        raise KaryolotError(
            f"--donor-depth {asked.donor_depth:g}: must be above 0 and at most {MOST_DONOR_DEPTH:g}",
            "a mean coverage of 30x is 30",
        )


def _typical(genome: str) -> Basis:
    layout_file = RESOURCES / "genomes" / f"{genome}.yaml"
    if not layout_file.is_file():
        known = ", ".join(sorted(path.stem for path in layout_file.parent.glob("*.yaml")))
        raise KaryolotError(f"--genome {genome}: no layout of that name; there are {known}")
    settings = Config()
    atlas = Atlas.of(places(layout_file, RESOURCES / "recurrent_regions.tsv", []))
    ends = atlas.cytobands.groupby("chrom", sort=False)["end"].max()
    contigs = [(str(name), int(end)) for name, end in ends.items()]
    bin_bp = settings.counting.bin_bp
    nothing = measure_noise(np.array([]), np.array([]), np.array([], dtype=object))
    grid = make_bins(contigs, layout.read(layout_file).layout, atlas.cytobands, bin_bp)
    arms = known_regions(typical_ratios(grid), nothing, settings.copy_number, atlas)
    libraries = libraries_of(arms, bin_bp, sum(length for _, length in contigs), COUNTED, typical)
    return Basis(libraries, settings, (TYPICAL_READS, TYPICAL_NOISE), genome)


def _like(text: str) -> Basis:
    """The basis that a finished lot gives."""
    directory, colon, lot = text.rpartition(":")
    if not colon or not directory:
        raise KaryolotError(f"--like {text}: must be DIRECTORY:LOT", "as in --like my-study:HLP-07")
    record = read_record(Path(directory), lot)
    settings = _settings_of(record)
    tables = Path(directory) / "results" / lot / "dna"
    for name in ("arms.parquet", "noise.json", "comparison.json"):
        if not (tables / name).is_file():
            raise KaryolotError(
                f"--like {text}: {tables / name} is not there", "run the lot again, or name another lot"
            )
    noise, facts = read_model(tables / "noise.json", Noise), read_model(tables / "comparison.json", Comparison)
    counts = facts.lot_median, facts.donor_median
    if not noise.assessable or counts[0] is None or counts[1] is None:
        raise KaryolotError(f"--like {text}: the noise of that lot could not be measured", "name another lot")
    genome = sum(chromosome.length for chromosome in record.copy_number.chromosomes)
    counted, reads = _counted(record, (counts[0], counts[1]), facts.analysis_bin_bp, genome)
    shared = shared_in(noise, poisson_variance(counts[0], counts[1]), facts.analysis_bin_bp)
    arms = read_table(tables / "arms.parquet", Arms)
    libraries = libraries_of(arms, facts.analysis_bin_bp, genome, counted, shared)
    usable = f"Reads: {reads}; {facts.usable:.0%} of the bins are usable."
    inflation = ", ".join(f"{noise.inflation[n]:.2f} ({noise.blocks[n]})" for n in range(0, len(noise.blocks), 3))
    measured = (
        f"Noise: that of {lot}, variance over Poisson (by bins of {bins_of(facts.analysis_bin_bp)} averaged) {inflation}. Noise"
        " that its depth could not resolve is taken as typical, as far as that lot allows."
    )
    return Basis(
        libraries, settings, (usable, measured), str(record.provenance.reference.get("layout") or "that of the lot")
    )


def _settings_of(record: Record) -> Config:
    """The settings a lot was run with, of the sections that a forecast depends on."""
    used: dict[str, dict[str, Any]] = {}
    for difference in record.provenance.config_differences:
        section, _, name = difference.setting.partition(".")
        if section in SECTIONS:
            used.setdefault(section, {})[name] = difference.used
    try:
        return Config.model_validate(used)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise KaryolotError(
            f"lot {record.lot.lot_id} was run with a setting this version refuses ({place}: {fault['msg']})",
            "run it again, or name another lot",
        ) from error


def _counted(record: Record, fragments: tuple[float, float], bin_bp: int, genome: int) -> tuple[float, str]:
    """Fragments counted per read pair, of lot and donor the lower, and a clause that names its source."""
    shares = []
    for role, per_bin in zip(("lot", "donor"), fragments, strict=True):
        sample = next((part for part in record.qc if part.role == role and part.assay == "wgs"), None)
        figures = {figure.name: figure.value for figure in sample.figures} if sample else {}
        pairs, duplicates = figures.get("Reads in"), figures.get("Duplicates")
        if isinstance(pairs, int | float) and pairs > 0:
            shares.append((per_bin / bin_bp * genome / pairs, role, duplicates))
    if not shares:
        return COUNTED, f"the number of read pairs is not recorded, so {COUNTED:.0%} of them are taken as counted"
    share, role, duplicates = min(shares)
    known = f"; {duplicates:.3g}% are duplicates" if isinstance(duplicates, int | float) else ""
    return share, f"{share:.0%} of the read pairs of the {role} were counted{known}, a fraction assumed at any depth"


def _sample(depth: float, basis: Basis) -> dict[str, float]:
    pairs = basis.libraries.pairs(depth)
    hours, disk = of_genome(pairs, basis.libraries.genome, basis.settings)
    return {
        "depth": depth,
        "read_pairs": round(pairs),
        "reads_gb": pairs * GB_PER_PAIR,
        "cpu_hours": hours,
        "disk_gb": disk,
    }


def _analysis(found: Forecast) -> dict[str, Any]:
    """best_arm, worst_arm: of the assessable autosomal arms. blind_arms: those that are not assessable at this depth."""
    arms = {name: both for name, both in found.arms.items() if not np.isnan(both).any()}
    ranked = sorted(arms, key=lambda name: max(arms[name]))
    return {
        "bin_bp": found.analysis_bin_bp,
        "bins": found.bins,
        "lot_fragments": found.fragments[0],
        "donor_fragments": found.fragments[1],
        "limits": [{"size_mb": mb, **_both(found.at(mb))} for mb in (found.sizes["size_bp"].unique() / 1e6).tolist()],
        "best_arm": {"arm": ranked[0], **_both(arms[ranked[0]])} if ranked else None,
        "worst_arm": {"arm": ranked[-1], **_both(arms[ranked[-1]])} if ranked else None,
        "blind_arms": sorted(set(found.arms) - set(arms)),
    }


def _bought(found: Forecast) -> dict[str, Any]:
    sizes = [{"size_mb": size, **_both(found.at(size))} for size in SHOWN_SIZES_MB]
    return {"limits": sizes, "any_arm": _both(found.any_arm[:2])}


def _both(limits: tuple[float, float]) -> dict[str, float | None]:
    """Gain and loss; null = not even in all cells."""
    return {
        name: None if np.isnan(value) else round(value, 4) for name, value in zip(("gain", "loss"), limits, strict=True)
    }
