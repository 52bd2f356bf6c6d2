"""Copy number from two count tables, without Snakemake: the same functions the workflow's rules call."""

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from karyolot.contracts.copy_number import Arms, BinSources, Calls, Lod, Segments
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.record import NOT_SEEN
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.atlas import Atlas
from karyolot.dna.bins import assemble_bins, contig_key, mean_over_bins
from karyolot.dna.calls import call_changes
from karyolot.dna.counts import conform_counts
from karyolot.dna.exports import documents, karyotype
from karyolot.dna.limits import known_regions, limits_of_detection
from karyolot.dna.match import match_donor
from karyolot.dna.plants import verify
from karyolot.dna.ratio import compare
from karyolot.dna.segments import segment
from karyolot.dna.summary import metrics
from karyolot.io.files import describe_file, write_json, write_texts
from karyolot.io.genome import (
    read_composition,
    read_counts,
    read_layout_bands,
    read_places,
    read_scores,
)
from karyolot.io.shipped import RESOURCES
from karyolot.io.tables import write_table

FILES = {"seg": "segments.seg", "vcf": "calls.vcf", "bed": "calls.bed", "bedgraph": "log_ratios.bedgraph"}
"""Format of `dna.exports.documents` -> file."""


def call(
    lot: Path, donor: Path, out: Path, *, genome: str, sex: str, gc: Path | None = None, fasta: Path | None = None,
    mappability: Path | None = None, rt: Path | None = None, settings: CopyNumber | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Compare two count tables and write segments, calls, arms and limits of detection to `out`; returns the summary.

    lot, donor: counts per bin (TSV, bedGraph or fixed-step WIG; 'chr1' or '1'). genome: a layout of resources/genomes.
    gc, mappability, rt: bedGraph or fixed-step WIG; fasta gives GC instead. Raises KaryolotError for what cannot be read.
    """
    settings = settings or CopyNumber()
    layout_file = RESOURCES / "genomes" / f"{genome}.yaml"
    if not layout_file.is_file():
        known = ", ".join(sorted(path.stem for path in layout_file.parent.glob("*.yaml")))
        raise KaryolotError(f"--genome {genome}: no layout of that name; there are {known}")
    layout, bands = read_layout_bands(layout_file)
    tables = {path: read_counts(path) for path in (lot, donor)}
    bin_bp = _bin_width(lot, tables[lot])
    contigs = _contigs(tables[lot], bands)
    composition = None
    if fasta is not None:
        contigs, composition = read_composition(fasta, bin_bp)
    tracks = {"mappability": mappability, "replication_timing": rt}
    scores = {name: read_scores(path) for name, path in tracks.items() if path is not None}
    bins = assemble_bins(BinSources(layout, bands, contigs, composition, **scores), bin_bp)
    if gc is not None:
        shares = read_scores(gc)
        bins["gc"] = mean_over_bins(bins, shares[shares["value"].between(0, 1)])
    counts = {path: conform_counts(bins, table, str(path)) for path, table in tables.items()}
    compared = compare(bins, counts[lot], counts[donor], sex, settings)
    segmented = segment(compared.ratios, settings)
    noises = segmented.noise, segmented.donor_noise
    atlas = Atlas(*read_places(layout_file, RESOURCES / "watch_regions.tsv", []))
    arms = known_regions(compared.ratios, segmented.noise, settings, atlas)
    lod = limits_of_detection(compared.ratios, segmented.noise, settings)
    arms, lod = verify(compared.ratios, segmented.noise, arms, lod, settings)
    calls = call_changes(compared.ratios, segmented.segments, arms, *noises, settings, atlas, compared.facts)
    match = match_donor(compared.ratios, counts[lot], counts[donor], bins, sex, settings).match
    found = metrics(calls, segmented.segments, arms, lod, compared.facts, segmented.noise, match, settings)
    write_table(segmented.segments, out / "segments.tsv", Segments)
    write_table(calls, out / "calls.tsv", Calls)
    write_table(arms, out / "arms.tsv", Arms)
    write_table(lod, out / "lod.tsv", Lod)
    texts = documents(compared.ratios, segmented.segments, calls, lot.name.split(".")[0])
    write_texts(texts, {name: out / file for name, file in FILES.items()})
    given = {"lot": lot, "donor": donor, "gc": gc, "fasta": fasta, "mappability": mappability, "rt": rt}
    summary = {
        "inputs": {name: describe_file(path) for name, path in given.items() if path is not None},
        "not_seen": list(NOT_SEEN),
        "computational_karyotype": karyotype(calls, sex),
        "comparison": compared.facts.model_dump(mode="json"),
        "noise": segmented.noise.model_dump(mode="json"),
        "match": match.model_dump(mode="json"),
        "metrics": {name: metric.model_dump() for name, metric in sorted(found.items())},
    }
    write_json(summary, out / "summary.json")
    return summary


def _bin_width(path: Path, table: pd.DataFrame) -> int:
    """The commonest width of a table's rows: the last bin of a contig may be short."""
    (width, _), *_ = Counter((table["end"] - table["start"]).tolist()).most_common(1)
    if (table["start"] % width).any():
        raise KaryolotError(f"{path}: bins of {width} bases do not start at multiples of their width")
    return int(width)


def _contigs(table: pd.DataFrame, bands: pd.DataFrame) -> list[tuple[str, int]]:
    """Contigs in the spelling of the table, with their true lengths, in the order of the assembly."""
    lengths = {contig_key(str(name)): int(part["end"].max()) for name, part in bands.groupby("chrom", sort=False)}
    spelling = {contig_key(name): name for name in table["chrom"].unique()}
    return [(spelling[key], length) for key, length in lengths.items() if key in spelling]
