"""Counts of a lot and of its donor -> all results on the copy number of the lot."""

import pandas as pd

from karyolot.contracts.copy_number import CopyNumberResults
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.atlas import Atlas
from karyolot.dna.calls import call_changes
from karyolot.dna.limits import known_regions, limits_of_detection
from karyolot.dna.match import match_donor
from karyolot.dna.plants import verify
from karyolot.dna.ratio import compare
from karyolot.dna.segments import segment


def analyse(
    bins: pd.DataFrame, lot: pd.DataFrame, donor: pd.DataFrame, sex: str, settings: CopyNumber, atlas: Atlas
) -> CopyNumberResults:
    """Log2 ratios, segments, limits of detection (verified in the lot's own reads), calls, and the match with the donor.

    Parameters
    ----------
    bins
        Contract Bins.
    lot, donor
        Contract Counts.
    sex
        Of the donor by record, 'F' or 'M'.
    """
    ratios, comparison = compare(bins, lot, donor, sex, settings)
    segments, noise, donor_noise = segment(ratios, settings)
    predicted = known_regions(ratios, noise, settings, atlas), limits_of_detection(ratios, noise, settings)
    arms, lod = verify(ratios, noise, *predicted, settings)
    calls = call_changes(ratios, segments, arms, noise, donor_noise, settings, atlas, comparison)
    variants, match = match_donor(ratios, lot, donor, bins, sex, settings)
    return CopyNumberResults(ratios, segments, calls, arms, lod, variants, atlas.watch, comparison, noise, match)
