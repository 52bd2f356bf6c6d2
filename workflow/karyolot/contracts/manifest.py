"""The manifest of a sealed lot (`seal.json` beside its results): what it was made from, by what, and every file of it."""

from typing import Any, Literal, get_args

from karyolot.contracts.criteria import Frozen, LotOutcome
from karyolot.contracts.provenance import InputFile

MANIFEST, CRITERIA = "seal.json", "acceptance.yaml"
"""Files that sealing adds to the folder of a lot: the manifest, and the acceptance document as it was used."""


Role = Literal["prepared", "reviewed", "qa"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Who signs a report: a signature field of this name is on its PDF."""


class Document(Frozen):
    """The acceptance document a lot was decided by. path: where it lay; a copy is sealed with the lot. '' = not stated."""

    path: str
    name: str
    version: str
    number: str
    approver: str
    effective: str
    sha256: str


class LedgerPlace(Frozen):
    """A line of the ledger."""

    line: int
    sha256: str


class Manifest(Frozen):
    """seal.json. record_sha256: of the record without what its id leaves out. by: name as given, user: login.

    provenance: as in the record: inputs, reference, code, tools and libraries. sheets: configuration and sheets as they were;
    rows: those of this lot and of its donor, by sheet. settings: in effect. files: all of the folder but this one, paths
    relative to it. ledger: its last line before the seal; decisions: those on the report.
    """

    schema_version: Literal["1.0"] = "1.0"
    lot_id: str
    revision: int
    outcome: LotOutcome
    report_id: str
    record_sha256: str
    sealed_at: str
    by: str
    user: str
    host: str
    ledger: LedgerPlace
    decisions: tuple[LedgerPlace, ...]
    criteria: Document
    provenance: dict[str, Any]
    sheets: tuple[InputFile, ...]
    rows: dict[str, list[dict[str, Any]]]
    settings: dict[str, Any]
    files: tuple[InputFile, ...]
