"""Working directories with finished lots, in plain files: what is sealed and decided on is planted, no job runs."""

import shutil
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdf
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

import planted_records
from karyolot.contracts.criteria import CriterionResult
from karyolot.contracts.manifest import ROLES
from karyolot.contracts.provenance import ConfigDifference, InputFile
from karyolot.contracts.record import LotFacts, Record
from karyolot.contracts.sheets import Lot
from karyolot.io import ledger
from karyolot.io.files import sha256
from karyolot.io.history import issued
from karyolot.io.record import write_report
from karyolot.io.shipped import RESOURCES
from karyolot.plan.provenance import code_state

LOTS = ("L1", "L2", "L3")
SETTINGS = {"reference.fasta": "genome.fa", "acceptance": "config/acceptance.yaml"}
"""What the settings of `study` state otherwise than the defaults."""
REFERENCES = ("shipped:genomes/GRCh38.yaml", "genome.fa", "config/acceptance.yaml", "shipped:recurrent_regions.tsv")
PASSWORD = b"correct horse"


@cache
def record(lot: str, acceptance_sha256: str, *reviewed: str, second_person: bool = False) -> Record:
    """A record of a lot. reviewed: criteria with the outcome REVIEW, and then the lot's verdict is REVIEW."""
    base = planted_records.passing()
    criteria = tuple(_reviewed(row) if row.id in reviewed else row for row in base.verdict.criteria)
    outcome = "REVIEW" if reviewed else base.verdict.outcome
    verdict = {"lot_id": lot, "criteria": criteria, "outcome": outcome, "second_person": second_person}
    columns = [name for name in Lot.model_fields if name not in ("lot_id", "donor_id")]
    facts = dict.fromkeys(columns) | {"passage": 4, "donor_age": None}
    given = {
        "acceptance_sha256": acceptance_sha256,
        "inputs": tuple(
            InputFile(path=path, bytes=1, sha256="5e" * 32) for path in ("D1.tsv", f"{lot}.tsv", *REFERENCES)
        ),
        "config_differences": tuple(ConfigDifference(setting=a, default=None, used=b) for a, b in SETTINGS.items()),
    }
    return base.model_copy(
        update={
            "lot": LotFacts(lot_id=lot, donor_id="D1", donor_sex="F", facts=facts),
            "imported": (),
            "deviations": None,
            "point": base.point.model_copy(update={"lot_id": lot, "donor_id": "D1"}),
            "verdict": base.verdict.model_copy(update=verdict),
            "provenance": base.provenance.model_copy(update=given),
        }
    ).sealed()


def _reviewed(row: CriterionResult) -> CriterionResult:
    return row.model_copy(update={"outcome": "REVIEW"})


def study(
    folder: Path, *reviewed: str, second_person: bool = False, lots: tuple[str, ...] = LOTS, in_ledger: bool = True
) -> Path:
    """A working directory whose lots are finished and not sealed; L1 has the findings `reviewed`. in_ledger: as after a run."""
    config = folder / "config"
    config.mkdir(parents=True)
    shutil.copy(RESOURCES / "acceptance.yaml", config / "acceptance.yaml")
    (config / "config.yaml").write_text(
        "reference: {fasta: genome.fa}\nexpression: {seq_bias: false}\nacceptance: config/acceptance.yaml\n"
    )
    (config / "donors.tsv").write_text("donor_id\tsex\nD1\tF\n")
    (config / "lots.tsv").write_text("lot_id\tdonor_id\tpassage\n" + "".join(f"{lot}\tD1\t{4}\n" for lot in lots))
    rows = [f"{lot}-wgs\t{lot}\t\twgs\t{lot}.tsv\n" for lot in lots] + ["D1-wgs\t\tD1\twgs\tD1.tsv\n"]
    (config / "samples.tsv").write_text("sample_id\tlot_id\tdonor_id\tassay\tcounts\n" + "".join(rows))
    for lot in lots:
        own = reviewed if lot == "L1" else ()
        finish(folder, record(lot, sha256(config / "acceptance.yaml"), *own, second_person=second_person))
    if in_ledger:
        enter(folder, *lots)
    return folder


def enter(folder: Path, *lots: str) -> None:
    """Enter the reports of lots into the ledger as they lie there, as a run does at its end."""
    entries = ledger.read(folder)
    ledger.append(folder, *(event for lot in lots for event in issued(folder, lot, entries, "run", "")))


def finish(folder: Path, made: Record) -> None:
    """What a run leaves of a lot: its record, pages and tables."""
    results = folder / "results" / made.lot.lot_id
    (results / "dna").mkdir(parents=True, exist_ok=True)
    (results / "dna" / "calls.tsv").write_text(f"chrom\tstart\tend\n{made.lot.lot_id}\t0\t1\n")
    write_report(made, results / "report.json")
    page = planted_records.html(made, code_state()).replace(planted_records.passing().lot.lot_id, made.lot.lot_id)
    (results / "report.html").write_text(page, encoding="utf-8")
    (results / "report.pdf").write_bytes(pdf((results / "report.json").read_bytes()))


def pdf(attached: bytes, words: str = "") -> bytes:
    """A PDF of one page that carries a record as a report does."""
    writer, content = pypdf.PdfWriter(), BytesIO()
    page = writer.add_blank_page(200, 200)
    if words:
        page.merge_page(pypdf.PdfReader(BytesIO(printed(words))).pages[0])
    writer.add_attachment("report.json", attached)
    writer.write(content)
    return content.getvalue()


def printed(words: str) -> bytes:
    """One page with words on it."""
    stream = f"BT /F1 12 Tf 20 100 Td ({words}) Tj ET".encode()
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 6\n0000000000 65535 f \n" + rows + b"trailer << /Size 6 /Root 1 0 R >>\n"
    return out + head + b"startxref\n%d\n%%%%EOF\n" % len(out)


@cache
def certificate(
    days: tuple[int, int] = (-1, 365), signs: bool = True, authority: bool = False, purpose: str = "", key: Any = None
) -> bytes:
    """A PKCS#12 file. days: first and last day of its time, from now; signs: whether it is made for signatures; purpose: the
    extended key usage, '' = without. key: None = EC."""
    key, now = key or ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Site Q")])
    other = (
        "content_commitment data_encipherment key_agreement key_cert_sign crl_sign encipher_only decipher_only".split()
    )
    usage = dict.fromkeys(other, False)
    held = (
        x509.CertificateBuilder(name, name, key.public_key(), 7, now + timedelta(days[0]), now + timedelta(days[1]))
        .add_extension(x509.KeyUsage(digital_signature=signs, key_encipherment=not signs, **usage), True)
        .add_extension(x509.BasicConstraints(authority, None), True)
    )
    if purpose:
        held = held.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(purpose)]), True)
    made = held.sign(key, None if isinstance(key, Ed25519PrivateKey) else hashes.SHA256())
    return pkcs12.serialize_key_and_certificates(b"q", key, made, None, BestAvailableEncryption(PASSWORD))


def with_fields(content: bytes) -> bytes:
    """A PDF with an empty signature field for each role, as a report has them."""
    writer = IncrementalPdfFileWriter(BytesIO(content))
    for number, role in enumerate(ROLES):
        append_signature_field(writer, SigFieldSpec(role, box=(10, 10 + 40 * number, 150, 40 + 40 * number)))
    out = BytesIO()
    writer.write(out)
    return out.getvalue()
