"""Tables: every one is checked against its schema when written and again when read."""

import gzip
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import pandera.errors
import pandera.pandas as pa
from pyarrow import Table as ArrowTable
from pyarrow import parquet

from karyolot.contracts.alleles import (
    AlleleArms,
    AlleleCounts,
    AlleleEvents,
    AlleleFacts,
    AlleleResults,
    AlleleTrack,
    Identity,
    Pairs,
)
from karyolot.contracts.copy_number import (
    Arms,
    Calls,
    Comparison,
    CopyNumberResults,
    DonorVariants,
    Karyotype,
    Landmarks,
    Lod,
    LogRatios,
    Match,
    Noise,
    Segments,
)
from karyolot.contracts.expression import Components, MarkerScores, SampleDistances, SetScores
from karyolot.contracts.foreign import ForeignFacts, ForeignResults, ForeignSequences, Integrations
from karyolot.contracts.mitochondria import (
    Heteroplasmies,
    MitochondrialDeletions,
    MitochondrialFacts,
    MitochondrialResults,
)
from karyolot.contracts.persons import Persons
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.results import AlleleFiles, CopyNumberFiles, FileSet, OverviewFiles
from karyolot.contracts.small_variants import SmallVariants, VariantFacts, VariantLimits, VariantResults
from karyolot.io.files import (
    SEAL,
    UNSEALED,
    PathLike,
    open_text,
    read_model,
    replacing,
    seal,
    sealed_bytes,
    write_model,
)


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
            content = ArrowTable.from_pandas(frame, preserve_index=False)
            with parquet.ParquetWriter(part, content.schema, compression="zstd") as writer:
                writer.write_table(content)
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


def read_pairs(files: OverviewFiles) -> pd.DataFrame | None:
    """Pairs of the study; None when no sample's alleles were counted."""
    return None if files.pairs is None else read_table(files.pairs, Pairs)


def read_study(files: OverviewFiles) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame] | None:
    """Components, SampleDistances, MarkerScores and SetScores of the study; None when it has too few RNA samples for them."""
    if (tables := files.study) is None:
        return None
    return (
        read_table(tables.components, Components),
        read_table(tables.distances, SampleDistances),
        read_table(tables.scores, MarkerScores),
        read_table(tables.sets, SetScores),
    )


def read_alleles(files: AlleleFiles | None) -> AlleleResults | None:
    """Results on alleles of a lot; None when there are none."""
    if files is None:
        return None
    return AlleleResults(
        identity=read_model(files.identity, Identity),
        events=read_table(files.events, AlleleEvents),
        facts=read_model(files.facts, AlleleFacts),
        arms=read_table(files.arms, AlleleArms),
        track=read_table(files.track, AlleleTrack),
        persons=read_model(files.persons, Persons),
    )


def read_counted(paths: Mapping[str, PathLike]) -> dict[str, pd.DataFrame | None]:
    """AlleleCounts by name; None where there are none yet, or unreadable ones: files of another donor stop no lot."""
    found: dict[str, pd.DataFrame | None] = {}
    for name, path in paths.items():
        try:
            found[name] = read_table(path, AlleleCounts) if Path(path).is_file() else None
        except KaryolotError:
            found[name] = None
    return found


COPY_NUMBER: dict[str, type[pa.DataFrameModel]] = {
    "ratios": LogRatios, "segments": Segments, "calls": Calls, "arms": Arms, "lod": Lod, "variants": DonorVariants,
    "landmarks": Landmarks,
}  # fmt: skip
"""Table of CopyNumberResults -> its contract."""


def write_tables(
    found: object, contracts: Mapping[str, type[pa.DataFrameModel]], files: Mapping[str, PathLike]
) -> None:
    """Tables of a result, each an attribute of `found`. contracts, files: by its name; `NAME_tsv`: the same table for people."""
    for name, contract in contracts.items():
        for path in (files[name], files.get(f"{name}_tsv")):
            if path is not None:
                write_table(getattr(found, name), path, contract)


def write_copy_number(found: CopyNumberResults, files: Mapping[str, PathLike]) -> None:
    """All copy-number results of a lot. files: those of CopyNumberFiles by name, and those `write_tables` takes."""
    write_tables(found, COPY_NUMBER, files)
    for name in ("comparison", "noise", "match", "karyotype"):
        write_model(getattr(found, name), files[name])


Found = TypeVar("Found", VariantResults, MitochondrialResults, ForeignResults)
FOUND: dict[type[Any], tuple[dict[str, type[pa.DataFrameModel]], Any]] = {
    VariantResults: ({"variants": SmallVariants, "limits": VariantLimits}, VariantFacts),
    MitochondrialResults: ({"heteroplasmies": Heteroplasmies, "deletions": MitochondrialDeletions}, MitochondrialFacts),
    ForeignResults: ({"sequences": ForeignSequences, "integrations": Integrations}, ForeignFacts),
}
"""Results of a search -> its tables by name, each with its schema, and the model of its facts."""


def write_found(found: VariantResults | MitochondrialResults | ForeignResults, files: Mapping[str, PathLike]) -> None:
    """Tables and facts of a search. files: as `write_tables` takes them, and `facts`."""
    write_tables(found, FOUND[type(found)][0], files)
    write_model(found.facts, files["facts"])


def read_found(kind: type[Found], files: FileSet | None) -> Found | None:
    """What `write_found` wrote; None where there was no search. kind: a key of FOUND."""
    if files is None:
        return None
    (contracts, facts), named = FOUND[kind], files.named()
    tables = {name: read_table(named[name], contract) for name, contract in contracts.items()}
    return kind(**tables, facts=read_model(named["facts"], facts))


def read_copy_number(files: CopyNumberFiles, recurrent: pd.DataFrame) -> CopyNumberResults:
    """All copy-number results of a lot. recurrent: the list of recurrent regions, which is a file of the user's."""
    tables = {name: read_table(getattr(files, name), contract) for name, contract in COPY_NUMBER.items()}
    return CopyNumberResults(
        **tables,
        recurrent=recurrent,
        comparison=read_model(files.comparison, Comparison),
        noise=read_model(files.noise, Noise),
        match=read_model(files.match, Match),
        karyotype=read_model(files.karyotype, Karyotype),
    )
