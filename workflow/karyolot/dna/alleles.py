"""Allelic imbalance: the lot's B-allele fractions (BAF) at sites where the donor is heterozygous. No phasing is needed.

With a change in a fraction f of cells, |BAF - 1/2| becomes f / (2 (2 - f)) for a loss, f / (2 (2 + f)) for a gain of one copy,
and f / 2 for a copy-neutral loss of heterozygosity. The sign at a single site is random, so the imbalance is measured as excess
spread.
"""

from collections.abc import Hashable, Mapping
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import chdtrc, chdtri, gammaincinv

from karyolot.contracts.alleles import AlleleArms, AlleleEvents, AlleleFacts, AlleleTrack
from karyolot.contracts.cells import in_sets, of_diploid
from karyolot.contracts.copy_number import Noise
from karyolot.contracts.normal import MAD_TO_SD
from karyolot.contracts.settings import Identity
from karyolot.dna.identity import frequencies, genotypes, posterior, shared_sites
from karyolot.dna.noise import runs_of, standard_error

Floats = NDArray[np.float64]

HET = 0.99
"""Probability from which a site counts as het in the donor: of 10 fragments at least 3 show the rarer allele."""
BLOCK = 50
"""Neighbouring sites over which the baseline spread is measured: its relative error is sqrt(2/50) = 20 %."""
LEAST_BLOCKS = 10
"""Fewer do not determine the baseline; 500 heterozygous sites correspond to a panel of about 1,500."""
WINDOW_SITES = 10
"""Fewest sites of a window tested; below, the tail of the chi-square depends on single sites."""
MOST_RHO = 0.2
AGREES = 0.01
"""p below which the alleles under a depth call count as imbalanced; calls are few, and each is tested once."""
SURE = 1.96
LEAST_REST = 0.5
"""Length, relative to the size searched for, of the part of an imbalanced region outside all depth calls from which on it is
tested separately: ends are not exact."""
MOST_DRAWN = 4_000
"""Sites plotted: 13 in an event of 10 Mb, enough to show its two bands, and four per pixel column of the report's figure, beyond
which they overlap; 60 kB a sample."""


Place = tuple[str, int, int]
"""Chromosome, start, end."""


class Compared(NamedTuple):
    """events: schema AlleleEvents; arms: AlleleArms; track: AlleleTrack; all empty if facts.reason states why."""

    events: pd.DataFrame
    facts: AlleleFacts
    arms: pd.DataFrame
    track: pd.DataFrame


class Hets(NamedTuple):
    """Heterozygous sites of the donor, in genome order, as parallel arrays.

    shares: allele fractions of alt in lot and donor, as counted, shape (2, sites). residual: BAF of the lot minus its expected
    value; variance: expected of it; depth: of the lot. donor, donor_variance: the same for the donor. runs: index range of
    each chromosome. spread: variation of the spread of neighbouring sites relative to that of a chi-square, >= 1.
    """

    chrom: NDArray[np.object_]
    start: NDArray[np.int64]
    depth: NDArray[np.int64]
    shares: Floats
    residual: Floats
    variance: Floats
    donor: Floats
    donor_variance: Floats
    runs: dict[str, tuple[int, int]]
    spread: float

    def __len__(self) -> int:
        return len(self.start)


class Shift(NamedTuple):
    """|BAF - centre| of a region: 0..0.5 with 95 % interval; p as its natural logarithm; number of sites."""

    value: float
    low: float
    high: float
    log_p: float
    sites: int


