"""What a run writes into the ledger, and whether it may start: files of sealed lots stay as they are. Called by the Snakefile."""

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from karyolot.commands.run import INPUT_ERROR, only_looks
from karyolot.contracts.ledger import REPORT_FILES, Entry, LotState, sealed_lots, states
from karyolot.contracts.manifest import MANIFEST
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.record import UNSEALED
from karyolot.contracts.settings import Config
from karyolot.io import ledger
from karyolot.io.files import digest_of, read_json, sha256, sweep
from karyolot.io.history import finish_revisions, issued, stop_foreign
from karyolot.io.manifest import RESULTS, read_manifest
from karyolot.io.shipped import portable, resource
from karyolot.plan.provenance import code_state, rendering

KEEP = "KARYOLOT_KEEP_SEALED"
"""Environment variable: sealed lots, separated by commas, whose files a run takes as they are and never plans to make."""
DESTROYING = ("--delete-all-output", "--touch", "-t")
ASSEMBLING, RENDERING = "assemble_report", "render_report"
"""The rules that make a lot's record, and from it its report."""
OWN_REASONS = ("missing_output", "incomplete_output", "updated_input")
KILLED = "run that was killed"
STANDING = ("disposition", "override", "sealed", "revised")
OTHER_CODE = re.compile(r"output: before: '[0-9a-f]{16}' now: '[0-9a-f]{16}'$")
SHOWN = 300
"""Characters of a reason that are printed."""


def prepare(directory: Path, words: Sequence[str], *, main: bool) -> None:
    """Before a run is planned: complete what a crash interrupted, and refuse what would damage sealed lots (exit code 2).

    main: not one of the processes that a run starts for its jobs.
    """
    if not main:
        return
    try:
        entries = ledger.read(directory)
        if not only_looks(words):
            finish_revisions(directory, entries)
        sealed = sealed_lots(entries)
        if named := [word for word in words if sealed and word in DESTROYING]:
            raise KaryolotError(
                f"{named[0]} would change files of sealed lots ({', '.join(sealed)}); delete files one by one"
            )
        if astray := [lot for lot in kept(os.environ) if lot not in sealed]:
            raise KaryolotError(f"{KEEP} names lots that are not sealed: {', '.join(astray)}")
    except KaryolotError as error:
        _stop(str(error))


def decided(directory: Path, *, main: bool) -> str:
    """sha256 of the last entry on the state of any lot: another one makes the overview again. '' in the processes of jobs."""
    entries = ledger.read(directory) if main else ()
    return next((entry.sha256 for entry in reversed(entries) if entry.kind in STANDING), "")


def kept(environment: Mapping[str, str]) -> list[str]:
    """Sealed lots that a run takes as they are."""
    return [lot for lot in environment.get(KEEP, "").split(",") if lot]


def made(lots: Iterable[str], environment: Mapping[str, str]) -> list[str]:
    """Lots whose files a run may make."""
    return [lot for lot in lots if lot not in kept(environment)]


def sealed(directory: Path) -> list[str]:
    """Lots whose last revision is sealed."""
    return sorted(sealed_lots(ledger.read(directory)))


def begin(directory: Path, dag: Any, settings: Config, configfiles: Sequence[str | Path]) -> None:
    """When a run is about to start its jobs: exit code 2 with the triggers if one of them would change a sealed lot; else the
    run goes into the ledger with its inputs and the reasons for its jobs."""
    try:
        entries = ledger.read(directory)
        stop_sealed(dag, sealed_lots(entries))
        lots = {job.wildcards_dict["lot"] for job in dag.needrun_jobs() if "lot" in job.wildcards_dict}
        stop_astray(directory, sorted(lots), entries)
        _stop_changed(directory, entries)
        ledger.append(
            directory, *_left_behind(directory, entries), *_started(directory, dag, settings, configfiles, entries)
        )
    except KaryolotError as error:
        _stop(str(error))


