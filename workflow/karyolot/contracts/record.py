"""The record of one lot (`report.json`): the only thing a report is rendered from.

Numbers and words here are final: a renderer formats numbers, draws, and lays out the words. null = not assessed.
The parts are in `record_dna` and `record_rna`, the words in `text`.
"""

import hashlib
import json
from typing import Literal

from pydantic import Field

from karyolot.contracts.criteria import Frozen, LotOutcome, Verdict
from karyolot.contracts.decisions import Disposition, Revision
from karyolot.contracts.descent import Descent
from karyolot.contracts.kinetics import Kinetics
from karyolot.contracts.persons import Persons
from karyolot.contracts.provenance import Made, Provenance
from karyolot.contracts.record_dna import AlleleRecord, CopyNumberRecord, SmallVariantRecord
from karyolot.contracts.record_extranuclear import ForeignRecord, MitochondrialRecord
from karyolot.contracts.record_rna import ExpressionRecord
from karyolot.contracts.text import Text

CNLOH = "copy-neutral loss of heterozygosity"
SWAP = "a swap between lots of the same donor"
NOT_CLONAL = "changes that differ from cell to cell"
NOT_SEEN = ("ploidy", "balanced rearrangements", CNLOH, NOT_CLONAL, "centromeres", "other assembly gaps", SWAP)
"""What this method cannot detect, however deep; printed wherever a PASS is. NOT_CLONAL: depth is a mean over all cells, so that a
trisomy in some and a monosomy in as many others cancel, and changes of single cells are below any limit. SWAP: lots of one
donor have one genotype, so that neither sex nor SNPs nor germline copy number distinguish them, whether or not the study holds
a second one."""
EDITED = "edits of imported counts"
"""In addition, where lot or donor came as counts per bin: a chromosome of which fragments were drawn at random has the noise of
one that was never gained, and only alleles contradict it."""
SCHEMA_VERSION = "3.1"
"""Of report.json, major.minor. A field that goes or changes its meaning raises the major number. A new field has a default and
raises the minor one, so that records of sealed lots with an earlier minor number are still read.

The fields are in `resources/report.schema.json`, generated from `Record` by `karyolot defaults --write`.
"""


class LotFacts(Frozen):
    """The lot and its donor as entered in the sheets; `facts` by column name, null = not recorded."""

    lot_id: str
    donor_id: str
    donor_sex: Literal["F", "M"]
    facts: dict[str, str | float | int | None]


class QcFigure(Frozen):
    """One quality figure, named for people ('Mapped reads'). value null = this entry point does not know it."""

    name: str
    value: float | int | str | None
    unit: str = ""


class SampleQc(Frozen):
    """Quality figures of one sequenced sample, in the order they are printed."""

    sample_id: str
    role: Literal["lot", "donor"]
    assay: Literal["wgs", "rnaseq"]
    figures: tuple[QcFigure, ...]


class ImportedResult(Frozen):
    """What another method found, or a deviation, as entered (`contracts.sheets.LotResult`); nothing of it is measured here.

    met: the result is within its limit; null = none was set.
    """

    kind: Literal["karyotype", "dna_content", "viability", "flow", "mycoplasma", "deviation"]
    value: str
    unit: str | None
    analyte: str | None
    limit: str | None
    method: str | None
    date: str | None
    document: str
    sha256: str | None
    comment: str | None
    met: bool | None


class LotPoint(Frozen):
    """What a trend shows of one lot. passage, parent null = not recorded.

    fraction: largest cell fraction with one called change of the lot's own, 0 = none called; lod: the larger of gain's and
    loss's limits of detection at claim_mb. null = no verdict on stability, or not assessable. depth: mean coverage of its genome;
    fragments: usable ones; null = not known. mark: the lot in words.
    """

    lot_id: str
    donor_id: str
    parent: str | None = None
    passage: float | None
    outcome: LotOutcome
    fraction: float | None
    lod: float | None
    claim_mb: float
    depth: float | None = None
    fragments: int | None = None
    mark: str


class LineageFraction(Frozen):
    """What one lot shows of an event. fraction: of the cells, with its 95 % interval; null = not called there. limit: smallest
    fraction that would have been found in that lot at the event's size; null = none."""

    lot_id: str
    fraction: float | None
    low: float | None
    high: float | None
    limit: float | None


class LineageEvent(Frozen):
    """A call followed through the lots a lot was grown from. lots: the oldest first, this lot last.

    state: against the parent lot; 'absent' = in neither of the two, 'unknown' = one of them could not show it.
    """

    name: str
    lots: tuple[LineageFraction, ...]
    state: Literal["new", "grown", "shrunk", "unchanged", "gone", "absent", "unknown"]


class Measured(Frozen):
    """All of a record but its words and its id. expression None = no RNA was given, alleles None = no panel of SNPs,
    small_variants None = no list of genes, mitochondria None = no reads of lot and donor, foreign None = no panel;
    copy_number is always there.

    notice: the site's own sentence for every report, '' = none. not_seen: nouns, what read depth cannot detect at all
    ('ploidy'). imported: results of other methods; deviations: those of that kind, null = no sheet of
    results was read. point: this lot in a trend. earlier: the
    lots this one was grown from, its parent last, as far back as the sheet knows them: they are older, so no later lot
    changes this record. lineage: what was called in any of them or in this lot;
    kinetics: its clones in all of them together, null = no earlier lot, or no verdict on stability. descent: is it of its parent
    lot, null as kinetics.
    """

    schema_version: Literal["3.1"]
    notice: str
    lot: LotFacts
    verdict: Verdict
    copy_number: CopyNumberRecord
    expression: ExpressionRecord | None
    alleles: AlleleRecord | None = None
    small_variants: SmallVariantRecord | None = None
    mitochondria: MitochondrialRecord | None = None
    foreign: ForeignRecord | None = None
    qc: tuple[SampleQc, ...]
    imported: tuple[ImportedResult, ...] = ()
    deviations: tuple[ImportedResult, ...] | None = None
    point: LotPoint
    earlier: tuple[LotPoint, ...] = ()
    lineage: tuple[LineageEvent, ...] = ()
    kinetics: Kinetics | None = None
    descent: Descent | None = None
    not_seen: tuple[str, ...]
    provenance: Provenance


UNSEALED = frozenset({"report_id", "made", "revision", "disposition", "persons"})
"""Fields that the report id does not cover: itself, who did what when (the ledger covers those), and the comparison with the
other donors of the sample sheet when the record was made."""


class Record(Measured):
    """report.json. made: null in a record that was not written by a run. revision: null = the lot was not sealed before.
    disposition: null = no decision on its findings. persons: null without a panel of SNPs."""

    text: Text
    report_id: str = Field(
        description="First 12 hex digits of the sha256 of the record without"
        " `report_id`, `made`, `revision`, `disposition` and `persons`."
    )
    made: Made | None = None
    revision: Revision | None = None
    disposition: Disposition | None = None
    persons: Persons | None = None

    def digest(self) -> str:
        """sha256 (hex) of report.json without UNSEALED: keys sorted, no spaces, UTF-8. What a signature covers."""
        rest = self.model_dump(mode="json", by_alias=True, exclude=set(UNSEALED))
        text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def sealed(self) -> "Record":
        """The same record under the report id that fits its content."""
        return self.model_copy(update={"report_id": self.digest()[:12]})