def compare_alleles(
    lot: pd.DataFrame,
    donor: pd.DataFrame,
    ratios: pd.DataFrame,
    noise: Noise,
    calls: pd.DataFrame,
    settings: Identity,
    sets: float | None = None,
) -> Compared:
    """Test the alleles under every depth call and of every arm, and search for allelic imbalance without a change of depth.

    The probability of any false event in a stable lot is settings.family_wise_error, over all windows of all arms.

    Parameters
    ----------
    lot, donor
        Schema AlleleCounts, at the same sites.
    ratios, noise, calls
        Of the same lot: schema LogRatios, noise of the ratio (log2), schema Calls.
    sets
        Sets of chromosomes in the lot's cells, for which fractions are stated; None = not measured.
    """
    calls = calls.assign(fraction_low=of_diploid(calls["fraction_low"], sets))
    lot, donor = shared_sites({"lot": lot, "donor": donor})
    hets, measured = het_sites(lot, donor, settings.min_depth)
    facts: dict[str, Any] = {
        "sites": len(hets),
        "min_depth": settings.min_depth,
        "size_mb": settings.event_mb,
        "power": settings.power,
        "windows": 0,
        "threshold": None,
        "lod": None,
        "reason": "",
        **measured,
    }
    if len(hets) < BLOCK * LEAST_BLOCKS:
        facts["reason"] = (
            f"no allele evidence ({len(hets)} of the {BLOCK * LEAST_BLOCKS} heterozygous SNPs needed reach"
            f" {settings.min_depth}x in both samples)"
        )
        events, arms, track = (contract.frame([]) for contract in (AlleleEvents, AlleleArms, AlleleTrack))
        return Compared(events, AlleleFacts(**facts), arms, track)
    windows = all_windows(ratios, hets, settings.event_mb)
    threshold = settings.family_wise_error / max(len(windows), 1)
    found = search(hets, windows, threshold, settings.event_mb)
    rows = [_under_call(hets, call, ratios, noise) for call in calls.to_dict("records")]
    pieces = [piece for place in found for piece in outside(hets, place, calls, threshold, settings.event_mb)]
    rows += [_event(hets, piece, ratios, noise) for piece in pieces]
    facts |= {"windows": len(windows), "threshold": threshold}
    facts["lod"] = limit_of_detection(hets, windows, threshold, settings)
    arms = AlleleArms.frame(arm_rows(hets, ratios, threshold))
    return _stated(Compared(AlleleEvents.frame(rows), AlleleFacts(**facts), arms, drawn(hets)), sets)


def _stated(found: Compared, sets: float | None) -> Compared:
    """Fractions of diploid cells converted to cells with `sets` sets of chromosomes, where the same alleles mean more of them."""
    if sets is None:
        return found
    names = ["fraction", "fraction_low", "fraction_high"]
    events = found.events.assign(**{name: np.minimum(in_sets(found.events[name], sets), 1) for name in names})
    arms = found.arms.assign(fraction_high=np.minimum(in_sets(found.arms["fraction_high"], sets), 1))
    lod = None if found.facts.lod is None else float(in_sets(found.facts.lod, sets))
    facts = found.facts.model_copy(update={"lod": None if lod is None or lod > 1 else lod})
    return found._replace(events=events, arms=arms, facts=facts)


