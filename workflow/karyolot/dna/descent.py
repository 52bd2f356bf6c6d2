"""Is a lot of the declared line? Changes of its parent lot that other lots of the donor do not share -> likelihood ratio.

Sex, SNPs and germline copy number are the donor's, so two exchanged lots of one donor pass them all. A lot grown from its parent
has the parent's clones at fractions that some passages of selection and drift lead to; another lot of the donor has them only by
coincidence. For each marker the fraction in the parent is integrated over its likelihood, and the lot's own over where it may
have gone:

    grown from it    the logit moves by a normal amount with the sd of the marker's kind; a clone that is not in all cells may be
                     lost in a bottleneck (LOST)
    another lot      the fraction is 0 (of a heteroplasmy: about the donor's), or with the chance COINCIDENCE any

The constants are engineering defaults, chosen so that a single marker rarely decides. A change of the lot that the parent does
not show is no evidence: new clones arise in any culture.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import beta, binom, norm

from karyolot.contracts.criteria import Metric, Metrics
from karyolot.contracts.descent import Descent, Marker, Result
from karyolot.contracts.kinetics import Clone, CloneFraction, Kinetics
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.mitochondria import MitochondrialResults
from karyolot.contracts.small_variants import VariantResults
from karyolot.dna.identity import ERROR

Floats = NDArray[np.float64]

LISTED_READS = 6
"""Reads from which on a variant is listed at usual depths (`dna.variant_limits`): one that is not listed may have fewer."""
LEAST_DEPTH = 10
"""Reads of the lot below which a variant of the parent is not informative."""
NEEDED = 2.0
"""log10 likelihood ratio of a decision: by Markov's inequality at most one wrong decision in 100 lots of either kind."""
MOST = 3.0
"""Largest |log10 ratio| that one marker may contribute: beyond 1,000 : 1 errors that the model does not have are likelier."""
GROWTH_SD, DRIFT_SD = 0.25, 0.3
"""Standard deviation of the growth per passage of a clone, and of the drift of a heteroplasmy per root of passages, logit."""
DONOR_SD = 1.0
"""Of a heteroplasmy of another lot about the donor's fraction, logit: a reprogrammed culture starts from few cells."""
LOST = 0.05
"""Chance that a clone that is in few of the parent's cells is not passed on."""
UNKNOWN_PASSAGES = 10.0
"""Passages between two lots of which one's is not recorded: as many as are validated (criterion P01)."""
COINCIDENCE = {"copy number": 0.01, "recurrent": 0.1, "small variant": 0.2, "heteroplasmy": 0.05}
"""Chance that another lot of the donor has a change too: of recurrent copy-number changes and of small variants, which mostly
preexist in cells of the donor (Kosanke 2021), more often."""
GRID = np.linspace(-7.0, 7.0, 281)
"""Logits of fractions; the first stands for none."""
NONE = "the parent lot shows no clone, private variant or heteroplasmy of its own"


class Seen(NamedTuple):
    """Likelihood of a fraction, on GRID, with its estimate and 95 % interval."""

    likelihood: Floats
    value: float
    low: float
    high: float


class Evidence(NamedTuple):
    """A marker before it is weighed. coincidence: as in COINCIDENCE. donor: fraction in the donor, None = none."""

    kind: Literal["copy number", "small variant", "heteroplasmy"]
    name: str
    parent: Seen
    own: Seen
    coincidence: float
    donor: float | None = None


def by_interval(value: float, low: float, high: float) -> Seen:
    """A fraction measured with a 95 % interval that 0 may cut off."""
    sd = max((high - max(low, 0.0)) / 3.92 if low > 0 else (high - value) / 1.96, 1e-3)
    return Seen(np.asarray(norm.pdf(expit(GRID), value, sd)), value, low, high)


def by_reads(alt: int, depth: int) -> Seen:
    """A heterozygous variant in `alt` of `depth` reads."""
    likelihood = binom.pmf(alt, depth, _shown(expit(GRID)))
    low, high = (float(beta.ppf(q, alt + 0.5, depth - alt + 0.5)) for q in (0.025, 0.975))
    return Seen(np.asarray(likelihood), min(2 * alt / depth, 1.0), min(2 * low, 1.0), min(2 * high, 1.0))


