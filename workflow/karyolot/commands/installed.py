"""What is installed here: tools and libraries with their versions and checksums, against what they should be."""

import hashlib
import importlib.metadata
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from karyolot.contracts.qualification import BYTES, Check, Program, Requirement
from karyolot.io.files import sha256
from karyolot.io.shipped import PROJECT
from karyolot.plan.provenance import library_versions, record_sum, tool_versions

LOCK = PROJECT / "requirements.lock"
TOOLS = PROJECT / "envs" / "tools.tsv"
DPKG = Path("/var/lib/dpkg/info")
"""Where Debian keeps MD5 sums of installed files."""
SHOWN = 5
"""Files that a check names; the rest are counted."""


def tools_of(names: Sequence[str]) -> tuple[Program, ...]:
    """Programs on PATH, each with the sha256 of the file that runs."""
    listed = dict(line.split("\t")[:2] for line in TOOLS.read_text(encoding="utf-8").splitlines()[1:])
    versions, found = tool_versions(list(names)), []
    for name in names:
        path = shutil.which(name)
        digest = "" if path is None else sha256(Path(path).resolve())
        found.append(
            Program(name=name, kind="tool", version=versions[name], expected=listed.get(name, ""), sha256=digest)
        )
    return tuple(found)


def repacked(names: Sequence[str]) -> tuple[str, ...]:
    """Programs whose file is not the one its package installed: by the checksums that conda (sha256) or dpkg (MD5) keep.

    A program that neither knows is left to the comparison with the last qualification.
    """
    found = []
    for name in names:
        path = shutil.which(name)
        if path is not None and not _as_installed(Path(path).resolve()):
            found.append(f"{name}: its file is not the one its package installed")
    return tuple(found)


def _as_installed(path: Path) -> bool:
    """False when a package manager knows another checksum of a file."""
    for record in (path.parents[1] / "conda-meta").glob("*.json"):
        for entry in json.loads(record.read_text(encoding="utf-8")).get("paths_data", {}).get("paths", ()):
            known = entry.get("sha256_in_prefix") or entry.get("sha256")
            if known and path == path.parents[1] / entry["_path"]:
                return bool(sha256(path) == known)
    inside = str(path).removeprefix("/")
    for sums in DPKG.glob("*.md5sums"):
        for line in sums.read_text(encoding="utf-8", errors="replace").splitlines():
            known, _, file = line.partition("  ")
            if file == inside:
                return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == known
    return True


def libraries() -> tuple[tuple[Program, ...], tuple[str, ...]]:
    """Libraries that results depend on, with a sha256 over their files; and the files that are not those their RECORD lists."""
    locked = _locked()
    found, changed = [], []
    for name, version in library_versions().items():
        digest = hashlib.sha256()
        for file in sorted(importlib.metadata.distribution(name).files or (), key=str):
            if file.hash is None or file.hash.mode != "sha256":
                continue
            path = Path(str(file.locate()))
            now = record_sum(path)
            digest.update(f"{file}\0{now}\n".encode())
            if now != file.hash.value:
                changed.append(f"{name}: {file}")
        listed = locked.get(name.lower().replace("_", "-"), ())
        expected = version if version in listed else " or ".join(listed)
        found.append(Program(name=name, kind="library", version=version, expected=expected, sha256=digest.hexdigest()))
    return tuple(found), tuple(changed)


def _locked() -> dict[str, tuple[str, ...]]:
    """Versions of the lock, by name in lower case, one for each range of Python's; none in a wheel, which does not carry it."""
    found: dict[str, tuple[str, ...]] = {}
    for line in LOCK.read_text(encoding="utf-8").splitlines() if LOCK.is_file() else ():
        name, _, version = line.split(";")[0].split("\\")[0].strip().partition("==")
        if version:
            found[name.lower()] = (*found.get(name.lower(), ()), version)
    return found


def code_check(dirty: bool | None, commit: str | None) -> Check:
    """IQ1: the code is that of one commit, unchanged."""
    test = Requirement("IQ1", "IQ", "Code as released", "files are those of one commit, or of the installed wheel")
    if dirty is None or commit is None:
        return test.not_done("the commit, or checksums of the installed files, are not known")
    found = f"commit {commit[:12]}" + (", changed" if dirty else "")
    return test.done(found, "a file of the code was changed" if dirty else "")


def version_check(programs: Sequence[Program]) -> Check:
    """IQ2: tools and libraries have the versions that this release lists."""
    limit = "those of envs/tools.tsv and requirements.lock"
    test = Requirement("IQ2", "IQ", "Versions of tools and libraries", limit)
    listed = [one for one in programs if one.expected]
    other = [
        f"{one.name} {one.version} (listed: {one.expected})" for one in listed if not _listed(one.version, one.expected)
    ]
    shown = f"{len(listed)} listed, {len(other)} differ" + (f": {'; '.join(other)}" if other else "")
    return test.done(shown, "a version is not the one this release lists" if other else "")


def _listed(version: str, expected: str) -> bool:
    """Whether a version is the listed one; a tool may add its build: bwa 0.7.17-r1188."""
    return version == expected or version.startswith((f"{expected}-", f"{expected} "))


def byte_check(
    programs: Sequence[Program], changed: Sequence[str], before: Sequence[Program], accepted: str = ""
) -> Check:
    """IQ3: files of libraries and tools fit the checksums of their packages, and a tool of the same version has the same bytes as
    last time.

    changed: files that do not fit. before: programs of the last qualification that passed this check. accepted: why other bytes
    under the same version are right, '' = they are not.
    """
    limit = "no file with other bytes under the same version"
    test = Requirement(BYTES, "IQ", "Files of tools and libraries unchanged", limit)
    held = {(one.kind, one.name): one for one in before}
    other = []
    for one in programs:
        old = held.get((one.kind, one.name))
        if old is not None and old.version == one.version and old.sha256 != one.sha256:
            other.append(f"{one.name} {one.version}: sha256 {one.sha256 or 'none'}, was {old.sha256 or 'none'}")
    if faults := [*changed, *([] if accepted else other)]:
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        return test.done("; ".join(faults[:SHOWN]) + more, "a file was changed without a change of its version")
    if other:
        return test.done(f"accepted ({accepted}): {'; '.join(other)}")
    others = "last qualification" if before else "no earlier qualification to compare tools with"
    return test.done(f"{len(programs)} programs; by the checksums of their packages, and: {others}")
