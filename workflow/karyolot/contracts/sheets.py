"""Rows of the three sample tables. Each fact stands once: sex with the donor, passage with the lot."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
"""Ids become file names, sample names in BAM headers and text in reports: letters, digits, _ and - only."""
SHA256_PATTERN = r"^[0-9a-f]{64}$"

Id = Annotated[str, Field(pattern=ID_PATTERN)]
Sha256 = Annotated[str, Field(pattern=SHA256_PATTERN)]
Text = Annotated[str, Field(max_length=200)]
"""Free text of a cell, printed in the report; 200 characters are a long name, more is a pasted document."""

RESERVED_LOT_IDS = frozenset({"samples", "reference", "study", "overview"})
"""Names of folders in results/ that are not lots."""

BATCHES = ("platform", "library_kit", "seq_run")
"""Columns of samples.tsv that the design of the expression may hold beside donor and state."""


class Row(BaseModel):
    """Unknown columns are refused; an empty cell is None."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Donor(Row):
    """config/donors.tsv, one row per donor."""

    donor_id: Id = Field(description="Pseudonym of the donor.")
    sex: Literal["F", "M"] = Field(description="Of the donor by record; checked against the reads.")
    age: Annotated[float, Field(ge=0, le=120)] | None = Field(None, description="Years at collection.")
    cryo_protocol: Text | None = Field(None, description="How the hepatocytes were frozen.")


class Lot(Row):
    """config/lots.tsv, one row per lot."""

    lot_id: Id = Field(description="Name of the lot, and of its folder in results/.")
    donor_id: Id = Field(description="A donor of donors.tsv.")
    passage: Annotated[int, Field(ge=1)] = Field(description="Passages since reprogramming; hepatocytes are 0.")
    pdl: Annotated[float, Field(ge=0)] | None = Field(None, description="Population doublings since reprogramming.")
    bank: Literal["PCB", "MCB", "DP"] | None = Field(None, description="Primary or master cell bank, drug product.")
    parent_lot_id: Id | None = Field(None, description="The lot of lots.tsv this one was grown from.")
    thaw_state: Literal["fresh", "thawed"] | None = Field(None, description="State of the cells when sampled.")
    cryo_protocol: Text | None = Field(None, description="How the lot was frozen.")
    medium_lot: Text | None = Field(None, description="Lot of the culture medium.")
    platelet_lysate_lot: Text | None = Field(None, description="Lot of the platelet lysate.")
    collection_date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = Field(
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
        description="wgs: fragments per bin (TSV or bedGraph `chrom start end count`, or fixed-step WIG)."
        " rnaseq: gene count matrix whose header names this sample.",
    )
    sha256_1: Sha256 | None = Field(None, description="Of fastq_1, alignment or counts; checked when it is read.")
    sha256_2: Sha256 | None = Field(None, description="Of fastq_2.")
    platform: Text | None = Field(None, description="Sequencer.")
    seq_run: Text | None = Field(None, description="Sequencing run.")
    library_kit: Text | None = Field(None, description="Library preparation kit.")
    strandedness: Literal["unstranded", "forward", "reverse"] | None = Field(
        None, description="rnaseq: as the kit promises; checked against the reads."
    )

    @property
    def unit(self) -> str:
        """Library and lane: the name of one alignment job, unique within the sample."""
        return f"{self.library_id or self.sample_id}.{self.lane or 'L1'}"

    @property
    def files(self) -> dict[str, str]:
        """Column -> path, for the columns of this row that name a file."""
        columns = {"fastq_1": self.fastq_1, "fastq_2": self.fastq_2, "alignment": self.alignment, "counts": self.counts}
        return {column: path for column, path in columns.items() if path is not None}


class Study(BaseModel):
    """The three tables together, already cross-checked by `karyolot.check`."""

    model_config = ConfigDict(frozen=True)

    donors: dict[str, Donor]
    lots: dict[str, Lot]
    samples: dict[str, tuple[Sample, ...]]
    """sample_id -> its rows (units), in sheet order."""
