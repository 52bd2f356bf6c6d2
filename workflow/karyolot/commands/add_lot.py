"""`karyolot add-lot`: the rows of a new lot, made, checked and added to the sheets a person would write by hand.

Rows are only ever appended: existing content keeps its bytes.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from karyolot.contracts.problems import Fault, InputProblems, KaryolotError, Problem, quoted
from karyolot.contracts.sheets import ID_PATTERN, Donor, Lot, Row, Sample
from karyolot.inputs import check
from karyolot.inputs.sheets import EDGES, header_of, parse_sheet, read_bytes
from karyolot.io.files import replacing, sha256
from karyolot.io.shipped import SETTINGS, resource

Cells = Mapping[str, str]
"""Column -> text, of the columns that are filled."""
MODELS: Mapping[str, type[Row]] = {"donors": Donor, "samples": Sample, "lots": Lot}
"""In the order they are written. The row of the lot comes last: it makes the others count."""
CHECKSUMS = {"fastq_1": "sha256_1", "alignment": "sha256_1", "counts": "sha256_1", "fastq_2": "sha256_2"}


# Rows


def rows_of(owner: Cells, assay: str, given: Sequence[str], shared: Cells) -> list[Cells]:
    """Rows of samples.tsv, one per FILE or FILE,FILE with an optional SAMPLE= before it.

    owner: lot_id or donor_id. Whole-genome files without a name are lanes of one sample, RNA files a sample each. shared:
    columns that are the same in all rows. Raises KaryolotError when an item names no file, or more than two.
    """
    (identity,) = owner.values()
    rows: list[dict[str, str]] = []
    for number, item in enumerate(given, 1):
        name, files = _named(item)
        name = name or (f"{identity}-wgs" if assay == "wgs" else f"{identity}-rna{number}")
        rows.append({"sample_id": name, "assay": assay, **owner, **_data(files, item), **shared})
    names = [row["sample_id"] for row in rows]
    for number, row in enumerate(rows):
        if names.count(row["sample_id"]) > 1 and "counts" not in row:
            row["lane"] = f"L{names[: number + 1].count(row['sample_id'])}"
    return list(rows)


def _named(item: str) -> tuple[str, list[str]]:
    """'NAME=a,b' -> NAME and its files; './a=b' is a path, as no id holds a dot or slash."""
    name, equals, rest = item.partition("=")
    if not (equals and re.fullmatch(ID_PATTERN, name)):
        name, rest = "", item
    return name, rest.split(",")


def _data(files: Sequence[str], item: str) -> Cells:
    if len(files) > 2 or not all(files):
        raise KaryolotError(
            f"{quoted(item)}: name one file, or two mates as FILE,FILE; for more lanes repeat the option"
        )
    if len(files) == 2:
        return {"fastq_1": files[0], "fastq_2": files[1]}
    name = files[0].casefold().removesuffix(".gz")
    if name.endswith((".bam", ".cram")):
        return {"alignment": files[0]}
    return {"fastq_1" if name.endswith((".fastq", ".fq")) else "counts": files[0]}


def named_from_here(rows: Sequence[Cells], directory: Path) -> str:
    """One sentence when a file is named from the current folder instead of the working directory; else ''."""
    for row in rows:
        for column in CHECKSUMS:
            path = Path(row.get(column, "."))
            if not (directory / path).exists() and path.is_file():
                right = os.path.relpath(path, directory)
                return f"files are named from the working directory, as in the sheet: write {right} for {path}"
    return ""


def data_files(rows: Sequence[Cells], directory: Path) -> list[Path]:
    """Files whose checksums `with_checksums` takes.

    Not count matrices of RNA: they grow with every lot, and the rows of earlier lots would no longer fit.
    """
    return [directory / row[column] for row in rows for column, _ in _summed(row)]


def with_checksums(rows: Sequence[Cells], directory: Path) -> list[Cells]:
    """The same rows with the sha256 of their files; reads every file whole."""
    return [{**row, **{target: sha256(directory / row[column]) for column, target in _summed(row)}} for row in rows]


def _summed(row: Cells) -> list[tuple[str, str]]:
    """Columns of the files of a row that get a checksum, each with the column of its checksum."""
    is_matrix = row["assay"] == "rnaseq"
    return [
        (name, target) for name, target in CHECKSUMS.items() if name in row and not (is_matrix and name == "counts")
    ]


# Sheets


@dataclass(frozen=True, slots=True)
class Addition:
    """New rows for the three sheets. before, after: bytes of each sheet. rows: those really added.

    dropped: checksum columns the sample sheet does not have. warnings: warnings of the check on the result.
    """

    paths: Mapping[str, Path]
    before: Mapping[str, bytes]
    after: Mapping[str, bytes]
    rows: Mapping[str, Sequence[Cells]]
    dropped: tuple[str, ...]
    warnings: tuple[Problem, ...] = ()


def propose(directory: Path, donors: Sequence[Cells], samples: Sequence[Cells], lots: Sequence[Cells]) -> Addition:
    """The sheets with the new rows, checked as `karyolot check` would; nothing is changed.

    An existing row of a donor or sample is not added again, so that an interrupted add can be repeated.
    Raises InputProblems with all that the check finds, KaryolotError when a value has no column or cannot be written.
    """
    path = directory / SETTINGS
    raw = check.read_settings(path)
    config, _, _ = check.examine(raw, directory, [path], contents=False)
    named = {name: str(getattr(config.sheets, name)) for name in MODELS}
    paths = {name: resource(file, directory) for name, file in named.items()}
    before, after, added, dropped = {}, {}, {}, []
    for name, rows in {"donors": donors, "samples": samples, "lots": lots}.items():
        try:
            before[name] = read_bytes(paths[name])
        except Fault as fault:
            raise fault.named(named[name]) from fault
        after[name], added[name], absent = _appended(before[name], rows, named[name], repeat=name == "lots")
        dropped += absent
    problems = _examined(raw, directory, path, named, after)
    if any(not problem.warning for problem in problems):
        raise InputProblems(problems)
    for name, model in MODELS.items():
        _read_back(after[name], added[name], named[name], model)
    return Addition(paths, before, after, added, tuple(dict.fromkeys(dropped)), tuple(problems))


def _appended(data: bytes, rows: Sequence[Cells], file: str, *, repeat: bool) -> tuple[bytes, list[Cells], list[str]]:
    """The sheet with the rows after its last line, the rows really added, and checksum columns that it lacks."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise KaryolotError(f"{file}: rows are added to UTF-8 text only; save the sheet as UTF-8")
    names = header_of(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    known = {line.strip(EDGES) for line in text.splitlines()}
    added, lines, dropped = [], [], []
    for row in rows:
        absent = [column for column in row if column not in names]
        dropped += [column for column in absent if column in CHECKSUMS.values()]
        if unknown := [column for column in absent if column not in CHECKSUMS.values()]:
            raise KaryolotError(
                f"{file}: has no column {unknown[0]}; add it to the header, with a tab in every row, or leave the value out"
            )
        for column, value in row.items():
            if re.search(r"[\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", value) or value != value.strip(EDGES):
                raise KaryolotError(
                    f"{column} = {quoted(value)}: a cell holds no tab, line break or white space at its ends"
                )
        line = "\t".join(row.get(name, "") for name in names)
        if repeat or line.strip(EDGES) not in known:
            added.append(row)
            lines.append(line + newline)
    gap = "" if not lines or not text or text.endswith(("\n", "\r")) else newline
    return data + (gap + "".join(lines)).encode(), added, dropped


def _examined(
    raw: Mapping[str, object], directory: Path, path: Path, named: Mapping[str, str], after: Mapping[str, bytes]
) -> list[Problem]:
    """Problems of sheets that are not written yet: they are checked under temporary names next to the real ones."""
    parts = {name: str(Path(file).with_name(f".part-{os.getpid()}-{Path(file).name}")) for name, file in named.items()}
    origin = {part: named[name] for name, part in parts.items()}
    given = raw.get("sheets")
    sheets = {**given, **parts} if isinstance(given, dict) else parts
    try:
        for name, part in parts.items():
            resource(part, directory).write_bytes(after[name])
        _, _, problems = check.examine({**raw, "sheets": sheets}, directory, [path])
    except OSError as error:
        raise KaryolotError(f"{path.parent}: cannot be written to ({error.strerror}); nothing was changed") from error
    finally:
        for part in parts.values():
            resource(part, directory).unlink(missing_ok=True)
    return [replace(problem, file=origin.get(problem.file, problem.file)) for problem in problems]


def _read_back(data: bytes, rows: Sequence[Cells], file: str, model: type[Row]) -> None:
    """Raises KaryolotError when a row would read otherwise than it was meant: as a comment, or without its quotes."""
    entries, _ = parse_sheet(data, file, model)
    read = [entry.row for entry in entries[len(entries) - len(rows) :]]
    kept = header_of(data.decode("utf-8-sig"))
    try:
        meant = [model.model_validate({k: v for k, v in row.items() if k in kept and v}) for row in rows]
    except ValidationError:
        meant = []
    if read != meant:
        raise KaryolotError(
            f"{file}: a new row would not be read as intended (does it hold a # or a quote?); nothing was written"
        )


def write(addition: Addition) -> None:
    """Replace the sheets, each in one step; what was replaced is put back when a later one fails.

    Raises KaryolotError when a sheet was changed since it was read, or cannot be written.
    """
    done: list[str] = []
    with _alone(addition.paths["lots"].parent):
        for name, path in addition.paths.items():
            if path.read_bytes() != addition.before[name]:
                raise KaryolotError(f"{path}: was changed while the lot was checked; nothing was written; add it again")
        try:
            for name in MODELS:
                if addition.after[name] != addition.before[name]:
                    done.append(name)
                    _replace(addition.paths[name], addition.after[name])
        except BaseException as error:
            for name in done:
                with suppress(OSError):
                    if addition.paths[name].read_bytes() != addition.before[name]:
                        _replace(addition.paths[name], addition.before[name])
            if isinstance(error, OSError):
                raise KaryolotError(
                    f"{error.filename or addition.paths[done[-1]]}: cannot be written ({error.strerror}); no row was added"
                ) from error
            raise


def _replace(path: Path, data: bytes) -> None:
    target = path.resolve()  # a sheet may be a link to where it is kept
    with replacing(target) as part, part.open("wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
        shutil.copymode(target, part)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer of the sheets at a time; where the file system knows no locks, the comparison of bytes must do."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
