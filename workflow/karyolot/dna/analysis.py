"""Counts of a lot and of its donor -> all results on the copy number of the lot."""

import pandas as pd

from karyolot.contracts.copy_number import CopyNumberResults
from karyolot.contracts.settings import CopyNumber, Layout
from karyolot.dna.atlas import Atlas
from karyolot.dna.calls import call_changes
from karyolot.dna.karyotype import against, against_donor, karyotype
from karyolot.dna.landmarks import landmarks, with_names
from karyolot.dna.limits import known_regions, limits_of_detection
from karyolot.dna.match import donor_arms, match_donor
from karyolot.dna.ratio import compare
from karyolot.dna.segments import segment
from karyolot.dna.spike_ins import verify


def analyse(
    bins: pd.DataFrame,
    lot: pd.DataFrame,
    donor: pd.DataFrame,
    sex: str,
    settings: CopyNumber,
    atlas: Atlas,
    layout: Layout,
    sets: float | None = None,
) -> CopyNumberResults:
    """Log2 ratios, segments, limits of detection (verified in the lot's own reads), calls, the match with the donor, named
    regions, and the karyotype line.

    Parameters
    ----------
    bins
        Schema Bins.
    lot, donor
        Schema Counts.
    sex
        Of the donor by record, 'F' or 'M'.
    sets
        Of chromosomes in the lot's cells, which cell fractions are stated for; None = not measured.
    """
    ratios, comparison = compare(bins, lot, donor, sex, settings)
    segments, noise, donor_noise = segment(ratios, settings)
    predicted = known_regions(ratios, noise, settings, atlas), limits_of_detection(ratios, noise, settings)
    arms, lod = verify(ratios, noise, *predicted, settings, sets)
    calls = call_changes(ratios, segments, arms, noise, donor_noise, settings, atlas, comparison, sets)
    variants, match = match_donor(ratios, lot, donor, bins, sex, settings)
    facts = comparison, noise, match
    reasons = [*against(arms, lod, *facts, layout, settings, sets), *against_donor(donor_arms(segments))]
    line = karyotype(calls, reasons, sex, layout, sets)
    named, marks = with_names(variants, atlas), landmarks(atlas, ratios["chrom"].unique().tolist(), calls, variants)
    return CopyNumberResults(ratios, segments, calls, arms, lod, named, marks, atlas.recurrent, *facts, line)
