"""The files of the example: reference, reads, sample tables, configuration."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from karyolot.contracts.criteria import Acceptance
from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import Row, Sample
from karyolot.io.files import sha256, write_text
from karyolot.simulate.coding import Coding
from karyolot.simulate.donors import Cells, Variants
from karyolot.simulate.expression import rna_fragments, transcripts
from karyolot.simulate.genome import WINDOW, Bases, Genome, N, stream
from karyolot.simulate.mitochondrion import CONTIG, Mitochondria, molecules
from karyolot.simulate.reads import DUPLICATES, amplify, dna_fragments, joined, with_clone, write_lane

Circle = tuple[Bases, Mitochondria]
READ_DNA, READ_RNA = 50, 75
"""Read lengths, bases."""
Caught = tuple[NDArray[np.bool_], int]
TIMING_STEP = 100_000
"""Real bases per value of the replication-timing track."""


def write_reference(folder: Path, genome: Genome, circle: Bases, coding: Mapping[str, Coding]) -> None:
    """genome.fa with the mitochondrial circle, genome.yaml, cytobands.tsv, replication_timing.bedgraph, genes.gtf."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "genome.fa").open("wb") as handle:
        contigs = [(chrom, genome.bases[genome.contig(chrom)]) for chrom in genome.names]
        for chrom, bases in [*contigs, (CONTIG, circle)]:
            lines = bases.reshape(-1, WINDOW)
            newlines = np.full((len(lines), 1), ord("\n"), np.uint8)
            handle.write(f">{chrom}\n".encode() + np.hstack([lines, newlines]).tobytes())
    _write_yaml(genome.layout.model_dump(mode="json"), folder / "genome.yaml")
    write_text(genome.bands.to_csv(sep="\t", header=False, index=False, lineterminator="\n"), folder / "cytobands.tsv")
    write_text("".join(timing_lines(genome)), folder / "replication_timing.bedgraph")
    write_text("".join(gtf_lines(genome, coding)), folder / "genes.gtf")


def write_panel(path: Path, genome: Genome, known: Variants) -> None:
    """The sites that vary on the autosomes, as a VCF with the frequency of each."""
    lines = ["##fileformat=VCFv4.3", '##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency of ALT">']
    lines.append("\t".join(("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")))
    contig = np.searchsorted(genome.offsets, known.site, side="right") - 1
    for chrom in genome.layout.autosomes:
        number = genome.names.index(chrom)
        origin = genome.contig(chrom).start
        for i in np.flatnonzero(contig == number):
            ref, alt = chr(genome.bases[known.site[i]]), chr(known.other[i])
            place = known.site[i] - origin + 1
            lines.append(f"{chrom}\t{place}\t.\t{ref}\t{alt}\t.\tPASS\tAF={known.frequency[i]:.4f}")
    write_text("\n".join(lines) + "\n", path)


