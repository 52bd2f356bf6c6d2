"""Reading what describes a genome: sequence, layout, cytobands, tracks, regions, genes, counts per bin."""

from pathlib import Path

import numpy as np
import pandas as pd
import pysam
from numpy.typing import NDArray

from karyolot.contracts.copy_number import BinSources
from karyolot.contracts.expression import GeneSpans
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import Layout, Region
from karyolot.inputs.formats.text import MOST, NO_DATA, whole_number
from karyolot.inputs.probe import fixed_step, wig_words
from karyolot.io.files import PathLike, open_text, read_yaml

_IS_GC = np.zeros(256, dtype=np.int64)
_IS_GC[list(b"GCgcSs")] = 1
_IS_CALLED = np.zeros(256, dtype=np.int64)
_IS_CALLED[list(b"ACGTacgt")] = 1


def read_layout_bands(path: PathLike) -> tuple[Layout, pd.DataFrame]:
    """A layout and its cytobands (chrom, start, end, band), which lie beside it; no rows when it names none."""
    layout = read_yaml(path, Layout)
    if layout.cytobands is None:
        return layout, pd.DataFrame({"chrom": [], "start": [], "end": [], "band": []}).astype(
            {"chrom": str, "band": str}
        )
    rows = _rows(Path(path).parent / layout.cytobands, 4)
    bands = pd.DataFrame([row[:4] for _, row in rows], columns=["chrom", "start", "end", "band"])
    return layout, bands.astype({"start": "int64", "end": "int64"})


def read_bin_sources(sources: dict[str, str], bin_bp: int) -> BinSources:
    """Everything the grid of bins is made from. sources: file by what it is, as `files.named_sources` names them."""
    layout, cytobands = read_layout_bands(sources["layout"])
    if "bins" in sources:
        annotation = read_bin_annotation(sources["bins"])
        lengths = annotation.groupby("chrom", sort=False)["end"].max()
        contigs = [(str(name), int(length)) for name, length in lengths.items()]
        return BinSources(layout, cytobands, contigs, annotation=annotation)
    contigs, composition = read_composition(sources["fasta"], bin_bp)
    tracks = {name: read_track(sources[name]) for name in ("mappability", "replication_timing") if name in sources}
    blacklist = read_regions(sources["blacklist"]) if "blacklist" in sources else None
    return BinSources(layout, cytobands, contigs, composition, blacklist=blacklist, **tracks)


def read_composition(fasta: PathLike, bin_bp: int) -> tuple[list[tuple[str, int]], dict[str, NDArray[np.int64]]]:
    """Contigs (name, bases) of an indexed FASTA, and for each the numbers of G/C and of called bases per bin (2, bins)."""
    with pysam.FastaFile(str(fasta)) as handle:
        contigs = list(zip(handle.references, handle.lengths, strict=True))
        composition = {}
        for name, length in contigs:
            sequence = np.frombuffer(handle.fetch(name).encode(), dtype=np.uint8)
            edges = np.arange(0, length, bin_bp)
            composition[name] = np.array([np.add.reduceat(table[sequence], edges) for table in (_IS_GC, _IS_CALLED)])
    return contigs, composition


def read_track(path: PathLike) -> pd.DataFrame:
    """A bedGraph: chrom, start, end, value. Raises KaryolotError naming the line that is not one."""
    return _numbers(path, _rows(path, 4), "value")


def read_regions(path: PathLike) -> pd.DataFrame:
    """A BED file's chrom, start, end."""
    rows = [(line, (*row[:3], "0")) for line, row in _rows(path, 3)]
    return _numbers(path, rows, "value").drop(columns="value")


def read_watch(path: PathLike) -> pd.DataFrame:
    """The watch list: region (chromosome, arm or band), change ('gain' or 'loss'), genes (comma separated), context,
    source. Raises KaryolotError when a row is not one."""
    rows = _rows(path, 4)
    wanted = ["region", "change", "genes", "context", "source"]
    if rows[0][1] != wanted:
        raise KaryolotError(f"{path}: the header must be {', '.join(wanted)}; found {', '.join(rows[0][1])}")
    for number, fields in rows[1:]:
        if len(fields) != len(wanted) or fields[1] not in ("gain", "loss") or not fields[4]:
            raise KaryolotError(
                f"{path}, line {number}: five columns are needed, change is gain or loss, source is not empty"
            )
    return pd.DataFrame([fields for _, fields in rows[1:]], columns=wanted)


