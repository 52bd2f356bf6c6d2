"""Identity of the lot by read depth: sex, and germline copy-number differences of the donor."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from karyolot.contracts.contigs import contig_key
from karyolot.contracts.copy_number import DonorVariants, Match
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.noise import standard_error
from karyolot.dna.segments import donor_alone, lot_alone, segment_track

GERMLINE = 0.4
"""log2 from which on a donor's deviation is taken as germline: below the +0.58 of one extra copy in every cell, above
what a mosaic in half of the cells would show (+0.32, -0.41)."""
RESOLVED = 3.0
"""Standard errors of the lot within half of the donor's deviation, so that 'carries it' and 'does not' lie apart."""
DONOR_Z, OFF = 4.0, 0.25
"""Standard errors and copies (per two expected) by which a donor's arm must deviate: one more copy in a quarter of its cells."""
MOST_OF_ARM = 0.9
FEMALE_X, MALE_X = 0.8, 0.65
"""X over autosomes: 1 in women, 0.5 in men; undetermined between the two limits."""
FEMALE_Y, MALE_Y = 0.1, 0.2
"""Y over autosomes: 0 in women except for mismapped reads, 0.5 in men; loss of Y in some cells lowers it."""
KEPT_Y = 0.85
"""Y of a man's lot over that of his donor; below 0.76 where women's cells, 30 % or more, raise X above MALE_X."""


class Matched(NamedTuple):
    """The donor's germline variants (schema DonorVariants) and the summary."""

    variants: pd.DataFrame
    match: Match


def match_donor(
    ratios: pd.DataFrame,
    lot: pd.DataFrame,
    donor: pd.DataFrame,
    bins: pd.DataFrame,
    declared_sex: str,
    settings: CopyNumber,
) -> Matched:
    """Compare lot and donor. ratios: schema LogRatios; lot, donor: schema Counts on `bins` (schema Bins)."""
    variants = donor_variants(ratios, settings)
    lot_x, lot_y = sex_depths(lot, bins, settings)
    donor_x, donor_y = sex_depths(donor, bins, settings)
    return Matched(
        variants,
        Match(
            declared_sex=declared_sex,
            lot_sex=sex_of(lot_x, lot_y),
            donor_sex=sex_of(donor_x, donor_y),
            lot_x=lot_x,
            lot_y=lot_y,
            donor_x=donor_x,
            donor_y=donor_y,
            variants=len(variants),
            shared=int(variants["shared"].sum()),
        ),
    )


def donor_variants(ratios: pd.DataFrame, settings: CopyNumber) -> pd.DataFrame:
    """Schema DonorVariants: autosomal segments in which the donor deviates in (nearly) every cell.

    A variant that cannot be confirmed or excluded at the depth of the lot is left out.
    """
    table = ratios[ratios["mask"].isna() & (ratios["region"] == "autosome")].reset_index(drop=True)
    donor, donor_weights = donor_alone(table)
    _, pieces = segment_track(table, donor, donor_weights, settings)
    lot, lot_weights = lot_alone(table)
    lot_noise, _ = segment_track(table, lot, lot_weights, settings)
    rows = []
    for low, high, deviation, _, _ in pieces if lot_noise.assessable else []:
        part = slice(low, high)
        carried = float(np.average(lot[part], weights=lot_weights[part]))
        se = float(standard_error(lot_noise, lot_weights[part].sum(), high - low))
        if abs(deviation) < GERMLINE or RESOLVED * se > abs(deviation) / 2:
            continue
        first = table.iloc[low]
        rows.append(
            {
                "chrom": first["chrom"],
                "start": int(first["start"]),
                "end": int(table["end"].iloc[high - 1]),
                "arm": first["arm"],
                "bins": high - low,
                "donor_log2": deviation,
                "lot_log2": carried,
                "shared": bool(carried / deviation > 0.5),
                "bands": "",
                "genes": "",
            }
        )
    return DonorVariants.frame(rows)


def donor_arms(segments: pd.DataFrame) -> dict[str, float]:
    """Arms at which the donor itself does not have the expected copies, and its mean copies there.

    What lot and donor have alike cancels in their ratio: a donor with trisomy 8, or a tube of the lot in place of the donor.
    Most of the used bins of an arm must lie in segments (schema Segments) in which the donor's own track deviates to one side.
    Y is left out: hepatocytes of old men lose it.
    """
    own = segments[(segments["copies"] > 0) & segments["region"].isin(["autosome", "X"])]
    copies = 2 * np.exp2(own["donor_log2"])
    off = np.where(own["donor_z"].abs() >= DONOR_Z, (copies - own["copies"]) / own["copies"] * 2, 0.0)
    side = np.where(np.abs(off) >= OFF, np.sign(off), 0.0)
    found = {}
    for arm, part in own.assign(side=side * own["bins"], sum=copies * own["bins"]).groupby("arm", sort=False):
        if abs(part["side"].sum()) >= MOST_OF_ARM * part["bins"].sum():
            found[contig_key(str(arm))] = float(part["sum"].sum() / part["bins"].sum())
    return found


def sex_depths(counts: pd.DataFrame, bins: pd.DataFrame, settings: CopyNumber) -> tuple[float | None, float | None]:
    """Mean depth of X (without PAR) and of Y over that of the autosomes; None when one of them has no usable bin."""
    good = (bins["gap"] <= settings.max_gap) & ~(bins["mappability"] < settings.min_mappability)
    depth = {}
    for region in ("autosome", "X", "Y"):
        rows = good & (bins["region"] == region)
        bases = ((bins["end"] - bins["start"]) * (1 - bins["gap"]))[rows].sum()
        depth[region] = counts["count"][rows].sum() / bases if bases > 0 else None
    if not depth["autosome"]:
        return None, None
    x, y = depth["X"], depth["Y"]
    return (
        None if x is None else float(x / depth["autosome"]),
        None if y is None else float(y / depth["autosome"]),
    )


def sex_of(x: float | None, y: float | None) -> str | None:
    """'F', 'M', or None if the depths of X and Y are inconclusive or contradict each other."""
    if x is None or y is None:
        return None
    if x >= FEMALE_X and y <= FEMALE_Y:
        return "F"
    return "M" if x <= MALE_X and y >= MALE_Y else None


def changed_in_culture(sex: str, x: float, y: float, donor_y: float | None) -> str:
    """What cells of this sex must have lost or gained to have inconclusive depths: 'lost Y', 'lost an X', 'gained an X', or ''.

    A woman's cells in a man's lot raise X as well, but take as much from Y (KEPT_Y).
    """
    if sex == "F":
        return "lost an X" if x < FEMALE_X and y <= FEMALE_Y else ""
    if x <= MALE_X:
        return "lost Y" if y < MALE_Y else ""
    return "gained an X" if donor_y and y >= KEPT_Y * donor_y else ""