def het_sites(lot: pd.DataFrame, donor: pd.DataFrame, min_depth: int) -> tuple[Hets, dict[str, float | None]]:
    """Usable sites, and centre, site bias and overdispersion as AlleleFacts names them.

    Each site is centred on its own donor: mapping bias of an allele affects both samples alike. The weight of the donor's noisy
    allele fraction is estimated from the covariance of lot and donor (empirical Bayes).
    """
    ref, alt = (np.stack([t[f"{n}_count"].to_numpy() for t in (lot, donor)]) for n in ("ref", "alt"))
    depth = ref + alt
    known = posterior(genotypes(donor).likelihood, frequencies(lot, donor)[0])
    used = np.flatnonzero((known[:, 1] >= HET) & (depth >= min_depth).all(axis=0))
    chrom = lot["chrom"].to_numpy(dtype=object)[used]
    runs = {str(chrom[low]): (low, high) for low, high in runs_of(chrom)}
    n, m = depth[:, used]
    shares = alt[:, used] / np.maximum(depth[:, used], 1)
    x, d = shares
    if len(used) < BLOCK * LEAST_BLOCKS:
        empty = np.zeros(len(used))
        measured: dict[str, float | None] = {"centre": None, "site_bias": None, "overdispersion": None}
        return Hets(chrom, lot["start"].to_numpy()[used], n, shares, empty, empty, empty, empty, runs, 1.0), measured
    centre = float(np.average(d, weights=m))
    sampling = centre * (1 - centre)
    blocks = _blocks(runs)
    together = float(np.median(_sums((x - centre) * (d - centre), blocks) / BLOCK))
    bias = max(together, 0.0)
    follow = bias / (bias + sampling / m)
    residual = x - centre - follow * (d - centre)

    def variance(rho: float, depth: NDArray[np.int64]) -> Floats:
        return np.asarray(sampling / depth * (1 + (depth - 1) * rho))

    def excess(rho: float) -> float:
        return _typical(_sums(residual**2 / (variance(rho, n) + bias * (1 - follow)), blocks)) - 1

    rho = 0.0 if excess(0.0) <= 0 else MOST_RHO if excess(MOST_RHO) > 0 else float(brentq(excess, 0.0, MOST_RHO))
    expected = variance(rho, n) + bias * (1 - follow)
    sums = _sums(residual**2 / expected, blocks)
    spread = float(np.median(np.abs(sums - np.median(sums)))) * MAD_TO_SD / np.sqrt(2 * BLOCK)
    start = lot["start"].to_numpy()[used]
    donor_variance = variance(rho, m) + bias
    measured = {"centre": round(centre, 4), "site_bias": round(bias**0.5, 4), "overdispersion": round(rho, 5)}
    spread = max(spread, 1.0)
    return Hets(chrom, start, n, shares, residual, expected, d - centre, donor_variance, runs, spread), measured


def _blocks(runs: Mapping[str, tuple[int, int]]) -> NDArray[np.int64]:
    """First sites of the blocks, none across chromosomes."""
    starts = [np.arange(low, high - BLOCK + 1, BLOCK) for low, high in runs.values()]
    found = np.concatenate(starts)
    return found if len(found) else np.array([0])


def _sums(values: Floats, blocks: NDArray[np.int64]) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(total[np.minimum(blocks + BLOCK, len(values))] - total[blocks])


def _typical(sums: Floats) -> float:
    """Median over blocks, robust to a change of less than half of the genome, relative to that of a chi-square."""
    return float(np.median(sums) / (2 * gammaincinv(BLOCK / 2, 0.5)))


def all_windows(ratios: pd.DataFrame, hets: Hets, size_mb: float) -> list[tuple[int, int]]:
    """Index ranges of `hets`: every arm, and windows of size_mb, twice that, ... within it, a quarter apart."""
    windows: dict[tuple[int, int], None] = {}
    for span in _spans(ratios).to_dict("records"):
        if span["chrom"] not in hets.runs:
            continue
        first, last = hets.runs[span["chrom"]]
        places = hets.start[first:last]
        edges = [(span["start"], span["end"])]
        size = size_mb * 1e6
        while size < span["end"] - span["start"]:
            lows = np.arange(span["start"], span["end"] - size, size / 4)
            edges += [(low, low + size) for low in (*lows, span["end"] - size)]
            size *= 2
        for low, high in edges:
            a, b = (first + int(np.searchsorted(places, edge)) for edge in (low, high))
            if b - a >= WINDOW_SITES:
                windows[a, b] = None
    return list(windows)


def _spans(ratios: pd.DataFrame) -> pd.DataFrame:
    """Every arm in genome order: arm, chrom, start, end."""
    arms = ratios.groupby("arm", sort=False)
    return arms.agg(chrom=("chrom", "first"), start=("start", "min"), end=("end", "max")).reset_index()


