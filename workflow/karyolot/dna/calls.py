"""Segments and whole-arm tests -> calls: what changed in the lot, in how many cells, and whose change it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.cells import (
    detectable_fraction,
    fraction_interval,
    fraction_of_cells,
    of_diploid,
    tetraploid,
    tetraploid_limit,
)
from karyolot.contracts.contigs import contig_key
from karyolot.contracts.copy_number import Calls, Comparison, Noise
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.atlas import Atlas
from karyolot.dna.bins import MIN_USABLE
from karyolot.dna.limits import NEVER_SEEN, Error, distinct_places, error_of, smallest_fractions
from karyolot.dna.names import Extent, Type, common_name, copies_in_affected
from karyolot.dna.noise import half_width, standard_error
from karyolot.dna.segments import against_donor, contigs_of, donor_alone, published_rule, rows_of
from karyolot.dna.thresholds import known_threshold, least_effect, segment_threshold
from karyolot.dna.timing import TIMING, timing_allowance

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

EDGE, LEAST_TRIMMED = 1, 10
"""Bins at either end of a change of at least that many that its fraction of cells is not taken from: the change ends inside a
bin, and the search put its ends where chance favours it. With them the intervals of 5 Mb in all cells held the truth in 85 %."""
WHOLE_COPIES = 0.25
"""A donor's mean copies this near to a whole number, and significantly not the expected one, are taken for that number."""
WHOLE = 0.9
"""Fraction of the used bins of an arm or chromosome a change covers to be called a change of the whole of it."""
SAME = 3.0
"""Standard errors within which two neighbouring changes are one change."""
SAME_CHANGE = 0.5
"""The rest of a region belongs to a change inside it when its mean is at least that fraction of the whole region's: nearer to
changed than to unchanged. Without, a whole chromosome near its limit was at times called in less than half of its bins."""
MEDIAN_SE = 1.2533
"""Standard error of a median over that of a mean, of normal values: sqrt(pi / 2)."""
DONOR_Z = 4.0
"""Standard errors a donor must deviate by: one of some ten thousand regions does by chance, and only called ones are tested."""
EXPLAINS = 0.5
"""Fraction of the ratio that the donor's own deviation must explain for the change to be the donor's."""
GC_RICH, END_BP = 0.54, 10_000_000
"""A call of this median GC within this distance of a chromosome's end: the location of all false calls of a deep null genome
(11 of 11: 1p36, 9q34, 16p13, 17q25, 19p13, 20q13), since the GC curve is steep and has little support there."""
FRACTIONS = ("fraction", "fraction_low", "fraction_high")
NEARLY_DIPLOID = 2.5
"""Mean sets of chromosomes up to which most cells of a lot are diploid, so that three copies are called a trisomy."""
HIGH_COPY = 3.5
"""Bulk copies from which on a gain is 'high-copy': nearer to 4 than to 3 (Yamamoto 2022: CN > 3 predicts tumours)."""


@dataclass(frozen=True, eq=False)  # rows are arrays: a change equals itself alone
class _Change:
    """mean, error: of all bins, what is tested. level, half: of the inner bins (EDGE), weighted by `_level_of`, and half of its
    95 % interval. empty: whether that interval holds the level of bins without any fragment of the lot."""

    rows: Rows
    mean: float
    error: Error
    level: float
    half: float
    empty: bool
    tests: tuple[str, ...]

    @property
    def se(self) -> float:
        return self.error.se


def inner(rows: Rows) -> Rows:
    """The bins of a change that are surely within it."""
    return rows[EDGE:-EDGE] if len(rows) >= LEAST_TRIMMED else rows


