"""Signatures on PDF reports: PAdES (ETSI EN 319 142) with the key of a PKCS#12 file, made and verified offline by pyHanko."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from karyolot.contracts.manifest import Role
from karyolot.contracts.problems import KaryolotError

INSTALL = 'signatures need pyHanko: pip install "karyolot[signing]"; in a checkout, ./run setup installs it'

OF_PERSONS = {
    "2.5.29.37.0",  # any
    "1.3.6.1.5.5.7.3.2",  # client authentication
    "1.3.6.1.5.5.7.3.4",  # protection of mail
    "1.3.6.1.5.5.7.3.36",  # document signing, RFC 9336
    "1.2.840.113583.1.1.5",  # authentic documents, Adobe
    "1.3.6.1.4.1.311.10.3.12",  # document signing, Microsoft
}
"""Extended key usages (RFC 5280, 4.2.1.12) with one of which a person signs documents. A certificate of a web server, of programs
or of time stamps has none of them."""

LEAST_BITS = {"rsa": 2048, "ec": 256}
"""Keys that sign, and their least bits: PDF readers verify them; NIST SP 800-131A and ETSI TS 119 312 accept no shorter."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Who a certificate names, its sha256, and the days (UTC) it is valid on."""

    subject: str
    sha256: str
    first_day: datetime
    last_day: datetime


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature on a PDF. fault: '' = the bytes it covers are unchanged, and nothing but signatures was added since."""

    role: str
    name: str
    reason: str
    certificate: str
    fault: str


def load(path: Path, password: bytes) -> Any:
    """The signer in a PKCS#12 file. Raises KaryolotError when the file or the password is wrong, or it may not sign now."""
    try:
        from pyhanko.sign.signers.pdf_cms import SimpleSigner
    except ImportError as error:
        raise KaryolotError(INSTALL) from error
    from cryptography.hazmat.primitives.serialization import pkcs12

    try:
        content = path.read_bytes()
    except OSError as error:
        raise KaryolotError(f"{path}: cannot be read ({error.strerror or error})") from error
    try:
        key, held, _ = pkcs12.load_key_and_certificates(content, password or None)
    except ValueError as error:
        raise KaryolotError(
            f"{path}: wrong password, or not a PKCS#12 file (.p12, .pfx); nothing was signed"
        ) from error
    if key is None or held is None:
        raise KaryolotError(f"{path}: holds no private key with its certificate; export both into one .p12 file")
    signer = SimpleSigner.load_pkcs12_data(content, other_certs=[], passphrase=password or None)
    if signer is None:
        raise KaryolotError(f"{path}: its key cannot be used for signatures; nothing was signed")
    _stop_unfit(path, signer)
    return signer


def described(signer: Any) -> Certificate:
    held = signer.signing_cert
    return Certificate(held.subject.human_friendly, held.sha256.hex(), held.not_valid_before, held.not_valid_after)


def _stop_unfit(path: Path, signer: Any) -> None:
    """Raises KaryolotError when a certificate is out of its time, of an authority, or not made for signatures."""
    held, now = described(signer), datetime.now(UTC)
    if not held.first_day <= now <= held.last_day:
        raise KaryolotError(
            f"{path}: the certificate of {held.subject} is valid from {held.first_day:%Y-%m-%d} to {held.last_day:%Y-%m-%d},"
            f" and today is {now:%Y-%m-%d}; nothing was signed"
        )
    if signer.signing_cert.ca:
        raise KaryolotError(
            f"{path}: the certificate of {held.subject} is one of an authority (CA:TRUE), not of a person or site; nothing was"
            " signed"
        )
    key = signer.signing_cert.public_key
    if key.algorithm not in LEAST_BITS or key.bit_size < LEAST_BITS[key.algorithm]:
        bits = f" of {key.bit_size} bits" if key.algorithm in LEAST_BITS else ""
        raise KaryolotError(
            f"{path}: the key of {held.subject} is {key.algorithm.upper()}{bits}; a signature needs RSA of 2,048 bits or more, or"
            " EC of 256 or more; nothing was signed"
        )
    usage = signer.signing_cert.key_usage_value
    if usage is not None and not {"digital_signature", "non_repudiation"} & usage.native:
        uses = ", ".join(sorted(usage.native))
        raise KaryolotError(
            f"{path}: the certificate of {held.subject} is not made for signatures (its key usage: {uses})"
        )
    purposes = signer.signing_cert.extended_key_usage_value
    if purposes is not None and OF_PERSONS.isdisjoint(one.dotted for one in purposes):
        uses = ", ".join(sorted(purposes.native))
        raise KaryolotError(
            f"{path}: the certificate of {held.subject} is not made for documents (its extended key usage: {uses}); nothing was"
            " signed"
        )


def sign(content: bytes, signer: Any, role: Role, name: str, reason: str) -> bytes:
    """A PDF with the signature of a role added at its end."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import PdfSignatureMetadata, PdfSigner
    from pyhanko.sign.fields import SigSeedSubFilter
    from pyhanko.stamp import TextStampStyle

    logging.getLogger("pyhanko").setLevel(logging.ERROR)  # its remarks are on the size of the cell
    about = PdfSignatureMetadata(
        field_name=role, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, name=name, reason=reason
    )
    stamp = TextStampStyle(stamp_text="%(signer)s\n%(ts)s", background=None, border_width=0)
    signed = PdfSigner(about, signer=signer, stamp_style=stamp).sign_pdf(
        IncrementalPdfFileWriter(BytesIO(content)), existing_fields_only=True
    )
    held: bytes = signed.getvalue()
    return held


def fields(content: bytes) -> tuple[str, ...]:
    """Roles with a signature field, signed or not."""
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.fields import enumerate_sig_fields

    return tuple(name for name, _, _ in enumerate_sig_fields(PdfFileReader(BytesIO(content))))


def signatures(content: bytes) -> list[Signature]:
    """Every signature on a PDF, in the order they were made, and whether what it covers is unchanged."""
    try:
        from pyhanko.pdf_utils.reader import PdfFileReader
    except ImportError as error:
        raise KaryolotError(INSTALL) from error
    from pyhanko.sign.validation.status import SignatureCoverageLevel

    found = []
    for held in PdfFileReader(BytesIO(content)).embedded_signatures:
        held.compute_integrity_info()
        state, said = _state(held), held.sig_object
        later = held.coverage not in (SignatureCoverageLevel.ENTIRE_FILE, SignatureCoverageLevel.ENTIRE_REVISION)
        fault = "" if state else "its bytes were changed after it was signed"
        if not fault and (later or (held.diff_result is not None and not _appended(held))):
            fault = "something other than a signature was added after it was signed"
        cert = held.signer_cert
        found.append(
            Signature(
                held.field_name, str(said.get("/Name", "")), str(said.get("/Reason", "")), cert.sha256.hex(), fault
            )
        )
    return found


def _state(held: Any) -> bool:
    """Whether signature and digest fit the bytes that the signature covers."""
    from pyhanko.sign.validation.generic_cms import validate_sig_integrity

    intact, valid = validate_sig_integrity(
        held.signer_info, held.signer_cert, expected_content_type="data", actual_digest=held.compute_digest()
    )
    return bool(intact and valid)


def _appended(held: Any) -> bool:
    """Whether what was added since are signatures only."""
    from pyhanko.sign.diff_analysis import ModificationLevel, SuspiciousModification

    if isinstance(held.diff_result, SuspiciousModification):
        return False
    return bool(held.diff_result.modification_level <= ModificationLevel.FORM_FILLING)
