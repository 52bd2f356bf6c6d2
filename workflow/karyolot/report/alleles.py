"""What single alleles say, for the record: identity, contamination, events, and a second line of evidence per call."""

import pandas as pd

from karyolot.contracts.alleles import AlleleFacts, AlleleResults, Identity
from karyolot.contracts.record import AlleleArmRow, AlleleEventRow, AlleleRecord, AlleleTrack
from karyolot.report.rows import record_rows

MOST_SURE = 100
STEPS = 10_000
"""Places of the genome told apart in the record."""
PERSONS = {
    "MATCH": "By its SNPs the lot is its donor's.",
    "MISMATCH": "By its SNPs the lot is not its donor's.",
    "NOT ENOUGH": "The reads are too few to tell by SNPs whether the lot is its donor's.",
}
RNA = {"MATCH": "is the donor's", "MISMATCH": "is not the donor's", "NOT ENOUGH": "covers too few sites to tell"}


def seen_by_alleles(alleles: AlleleResults | None) -> bool:
    """Whether copy-neutral loss of heterozygosity could have been seen in this lot."""
    return alleles is not None and alleles.facts.lod is not None and alleles.identity.kinship.result == "MATCH"


def allele_record(alleles: AlleleResults) -> AlleleRecord:
    """The record's part on alleles. Of cells that may not be the donor's, no contamination and no event is told."""
    identity, facts = alleles.identity, alleles.facts
    kin, mixed = identity.kinship, identity.contamination
    own = kin.result == "MATCH"
    events = alleles.events[(alleles.events["origin"] == "alleles") & own]
    arms, track = (table if own else table.iloc[:0] for table in (alleles.arms, alleles.track))
    return AlleleRecord(
        sentences=tuple(_sentences(identity, facts, len(events))),
        result=kin.result,
        sites=kin.sites,
        panel=identity.panel,
        lot_depth=identity.lot_depth,
        donor_depth=identity.donor_depth,
        log10_unrelated=kin.log10_unrelated,
        log10_sibling=kin.log10_sibling,
        contamination=mixed.share if own else None,
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


def _sentences(identity: Identity, facts: AlleleFacts, events: int) -> list[str]:
    kin, mixed = identity.kinship, identity.contamination
    compared = f"{_times(kin.log10_unrelated)} than 'unrelated' and {_times(kin.log10_sibling)} than 'a full sibling'"
    said = [f"{PERSONS[kin.result]} At {kin.sites} sites covered in both, 'the same person' is {compared}."]
    if identity.frequencies == "pair":
        said.append("Allele frequencies are not stated for all sites: their spectrum was fitted to these two samples.")
    if identity.rna:
        each = (
            f"{sample.sample_id} {RNA[sample.result]} ({sample.sites} sites, {_times(sample.log10_unrelated)} than 'unrelated')"
            for sample in identity.rna
        )
        said.append(f"RNA by its SNPs: {'; '.join(each)}.")
    if kin.result != "MATCH":
        return said
    if mixed.share is None or mixed.low is None or mixed.high is None:
        said.append("Whether another human is mixed in cannot be told from these reads.")
    else:
        lod = "" if mixed.lod is None else f"; {mixed.lod:.1%} would be told from none with 95 % power"
        none = " Pooled platelet lysate in the medium is a possible source." if mixed.low > 0 else ""
        said.append(f"Reads of another human: {mixed.share:.1%} ({mixed.low:.1%} to {mixed.high:.1%}{lod}).{none}")
    if facts.reason:
        said.append(f"Allele shares were not assessed: {facts.reason}.")
    elif facts.lod is None:
        said.append(f"{facts.sites} het sites cannot show a copy-neutral event of {facts.size_mb:g} Mb.")
    else:
        found = "No stretch" if not events else f"{events} stretch{'es' * (events > 1)}"
        said.append(
            f"{found} moved its alleles without a called change of depth ({facts.sites} het sites); a copy-neutral loss of"
            f" heterozygosity of {facts.size_mb:g} Mb would be found from {facts.lod:.0%} of cells on."
        )
    return said


def _coarse(track: pd.DataFrame) -> "pd.Series[int]":
    """Starts as `record.AlleleTrack` has them."""
    step = max(int(track.groupby("chrom")["start"].max().sum()) // STEPS, 1)
    return track["start"] // step * step


def _times(log10: float) -> str:
    """In words, up to 10^100: neighbouring sites are not independent, so a larger number says more than is known."""
    size = f"10^{abs(log10):.0f}" if abs(log10) <= MOST_SURE else f"more than 10^{MOST_SURE}"
    return f"{size} times {'more' if log10 >= 0 else 'less'} likely"


def with_alleles(calls: pd.DataFrame, alleles: AlleleResults | None) -> pd.DataFrame:
    """Calls with the columns alleles, alleles_fraction (and its interval), alleles_sites of `record.CallRow`; null when not
    asked."""
    names = {"evidence": "alleles", "sites": "alleles_sites"}
    names |= {name: f"alleles_{name}" for name in ("fraction", "fraction_low", "fraction_high")}
    columns = list(names.values())
    if alleles is None or alleles.unasked:
        return calls.assign(**dict.fromkeys(columns))
    said = alleles.under_calls.rename(columns={"kind": "type", **names})
    keys = ["chrom", "start", "end", "type"]
    return calls.merge(said[[*keys, *columns]].drop_duplicates(keys), on=keys, how="left", validate="many_to_one")