def call_changes(
    ratios: pd.DataFrame,
    segments: pd.DataFrame,
    arms: pd.DataFrame,
    noise: Noise,
    donor_noise: Noise,
    settings: CopyNumber,
    atlas: Atlas,
    comparison: Comparison,
    sets: float | None = None,
) -> pd.DataFrame:
    """Schema Calls, in genome order; empty when nothing changed or the noise could not be measured.

    ratios, segments, arms, comparison: of this lot. sets: of chromosomes in its cells (contracts.cells), None = not measured.
    A segment is called when |z| and |mean| pass their limits and it holds min_bins; a whole arm or chromosome when its
    own test does. Found twice, it is one call that names both tests. A chromosome whose arms changed alike is one call.
    """
    table = ratios[ratios["mask"].isna()].reset_index(drop=True)
    if not noise.assessable:
        return Calls.frame([])
    values, weights = against_donor(table)
    threshold = segment_threshold(len(table), settings.family_wise_error)
    changed = segments[
        (segments["z"].abs() >= threshold)
        & (segments["mean"].abs() >= settings.min_log2)
        & (segments["bins"] >= settings.min_bins)
    ]
    contigs, regions = contigs_of(table), table["region"].to_numpy()
    found = [rows_of(table, contigs, row) for row in changed.to_dict("records")]
    level_of = _level_of(table, values, weights, found)
    above_empty = np.log2(2 * table["lot_count"].to_numpy(dtype=float) + 1)  # the ratio has a half added to both counts

    def change(rows: Rows, *tests: str) -> _Change:
        within = inner(rows)
        mean = float(np.average(values[rows], weights=weights[rows]))
        half = float(half_width(noise, weights[within].sum(), len(within)))
        empty = float(np.mean(above_empty[within])) <= half
        return _Change(
            rows, mean, error_of(noise, weights[rows].sum(), len(rows)), level_of(within), half, empty, tests
        )

    changes = []
    for inside, region in zip(found, changed["region"], strict=True):
        changes.append(change(inside[regions[inside] == region], "segment"))
    places = distinct_places(arms)

    def known(of: Error) -> float:
        return float(known_threshold(len(places), settings.family_wise_error, of.freedom))

    for row in places.to_dict("records"):
        if row["bins"] < settings.min_bins:
            continue
        inside = rows_of(table, contigs, row)
        inside = inside[regions[inside] != "PAR"]
        changes = _with_whole(changes, change(inside, row["scope"]), change, known, settings)
    changes = _joined(changes, table, change)
    about = _About(table, contigs, arms, donor_noise, settings, atlas, comparison, sets, threshold, known)
    changes = sorted(changes, key=lambda item: int(item.rows[0]))
    return Calls.frame({"id": f"E{number}", **_row(item, about)} for number, item in enumerate(changes, 1))


def _level_of(table: pd.DataFrame, values: Floats, weights: Floats, changed: Sequence[Rows]) -> Callable[[Rows], float]:
    """Level of any bins, log2, unbiased at any counts L of the lot and D of the donor.

    1 / variance = L D / (L + D) is larger by chance where, in a loss, L is, or in a gain, D is: the mean of a change lies nearer
    to 0 than the change, of a loss of one copy at 300 fragments per bin by 0.005. The total L + D, to which the inverse variance
    is proportional within one level, is independent of how it is divided. The centre has the first weights, so what the second
    make of unchanged bins is taken off.
    """
    totals = (table["lot_count"] + table["donor_count"]).to_numpy(dtype=float)
    quiet = (table["region"] == "autosome").to_numpy()
    for rows in changed:
        quiet[rows] = False
    shift = 0.0
    if quiet.any():
        shift = np.average(values[quiet], weights=totals[quiet]) - np.average(values[quiet], weights=weights[quiet])
    return lambda rows: float(np.average(values[rows], weights=totals[rows]) - shift)


class _About(NamedTuple):
    """What a call is described with. table: used bins; contigs: their row ranges. arms: schema Arms. segment, known: |z| of
    segments, of known regions."""

    table: pd.DataFrame
    contigs: Mapping[str, tuple[int, int]]
    arms: pd.DataFrame
    donor_noise: Noise
    settings: CopyNumber
    atlas: Atlas
    comparison: Comparison
    sets: float | None
    segment: float
    known: Callable[[Error], float]


