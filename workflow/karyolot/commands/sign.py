"""`karyolot sign`: the report of a sealed lot under the signature of a person, for one of three roles."""

from pathlib import Path
from typing import Any

from karyolot.commands.seal import held
from karyolot.contracts.ledger import Entry, LotState, states
from karyolot.contracts.manifest import Role
from karyolot.contracts.problems import KaryolotError
from karyolot.inputs.values import stated
from karyolot.io import ledger, signature
from karyolot.io.files import read_bytes, sha256, sha256_of, write_bytes
from karyolot.io.manifest import RESULTS, signed_report

MEANINGS: dict[Role, str] = {
    "prepared": "Prepared: I made this report",
    "reviewed": "Reviewed: I reviewed this report",
    "qa": "QA: I decided on the disposition of this lot",
}


def sign(directory: Path, report: Path, certificate: Path, password: bytes, role: Role, name: str) -> Path:
    """Sign the report of a sealed lot; the sealed file stays as it is, its signed copy is in `signed`.

    Parameters
    ----------
    report
        The sealed report.pdf, or its copy with earlier signatures.
    certificate, password
        A PKCS#12 file (.p12, .pfx) with the private key of the person or site.
    name
        Of the person who signs.

    Returns
    -------
    Path
        The signed copy, which the next signature goes onto.

    Raises
    ------
    KaryolotError
        When the file is not the sealed report, was changed, or has a signature of this role; when the certificate or the
        password is wrong. Nothing is written then.
    """
    if not (name := stated("--name", name)):
        raise KaryolotError("--name is missing: who signs?")
    signer = signature.load(certificate, password)
    with held(directory):  # two who sign at once would each sign a copy without the other's signature
        return _signed(directory, report, signer, role, name)


def _signed(directory: Path, report: Path, signer: Any, role: Role, name: str) -> Path:
    """Sign while nobody else writes."""
    content, entries = read_bytes(report), ledger.read(directory)
    state = _sealed(directory, report, content, entries)
    facts = state.sealed.facts if state.sealed is not None else {}
    target = signed_report(directory, facts["lot"], state.revision)
    _stop_unfit(report, content, role, target)
    reason = f"{MEANINGS[role]}. Lot {facts['lot']}, revision {state.revision}, record {facts['report_id']}"
    reason += f", sha256 {facts['record_sha256']}"
    signed = signature.sign(content, signer, role, name, reason)
    if fault := signature.signatures(signed)[-1].fault:
        raise KaryolotError(f"{report}: the key is not that of its certificate ({fault}); nothing was signed")
    about = signature.described(signer)
    event = {
        "lot": facts["lot"],
        "revision": state.revision,
        "role": role,
        "name": name,
        "certificate": about.subject,
        "certificate_sha256": about.sha256,
        "report_id": facts["report_id"],
        "record_sha256": facts["record_sha256"],
        "before": sha256_of(content),
        "sha256": sha256_of(signed),
    }
    # In this order a crash leaves an entry whose file is not there, and the role can be signed again.
    ledger.append(directory, ("signed", event))
    write_bytes(signed, target)
    return target


def _stop_unfit(report: Path, content: bytes, role: Role, target: Path) -> None:
    """Raises KaryolotError when this signature cannot go onto this file. target: where the copy with all signatures lies."""
    made = signature.signatures(content)
    if broken := [one for one in made if one.fault]:
        raise KaryolotError(
            f"{report}: the signature of {broken[0].name} is not valid ({broken[0].fault}); nothing was signed"
        )
    if taken := [one for one in made if one.role == role]:
        raise KaryolotError(f"{report}: is signed as {role} by {taken[0].name} already; nothing was signed")
    if target.is_file() and sha256(target) != sha256_of(content):
        raise KaryolotError(f"{report}: the copy with the earlier signatures is {target}; sign that one")
    if role not in signature.fields(content):
        raise KaryolotError(
            f"{report}: has no field for the signature {role}; karyolot run makes a report that has one"
        )


def _sealed(directory: Path, report: Path, content: bytes, entries: tuple[Entry, ...]) -> LotState:
    """The state of the sealed lot whose report this is. Raises KaryolotError when it is none."""
    digest, signed = sha256_of(content), {entry.facts["sha256"]: entry for entry in entries if entry.kind == "signed"}
    while digest in signed:
        digest = signed[digest].facts["before"]
    known = states(entries)
    issued = [
        entry for entry in entries if entry.kind == "report_issued" and entry.facts["files"]["report.pdf"] == digest
    ]
    if not issued:
        raise KaryolotError(
            f"{report}: sha256 {sha256_of(content)} is of no report issued in {directory}; it was changed, or is of another"
            " study. karyolot verify names the difference. Nothing was signed"
        )
    state = known[issued[-1].facts["lot"]]
    if state.sealed is None or state.issued is None or state.issued.facts["files"]["report.pdf"] != digest:
        lot = issued[-1].facts["lot"]
        raise KaryolotError(
            f"{report}: is not the sealed report of {lot}, revision {state.revision}; karyolot seal {lot}, then sign"
            f" {directory / RESULTS / lot / 'report.pdf'}"
        )
    return state
