"""Coverage-guided fuzzing of what reads the sample sheets: any bytes give rows or problems, never a crash. The formats of
data files are held by the properties in `tests/unit/formats`.

`pip install atheris` beside the packages of the lock (it is not among them, since not every Python has a wheel), then

    PYTHONPATH=workflow python tests/fuzz/fuzz_readers.py NEW tests/fuzz/corpus -max_total_time=600 -max_len=2000

looks for new ways through the code and writes the inputs into the folder NEW. Of these the corpus keeps what failed once,
and a small choice of the others (`-merge=1`). `test_corpus.py` replays it.
"""

import sys

if __name__ == "__main__":
    import atheris

    with atheris.instrument_imports(include=["karyolot"]):
        import karyolot.inputs.sheets  # noqa: F401

from karyolot.contracts.sheets import Donor, Lot, LotResult, Sample
from karyolot.inputs.sheets import header_of, parse_sheet

SHEETS = (Donor, Lot, Sample, LotResult)


def read(data: bytes) -> None:
    """One input: its first byte names the sheet, the rest is the file."""
    content, model = data[1:], SHEETS[(data[0] if data else 0) % len(SHEETS)]
    entries, problems = parse_sheet(content, "sheet.tsv", model)
    header_of(content.decode("utf-8", errors="replace"))
    for problem in problems:
        assert all(line.isprintable() for line in str(problem).split("\n")), problem
        assert problem.message and problem.remedy
    if not problems:
        assert entries
        for entry in entries:
            model.model_validate(entry.row.model_dump())


if __name__ == "__main__":
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