def end(directory: Path, dag: Any, outcome: str) -> None:
    """When a run has ended: its outcome, and every report it made."""
    entries = ledger.read(directory)
    lots = _lots(job for job in dag.jobs if job.rule.name == RENDERING)
    started = next((entry.facts["lots"] for entry in reversed(entries) if entry.kind == "run_started"), lots)
    lots = [lot for lot in lots if lot in started]
    assembled = {job.wildcards_dict["lot"] for job in dag.jobs if job.rule.name == ASSEMBLING}
    ledger.append(directory, *_ended(directory, entries, outcome, lots, assembled))


def _ended(
    directory: Path, entries: Sequence[Entry], outcome: str, lots: Sequence[str], assembled: Iterable[str]
) -> list[ledger.Event]:
    """Reports of a run, and its end with the records that it made and did not render."""
    events = _issued(directory, lots, entries, KILLED if outcome == "killed" else "run")
    alone = _changed(directory, states(entries), {*assembled} - {facts["lot"] for _, facts in events})
    records = {lot: digest_of(read_json(path), UNSEALED) for lot, path in alone.items()}
    return [*events, ("run_ended", {"outcome": outcome} | ({"records": records} if records else {}))]


def stop_astray(directory: Path, lots: Iterable[str], entries: Sequence[Entry]) -> None:
    """Raises KaryolotError for a lot with the manifest of a seal made under another ledger: this one was replaced or cut."""
    for lot in lots:
        if not (directory / RESULTS / lot / MANIFEST).is_file():
            continue
        place = read_manifest(directory / RESULTS / lot).ledger
        if len(entries) < place.line or entries[place.line - 1].sha256 != place.sha256:
            raise KaryolotError(
                f"{directory / RESULTS / lot / MANIFEST}: {lot} was sealed after line {place.line} of a ledger with sha256"
                f" {place.sha256}, which {directory / ledger.NAME} does not have; restore that ledger from a backup"
            )


def _stop_changed(directory: Path, entries: Sequence[Entry]) -> None:
    """Raises KaryolotError when the record of a lot is none that a run made: pages would be rendered from it."""
    for lot, path in _changed(directory, states(entries), states(entries)).items():
        stop_foreign(directory, lot, digest_of(read_json(path), UNSEALED), entries)


def _changed(directory: Path, held: Mapping[str, LotState], lots: Iterable[str]) -> dict[str, Path]:
    """Records of those of the lots that are not sealed and whose record is another file than the one that was issued."""
    paths = {lot: directory / RESULTS / lot / REPORT_FILES[0] for lot in sorted(lots) if lot}
    issued = {lot: held[lot].issued for lot in paths if lot in held and held[lot].sealed is None}
    return {
        lot: paths[lot]
        for lot, entry in issued.items()
        if entry is not None and paths[lot].is_file() and sha256(paths[lot]) != entry.facts["files"][REPORT_FILES[0]]
    }


def stop_sealed(dag: Any, sealed: Mapping[str, LotState]) -> None:
    """Raises KaryolotError when a job of the run would change a sealed lot; it names each trigger."""
    jobs = list(dag.needrun_jobs())
    touched = {lot: [job for job in jobs if job.wildcards_dict.get("lot") == lot] for lot in sealed}
    touched = {lot: own for lot, own in touched.items() if own}
    if not touched:
        return
    lines = []
    for lot, own in touched.items():
        lines.append(f"{lot} is sealed (revision {sealed[lot].revision}), but this run would regenerate it. Triggers:")
        lines += [f"    {line}" for line in _triggers(dag, own, set(jobs))]
    lots = " ".join(f"--revise {lot}" for lot in touched)
    raise KaryolotError(
        "\n".join(lines) + "\nNothing was started.\n"
        f'    -> to make a new revision: karyolot run {lots} --reason "..."\n'
        "    -> to leave sealed lots as they are and run the others: karyolot run --keep-sealed"
    )


