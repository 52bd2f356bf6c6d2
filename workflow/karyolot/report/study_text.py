"""Sentences of the overview on the study as a whole; those on one lot are in its record.

Identity of every pair of samples, and the captions of expression across lots.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import fmean
from typing import Any

import pandas as pd

from karyolot.contracts.overview import StudyExpression
from karyolot.contracts.text import Caption
from karyolot.report.figures.heat import HEAT_EDGES, SCORE_EDGES
from karyolot.report.words import axis, listed, number, percent, plural

MOST = 20
"""Findings listed: about a screen of them. More than that is one mistake in the sheets or the panel, not twenty swaps."""
NAMED, PERSONS = 4, 3
"""Samples named of one person, and persons named, in one finding; the rest are counted."""


@dataclass(frozen=True)
class PairFindings:
    """summary: one sentence on all pairs. findings: contradictions of the sample sheet, a sentence each. more: what is beyond
    MOST, '' = nothing."""

    summary: str
    findings: tuple[str, ...]
    more: str


def pair_findings(pairs: pd.DataFrame) -> PairFindings:
    """Of all pairs (schema Pairs): different persons that MATCH, one person that MISMATCHes, sources of foreign reads."""
    known = pairs[pairs["result"] != "NOT ENOUGH"]
    wrong = _both_ways(known[(known["result"] == "MATCH") != known["expected"]])
    held = _both_ways(pairs[pairs[["a_in_b", "b_in_a"]].notna().any(axis=1)])
    held = held[held["share"].notna()].sort_values("share", ascending=False, kind="stable")
    odd = list(islice(_odd_samples(wrong), MOST))
    findings = [_sentence(rows) for rows in odd] + [_source(row) for _, row in held.iterrows()]
    pairs_left = len(wrong) // 2 - sum(map(len, odd))
    sources_left = min(len(held), len(findings) - min(len(findings), MOST))
    left = [plural(pairs_left, "pair")] * (pairs_left > 0)
    left += [plural(sources_left, "source") + " of foreign reads"] * (sources_left > 0)
    return PairFindings(
        summary=_summary(len(known), len(wrong) // 2, held["sample"].nunique(), len(pairs) - len(known)),
        findings=tuple(findings[:MOST]),
        more=f"Not listed: {listed(left)}." if left else "",
    )


def matches(pairs: pd.DataFrame | None) -> dict[str, str]:
    """Lot -> 'matches D2, not D1', of lots whose DNA or RNA is another donor's by that donor's own sample."""
    if pairs is None:
        return {}
    seen = _both_ways(pairs)
    owners = dict(zip([*pairs["sample_a"], *pairs["sample_b"]], [*pairs["owner_a"], *pairs["owner_b"]], strict=True))
    wrong = seen[
        (seen["result"] == "MATCH")
        & (seen["person"] != seen["other_person"])
        & (seen["owner"] != seen["person"])
        & (seen["other"].map(owners) == seen["other_person"])
    ]
    return {
        str(lot): f"matches {listed(sorted(set(held['other_person'])), PERSONS)}, not {held['person'].iloc[0]}"
        for lot, held in wrong.groupby("owner")
    }


def _both_ways(pairs: pd.DataFrame) -> pd.DataFrame:
    """Every pair twice, seen from either sample: sample, owner, person, the same of the other (other, other_person), result,
    and the fraction of the sample's reads that are of the other's person (null as in Pairs)."""
    seen = []
    for one, other, share in (("b", "a", "a_in_b"), ("a", "b", "b_in_a")):  # so that others keep the sheet's order
        names = {f"{name}_{one}": name for name in ("sample", "owner", "person")}
        names |= {f"sample_{other}": "other", f"person_{other}": "other_person", share: "share"}
        seen.append(pairs[[*names, "result"]].rename(columns=names))
    return pd.concat(seen, ignore_index=True)


def _odd_samples(wrong: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Rows of `wrong` (as of `_both_ways`), each pair once, by the sample that explains most of what is left.

    A swapped tube is in all of its wrong pairs, whoever it matches in a few of them. Of two as good, one of a lot: donors
    are sequenced once and are compared with many lots.
    """
    while len(wrong):
        found = wrong.assign(lot=wrong["owner"] != wrong["person"]).groupby("sample", sort=False)["lot"]
        odd = found.agg(["size", "first"]).sort_values(["size", "first"], ascending=False, kind="stable").index[0]
        yield wrong[wrong["sample"] == odd]
        wrong = wrong[(wrong["sample"] != odd) & (wrong["other"] != odd)]


def _sentence(rows: pd.DataFrame) -> str:
    """'L3-wgs of D1 matches D2-wgs and L2-wgs (D2), and does not match D1-wgs (D1).'"""
    said = [
        f"{verb} {_grouped(rows[rows['result'] == result])}"
        for result, verb in (("MATCH", "matches"), ("MISMATCH", "does not match"))
        if (rows["result"] == result).any()
    ]
    return f"{rows['sample'].iloc[0]} of {rows['person'].iloc[0]} {', and '.join(said)}."


def _grouped(rows: pd.DataFrame) -> str:
    """The other samples by their person."""
    groups = [f"{listed(list(names), NAMED)} ({person})" for person, names in rows.groupby("other_person")["other"]]
    more = len(groups) - PERSONS
    return listed(groups[:PERSONS] + [f"samples of {plural(more, 'more donor')}"] * (more > 0))