def not_shown(depth: int) -> Seen:
    """A heterozygous variant in fewer than LISTED_READS of `depth` reads: it is not listed."""
    likelihood = binom.cdf(LISTED_READS - 1, depth, _shown(expit(GRID)))
    return Seen(np.asarray(likelihood), 0.0, 0.0, min(2 * float(beta.ppf(0.975, LISTED_READS, depth)), 1.0))


def _shown(fraction: Floats) -> Floats:
    """Fraction of reads with a variant that is on one copy in this fraction of the cells."""
    return np.asarray(fraction / 2 * (1 - 2 * ERROR) + ERROR)


def compare_parent(
    kinetics: Kinetics,
    parent: str,
    variants: Sequence[VariantResults | None] = (None, None),
    mitochondria: Sequence[MitochondrialResults | None] = (None, None),
) -> Descent:
    """Compare a lot with the lot it was grown from.

    Parameters
    ----------
    kinetics
        Of the line, the lot itself last.
    parent
        The nearest sequenced lot it was grown from.
    variants, mitochondria
        Of the parent and of the lot; None = not assessed.
    """
    if kinetics.reason or parent not in kinetics.lots:
        reason = kinetics.reason or f"{parent} has no verdict on stability"
        return Descent(parent=None, result="NOT ENOUGH", log10_ratio=0.0, needed=NEEDED, markers=(), reason=reason)
    at = kinetics.lots.index(parent)
    found = [_of_clone(clone, at) for clone in kinetics.clones if clone.fractions[at].called]
    found += _of_variants(*variants)
    found += _of_heteroplasmies(*mitochondria)
    passages = _passages(kinetics.passages[at], kinetics.passages[-1])
    markers = _counted([_weighed(evidence, passages) for evidence in found])
    total = sum(marker.log10_ratio for marker in markers if marker.counted)
    result: Result = "MATCHES PARENT" if total >= NEEDED else "CONTRADICTS" if total <= -NEEDED else "NOT ENOUGH"
    reason = "" if result != "NOT ENOUGH" else NONE if not markers else "the markers of the parent lot do not decide"
    return Descent(parent=parent, result=result, log10_ratio=total, needed=NEEDED, markers=markers, reason=reason)


def _passages(parent: float | None, own: float | None) -> float:
    """From parent to lot, at least 1."""
    return UNKNOWN_PASSAGES if parent is None or own is None else max(abs(own - parent), 1.0)


def _of_clone(clone: Clone, at: int) -> Evidence:
    def seen(own: CloneFraction) -> Seen:
        return by_interval(min(own.fraction, 1.0), own.low, max(own.high, 1e-3))

    chance = COINCIDENCE["recurrent" if clone.recurrent else "copy number"]
    return Evidence("copy number", clone.name, seen(clone.fractions[at]), seen(clone.fractions[-1]), chance)


def _of_variants(parent: VariantResults | None, own: VariantResults | None) -> list[Evidence]:
    """Variants of the parent that are not simply its donor's, in the lot's reads."""
    if parent is None or own is None:
        return []
    keys = ["chrom", "start", "ref", "alt"]
    theirs = parent.variants[
        parent.variants["origin"].isin(["acquired", "enriched"]) & parent.variants["artefact"].eq("")
    ]
    found = []
    shown = {tuple(row[key] for key in keys): row for row in own.variants.to_dict("records")}
    for row in theirs.to_dict("records"):
        other = shown.get(tuple(row[key] for key in keys))
        depth = int(own.facts.lot_depth) if other is None else int(other["lot_alt"] + other["lot_ref"])
        if depth < LEAST_DEPTH:
            continue
        name = f"{row['gene']} {row['chrom']}:{row['start'] + 1} {row['ref']}>{row['alt']}"
        mine = not_shown(depth) if other is None else by_reads(int(other["lot_alt"]), depth)
        there = by_reads(int(row["lot_alt"]), int(row["lot_alt"] + row["lot_ref"]))
        found.append(Evidence("small variant", name, there, mine, COINCIDENCE["small variant"]))
    return found


