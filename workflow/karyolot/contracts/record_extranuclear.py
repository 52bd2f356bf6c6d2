"""The record of one lot, beside the nuclear genome: mitochondrial DNA and foreign sequences. Numbers alone; positions are
0-based, fractions 0..1."""

from typing import Literal

from karyolot.contracts.criteria import Frozen
from karyolot.contracts.foreign import ForeignFacts, Kind
from karyolot.contracts.mitochondria import MitochondrialFacts

Finding = Literal["shift", "same", "artefact"]


class HeteroplasmyRow(Frozen):
    """An allele of mitochondrial DNA; fields as in `contracts.mitochondria.Heteroplasmies`."""

    start: int
    ref: str
    alt: str
    gene: str
    change: str
    altering: bool | None
    lot: float
    lot_low: float
    lot_high: float
    lot_depth: int
    donor: float
    donor_low: float
    donor_high: float
    donor_depth: int
    shift: float
    shift_low: float
    shift_high: float
    lod: float | None
    finding: Finding


class DeletionRow(Frozen):
    """A large deletion; fields as in `contracts.mitochondria.MitochondrialDeletions`."""

    start: int
    size: int
    repeat: int
    common: bool
    lot_reads: int
    lot: float
    lot_low: float
    lot_high: float
    donor_reads: int
    donor: float
    donor_low: float
    donor_high: float
    shift: float
    shift_low: float
    shift_high: float
    depth: float | None
    depth_low: float | None
    depth_high: float | None
    finding: Finding


class MitochondrialRecord(Frozen):
    """Mitochondrial DNA of the lot against its donor; without rows where facts.reason states why it was not assessed."""

    facts: MitochondrialFacts
    alleles: tuple[HeteroplasmyRow, ...]
    deletions: tuple[DeletionRow, ...]


class ForeignRow(Frozen):
    """A group of foreign sequences in one sample; fields as in `contracts.foreign.ForeignSequences`."""

    role: Literal["lot", "donor"]
    assay: Literal["DNA", "RNA"]
    group: str
    kind: Kind
    sequence: str
    fragments: int
    starts: int
    parts: int
    breadth: float
    copies: float | None
    copies_low: float | None
    copies_high: float | None
    lod: float | None
    finding: Literal["found", "trace", "none"]


class IntegrationRow(Frozen):
    """A candidate of an integration; fields as in `contracts.foreign.Integrations`."""

    role: Literal["lot", "donor"]
    group: str
    chrom: str
    start: int
    end: int
    fragments: int
    split: int


class ForeignRecord(Frozen):
    """Foreign sequences in lot and donor."""

    facts: ForeignFacts
    sequences: tuple[ForeignRow, ...]
    integrations: tuple[IntegrationRow, ...]