def _triggers(dag: Any, own: Sequence[Any], planned: set[Any]) -> list[str]:
    """The jobs that start what makes these jobs necessary, with their reasons, in the order of the run."""
    found: dict[str, None] = {}
    waiting, seen = list(own), set(own)
    while waiting:
        job = waiting.pop()
        if _names(dag.reason(job)):
            found[f"{_named(job)}: {_why(dag.reason(job))}"] = None
        above = [other for other in dag.dependencies[job] if other in planned and other not in seen]
        seen.update(above)
        waiting += above
    return sorted(found) or [_named(job) for job in own]


def _names(reason: Any) -> list[str]:
    """Reasons of a job's own: not that another job makes its input."""
    missing = [name for name in OWN_REASONS if getattr(reason, name) - reason.updated_input_run]
    flags = ("forced", "input_changed", "code_changed", "params_changed", "software_stack_changed")
    return [*missing, *(name for name in flags if getattr(reason, name))]


def _started(
    directory: Path, dag: Any, settings: Config, configfiles: Sequence[str | Path], entries: Sequence[Entry]
) -> list[ledger.Event]:
    """The events of a start: the run, and inputs that are not those of the last run."""
    sheets = [resource(path, directory) for path in settings.sheets.model_dump().values()]
    named = [*(directory / path for path in configfiles), *sheets, resource(settings.acceptance, directory)]
    paths = list(dict.fromkeys(path for path in named if path.is_file()))
    inputs = {_relative(path, directory): sha256(path) for path in paths}
    jobs = list(dag.needrun_jobs())
    reasons = Counter(f"{job.rule.name}: {name}" for job in jobs for name in _names(dag.reason(job)))
    code = code_state()
    facts = {
        "version": code.karyolot_version,
        "commit": code.commit,
        "files_sha256": code.files_sha256,
        "inputs": inputs,
        "jobs": dict(sorted(Counter(job.rule.name for job in jobs).items())),
        "reasons": dict(sorted(reasons.items())),
        "lots": _lots(job for job in jobs if job.rule.name == RENDERING),
    }
    earlier = next((entry.facts["inputs"] for entry in reversed(entries) if entry.kind == "run_started"), inputs)
    changed = {
        path: {"old": earlier.get(path), "new": inputs.get(path)}
        for path in dict.fromkeys((*earlier, *inputs))
        if earlier.get(path) != inputs.get(path)
    }
    changes: list[ledger.Event] = [("inputs_changed", {"files": changed})] if changed else []
    return [*changes, ("run_started", facts)]


def _left_behind(directory: Path, entries: Sequence[Entry]) -> list[ledger.Event]:
    """What a run made whose end is not in the ledger, since it was killed, and its end."""
    last = next((entry for entry in reversed(entries) if entry.kind in ("run_started", "run_ended")), None)
    if last is None or last.kind == "run_ended":
        return []
    for lot in last.facts["lots"]:
        if lot not in sealed_lots(entries):
            sweep(directory / RESULTS / lot)
    return _ended(directory, entries, "killed", last.facts["lots"], last.facts["lots"])


def _issued(directory: Path, lots: Iterable[str], entries: Sequence[Entry], reason: str) -> list[ledger.Event]:
    code, sealed = rendering(), sealed_lots(entries)
    return [event for lot in lots if lot not in sealed for event in issued(directory, lot, entries, reason, code)]


def _lots(jobs: Iterable[Any]) -> list[str]:
    return sorted({job.wildcards_dict["lot"] for job in jobs})


def _named(job: Any) -> str:
    return " ".join((job.rule.name, *map(str, job.wildcards_dict.values())))


def _why(reason: Any) -> str:
    """Snakemake's reason on one line; of params that differ only in the digest of a step's code it states that."""
    text = " ".join(str(reason).split())
    if OTHER_CODE.search(text):
        return "its code is of another version of karyolot"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _relative(path: Path, directory: Path) -> str:
    """A path as the settings name it, without folders of this machine."""
    return path.relative_to(directory).as_posix() if path.is_relative_to(directory) else portable(str(path))


def _stop(message: str) -> None:
    sys.stderr.write(f"{message}\n")
    raise SystemExit(INPUT_ERROR)
