"""Labels and how numbers read, in every report alike; the sentences on a lot are made in `text`."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from karyolot.contracts import cells
from karyolot.contracts.metrics import MetricName

MISSING = "not available"

OUTCOMES = {
    "FAIL_IDENTITY": ("✗", "FAIL-IDENTITY"),
    "FAIL": ("✗", "FAIL"),
    "INDETERMINATE": ("?", "INDETERMINATE"),
    "REVIEW": ("!", "REVIEW"),
    "NOT_ASSESSED": ("–", "NOT ASSESSED"),
    "INFO": ("i", "INFO"),
    "PASS": ("✓", "PASS"),
}
"""Outcome -> symbol and word, the gravest first: the order in which criteria are printed."""

EVIDENCE = {
    "reads": ("qc", "Quality"),
    "dna": ("limits", "Limits"),
    "identity": ("copy-number", "Copy number"),
    "variants": ("small-variants", "Small variants"),
    "cn": ("copy-number", "Copy number"),
    "baf": ("alleles", "Alleles"),
    "rna": ("expression", "Expression"),
    "imported": ("imported", "Imported results"),
    "process": ("lot", "Lot"),
}
"""Topic of a metric -> the section that shows what its criterion was judged on."""
BY_SNPS = tuple(name for name in MetricName if name.stage == "alleles" and name.topic == "identity")
"""Metrics of identity that the section of alleles shows; the others come from read depth."""

FACTS = {
    "passage": "Passage",
    "pdl": "Population doublings",
    "bank": "Bank",
    "parent_lot_id": "Parent lot",
    "thaw_state": "Thaw state",
    "cryo_protocol": "Cryopreservation",
    "medium_lot": "Medium lot",
    "platelet_lysate_lot": "Platelet lysate lot",
    "collection_date": "Collection date",
}
KINDS = {
    "karyotype": "Karyotype",
    "dna_content": "DNA content",
    "viability": "Viability",
    "flow": "Flow cytometry",
    "mycoplasma": "Mycoplasma",
}
ALWAYS_ASKED = ("karyotype", "viability", "flow", "mycoplasma")
"""Kinds of imported results a release file holds (He 2025, Fig. 1): said to be missing where they are."""
MASKED = {
    "gap": "gap or blacklist",
    "mappability": "not mappable",
    "gc": "GC out of range",
    "donor_outlier": "donor depth unusual",
    "low_count": "no fragment",
    "covariate": "GC, timing or mappability unknown",
}
ARM_ALLELES = {
    "even": "balanced",
    "moved": "! imbalanced",
    "inherited": "imbalanced, the donor's too",
    "few": "? too few",
}
EXPECTATIONS = {
    "down": "lower",
    "up": "higher",
    "detected": "detected",
    "absent": "absent",
    "report": "reported only",
}


def number(value: object, digits: int = 3) -> str:
    """A number for reading: `digits` significant digits, thousands separated, a true minus; text as it is."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    if not isinstance(value, float):
        return str(value)
    if value == 0:
        return "0"
    if abs(value) < 1e-3 or abs(value) >= 1e15:
        text = re.sub(r"(\.\d*?)0+e", r"\1e", f"{value:.{digits - 1}e}").replace(".e", "e")
        return re.sub(r"e([-+])0*", r"e\1", text).replace("e+", "e").replace("-", "−")
    text = f"{value:,.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def measured(value: object) -> str:
    """The value of a criterion: a number as people write it, not 9e-5, and never 0 for what is not 0."""
    if isinstance(value, float) and 0 < value < 1e-3:
        return f"{value:.4f}".rstrip("0") if value >= 1e-4 else "below 0.0001"
    return number(value, 4)


def unit_of(value: object, name: str) -> str:
    """The unit of a value, of one thing in the singular: calls, segments, events."""
    return name.removesuffix("s") if value == 1 and " " not in name else name