def timing_lines(genome: Genome) -> list[str]:
    """bedGraph of replication timing."""
    step = max(1, TIMING_STEP // genome.scale // WINDOW)
    lines = []
    for chrom in genome.names:
        timing = genome.timing[genome.windows(genome.whole(chrom))]
        for first in range(0, len(timing), step):
            part = timing[first : first + step]
            lines.append(f"{chrom}\t{first * WINDOW}\t{(first + len(part)) * WINDOW}\t{part.mean():.4f}\n")
    return lines


def write_drivers(
    folder: Path, coding: Mapping[str, Coding], genes: Sequence[Mapping[str, str]], columns: Sequence[str]
) -> None:
    """driver_genes.tsv and hotspots.tsv: what of the shipped panel lies in the miniature. columns: of the second."""
    own = [row | {"transcript": ""} for row in map(dict, genes) if row["gene"] in coding]
    own = [row for row in own if row["scope"] != "hotspots" or coding[row["gene"]].hotspots]
    hotspots = [row for one in coding.values() for row in one.hotspots]
    for name, rows, header in (("driver_genes", own, list(genes[0])), ("hotspots", hotspots, list(columns))):
        table = pd.DataFrame(rows, columns=header)
        write_text(table.to_csv(sep="\t", index=False, lineterminator="\n"), folder / f"{name}.tsv")


def gtf_lines(genome: Genome, coding: Mapping[str, Coding]) -> list[str]:
    """GTF of all genes, one transcript each; its id is the gene's with T1 behind. coding: of those with a coding sequence."""
    lines = []
    for gene in genome.genes.to_dict("records"):
        origin = genome.contig(gene["chrom"]).start
        exons = [(gene["start"], gene["intron_start"]), (gene["intron_end"], gene["end"])]
        if gene["intron_start"] == gene["intron_end"]:
            exons = [(gene["start"], gene["end"])]
        name = f'gene_id "{gene["gene_id"]}"; gene_name "{gene["gene_name"]}";'
        mature = f'{name} transcript_id "{gene["gene_id"]}T1";'
        rows = [("gene", gene["start"], gene["end"], name), ("transcript", gene["start"], gene["end"], mature)]
        rows += [("exon", start, end, mature) for start, end in exons]
        if gene["gene_name"] in coding:
            places = coding[gene["gene_name"]].positions
            for feature, part in (("CDS", places[:-3]), ("stop_codon", places[-3:])):
                low, high = int(part.min()), int(part.max()) + 1
                pieces = [(max(start, low), min(end, high)) for start, end in exons]
                rows += [(feature, start, end, mature) for start, end in pieces if start < end]
        for feature, start, end, attributes in rows:
            place = f"{start - origin + 1}\t{end - origin}\t.\t{gene['strand']}\t."
            lines.append(f"{gene['chrom']}\tkaryolot\t{feature}\t{place}\t{attributes}\n")
    return lines


def write_dna(
    out: Path,
    sample: Mapping[str, str],
    cells: Cells,
    circle: Circle,
    pairs: int,
    lanes: int,
    seed: int,
    caught: Caught,
) -> list[Sample]:
    """Whole-genome reads of one library, over its lanes. sample: sample_id and owner. circle: mitochondrial genome of the
    person, and what the cells have of it; its reads are in the last lane. caught: windows that were enriched by capture, and
    the number of read pairs that this adds there. Returns the sheet's rows."""
    rng = stream(seed, f"reads of {sample['sample_id']}")
    unlike = round(pairs * (1 - DUPLICATES))
    fragments = amplify(dna_fragments(cells, unlike, READ_DNA, rng), rng)
    capture = stream(seed, f"captured reads of {sample['sample_id']}")
    added = dna_fragments(cells, caught[1], READ_DNA, capture, caught[0])
    fragments = with_clone(joined(fragments, added), cells.haplotypes, cells.mutated, capture)
    own = stream(seed, f"mitochondrial reads of {sample['sample_id']}")
    sequenced = ~(cells.genome.bases == N).reshape(-1, WINDOW).any(axis=1)
    each = unlike / (float((cells.copies * sequenced).sum()) * WINDOW)
    mitochondrial = [(template, amplify(part, own)) for template, part in molecules(*circle, each, READ_DNA, own)]
    rows = []
    for lane in range(1, lanes + 1):
        paths = _paths(out, f"{sample['sample_id']}_L{lane}")
        nuclear = [(cells.haplotypes, fragments.take(slice(lane - 1, None, lanes)))]
        write_lane(paths, nuclear + mitochondrial * (lane == lanes), READ_DNA, lane, rng)
        facts = {"assay": "wgs", "lane": f"L{lane}", "library_kit": "PCR, 300 bp"}
        rows.append(_row(out, paths, {**sample, **facts}))
    return rows


def write_rna(
    out: Path, sample: Mapping[str, str], cells: Cells, level: NDArray[np.float64], pairs: int, seed: int
) -> Sample:
    """Stranded RNA reads of one replicate. level: of `expression.levels`. Returns the sheet's row."""
    rng = stream(seed, f"reads of {sample['sample_id']}")
    template, edges = transcripts(cells)
    paths = _paths(out, f"{sample['sample_id']}_L1")
    fragments = rna_fragments(cells, level, edges, pairs, READ_RNA, rng)
    fragments = with_clone(fragments, template, cells.mutated, stream(seed, f"clone of {sample['sample_id']}"))
    write_lane(paths, [(template, fragments)], READ_RNA, 1, rng)
    facts = {"assay": "rnaseq", "lane": "L1", "library_kit": "dUTP, poly-A", "strandedness": "reverse"}
    return _row(out, paths, {**sample, **facts})


def write_config(folder: Path, settings: Mapping[str, Any], acceptance: Acceptance) -> None:
    """config.yaml and acceptance.yaml. Raises pydantic's ValidationError for settings a run would refuse."""
    Config.model_validate(settings)
    _write_yaml(settings, folder / "config.yaml")
    _write_yaml(acceptance.model_dump(mode="json"), folder / "acceptance.yaml")


def write_sheet(rows: Sequence[Row], path: Path) -> None:
    """A sample table with the columns that are filled in at all."""
    sheet = pd.DataFrame([row.model_dump() for row in rows]).dropna(axis="columns", how="all")
    write_text(sheet.to_csv(sep="\t", index=False, lineterminator="\n"), path)


def _write_yaml(content: Mapping[str, Any], path: Path) -> None:
    write_text(yaml.safe_dump(dict(content), sort_keys=False, width=120), path)


def _paths(out: Path, name: str) -> tuple[Path, Path]:
    (out / "reads").mkdir(parents=True, exist_ok=True)
    return out / "reads" / f"{name}_R1.fastq.gz", out / "reads" / f"{name}_R2.fastq.gz"


def _row(out: Path, paths: tuple[Path, Path], facts: Mapping[str, str]) -> Sample:
    files = {f"fastq_{mate}": path.relative_to(out).as_posix() for mate, path in enumerate(paths, start=1)}
    digests = {f"sha256_{mate}": sha256(path) for mate, path in enumerate(paths, start=1)}
    return Sample.model_validate({**facts, **files, **digests, "platform": "simulated", "seq_run": "FC1"})