def _with_whole(
    changes: list[_Change],
    whole: _Change,
    change: Callable[..., _Change],
    known: Callable[[Error], float],
    settings: CopyNumber,
) -> list[_Change]:
    """The changes with what the test of a whole arm, chromosome or recurrent region adds to those called inside it.

    An arm of 100 used bins in which the segments found a gain of its first 40, at log2 0.30:

    - the other 60 lie at 0.28: one gain of all 100 bins, tests 'segment,arm';
    - they lie at 0.10, significant by themselves: a second call of 60 bins, test 'arm';
    - they lie at 0.20, not significant by themselves but no more different from 0.30: also one gain of all 100 bins;
    - they lie at 0.01: nothing is added, as the test of the arm detected the gain that is called.

    A gain of 95 bins is named 'segment,arm' and keeps its ends. One of 80 bins stays as it is: the other 20 are less than half
    of the arm and not representative of it.
    """
    inside, rest = _inside_and_rest(changes, whole)
    if inside and len(rest) <= (1 - WHOLE) * len(whole.rows):
        return changes if len(inside) > 1 else _named(changes, inside[0], whole.tests)
    if len(rest) < max(settings.min_bins, len(whole.rows) / 2):
        return changes
    left = change(rest, *whole.tests)
    alike = [c for c in inside if abs(c.mean - left.mean) <= SAME * np.hypot(c.se, left.se)]
    if abs(left.mean) < least_effect(left.se, known(left.error), settings):
        least = least_effect(whole.se, known(whole.error), settings)
        same = inside and len(alike) == len(inside) and left.mean / whole.mean >= SAME_CHANGE
        if not same or abs(whole.mean) < least:
            return changes
    return [c for c in changes if c not in alike] + [_union([*alike, left], change)]


def _inside_and_rest(changes: list[_Change], whole: _Change) -> tuple[list[_Change], Rows]:
    """Changes that lie entirely inside a region, and the rows of the region that no change touches."""
    inside = [c for c in changes if np.isin(c.rows, whole.rows, assume_unique=True).all()]
    touching = [c.rows for c in changes if len(np.intersect1d(c.rows, whole.rows, assume_unique=True))]
    covered = np.concatenate(touching) if touching else np.array([], dtype=np.int64)
    return inside, np.setdiff1d(whole.rows, covered)


def _named(changes: list[_Change], one: _Change, tests: tuple[str, ...]) -> list[_Change]:
    """The changes, with `tests` added to those that found `one`."""
    return [replace(c, tests=(*c.tests, *tests)) if c is one else c for c in changes]


def _union(changes: list[_Change], change: Callable[..., _Change]) -> _Change:
    """One change of all rows, found by all tests."""
    rows = np.sort(np.concatenate([c.rows for c in changes]))
    return change(rows, *dict.fromkeys(test for c in changes for test in c.tests))


def _joined(changes: list[_Change], table: pd.DataFrame, change: Callable[..., _Change]) -> list[_Change]:
    """Both arms of a chromosome changed alike and nearly whole: one change of the chromosome."""
    alone = (table["region"] != "PAR").to_numpy()
    result: list[_Change] = []
    for low, high in contigs_of(table).values():
        own = [c for c in changes if low <= c.rows[0] < high]
        whole = alone[low:high].sum()
        alike = len(own) > 1 and np.ptp([c.mean for c in own]) <= SAME * float(np.hypot.reduce([c.se for c in own]))
        same_side = len({np.sign(c.mean) for c in own}) == 1
        if alike and same_side and sum(len(c.rows) for c in own) >= WHOLE * whole:
            own = [_union(own, change)]
        result += own
    return result


