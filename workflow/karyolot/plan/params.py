"""What a rule's script depends on: its settings, its log, and the certainty that it runs the code that was planned."""

import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from karyolot.contracts.problems import OF_THE_MACHINE, KaryolotError
from karyolot.io.shipped import PACKAGE, SCRIPTS
from karyolot.plan.provenance import code_digest, libraries_of

Settings = TypeVar("Settings", bound=BaseModel)


def step(rule: str, settings: BaseModel | None = None, without: str = "") -> dict[str, Any]:
    """The `params` every script rule carries: its slice of the settings, the digest of its code, versions of libraries.

    without: a setting of the slice that the rule does not read, and so need not run again for.
    A change of any makes Snakemake run the rule again, and only what follows from it.
    """
    return {
        "settings": settings.model_dump(mode="json", exclude={without}) if settings is not None else {},
        "code": code_digest(SCRIPTS / f"{rule}.py"),
        "libraries": libraries_of(SCRIPTS / f"{rule}.py"),
    }


def programs(*modules: str) -> dict[str, Any]:
    """As `step`, for a rule whose shell command runs modules of the package: digest of their code, versions of libraries."""
    paths = [PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py") for module in modules]
    return {"code": [code_digest(path) for path in paths], "libraries": libraries_of(*paths)}


def only_if(wanted: object, **outputs: Any) -> dict[str, Any]:
    """Outputs of a rule that it makes under some settings; none where `wanted` is empty or False."""
    return outputs if wanted else {}


def state_of(paths: str | Iterable[str]) -> list[tuple[int, int]]:
    """Size in bytes and time of the last change (ns) of one or several input files; of a missing one (-1, -1).

    Among the `params` of the rules that verify what a user gives: Snakemake itself notices a file that is newer than the
    results, not one that was replaced by a file with an older time stamp.
    """
    named = map(Path, [paths] if isinstance(paths, str) else paths)
    found = (path.stat() if path.is_file() else None for path in named)
    return [(-1, -1) if state is None else (state.st_size, state.st_mtime_ns) for state in found]


@contextmanager
def job(snakemake: Any, settings: type[Settings]) -> Iterator[Settings]:
    """Run a script's body with stdout, stderr and warnings in the rule's log; yields the typed settings.

    Raises SystemExit(1) on failure: with one message for a fault of the data or the disk, with the traceback for a bug of ours.
    """
    rule = Path(snakemake.log[0]).name.partition(".")[0]  # whoever uses the workflow as a module may rename its rules
    # Snakemake's own descriptors are redirected, so that what a C library prints lands in the log as well.
    with Path(snakemake.log[0]).open("w", encoding="utf-8") as log:
        sys.stdout.flush()
        sys.stderr.flush()
        shown = os.dup(2)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            if code_digest(SCRIPTS / f"{rule}.py") != snakemake.params.code:
                raise KaryolotError(
                    f"karyolot as imported here ({PACKAGE}) is not the code that planned this job; start the run again"
                )
            yield settings.model_validate(snakemake.params.settings)
        except KaryolotError as fault:
            message = f"{rule}: {fault}\n"
        except OSError as error:
            of_machine = error.errno in OF_THE_MACHINE
            message = f"{rule}: {error}; fix this and run again\n" if of_machine else traceback.format_exc()
        except Exception:
            message = traceback.format_exc()
        else:
            message = ""
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(shown, 1)
            os.dup2(shown, 2)
            os.close(shown)
        log.write(message)
    if message:
        raise SystemExit(1)
