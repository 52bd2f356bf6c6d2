"""Allele counts of all samples of a study, and what an earlier run found of their pairs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from pyarrow import Table, parquet

from karyolot.contracts.alleles import COUNTS, AlleleCounts, Compared, Counted, Earlier, Likenesses, Pairs
from karyolot.contracts.problems import KaryolotError
from karyolot.io.files import PathLike, digest_of, read_model, sealed_bytes, sha256, sha256_of, write_model
from karyolot.io.tables import read_table, write_table


def read_allele_counts(paths: Iterable[PathLike], samples: Sequence[Mapping[str, str]]) -> dict[str, Counted]:
    """Allele counts by sample (files of schema AlleleCounts). samples: sample_id and assay of each path.

    What a panel states of its sites is read and checked once: of 80,000 sites it takes 20 times as long as the counts.
    """
    panels: list[tuple[Table, pd.DataFrame]] = []
    names = [sample["sample_id"] for sample in samples]
    rna = [sample["assay"] == "rnaseq" for sample in samples]
    return dict(zip(names, _counted(paths, rna, panels), strict=True))


def _counted(
    paths: Iterable[PathLike], rna: Iterable[bool], panels: list[tuple[Table, pd.DataFrame]]
) -> Iterator[Counted]:
    for path, of_rna in zip(paths, rna, strict=True):
        content = sealed_bytes(path)
        table = parquet.read_table(BytesIO(content))
        own = next((sites for known, sites in panels if _without_counts(table).equals(known)), None)
        if own is None:
            own = read_table(path, AlleleCounts).drop(columns=COUNTS)
            panels.append((_without_counts(table), own))
        counts = np.stack([table[name].to_numpy() for name in COUNTS])
        if not np.issubdtype(counts.dtype, np.integer) or counts.min(initial=0) < 0:
            raise KaryolotError(f"{path}: allele counts are not whole numbers from 0 on; delete it and run again")
        smallest = np.min_scalar_type(int(counts.max(initial=0)))
        yield Counted(own, counts.astype(smallest), of_rna, f"{'rna' if of_rna else 'dna'}:{sha256_of(content)}")


def _without_counts(table: Table) -> Table:
    return table.drop_columns([name for name in COUNTS if name in table.column_names]).replace_schema_metadata()


def read_earlier(files: Mapping[str, PathLike], made_by: Mapping[str, Any], counted: Mapping[str, Counted]) -> Earlier:
    """What the last run found of the pairs, as far as it still holds; nothing when it was another code or setting, or one of the
    two files was changed since. files: `pairs` and `compared`."""
    nothing = Earlier(Pairs.frame([]), frozenset(), {})
    try:
        compared = read_model(files["compared"], Compared)
        if (compared.made_by, compared.pairs) != (digest_of(made_by), sha256(files["pairs"])):
            return nothing
        pairs = read_table(files["pairs"], Pairs)
    except (KaryolotError, OSError):
        return nothing
    same = {name for name, one in counted.items() if compared.counts.get(name) == one.digest}
    return Earlier(pairs, same, compared.likenesses)


def write_pairs(
    pairs: pd.DataFrame,
    likenesses: Likenesses,
    files: Mapping[str, PathLike],
    made_by: Mapping[str, Any],
    counted: Mapping[str, Counted],
) -> None:
    """The table of pairs (schema Pairs), for rules and people, and what `read_earlier` reads. files: pairs, tsv, compared."""
    write_table(pairs, files["pairs"], Pairs)
    write_table(pairs, files["tsv"], Pairs)
    counts = {name: one.digest for name, one in counted.items()}
    held = {lot: dict(found) for lot, found in likenesses.items()}
    write_model(
        Compared(made_by=digest_of(made_by), pairs=sha256(files["pairs"]), counts=counts, likenesses=held),
        files["compared"],
    )
