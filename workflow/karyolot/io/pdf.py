"""What a PDF report holds: the record it was made from, and the words on its pages."""

import ctypes
from pathlib import Path

import pypdfium2
from pypdfium2 import PdfiumError, raw

from karyolot.contracts.problems import KaryolotError

RECORD = "report.json"


def attached_record(path: Path) -> bytes:
    """The bytes of report.json in a PDF. Raises KaryolotError when it holds none."""
    try:
        with pypdfium2.PdfDocument(path) as document:
            for number in range(raw.FPDFDoc_GetAttachmentCount(document)):
                held = raw.FPDFDoc_GetAttachment(document, number)
                if _name(held) == RECORD:
                    return _content(held)
    except PdfiumError as error:
        raise KaryolotError(f"{path}: cannot be read as a PDF ({error})") from error
    raise KaryolotError(f"{path}: no report of karyolot (no {RECORD} is attached)")


def words_of(content: bytes) -> list[list[str]]:
    """The words of each page."""
    with pypdfium2.PdfDocument(content) as document:
        return [page.get_textpage().get_text_bounded().split() for page in document]


def _name(attachment: object) -> str:
    length = raw.FPDFAttachment_GetName(attachment, None, 0)
    buffer = ctypes.create_string_buffer(length)
    raw.FPDFAttachment_GetName(attachment, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), length)
    return buffer.raw.decode("utf-16-le").rstrip("\0")


def _content(attachment: object) -> bytes:
    length = ctypes.c_ulong()
    raw.FPDFAttachment_GetFile(attachment, None, 0, length)
    buffer = ctypes.create_string_buffer(length.value)
    raw.FPDFAttachment_GetFile(attachment, buffer, length.value, length)
    return buffer.raw