def shift_of(hets: Hets, low: int, high: int, *, of_donor: bool = False) -> Shift:
    """Excess spread of the sites low..high, expressed as a shift of unknown sign at each site.

    The test is a chi-square of the residuals, its degrees of freedom divided by the square of hets.spread.
    """
    inside = slice(low, high)
    residual, variance = (
        (hets.donor[inside], hets.donor_variance[inside])
        if of_donor
        else (hets.residual[inside], hets.variance[inside])
    )
    sites = high - low
    freedom = sites / hets.spread**2
    total = float((residual**2 / variance).sum())
    with np.errstate(divide="ignore"):  # the log of 0 is -inf
        log_p = float(np.log(chdtrc(freedom, total * freedom / sites)))
    weight = 1 / variance**2
    # Binomial variance is p (1 - p) / n, smaller where the allele fraction has shifted: hence 1 - 1/n.
    square = ((residual**2 - variance) * weight).sum() / (weight * (1 - 1 / hets.depth[inside])).sum()
    moved = max(float(square), 0.0)
    error = hets.spread * np.sqrt((weight**2 * (2 * variance**2 + 4 * variance * moved)).sum()) / weight.sum()
    # The upper end starts at no shift: a spread that happens to be small does not exclude more than the sites could show.
    ends = (np.sqrt(np.clip(end, 0.0, 0.25)) for end in (square, square - SURE * error, moved + SURE * error))
    value, shift_low, shift_high = (float(end) for end in ends)
    return Shift(value, shift_low, shift_high, log_p, sites)


def search(hets: Hets, windows: list[tuple[int, int]], threshold: float, size_mb: float) -> list[Place]:
    """Regions in which the lot's alleles are imbalanced and the donor's less so.

    Windows are taken in order of significance, each with its ends refined to where the imbalance begins; overlapping ones are
    dropped; neighbours are joined (the two arms of a chromosome are searched separately).
    """
    scored = [(shift_of(hets, *window), window) for window in windows]
    hits = sorted(
        (item for item in scored if item[0].log_p < np.log(threshold)), key=lambda item: (item[0].log_p, item[1])
    )
    taken: list[tuple[int, int]] = []
    acquired: list[tuple[int, int]] = []
    for shift, (low, high) in hits:
        if any(low < b and a < high for a, b in taken):
            continue
        taken.append(trimmed(hets, low, high, shift.value))
        # An imbalance of both samples is blocked as well: by chance one of its many windows would show more in the lot.
        if not _of_donor(hets, low, high, shift):
            acquired.append(taken[-1])
    places: list[Place] = []
    for low, high in sorted(acquired):
        chrom, start, end = str(hets.chrom[low]), int(hets.start[low]), int(hets.start[high - 1]) + 1
        if places and places[-1][0] == chrom and start - places[-1][2] <= size_mb * 1e6 / 4:
            places[-1] = (chrom, places[-1][1], end)
        else:
            places.append((chrom, start, end))
    return places


def _of_donor(hets: Hets, low: int, high: int, shift: Shift) -> bool:
    """Whether the donor's alleles are imbalanced there as well, and the lot's (shift) no more."""
    own = shift_of(hets, low, high, of_donor=True)
    return own.log_p < np.log(AGREES) and shift.low <= own.high


def trimmed(hets: Hets, low: int, high: int, shift: float) -> tuple[int, int]:
    """The region around low..high, up to its own length to either side, in which a shift of that size is most likely.

    Maximal sum of the log likelihood ratio per site, residuals taken as normal with variance v + shift^2 against v.
    """
    first, last = hets.runs[str(hets.chrom[low])]
    first, last = max(first, 2 * low - high), min(last, 2 * high - low)
    variance, moved = hets.variance[first:last], hets.variance[first:last] + shift**2
    score = (hets.residual[first:last] ** 2 * (1 / variance - 1 / moved) - np.log(moved / variance)) / 2
    total = np.concatenate([[0.0], np.cumsum(score)])
    rise = total - np.minimum.accumulate(total)
    end = int(rise.argmax())
    start = int(total[: end + 1].argmin())
    return first + start, first + end