def _of_heteroplasmies(parent: MitochondrialResults | None, own: MitochondrialResults | None) -> list[Evidence]:
    """Alleles of the parent's mitochondria that differ from its donor's. One that the lot does not list is below its limit."""
    if parent is None or own is None or own.facts.lod is None:
        return []
    keys, lod = ["start", "alt"], own.facts.lod
    mine = {tuple(row[key] for key in keys): row for row in own.heteroplasmies.to_dict("records")}
    found = []
    theirs = parent.heteroplasmies
    for row in theirs[theirs["finding"] == "shift"].to_dict("records"):
        other = mine.get(tuple(row[key] for key in keys))
        seen = (0.0, 0.0, lod) if other is None else (other["lot"], other["lot_low"], other["lot_high"])
        there = by_interval(row["lot"], row["lot_low"], row["lot_high"])
        name = f"m.{row['start'] + 1}{row['ref']}>{row['alt']}"
        chance = COINCIDENCE["heteroplasmy"]
        found.append(Evidence("heteroplasmy", name, there, by_interval(*seen), chance, float(row["donor"])))
    return found


def _weighed(evidence: Evidence, passages: float) -> Marker:
    ratio = float(np.clip(_log10_ratio(evidence, passages), -MOST, MOST))
    parent, own = evidence.parent, evidence.own
    return Marker(
        kind=evidence.kind,
        name=evidence.name,
        parent=parent.value,
        parent_low=parent.low,
        parent_high=parent.high,
        own=own.value,
        own_low=own.low,
        own_high=own.high,
        log10_ratio=ratio,
        counted=True,
    )


def _log10_ratio(evidence: Evidence, passages: float) -> float:
    """Likelihood of the lot's own reads if it was grown from the parent, over that if it is another lot of the donor."""
    fractions = expit(GRID)
    flat = np.gradient(fractions)  # a uniform distribution of the fraction, on the grid of logits
    there = evidence.parent.likelihood * flat
    there /= there.sum()
    mitochondrial = evidence.kind == "heteroplasmy"
    sd = DRIFT_SD * np.sqrt(passages) if mitochondrial else GROWTH_SD * passages
    moved = _kernel(GRID, sd).T @ there
    lost = float((there * LOST * (1 - fractions)).sum())
    grown = (1 - lost) * moved
    grown[0] += lost
    other = evidence.coincidence * flat / flat.sum()
    usual = np.zeros_like(GRID)
    usual[0] = 1.0
    if mitochondrial and evidence.donor:
        usual = _kernel(logit(np.clip([evidence.donor], *expit(GRID[[0, -1]]))), DONOR_SD)[0]
    other += (1 - evidence.coincidence) * usual
    own = np.maximum(evidence.own.likelihood, 1e-300)
    return float(np.log10((own * grown).sum()) - np.log10((own * other).sum()))


def _kernel(starts: Floats, sd: float) -> Floats:
    """Where logits go, shape (starts, GRID), rows summing to 1."""
    weights = norm.pdf(GRID, starts[:, None], sd)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _counted(markers: Sequence[Marker]) -> tuple[Marker, ...]:
    """Of markers whose intervals in the parent overlap in a chain, the one with the largest |ratio| counts. The strongest
    first."""
    groups: list[list[Marker]] = []
    highest = -1.0
    for marker in sorted(markers, key=lambda one: one.parent_low):
        if groups and marker.parent_low <= highest and marker.kind != "heteroplasmy":
            groups[-1].append(marker)
        else:
            groups.append([marker])
        highest = max(highest, marker.parent_high) if marker.kind != "heteroplasmy" else highest
    best = [max(group, key=lambda one: abs(one.log10_ratio)) for group in groups]
    weighed = [marker.model_copy(update={"counted": any(marker is one for one in best)}) for marker in markers]
    return tuple(sorted(weighed, key=lambda one: (not one.counted, -abs(one.log10_ratio))))


def descent_metrics(descent: Descent) -> Metrics:
    """identity.parent: whether the lot is of its parent lot; null where the reads do not decide."""
    detail = f"log10 likelihood ratio {descent.log10_ratio:.1f} from {len(descent.markers)} markers of {descent.parent}"
    decided = descent.result != "NOT ENOUGH"
    return {
        MetricName.IDENTITY_PARENT: Metric(
            value=descent.result if decided else None, reason=descent.reason, detail=detail if decided else ""
        )
    }
