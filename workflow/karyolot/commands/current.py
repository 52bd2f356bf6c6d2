"""Settings and sheets as they are now, against those that a lot was made from, before it is sealed, and sealed with, later."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from karyolot.contracts.changes import changes
from karyolot.contracts.manifest import Manifest
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.record import ImportedResult, LotFacts, Record
from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import Row, Study
from karyolot.inputs import check
from karyolot.inputs.study import differences
from karyolot.io.shipped import resource
from karyolot.plan.files import own_files, used_references
from karyolot.plan.params import state_of
from karyolot.plan.samples import lot_facts, lot_results, sequenced_samples


def stop_outdated(settings: Config, study: Study, record: Record) -> None:
    """Raises KaryolotError when a record was made by other settings or other rows of the sheets: the seal would list them as
    what it was made from, and the next run would regenerate a sealed lot."""
    lot, sheets = record.lot.lot_id, settings.sheets
    if lot not in study.lots:
        raise KaryolotError(f"{sheets.lots}: has no row of lot {lot}; put it back, then seal")
    then, now = _made_from(record), _named(settings, study, record)
    where = {"lot": f"{sheets.lots}, {sheets.donors}", "results": sheets.results, "settings": "settings"}
    for part, held in then.items():
        if change := next(iter(changes({part: held}, {part: now[part]})), None):
            file, name = where.get(part, f"{sheets.samples} or settings"), change.value.removeprefix(f"{part} / ")
            new, old = (value or "nothing" for value in (change.new, change.old))
            raise KaryolotError(f"{file}: {name} is {new}, and {lot} was made with {old}; run again, then seal")


def _made_from(record: Record) -> dict[str, Any]:
    """What a record states of settings and sheets: plain values, by part."""
    held = record.model_dump(mode="json", include={"lot", "imported", "deviations"})
    results = None if record.deviations is None else [*held["imported"], *held["deviations"]]
    return {
        "lot": held["lot"],
        "results": results,
        "settings": {one.setting: one.used for one in record.provenance.config_differences},
        "inputs": {file.path: file.sha256 for file in record.provenance.inputs},
    }


def _named(settings: Config, study: Study, record: Record) -> dict[str, Any]:
    """The same as the settings and the sheets state it. A file without a stated sha256 has that of the record."""
    lot, known = record.lot.lot_id, {file.path: file.sha256 for file in record.provenance.inputs}
    results = lot_results(study, lot)
    rows = [row for sample in sequenced_samples(study, lot) for row in study.samples[sample]]
    stated = [(row.fastq_1 or row.alignment or row.counts, row.sha256_1) for row in rows]
    stated += [(row.fastq_2, row.sha256_2) for row in rows]
    paths = {path: digest for path, digest in stated if path is not None}
    paths |= dict.fromkeys([*used_references(study, settings, lot), *own_files(study, settings, lot)])
    return {
        "lot": LotFacts.model_validate(lot_facts(study, lot)).model_dump(mode="json"),
        "results": None if results is None else _ordered(results),
        "settings": {name: used for name, _, used in differences(settings)},
        "inputs": {path: digest or known.get(path, "not stated") for path, digest in paths.items()},
    }


def _ordered(results: list[dict[str, object]]) -> list[dict[str, Any]]:
    """Results as a record holds them, deviations last."""
    held = [ImportedResult.model_validate(one).model_dump(mode="json") for one in results]
    return sorted(held, key=lambda one: one["kind"] == "deviation")


def rows_of(study: Study, lot: str) -> dict[str, list[dict[str, Any]]]:
    """Rows of the sheets that concern a lot."""
    row = study.lots[lot]
    samples = [one for rows in study.samples.values() for one in rows]
    held: dict[str, list[Row]] = {
        "lots": [row],
        "donors": [study.donors[row.donor_id]],
        "samples": [one for one in samples if lot == one.lot_id or row.donor_id == one.donor_id],
        "results": [one for one in study.results or () if one.lot_id == lot],
    }
    return {name: [one.model_dump(mode="json") for one in rows] for name, rows in held.items()}


def since_sealed(directory: Path, manifest: Manifest) -> Iterator[str]:
    """How the sheets now differ from those a lot was sealed with; a run that this concerns does not start."""
    if not manifest.sheets:
        return
    paths = tuple(str(resource(file.path, directory)) for file in manifest.sheets)
    study, fault = _study(directory, paths[0], str(state_of(paths)))
    if study is None:
        yield f"sheets were not compared with those of the seal: {fault}"
    elif manifest.lot_id not in study.lots:
        yield "the sheets have no row of this lot any more"
    else:
        for one in changes(manifest.rows, rows_of(study, manifest.lot_id)):
            new, old = (value or "nothing" for value in (one.new, one.old))
            yield f"sheets: {one.value} is {new}; the lot was sealed with {old}"


@cache
def _study(directory: Path, config: str, _state: str) -> tuple[Study | None, str]:
    """The study by its sheets, or why they cannot be read; read once for all lots."""
    try:
        return check.load(check.read_settings(Path(config)), directory, [config], contents=False)[1], ""
    except KaryolotError as error:
        return None, str(error).splitlines()[0]
