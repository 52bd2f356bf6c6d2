"""Results of several tables and documents, each read and written as one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import pandera.pandas as pa

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
from karyolot.contracts.expression import Components, MarkerScores, SampleDistances, SetScores, StudyResults
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
from karyolot.io.files import PathLike, read_model, write_model
from karyolot.io.tables import read_table, write_tables


def read_pairs(files: OverviewFiles) -> pd.DataFrame | None:
    """Pairs of the study; None when no sample's alleles were counted."""
    return None if files.pairs is None else read_table(files.pairs, Pairs)


STUDY: dict[str, type[pa.DataFrameModel]] = {
    "components": Components, "distances": SampleDistances, "scores": MarkerScores, "sets": SetScores,
}  # fmt: skip
"""Table of StudyResults -> its contract."""


def read_study(files: OverviewFiles) -> StudyResults | None:
    """Expression across lots; None when the study has too few RNA samples or lots for it."""
    if (tables := files.study) is None:
        return None
    return StudyResults(**{name: read_table(getattr(tables, name), contract) for name, contract in STUDY.items()})


def write_study(found: StudyResults | None, files: Mapping[str, PathLike]) -> None:
    """The tables of STUDY, where there are any. files: by name."""
    if found is not None:
        write_tables(found, STUDY, files)


def read_alleles(files: AlleleFiles | None) -> AlleleResults | None:
    """Results on alleles of a lot; None when there are none."""
    if files is None:
        return None
    return AlleleResults(
        **{name: read_table(getattr(files, name), contract) for name, contract in ALLELES.items()},
        identity=read_model(files.identity, Identity),
        facts=read_model(files.facts, AlleleFacts),
        persons=read_model(files.persons, Persons),
    )


ALLELES: dict[str, type[pa.DataFrameModel]] = {"events": AlleleEvents, "arms": AlleleArms, "track": AlleleTrack}
"""Table of AlleleResults -> its contract."""


def write_alleles(found: AlleleResults, files: Mapping[str, PathLike]) -> None:
    """All results on alleles of a lot. files: those of AlleleFiles by name."""
    write_tables(found, ALLELES, files)
    for name in ("identity", "facts", "persons"):
        write_model(getattr(found, name), files[name])


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


CALLED = ("ratios", "calls", "segments")


def read_called(files: Any) -> list[pd.DataFrame]:
    """Ratios, calls and segments of a lot. files: inputs of a rule, by these names of CALLED."""
    return [read_table(getattr(files, name), COPY_NUMBER[name]) for name in CALLED]


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
