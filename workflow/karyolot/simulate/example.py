"""The embedded example: which donors and lots there are, and the changes simulated in them."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from karyolot.contracts.criteria import Acceptance, Limit
from karyolot.contracts.settings import Layout
from karyolot.contracts.sheets import Donor, Lot, Sample
from karyolot.inputs.formats import drivers
from karyolot.inputs.formats.yaml import read as read_yaml
from karyolot.io.files import write_json
from karyolot.io.shipped import RESOURCES
from karyolot.simulate.coding import Coding, Mutation, substituted, windows_of, with_mutations, write_coding
from karyolot.simulate.donors import Cells, Change, Sex, copies, haplotypes, variants
from karyolot.simulate.expression import AXES, PLANTED, levels
from karyolot.simulate.files import (
    write_config,
    write_dna,
    write_drivers,
    write_panel,
    write_reference,
    write_rna,
    write_sheet,
)
from karyolot.simulate.genome import Genome, make_genome, stream
from karyolot.simulate.mitochondrion import GROWING, RESTING, Mitochondria, circle, genome_of


@dataclass(frozen=True)
class Size:
    """How big the example is.

    scale: real bases per base. dna_pairs, rna_pairs: read pairs of a full library. genes: in the annotation.
    set_genes: most genes kept of one gene set. transcript: shortest and longest, bases. bin_bp, min_bin_count, decoys:
    settings of these names. claim_mb: size the PASS claim is made for, real megabases. mosaic: fraction of the cells of
    L2-gain with trisomy 8, with the 20q gain, and with the loss of 17p and TP53 R175H.
    """

    scale: int
    dna_pairs: int
    rna_pairs: int
    genes: int
    set_genes: int
    transcript: tuple[int, int]
    bin_bp: int
    min_bin_count: int
    claim_mb: float
    decoys: bool
    mosaic: tuple[float, float, float]


SIZES = {
    # As many reads as ten minutes allow: the limit of detection at 20 Mb comes out at 28 % of cells (gain).
    # No decoys: indexing them would cost a minute, and no RNA here comes from outside the genes.
    "demo": Size(100, 800_000, 80_000, 2400, 200, (800, 2000), 500, 200, 20, False, (0.6, 0.4, 0.4)),
    # For continuous integration: few reads, so the claim is about arms, and both gains must be in every cell.
    "tiny": Size(1000, 320_000, 20_000, 700, 30, (400, 700), 100, 50, 100, True, (1.0, 1.0, 1.0)),
}


CAPTURED, CAPTURED_BESIDE = 0.04, 200
"""Read pairs of a capture of the driver genes, of those of the genome, and the bases beside the genes that it keeps. The genome
alone has 3x, and no miniature gene could be assessed."""
MINIATURE_LOD = 0.35
"""Largest limit of detection the example's criteria accept: a quarter of the cells is what its reads allow, with room."""


@dataclass(frozen=True)
class Person:
    """A donor. germline: carried by all cells. lanes: the DNA library was run on."""

    sex: Sex
    age: int
    germline: tuple[Change, ...]
    lanes: int = 1


DONORS = {
    "D1": Person(
        "F",
        34,
        (
            Change("chr3:64-67", -1),
            Change("chr11:40-43", -1),
            Change("chr13:60-64", +1),
            Change("chr5:102-104.5", -1),
        ),
        lanes=2,
    ),
    "D2": Person(
        "M",
        51,
        (
            Change("chr2:80-83", -1),
            Change("chr7:85-89", +1),
            Change("chr10:84-87", -1),
            Change("chr14:48-50.5", -1),
        ),
    ),
}


@dataclass(frozen=True)
class Culture:
    """A lot. donor: by its sheet. cells: whose they are. depth: fraction of a full DNA library. expected: the verdict.

    sampled: a date. mutated: mutations of its clone. mitochondria: of its cells.
    """

    donor: str
    cells: str
    expected: str
    passage: int
    pdl: float
    bank: str
    sampled: str
    parent: str | None = None
    depth: float = 1.0
    acquired: tuple[Change, ...] = ()
    mutated: tuple[Mutation, ...] = ()
    mitochondria: Mitochondria = field(default_factory=lambda: Mitochondria(GROWING))


