"""Was a lot grown from its parent lot? Evidence that lots of one donor do not share: clones, private variants, heteroplasmies."""

from typing import Literal

from karyolot.contracts.criteria import Frozen

Result = Literal["MATCHES PARENT", "CONTRADICTS", "NOT ENOUGH"]


class Marker(Frozen):
    """A change that the parent lot has and its donor has not, or not as often. Fractions are of the cells (of the mitochondrial
    genomes for 'heteroplasmy'), with 95 % intervals. log10_ratio: likelihood of a lot grown from the parent over that of another
    lot of the donor. counted: false where another marker of about the same fraction, which may be of the same clone, counts.
    """

    kind: Literal["copy number", "small variant", "heteroplasmy"]
    name: str
    parent: float
    parent_low: float
    parent_high: float
    own: float
    own_low: float
    own_high: float
    log10_ratio: float
    counted: bool


class Descent(Frozen):
    """parent: the lot compared with, null = none could be. log10_ratio: of all markers that count. needed: for a decision."""

    parent: str | None
    result: Result
    log10_ratio: float
    needed: float
    markers: tuple[Marker, ...]
    reason: str
