"""Copy number from two count tables, without Snakemake: the same functions the workflow's rules call."""

from pathlib import Path
from typing import Any

import pandas as pd

from karyolot.contracts.copy_number import Arms, Calls, CopyNumberResults, Lod, Segments
from karyolot.contracts.problems import InputProblems, KaryolotError, Problem
from karyolot.contracts.record import EDITED, NOT_SEEN
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.analysis import analyse
from karyolot.dna.atlas import Atlas
from karyolot.dna.bins import assemble_bins, mean_over_bins, sources_of
from karyolot.dna.counts import conform_counts
from karyolot.dna.exports import documents
from karyolot.dna.karyotype import unseen_chromosomes
from karyolot.dna.summary import copy_number_metrics
from karyolot.inputs.formats import bin_counts, fasta, intervals
from karyolot.inputs.pair import KINDS, Pair, examine
from karyolot.inputs.reference import places
from karyolot.io.files import describe_file, write_json, write_texts
from karyolot.io.shipped import RESOURCES
from karyolot.io.tables import write_table

FILES = {"seg": "segments.seg", "vcf": "calls.vcf", "bed": "calls.bed", "bedgraph": "log_ratios.bedgraph"}
"""Format of `dna.exports.documents` -> file."""
TABLES = {"segments.tsv": Segments, "calls.tsv": Calls, "arms.tsv": Arms, "lod.tsv": Lod}


def call(
    lot: Path,
    donor: Path,
    out: Path,
    *,
    genome: str,
    sex: str,
    gc: Path | None = None,
    fasta: Path | None = None,
    mappability: Path | None = None,
    rt: Path | None = None,
    settings: CopyNumber | None = None,
) -> dict[str, Any]:
    """Compare two count tables; write segments, calls, arms and limits of detection to `out`, and return the summary.

    Parameters
    ----------
    lot, donor
        Counts per bin in any format `karyolot check` accepts; contigs as 'chr1' or '1'.
    genome
        A layout of resources/genomes.
    gc, mappability, rt
        bedGraph or WIG; `fasta` gives GC instead.

    Raises
    ------
    KaryolotError
        With everything that is wrong with the files, in the wording of `karyolot check`.
    """
    settings = settings or CopyNumber()
    layout_file = _layout_of(genome)
    tracks = {name: path for name, path in (("gc", gc), ("mappability", mappability), ("rt", rt)) if path is not None}
    pair, problems = _examined(lot, donor, layout_file, tracks, fasta)
    _make_folder(out)
    atlas = Atlas.of(places(layout_file, RESOURCES / "recurrent_regions.tsv", []))
    bins = _bins(pair, atlas, tracks, fasta)
    counts = {path: conform_counts(bins, pd.DataFrame(bin_counts.read(path)), str(path)) for path in (lot, donor)}
    of = analyse(bins, counts[lot], counts[donor], sex, settings, atlas, pair.layout)
    problems += _sex_problems(donor, sex, of.match.donor_sex)
    facts = of.comparison, of.noise, of.match
    found = copy_number_metrics(of.calls, of.segments, of.arms, of.lod, *facts, settings, pair.layout)
    _write_tables(out, lot.name.split(".")[0], of)
    given = {"lot": lot, "donor": donor, "fasta": fasta, **tracks}
    summary = {
        "inputs": {name: describe_file(path) for name, path in given.items() if path is not None},
        "warnings": [str(problem) for problem in problems],
        "not_seen": [*NOT_SEEN, EDITED],
        "not_assessed": unseen_chromosomes(of.arms, pair.layout, sex),
        "computational_karyotype": of.karyotype.text,
        "karyotype_withheld": of.karyotype.withheld,
        **{name: getattr(of, name).model_dump(mode="json") for name in ("comparison", "noise", "match")},
        "metrics": {name: metric.model_dump() for name, metric in sorted(found.items())},
    }
    write_json(summary, out / "summary.json")
    return summary


def _examined(*files: Any) -> tuple[Pair, list[Problem]]:
    """`examine`, which must find no error."""
    pair, problems = examine(*files)
    if pair is None:
        raise InputProblems(problems)
    return pair, problems


def _write_tables(out: Path, name: str, of: CopyNumberResults) -> None:
    """Segments, calls, arms and limits as tables, and as files of other programs. name: of the lot, in those."""
    for (file, contract), table in zip(TABLES.items(), (of.segments, of.calls, of.arms, of.lod), strict=True):
        write_table(table, out / file, contract)
    write_texts(documents(of.ratios, of.segments, of.calls, name), {kind: out / file for kind, file in FILES.items()})


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KaryolotError(f"--out {out}: no such folder can be made ({error.strerror})", "name another one") from None


def _sex_problems(donor: Path, sex: str, found: str | None) -> list[Problem]:
    """The warning that the donor's reads contradict the record. found: by its reads; None where they do not determine it."""
    if found in (None, sex):
        return []
    message = f"the depth of X and Y is that of sex {found}, and --sex is {sex}: no karyotype is given"
    return [Problem("W28", str(donor), message, "correct --sex, or find out whose cells these are")]


def _layout_of(genome: str) -> Path:
    file = RESOURCES / "genomes" / f"{genome}.yaml"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in file.parent.glob("*.yaml")))
        raise KaryolotError(f"--genome {genome}: no layout of that name; there are {known}")
    return file


def _bins(pair: Pair, atlas: Atlas, tracks: dict[str, Path], sequence: Path | None) -> pd.DataFrame:
    """The grid of the lot's table (schema Bins), annotated from the tracks or the sequence."""
    sources: dict[str, Any] = {"layout": pair.layout, "cytobands": atlas.cytobands, "contigs": pair.contigs}
    if sequence is not None:
        sources["contigs"], sources["composition"] = fasta.read(sequence, pair.width)
    values = {name: intervals.by_contig(path, KINDS[name]) for name, path in tracks.items()}
    fields = {"mappability": "mappability", "rt": "replication_timing"}
    sources |= {fields[name]: table for name, table in values.items() if name in fields}
    bins = assemble_bins(sources_of(sources), pair.width)
    if "gc" in values:
        bins["gc"] = mean_over_bins(bins, values["gc"])
    return bins
