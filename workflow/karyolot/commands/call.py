"""Copy number from two count tables, without Snakemake: the same functions the workflow's rules call."""

from pathlib import Path
from typing import Any

import pandas as pd

from karyolot.contracts.copy_number import Arms, Calls, Lod, Noise, Segments
from karyolot.contracts.problems import InputProblems, KaryolotError, Problem
from karyolot.contracts.record import NOT_SEEN
from karyolot.contracts.settings import CopyNumber, Layout
from karyolot.dna.atlas import Atlas
from karyolot.dna.bins import assemble_bins, contig_key, mean_over_bins, sources_of
from karyolot.dna.calls import call_changes
from karyolot.dna.counts import conform_counts
from karyolot.dna.exports import documents, karyotype
from karyolot.dna.limits import known_regions, limits_of_detection
from karyolot.dna.match import match_donor
from karyolot.dna.plants import verify
from karyolot.dna.ratio import compare
from karyolot.dna.segments import segment
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
        With everything that is wrong with the files, in the words of `karyolot check`.
    """
    settings = settings or CopyNumber()
    layout_file = _layout_of(genome)
    tracks = {name: path for name, path in (("gc", gc), ("mappability", mappability), ("rt", rt)) if path is not None}
    pair, problems = _examined(lot, donor, layout_file, tracks, fasta)
    _make_folder(out)
    atlas = Atlas.of(places(layout_file, RESOURCES / "watch_regions.tsv", []))
    bins = _bins(pair, atlas, tracks, fasta)
    counts = {path: conform_counts(bins, pd.DataFrame(bin_counts.read(path)), str(path)) for path in (lot, donor)}
    compared = compare(bins, counts[lot], counts[donor], sex, settings)
    segments, noise, donor_noise = segment(compared.ratios, settings)
    arms, lod = _limits(compared.ratios, noise, settings, atlas)
    calls = call_changes(compared.ratios, segments, arms, noise, donor_noise, settings, atlas, compared.facts)
    match = match_donor(compared.ratios, counts[lot], counts[donor], bins, sex, settings).match
    problems += _sex_problems(donor, sex, match.donor_sex)
    found = copy_number_metrics(calls, segments, arms, lod, compared.facts, noise, match, settings, pair.layout)
    _write_tables(out, lot.name.split(".")[0], compared.ratios, (segments, calls, arms, lod))
    given = {"lot": lot, "donor": donor} | ({"fasta": fasta} if fasta else {}) | tracks
    summary = {
        "inputs": {name: describe_file(path) for name, path in given.items()},
        "warnings": [str(problem) for problem in problems],
        "not_seen": list(NOT_SEEN),
        "not_assessed": (unseen := _not_assessed(arms, pair.layout)),
        "computational_karyotype": None if unseen or match.donor_sex not in (None, sex) else karyotype(calls, sex),
        "comparison": compared.facts.model_dump(mode="json"),
        "noise": noise.model_dump(mode="json"),
        "match": match.model_dump(mode="json"),
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


def _limits(
    ratios: pd.DataFrame, noise: Noise, settings: CopyNumber, atlas: Atlas
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tests of known regions and limits of detection, verified with simulated events."""
    arms = known_regions(ratios, noise, settings, atlas)
    return verify(ratios, noise, arms, limits_of_detection(ratios, noise, settings), settings)


def _write_tables(out: Path, name: str, ratios: pd.DataFrame, tables: tuple[pd.DataFrame, ...]) -> None:
    """Segments, calls, arms and limits as tables, and as files of other programs. name: of the lot, in those."""
    for (file, contract), table in zip(TABLES.items(), tables, strict=True):
        write_table(table, out / file, contract)
    segments, calls, *_ = tables
    write_texts(documents(ratios, segments, calls, name), {kind: out / file for kind, file in FILES.items()})


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KaryolotError(f"--out {out}: no such folder can be made ({error.strerror})", "name another one") from None


def _sex_problems(donor: Path, sex: str, found: str | None) -> list[Problem]:
    """The warning that the donor's reads contradict the record. found: by its reads; None where they do not say."""
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
    """The grid of the lot's table (contract Bins), with what the tracks or the sequence say of its bins."""
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


def _not_assessed(arms: pd.DataFrame, layout: Layout) -> list[str]:
    """Autosomes and X without any arm whose copy number could be judged: of a karyotype with these nothing is known."""
    judged = {contig_key(name) for name in arms.loc[arms["assessable"] & (arms["scope"] != "watch"), "chrom"]}
    wanted = [*layout.autosomes, *([layout.x] if layout.x else [])]
    return [name for name in wanted if contig_key(name) not in judged]
