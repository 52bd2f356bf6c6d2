"""The record of a qualification as a page and a PDF."""

from collections.abc import Mapping

from karyolot.contracts.qualification import Check, Qualification
from karyolot.report.pdf import print_page
from karyolot.report.render import page
from karyolot.report.words import plural

STAGES = {
    "IQ": "Installation qualification (IQ)",
    "OQ": "Operational qualification (OQ)",
    "PQ": "Performance qualification (PQ)",
}
CLASSES = {"PASS": "pass", "FAIL": "fail", "NOT DONE": "not-assessed", "INCOMPLETE": "indeterminate"}
SHORT = 12
"""Digits of the record's checksum in the margin; the page ends with all."""


def render_qualification(made: Qualification, sha256: str) -> str:
    """The page. sha256: of the record's file."""
    context = {
        "made": made,
        "sha256": sha256,
        "title": f"Qualification {made.number}: {made.outcome}",
        "stages": [(name, [check for check in made.checks if check.stage == key]) for key, name in STAGES.items()],
        "classes": CLASSES,
        "finding": finding(made.checks),
    }
    return page("qualification.html.j2", context, head=str(context["title"]), foot=f"Record sha256 {sha256[:SHORT]}")


def qualification_pdf(made: Qualification, sha256: str, attached: bytes, fonts: Mapping[str, bytes]) -> bytes:
    """The same printed, with the record attached. fonts: as `pdf.print_pdf`."""
    return print_page(
        render_qualification(made, sha256), "qualification.json", "The record of this page", attached, fonts
    )


def finding(checks: tuple[Check, ...]) -> str:
    """'13 checks passed, 1 failed (OQ3), 2 not done (OQ8, PQ3).'"""
    parts = []
    for outcome, word in (("PASS", "passed"), ("FAIL", "failed"), ("NOT DONE", "not done")):
        own = [check.id for check in checks if check.outcome == outcome]
        if own and outcome == "PASS":
            parts.append(f"{plural(len(own), 'check')} {word}")
        elif own:
            parts.append(f"{len(own)} {word} ({', '.join(own)})")
    return ", ".join(parts) + "."