def _row(item: _Change, about: _About) -> dict[str, object]:
    part, settings, atlas = about.table.iloc[item.rows], about.settings, about.atlas
    chrom, start, end = str(part["chrom"].iloc[0]), int(part["start"].iloc[0]), int(part["end"].iloc[-1])
    type_: Type = "gain" if item.mean > 0 else "loss"
    copies = _copies_in_donor(part, about.donor_noise)
    median = float(part["log2"].median())
    level = _level(item, median)
    found = _fractions(level, np.inf if item.empty else item.half, item.half, copies, about.sets)
    if copies * 2**level >= HIGH_COPY:
        class_ = "high-copy"
    else:
        class_ = "clonal" if found["fraction"] >= settings.clonal_fraction else "sub-clonal"
    extent = _extent(part, about)
    arm = chrom if extent == "chromosome" or part["arm"].nunique() > 1 else str(part["arm"].iloc[0])
    limit = _limit(item, type_, extent, arm, copies, about)
    genes = atlas.recurrent_genes(chrom, start, end)
    bands = atlas.bands(chrom, start, end)
    origin, donor_lod = _origin(item, part, about.donor_noise)
    now = copies_in_affected(type_, copies, *(float(of_diploid(found[name], about.sets)) for name in FRACTIONS[:2]))
    return {
        "name": common_name(
            type_, extent, contig_key(chrom), contig_key(arm), bands, (start, end), copies=copies, now=now,
            diploid=about.sets is None or about.sets <= NEARLY_DIPLOID, gene=atlas.gene_of(genes, type_),
        ),
        "chrom": chrom,
        "start": start,
        "end": end,
        "type": type_,
        "extent": extent,
        "log2": median,
        "copies": copies,
        **found,
        "limit": limit,
        "tetraploid_limit": tetraploid_limit(limit, about.sets),
        "z": item.mean / item.se,
        "class": class_,
        "origin": origin,
        "published_rule": published_rule(median, settings),
        "arm": arm,
        "bins": len(part),
        "lot_copies": float(2 * np.exp2(part["lot_log2"].median())),
        "donor_log2": float(part["donor_log2"].median()),
        "donor_lod": donor_lod,
        "tests": ",".join(item.tests),
        "bands": bands,
        "genes": ",".join(genes),
        "recurrent": ",".join(atlas.recurrent_regions_of(chrom, start, end, type_)),
        "artefact": _artefact(item, part, about.table, atlas, about.comparison),
    }  # fmt: skip


def _fractions(level: float, below: float, above: float, copies: int, sets: float | None) -> dict[str, float]:
    """fraction and tetraploid of Calls, with their 95 % intervals. level, below, above: log2 ratio, and how far its interval
    reaches to either side."""
    low, high = level - below, level + above
    ends = (fraction_of_cells(level, copies, sets), *fraction_interval(low, high, copies, sets))
    found = dict(zip(FRACTIONS, map(float, ends), strict=True))
    other = {name.replace("fraction", "tetraploid"): tetraploid(value, sets) for name, value in found.items()}
    return found | {name: np.nan if value is None else value for name, value in other.items()}


def _extent(part: pd.DataFrame, about: _About) -> Extent:
    """What these bins are of the used bins: nearly all of a chromosome, of an arm, or a part.

    A chromosome of which an arm cannot be assessed, though short reads show it in other lots, is not seen as a whole.
    """
    chrom, table = part["chrom"].iloc[0], about.table
    own = table.iloc[slice(*about.contigs[chrom])]
    own = own[own["region"] != "PAR"]
    arms = about.arms[(about.arms["scope"] == "arm") & (about.arms["chrom"] == chrom)]
    unseen = arms.loc[arms["usable"] < MIN_USABLE, "name"].map(contig_key)
    if len(part) >= WHOLE * len(own) and unseen.isin(NEVER_SEEN).all():
        return "chromosome"
    first = part["arm"].iloc[0]
    one_arm = part["arm"].nunique() == 1 and first != chrom
    return "arm" if one_arm and len(part) >= WHOLE * (own["arm"] == first).sum() else "part"


