"""`karyolot init` and `add-lot`: rows as a person would write them, checked before they are written, never half."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karyolot.commands import add_lot as intake
from karyolot.commands.add_lot import Cells
from karyolot.commands.init import init
from karyolot.contracts.problems import KaryolotError
from karyolot.inputs import check
from karyolot.inputs.sheets import parse_sheet
from karyolot.io.files import sha256

ODD = 'a "study" it\'s $(touch owned)'
SHEETS = ("donors", "samples", "lots")
LOT = {"lot_id": "L9", "donor_id": "D1", "passage": "5"}


def reads(name: str) -> str:
    return f"reads/{name}_L1_R1.fastq.gz,reads/{name}_L1_R2.fastq.gz"


def samples_of(lot: str, name: str = "L1-clean") -> list[Cells]:
    return intake.rows_of({"lot_id": lot}, "wgs", [reads(f"{name}-wgs")], {})


def add(directory: Path, donors: Sequence[Cells], samples: Sequence[Cells], lot: Cells) -> intake.Addition:
    addition = intake.propose(directory, donors, intake.with_checksums(samples, directory), [lot])
    intake.write(addition)
    return addition


def sheets(directory: Path) -> dict[str, bytes]:
    """Every file of the config folder."""
    return {path.name: path.read_bytes() for path in (directory / "config").iterdir()}


@pytest.fixture
def place(study: Path, tmp_path: Path) -> Path:
    """The tiny study without its first lot, in a folder with an odd name; reads are links."""
    directory = tmp_path / ODD
    shutil.copytree(study, directory, ignore=shutil.ignore_patterns("reads", "reference"))
    for folder in ("reads", "reference"):
        (directory / folder).symlink_to(study / folder)
    for name in ("samples", "lots"):
        sheet = directory / "config" / f"{name}.tsv"
        lines = sheet.read_text().splitlines(keepends=True)
        kept = (line for line in lines if not line.startswith("L1-clean"))
        sheet.write_text("".join(line.replace("\tL1-clean\t", "\t\t") for line in kept))  # nor as a parent
    return directory


@pytest.fixture
def new(study: Path, tmp_path: Path) -> Path:
    """A new working directory with the genome of the tiny study, and no row yet."""
    directory = tmp_path / ODD
    init(directory)
    for name in ("config.yaml", "acceptance.yaml"):
        shutil.copy(study / "config" / name, directory / "config" / name)
    for folder in ("reads", "reference"):
        (directory / folder).symlink_to(study / folder)
    return directory


# init


def test_init_makes_the_templates(tmp_path: Path, root: Path) -> None:
    made = init(tmp_path / ODD)
    assert {path.name for path in made} == {path.name for path in (root / "config").iterdir()}
    assert all(path.read_bytes() == (root / "config" / path.name).read_bytes() for path in made)
    assert [path.name for path in (tmp_path / ODD).iterdir()] == ["config"]


def test_init_leaves_what_is_there(tmp_path: Path) -> None:
    mine = tmp_path / "config" / "lots.tsv"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(KaryolotError, match="exists already"):
        init(tmp_path)
    assert mine.read_text() == "mine" and len(list(tmp_path.rglob("*"))) == 2


def test_an_interrupted_init_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(source: str, target: str, **_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", stop)
    monkeypatch.setattr(shutil.copytree, "__defaults__", (False, None, stop, False, False))
    with pytest.raises(KaryolotError, match="cannot be made"):
        init(tmp_path)
    assert list(tmp_path.iterdir()) == []


# rows


def test_whole_genome_files_are_lanes_of_one_sample() -> None:
    rows = intake.rows_of({"lot_id": "L9"}, "wgs", ["a_1.fq,a_2.fq", "b_1.fq,b_2.fq"], {"platform": "X"})
    assert rows == [
        {"sample_id": "L9-wgs", "assay": "wgs", "lot_id": "L9", "fastq_1": f"{lane}_1.fq", "fastq_2": f"{lane}_2.fq",
         "platform": "X", "lane": number} for lane, number in (("a", "L1"), ("b", "L2"))
    ]  # fmt: skip


def test_rna_files_are_samples_unless_they_are_named_alike() -> None:
    rows = intake.rows_of({"donor_id": "D1"}, "rnaseq", ["a.fastq.gz", "X=b.fq,c.fq", "X=d.fq,e.fq", "Y=m.tsv"], {})
    assert [(row["sample_id"], row.get("lane")) for row in rows] == [
        ("D1-rna1", None), ("X", "L1"), ("X", "L2"), ("Y", None),
    ]  # fmt: skip
    assert rows[0]["fastq_1"] == "a.fastq.gz" and rows[3]["counts"] == "m.tsv"


@pytest.mark.parametrize(
    ("file", "column"),
    [("x.BAM", "alignment"), ("x.cram", "alignment"), ("x.fq.gz", "fastq_1"), ("x.bedgraph.gz", "counts")],
)
def test_a_file_is_known_by_its_name(file: str, column: str) -> None:
    assert intake.rows_of({"lot_id": "L9"}, "wgs", [file], {})[0][column] == file


@pytest.mark.parametrize("item", ["", "a,b,c", "a,", ",", "X="])
def test_items_that_name_no_pair(item: str) -> None:
    with pytest.raises(KaryolotError, match="FILE,FILE"):
        intake.rows_of({"lot_id": "L9"}, "wgs", [item], {})


def test_a_path_may_hold_an_equals_sign() -> None:
    assert intake.rows_of({"lot_id": "L9"}, "wgs", ["./a=b.bam"], {})[0]["alignment"] == "./a=b.bam"


def test_count_matrices_are_not_pinned(tmp_path: Path) -> None:
    rows = intake.rows_of({"lot_id": "L9"}, "rnaseq", ["m.tsv"], {})
    assert intake.data_files(rows, tmp_path) == []
    assert intake.with_checksums(rows, tmp_path) == rows


# add


def test_a_new_user_adds_the_first_lot_and_its_donor(new: Path) -> None:
    donor = intake.rows_of({"donor_id": "D1"}, "wgs", [reads("D1-wgs"), reads("D1-wgs").replace("_L1_", "_L2_")], {})
    lot = samples_of("L9") + intake.rows_of({"lot_id": "L9"}, "rnaseq", [reads("L1-clean-rna1")], {})
    before = sheets(new)
    addition = add(new, [{"donor_id": "D1", "sex": "F", "age": "34"}], [*donor, *lot], LOT | {"bank": "MCB"})
    after = sheets(new)
    assert addition.dropped == ()
    assert all(after[name].startswith(before[name]) for name in before), "no byte that stood there may change"
    path = new / "config/config.yaml"
    _, draft, problems = check.examine(check.read_settings(path), new, [path])
    assert not [problem for problem in problems if not problem.warning]
    assert [entry.row.lot_id for entry in draft.lots] == ["L9"]
    assert [entry.row.unit for entry in draft.samples] == ["D1-wgs.L1", "D1-wgs.L2", "L9-wgs.L1", "L9-rna1.L1"]
    for entry in draft.samples:
        files = entry.row.files
        assert entry.row.sha256_1 == sha256(new / files["fastq_1"])
        assert entry.row.sha256_2 == sha256(new / files["fastq_2"])
    assert not (Path.cwd() / "owned").exists()


def test_only_rows_are_added(place: Path) -> None:
    before = sheets(place)
    addition = add(place, [], samples_of("L9"), LOT)
    after = sheets(place)
    assert set(after) == set(before)
    for name in SHEETS:
        assert after[f"{name}.tsv"] == addition.after[name]
        assert after[f"{name}.tsv"].startswith(before[f"{name}.tsv"])
        assert after[f"{name}.tsv"].count(b"\n") == before[f"{name}.tsv"].count(b"\n") + len(addition.rows[name])
    assert [len(addition.rows[name]) for name in SHEETS] == [0, 1, 1]


@pytest.mark.parametrize(
    ("mutate", "ending"),
    [
        (lambda data: data.replace(b"\n", b"\r\n"), b"\r\n"),
        (lambda data: data.rstrip(b"\n"), b"\n"),
        (lambda data: b"\xef\xbb\xbf" + data, b"\n"),
        (lambda data: data + b"# a remark\n\n", b"\n"),
    ],
    ids=["windows", "no last line end", "byte-order mark", "remarks"],
)
def test_sheets_as_people_save_them(place: Path, mutate: object, ending: bytes) -> None:
    for name in SHEETS:
        path = place / "config" / f"{name}.tsv"
        path.write_bytes(mutate(path.read_bytes()))  # type: ignore[operator]
    before = sheets(place)
    add(place, [], samples_of("L9"), LOT)
    after = sheets(place)
    assert after["lots.tsv"] == before["lots.tsv"] + (
        (b"" if before["lots.tsv"].endswith(b"\n") else ending) + b"L9\tD1\t5\t\t\t\t\t" + ending
    )
    assert all(after[name].startswith(before[name]) for name in before)


def test_permissions_and_links_stay(place: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.tsv"
    sheet = place / "config/lots.tsv"
    sheet.rename(kept)
    sheet.symlink_to(kept)
    kept.chmod(0o640)
    add(place, [], samples_of("L9"), LOT)
    assert sheet.is_symlink() and b"L9\t" in kept.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("lot", "samples", "words"),
    [
        (LOT | {"passage": "0"}, samples_of("L9"), "E10"),
        (LOT | {"bank": "MBC"}, samples_of("L9"), "did you mean MCB"),
        (LOT | {"donor_id": "D7"}, samples_of("L9"), "E24"),
        (LOT | {"lot_id": "L2-gain"}, samples_of("L2-gain"), "already"),
        (LOT | {"lot_id": "l2-GAIN"}, samples_of("l2-GAIN"), "differs"),
        (LOT | {"lot_id": "study"}, samples_of("study"), "E17"),
        (LOT | {"lot_id": "../x"}, samples_of("../x"), "E16"),
        (LOT | {"lot_id": "#L9"}, samples_of("#L9"), "as intended|E25|E24"),
        (LOT | {"lot_id": "$(touch owned)"}, samples_of("$(touch owned)"), "E16"),
        (LOT | {"bank": "a\tb"}, samples_of("L9"), "no tab"),
        (LOT | {"bank": "MCB\nX\tD1\t1"}, samples_of("L9"), "line break"),
        (LOT | {"medium_lot": "M1"}, samples_of("L9"), "has no column medium_lot"),
        (LOT, [], "no WGS sample"),
        (LOT, samples_of("L9", "L2-gain"), "E03"),
        (LOT, intake.rows_of({"lot_id": "L9"}, "wgs", ["reads/none_R1.fq,reads/none_R2.fq"], {}), "does not exist"),
        (LOT, intake.rows_of({"lot_id": "L9"}, "wgs", ["reads/$(touch owned)_R1.fq,reads/b.fq"], {}), "E26"),
        (LOT, intake.rows_of({"lot_id": "L9"}, "wgs", ["reads/a b.fq,reads/c.fq"], {}), "E26"),
    ],
)  # fmt: skip
def test_what_the_check_would_refuse_is_not_written(place: Path, lot: Cells, samples: list[Cells], words: str) -> None:
    before = sheets(place)
    with pytest.raises(KaryolotError, match=words):
        intake.propose(place, [], samples, [lot])
    assert sheets(place) == before


def test_a_lot_is_added_once(place: Path) -> None:
    add(place, [], samples_of("L9"), LOT)
    before = sheets(place)
    with pytest.raises(KaryolotError, match="the id is already in line"):
        add(place, [], samples_of("L9"), LOT)
    assert sheets(place) == before


def test_a_study_that_is_faulty_already_gets_no_lot(place: Path) -> None:
    lots = place / "config/lots.tsv"
    lots.write_text(lots.read_text().replace("MCB", "MBC"))
    with pytest.raises(KaryolotError, match=r"lots\.tsv, line 2, bank"):
        intake.propose(place, [], samples_of("L9"), [LOT])


def test_without_a_column_for_it_a_checksum_is_left_out_and_told(place: Path) -> None:
    path = place / "config/samples.tsv"
    names = path.read_text().splitlines()[0].split("\t")
    keep = [number for number, name in enumerate(names) if not name.startswith("sha256")]
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    path.write_text("".join("\t".join(row[number] for number in keep) + "\n" for row in rows))
    assert add(place, [], samples_of("L9"), LOT).dropped == ("sha256_1", "sha256_2")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_only_utf8_is_added_to(place: Path, encoding: str) -> None:
    path = place / "config/lots.tsv"
    path.write_bytes((path.read_text() + "# é\n").encode(encoding))
    with pytest.raises(KaryolotError, match="UTF-8"):
        intake.propose(place, [], samples_of("L9"), [LOT])


@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_write_adds_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch, at: int, error: BaseException
) -> None:
    before = sheets(place)
    addition = intake.propose(place, [], samples_of("L9"), [LOT])
    moves, real = [], os.replace

    def replace(source: Path, target: Path) -> None:
        moves.append(target)
        if len(moves) == at:
            raise error
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises((KaryolotError, KeyboardInterrupt)):
        intake.write(addition)
    assert len(moves) >= at
    assert sheets(place) == before


def test_a_write_that_was_killed_can_be_repeated(place: Path) -> None:
    """Killed between two sheets: the samples stand there, the lot does not."""
    samples = intake.with_checksums(samples_of("L9"), place)
    addition = intake.propose(place, [], samples, [LOT])
    (place / "config/samples.tsv").write_bytes(addition.after["samples"])
    again = add(place, [], samples_of("L9"), LOT)
    assert again.rows["samples"] == [] and len(again.rows["lots"]) == 1
    assert sheets(place)["samples.tsv"] == addition.after["samples"]


def test_a_sheet_saved_meanwhile_is_not_overwritten(place: Path) -> None:
    addition = intake.propose(place, [], samples_of("L9"), [LOT])
    lots = place / "config/lots.tsv"
    lots.write_text(lots.read_text() + "# saved by an editor\n")
    before = sheets(place)
    with pytest.raises(KaryolotError, match="was changed"):
        intake.write(addition)
    assert sheets(place) == before


def test_a_file_named_from_the_current_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.parent)
    rows = intake.rows_of({"lot_id": "L9"}, "wgs", [f"{ODD}/{reads('L1-clean-wgs').split(',')[0]}"], {})
    assert "write reads/L1-clean-wgs_L1_R1.fastq.gz" in intake.named_from_here(rows, Path(ODD))
    assert intake.named_from_here(samples_of("L9"), place) == ""


@given(
    text=st.text(max_size=30)
    | st.sampled_from(['"a"', '"', " x", "#", "'", "a\\tb", "=1+1", "NA", "\u00a0x", "\u2028"])
)
def test_no_text_changes_another_row(text: str) -> None:
    """Whatever is typed: refused, or one row more in which that text stands as it is."""
    before = b"lot_id\tdonor_id\tpassage\tcryo_protocol\nL1\tD1\t4\tx\n"
    try:
        after, added, _ = intake._appended(before, [LOT | {"cryo_protocol": text}], "lots.tsv", repeat=True)
        intake._read_back(after, added, "lots.tsv", intake.Lot)
    except (KaryolotError, UnicodeEncodeError):
        return
    assert after == before + f"L9\tD1\t5\t{text}\n".encode()
    (_, entry), _ = parse_sheet(after, "lots.tsv", intake.Lot)
    assert entry.row.cryo_protocol == (text or None)
