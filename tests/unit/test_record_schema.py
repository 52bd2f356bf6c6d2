"""`resources/report.schema.json` describes report.json: what others may rely on when they read it."""

import json
from pathlib import Path

import jsonschema
import pytest

import planted_records
from karyolot.contracts.record import SCHEMA_VERSION, Record

SCHEMA = json.loads((Path(__file__).parents[2] / "resources" / "report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def written(record: Record) -> dict[str, object]:
    return json.loads(record.model_dump_json(by_alias=True))


@pytest.mark.parametrize("case", [*planted_records.ALL, "hostile"])
def test_every_record_fits_the_schema(case: str) -> None:
    make = planted_records.hostile if case == "hostile" else planted_records.ALL[case]
    VALIDATOR.validate(written(make()))


def test_the_schema_is_strict() -> None:
    VALIDATOR.check_schema(SCHEMA)
    record = written(planted_records.passing())
    for name in record:
        assert not VALIDATOR.is_valid({key: value for key, value in record.items() if key != name}), name
    assert not VALIDATOR.is_valid(record | {"remark": ""})
    assert not VALIDATOR.is_valid(record | {"schema_version": "0.9"})
    assert not VALIDATOR.is_valid(record | {"verdict": {**record["verdict"], "outcome": "GOOD"}})


def test_the_version_is_the_one_the_schema_names() -> None:
    assert SCHEMA["properties"]["schema_version"]["const"] == SCHEMA_VERSION
