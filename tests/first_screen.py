"""Ten questions a reader has of a lot, and whether the first screen of its report answers them."""

import re

from playwright.sync_api import Page

from karyolot.contracts.record import Record
from karyolot.report import words

FIRST_SCREEN = """() => [...document.querySelectorAll('body *')].filter(element => {
  const box = element.getBoundingClientRect();
  return element.checkVisibility() && box.bottom <= 900 && box.width > 1 && !element.closest('svg, script, style, .unseen');
}).map(element => [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data).join(' ')).join(' ')"""
"""Text of the elements that lie within the first 900 pixels."""


def questions(record: Record) -> dict[str, list[str]]:
    """Each question, with the words that answer it."""
    verdict, copies = record.verdict, record.copy_number
    calls = [] if verdict.suppressed else copies.calls
    own = next(sample for sample in record.qc if sample.role == "lot" and sample.assay == "wgs")
    coverage, usable = (
        next(figure.value for figure in own.figures if figure.name == name)
        for name in ("Mean coverage", "Usable fragments")
    )
    donor = record.lot.donor_id
    other = verdict.outcome == "FAIL_IDENTITY"
    held = {result.kind for result in record.imported}
    held |= {"karyotype"} if "dna_content" in held else set()
    return {
        "verdict": [words.OUTCOMES[verdict.outcome][1]],
        "findings": [call.name for call in calls],
        "fraction": [words.percent(min(call.fraction, 1)) for call in calls]
        + [f"{call.fraction_low:.0%}"[:-1] + f"–{min(call.fraction_high, 1):.0%}" for call in calls],
        "limit": _limit(record),
        "identity": [f"declared donor {donor}", *(record.persons.dna if record.persons else ())]
        if other
        else [f"donor {donor}"],
        "cell type": ["Cell type (RNA)", "markers as expected" if record.expression else "No RNA of this lot"],
        "coverage": [f"Coverage {float(f'{coverage:.3g}'):g}x", f"{usable:,} usable fragments"],
        "missing": ["Missing: no result on file", *(kind[1:] for kind in words.ON_FILE if kind not in held)],
        "next": ["Next action", *(action.text for action in verdict.actions)],
        "date": ["Sampled", str(record.lot.facts["collection_date"]), "Analysed"],
    }


def _limit(record: Record) -> list[str]:
    claim = record.copy_number.claim
    if record.verdict.suppressed:
        return ["No statement on stability is made"]
    known = [] if claim is None else [words.percent(value) for value in (claim.gain, claim.loss) if value is not None]
    return known or ["no statement is made about stability"]


def unanswered(page: Page, record: Record) -> dict[str, list[str]]:
    """Questions that the open page does not answer on its first screen, with the words that are missing."""
    said = re.sub(r"\s+", " ", page.evaluate(FIRST_SCREEN))
    asked = questions(record)
    assert len(asked) == 10
    missing = {question: [part for part in answer if part not in said] for question, answer in asked.items()}
    return {question: parts for question, parts in missing.items() if parts}
