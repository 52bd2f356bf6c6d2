"""Identity of every pair of samples: what is not as the sheets say, in sentences for the overview."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pandas as pd

from karyolot.report.words import listed, percent, plural

MOST = 20
"""Findings listed: about a screen of them. More than that is one mistake in the sheets or the panel, not twenty swaps."""
NAMED, PERSONS = 4, 3
"""Samples named of one person, and persons named, in one finding; the rest are counted."""


@dataclass(frozen=True)
class PairFindings:
    """summary: one sentence on all pairs. findings: what is not as the sheets say, a sentence each. more: what is beyond
    MOST, '' = nothing."""

    summary: str
    findings: tuple[str, ...]
    more: str


def pair_findings(pairs: pd.DataFrame) -> PairFindings:
    """Of all pairs (contract Pairs): different persons that MATCH, one person that MISMATCHes, sources of foreign reads."""
    told = pairs[pairs["result"] != "NOT ENOUGH"]
    wrong = _both_ways(told[(told["result"] == "MATCH") != told["expected"]])
    held = _both_ways(pairs[pairs[["a_in_b", "b_in_a"]].notna().any(axis=1)])
    held = held[held["share"].notna()].sort_values("share", ascending=False, kind="stable")
    odd = list(islice(_odd_samples(wrong), MOST))
    findings = [_sentence(rows) for rows in odd] + [_source(row) for _, row in held.iterrows()]
    pairs_left = len(wrong) // 2 - sum(map(len, odd))
    sources_left = min(len(held), len(findings) - min(len(findings), MOST))
    left = [plural(pairs_left, "pair")] * (pairs_left > 0)
    left += [plural(sources_left, "source") + " of foreign reads"] * (sources_left > 0)
    return PairFindings(
        summary=_summary(len(told), len(wrong) // 2, held["sample"].nunique(), len(pairs) - len(told)),
        findings=tuple(findings[:MOST]),
        more=f"Not listed: {listed(left)}." if left else "",
    )


def _both_ways(pairs: pd.DataFrame) -> pd.DataFrame:
    """Every pair twice, seen from either sample: sample, owner, person, the same of the other (other, other_person), result,
    and the share of the sample's reads that are of the other's person (null as in Pairs)."""
    seen = []
    for one, other, share in (("b", "a", "a_in_b"), ("a", "b", "b_in_a")):  # so that others keep the sheet's order
        names = {f"{name}_{one}": name for name in ("sample", "owner", "person")}
        names |= {f"sample_{other}": "other", f"person_{other}": "other_person", share: "share"}
        seen.append(pairs[[*names, "result"]].rename(columns=names))
    return pd.concat(seen, ignore_index=True)


def _odd_samples(wrong: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Rows of `wrong` (as of `_both_ways`), each pair once, by the sample that explains most of what is left.

    A swapped tube is in all of its wrong pairs, whoever it matches in a few of them. Of two as good, one of a lot: donors
    are sequenced once and stand beside many lots.
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
    return f"{row['sample']} of {row['person']} holds reads of the person of {row['other']} ({row['other_person']}): {shown}."


def _summary(told: int, wrong: int, mixed: int, untold: int) -> str:
    """told: pairs that MATCH or MISMATCH, wrong: of these; mixed: samples with foreign reads whose source was found."""
    if not told:
        return f"Not one of {plural(untold, 'pair')} of samples could be told: too few reads at the sites."
    if wrong:
        said = [f"{wrong:,} of {plural(told, 'pair')} of samples {'is' if wrong == 1 else 'are'} not as the sheets say"]
    else:
        said = [
            f"{f'All {told:,} pairs of samples are' if told > 1 else 'The one pair of samples is'} as the sheets say"
        ]
    if mixed:
        said.append(f"{plural(mixed, 'sample holds', 'samples hold')} reads of another person of the sheets")
    if untold:
        said.append(f"{untold:,} more could not be told")
    return "; ".join(said) + "."
