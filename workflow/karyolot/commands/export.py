"""`karyolot export`: sealed lots as research objects, and as rows for a registry."""

import json
from collections.abc import Sequence
from pathlib import Path

from karyolot.contracts.ledger import LotState, sealed_lots, states
from karyolot.contracts.manifest import MANIFEST
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.provenance import InputFile
from karyolot.io import ledger
from karyolot.io.files import read_bytes, sha256, write_folder, write_json
from karyolot.io.manifest import RESULTS, sealed_manifest
from karyolot.io.record import read_record
from karyolot.io.shipped import SNAKEFILE
from karyolot.report.crate import METADATA, README, WORKFLOW, metadata, readme
from karyolot.report.registry import LEAST_SALT, SCHEMA, registry


def export_crate(directory: Path, lot: str, out: Path, licence: str) -> Path:
    """Write the sealed results of a lot as a Workflow Run RO-Crate, a folder. licence: terms of the results, in words.

    Raises KaryolotError when the lot is not sealed, or its files are not as they were sealed.
    """
    sealed = states(ledger.read(directory)).get(lot, LotState()).sealed
    if sealed is None:
        raise KaryolotError(f"{lot} is not sealed; karyolot seal {lot}, then export")
    if out.exists() and not (out / METADATA).is_file():
        raise KaryolotError(
            f"{out}: exists and is no exported crate, which would replace it; name another folder by --out"
        )
    folder = directory / RESULTS / lot
    manifest = sealed_manifest(folder, sealed.facts["manifest_sha256"])
    path = folder / MANIFEST
    own = InputFile(path=MANIFEST, bytes=path.stat().st_size, sha256=sha256(path))
    contents = {METADATA: json.dumps(metadata(manifest, own, licence), indent=1, ensure_ascii=False).encode()}
    contents |= {file.path: read_bytes(folder / file.path) for file in (*manifest.files, own)}
    contents[README] = readme(manifest).encode()
    contents[WORKFLOW] = read_bytes(SNAKEFILE)
    write_folder(contents, out)
    return out


def export_registry(directory: Path, lots: Sequence[str], out: Path, salt: Path) -> int:
    """Write de-identified rows of sealed lots ((): all of them) as JSON; returns their number.

    Raises KaryolotError when a lot is not sealed or was changed since, or the salt is too short to keep ids secret.
    """
    if out.exists() and SCHEMA.encode() not in read_bytes(out)[:100]:
        raise KaryolotError(
            f"{out}: exists and holds no rows for a registry, which would replace it; name another --out"
        )
    secret = read_bytes(salt).strip()
    if len(secret) < LEAST_SALT:
        raise KaryolotError(
            f"{salt}: {len(secret)} bytes, and a salt has {LEAST_SALT} or more; make one: openssl rand -hex 32 > {salt}"
        )
    sealed = sealed_lots(ledger.read(directory))
    if astray := [lot for lot in lots if lot not in sealed]:
        raise KaryolotError(f"{', '.join(astray)}: not sealed; only sealed lots are exported")
    digests = {lot: state.sealed.facts["manifest_sha256"] for lot, state in sealed.items() if state.sealed is not None}
    held = [
        (sealed_manifest(directory / RESULTS / lot, digests[lot]), read_record(directory, lot))
        for lot in lots or sealed
    ]
    write_json(registry(held, secret), out)
    return len(held)
