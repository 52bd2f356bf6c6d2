"""Command lines of the documentation."""

import re
from pathlib import Path
from typing import Any

import typer

from karyolot.commands import cli

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "config/README.md", *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md")))]
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", flags=re.M | re.S)
PROGRAMS = r"karyolot|\./run|\.venv/[\w/]+|snakemake|multiqc|rocrate-validator|sinfo|pip"
SPAN = re.compile(rf"`((?:{PROGRAMS}) [^`]+)`")
USAGE_ERROR = typer.BadParameter.__bases__[0]


def complete(words: list[str]) -> bool:
    """Whether words after karyolot are a command with all that it needs: others in the text only name one."""
    command: Any = typer.main.get_command(cli.app)
    while hasattr(command, "commands"):
        if not words or words[0] not in command.commands:
            return False
        command, words = command.commands[words[0]], words[1:]
    try:
        command.make_context("karyolot", list(words))
    except USAGE_ERROR:
        return False
    return bool(words)


def commands(page: str) -> list[str]:
    """The command lines of a page in its order: those of its blocks marked sh, and whole commands in its text."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert not [kind for kind, _ in FENCE.findall(text) if kind not in ("sh", "python")], page
    blocks = "".join(block for kind, block in FENCE.findall(text) if kind == "sh").replace("\\\n", " ")
    lines = [line.partition("  #")[0] for line in blocks.splitlines()]
    for span in SPAN.findall(FENCE.sub("", text)):
        words = span.split()
        if words[0] != "karyolot" or complete(words[1:]):
            lines.append(span)
    return list(filter(None, (" ".join(line.split()) for line in lines)))
