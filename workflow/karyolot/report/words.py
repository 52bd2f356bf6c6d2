"""Labels and how numbers read, in every report alike; the sentences on a lot are made in `text`."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from karyolot.contracts import cells

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
ON_FILE = ("karyotype", "mycoplasma", "viability", "flow")
"""Kinds of imported results that a release file holds (He 2025, Fig. 1): named where they are missing. DNA content stands for a
karyotype."""
MASKED = {
    "gap": "gap or blacklist",
    "mappability": "not mappable",
    "gc": "GC out of range",
    "donor_outlier": "donor depth unusual",
    "low_count": "no fragment",
    "covariate": "GC, timing or mappability unknown",
}
ARM_ALLELES = {
    "balanced": "balanced",
    "imbalanced": "! imbalanced",
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


RAISED = str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·")


def number(value: object, digits: int = 3) -> str:
    """A number for reading: `digits` significant digits, thousands separated, a true minus; text as it is."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return cells.minus(f"{value:,}")
    if not isinstance(value, float):
        return str(value)
    if value == 0:
        return "0"
    if abs(value) < 1e-3 or abs(value) >= 1e15:
        text = re.sub(r"(\.\d*?)0+e", r"\1e", f"{value:.{digits - 1}e}").replace(".e", "e")
        return cells.minus(re.sub(r"e([-+])0*", r"e\1", text).replace("e+", "e"))
    text = f"{value:,.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"
    return cells.minus(text.rstrip("0").rstrip(".") if "." in text else text)


def measured(value: object, unit: str = "") -> str:
    """The value of a criterion with its unit: fractions in per cent, counts with their noun, never 0 for what is not 0."""
    if value is None:
        return MISSING
    if "fraction" in unit and isinstance(value, (int, float)) and not isinstance(value, bool):
        return below_percent(float(value)) + _whole(unit)
    if isinstance(value, (bool, str)) or not unit:
        return number(value)
    if unit.startswith("%"):
        return f"{number(value)}%{unit[1:]}"
    return f"{number(value)} {unit_of(value, unit)}"


def below_percent(fraction: float) -> str:
    """A fraction in per cent that never reads 0 for what is not 0."""
    return "below 0.1%" if 0 < fraction < 0.0005 else percent(fraction)


def limit(text: str, unit: str = "") -> str:
    """A limit as the verdict words it ('at least 0.8'), with the criterion's unit: 'at least 80%', 'none allowed'."""
    words, _, value = text.rpartition(" ")
    try:
        amount = float(value)
    except ValueError:
        return text
    counted = bool(unit) and "fraction" not in unit and not unit.startswith("%") and "," not in unit
    if words in ("at most", "") and amount == 0 and counted:
        return "none allowed" if "SD" not in unit else f"{text} {unit}"
    if "fraction" in unit:
        return f"{words} {percent(amount)}{_whole(unit)}".strip()
    shown = number(int(amount) if amount.is_integer() else amount)
    if unit.startswith("%"):
        return f"{words} {shown}%{unit[1:]}".strip()
    return f"{words} {shown} {unit_of(amount, unit)}".strip() if unit else f"{words} {shown}".strip()


def _whole(unit: str) -> str:
    """What a fraction is of: ' of cells' of a cell fraction, ' of genes' of a 'fraction of genes'."""
    return " of cells" if unit == "cell fraction" else unit.removeprefix("fraction")


def unit_of(value: object, name: str) -> str:
    """The unit of a value, of one thing in the singular: calls, segments, events."""
    return name.removesuffix("s") if value == 1 and " " not in name else name


def log2(value: float | None) -> str:
    """A log2 ratio with its sign and two decimals; three where two would read as zero."""
    if value is None:
        return MISSING
    decimals = 3 if 0 < abs(value) < 0.01 else 2
    return cells.minus(f"{value:+.{decimals}f}")


def axis(value: float) -> str:
    """A log2 value beside an axis: signed, short."""
    return cells.minus(f"{value:+.3g}") if value else "0"


def power_of_ten(exponent: float, decimals: int = 0) -> str:
    """10 to this power with a raised exponent, as a journal sets it: '10⁵', '10⁻¹⁰⁰', '10⁰·⁹'."""
    return "10" + f"{exponent:.{decimals}f}".translate(RAISED)


def percent(fraction: float | None) -> str:
    """A fraction in per cent; one decimal below 10 %."""
    if fraction is None:
        return MISSING
    return "0%" if fraction == 0 else cells.percent(fraction)


def between(low: float, high: float) -> str:
    """'55–66%': no end above all cells, and both with the decimals of the upper one."""
    low, high = min(low, 1.0), min(high, 1.0)
    below = f"{low:.0%}" if high >= 0.095 else percent(low)
    return percent(high) if below == percent(high) else f"{below.removesuffix('%')}–{percent(high)}"


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


def capital(text: str) -> str:
    """The text with a capital first letter; the others as they are."""
    return text[:1].upper() + text[1:]


def within_sentence(text: str) -> str:
    """A title within a sentence; RNA stays RNA."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def listed(items: Sequence[str], most: int = 6) -> str:
    """'a, b and c'; what is beyond `most` is counted."""
    shown, left = list(items[:most]), len(items) - most
    if left > 0:
        shown.append(f"{left} more")
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]


def genes_short(genes: str, most: int = 8) -> str:
    """The first genes of a comma separated list; the rest are counted."""
    names = [name for name in genes.split(",") if name]
    return listed(names, most) if names else "no gene named"


def masked(shares: Mapping[str, float]) -> str:
    """Why bins are not used: 'gap or blacklist 4.1%, GC out of range 0.5%'."""
    return ", ".join(f"{MASKED.get(reason, reason)} {percent(share)}" for reason, share in shares.items()) or "nothing"


def setting(value: object) -> str:
    """A setting as written in a configuration file."""
    return json.dumps(value, ensure_ascii=False)


def fact_label(name: str) -> str:
    return FACTS.get(name, name.replace("_", " ").capitalize())


def outcome_counts(outcomes: Iterable[str]) -> list[tuple[str, int]]:
    """Outcomes with how often each occurs, gravest first, none without one."""
    counts = Counter(outcomes)
    return [(outcome, counts[outcome]) for outcome in OUTCOMES if counts[outcome]]


def unseen(not_seen: Iterable[str]) -> str:
    """What a PASS does not cover; shown wherever a PASS is printed."""
    nouns = list(dict.fromkeys(not_seen))
    listed = ", ".join(nouns[:-1]) + f" and {nouns[-1]}" if len(nouns) > 1 else "".join(nouns)
    return f"A PASS does not cover what this method cannot detect: {listed}."