def _limit(item: _Change, type_: Type, extent: Extent, arm: str, copies: int, about: _About) -> float:
    """Smallest cell fraction at which such a change would have been called: of a whole arm or chromosome its printed limit."""
    own = about.arms[(about.arms["scope"] == extent) & (about.arms["name"] == arm)]
    if len(own) and pd.notna(printed := own[f"lod_{type_}"].iloc[0]) and copies == own["copies"].iloc[0]:
        return float(printed)
    known = np.inf if item.tests == ("segment",) else about.known(item.error)
    threshold = min(about.segment, known)
    gain, loss = smallest_fractions(item.error, threshold, copies, about.settings, about.sets)
    return gain if type_ == "gain" else loss


def _level(item: _Change, median: float) -> float:
    """log2 of copies and cell fraction: the mean of the inner bins, or the median where the bins are not of one level.

    The tail beside an amplicon: a few of its bins in a long weak gain make a mean of five copies that no bin has.
    """
    if abs(item.mean - median) <= SAME * MEDIAN_SE * item.se:
        return item.level
    return median if median * item.mean > 0 else 0.0


def _origin(item: _Change, part: pd.DataFrame, donor_noise: Noise) -> tuple[str, float]:
    """Origin of the change, and the smallest fraction of the donor's cells detectable in its own track.

    The donor's absolute track is tested for a deviation from its expected copies.
    """
    copies = max(int(part["copies"].iloc[0]), 1)
    track, weights = donor_alone(part)
    deviation = float(np.average(track, weights=weights)) - float(np.log2(copies / 2))
    se = float(standard_error(donor_noise, weights.sum(), len(part)))
    # A donor that deviates by less than its own noise, or too little to matter for this ratio, is normal here.
    least = max(DONOR_Z * se, EXPLAINS * abs(item.mean))
    gain, loss = detectable_fraction(least, copies)
    limit = float(gain if item.mean > 0 else loss)
    if abs(deviation) < least:
        return "acquired", limit
    return "enriched" if np.sign(deviation) == np.sign(item.mean) else "lost", limit


def _copies_in_donor(part: pd.DataFrame, donor_noise: Noise) -> int:
    """Copies the lot's ratio is relative to: the expected ones, unless the donor surely has another whole number of them.

    Of a donor with D copies a fraction f of cells with one more (fewer) gives the ratio 1 +- f/D: an extra X, or a deletion
    the donor was born with, halves or doubles f otherwise.
    """
    expected = max(int(part["copies"].iloc[0]), 1)
    track, weights = donor_alone(part)
    mean = float(np.average(track, weights=weights))
    copies = 2 * float(np.exp2(mean))
    whole = round(copies)
    se = float(standard_error(donor_noise, weights.sum(), len(part)))
    surely = abs(mean - np.log2(expected / 2)) >= DONOR_Z * se and abs(copies - whole) <= WHOLE_COPIES
    return whole if surely and whole > 0 else expected


def _artefact(item: _Change, part: pd.DataFrame, table: pd.DataFrame, atlas: Atlas, comparison: Comparison) -> str:
    chrom, start, end = str(part["chrom"].iloc[0]), int(part["start"].iloc[0]), int(part["end"].iloc[-1])
    if atlas.in_immune_receptors(chrom, start, end):
        return "immune receptor genes"
    allowance = timing_allowance(str(part["region"].iloc[0]), end - start, comparison)
    if abs(item.level) - item.half <= allowance:
        return TIMING
    last = int(table.loc[table["chrom"] == chrom, "end"].max())
    at_end = end <= END_BP or start >= last - END_BP
    known = part["gc"].dropna()
    return "GC-rich end" if at_end and len(known) and known.median() > GC_RICH else ""
