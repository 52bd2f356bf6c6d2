"""Foreign sequences: what counts as found, how many copies per diploid genome, and where a virus joins the host.

The number of reads is no evidence: a conserved gene, a vector or one contaminated cluster gives many at one position. Fragments
must have different starts, in several parts of the sequence.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaincinv

from karyolot.contracts.cells import DIPLOID
from karyolot.contracts.criteria import Metric, Metrics
from karyolot.contracts.foreign import (
    ForeignFacts,
    ForeignResults,
    ForeignSequences,
    Hits,
    Integrations,
    PanelSequence,
    Searched,
)
from karyolot.contracts.metrics import MetricName
from karyolot.dna import halving

PARTS = 10
"""Equal parts of a sequence."""
FEWEST = 3
"""Fragments of different starts, and parts they lie in, from which on a sequence is found."""
SPREAD = 0.4
"""Of the parts that so many fragments would reach if they lay evenly, that they must reach."""
POWER = 0.95
NEAR = 1_000
"""Bases within which reads show one junction: a mate lies that far at most."""
JUNCTION = 2
"""Fragments that make a candidate of an integration, one of them with a split read; without one FEWEST, at different positions of
the host: a read of 50 bases is too short to be split."""
HALVINGS = 30
"""Of 1,000 fragments: to less than a millionth of one."""
LISTED = 5
"""Sequences named in the criterion; the report has all."""

Numbers = NDArray[np.int64]


def expected_fragments(power: float = POWER) -> float:
    """Mean number of fragments with which FEWEST parts are reached with this power.

    Fragments reach each part as a Poisson process. No fragment of 300 bases starts in the last part of a sequence of 3,000: in a
    circular genome it goes on at the first base of the file, and counts there. For long sequences the number is 3 % too large.
    """
    parts = np.array([2.0, *[1.0] * (PARTS - 2), 0.0]) / PARTS

    def enough(fragments: float) -> bool:
        reached = np.ones(1)  # chance of each number of parts
        for chance in 1 - np.exp(-fragments * parts):
            reached = np.convolve(reached, [1 - chance, chance])
        return bool(reached[FEWEST:].sum() >= power)

    return halving.smallest(enough, 0.0, 1_000.0, HALVINGS)


def search(samples: Sequence[Searched], panel: Sequence[PanelSequence], missing: Sequence[str]) -> ForeignResults:
    """All on foreign sequences of a lot. missing: groups of the shipped list that the panel lacks."""
    groups = list(dict.fromkeys(sequence.group for sequence in panel))
    rows = [
        _row(sample, [sequence for sequence in panel if sequence.group == group])
        for sample in samples
        for group in groups
    ]
    joined = [row for sample in samples if sample.assay == "DNA" for row in _integrations(sample, panel)]
    facts = ForeignFacts(
        groups=len(groups),
        missing=tuple(missing),
        rna=any(sample.assay == "RNA" for sample in samples),
        power=POWER,
    )
    return ForeignResults(ForeignSequences.frame(rows), Integrations.frame(joined), facts)


def _row(sample: Searched, group: Sequence[PanelSequence]) -> dict[str, Any]:
    """A group of the panel in a sample."""
    lengths = {sequence.name: len(sequence.bases) for sequence in group}
    rows = np.flatnonzero(np.isin(sample.hits.sequence, list(lengths)))
    first = _first_of_fragment(sample.hits, rows)
    names, starts = sample.hits.sequence[first], sample.hits.start[first]
    sizes = np.array([lengths[name] for name in names], dtype=np.int64)
    distinct = len({*zip(names.tolist(), starts.tolist(), sample.hits.reverse[first].tolist(), strict=True)})
    parts = len(np.unique(starts * PARTS // sizes)) if len(first) else 0
    even = PARTS * (1 - (1 - 1 / PARTS) ** distinct)
    found = distinct >= FEWEST and parts >= max(FEWEST, SPREAD * even)
    best = max(lengths, key=lambda name: int((names == name).sum())) if len(first) else ""
    # A fragment that begins or ends in the host holds half of its bases of the sequence, in the mean.
    joined = len(np.unique(sample.hits.fragment[rows[sample.hits.host[rows] != ""]]))
    copies = _copies(sample, len(first) - joined / 2, lengths.get(best, min(lengths.values())))
    limit = _per_copy(sample, min(lengths.values()))
    return {
        "role": sample.role, "assay": sample.assay, "group": group[0].group, "kind": group[0].kind, "sequence": best,
        "fragments": len(first), "starts": distinct, "parts": parts,
        "breadth": _breadth(sample.hits, rows[sample.hits.sequence[rows] == best], lengths[best]) if best else 0.0,
        **dict(zip(("copies", "copies_low", "copies_high"), copies, strict=True)),
        "lod": expected_fragments() / limit if limit else None,
        "finding": "found" if found else "trace" if len(first) else "none",
    }  # fmt: skip


def _first_of_fragment(hits: Hits, rows: Numbers) -> Numbers:
    """The row of each fragment that starts first."""
    order = rows[np.lexsort((hits.start[rows], hits.fragment[rows]))]
    return order[np.unique(hits.fragment[order], return_index=True)[1]]


def _breadth(hits: Hits, rows: Numbers, length: int) -> float:
    covered = np.zeros(length, dtype=bool)
    for start, end in zip(hits.start[rows], hits.end[rows], strict=True):
        covered[start:end] = True
    return float(covered.mean())


def _per_copy(sample: Searched, length: int) -> float:
    """Fragments, without duplicates, that one copy per diploid genome gives; 0 where it is not known."""
    return length * (sample.autosomal or 0.0) / DIPLOID


def _copies(sample: Searched, fragments: float, length: int) -> tuple[float | None, float | None, float | None]:
    """Copies per diploid genome with 95 % interval (Garwood 1936)."""
    each = _per_copy(sample, length)
    if not each:
        return None, None, None
    number = fragments * (1 - (sample.duplicates or 0.0))
    low = float(gammaincinv(number, 0.025)) if number else 0.0
    return number / each, low / each, float(gammaincinv(number + 1, 0.975)) / each


def _integrations(sample: Searched, panel: Sequence[PanelSequence]) -> list[dict[str, Any]]:
    """Candidates of integrations of the panel's viruses in DNA, those of most fragments first."""
    hits, found = sample.hits, []
    groups = {sequence.name: sequence.group for sequence in panel if sequence.kind == "virus"}
    for group in dict.fromkeys(groups.values()):
        names = [name for name, own in groups.items() if own == group]
        rows = np.flatnonzero(np.isin(hits.sequence, names) & (hits.host != ""))
        rows = rows[np.lexsort((hits.host_at[rows], hits.host[rows]))]
        apart = (np.diff(hits.host_at[rows]) > NEAR) | (hits.host[rows][1:] != hits.host[rows][:-1])
        for part in np.split(rows, np.flatnonzero(apart) + 1) if len(rows) else []:
            split = part[hits.split[part]]
            fragments, apart = (len(np.unique(numbers[part])) for numbers in (hits.fragment, hits.host_at))
            if fragments >= JUNCTION if len(split) else min(fragments, apart) >= FEWEST:
                where = hits.host_at[split if len(split) else part]
                found.append(
                    {"role": sample.role, "group": group, "chrom": str(hits.host[part[0]]),
                     "start": int(where.min()), "end": int(where.max()) + 1,
                     "fragments": fragments, "split": len(np.unique(hits.fragment[split]))}
                )  # fmt: skip
    return sorted(found, key=lambda row: -int(row["fragments"]))


