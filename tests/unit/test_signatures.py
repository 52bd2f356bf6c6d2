"""Signatures on sealed reports: three roles on one file, and every reason to refuse one."""

import re
import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.signers.pdf_cms import SimpleSigner
from typer.testing import CliRunner

import finished_lots
from finished_lots import PASSWORD, certificate, with_fields
from karyolot.commands.cli import app
from karyolot.commands.seal import seal
from karyolot.commands.sign import sign
from karyolot.commands.verify import _unlike, verify
from karyolot.contracts.manifest import ROLES, Role
from karyolot.contracts.problems import KaryolotError
from karyolot.io import ledger, signature
from karyolot.io.files import sha256
from karyolot.io.record import read_record


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """L1 and L2 sealed, with signature fields on their reports."""
    folder = finished_lots.study(tmp_path_factory.mktemp("study") / "study", in_ledger=False)
    for lot in ("L1", "L2"):
        path = folder / "results" / lot / "report.pdf"
        path.write_bytes(with_fields(path.read_bytes()))
        finished_lots.enter(folder, lot)
        seal(folder, lot)
    return folder


@pytest.fixture
def study(sealed: Path, tmp_path: Path) -> Path:
    shutil.copytree(sealed, tmp_path / "study")
    (tmp_path / "site.p12").write_bytes(certificate())
    return tmp_path / "study"


def put(study: Path, role: Role, report: Path | None = None, **given: object) -> Path:
    usual = {"certificate": study.parent / "site.p12", "password": PASSWORD, "name": "A. Mayer"}
    path = report or study / "results" / "L1" / "report.pdf"
    return sign(study, path, role=role, **usual | given)  # type: ignore[arg-type]


def rsa_key(bits: int) -> Any:
    return generate_private_key(65537, bits)


def faults(study: Path) -> list[str]:
    return [fault.replace(f"{study}/", "") for finding in verify(study) for fault in finding.faults]


def test_three_roles_sign_one_file_and_the_sealed_one_stays_as_it_is(study: Path) -> None:
    before = sha256(study / "results" / "L1" / "report.pdf")
    path: Path | None = None
    for role, name in zip(ROLES, ("A. Mayer", "B. Kim", "C. Roy"), strict=True):
        path = put(study, role, path, name=name)
        assert faults(study) == []
    assert path is not None and path == study / "signed" / "L1" / "1" / "report.pdf"
    assert sha256(study / "results" / "L1" / "report.pdf") == before
    made = signature.signatures(path.read_bytes())
    assert [(one.role, one.name, one.fault) for one in made] == [
        ("prepared", "A. Mayer", ""), ("reviewed", "B. Kim", ""), ("qa", "C. Roy", ""),
    ]  # fmt: skip
    record = read_record(study, "L1")
    assert all(record.report_id in one.reason and record.digest() in one.reason for one in made)
    assert b"ETSI.CAdES.detached" in path.read_bytes()
    (*_, known) = verify(study, str(path))
    assert not known.faults and [note.partition(",")[0] for note in known.notes[1:]] == [
        "signed by C. Roy (qa)", "signed by B. Kim (reviewed)", "signed by A. Mayer (prepared)",
    ]  # fmt: skip


def test_the_command_asks_for_the_password_or_reads_it(study: Path, tmp_path: Path) -> None:
    (tmp_path / "pw").write_bytes(PASSWORD + b"\n")
    words = [
        "sign",
        str(study / "results" / "L1" / "report.pdf"),
        "--certificate",
        str(tmp_path / "site.p12"),
        "--name",
        "A. Mayer",
    ]
    words += ["--directory", str(study), "--role"]
    done = CliRunner().invoke(app, [*words, "prepared", "--password-file", str(tmp_path / "pw")])
    assert done.exit_code == 0 and done.output.strip() == str(study / "signed" / "L1" / "1" / "report.pdf")
    words[1] = done.output.strip()
    done = CliRunner().invoke(app, [*words, "qa"], input=PASSWORD.decode() + "\n")
    assert done.exit_code == 0
    assert [entry.facts["role"] for entry in ledger.read(study) if entry.kind == "signed"] == ["prepared", "qa"]


