"""Files of a sealed lot: listed, compared with their manifest, made read-only."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from karyolot.contracts.manifest import MANIFEST, Manifest
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.provenance import InputFile
from karyolot.io.files import read_json, sha256

WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
RESULTS, REVISIONS, SIGNED, QUALIFICATIONS = "results", "revisions", "signed", "qualification"


def superseded(directory: Path, lot: str, revision: int) -> Path:
    """Where a superseded revision is kept."""
    return directory / REVISIONS / lot / str(revision)


def signed_report(directory: Path, lot: str, revision: int) -> Path:
    """The copy of a sealed report that bears the signatures: the sealed file itself stays as it is."""
    return directory / SIGNED / lot / str(revision) / "report.pdf"


def listed(folder: Path) -> tuple[InputFile, ...]:
    """Every file of a folder but its manifest, with size and sha256, by name. Raises KaryolotError at a link."""
    found = []
    for path in _paths(folder):
        if path.is_symlink():
            raise KaryolotError(f"{path}: is a link, and what it points to can change; put the file itself there")
        if not path.is_file():
            raise KaryolotError(f"{path}: is neither a file nor a folder; remove it")
        if path.name != MANIFEST or path.parent != folder:
            size = path.stat().st_size
            found.append(InputFile(path=path.relative_to(folder).as_posix(), bytes=size, sha256=sha256(path)))
    return tuple(found)


def read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not path.is_file():
        raise KaryolotError(f"{path} does not exist")
    try:
        return Manifest.model_validate(read_json(path))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise KaryolotError(f"{path}: not the manifest of a sealed lot ({place}: {fault['msg']})") from error


def linked(folder: Path) -> Path | None:
    """A sealed folder, or its manifest, where it is a link and what it points to can change; None where neither is."""
    return next((path for path in (folder, folder / MANIFEST) if path.is_symlink()), None)


def sealed_manifest(folder: Path, manifest_sha256: str) -> Manifest:
    """The manifest of a sealed lot. manifest_sha256: as the ledger has it.

    Raises KaryolotError when the manifest or a file is not as it was sealed.
    """
    if link := linked(folder):
        raise KaryolotError(f"{link}: is a link; the lot was sealed as a folder of files here")
    manifest = read_manifest(folder)
    faults = differences(folder, manifest)
    if (now := sha256(folder / MANIFEST)) != manifest_sha256:
        faults = iter([f"{folder / MANIFEST}: sha256 is {now}, the ledger recorded {manifest_sha256}"])
    if fault := next(faults, ""):
        lot = folder.name
        raise KaryolotError(f"{lot} was changed after it was sealed: {fault}. karyolot verify {lot} lists everything")
    return manifest


def differences(folder: Path, manifest: Manifest) -> Iterator[str]:
    """What differs from the manifest, in the order of its files; then files it does not list."""
    there = {path.relative_to(folder).as_posix(): path for path in _paths(folder)}
    there.pop(MANIFEST, None)
    for file in manifest.files:
        path = there.pop(file.path, None)
        if path is None:
            yield f"{folder / file.path}: is missing; sealed with sha256 {file.sha256}"
        elif path.is_symlink() or not path.is_file():
            kind = "a link" if path.is_symlink() else "no regular file"
            yield f"{path}: is {kind}; sealed as a file with sha256 {file.sha256}"
        elif (now := sha256(path)) != file.sha256:
            yield f"{path}: sha256 is {now}, sealed with {file.sha256}"
    for path in there.values():
        yield f"{path}: was added after the seal"


def protect(folder: Path) -> None:
    """Make a folder and all in it read-only; again is no harm."""
    for path in (*_everything(folder), folder):
        path.chmod(path.stat().st_mode & ~WRITE)


def flush(folder: Path) -> None:
    """Have a folder and all in it on disk when this returns."""
    for path in (*_everything(folder), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def room_aside(folder: Path, target: Path) -> None:
    """Make the folder that holds superseded revisions. Raises KaryolotError when one cannot be moved there in one step."""
    if os.path.lexists(target):
        raise KaryolotError(f"{target}: is there already, and the ledger has no entry of it; move it away")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KaryolotError(
            f"{target.parent}: cannot be made ({error.strerror or error}); move away what is there"
        ) from error
    if target.parent.stat().st_dev != folder.stat().st_dev:
        raise KaryolotError(
            f"{target.parent}: is not on the disk of {folder}; make {REVISIONS} a link to a folder there"
        )


def move_aside(folder: Path, target: Path) -> None:
    """Move a read-only folder, in one step, to where superseded revisions are kept."""
    room_aside(folder, target)
    folder.chmod(folder.stat().st_mode | stat.S_IWUSR)  # its entry for the folder above is rewritten
    os.rename(folder, target)
    target.chmod(target.stat().st_mode & ~WRITE)


def _everything(folder: Path) -> Iterator[Path]:
    """Files and folders below a folder; links are left alone."""
    return (path for path in folder.rglob("*") if not path.is_symlink())


def _paths(folder: Path) -> list[Path]:
    """Files and links below a folder, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