def outside(hets: Hets, place: Place, calls: pd.DataFrame, threshold: float, size_mb: float) -> list[Place]:
    """The part of a region outside all depth calls: all of it, or the remaining pieces that are long and significant alone."""
    chrom, start, end = place
    own = calls[(calls["chrom"] == chrom) & (calls["start"] < end) & (calls["end"] > start)].sort_values("start")
    if own.empty:
        return [place]
    lows = [start, *own["end"].cummax()]
    pieces = [(chrom, int(low), int(high)) for low, high in zip(lows, [*own["start"], end], strict=True)]
    long = [piece for piece in pieces if piece[2] - piece[1] >= LEAST_REST * size_mb * 1e6]
    inside = [(piece, _inside(hets, *piece)) for piece in long]
    return [
        piece for piece, (a, b) in inside if b - a >= WINDOW_SITES and shift_of(hets, a, b).log_p < np.log(threshold)
    ]


def _inside(hets: Hets, chrom: str, start: int, end: int) -> tuple[int, int]:
    """Index range of the sites in a region."""
    low, high = hets.runs.get(chrom, (0, 0))
    places = hets.start[low:high]
    return low + int(np.searchsorted(places, start)), low + int(np.searchsorted(places, end))


def fraction_of(shift: float, kind: str) -> float:
    """Fraction of cells that moves the alleles by `shift` (0..0.5), for 'gain', 'loss' or a copy-neutral event, at most 1."""
    if kind == "gain":
        return min(4 * shift / (1 - 2 * shift), 1.0) if shift < 0.5 else 1.0
    return min(4 * shift / (1 + 2 * shift) if kind == "loss" else 2 * shift, 1.0)


def shift_by(fraction: float, kind: str) -> float:
    """The inverse of `fraction_of`; fractions above 1 (more than one copy) count as 1."""
    f = min(fraction, 1.0)
    return f / (2 * (2 + f)) if kind == "gain" else f / (2 * (2 - f)) if kind == "loss" else f / 2


def _depth(ratios: pd.DataFrame, noise: Noise, chrom: str, start: int, end: int) -> tuple[float | None, float | None]:
    """Mean log2 ratio of the used bins whose midpoint lies inside, and its standard error."""
    own = ratios[(ratios["chrom"] == chrom) & ratios["mask"].isna()]
    middle = (own["start"] + own["end"]) // 2
    own = own[(middle >= start) & (middle < end)]
    if own.empty or not noise.assessable:
        return None, None
    weight = 1 / own["variance"].to_numpy()
    mean = float(np.average(own["log2"], weights=weight))
    return mean, float(standard_error(noise, float(weight.sum()), len(own)))


def _row(hets: Hets, place: Place, depth: tuple[float | None, float | None], **facts: Any) -> dict[str, Any]:
    """A row of AlleleEvents without the columns that the caller adds."""
    low, high = _inside(hets, *place)
    row: dict[str, Any] = dict(zip(("chrom", "start", "end"), place, strict=True)) | facts
    row |= {"sites": high - low, "log2": depth[0], "log2_se": depth[1]}
    if high == low:
        return row
    shift = shift_of(hets, low, high)
    kind = facts["kind"]
    ends = {"fraction": shift.value, "fraction_low": shift.low, "fraction_high": shift.high}
    return row | _measured(shift) | {name: fraction_of(value, kind) for name, value in ends.items()}


def _measured(shift: Shift) -> dict[str, float]:
    """The columns of AlleleEvents and AlleleArms that hold a shift."""
    p = float(np.exp(shift.log_p))
    return {"shift": shift.value, "shift_low": shift.low, "shift_high": shift.high, "p": p}


def _under_call(hets: Hets, call: Mapping[Hashable, Any], ratios: pd.DataFrame, noise: Noise) -> dict[str, Any]:
    """Row of AlleleEvents of the alleles under a depth call."""
    place = call["chrom"], call["start"], call["end"]
    row = _row(hets, place, _depth(ratios, noise, *place), origin="call", kind=call["type"])
    # Where the donor deviates and the lot does not, the lot's alleles have nothing to confirm.
    if not row["sites"] or call["origin"] == "lost":
        return row | {"evidence": "uninformative"}
    if row["p"] < AGREES:
        return row | {"evidence": "agree"}
    expected = shift_by(call["fraction_low"], call["type"])
    return row | {"evidence": "disagree" if row["shift_high"] < expected else "uninformative"}


