"""A wheel and a source archive say which commit they were built from, as they have no git to ask."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAME = "built_from.json"
PLACES = {"wheel": f"karyolot/project/{NAME}", "sdist": NAME}


class BuiltFrom(BuildHookInterface):
    """Adds the file that `karyolot.plan.provenance.git_state` reads: the commit, and whether anything differed from it.

    Where git knows nothing there is no file, and the commit of the results is unknown.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Hatchling calls this before it builds. version "editable": the checkout itself runs, and has its git."""
        self.folder = Path(tempfile.mkdtemp())
        kept = Path(self.root) / NAME  # of an unpacked source archive
        if version != "editable" and (source := kept if kept.is_file() else self.ask_git()):
            build_data["force_include"][str(source)] = PLACES[self.target_name]

    def ask_git(self) -> Path | None:
        """A new file with the state of the checkout; None when git cannot say."""
        try:
            state = {"commit": self.git("rev-parse", "HEAD"), "dirty": bool(self.git("status", "--porcelain"))}
        except (OSError, subprocess.CalledProcessError):
            return None
        (self.folder / NAME).write_text(json.dumps(state) + "\n", encoding="utf-8")
        return self.folder / NAME

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Hatchling calls this when it has built."""
        shutil.rmtree(self.folder)

    def git(self, *words: str) -> str:
        place = ["--git-dir", f"{self.root}/.git", "--work-tree", self.root]  # never that of a folder above
        return subprocess.run(["git", *place, *words], capture_output=True, text=True, check=True).stdout.strip()