def found_in(results: ForeignResults, role: str) -> pd.DataFrame:
    """Rows of what was found in lot or donor, the control left out."""
    table = results.sequences
    return table[(table["role"] == role) & (table["finding"] == "found") & (table["kind"] != "control")]


def foreign_metrics(results: ForeignResults) -> Metrics:
    """Metric of the stage 'foreign'."""
    lot = found_in(results, "lot")
    names = list(dict.fromkeys(lot["group"]))
    said = [amount(row) for row in lot.head(LISTED).to_dict("records")] + ["and more"] * (len(lot) > LISTED)
    said.append(f"{results.facts.groups} searched")
    if results.facts.missing:
        said.append(f"not assessed: {', '.join(results.facts.missing)}")
    return {MetricName.FOREIGN_FOUND: Metric(value=len(names), detail="; ".join(said), about=tuple(names))}


def amount(row: dict[Any, Any]) -> str:
    """'HBV 0.12 copies per diploid genome (DNA)' or 'HBV 31 fragments (RNA)'."""
    if row["assay"] == "DNA" and not pd.isna(row["copies"]):
        return f"{row['group']} {float(format(row['copies'], '.2g')):g} copies per diploid genome (DNA)"
    return f"{row['group']} {row['fragments']} fragments ({row['assay']})"