def _source(row: "pd.Series[Any]") -> str:
    # A share that would read 0.0% was found nevertheless.
    shown = percent(row["share"]) if row["share"] >= 0.0005 else "below 0.1%"
    return (
        f"{row['sample']} (donor {row['person']}) contains {shown} reads from donor {row['other_person']} (best match"
        f" {row['other']})."
    )


def _summary(known: int, wrong: int, mixed: int, unknown: int) -> str:
    """known: pairs that MATCH or MISMATCH, wrong: of these; mixed: samples with foreign reads whose source was found."""
    if not known:
        return f"None of {plural(unknown, 'sample pair')} could be determined: too few reads at the sites."
    if wrong:
        said = [
            f"{wrong:,} of {plural(known, 'sample pair')} {'contradicts' if wrong == 1 else 'contradict'} the sample sheet"
        ]
    else:
        said = [
            f"{f'All {known:,} sample pairs agree' if known > 1 else 'The one sample pair agrees'} with the sample sheet"
        ]
    if mixed:
        said.append(f"{plural(mixed, 'sample contains', 'samples contain')} reads of another donor of the sample sheet")
    if unknown:
        said.append(f"{unknown:,} {'is' if unknown == 1 else 'are'} undetermined")
    return "; ".join(said) + "."


def study_map(study: StudyExpression) -> Caption:
    """Principal components: do the samples separate by state or by donor?"""
    lots = [s.first for s in study.samples if s.lot_id]
    donors = [s.first for s in study.samples if not s.lot_id]
    parted = lots and donors and (max(donors) < min(lots) or max(lots) < min(donors))
    first, second = map(percent, study.variance_explained)
    finding = f"The first component explains {first} of the variance"
    finding += (
        " and separates all lots from all hepatocytes." if parted else "; it does not separate lots from hepatocytes."
    )
    genes = "The 500 genes that vary most"
    frame = ""
    if study.panel:
        genes += " of the panel's"
        accepted = sum(sample.is_lot for sample in study.panel)
        donors_held = plural(len(study.panel) - accepted, "donor")
        frame = f" Hollow and grey: {plural(accepted, 'accepted lot')} and {donors_held} of the reference panel."
    return Caption(
        finding=finding,
        reading=f"Circles: lots; diamonds: hepatocytes of donors.{frame} Second component, upwards: {second}."
        f" {genes}, log2(normalised count + 1), both components on one scale.",
    )


def study_distances(study: StudyExpression) -> Caption:
    """Distances: is every sample, within its state, nearest to its own donor? Replicates of a lot do not show that."""
    compared, strangers = 0, []
    for sample, row in zip(study.samples, study.distances, strict=True):
        lot = sample.lot_id
        others = [
            (distance, other.donor_id)
            for other, distance in zip(study.samples, row, strict=True)
            if other is not sample and (other.lot_id not in ("", lot) if lot else other.lot_id == "")
        ]
        donors = {donor for _, donor in others}
        if sample.donor_id in donors and len(donors) > 1:
            compared += 1
            if min(others)[1] != sample.donor_id:
                strangers.append(sample.sample_id)
    finding = f"{plural(compared, 'sample')} could be compared with two donors; each is nearest to its own."
    if strangers:
        finding = f"Nearer to another donor than to its own: {listed(strangers)}; look for a swapped tube."
    elif not compared:
        finding = "No sample can be compared with two donors: none has another lot, or another sample of hepatocytes."
    return Caption(
        finding=finding,
        reading="Root mean squared difference of log2 levels over all genes; darker at"
        f" {listed([number(edge) for edge in HEAT_EDGES])}.",
    )


def study_scores(study: StudyExpression) -> Caption:
    """Marker scores: what sets lots apart most."""
    return Caption(
        finding=_most_moved(study, study.groups, study.scores, " log2"),
        reading="Mean log2 level of a group's genes above random genes of like level (scanpy's score_genes); orange above, blue"
        " below, in the shades of the lots' heat maps.",
    )


def study_sets(study: StudyExpression) -> Caption:
    """GSVA scores: what sets lots apart most."""
    unknown = f" Not assessed, too few of the genes vary: {listed(study.unscored)}." if study.unscored else ""
    return Caption(
        finding=_most_moved(study, study.sets, study.set_scores, "") + unknown,
        reading="Rows: gene sets; columns: samples, by donor. GSVA, kernel Gaussian: where a set's genes rank among all genes of"
        " a sample, each against its level in the other samples; comparable only within this study. Orange above, blue below,"
        f" darker at {listed([number(edge) for edge in SCORE_EDGES])}.",
    )


def _most_moved(study: StudyExpression, names: Sequence[str], scores: Sequence[Sequence[float]], unit: str) -> str:
    """Which row of scores rises and which falls most from hepatocytes to lots."""
    is_lot = [bool(sample.lot_id) for sample in study.samples]
    moved = []
    for name, row in zip(names, scores, strict=True):
        lots = [value for value, own in zip(row, is_lot, strict=True) if own]
        donors = [value for value, own in zip(row, is_lot, strict=True) if not own]
        if lots and donors:
            moved.append((fmean(lots) - fmean(donors), name))
    if not moved:
        return "Lots and hepatocytes cannot be compared."
    (low, falls), (high, rises) = min(moved), max(moved)
    return f"In lots '{rises}' rises most ({axis(high)}{unit} on average) and '{falls}' falls most ({axis(low)})."
