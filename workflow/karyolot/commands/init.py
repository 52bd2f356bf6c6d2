"""`karyolot init`: a new working directory, with the sheets and settings a person fills in."""

import os
import shutil
from pathlib import Path

from karyolot.contracts.problems import KaryolotError
from karyolot.io.shipped import PROJECT


def init(directory: Path) -> list[Path]:
    """Make DIR/config with the templates of all sheets and settings; returns its files.

    The folder appears whole or not at all. Raises KaryolotError when there is a config/ already.
    """
    folder = directory / "config"
    if folder.exists() or folder.is_symlink():
        raise KaryolotError(f"{folder} exists already, and is left as it is; name another directory")
    part = directory / f".config.part-{os.getpid()}"
    try:
        shutil.copytree(PROJECT / "config", part, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        part.rename(folder)
    except OSError as error:
        raise KaryolotError(
            f"{directory}: the folder config cannot be made ({error.strerror or error}); choose another folder"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return sorted(folder.iterdir())