def test_signing_twice_is_refused(study: Path) -> None:
    path = put(study, "qa")
    with pytest.raises(KaryolotError, match=r"is signed as qa by A. Mayer already; nothing was signed"):
        put(study, "qa", path, name="B. Kim")
    with pytest.raises(
        KaryolotError, match=r"the copy with the earlier signatures is .*signed/L1/1/report.pdf; sign that one"
    ):
        put(study, "reviewed")


def test_two_who_sign_at_once_lose_no_signature(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes while the first is between reading the file and writing its signed copy."""
    sign_once = signature.sign

    def meanwhile(*given: object) -> bytes:
        monkeypatch.setattr(signature, "sign", sign_once)
        with pytest.raises(KaryolotError, match="another run works in this directory"):
            put(study, "reviewed", name="B. Kim")
        return sign_once(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(signature, "sign", meanwhile)
    put(study, "reviewed", put(study, "prepared"), name="B. Kim")
    assert faults(study) == []


def test_a_changed_file_is_refused(study: Path) -> None:
    path = put(study, "prepared")
    content = path.read_bytes()
    path.write_bytes(content[:500] + bytes([content[500] ^ 1]) + content[501:])
    assert signature.signatures(path.read_bytes())[0].fault == "its bytes were changed after it was signed"
    with pytest.raises(KaryolotError, match=r"is of no report issued in .*it was changed"):
        put(study, "qa", path)
    assert faults(study)[0].startswith("signed/L1/1/report.pdf: sha256 is ")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {"record_sha256": "0" * 64},
            "signed/L1/1/report.pdf: line 5 of the ledger, a signature, is not on the report",
        ),
        ({"before": "0" * 64}, "signed/L1/1/report.pdf: line 5 of the ledger, a signature, is not on the report"),
        (
            {"name": "B. Kim"},
            r"L1/1/report.pdf: is signed as prepared by A. Mayer with certificate \w{64}, the ledger recorded B. Kim with",
        ),
        (
            {"certificate_sha256": "0" * 64},
            r"prepared by A. Mayer with certificate \w{64}, the ledger recorded A. Mayer with 0{64}",
        ),
        ({"role": "qa"}, r"prepared by A. Mayer with certificate \w{64}, the ledger recorded nobody"),
    ],
)
def test_a_signature_that_the_ledger_has_otherwise_is_named(study: Path, facts: dict[str, str], said: str) -> None:
    """The ledger was made again with other facts of the signature, and its digests fit."""
    put(study, "prepared")
    *kept, last = ledger.read(study)
    lines = (study / ledger.NAME).read_bytes().splitlines(keepends=True)
    (study / ledger.NAME).write_bytes(b"".join(lines[:-1]))
    (study / ledger.HEAD).write_text(f"{kept[-1].number} {kept[-1].sha256}\n")
    ledger.append(study, (last.kind, {**last.facts, **facts}))
    found = [fault for finding in verify(study, "L1") for fault in finding.faults]
    assert re.search(said, found[0]), found


def test_a_signature_of_another_record_is_named(study: Path) -> None:
    """Seal, manifest and ledger were made again for another record; nobody can sign it without the key."""
    put(study, "prepared")
    path = study / "signed" / "L1" / "1" / "report.pdf"
    (sealed,) = [entry for entry in ledger.read(study) if entry.kind == "sealed" and entry.facts["lot"] == "L1"]
    other = replace(sealed, facts={**sealed.facts, "record_sha256": "0" * 64})
    signed = [entry for entry in ledger.read(study) if entry.kind == "signed"]
    assert not list(_unlike(path, sealed, signed))
    assert "A. Mayer (prepared) signed another record: Prepared: I made this report" in next(
        _unlike(path, other, signed)
    )


def test_what_is_added_behind_a_signature_is_found(study: Path) -> None:
    path = put(study, "prepared")
    writer = IncrementalPdfFileWriter(BytesIO(path.read_bytes()))
    writer.root["/Lang"] = writer.root["/Pages"]
    writer.update_root()
    out = BytesIO()
    writer.write(out)
    assert (
        signature.signatures(out.getvalue())[0].fault
        == "something other than a signature was added after it was signed"
    )


def test_a_file_that_is_not_the_sealed_report_is_refused(study: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pdf"
    other.write_bytes(
        with_fields(finished_lots.pdf((study / "results" / "L1" / "report.json").read_bytes(), "other words"))
    )
    with pytest.raises(KaryolotError, match="is of no report issued in"):
        put(study, "qa", other)
    unsealed = study / "results" / "L3" / "report.pdf"
    unsealed.write_bytes(with_fields(unsealed.read_bytes()))
    with pytest.raises(KaryolotError, match="is of no report issued in"):
        put(study, "qa", unsealed)
    assert not (study / "signed").exists()


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (lambda: certificate((-20, -10)), "valid from .* to .*, and today is"),
        (lambda: certificate(signs=False), r"is not made for signatures \(its key usage: key_encipherment\)"),
        (
            lambda: certificate(purpose="1.3.6.1.5.5.7.3.1"),
            r"not made for documents \(its extended key usage: server_auth\)",
        ),
        (lambda: certificate(authority=True), r"is one of an authority \(CA:TRUE\), not of a person or site"),
        (lambda: b"not a certificate", r"wrong password, or not a PKCS#12 file"),
        (
            lambda: certificate(key=rsa_key(1024)),
            r"the key of .*Site Q is RSA of 1024 bits; a signature needs RSA of 2,048",
        ),
        (
            lambda: certificate(key=Ed25519PrivateKey.generate()),
            r"the key of .*Site Q is ED25519; a signature needs RSA",
        ),
    ],
)
def test_a_wrong_certificate_is_refused(study: Path, tmp_path: Path, held: object, said: str) -> None:
    (tmp_path / "site.p12").write_bytes(held())  # type: ignore[operator]
    with pytest.raises(KaryolotError, match=said):
        put(study, "qa")
    assert not (study / "signed").exists() and not [entry for entry in ledger.read(study) if entry.kind == "signed"]


def test_a_key_that_is_not_the_certificates_signs_nothing(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other programs write such a file; the signature would fit nothing."""
    other = signature.load(study.parent / "site.p12", PASSWORD)
    certificate.cache_clear()
    (study.parent / "site.p12").write_bytes(certificate())
    own = signature.load(study.parent / "site.p12", PASSWORD)
    mixed = SimpleSigner(own.signing_cert, other.signing_key, own.cert_registry)
    monkeypatch.setattr(signature, "load", lambda *given: mixed)
    with pytest.raises(KaryolotError, match=r"the key is not that of its certificate .*; nothing was signed"):
        put(study, "qa")
    assert not (study / "signed").exists() and not [entry for entry in ledger.read(study) if entry.kind == "signed"]


@pytest.mark.parametrize("purpose", ["1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36", "1.2.840.113583.1.1.5"])
def test_a_certificate_for_mail_or_documents_signs(tmp_path: Path, purpose: str) -> None:
    path = tmp_path / "site.p12"
    path.write_bytes(certificate(purpose=purpose))
    assert signature.load(path, PASSWORD)


def test_a_wrong_password_or_no_name_is_refused(study: Path) -> None:
    with pytest.raises(KaryolotError, match="wrong password"):
        put(study, "qa", password=b"wrong")
    with pytest.raises(KaryolotError, match="--name is missing"):
        put(study, "qa", name=" ")
    with pytest.raises(KaryolotError, match="--name: has 101 characters; at most 100"):
        put(study, "qa", name="A" * 101)
    with pytest.raises(KaryolotError, match=r"nowhere\.p12: cannot be read"):
        put(study, "qa", certificate=study / "nowhere.p12")


def test_a_signature_that_was_interrupted_can_be_made_again(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(*given: object) -> None:
        raise KeyboardInterrupt

    first = put(study, "prepared")
    with monkeypatch.context() as broken:
        broken.setattr("karyolot.commands.sign.write_bytes", end)
        with pytest.raises(KeyboardInterrupt):
            put(study, "qa", first)
    assert faults(study) == [
        "signed/L1/1/report.pdf: lacks the signature of A. Mayer (qa), which was interrupted; sign again"
    ]
    put(study, "qa", first)
    assert faults(study) == []
    first.unlink()
    assert faults(study)[0].startswith("signed/L1/1/report.pdf: is missing; signed by A. Mayer")
