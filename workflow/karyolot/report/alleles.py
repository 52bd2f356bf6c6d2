"""Alleles for the record: identity, contamination, events, and a second line of evidence per call."""

import pandas as pd

from karyolot.contracts.alleles import AlleleResults
from karyolot.contracts.record_dna import AlleleArmRow, AlleleEventRow, AlleleRecord, AlleleTrack
from karyolot.report.rows import record_rows

STEPS = 10_000
"""Positions along the genome that the record distinguishes."""


def seen_by_alleles(alleles: AlleleResults | None) -> bool:
    """Whether copy-neutral loss of heterozygosity could have been seen in this lot."""
    return alleles is not None and alleles.facts.lod is not None and alleles.identity.kinship.result == "MATCH"


def allele_record(alleles: AlleleResults) -> AlleleRecord:
    """The record's part on alleles. Of cells that may not be the donor's it has no contamination and no event."""
    identity, facts = alleles.identity, alleles.facts
    kin, mixed = identity.kinship, identity.contamination
    own = kin.result == "MATCH"
    events = alleles.events[(alleles.events["origin"] == "alleles") & own]
    arms, track = (table if own else table.iloc[:0] for table in (alleles.arms, alleles.track))
    return AlleleRecord(
        result=kin.result,
        sites=kin.sites,
        panel=identity.panel,
        lot_depth=identity.lot_depth,
        donor_depth=identity.donor_depth,
        log10_unrelated=kin.log10_unrelated,
        log10_sibling=kin.log10_sibling,
        contamination=mixed.fraction if own else None,
        contamination_low=mixed.low if own else None,
        contamination_high=mixed.high if own else None,
        contamination_lod=mixed.lod if own else None,
        het_sites=facts.sites,
        events=record_rows(events, AlleleEventRow),
        size_mb=facts.size_mb,
        lod=facts.lod if own else None,
        threshold=facts.threshold if own else None,
        arms=record_rows(arms, AlleleArmRow),
        track=AlleleTrack(
            chrom=track["chrom"].tolist(),
            start=_coarse(track).tolist(),
            **{name: (1000 * track[name]).round().astype(int).tolist() for name in ("lot", "donor")},
        ),
    )


def _coarse(track: pd.DataFrame) -> "pd.Series[int]":
    """Starts as `record.AlleleTrack` has them."""
    step = max(int(track.groupby("chrom")["start"].max().sum()) // STEPS, 1)
    return track["start"] // step * step


def with_alleles(calls: pd.DataFrame, alleles: AlleleResults | None) -> pd.DataFrame:
    """Calls with the columns alleles, alleles_fraction (and its interval), alleles_sites of `record.CallRow`; null if not
    evaluated."""
    names = {"evidence": "alleles", "sites": "alleles_sites"}
    names |= {name: f"alleles_{name}" for name in ("fraction", "fraction_low", "fraction_high")}
    columns = list(names.values())
    if alleles is None or alleles.unasked:
        return calls.assign(**dict.fromkeys(columns))
    said = alleles.under_calls.rename(columns={"kind": "type", **names})
    keys = ["chrom", "start", "end", "type"]
    return calls.merge(said[[*keys, *columns]].drop_duplicates(keys), on=keys, how="left", validate="many_to_one")
