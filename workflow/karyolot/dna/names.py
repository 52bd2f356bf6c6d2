"""The common name of a called change, as a clinical report has it: 'Trisomy 8', 'Gain of 20q11.21 with BCL2L1', 'Loss of 5q'."""

from typing import Literal

Type = Literal["gain", "loss"]
Extent = Literal["chromosome", "arm", "part"]

BY_COPIES = {0: "Nullisomy", 1: "Monosomy", 3: "Trisomy", 4: "Tetrasomy"}
"""Copies of a chromosome of which a normal cell has two -> the name of its aneuploidy."""
WHOLE_COPIES = 0.25
"""An estimate this near to a whole number of copies changed in every cell is taken for that number."""


def common_name(
    type_: Type,
    extent: Extent,
    contig: str,
    arm: str,
    bands: str,
    place: tuple[int, int],
    *,
    copies: int,
    now: int | None,
    diploid: bool,
    gene: str = "",
) -> str:
    """The name of a change.

    Parameters
    ----------
    contig, arm
        Without 'chr': '8', '8q'.
    bands
        '20q11.21-q13.12'; '' = not known, then the interval is named.
    place
        Start and end, bases.
    copies, now
        In a diploid cell of the donor, and in an affected one (`copies_in_affected`).
    diploid
        Whether affected cells may be diploid. Three copies in a tetraploid cell are no trisomy.
    gene
        Listed for recurrent changes, inside; '' = none.
    """
    word = type_.capitalize()
    if extent == "chromosome":
        aneuploidy = BY_COPIES.get(now, "") if now is not None and copies == 2 and diploid else ""
        return f"{aneuploidy} {contig}" if aneuploidy else f"{word} of chromosome {contig}"
    if extent == "arm":
        return f"{word} of {arm}"
    where = bands or f"{contig}:{place[0] / 1e6:.4g}-{place[1] / 1e6:.4g} Mb"
    return f"{word} of {where}" + (f" with {gene}" if gene else "")


def copies_in_affected(type_: Type, copies: int, fraction: float, fraction_low: float) -> int | None:
    """Copies in an affected diploid cell; None = cells with different numbers of copies, of which no single one follows.

    One more or fewer, unless even all cells with one could not give the ratio; then the whole number that all cells have.
    """
    if fraction_low <= 1 or fraction <= 1 + WHOLE_COPIES:
        changed = 1
    elif abs(fraction - round(fraction)) <= WHOLE_COPIES:
        changed = round(fraction)
    else:
        return None
    return copies + changed if type_ == "gain" else max(copies - changed, 0)
