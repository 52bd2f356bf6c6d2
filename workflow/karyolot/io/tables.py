"""Tables: every one is checked against its schema when written and again when read."""

import gzip
from collections.abc import Mapping, Sequence
from io import BytesIO

import pandas as pd
import pandera.errors
import pandera.pandas as pa
from pyarrow import Schema, parquet
from pyarrow import Table as ArrowTable

from karyolot.contracts.problems import KaryolotError
from karyolot.io.files import SEAL, UNSEALED, PathLike, open_text, replacing, seal, sealed_bytes

ROWS = 1 << 20
"""Rows of a row group of parquet, as pyarrow divides a table."""


def read_table(path: PathLike, contract: type[pa.DataFrameModel]) -> pd.DataFrame:
    """Read .parquet or .tsv and check it against `contract`.

    Raises KaryolotError naming every broken column, and for parquet whose seal does not fit. Rules hand over parquet alone.
    """
    if str(path).endswith(".parquet"):
        try:
            frame = pd.read_parquet(BytesIO(sealed_bytes(path)))
        except (OSError, ValueError) as error:
            raise KaryolotError(f"{path}: not a readable parquet file ({error})") from error
    else:
        columns = contract.to_schema().columns
        texts = {name: str for name, column in columns.items() if str(column.dtype) in ("str", "string", "object")}
        with open_text(path) as handle:
            frame = pd.read_csv(
                handle,
                sep="\t",
                dtype=texts,
                keep_default_na=False,
                na_values={n: [""] for n in columns if n not in texts},
            )
        # A column of whole numbers would be read as integers even where the contract holds fractions.
        floats = [name for name in columns if name in frame and str(columns[name].dtype) == "float64"]
        frame[floats] = frame[floats].astype(float)
        # An empty cell is an empty text where the contract knows no null, and null where it does.
        for name in texts:
            if columns[name].nullable and name in frame:
                frame[name] = frame[name].mask(frame[name] == "", None).astype(object)
    return _checked(frame, contract, path)


def write_table(frame: pd.DataFrame, path: PathLike, contract: type[pa.DataFrameModel]) -> None:
    """Check `frame` against `contract` and write it as .parquet (exact, sealed) or .tsv (for people, 6 significant digits)."""
    frame = _checked(frame, contract, path)
    with replacing(path) as part:
        if str(path).endswith(".parquet"):
            schema = Schema.from_pandas(frame, preserve_index=False)
            with parquet.ParquetWriter(part, schema, compression="zstd") as writer:
                for start in range(0, max(len(frame), 1), ROWS):  # of a table of millions of rows only a part is copied
                    rows = frame.iloc[start : start + ROWS]
                    writer.write_table(ArrowTable.from_pandas(rows, schema, preserve_index=False))
                writer.add_key_value_metadata({SEAL: UNSEALED})
            seal(part)
        else:
            frame.to_csv(part, sep="\t", index=False, float_format="%.6g", lineterminator="\n")


def write_bins(bins: pd.DataFrame, path: PathLike, origin: Sequence[str]) -> None:
    """Bins as a table for the setting `reference.bins`, exact and gzipped. origin: lines on what they were made from."""
    columns = ["chrom", "start", "end", "gc", "gap", "mappability", "replication_timing"]
    known = [name for name in columns if bins[name].notna().any()]
    with replacing(path) as part, gzip.GzipFile(part, "wb", mtime=0) as out:
        out.write("".join(f"# {line}\n" for line in origin).encode())
        out.write(bins[known].to_csv(sep="\t", index=False, na_rep="NA", lineterminator="\n").encode())


def _checked(frame: pd.DataFrame, contract: type[pa.DataFrameModel], path: PathLike) -> pd.DataFrame:
    try:
        return contract.validate(frame, lazy=True, inplace=True)  # else pandera copies it
    except pandera.errors.SchemaErrors as errors:
        cases = errors.failure_cases.drop_duplicates(subset=["column", "check"])
        faults = "; ".join(f"{row.column}: {row.check} (first: {row.failure_case})" for row in cases.itertuples())
        raise KaryolotError(f"{path}: does not match the schema {contract.__name__}: {faults}") from errors


def write_tables(
    found: object, contracts: Mapping[str, type[pa.DataFrameModel]], files: Mapping[str, PathLike]
) -> None:
    """Tables of a result, each an attribute of `found`. contracts, files: by its name; `NAME_tsv`: the same table for people."""
    for name, contract in contracts.items():
        for path in (files[name], files.get(f"{name}_tsv")):
            if path is not None:
                write_table(getattr(found, name), path, contract)
