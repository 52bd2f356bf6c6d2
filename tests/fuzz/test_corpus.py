"""Inputs that fuzzing found, each one a way of its own through the readers; those that failed once among them."""

from pathlib import Path

import pytest

from fuzz.fuzz_readers import read

CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.name)
def test_it_is_read_or_refused(file: Path) -> None:
    read(file.read_bytes())


def test_the_corpus_reaches_every_sheet() -> None:
    kinds = {file.read_bytes()[:1] for file in CORPUS}
    assert len(kinds) >= 4
