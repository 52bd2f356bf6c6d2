"""Words on called changes as page 1 lists them."""

from collections.abc import Iterator

from karyolot.contracts.cells import percent
from karyolot.contracts.front import Bar, Row
from karyolot.contracts.record import Measured
from karyolot.contracts.record_dna import CallRow
from karyolot.report.calls import criteria
from karyolot.report.groups import GRAVITY
from karyolot.report.words import between, listed, number

GENES_NAMED = 2
TWO_COPIES = 1.005
"""From this fraction of tetraploid cells on more than one copy changed in them."""


def genes(row: CallRow) -> str:
    """The first listed genes of a call that its name does not hold, '' = none."""
    names = [gene for gene in row.genes.split(",") if gene and gene not in row.name]
    return listed(names, GENES_NAMED) if names else ""


def rows(record: Measured) -> list[Row]:
    """A line of page 1 for every call that a criterion failed or wants reviewed, gravest first, then by fraction."""
    copies, counted = record.copy_number, criteria(record)
    outcomes = {result.id: result.outcome for result in record.verdict.criteria}
    found = []
    for call in sorted(copies.calls, key=lambda call: -call.fraction):
        open_ = [key for key, held in counted.items() if call.id in held and outcomes[key] in ("FAIL", "REVIEW")]
        if not open_:
            continue
        worst = min((outcomes[key] for key in open_), key=GRAVITY.index)
        found.append(
            Row(
                outcome=worst,
                criteria=tuple(key for key in open_ if outcomes[key] == worst),
                event=call.id,
                name=call.name,
                detail=tuple(_detail(call)),
                bar=Bar(
                    limit=min(call.limit, 1.0), low=call.fraction_low, middle=call.fraction, high=call.fraction_high
                ),
                value=percent(min(call.fraction, 1.0)),
                interval=between(call.fraction_low, call.fraction_high),
                tetraploid=_tetraploid(call),
            )
        )
    return sorted(found, key=lambda row: GRAVITY.index(row.outcome or "PASS"))


def _tetraploid(row: CallRow) -> str:
    """The reading in tetraploid cells; '' where the DNA content was measured."""
    if row.tetraploid is None:
        return ""
    if row.tetraploid > TWO_COPIES:
        return "over one copy"
    return f"{percent(row.tetraploid)} ({between(row.tetraploid_low or 0.0, row.tetraploid_high or 1.0)})"


def _detail(row: CallRow) -> Iterator[str]:
    """What is known of a call: where it is and what it rests on, then a caution."""
    whole = row.extent == "chromosome"
    extent = "Whole chromosome" if whole else f"{number(row.size_mb)} Mb"
    held = f" with {genes(row)}" if genes(row) else ""
    hotspot = ", a culture hotspot" if row.recurrent and not whole else ""
    donor = {"acquired": "absent in donor", "enriched": "in fewer cells of the donor", "lost": "in the donor alone"}
    alleles = {
        "agree": "by depth and alleles",
        "uninformative": "by depth, alleles not informative",
        "disagree": "alleles contradict it",
    }
    rna = {
        "agrees": "expression agrees",
        "uninformative": "expression not informative",
        "disagrees": "expression contradicts it",
    }
    parts = [f"{extent}{held}{hotspot}", donor.get(row.origin, row.origin)]
    parts.append(alleles.get(row.alleles or "", "by depth only"))
    parts += [rna[row.expression]] if row.expression else []
    yield "; ".join(parts)
    if row.artefact:
        yield f"Artefact-prone: {row.artefact}"
