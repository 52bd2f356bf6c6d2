"""Pages of the site that are made from the code: settings, files, criteria, problems, commands, Python, releases.

MkDocs calls `on_files` and `on_page_markdown` (mkdocs.yml, `hooks`); nothing that this module makes is committed.
"""

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import typer
import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import karyolot
from karyolot.commands import defaults
from karyolot.commands.cli import app
from karyolot.commands.run import HINTS
from karyolot.contracts import alleles, copy_number, drivers, expression, metrics
from karyolot.contracts.copy_number import Table
from karyolot.contracts.problems import CODES
from karyolot.contracts.settings import Config
from karyolot.io import results
from karyolot.io.expression import EXPRESSION
from karyolot.io.shipped import PROJECT, RESOURCES
from karyolot.plan import files
from karyolot.plan.variants import DRIVER_LOCI

ROOT = Path(__file__).resolve().parents[1]
FORMATS = """# File formats

Tables of results are parquet with a seal over their content; most are also written as TSV under the same name. LOT and SAMPLE
stand for their names. Coordinates are 0-based and half-open. *Null* states whether a cell may be empty, which means: not known or
not applicable.

## Sample sheets

Tab-separated text, read with or without a byte-order mark, from any spreadsheet.
"""
CRITERIA = """The limits of a criterion are tested in order; the first one that is not met gives the outcome. A required criterion
that cannot be assessed makes the lot INDETERMINATE. A site states its own document in the setting `acceptance`.

"""
COMMANDS = """# Commands

In a clone: `./run karyolot ...`. Exit codes: 0 done (a verdict may be FAIL), 1 a rule failed, 2 an input error.
"""
PYTHON = """# Python reference

`import karyolot` gives the names below. They are the public interface: they change only with the major version. Everything else
in the package may change with any version. PathLike is a path as text or as `pathlib.Path`.
"""


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    cells = ([str(cell).replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines)
    return "\n".join("| " + " | ".join(line) + " |" for line in cells) + "\n"


def prose(docstring: str | None) -> str:
    """A docstring as Markdown: paragraphs on one line each, names in code font as they stand."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(docstring or ""))
    return "\n\n".join(" ".join(part.split()) for part in paragraphs)


# Pages


def settings_page() -> str:
    """Every setting of config.yaml, by section."""
    parts = [
        "# Settings\n",
        "`config/config.yaml` holds the settings that differ from these defaults; unknown ones are refused.\n",
    ]
    for name, field in Config.model_fields.items():
        section = defaults.section_of(field)
        if section is None:
            parts.append(f"\n## {name}\n\n{field.description}\n\nDefault: `{json.dumps(field.default)}`\n")
            continue
        parts.append(f"\n## {name}\n\n{prose(section.__doc__)}\n\n{defaults.settings_of(name, section)}\n")
    return "".join(parts)


def formats_page() -> str:
    """Sheets and result tables, from their schemas."""
    parts = [FORMATS]
    for name, model in defaults.SHEETS.items():
        parts.append(f"\n### `{name}.tsv`\n\n{prose(model.__doc__)}\n\n{defaults.columns_of(model)}\n")
    found = files_of()
    for module, schemas in groupby(found, key=lambda schema: schema.__module__):
        parts.append(f"\n## {module.rpartition('.')[2].replace('_', ' ').capitalize()}\n")
        parts += [
            f"\n### {one.__name__}\n\n{', '.join(found[one])}\n\n{prose(one.__doc__)}\n\n{columns(one)}"
            for one in schemas
        ]
    parts.append(
        "\n## The record\n\n`results/LOT/report.json` holds every number and sentence of a report. Its fields are described in"
        " `resources/report.schema.json`, a JSON schema.\n"
    )
    return "".join(parts)


def files_of() -> dict[type[Table], list[str]]:
    """Schema of every table that a run writes -> its files, the tables of a module one after another."""
    dna, rna = files.DNA.named(), files.RNA.named()
    found_in = (files.VARIANTS.named(), files.MITOCHONDRIA.named(), files.FOREIGN.named())
    written: list[tuple[Any, str]] = [
        (copy_number.Bins, files.BINS),
        (copy_number.Counts, files.COUNTS),
        *((schema, dna[name]) for name, schema in results.COPY_NUMBER.items()),
        (alleles.Sites, files.SITES),
        (alleles.AlleleCounts, files.ALLELES),
        (alleles.Pairs, files.PAIRS),
        *((schema, files.LOT_ALLELES.named()[name]) for name, schema in results.ALLELES.items()),
        (drivers.DriverLoci, DRIVER_LOCI),
        *(
            (schema, named[name])
            for (tables, _), named in zip(results.FOUND.values(), found_in, strict=True)
            for name, schema in tables.items()
        ),
        (expression.TranscriptGenes, files.TRANSCRIPT_GENES),
        (expression.Genes, files.GENES),
        *((schema, rna[name]) for name, schema in EXPRESSION.items()),
        (expression.ArmShifts, rna["arms"]),
        (expression.PanelComparison, rna["panel_comparison_table"]),
        (expression.DifferentialExpression, rna["panel_genes"]),
        (expression.Components, rna["panel_components"]),
        (expression.DifferentialExpression, files.STUDY_DIFFERENTIAL),
        *((schema, files.STUDY.named()[name]) for name, schema in results.STUDY.items()),
    ]
    found: dict[type[Table], list[str]] = {}
    for schema, file in written:
        found.setdefault(schema, []).append(f"`{file.format(lot='LOT', sample='SAMPLE')}`")
    return found


def columns(schema: type[Table]) -> str:
    """Columns of a schema: type, whether null is allowed, limits of the values."""
    kinds = {"str": "text", "int64": "whole number", "float64": "number", "bool": "yes or no"}
    rows = [
        (
            f"`{name}`",
            kinds.get(str(column.dtype), column.dtype),
            "yes" if column.nullable else "",
            allowed(column.checks),
        )
        for name, column in schema.to_schema().columns.items()
    ]
    return table(("column", "type", "null", "allowed"), rows)


def allowed(checks: Iterable[Any]) -> str:
    """Checks of a column in words. Raises KeyError for a kind of check that has none here."""
    signs = {"min_value": ">=", "max_value": "<="}
    words = []
    for check in checks:
        ((name, value),) = check.statistics.items()
        if name in signs:
            strict = check.name in ("greater_than", "less_than")
            words.append(f"{signs[name][: 1 if strict else 2]} {value:g}")
        else:
            words.append({"allowed_values": ", ".join, "pattern": lambda one: f"`{one}`"}[name](value))
    return " and ".join(words)


def criteria_page() -> str:
    """The shipped acceptance criteria with their sources."""
    document = yaml.safe_load((RESOURCES / "acceptance.yaml").read_text(encoding="utf-8"))
    rows = []
    for one in document["criteria"]:
        limits = "; ".join(f"{limit['op']} {limit['value']}, else {limit['on_breach']}" for limit in one["limits"])
        needed = "yes" if one["required"] else ""
        rows.append(
            (one["id"], one["title"], f"`{one['metric']}`", limits, one["unit"], needed, one["source"], one["reason"])
        )
    header = ("id", "criterion", "metric", "limits", "unit", "required", "source", "reason")
    return (
        f"# Acceptance criteria\n\n{document['name']}, version {document['version']} (`resources/acceptance.yaml`). {CRITERIA}"
        f"{table(header, rows)}\n## Metrics\n\n"
        + table(
            ("metric", "what it is", "unit", "values", "null when"),
            [(f"`{name}`", name.meaning, name.unit, name.values, name.null) for name in metrics.MetricName],
        )
    )


def problems_page() -> str:
    """Problem codes, and what a failed job says with its remedy."""
    kinds = {"E": "Errors: nothing is run", "W": "Warnings"}
    parts = [
        "# Problem codes\n\n`karyolot check` and every run report all problems in one pass, each with file, line and remedy.\n"
    ]
    for letter, codes in groupby(CODES.items(), key=lambda item: item[0][0]):
        rows = [(f"`{code}`", meaning) for code, meaning in codes]
        parts.append(f"\n## {kinds[letter]}\n\n{table(('code', 'meaning'), rows)}")
    return "".join(parts)


def hints() -> str:
    """Messages of failed jobs and what to do."""
    rows = []
    for pattern, remedy in HINTS.items():
        words = [
            re.sub(r"\\[bds]\+?|[\\^$](?!\.)|\(\?:?|\[[^]]*\]\??|[)?+*]", " ", part).strip()
            for part in pattern.split("|")
        ]
        shown = [
            " ".join(word.replace("\\.", ".").split()).removesuffix(": ' '") for word in words if len(word.strip()) > 4
        ]
        typed = re.sub(
            r"(-- )?--[a-z-]+( mem_mb=\d+| conda)?|\./run \w+|df -h \S+ /tmp|\w+/\w+\.tsv", r"`\g<0>`", remedy
        )
        rows.append((", ".join(f"`{word}`" for word in dict.fromkeys(shown)), typed))
    return table(("the log says", "what to do"), rows)


def commands_page() -> str:
    """Every command with its options, from the command line itself."""
    parts = [COMMANDS]
    for path, command in all_commands(typer.main.get_command(app), ()):
        name = " ".join(("karyolot", *path))
        parts.append(f"\n## {name}\n\n{prose(command.help)}\n\n")
        context = command.make_context(name, [], resilient_parsing=True)
        rows = []
        for option in command.get_params(context):  # typer brings a click of its own
            if option.param_type_name == "argument":
                rows.append((f"`{(option.name or '').upper()}`", getattr(option, "help", None) or ""))
            elif (record := option.get_help_record(context)) and "--help" not in record[0]:
                rows.append((f"`{record[0]}`", record[1]))
        parts.append(table(("argument or option", "meaning"), rows) if rows else "")
        if command.epilog:
            parts.append(f"\n{command.epilog}\n")
    return "".join(parts)


def all_commands(group: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Commands of a group and of the groups inside it."""
    for name, command in getattr(group, "commands", {}).items():
        if hasattr(command, "commands"):
            yield from all_commands(command, (*path, name))
        else:
            yield (*path, name), command


def python_page() -> str:
    """The public interface of the package, from its docstrings."""
    parts = [PYTHON]
    for name in karyolot.__all__:
        one = getattr(karyolot, name)
        if name.startswith("__"):
            continue
        signature = readable(str(inspect.signature(one))) if inspect.isfunction(one) else ""
        parts.append(
            f"\n## karyolot.{name}\n\n```python\n{name}{signature}\n```\n\n{sections(inspect.getdoc(one) or '')}\n"
        )
        for method, function in inspect.getmembers(one, inspect.isfunction) if inspect.isclass(one) else ():
            if not method.startswith("_"):
                parts.append(f"\n### {name}.{method}\n\n{sections(inspect.getdoc(function) or '')}\n")
    return "".join(parts)


def readable(signature: str) -> str:
    """A signature without quotes around types, and with their short names."""
    unquoted = re.sub(r"(: |-> )'([^']*)'", r"\1\2", signature.replace("str | os.PathLike[str]", "PathLike"))
    return re.sub(r"\b(?:\w+\.)+(?=[A-Z]\w*\b)", "", unquoted)


def sections(docstring: str) -> str:
    """A numpydoc docstring as Markdown: sections as bold words, parameters as a list."""
    head, *rest = re.split(r"^(\w+)\n-+\n", docstring, flags=re.M)
    text = prose(head).replace("``", "`") + "\n"
    for title, body in zip(rest[::2], rest[1::2], strict=True):
        text += f"\n**{title}**\n\n"
        if title == "Notes":
            text += f"{prose(body).replace('``', '`')}\n"
            continue
        for entry in re.split(r"\n(?=\S)", body.strip("\n")):
            name, _, description = entry.partition("\n")
            text += f"- `{name}`: {' '.join(description.split()).replace('``', '`')}\n"
    return text


def releases_page() -> str:
    """CHANGELOG.md."""
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").replace("# Changelog", "# Release notes", 1)


PAGES = {
    "settings.md": settings_page,
    "formats.md": formats_page,
    "criteria.md": criteria_page,
    "problems.md": problems_page,
    "commands.md": commands_page,
    "python-reference.md": python_page,
    "releases.md": releases_page,
}
FILLED = {"<!-- hints -->": hints, "<!-- references -->": defaults.references}
"""Marks in written pages that are replaced."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """MkDocs calls this with the files of docs/; the generated pages are added."""
    assert PROJECT == ROOT, f"karyolot is imported from {PROJECT}: set PYTHONPATH to workflow/ of this checkout"
    for name, make in PAGES.items():
        files.append(File.generated(config, name, content=make()))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """MkDocs calls this for every page: marks are filled, and the version is that of the package."""
    for mark, make in FILLED.items():
        if mark in markdown:
            markdown = markdown.replace(mark, make())
    return markdown.replace("VERSION", karyolot.__version__) if page.file.src_uri != "releases.md" else markdown
