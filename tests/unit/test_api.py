"""The public interface: what it names, what an import of it costs, and what it returns of a finished study."""

import inspect
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

import karyolot
import planted_records
from karyolot import api
from karyolot.commands.call import call as commands_call
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.record import Record
from karyolot.io.record import write_report

PUBLIC = [getattr(karyolot, name) for name in karyolot.__all__ if not name.startswith("__")]


def test_what_is_public_is_there_and_nothing_else() -> None:
    assert set(dir(karyolot)) == set(karyolot.__all__)
    assert all(one.__module__ == "karyolot.api" for one in PUBLIC)
    with pytest.raises(AttributeError, match="it has Picture, __version__, call"):
        karyolot.nothing  # noqa: B018
    defined = {name for name, one in vars(api).items() if getattr(one, "__module__", "") == "karyolot.api"}
    assert defined == {one.__name__ for one in PUBLIC}


def test_an_import_costs_no_library() -> None:
    libraries = ("pandas", "numpy", "pydantic", "typer", "jinja2")
    code = f"import karyolot, sys; karyolot.__version__; print([m for m in {libraries} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def public_functions() -> list[Callable[..., object]]:
    """Functions of the public interface, and methods of its classes."""
    methods = [
        one for kind in filter(inspect.isclass, PUBLIC) for _, one in inspect.getmembers(kind, inspect.isfunction)
    ]
    return [*filter(inspect.isfunction, PUBLIC), *(one for one in methods if not one.__name__.startswith("_"))]


@pytest.mark.parametrize("one", public_functions(), ids=lambda one: one.__qualname__)
def test_public_functions_are_documented_in_full(one: Callable[..., object]) -> None:
    """In sections of numpydoc, in its order: every parameter, what is returned, and every fault that can be raised."""
    text = inspect.getdoc(one) or ""
    titles = re.findall(r"^(\w+)\n(-+)$", text, flags=re.M)
    assert all(len(title) == len(line) for title, line in titles), one.__qualname__
    order = ["Parameters", "Returns", "Raises", "Notes"]
    found = [title for title, _ in titles]
    assert found == [title for title in order if title in found], one.__qualname__
    bodies = dict(zip(found, re.split(r"^\w+\n-+\n", text, flags=re.M)[1:], strict=True))
    entries = {title: re.findall(r"^(\S.*)$", body, flags=re.M) for title, body in bodies.items()}
    listed = ", ".join(entries["Parameters"]).split(", ")
    assert listed == [name for name in inspect.signature(one).parameters if name != "self"], one.__qualname__
    assert len(entries["Returns"]) == 1 and text.partition("\n")[0].endswith("."), one.__qualname__
    raises = (
        one.__name__ != "lots" and one.__name__ != "plot_genome"
    )  # an empty folder has no lots; a record can be drawn
    assert entries.get("Raises", []) == ["KaryolotError"] * raises, one.__qualname__
    undescribed = [title for title, body in bodies.items() if title != "Notes" and "\n    " not in f"\n{body}"]
    assert not undescribed, one.__qualname__


@pytest.mark.parametrize("one", [one for one in PUBLIC if inspect.isclass(one)], ids=lambda one: one.__name__)
def test_public_classes_list_their_attributes(one: type) -> None:
    listed = (inspect.getdoc(one) or "").partition("\nAttributes\n----------\n")[2]
    assert set(re.findall(r"^(\w+)$", listed, flags=re.M)) == {field.name for field in fields(one)}


def test_records_and_pictures_of_a_study(tmp_path: Path) -> None:
    record = planted_records.failing()
    lot = record.lot.lot_id
    write_report(record, tmp_path / "results" / lot / "report.json")
    assert karyolot.lots(tmp_path) == [lot]
    read = karyolot.read_record(str(tmp_path), lot)
    assert isinstance(read, Record) and read.verdict.outcome == "FAIL"
    picture = karyolot.plot_genome(read)
    assert ET.fromstring(picture._repr_svg_()).tag == "{http://www.w3.org/2000/svg}svg"
    assert picture.save(tmp_path / "genome.svg").read_text(encoding="utf-8") == picture.svg
    assert picture.save(tmp_path / "genome.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(KaryolotError, match=r"\.svg or \.png"):
        picture.save(tmp_path / "genome.jpg")


@pytest.mark.parametrize("record", [planted_records.failing(), planted_records.thin()], ids=["with RNA", "without"])
def test_tables_are_those_of_the_lot(record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lot = record.lot.lot_id
    write_report(record, tmp_path / "results" / lot / "report.json")
    monkeypatch.setattr("karyolot.io.tables.read_table", lambda path, contract: (path.relative_to(tmp_path), contract))
    read = {
        name: (str(path), contract.__name__) for name, (path, contract) in karyolot.read_tables(tmp_path, lot).items()
    }  # type: ignore[misc]
    assert read["arms"] == (f"results/{lot}/dna/arms.parquet", "Arms")
    assert read["log_ratios"] == (f"results/{lot}/dna/log_ratios.parquet", "LogRatios")
    assert ("differential" in read) == (record.expression is not None)
    assert {path.split("/")[2] for path, _ in read.values()} == ({"dna", "rna"} if record.expression else {"dna"})


def test_what_a_lot_does_not_have_is_said(tmp_path: Path) -> None:
    record = planted_records.thin()
    lot = record.lot.lot_id
    write_report(record, tmp_path / "results" / lot / "report.json")
    with pytest.raises(KaryolotError, match="has no RNA"):
        karyolot.read_expression(tmp_path, lot)
    with pytest.raises(KaryolotError, match="no record of a lot"):
        karyolot.read_tables(tmp_path, "other")


def test_call_is_the_command(tmp_path: Path) -> None:
    with pytest.raises(KaryolotError, match="absent"):
        karyolot.call(tmp_path / "absent.tsv", tmp_path / "absent.tsv", tmp_path / "out", sex="F")
    command = inspect.signature(commands_call).parameters.keys() - {"settings", "rt"}
    assert command | {"replication_timing"} == inspect.signature(karyolot.call).parameters.keys()
