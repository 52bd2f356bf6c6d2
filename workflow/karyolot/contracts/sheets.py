"""Rows of the sample tables. Each fact is entered once: sex with the donor, passage with the lot."""

import operator
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
"""Ids become file names, sample names in BAM headers and text in reports: letters, digits, _ and - only."""
SHA256_PATTERN = r"^[0-9a-f]{64}$"

DATE_PATTERN = r"^\d{4}-\d{2}-\d{2}$"
LIMIT_PATTERN = r"^(<=|>=|<|>) ?-?\d+(\.\d+)?$"
ISCN = re.compile(r"\d{2,3}([~-]\d{2,3})?(<\d+n>)?,[XYU?]\S*")
"""How a karyotype begins (ISCN 2020): the number of chromosomes, a comma, the sex chromosomes."""

Id = Annotated[str, Field(pattern=ID_PATTERN)]
Sha256 = Annotated[str, Field(pattern=SHA256_PATTERN)]
Text = Annotated[str, Field(max_length=200)]
"""Free text of a cell, printed in the report; 200 characters are a long name, more is a pasted document."""

ALPHABETS = ("LATIN", "CYRILLIC", "GREEK")
"""Alphabets with letters that look alike in print."""


def printed(text: str) -> str:
    """A text of one line that reads as it is written. Raises ValueError for line breaks and characters without a print."""
    if not text.isprintable():
        raise ValueError("holds a line break or a character that is not printed")
    return text


def printed_name(text: str) -> str:
    """A name of a person, as `printed`. Raises ValueError when its letters are of several alphabets, which look alike."""
    found = {unicodedata.name(letter, "").partition(" ")[0] for letter in printed(text) if letter.isalpha()}
    if len(mixed := [name for name in ALPHABETS if name in found]) > 1:
        raise ValueError(f"mixes letters of the alphabets {' and '.join(mixed)}, which look alike")
    return text


Reason = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(printed)]
PersonName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(printed_name)]

RESERVED_LOT_IDS = frozenset({"samples", "reference", "study", "overview"})
"""Names of folders in results/ that are not lots."""

BATCHES = ("platform", "library_kit", "seq_run")
"""Columns of samples.tsv that the design of the expression may contain besides donor and state."""


