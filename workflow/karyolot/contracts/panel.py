"""The frozen reference panel: accepted lots that a new lot is compared with. Light to import: the check reads it."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from karyolot.contracts.criteria import Frozen, LotOutcome

SCHEMA_VERSION: Literal["1.2"] = "1.2"
VERSION_PATTERN = r"^[0-9A-Za-z][0-9A-Za-z._-]{0,31}$"
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Counts = tuple[Annotated[int, Field(ge=0)], ...]
Tier = Literal["too few", "provisional", "full"]
"""Of a panel by its number of lots: no limits; limits that will still move; limits."""
MIN_LOTS, FULL_LOTS = 5, 10
"""Lots from which on a panel gives limits, and from which on these are no longer called provisional. At the same rate of
false alarms a limit over 3 lots finds a lot 3 SD off in half of the cases, over 5 in 73 %, over 10 in 84 %."""

FALSE_CALLS = 0.15
"""Fraction of unchanged genes among those that the gene-level test calls at padj < 0.05: simulated, 0.15, 0.14 and 0.13 with 5, 6
and 10 lots (benchmarks/newlot.tsv). More than the nominal 0.05, so the test is advisory."""


def gene_digest(genes: Iterable[tuple[str, str]]) -> str:
    """sha256 (hex) over (id, name) of genes, in the order of the ids: distinguishes two annotations."""
    return hashlib.sha256("".join(f"{gene}\t{name}\n" for gene, name in sorted(genes)).encode()).hexdigest()


def tier(lots: int) -> Tier:
    return "too few" if lots < MIN_LOTS else "provisional" if lots < FULL_LOTS else "full"


class PanelModule(Frozen):
    """Genes scored together. expected: how the score moves from hepatocytes to an accepted lot; the other way is bad.

    gene_ids, gene_names: in parallel, all of the panel's genes. source: where each gene comes from, joined.
    """

    name: str
    expected: Literal["up", "down"]
    gene_ids: Annotated[tuple[str, ...], Field(min_length=1)]
    gene_names: Annotated[tuple[str, ...], Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]


class Paired(Frozen):
    """A lot and its own donor's hepatocytes, each the mean over its replicates."""

    lot: float
    donor: float

    @property
    def difference(self) -> float:
        """Lot minus donor."""
        return self.lot - self.donor


class Judged(NamedTuple):
    """Facts from the sealed record of a lot when a panel is frozen: its verdict, and the id of the report."""

    outcome: LotOutcome
    report_id: str


class PanelDonor(Frozen):
    """Hepatocytes of a donor. counts: of each gene of the panel, added over `replicates` samples."""

    donor_id: str
    replicates: Annotated[int, Field(ge=1)]
    counts: Counts


class PanelLot(Frozen):
    """An accepted lot. modules: singscores by module. markers: log2(TPM + 1) by gene name; a difference is a log2 fold
    change. counts: of each gene of the panel, added over `replicates` samples. outcome, report_id: as in Judged."""

    lot_id: str
    donor_id: str
    outcome: LotOutcome
    report_id: Annotated[str, Field(min_length=1)]
    replicates: Annotated[int, Field(ge=1)]
    modules: Mapping[str, Paired]
    markers: Mapping[str, Paired]
    counts: Counts


def _all_counts(lots: Sequence[PanelLot], donors: Sequence[PanelDonor]) -> list[Counts]:
    return [lot.counts for lot in lots] + [donor.counts for donor in donors]


class Panel(Frozen):
    """panel.json: everything a later lot is compared with, so that no number of it depends on any other study.

    annotation_sha256: of the ids and names of all genes of the runs (`annotation_genes` of them): a lot quantified with
    another annotation is not comparable. gtf_sha256: the same of the genes of their GTF, which can be compared before a run,
    when it is not known which genes salmon leaves out (their transcripts repeat others'); '' when there was no GTF, or
    several. gene_ids, gene_names: the fixed universe, in which ranks are taken, sorted by id. reason: why lots that did not
    pass are in it; '' = all passed. made_with: versions. sha256: of all the rest.
    """

    schema_version: Literal["1.2"]
    version: Annotated[str, Field(pattern=VERSION_PATTERN)]
    annotation_sha256: Sha256
    annotation_genes: Annotated[int, Field(ge=1)]
    gtf_sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    gene_ids: Annotated[tuple[str, ...], Field(min_length=2)]
    gene_names: tuple[str, ...]
    modules: Annotated[tuple[PanelModule, ...], Field(min_length=1)]
    donors: Annotated[tuple[PanelDonor, ...], Field(min_length=1)]
    lots: Annotated[tuple[PanelLot, ...], Field(min_length=1)]
    reason: Annotated[str, Field(max_length=300)]
    made_with: Mapping[str, str]
    sha256: str

    @model_validator(mode="after")
    def _fits_together(self) -> "Panel":
        ids = [lot.lot_id for lot in self.lots]
        donors = [donor.donor_id for donor in self.donors]
        names = {module.name for module in self.modules}
        genes = set(self.gene_ids)
        faults = {
            "a lot occurs twice": len(set(ids)) < len(ids),
            "a donor occurs twice": len(set(donors)) < len(donors),
            "gene ids repeat": len(genes) < len(self.gene_ids),
            "gene_names has another length than gene_ids": len(self.gene_names) != len(self.gene_ids),
            "a lot has no donor": not {lot.donor_id for lot in self.lots} <= set(donors),
            "counts have another length than gene_ids": not all(
                len(counts) == len(self.gene_ids) for counts in _all_counts(self.lots, self.donors)
            ),
            "a module has genes that are not in gene_ids": any(set(m.gene_ids) - genes for m in self.modules),
            "a lot lacks the score of a module": any(set(lot.modules) != names for lot in self.lots),
            "lots have other markers than each other": len({frozenset(lot.markers) for lot in self.lots}) > 1,
            "lots did not pass, and no reason is given": any(lot.outcome != "PASS" for lot in self.lots)
            != bool(self.reason),
        }
        if broken := [fault for fault, found in faults.items() if found]:
            raise ValueError("; ".join(broken))
        return self

    def digest(self) -> str:
        """sha256 (hex) of the panel without `sha256`: keys sorted, no spaces, UTF-8."""
        rest = self.model_dump(mode="json", exclude={"sha256"})
        text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def sealed(self) -> "Panel":
        """The same panel under the sha256 that fits its content."""
        return self.model_copy(update={"sha256": self.digest()})


class PanelFacts(Frozen):
    """Which panel a lot was compared with. lots, donors: those used, the lot itself left out; left_out: it was in the panel.

    not_passed: of those used, 'L2 (FAIL)' each; reason: why they are in the panel; '' = there are none.
    """

    version: str
    sha256: str
    lots: int
    donors: int
    left_out: bool
    not_passed: tuple[str, ...]
    reason: str

    @property
    def tier(self) -> Tier:
        return tier(self.lots)