def read_counts(path: PathLike) -> pd.DataFrame:
    """Fragments per bin from a TSV or bedGraph (chrom start end count, header optional) or a fixed-step WIG.

    Returns chrom, start, end, count, sorted as the file is. Raises KaryolotError naming the first broken line.
    """
    frame = read_scores(path)
    count = frame["value"].to_numpy()
    bad = np.flatnonzero((count < 0) | (count != np.rint(count)) | (count > MOST))
    if bad.size:
        row = frame.iloc[int(bad[0])]
        raise KaryolotError(
            f"{path}: the count of {row['chrom']}:{row['start']}-{row['end']} is {row['value']:g}; counts are whole numbers"
            f" from 0 to {MOST:g} (raw fragments, not normalised)"
        )
    return frame.assign(count=count.astype("int64")).drop(columns="value")


def read_scores(path: PathLike) -> pd.DataFrame:
    """chrom, start, end, value from a TSV or bedGraph (header optional), or a fixed-step WIG."""
    with open_text(path) as handle:
        lines = handle.read().split("\n")
    first = next((line for line in lines if line.strip() and not line.startswith(NO_DATA)), "")
    if wig_words(first)[:1] == ["fixedStep"]:
        return _fixed_step(path, lines)
    return _numbers(path, _rows(path, 4), "value")


def read_bin_annotation(path: PathLike) -> pd.DataFrame:
    """Ready bins: TSV with header chrom start end gc [mappability] [replication_timing]; empty cell = not known."""
    with open_text(path) as handle:
        header = handle.readline().rstrip("\n").lstrip("#").split("\t")
        lines = [line.rstrip("\n").split("\t") for line in handle if line.strip()]
    required, optional = ["chrom", "start", "end", "gc"], ["mappability", "replication_timing"]
    unknown = set(header) - {*required, *optional}
    if header[:4] != required or unknown:
        raise KaryolotError(f"{path}: the header must be {' '.join(required)} [{'] ['.join(optional)}]; found {header}")
    try:
        frame = pd.DataFrame(lines, columns=header).astype({"start": "int64", "end": "int64"})
        for name in header[3:]:
            frame[name] = pd.to_numeric(frame[name].replace({"": None, "NA": None}))
    except (ValueError, TypeError) as error:
        raise KaryolotError(f"{path}: a coordinate or value is not a number ({error})") from error
    return frame


def read_places(
    layout: PathLike, watch: PathLike
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, tuple[Region, ...]]:
    """The parts of `dna.atlas.Atlas`, in its order: cytobands, watched regions, no genes, immune receptor genes."""
    facts, cytobands = read_layout_bands(layout)
    return cytobands, read_watch(watch), GeneSpans.of(), facts.immune_receptors


def _rows(path: PathLike, columns: int) -> list[tuple[int, list[str]]]:
    """(line number, fields) of a tab- or space-separated file without comments and track lines."""
    rows = []
    with open_text(path) as handle:
        for number, line in enumerate(handle, start=1):
            if not line.strip() or line.startswith(NO_DATA):
                continue
            fields = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
            if len(fields) < columns:
                raise KaryolotError(f"{path}, line {number}: {len(fields)} columns, at least {columns} are needed")
            rows.append((number, fields))
    if not rows:
        raise KaryolotError(f"{path}: holds no line of data")
    return rows


def _numbers(
    path: PathLike, rows: list[tuple[int, list[str]]] | list[tuple[int, tuple[str, ...]]], name: str
) -> pd.DataFrame:
    """chrom, start, end, `name` from rows; a first row whose coordinates are words is a header."""
    if not rows[0][1][1].strip().lstrip("-").isdigit():
        rows = rows[1:]
    values = []
    for number, fields in rows:
        try:
            start, end, value = whole_number(fields[1]), whole_number(fields[2]), float(fields[3])
        except ValueError as error:
            raise KaryolotError(f"{path}, line {number}: not a number ({error})") from error
        if start < 0 or end <= start:
            raise KaryolotError(f"{path}, line {number}: {start}-{end} is not an interval (start >= 0, end > start)")
        values.append((fields[0], start, end, value))
    return pd.DataFrame(values, columns=["chrom", "start", "end", name])


def _fixed_step(path: PathLike, lines: list[str]) -> pd.DataFrame:
    """Fixed-step WIG as HMMcopy's readCounter writes it; its 1-based start becomes 0-based."""
    rows = []
    chrom, position, step, span = "", 0, 0, 0
    for number, line in enumerate(lines, start=1):
        words = wig_words(line) if "Step" in line else []
        if words[:1] == ["fixedStep"]:
            try:
                chrom, position, step, span = fixed_step(words)
            except (KeyError, ValueError) as error:
                raise KaryolotError(
                    f"{path}, line {number}: fixedStep needs chrom, start and step ({error})"
                ) from error
        elif line.strip() and not line.startswith(NO_DATA):
            try:
                rows.append((chrom, position, position + span, float(line)))
            except ValueError as error:
                raise KaryolotError(f"{path}, line {number}: {line[:40]!r} is not a number") from error
            position += step
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "value"])