def cultures(size: Size) -> dict[str, Culture]:
    """The lots, by id."""
    trisomy, gain, two_hits = size.mosaic
    return {
        "L1-clean": Culture("D1", "D1", "PASS", passage=4, pdl=6.2, bank="MCB", sampled="2025-03-04"),
        "L2-gain": Culture(
            "D2",
            "D2",
            "FAIL",
            passage=9,
            pdl=14.1,
            bank="MCB",
            sampled="2025-05-20",
            acquired=(
                Change("chr8", +1, trisomy),
                Change("chr17:0-22.7", -1, two_hits),  # 17p, with the other copy of TP53
                Change("chr20:30.4-39.0", +1, gain),  # 20q11.21 to 20q11.23, with BCL2L1
            ),
            mutated=(Mutation("TP53", "R175H", two_hits),),
            mitochondria=Mitochondria(GROWING, allele=0.4, deletion=0.2),
        ),
        "L3-swapped": Culture(
            "D1", "D2", "FAIL_IDENTITY", passage=5, pdl=7.5, bank="DP", sampled="2025-03-11", parent="L1-clean"
        ),
        "L4-shallow": Culture(
            "D1",
            "D1",
            "INDETERMINATE",
            passage=5,
            pdl=7.9,
            bank="DP",
            sampled="2025-03-12",
            parent="L1-clean",
            depth=0.02,
        ),
    }


REPLICATES = (1, 2)
"""Of the RNA of every lot and of every donor's hepatocytes."""


def write_example(out: Path, size: Literal["demo", "tiny"], seed: int = 1) -> None:
    """Write a working directory under `out`: config/, reference/, reads/ and, last of all, truth.json.

    The same size and seed give the same bytes.
    """
    write_size(out, SIZES[size], seed)


def write_size(out: Path, size: Size, seed: int) -> None:
    """`write_example` for any size."""
    genome, axes, coding = miniature(size, seed)
    write_reference(out / "reference", genome, circle(seed), coding)
    write_drivers(out / "reference", coding, _drivers()[0], drivers.HOTSPOT_COLUMNS)
    caught = windows_of(genome, coding.values(), CAPTURED_BESIDE)
    write_panel(out / "reference" / "snps.vcf", genome, variants(genome, seed))
    lots = cultures(size)
    samples: list[Sample] = []
    for name, (donor, cells) in populations(genome, lots, coding, seed).items():
        owner = {"lot_id" if name in lots else "donor_id": name}
        depth, lanes = (lots[name].depth, 1) if name in lots else (1.0, DONORS[name].lanes)
        own = genome_of(lots[name].cells if name in lots else name, seed)
        held = lots[name].mitochondria if name in lots else Mitochondria(RESTING)
        sample = {"sample_id": f"{name}-wgs", **owner}
        pairs = round(size.dna_pairs * depth)
        samples += write_dna(out, sample, cells, (own, held), pairs, lanes, seed, (caught, round(CAPTURED * pairs)))
        level = levels(cells, axes, donor, seed)
        for replicate in REPLICATES:
            sample = {"sample_id": f"{name}-rna{replicate}", **owner}
            samples.append(write_rna(out, sample, cells, level, size.rna_pairs, seed))
    write_config(out / "config", settings(size), acceptance())
    people = [Donor(donor_id=donor, sex=person.sex, age=person.age) for donor, person in DONORS.items()]
    write_sheet(people, out / "config" / "donors.tsv")
    write_sheet([sheet_row(name, lot) for name, lot in lots.items()], out / "config" / "lots.tsv")
    samples.sort(key=lambda row: (row.assay, row.sample_id))
    write_sheet(samples, out / "config" / "samples.tsv")
    write_json(truth(size, seed, genome, lots, coding), out / "truth.json")