def _event(hets: Hets, place: Place, ratios: pd.DataFrame, noise: Noise) -> dict[str, Any]:
    """A region of allelic imbalance: copy-neutral if depth excludes the gain and the loss that would cause it."""
    mean, se = depth = _depth(ratios, noise, *place)
    shift = shift_of(hets, *_inside(hets, *place))
    kind = "unclear"
    if mean is not None and se is not None:
        gain = np.log2(1 + fraction_of(shift.low, "gain") / 2)
        loss = np.log2(1 - fraction_of(shift.low, "loss") / 2)
        if loss < mean - SURE * se and mean + SURE * se < gain:
            kind = "copy-neutral"
    return _row(hets, place, depth, origin="alleles", kind=kind, evidence="")


def arm_rows(hets: Hets, ratios: pd.DataFrame, threshold: float) -> list[dict[str, Any]]:
    """Rows of AlleleArms, one per arm. Arms are among the windows of the search and its threshold, so no test is added."""
    rows: list[dict[str, Any]] = []
    for arm, chrom, start, end in _spans(ratios).itertuples(index=False):
        low, high = _inside(hets, chrom, start, end)
        row = {"chrom": chrom, "start": start, "end": end, "arm": arm, "sites": high - low, "evidence": "few"}
        if high - low >= WINDOW_SITES:
            shift = shift_of(hets, low, high)
            moved = "inherited" if _of_donor(hets, low, high, shift) else "imbalanced"
            row["evidence"] = moved if shift.log_p < np.log(threshold) else "balanced"
            row |= _measured(shift) | {"fraction_high": fraction_of(shift.high, "copy-neutral")}
        rows.append(row)
    return rows


def drawn(hets: Hets, most: int = MOST_DRAWN) -> pd.DataFrame:
    """Schema AlleleTrack: all sites, or `most` of them at even steps of their rank along the genome."""
    ranks = np.linspace(0, len(hets) - 1, min(len(hets), most)).round().astype(np.int64)
    lot, donor = hets.shares[:, ranks]
    return pd.DataFrame({"chrom": hets.chrom[ranks], "start": hets.start[ranks], "lot": lot, "donor": donor})


def _is_found(ratio: float, sites: float, spread: float, limit: float, power: float) -> bool:
    """Whether the spread of `sites` sites exceeds `limit` with `power`; ratio: squared shift over the variance of a site."""
    sure = NormalDist().inv_cdf(power)
    return bool(1 + ratio - sure * spread * np.sqrt((2 + 4 * ratio) / sites) >= limit)


def sites_needed(fraction: float, kind: str, depth: float, power: float) -> int:
    """Fewest heterozygous sites under a depth call of this kind and cell fraction whose alleles agree with it (p < AGREES).

    depth: fragments per site. Only sampling is modelled: site bias and overdispersion require more sites.
    """
    ratio = 4 * depth * shift_by(fraction, kind) ** 2

    def found(sites: int) -> bool:
        return _is_found(ratio, sites, 1.0, float(chdtri(sites, AGREES)) / sites, power)

    low, high = 0, WINDOW_SITES
    while not found(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return high


def limit_of_detection(
    hets: Hets, windows: list[tuple[int, int]], threshold: float, settings: Identity
) -> float | None:
    """Fraction of cells from which on a copy-neutral event of the size searched for is found, in a window of the fewest sites
    that nine of ten such windows have; None = not even in all cells."""
    size = settings.event_mb * 1e6
    smallest = [b - a for a, b in windows if hets.start[b - 1] - hets.start[a] <= size]
    if not smallest:
        return None
    sites = float(np.quantile(smallest, 0.1))
    freedom = sites / hets.spread**2
    limit = float(chdtri(freedom, threshold)) / freedom
    variance = float(np.median(hets.variance))
    for fraction in np.arange(0.01, 1.001, 0.01):
        ratio = shift_by(float(fraction), "copy-neutral") ** 2 / variance
        if _is_found(ratio, sites, hets.spread, limit, settings.power):
            return round(float(fraction), 2)
    return None