class Row(BaseModel):
    """Unknown columns are refused; an empty cell is None."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Donor(Row):
    """config/donors.tsv, one row per donor."""

    donor_id: Id = Field(description="Pseudonym of the donor.")
    sex: Literal["F", "M"] = Field(description="Sex of the donor by record; checked against the reads.")
    age: Annotated[float, Field(ge=0, le=120)] | None = Field(None, description="Years at collection.")
    cryo_protocol: Text | None = Field(None, description="How the hepatocytes were frozen.")


class Lot(Row):
    """config/lots.tsv, one row per lot."""

    lot_id: Id = Field(description="Name of the lot, and of its folder in results/.")
    donor_id: Id = Field(description="A donor of donors.tsv.")
    passage: Annotated[int, Field(ge=1)] = Field(description="Passages since reprogramming; hepatocytes are 0.")
    pdl: Annotated[float, Field(ge=0)] | None = Field(None, description="Population doublings since reprogramming.")
    bank: Literal["PCB", "MCB", "DP", "CONTROL"] | None = Field(
        None,
        description="Primary or master cell bank, drug product; CONTROL: a physical control lot sequenced with each batch, which"
        " has control charts of its own (system suitability).",
    )
    parent_lot_id: Id | None = Field(None, description="Parent: the lot of lots.tsv from which this lot was expanded.")
    thaw_state: Literal["fresh", "thawed"] | None = Field(None, description="State of the cells when sampled.")
    cryo_protocol: Text | None = Field(None, description="How the lot was frozen.")
    medium_lot: Text | None = Field(None, description="Lot of the culture medium.")
    platelet_lysate_lot: Text | None = Field(None, description="Lot of the platelet lysate.")
    collection_date: Annotated[str, Field(pattern=DATE_PATTERN)] | None = Field(
        None, description="Date of sampling, year-month-day."
    )


class Sample(Row):
    """config/samples.tsv, one row per library and lane.

    Exactly one of lot_id and donor_id is given: a lot's cells, or the donor's own hepatocytes.
    Exactly one of these holds the data: fastq_1 with fastq_2, alignment, counts.
    """

    sample_id: Id = Field(description="Rows of one sample share it: its libraries and lanes are merged.")
    assay: Literal["wgs", "rnaseq"] = Field(description="Whole-genome sequencing, or bulk RNA-seq.")
    lot_id: Id | None = Field(None, description="For a lot's cells: a lot of lots.tsv.")
    donor_id: Id | None = Field(None, description="For hepatocytes of a donor: a donor of donors.tsv.")
    library_id: Id | None = Field(None, description="Default: the sample id. Duplicates are marked within a library.")
    lane: Id | None = Field(None, description="Default: L1.")
    fastq_1: str | None = Field(None, description="First mates, gzipped or not.")
    fastq_2: str | None = Field(None, description="Second mates, in the same order.")
    alignment: str | None = Field(None, description="wgs: BAM or CRAM of the sample, or of a lane of it.")
    counts: str | None = Field(
        None,
        description="wgs: fragments per bin (table with a header, or four columns `chrom start end count`; bedGraph, WIG,"
        " GATK, QDNAseq)."
        " rnaseq: gene count matrix whose header names this sample.",
    )
    alleles: str | None = Field(
        None,
        description="wgs, in addition to counts: reads per allele (snp-pileup CSV, sequenza seqz, or VCF with FORMAT/AD), for"
        " identity, contamination and copy-neutral loss of heterozygosity.",
    )
    alleles_name: Text | None = Field(
        None,
        description="Name of this sample in the file of alleles: File1, File2 ... of snp-pileup, normal or tumor of seqz, a"
        " sample of VCF. Not given: the only one, or the one called sample_id.",
    )
    sha256_1: Sha256 | None = Field(None, description="Of fastq_1, alignment or counts; checked when it is read.")
    sha256_2: Sha256 | None = Field(None, description="Of fastq_2.")
    platform: Text | None = Field(None, description="Sequencer.")
    seq_run: Text | None = Field(None, description="Sequencing run.")
    library_kit: Text | None = Field(None, description="Library preparation kit.")
    strandedness: Literal["unstranded", "forward", "reverse"] | None = Field(
        None, description="rnaseq: as stated by the kit; compared with the reads (Q07)."
    )

    @property
    def unit(self) -> str:
        """Library and lane: the name of one alignment job, unique within the sample."""
        return f"{self.library_id or self.sample_id}.{self.lane or 'L1'}"

    @property
    def files(self) -> dict[str, str]:
        """Column -> path, for the columns of this row that name a file."""
        columns = {
            "fastq_1": self.fastq_1,
            "fastq_2": self.fastq_2,
            "alignment": self.alignment,
            "counts": self.counts,
            "alleles": self.alleles,
        }
        return {column: path for column, path in columns.items() if path is not None}


class LotResult(Row):
    """config/lot_results.tsv (optional), one row per result of another method, or per deviation from the process."""

    lot_id: Id = Field(description="A lot of lots.tsv.")
    kind: Literal["karyotype", "dna_content", "viability", "flow", "mycoplasma", "deviation"] = Field(
        description="Kind of result; deviation: a departure from the written procedure."
    )
    value: Text = Field(
        description="karyotype: ISCN, such as 46,XX[20]. mycoplasma: negative or positive. deviation: what happened."
        " Else a number."
    )
    unit: Annotated[str, Field(max_length=20)] | None = Field(
        None,
        description="Of the number; viability is in %. dna_content: DNA index (1 = diploid), n (2 = diploid) or % 4n, of cells in"
        " G0/G1; cell fractions and limits of detection are stated for it.",
    )
    analyte: Text | None = Field(None, description="flow: the antigen, such as HLA-DR.")
    limit: Annotated[str, Field(pattern=LIMIT_PATTERN)] | None = Field(
        None, description="Specification of a numeric result, such as >= 90, from its document."
    )
    method: Text | None = Field(None, description="Such as G-banding, 20 cells.")
    date: Annotated[str, Field(pattern=DATE_PATTERN)] | None = Field(None, description="Of the result, year-month-day.")
    document: Text = Field(description="Name or number of the source document.")
    sha256: Sha256 | None = Field(None, description="Of the document's file; optional for a deviation.")
    comment: Text | None = Field(None, description="Free text.")

    @property
    def sets(self) -> float | None:
        """Mean sets of chromosomes per cell, 2 = diploid; None where the row is no DNA content of a known unit."""
        convert = SETS_BY_UNIT.get(self.unit or "") if self.kind == "dna_content" else None
        return None if convert is None else convert(float(self.value))

    def met(self, sex: Literal["F", "M"]) -> bool | None:
        """Whether the result is within its limit; None if no limit was set. sex: of the donor by record.

        A karyotype: 46,XX or 46,XY as the donor's sex is, and nothing else; a person decides on any other.
        """
        if self.kind == "karyotype":
            normal = rf"46,X{'X' if sex == 'F' else 'Y'}(\[\d+\])?"
            return re.fullmatch(normal, re.sub(r"\s", "", self.value)) is not None
        if self.kind == "mycoplasma":
            return self.value == "negative"
        if self.kind == "deviation" or self.limit is None:
            return None
        sign, bound = re.split(r"(?<=[<>=])\s*(?=[-\d])", self.limit)
        return OPERATORS[sign](float(self.value), float(bound))


SETS_BY_UNIT: dict[str, Callable[[float], float]] = {
    "DNA index": lambda index: 2 * index,
    "n": lambda sets: sets,
    "% 4n": lambda share: 2 + share / 50,
}
"""Unit of a DNA content -> mean sets of chromosomes per cell. % 4n: the others are diploid."""


OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}


class DecisionRow(Row):
    """A sheet of decisions (`karyolot decide --sheet`), one row per decision of one person on one criterion of a lot."""

    lot_id: Id = Field(description="Finished lot.")
    criterion: Annotated[str, Field(pattern=r"^[A-Z]\d{2}[a-z]?$")] = Field(
        description="Id of a criterion that is not met."
    )
    decision: Literal["accept", "reject", "retest"] = Field(description="accept, reject or retest.")
    reason: Reason = Field(description="Why.")
    decided_by: PersonName = Field(description="Who decided.")
    deviation: Annotated[str, Field(max_length=100), AfterValidator(printed)] | None = Field(
        None, description="Number of a deviation or CAPA."
    )
    state: Literal["open", "closed"] | None = Field(None, description="Of the deviation or CAPA.")


class Study(BaseModel):
    """The tables together, already cross-checked by `karyolot.inputs.check`."""

    model_config = ConfigDict(frozen=True)

    donors: dict[str, Donor]
    lots: dict[str, Lot]
    samples: dict[str, tuple[Sample, ...]]
    """sample_id -> its rows (units), in sheet order."""
    results: tuple[LotResult, ...] | None = None
    """Results of other methods and deviations, of all lots, in sheet order; None = no such sheet was read."""


def cultures(libraries: Mapping[str, Collection[str]]) -> dict[str, str]:
    """The culture of each sample, named by its first sample.

    libraries: sample_id -> its libraries. Samples that share a library, directly or through others, are of one culture:
    sequencing it again does not show how cultures differ.
    """
    culture = {sample: sample for sample in libraries}
    of_library: dict[str, str] = {}
    for sample, names in libraries.items():
        for name in names:
            one, other = culture[of_library.setdefault(name, sample)], culture[sample]
            if one != other:
                culture = {each: one if root == other else root for each, root in culture.items()}
    return culture