def _drivers() -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Rows of the shipped panel, and of its recurrent mutations."""
    return drivers.read(RESOURCES / "driver_genes.tsv", RESOURCES / "hotspots.tsv")


def miniature(size: Size, seed: int) -> tuple[Genome, dict[str, str], dict[str, Coding]]:
    """The genome with its genes, the axis of every gene of a scored set (the first of several), and the coding sequences."""
    tables = {name: _table(RESOURCES / f"{name}.tsv") for name in ("markers", "recurrent_regions", "gene_sets/axes")}
    recurrent = tables["recurrent_regions"]["genes"].dropna().str.split(",").explode()
    sets = read_sets(RESOURCES / "gene_sets")
    annotation = _table(Path(__file__).with_name("genes.tsv"))
    named = {*tables["markers"]["gene_name"], *recurrent, *PLANTED}
    genes = choose_genes(annotation, named, sets, size.genes, size.set_genes, seed)
    layout = read_yaml(RESOURCES / "genomes" / "GRCh38.yaml", Layout)
    bands = pd.read_csv(RESOURCES / "genomes" / str(layout.cytobands), sep="\t", header=None)
    bands.columns = pd.Index(["chrom", "start", "end", "band", "stain"])
    axes: dict[str, str] = {}
    for name, axis in zip(tables["gene_sets/axes"]["set_name"], tables["gene_sets/axes"]["axis"], strict=True):
        if axis in AXES:
            axes = {**dict.fromkeys(sets[name], axis), **axes}
    genome = make_genome(layout, bands, genes, size.scale, size.transcript, seed)
    panel, hotspots = _drivers()
    return genome, axes, write_coding(genome, [row["gene"] for row in panel], hotspots)


def _table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", comment="#")


def read_sets(folder: Path) -> dict[str, list[str]]:
    """Gene names by set, from every GMT of a folder."""
    files = sorted(folder.glob("*.gmt"))
    rows = [line.split("\t") for gmt in files for line in gmt.read_text(encoding="utf-8").splitlines() if line]
    return {name: members for name, _, *members in rows}


def choose_genes(
    annotation: pd.DataFrame, named: Set[str], sets: Mapping[str, Sequence[str]], number: int, most: int, seed: int
) -> pd.DataFrame:
    """All of `named`, up to `most` genes of every set, and others by chance until there are `number`.

    Raises ValueError when a named gene is not in the annotation.
    """
    names = annotation["gene_name"]
    if missing := sorted(named - set(names)):
        raise ValueError(f"genes.tsv lacks {', '.join(missing)}")
    wanted = set(named)
    for members in sets.values():
        known = sorted(set(members) & set(names))
        wanted.update(known[:: max(1, -(-len(known) // most))])
    others = annotation.index[~names.isin(wanted)]
    background = stream(seed, "background genes").choice(others, max(number - len(wanted), 0), replace=False)
    return annotation[names.isin(wanted) | annotation.index.isin(background)]


def populations(
    genome: Genome, lots: Mapping[str, Culture], coding: Mapping[str, Coding], seed: int
) -> dict[str, tuple[str, Cells]]:
    """Whose cells they are, and the cells, by donor id (resting hepatocytes) and lot id (dividing)."""
    people = {donor: haplotypes(genome, donor, seed) for donor in DONORS}

    def cells(
        donor: str, acquired: tuple[Change, ...], mutated: tuple[Mutation, ...], growing: bool
    ) -> tuple[str, Cells]:
        person = DONORS[donor]
        table = copies(genome, person.sex, (*person.germline, *acquired))
        genomes, share = with_mutations(genome, people[donor], coding, mutated)
        return donor, Cells(genome, person.sex, genomes, table, growing, share)

    resting = {donor: cells(donor, (), (), growing=False) for donor in DONORS}
    return resting | {name: cells(lot.cells, lot.acquired, lot.mutated, growing=True) for name, lot in lots.items()}


def settings(size: Size) -> dict[str, Any]:
    """The configuration, where it differs from the default."""
    return {
        "reference": {
            "layout": "reference/genome.yaml",
            "fasta": "reference/genome.fa",
            "gtf": "reference/genes.gtf",
            "replication_timing": "reference/replication_timing.bedgraph",
            "decoys": size.decoys,
        },
        "counting": {"bin_bp": size.bin_bp},
        "copy_number": {
            "min_bin_bp": size.bin_bp,
            "min_bin_count": size.min_bin_count,
            "lod_sizes_mb": [mb / size.scale for mb in sorted({2, 5, 10, 20, 50, size.claim_mb})],
            "claim_mb": size.claim_mb / size.scale,
            "high_copy_mb": 1 / size.scale,
        },
        "identity": {"sites": "reference/snps.vcf", "event_mb": 20 / size.scale},
        "small_variants": {"drivers": "reference/driver_genes.tsv", "hotspots": "reference/hotspots.tsv"},
        # salmon's correction of sequence bias draws random numbers that cannot be seeded; with it TPM of so few reads
        # differ by 5 % between two runs.
        "expression": {"seq_bias": False},
        "acceptance": "config/acceptance.yaml",
        "notice": f"Miniature human genome at 1:{size.scale}: sizes are {1 / size.scale:g} of the real ones.",
    }


def acceptance() -> Acceptance:
    """The shipped criteria with the one limit that no miniature can keep: its reads are too few to see 20 % of cells."""
    shipped = read_yaml(RESOURCES / "acceptance.yaml", Acceptance)
    relaxed = Limit(op="<=", value=MINIATURE_LOD, on_breach="INDETERMINATE")
    reason = "A miniature study has too few reads for the shipped limit of 0.20."
    criteria = (
        c.model_copy(update={"limits": (relaxed,), "reason": reason}) if c.id == "Q06" else c for c in shipped.criteria
    )
    return shipped.model_copy(update={"name": "miniature example", "criteria": tuple(criteria)})


def sheet_row(name: str, lot: Culture) -> Lot:
    """The lot as in its sheet."""
    facts = {
        "passage": lot.passage,
        "pdl": lot.pdl,
        "bank": lot.bank,
        "parent_lot_id": lot.parent,
        "thaw_state": "fresh",
        "collection_date": lot.sampled,
    }
    return Lot.model_validate({"lot_id": name, "donor_id": lot.donor, **facts})


def truth(
    size: Size, seed: int, genome: Genome, lots: Mapping[str, Culture], coding: Mapping[str, Coding]
) -> dict[str, Any]:
    """The simulated truth, positions in the miniature, 0-based half-open."""

    def planted(changes: Sequence[Change]) -> list[dict[str, Any]]:
        return [c.region(genome).model_dump() | {"copies": c.copies, "fraction": c.fraction} for c in changes]

    def mutation(one: Mutation) -> dict[str, Any]:
        place, base = substituted(genome, coding[one.gene], one.change)
        number = int(np.searchsorted(genome.offsets, place, side="right")) - 1
        where = {"chrom": genome.names[number], "start": place - int(genome.offsets[number]), "alt": chr(base)}
        return asdict(one) | where

    return {
        "seed": seed,
        "size": asdict(size),
        "donors": {name: {"sex": person.sex, "germline": planted(person.germline)} for name, person in DONORS.items()},
        "lots": {
            name: {
                "donor": lot.donor,
                "cells_of": lot.cells,
                "sex": DONORS[lot.cells].sex,
                "expected": lot.expected,
                "depth": lot.depth,
                "acquired": planted(lot.acquired),
                "mutated": [mutation(one) for one in lot.mutated],
                "mitochondria": asdict(lot.mitochondria),
            }
            for name, lot in lots.items()
        },
        "expression": {gene: {"hepatocyte": resting, "lot": growing} for gene, (resting, growing) in PLANTED.items()},
        "axes_log2": dict(AXES),
    }
