"""Gene sets, their axes, and markers: what the check accepts the run reads."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karyolot.contracts.expression import MarkerPanel, SetAxes
from karyolot.contracts.problems import Fault
from karyolot.inputs.formats import gene_sets, markers
from karyolot.io.shipped import RESOURCES, aliases

AXES = "set_name\taxis\tinformational\n"
MARKERS = "gene_name\tgroup\texpected\tsource\treason\n"


def put(tmp_path: Path, text: str, name: str = "sets.gmt") -> Path:
    path = tmp_path / name
    path.write_text(text, newline="")
    return path


@pytest.mark.parametrize(
    ("text", "genes"),
    [
        ("A\td\t ALB \tAFP\r\n", {"ALB", "AFP"}),
        ("A\td\tALB\t\t\tAFP\tALB\t\n\n", {"ALB", "AFP"}),
        ("A\t\tHLA-DRA\n", {"HLA-DRA"}),
        ("A\td\tCYR61\tCTGF\n", {"CCN1", "CCN2"}),
        ("A\td\t30000\t40001\t7157\n", {"30000", "40001", "7157"}),
    ],
)
def test_sets_are_read_without_spaces_and_under_todays_symbols(tmp_path: Path, text: str, genes: set[str]) -> None:
    path = put(tmp_path, text)
    assert gene_sets.look(path).sets == {"A": genes}
    sets, axes = gene_sets.read([path], put(tmp_path, AXES + "A\tx\tno\n", "axes.tsv"))
    assert sets == {"A": genes}
    assert SetAxes.of(axes).to_numpy().tolist() == [["A", "x", "no"]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("A\td\tALB,1.0\tAFP,0.5\n", "line 1: holds genes with weights ('ALB,1.0'), as Enrichr writes them"),
        ("A\td\tALB\nA\td\tAFP\n", "line 2: the gene set 'A' occurs twice"),
        ("A\tALB\n", "line 1: is not GMT"),
        ("A\td\t \t\n", "line 1: is not GMT"),
        ("\td\tALB\n", "line 1: is not GMT"),
        ("set,gene\nA,ALB\n", "line 1: is not GMT"),
        ("\n", "holds no gene set"),
        ("A\td\tALB\t1-Mar\nB\td\t2-Sep\tAFP\t01. Mrz\n", "3 gene names are what a spreadsheet made"),
        ("A\td\tALB\t1-Mar\n", "line 1: the gene name '1-Mar' is a date"),
    ],
)
def test_a_bad_gmt_is_refused_alike_by_check_and_run(tmp_path: Path, text: str, says: str) -> None:
    path = put(tmp_path, text)
    with pytest.raises(Fault) as seen:
        gene_sets.look(path)
    with pytest.raises(Fault) as run:
        gene_sets.read([path], put(tmp_path, AXES, "axes.tsv"))
    assert says in str(run.value) and str(run.value) == str(seen.value.named(str(path)))


def test_axes_name_sets_that_are_there(tmp_path: Path) -> None:
    one, other = put(tmp_path, "A\td\tALB\n"), put(tmp_path, "B\td\tAFP\n", "other.gmt")
    axes = put(tmp_path, AXES + "B\tx\tno\nA\ty\tyes\n", "axes.tsv")
    assert list(gene_sets.read([one, other], axes)[0]) == ["B", "A"], "in the order of the axes"
    with pytest.raises(Fault, match=r"axes.tsv, line 2: the gene set 'B' is in none of .*sets.gmt; correct its name"):
        gene_sets.read([one], axes)
    with pytest.raises(Fault, match=r"the gene set 'A' is in another file too"):
        gene_sets.read([one, put(tmp_path, "A\td\tAFP\n", "third.gmt")], axes)
    for row, says in (
        ("B\tx\tmaybe\n", "line 2: informational is 'maybe'"),
        ("A\tx\tno\n" * 2, "line 3: the set 'A' occurs"),
    ):
        with pytest.raises(Fault, match=says):
            gene_sets.read([one, other], put(tmp_path, AXES + row, "axes.tsv"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ALB\tliver\thigher\ts\tr\n", "line 2: expected is 'higher'; write down, up"),
        ("ALB\tliver\tup\ts\tr\n" * 2, "line 3: ALB occurs twice in the group 'liver'"),
        ("CYR61\tYAP\tup\ts\tr\nCCN1\tYAP\tup\ts\tr\n", "line 3: CCN1 occurs twice"),
        ("2-Sep\tliver\tup\ts\tr\n", "line 2: the gene name '2-Sep' is a date"),
        (
            "43891\tliver\tup\ts\tr\nALB\tliver\tup\ts\tr\nAFP\tliver\tup\ts\tr\n",
            "line 2: the gene name '43891' is a day",
        ),
        ("\tliver\tup\ts\tr\n", "line 2: the row has no gene name"),
        ("", "holds no gene"),
        ("ALB\tliver\tup\ts\n", "line 2: the row has 4 cells and the header 5"),
    ],
)
def test_a_bad_marker_table_is_refused_alike_by_check_and_run(tmp_path: Path, text: str, says: str) -> None:
    path = put(tmp_path, MARKERS + text, "markers.tsv")
    with pytest.raises(Fault) as run:
        markers.read(path)
    try:
        seen = markers.look(path).faults[0]
    except Fault as fault:
        seen = fault
    assert says in str(run.value) and str(run.value) == str(seen.named(str(path)))


def test_former_symbols_are_read_as_todays(tmp_path: Path) -> None:
    path = put(tmp_path, MARKERS + "CYR61\tYAP\tup\ts\tr\nALB\tliver\tup\ts\tr\n", "markers.tsv")
    assert markers.look(path).former == ["CYR61"]
    assert MarkerPanel.of(markers.read(path))["gene_name"].tolist() == ["CCN1", "ALB"]


def test_shipped_aliases_are_of_shipped_markers() -> None:
    today = {row["gene_name"] for _, row in markers.look(RESOURCES / "markers.tsv").rows}
    assert set(aliases().values()) <= today
    assert not set(aliases()) & today
    lines = (RESOURCES / "aliases.tsv").read_text().splitlines()
    assert lines[0] == "former\tsymbol\tsource" and all("HGNC:" in line for line in lines[1:])
    assert len(aliases()) == len(lines) - 1, "a former symbol is of one gene"


PIECES = [
    *"\t\n",
    "A",
    "B",
    "d",
    "ALB",
    " ",
    ",1.0",
    "1-Mar",
    "\r",
    "\x00",
    "A\td\tALB\n",
    "B\td\tAFP\n",
    "CYR61",
    AXES,
    "no",
]
PIECES += [MARKERS, "ALB\tliver\tup\ts\tr\n", "AFP\tliver\tup\ts\tr\n", "A\tx\tno\n", "#"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(text=st.lists(st.sampled_from(PIECES), max_size=10).map("".join), head=st.sampled_from(["", AXES, MARKERS]))
def test_what_the_check_accepts_the_run_reads(tmp_path: Path, text: str, head: str) -> None:
    path, none = put(tmp_path, head + text), put(tmp_path, AXES, "axes.tsv")
    sets = rows = axes = None
    with suppress(Fault):
        sets = gene_sets.look(path).sets
    with suppress(Fault):
        gene_sets.read([path], none)
        assert sets is not None
        sets = None
    assert sets is None, "accepted by the check alone"
    with suppress(Fault):
        facts = markers.look(path)
        rows = None if facts.faults else [row["gene_name"] for _, row in facts.rows]
    with suppress(Fault):
        assert MarkerPanel.of(markers.read(path))["gene_name"].tolist() == rows
        rows = None
    assert rows is None, "accepted by the check alone"
    with suppress(Fault):
        found = gene_sets.look_axes(path)
        axes = None if found.faults else [row["set_name"] for _, row in found.rows]
    gmt = put(tmp_path, "".join(f"{name}\td\tALB\n" for name in axes or ["A"] if name), "all.gmt")
    if axes and all(axes):
        assert list(gene_sets.read([gmt], path)[0]) == axes
