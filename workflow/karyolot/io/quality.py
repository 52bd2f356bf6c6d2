"""What the tools reported of one sample."""

from collections.abc import Mapping, Sequence
from typing import Any

from karyolot.contracts.copy_number import Library
from karyolot.contracts.expression import Quantification
from karyolot.contracts.results import QualityFiles
from karyolot.io.expression import read_quantification
from karyolot.io.files import PathLike, read_json, read_model, read_sealed


def read_said(
    files: Mapping[str, Sequence[PathLike]],
) -> tuple[list[dict[str, Any]], dict[str, list[Any]], Library | None, Quantification | None]:
    """What was found of the FASTQ files, by unit or of all lanes; parsed JSON by tool; facts of the library; salmon's result.

    files: QualityFiles by name.
    """
    given = QualityFiles.given(files)
    said = {name: [read_json(path) for path in paths] for name, paths in given.by_tool().items()}
    reads = [read_sealed(path) for path in given.reads]
    library = read_model(given.library[0], Library) if given.library else None
    return reads, said, library, read_quantification(given.salmon[0]) if given.salmon else None
