"""The ISCN-like line of a lot by depth, and when there is none."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from karyolot.contracts.cells import DIPLOID, of_diploid, percent
from karyolot.contracts.contigs import contig_key
from karyolot.contracts.copy_number import LEAST_NEUTRAL, Comparison, Karyotype, Match, Noise
from karyolot.contracts.settings import CopyNumber, Layout
from karyolot.dna.names import copies_in_affected

WHOLE_SETS = 0.25
"""A mean DNA content this near to 2n, 4n or 8n is that of cells of one ploidy, whose chromosomes can be counted."""


def karyotype(
    calls: pd.DataFrame, reasons: Sequence[str], sex: str, layout: Layout, sets: float | None = None
) -> Karyotype:
    """The line, or the reasons why the data cannot support one, as `against` gives them.

    Parameters
    ----------
    calls
        Schema Calls.
    sex
        Of the donor by record, 'F' or 'M'.
    sets
        Of chromosomes in the lot's cells, None = not measured.
    """
    if reasons:
        return Karyotype(text=None, withheld="; ".join(reasons))
    content = "ploidy not measured" if sets is None else f"DNA content {sets:g}n"
    return Karyotype(text=f"{iscn(calls, sex, layout, sets)} (by depth; {content})", withheld="")


def against(
    arms: pd.DataFrame,
    lod: pd.DataFrame,
    comparison: Comparison,
    noise: Noise,
    match: Match,
    layout: Layout,
    settings: CopyNumber,
    sets: float | None,
) -> Iterator[str]:
    """Reasons to withhold the line, each as a clause. Tables as in contracts.copy_number; sets as in `karyotype`."""
    if not noise.assessable:
        yield f"the noise could not be measured ({noise.reason})"
    elif lod.loc[lod["size_bp"] == round(settings.claim_mb * 1e6), "fraction"].isna().any():
        yield f"a change of {settings.claim_mb:g} Mb is not detectable even in all cells"
    if comparison.neutral is None:
        yield "copy-number levels could not be separated"
    elif comparison.neutral < LEAST_NEUTRAL:
        yield (
            f"only {comparison.neutral:.0%} of the autosomes are at the most frequent copy-number level, so the baseline is"
            " uncertain"
        )
    if absent := unseen_chromosomes(arms, layout, match.declared_sex):
        some = arms.loc[arms["scope"] == "arm", "assessable"].any()
        yield f"no arm could be assessed of {', '.join(absent)}" if some else "no arm could be assessed"
    if match.donor_sex not in (None, match.declared_sex):
        yield f"the donor's reads are those of sex {match.donor_sex}, declared {match.declared_sex}"
    if sets is not None and _ploidy(sets) is None:
        yield f"a mean DNA content of {sets:g}n is that of cells of different ploidy"


def against_donor(arms: Mapping[str, float]) -> Iterator[str]:
    """The same from the donor's own copies (`match.donor_arms`): the line counts changes from the donor."""
    if arms:
        shown = ", ".join(f"{copies:.2g} copies of {name}" for name, copies in arms.items())
        yield f"the donor's own reads show {shown}, and changes are counted from the donor"


def unseen_chromosomes(arms: pd.DataFrame, layout: Layout, sex: str) -> list[str]:
    """Chromosomes of the layout without any arm whose copy number could be judged, for this sex. Y counts as seen from its
    first usable bin on, since most of it is never assessable."""
    own = arms[arms["scope"] != "recurrent"]
    judged = set(own.loc[own["assessable"], "chrom"].map(contig_key))
    y = {contig_key(layout.y)} if layout.y else set()
    judged |= y & set(own.loc[own["bins"] > 0, "chrom"].map(contig_key))
    wanted = [*layout.autosomes, layout.x, layout.y if sex == "M" else None]
    return [name for name in wanted if name and contig_key(name) not in judged]


def iscn(calls: pd.DataFrame, sex: str, layout: Layout, sets: float | None = None) -> str:
    """'46,XX', 'mos 47,XX,+8[60%]/46,XX', '46,XY,dup(20)(q11.21q11.23)': what depth shows, in the manner of ISCN.

    Not a karyotype: chromosomes are counted from calls alone, balanced changes are invisible, and cell fractions are given in
    brackets where cytogenetics counts cells. calls: schema Calls; the donor's own are left out.
    """
    ploidy = _ploidy(DIPLOID if sets is None else sets) or round(DIPLOID)
    number = (len(layout.autosomes) + 1) * ploidy
    sexes = "X" * ploidy if sex == "F" else "X" * (ploidy // 2) + "Y" * (ploidy // 2)
    normal = f"{number},{sexes}"
    own = calls[calls["origin"] != "lost"].to_dict("records")
    if not own:
        return normal
    parts: list[str] = []
    for row in own:
        more, words = _change(row, sets)
        number, parts = number + more, [*parts, *words]
    text = f"{number},{sexes},{','.join(parts)}"
    return f"mos {text}/{normal}" if any(row["class"] == "sub-clonal" for row in own) else text


def _change(row: dict[Any, Any], sets: float | None) -> tuple[int, Sequence[str]]:
    """Chromosomes gained, negative = lost, and the words for a call."""
    name = contig_key(row["chrom"])
    cells = f"[{percent(row['fraction'])}]" if row["class"] == "sub-clonal" else ""
    if row["extent"] == "chromosome":
        found, low = (float(of_diploid(row[end], sets)) for end in ("fraction", "fraction_low"))
        now = copies_in_affected(row["type"], row["copies"], found, low)
        changed = 1 if now is None else max(abs(now - row["copies"]), 1)
        sign = 1 if row["type"] == "gain" else -1
        return sign * changed, [f"{'+' if sign > 0 else '-'}{name}{cells}"] * changed
    kind = "dup" if row["type"] == "gain" else "del"
    bands = row["bands"].removeprefix(name).replace("-", "")
    # A duplication has two ends, also where both lie in one band.
    bands = bands * 2 if kind == "dup" and "-" not in row["bands"] else bands
    return 0, [f"{kind}({name})({bands or '?'}){cells}"]


def _ploidy(sets: float) -> int | None:
    """2, 4 or 8 where the mean DNA content is near to it."""
    return next((n for n in (2, 4, 8) if abs(sets - n) <= WHOLE_SETS), None)
