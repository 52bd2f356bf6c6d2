"""Coverage-guided fuzzing of what reads the user's tables. Any bytes give rows or problems, never a crash; and what the
check lets through, the run reads to the same sum.

`pip install atheris` beside the packages of the lock (it is not among them, since not every Python has a wheel), then

    PYTHONPATH=workflow python tests/fuzz/fuzz_readers.py NEW tests/fuzz/corpus -max_total_time=600 -max_len=2000

looks for new ways through the code and writes the inputs into the folder NEW. Of these the corpus keeps what failed once,
and a small choice of the others (`-merge=1`). `test_corpus.py` replays it.
"""

import gzip
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

if __name__ == "__main__":
    import atheris

    with atheris.instrument_imports(include=["karyolot"]):
        pass


from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.sheets import Donor, Lot, LotResult, Sample
from karyolot.inputs import probe
from karyolot.inputs.sheets import header_of, parse_sheet
from karyolot.io import genome

SHEETS = (Donor, Lot, Sample, LotResult)
FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-"))


def read(data: bytes) -> None:
    """One input: its first byte names the reader, the rest is the file."""
    kind, content = data[:1], data[1:]
    if kind == b"c":
        read_bin_counts(content)
    elif kind == b"z":
        read_bin_counts(gzip.compress(content, 1)[: -1 - len(content) % 9])
    else:
        read_sheet(content, (data[0] if data else 0) % len(SHEETS))


def read_sheet(content: bytes, number: int) -> None:
    entries, problems = parse_sheet(content, "sheet.tsv", SHEETS[number])
    header_of(content.decode("utf-8", errors="replace"))
    for problem in problems:
        assert all(line.isprintable() for line in str(problem).split("\n")), problem
        assert problem.message and problem.remedy
    if not problems:
        assert entries
        for entry in entries:
            SHEETS[number].model_validate(entry.row.model_dump())


def read_bin_counts(content: bytes) -> None:
    path = _file(content)
    try:
        seen = probe.bin_counts(path)
    except probe.Fault:
        _refused(lambda: genome.read_counts(path))
        return
    table = genome.read_counts(path)
    assert table["count"].sum() == seen.total
    assert table.groupby("chrom").size().to_dict() == {name: bins.bins for name, bins in seen.contigs.items()}


def _refused(reader: Callable[[], object]) -> None:
    """The reader of the run may take what the check refuses, but never crashes on it."""
    with suppress(KaryolotError):
        reader()


def _file(content: bytes) -> Path:
    path = FOLDER / "table"
    path.write_bytes(content)
    return path


if __name__ == "__main__":
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
