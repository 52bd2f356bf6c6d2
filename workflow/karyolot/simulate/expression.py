"""What each gene makes in resting hepatocytes and in the lots, and the RNA fragments that follow."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from karyolot.simulate.donors import Cells
from karyolot.simulate.genome import COMPLEMENT, Bases, stream
from karyolot.simulate.reads import Fragments, draw

PLANTED: Mapping[str, tuple[float, float]] = {
    # mature hepatocyte: 64-, 10-, 5- and 20-fold down, albumin still there
    "CYP3A4": (4000, 62),
    "UGT1A9": (1500, 150),
    "FAH": (2000, 400),
    "ALB": (30000, 1500),
    # progenitor and cholangiocyte: up
    "KRT19": (20, 1500),
    "EPCAM": (15, 600),
    "CCL2": (60, 900),
    "SOX9": (30, 500),
    "TGFB1": (80, 500),
    # what the product is given for: up
    "HGF": (30, 700),
    "MMP1": (10, 800),
    "MMP3": (8, 400),
    # identity
    "HNF4A": (700, 300),
    "CD44": (60, 900),
    "THY1": (10, 500),
    # immune and vessel cells: some in a liver preparation, none in a lot
    "HLA-DRA": (300, 0),
    "HLA-DRB1": (200, 0),
    "HLA-DPA1": (120, 0),
    "HLA-DPB1": (120, 0),
    "HLA-DQA1": (60, 0),
    "HLA-DQB1": (60, 0),
    "CIITA": (40, 0),
    "PTPRC": (60, 0),
    "CD34": (40, 0),
    # watched: the lots divide, nothing pluripotent
    "AFP": (10, 40),
    "GPC3": (5, 20),
    "MKI67": (5, 250),
    "TERT": (0, 0),
    "POU5F1": (0, 0),
    "NANOG": (0, 0),
    "LIN28A": (0, 0),
    "CCN1": (150, 900),
    "CCN2": (150, 900),
    "ANKRD1": (20, 200),
    "AMOTL2": (80, 320),
    # a driver gene whose RNA shows its mutations
    "TP53": (200, 200),
    # sex: XIST in women only; genes of Y follow their copies
    "XIST": (500, 500),
    "RPS4Y1": (500, 500),
    "DDX3Y": (300, 300),
}
"""Level in hepatocytes and in lots, on a scale where an ordinary gene makes 200; about TPM with 2,400 genes."""

AXES: Mapping[str, float] = {
    "WNT": 1.0,
    "NOTCH": 1.0,
    "Hippo": 1.0,
    "YAP/TAZ targets": 1.5,
    "ECM disassembly": 1.3,
    "HGF receptor": 1.8,
    "hepatocyte function": -2.0,
    "proliferation": 1.5,
}
"""Mean log2 change, lot over hepatocyte, of the genes of an axis (names of resources/gene_sets/axes.tsv); axes not
named here do not move. A gene of several axes takes the first."""

SILENT = 0.15
"""Fraction of other genes that are off."""
PERSONAL = 0.03
"""Fraction of genes one donor makes several-fold more or less of than another; the rest differ by 0.3 log2 units."""
DISPERSION = 0.02
"""Squared coefficient of variation between replicates beyond counting (negative binomial)."""
INSERT = 200
"""Mean length of RNA fragments, bases; no transcript is shorter."""


def levels(cells: Cells, axes: Mapping[str, str], donor: str, seed: int) -> NDArray[np.float64]:
    """Relative number of transcripts of every gene. axes: gene_name -> axis, for genes of a scored set."""
    names = cells.genome.genes["gene_name"]
    rng = stream(seed, "expression")
    level = 200 * np.exp(1.2 * rng.standard_normal(len(names))) * (rng.random(len(names)) > SILENT)
    scatter = 0.5 * rng.standard_normal(len(names))
    if cells.growing:
        level = level * 2 ** (scatter + names.map(axes).map(AXES).fillna(0).to_numpy())
    planted = names.map({gene: pair[cells.growing] for gene, pair in PLANTED.items()}).to_numpy(float)
    level = np.where(np.isnan(planted), level, planted)
    own = stream(seed, f"expression of {donor}")
    personal = 0.3 * own.standard_normal(len(names))
    personal += 2 * own.standard_normal(len(names)) * (own.random(len(names)) < PERSONAL)
    present = (names != "XIST").to_numpy() | (cells.sex == "F")
    result: NDArray[np.float64] = level * 2**personal * present * cells.dosage
    return result


def transcripts(cells: Cells) -> tuple[Bases, NDArray[np.int64]]:
    """The spliced transcripts, sense strand, end to end: shape (2, bases); and the edges between genes."""
    spliced, forward = [], []
    for gene in cells.genome.genes.to_dict("records"):
        exons = np.r_[gene["start"] : gene["intron_start"], gene["intron_end"] : gene["end"]]
        spliced.append(exons if gene["strand"] == "+" else exons[::-1])
        forward.append(np.full(len(exons), gene["strand"] == "+"))
    sense = cells.haplotypes[:, np.concatenate(spliced)]
    edges = np.cumsum([0, *(len(exons) for exons in spliced)])
    return np.where(np.concatenate(forward), sense, COMPLEMENT[sense]), edges


def rna_fragments(
    cells: Cells, level: NDArray[np.float64], edges: NDArray[np.int64], number: int, read: int, rng: np.random.Generator
) -> Fragments:
    """Fragments of a stranded (dUTP) library over `transcripts`: read 1 is antisense, read 2 sense."""
    mature = np.diff(edges)
    size = 1 / DISPERSION
    noisy = level * rng.gamma(size, 1 / size, len(level))
    gene = draw(noisy / noisy.max() * (mature - INSERT + 1), number, rng)
    length = np.clip(rng.normal(INSERT, 30, number).astype(np.int64), read, mature[gene])
    start = edges[gene] + np.floor(rng.random(number) * (mature[gene] - length + 1)).astype(np.int64)
    here = cells.gene_copies
    second = here[1] / np.maximum(here.sum(axis=0), 1e-9)
    haplotype = (rng.random(number) < second[gene]).astype(np.int64)
    return Fragments(start, length, haplotype, np.ones(number, bool))
