"""claims.tsv lists how a report could state more, or less, than the data show, and the tests that hold the right answer."""

import csv
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_every_claim_has_tests_that_exist() -> None:
    with open(TESTS / "claims.tsv", encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    lacking = []
    for row in rows:
        assert row["part"] and row["what is done"] and row["right answer"] and row["tests"], row
        for test in row["tests"].split("; "):
            file, name = test.split("::", 1)
            text = (TESTS / file).read_text(encoding="utf-8")
            named = rf"def {name}\(" if name.isidentifier() else re.escape(f'"{name}"')
            lacking += [] if re.search(named, text) else [test]
    assert lacking == [] and len(rows) >= 70