def log2(value: float | None) -> str:
    """A log2 ratio with its sign and two decimals; three where two would read as zero."""
    if value is None:
        return MISSING
    decimals = 3 if 0 < abs(value) < 0.01 else 2
    return f"{value:+.{decimals}f}".replace("-", "−")


def axis(value: float) -> str:
    """A log2 value beside an axis: signed, short."""
    return f"{value:+.3g}".replace("-", "−") if value else "0"


def percent(fraction: float | None) -> str:
    """A fraction in per cent; one decimal below 10 %."""
    if fraction is None:
        return MISSING
    return cells.percent(fraction)


def evidence(metric: str, alleles: bool) -> tuple[str, str] | None:
    """Anchor and name of the section behind a metric; None when no section shows it. alleles: there is one of alleles."""
    shown = ("alleles", "Identity") if metric in BY_SNPS else EVIDENCE.get(metric.split(".")[0])
    return EVIDENCE["cn"] if shown is not None and shown[0] == "alleles" and not alleles else shown


def quantity(value: object, unit: str = "") -> str:
    """A value with its unit. Yes and no carry none."""
    text = number(value, 4)
    if value is None or isinstance(value, (bool, str)) or not unit:
        return text
    return f"{text}{unit}" if unit == "%" else f"{text} {unit}"


def size(bases: int | None) -> str:
    """A file size in the largest fitting decimal unit."""
    if bases is None:
        return MISSING
    amount = float(bases)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{number(amount)} {unit}"
        amount /= 1000
    return f"{number(amount)} TB"


class Interval(Protocol):
    """0-based half-open."""

    @property
    def chrom(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


def place(interval: Interval) -> str:
    """1-based inclusive coordinates, as genome browsers take them."""
    return f"{interval.chrom}:{interval.start + 1:,}-{interval.end:,}"


def bins_of(bin_bp: int) -> str:
    return f"{number(bin_bp / 1e6)} Mb" if bin_bp >= 1_000_000 else f"{number(bin_bp / 1e3)} kb"


def plural(count: int, noun: str, many: str = "") -> str:
    """'1 gain', '2 gains', 'no gains'."""
    return f"{f'{count:,}' if count else 'no'} {noun if count == 1 else many or noun + 's'}"


def listed(items: Sequence[str], most: int = 6) -> str:
    """'a, b and c'; what is beyond `most` is counted."""
    shown, left = list(items[:most]), len(items) - most
    if left > 0:
        shown.append(f"{left} more")
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]


def within_sentence(name: str) -> str:
    """The name of a change as it stands within a sentence: 'trisomy 8'."""
    return name[:1].lower() + name[1:]


def genes_short(genes: str, most: int = 8) -> str:
    """The first genes of a comma separated list; the rest are counted."""
    names = [name for name in genes.split(",") if name]
    return listed(names, most) if names else "no gene named"


def masked(shares: Mapping[str, float]) -> str:
    """Why bins are not used: 'gap or blacklist 4.1%, GC out of range 0.5%'."""
    return ", ".join(f"{MASKED.get(reason, reason)} {percent(share)}" for reason, share in shares.items()) or "nothing"


def setting(value: object) -> str:
    """A setting as it stands in a configuration file."""
    return json.dumps(value, ensure_ascii=False)


def fact_label(name: str) -> str:
    return FACTS.get(name, name.replace("_", " ").capitalize())


def outcome_counts(outcomes: Iterable[str]) -> list[tuple[str, int]]:
    """Outcomes with how often each occurs, gravest first, none without one."""
    counts = Counter(outcomes)
    return [(outcome, counts[outcome]) for outcome in OUTCOMES if counts[outcome]]


def unseen(not_seen: Iterable[str]) -> str:
    """What a PASS does not cover; stands wherever a PASS is printed."""
    nouns = list(dict.fromkeys(not_seen))
    listed = ", ".join(nouns[:-1]) + f" and {nouns[-1]}" if len(nouns) > 1 else "".join(nouns)
    return f"A PASS does not cover what this method cannot detect: {listed}."
