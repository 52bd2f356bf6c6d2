"""The embedded example holds what it says it holds: the same bytes every time, and every planted truth to be found."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from karyolot.contracts.settings import Layout
from karyolot.inputs.check import examine
from karyolot.inputs.formats.yaml import read as read_yaml
from karyolot.io.shipped import RESOURCES
from karyolot.simulate import expression, mitochondrion, reads
from karyolot.simulate.donors import Cells, Change, copies
from karyolot.simulate.example import (
    CAPTURED,
    DONORS,
    SIZES,
    Size,
    choose_genes,
    cultures,
    miniature,
    populations,
    settings,
    write_size,
)
from karyolot.simulate.genome import COMPLEMENT, LONG, UNSEQUENCED, WINDOW, Genome, N, make_genome, stream

SMALL = replace(SIZES["tiny"], dna_pairs=3000, rna_pairs=400)
"""Everything of the tiny example but most of its reads."""


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("example")
    write_size(out, SMALL, seed=1)
    return out


@pytest.fixture(scope="module")
def genome() -> Genome:
    return miniature(SMALL, seed=1)[0]


@pytest.fixture(scope="module")
def cells() -> dict[str, Cells]:
    genome, _, coding = miniature(SMALL, seed=1)
    return {name: cells for name, (_, cells) in populations(genome, cultures(SMALL), coding, seed=1).items()}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# The files ------------------------------------------------------------------------------------------------------------


def test_same_seed_same_bytes_and_another_seed_other_bytes(example: Path, tmp_path: Path) -> None:
    write_size(tmp_path / "again", SMALL, seed=1)
    write_size(tmp_path / "other", SMALL, seed=2)
    first, again, other = contents(example), contents(tmp_path / "again"), contents(tmp_path / "other")
    assert first == again
    assert first.keys() == other.keys()
    reads_differ = [name for name in first if name.startswith("reads/") and first[name] != other[name]]
    assert len(reads_differ) == sum(name.startswith("reads/") for name in first)


def test_changing_one_lot_leaves_the_reads_of_all_others_as_they_were(example: Path, tmp_path: Path) -> None:
    write_size(tmp_path, replace(SMALL, mosaic=(0.5, 0.5, 0.5)), seed=1)
    before, after = contents(example / "reads"), contents(tmp_path / "reads")
    changed = {name for name in before if before[name] != after[name]}
    assert changed
    assert all(name.startswith("L2-gain") for name in changed)


def test_the_inputs_pass_the_checks_of_a_run_without_a_word(example: Path) -> None:
    raw = yaml.safe_load((example / "config" / "config.yaml").read_text())
    config, _, problems = examine(raw, example)
    assert problems == []
    assert config.copy_number.claim_mb == pytest.approx(SMALL.claim_mb / SMALL.scale)
    assert str(SMALL.scale) in config.notice


def test_every_library_has_its_own_reads_and_one_has_two_lanes(example: Path) -> None:
    samples = pd.read_csv(example / "config" / "samples.tsv", sep="\t")
    digests = pd.concat([samples["sha256_1"], samples["sha256_2"]])
    assert digests.is_unique
    assert samples[samples["assay"] == "wgs"].groupby("sample_id").size().to_dict()["D1-wgs"] == 2
    lanes = [gzip.decompress((example / "reads" / f"D1-wgs_L{lane}_R1.fastq.gz").read_bytes()) for lane in (1, 2)]
    assert 0.97 * SMALL.dna_pairs < sum(lane.count(b"@sim:") for lane in lanes) <= (1.05 + CAPTURED) * SMALL.dna_pairs
    assert samples.groupby("assay")["sample_id"].nunique().to_dict() == {"rnaseq": 12, "wgs": 6}


def test_the_swapped_lot_is_labelled_with_a_donor_whose_cells_it_does_not_hold(example: Path) -> None:
    lots = pd.read_csv(example / "config" / "lots.tsv", sep="\t").set_index("lot_id")
    swapped = json.loads((example / "truth.json").read_text())["lots"]["L3-swapped"]
    assert lots.loc["L3-swapped", "donor_id"] == swapped["donor"] == "D1"
    assert swapped["cells_of"] == "D2"
    assert swapped["sex"] != DONORS["D1"].sex


def test_the_annotation_has_every_marker_and_watched_gene_and_some_of_every_set(example: Path) -> None:
    gtf = (example / "reference" / "genes.gtf").read_text()
    markers = pd.read_csv(RESOURCES / "markers.tsv", sep="\t", comment="#")["gene_name"]
    recurrent = (
        pd.read_csv(RESOURCES / "recurrent_regions.tsv", sep="\t", comment="#")["genes"]
        .dropna()
        .str.split(",")
        .explode()
    )
    assert [gene for gene in {*markers, *recurrent} if f'gene_name "{gene}"' not in gtf] == []
    for line in (RESOURCES / "gene_sets" / "go.gmt").read_text().splitlines():
        members = line.split("\t")[2:]
        assert sum(f'gene_name "{gene}"' in gtf for gene in members) >= 5, line.split("\t")[0]


def test_transcripts_are_what_genome_and_annotation_say(example: Path, genome: Genome) -> None:
    records = (example / "reference" / "genome.fa").read_text().split(">")[1:]
    fasta = {name: "".join(lines) for name, *lines in (record.split("\n") for record in records)}
    whole = Cells(genome, "F", np.stack([genome.bases, genome.bases]), copies(genome, "F"), growing=False)
    template, edges = expression.transcripts(whole)
    exons = [line.split("\t") for line in (example / "reference" / "genes.gtf").read_text().splitlines()]
    for place in range(0, len(genome.genes), 7):
        gene = genome.genes.iloc[place]
        rows = [row for row in exons if row[2] == "exon" and f'"{gene["gene_id"]}"' in row[8]]
        spliced = "".join(fasta[row[0]][int(row[3]) - 1 : int(row[4])] for row in rows)
        if gene["strand"] == "-":
            spliced = spliced[::-1].translate(str.maketrans("ACGT", "TGCA"))
        assert template[0, edges[place] : edges[place + 1]].tobytes().decode() == spliced
        assert SMALL.transcript[0] <= len(spliced) < max(SMALL.transcript[1], LONG.get(gene["gene_name"], 0) + 1)
        assert "N" not in spliced


# The genome -----------------------------------------------------------------------------------------------------------


def test_proportions_are_those_of_the_human_genome(genome: Genome) -> None:
    real = pd.read_csv(RESOURCES / "genomes" / "GRCh38.cytobands.tsv", sep="\t", header=None)
    for chrom, end in real.groupby(0)[2].max().items():
        contig = genome.contig(str(chrom))
        assert 0 <= contig.stop - contig.start - end / genome.scale < WINDOW + 1
    for _, bands in genome.bands.groupby("chrom"):
        assert bands["start"].tolist() == [0, *bands["end"].tolist()[:-1]]
        assert (bands["stain"] == "acen").sum() == 2


def test_n_stands_at_centromeres_and_on_the_pseudo_autosomal_parts_of_y_only(genome: Genome) -> None:
    def bases(chrom: str, start: int, end: int) -> np.ndarray:
        return genome.bases[genome.contig(chrom)][start:end]

    expected = np.zeros(len(genome.bases), bool)
    for band in genome.bands[genome.bands["stain"].isin(UNSEQUENCED)].itertuples():
        origin = genome.contig(band.chrom).start
        expected[origin + band.start : origin + band.end] = True
    for region in genome.layout.y_par:
        origin = genome.contig(region.chrom).start
        expected[origin + region.start : origin + region.end] = True
    assert np.array_equal(genome.bases == N, expected)
    assert all((bases(r.chrom, r.start, r.end) == N).all() for r in genome.layout.y_par)
    assert all((bases(r.chrom, r.start, r.end) != N).all() for r in genome.layout.x_par)


def test_gc_varies_as_in_people_and_goes_with_replication_timing(genome: Genome) -> None:
    windows = genome.bases.reshape(-1, WINDOW)
    sequenced = ~(windows == N).any(axis=1)
    gc = np.isin(windows, np.frombuffer(b"GC", np.uint8)).mean(axis=1)
    assert 0.40 < gc[sequenced].mean() < 0.44
    assert np.corrcoef(gc[sequenced], genome.gc[sequenced])[0, 1] > 0.4  # sampling noise of 100 bases, and repeats
    assert 0.35 <= genome.gc.min() < genome.gc.max() <= 0.60
    assert 0.5 < np.corrcoef(genome.gc, genome.timing)[0, 1] < 0.7


def test_genes_do_not_touch_and_keep_their_order_and_place(genome: Genome) -> None:
    genes = genome.genes
    assert (genes["start"].to_numpy()[1:] - genes["end"].to_numpy()[:-1] >= 2 * 50).all()
    real = pd.read_csv(Path(expression.__file__).with_name("genes.tsv"), sep="\t", comment="#").set_index("gene_id")
    origin = genes["chrom"].map(lambda chrom: genome.contig(chrom).start)
    shift = (genes["start"] - origin) * genome.scale - real.loc[genes["gene_id"], "start"].to_numpy()
    assert shift.abs().median() < 1e6
    assert shift.abs().max() < 15e6  # a few genes inside heterochromatin or crowds move by a band or two


def test_some_of_the_genome_is_repeated_but_nothing_in_genes(genome: Genome) -> None:
    size = 28
    code = ((genome.bases >> 1) & 3).astype(np.uint64)
    words = sum(code[place : len(code) - size + place + 1] << np.uint64(2 * place) for place in range(size))
    clear = np.cumsum(np.concatenate([[0], genome.bases == N]))
    clear = clear[size:] == clear[:-size]
    _, place, number = np.unique(np.where(clear, words, np.arange(len(words))), return_inverse=True, return_counts=True)
    repeated = (number[place] > 1) & clear
    in_gene = np.zeros(len(words), bool)
    for start, end in zip(genome.genes["start"], genome.genes["end"], strict=True):
        in_gene[start : end - size + 1] = True
    assert repeated[in_gene].sum() == 0
    assert 0.003 < repeated[~in_gene & clear].mean() < 0.05


def test_crowded_genes_and_missing_genes_are_refused() -> None:
    annotation = pd.read_csv(Path(expression.__file__).with_name("genes.tsv"), sep="\t", comment="#")
    layout = read_yaml(RESOURCES / "genomes" / "GRCh38.yaml", Layout)
    bands = pd.read_csv(
        RESOURCES / "genomes" / "GRCh38.cytobands.tsv", sep="\t", names=["chrom", "start", "end", "band", "stain"]
    )
    with pytest.raises(ValueError, match="do not fit"):
        make_genome(layout, bands, annotation, 10_000, (400, 700), seed=1)
    with pytest.raises(ValueError, match="NOT-A-GENE"):
        choose_genes(annotation, {"ALB", "NOT-A-GENE"}, {}, 10, 10, seed=1)


def test_chosen_genes_are_thinned_evenly_and_filled_up_by_chance() -> None:
    annotation = pd.read_csv(Path(expression.__file__).with_name("genes.tsv"), sep="\t", comment="#")
    members = sorted(annotation["gene_name"])[:100]
    chosen = choose_genes(annotation, {"ALB"}, {"a set": [*members, "UNKNOWN"]}, 60, 25, seed=1)
    assert len(chosen) == 60
    assert "ALB" in set(chosen["gene_name"])
    assert set(members[::4]) <= set(chosen["gene_name"])


# Donors and cells -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sex", "x", "y"), [("F", 2, 0), ("M", 1, 1)])
def test_copies_of_the_sex_chromosomes(genome: Genome, sex: str, x: int, y: int) -> None:
    table = copies(genome, sex).sum(axis=0)  # type: ignore[arg-type]
    x_par, y_par = (np.zeros(len(genome.gc), bool) for _ in range(2))
    for par, regions in ((x_par, genome.layout.x_par), (y_par, genome.layout.y_par)):
        for region in regions:
            par[genome.windows(region)] = True
    on_x, on_y = (np.zeros(len(genome.gc), bool) for _ in range(2))
    on_x[genome.windows(genome.whole("chrX"))] = on_y[genome.windows(genome.whole("chrY"))] = True
    assert (table[~on_x & ~on_y] == 2).all()
    assert (table[on_x & ~x_par] == x).all()
    assert (table[x_par] == 2).all()
    assert (table[on_y & ~y_par] == y).all()
    assert (table[y_par] == 0).all()


def test_a_change_on_y_and_a_loss_beyond_nothing(genome: Genome) -> None:
    lost = copies(genome, "M", [Change("chrY", -1, 0.3), Change("chr1", -3)])
    assert lost.sum(axis=0)[genome.windows(genome.whole("chrY"))].max() == pytest.approx(0.7)
    assert (lost.sum(axis=0)[genome.windows(genome.whole("chr1"))] == 1).all()
    assert lost.min() >= 0


def test_donors_differ_from_the_reference_and_each_other_as_people_do(genome: Genome, cells: dict[str, Cells]) -> None:
    one, two = cells["D1"].haplotypes, cells["D2"].haplotypes
    differs = (one != genome.bases).any(axis=0).mean()
    het = (one[0] != one[1]).mean()
    assert 0.8e-3 < differs < 1.3e-3
    assert 0.4e-3 < het < 0.8e-3
    assert 0.4e-3 < (one != two).mean() < 1.0e-3
    assert np.array_equal(cells["L1-clean"].haplotypes, one)
    assert np.array_equal(cells["L3-swapped"].haplotypes, two)


def depth(cells: Cells, where: str, number: int, seed: int) -> tuple[float, float]:
    """Copies estimated from simulated fragments in a region, 2 = as an ordinary autosome, and its standard error."""
    genome = cells.genome
    fragments = reads.dna_fragments(cells, number, 50, stream(seed, "depth"))
    count = np.bincount((fragments.start + fragments.length // 2) // WINDOW, minlength=len(genome.gc))
    sequenced = ~(genome.bases == N).reshape(-1, WINDOW).any(axis=1)
    here = np.zeros(len(genome.gc), bool)
    here[genome.windows(Change(where, 0).region(genome))] = True
    ordinary = sequenced.copy()
    ordinary[genome.contig("chrX").start // WINDOW :] = False
    ordinary[genome.windows(genome.whole("chr8"))] = False
    inside = count[here & sequenced].sum()
    level = 2 * count[here & sequenced].mean() / count[ordinary].mean()
    return float(level), float(level / np.sqrt(max(inside, 1)))


@pytest.mark.parametrize(
    ("name", "where", "expected"),
    [
        ("L1-clean", "chr8", 2.0),
        ("L2-gain", "chr8", 3.0),
        ("L2-gain", "chr20:30.4-39.0", 3.0),
        ("L2-gain", "chr20:45-64", 2.0),
        ("D1", "chr3:64-67", 1.0),
        ("D1", "chr13:60-64", 3.0),
        ("L1-clean", "chr3:64-67", 1.0),
        ("D2", "chr3:64-67", 2.0),
        ("L3-swapped", "chr2:80-83", 1.0),
        ("D1", "chrX:10-150", 2.0),
        ("L3-swapped", "chrX:10-150", 1.0),
        ("L3-swapped", "chrY:5-25", 1.0),
        ("D2", "chrX:0.1-2.7", 2.0),
    ],
)
def test_planted_copies_are_found_in_the_fragments(
    cells: dict[str, Cells], name: str, where: str, expected: float
) -> None:
    level, error = depth(cells[name], where, 300_000, seed=1)
    # 8 %: the library's own GC bias and waves
    assert abs(level - expected) < 4 * error + 0.08 * expected


def test_no_y_in_women(cells: dict[str, Cells]) -> None:
    assert depth(cells["L1-clean"], "chrY", 100_000, seed=1)[0] == 0


def test_a_mosaic_share_of_cells_is_a_share_of_a_copy(genome: Genome, cells: dict[str, Cells]) -> None:
    mosaic = replace(cells["D2"], copies=copies(genome, "M", [Change("chr8", +1, 0.6)]))
    level, error = depth(mosaic, "chr8", 300_000, seed=1)
    assert abs(level - 2.6) < 4 * error + 0.04


def test_dividing_cells_carry_a_replication_wave_and_resting_cells_do_not(genome: Genome) -> None:
    def slope(growing: bool) -> float:
        bias = np.log(reads.library_bias(genome, growing, stream(1, "wave")))
        design = np.column_stack([np.ones_like(bias), genome.gc, genome.gc**2, genome.timing])
        return float(np.linalg.lstsq(design, bias, rcond=None)[0][3])

    assert slope(growing=True) - slope(growing=False) == pytest.approx(reads.GROWTH, rel=1e-6)
    assert abs(slope(growing=False)) < 0.005


# The reads ------------------------------------------------------------------------------------------------------------


def test_mates_face_each_other_from_the_ends_of_the_fragment() -> None:
    template = np.frombuffer(b"AACCGGTTAACCTTGGACGT" * 2, np.uint8).reshape(2, 20)
    fragments = reads.Fragments(np.array([2, 2]), np.array([10, 10]), np.array([0, 1]), np.array([False, True]))
    first, second = (mates.tobytes().decode() for mates in reads.read_ends(template, fragments, 4))
    assert first == "CCGG" + "GGTT"
    assert second == "GGTT" + "CCGG"


def test_a_short_fragment_is_read_on_into_the_adapter() -> None:
    template = np.frombuffer(b"ACGGTTTTTTTTTTTTTTTT" * 2, np.uint8).reshape(2, 20)
    fragments = reads.Fragments(np.array([10]), np.array([3]), np.array([0]), np.array([False]))
    first, second = (mates.tobytes() for mates in reads.read_ends(template, fragments, 8))
    assert first == b"TTT" + reads.ADAPTERS[0].tobytes()[:5]
    assert second == b"AAA" + reads.ADAPTERS[1].tobytes()[:5]


def test_errors_are_as_frequent_as_the_qualities_say() -> None:
    bases = np.full((20_000, 50), ord("A"), np.uint8)
    quality = reads.sequence(bases, stream(1, "errors"))
    wrong = bases != ord("A")
    assert 0.003 < wrong.mean() < 0.005
    assert set(np.unique(bases)) == set(b"ACGT")
    low = quality == ord(",")
    assert 0.07 < wrong[low].mean() < 0.10
    assert wrong[~low].mean() < 0.003


def test_duplicates_are_a_twentieth_and_all_else_is_different(cells: dict[str, Cells]) -> None:
    rng = stream(1, "duplicates")
    library = reads.amplify(reads.dna_fragments(cells["D1"], 20_000, 50, rng), rng)
    ends = np.column_stack([library.start, library.length, library.haplotype, library.flipped])
    assert 1 - len(np.unique(ends, axis=0)) / len(ends) == pytest.approx(reads.DUPLICATES, abs=0.005)
    assert abs(np.corrcoef(library.start, np.arange(len(library)))[0, 1]) < 0.05
    assert 0.003 < (library.length < 50).mean() < 0.007


def test_fastq_text_is_whole_and_its_names_unique(example: Path) -> None:
    one, two = (
        gzip.decompress((example / "reads" / f"D2-wgs_L1_R{mate}.fastq.gz").read_bytes()).decode().split("\n")
        for mate in (1, 2)
    )
    assert len(one) == len(two)
    assert one[-1] == ""
    names = [line.split()[0] for line in one[:-1:4]]
    assert names == [line.split()[0] for line in two[:-1:4]]
    assert len(set(names)) == len(names)
    assert 0.97 * SMALL.dna_pairs < len(names) <= (1.05 + CAPTURED) * SMALL.dna_pairs
    assert {len(line) for line in one[1::4]} == {len(line) for line in one[3::4]} == {50}
    assert set("".join(one[1::4])) <= set("ACGTN")


def test_mitochondrial_fragments_hold_the_planted_fractions() -> None:
    own, cells = mitochondrion.genome_of("D2", 1), mitochondrion.Mitochondria(100, allele=0.4, deletion=0.2)
    (whole, of_whole), (short, of_short) = mitochondrion.molecules(own, cells, 0.5, 50, stream(1, "circle"))
    assert (own != mitochondrion.circle(1)).sum() == mitochondrion.VARIANTS
    assert (whole[0] != whole[1]).sum() == 2, "the changed base, once around and again"
    length = mitochondrion.LENGTH - mitochondrion.DELETED[1] + mitochondrion.DELETED[0]
    assert short.shape == (2, 2 * length) and (short[0] == short[1]).all()
    molecules = len(of_whole) / mitochondrion.LENGTH, len(of_short) / length
    assert molecules == pytest.approx((0.5 * 100 * 0.8, 0.5 * 100 * 0.2), rel=0.01)
    assert of_whole.haplotype.mean() * 0.8 == pytest.approx(0.4, abs=0.01)
    assert of_whole.start.max() > 0.99 * mitochondrion.LENGTH, "fragments run over the end"


def test_names_stay_unique_over_tiles() -> None:
    bases = np.full((200, 1), ord("A"), np.uint8)
    text = reads.fastq(bases, bases, 89_900, lane=3, mate=2).decode().split("\n")
    assert text[0] == "@sim:1:FC1:3:1101:10299:10200 2:N:0:1"
    assert text[-5] == "@sim:1:FC1:3:1102:10000:10099 2:N:0:1"
    assert len(set(text[:-1:4])) == 200


def test_draw_follows_the_weights_and_never_takes_a_weightless_one() -> None:
    drawn = reads.draw(np.array([0.0, 1.0, 0.0, 3.0, 0.0]), 40_000, stream(1, "draw"))
    assert set(drawn) == {1, 3}
    assert (drawn == 3).mean() == pytest.approx(0.75, abs=0.01)
    assert set(reads.draw(np.array([0.0, 1e-6, 0.0]), 100, stream(1, "draw"))) == {1}


# Expression -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tpm(cells: dict[str, Cells]) -> Callable[[str], pd.Series]:
    axes = miniature(SMALL, seed=1)[1]

    def of(name: str) -> pd.Series:
        donor = cultures(SMALL)[name].cells if name not in DONORS else name
        level = expression.levels(cells[name], axes, donor, seed=1)
        return pd.Series(level / level.sum() * 1e6, index=cells[name].genome.genes["gene_name"])

    return of


def test_every_marker_is_planted_as_the_panel_expects_it(tpm: Callable[[str], pd.Series]) -> None:
    panel = pd.read_csv(RESOURCES / "markers.tsv", sep="\t", comment="#")
    assert set(panel["gene_name"]) <= set(expression.PLANTED)
    for donor, lot in (("D1", "L1-clean"), ("D2", "L2-gain"), ("D2", "L3-swapped")):
        resting, growing = tpm(donor), tpm(lot)
        for gene, expected in zip(panel["gene_name"], panel["expected"], strict=True):
            fold = np.log2((growing[gene] + 1e-3) / (resting[gene] + 1e-3))
            met = {
                "down": -7 < fold < -1.5,
                "up": fold > 1.5,
                "absent": growing[gene] == 0 < resting[gene],
                "detected": growing[gene] > 100,
                "report": True,
            }[expected]
            assert met, f"{gene} in {lot}: {resting[gene]:.1f} -> {growing[gene]:.1f} TPM, expected {expected}"


def test_genes_of_x_and_y_follow_the_sex_of_the_cells(tpm: Callable[[str], pd.Series]) -> None:
    for name, woman in (("D1", True), ("L1-clean", True), ("L4-shallow", True), ("D2", False), ("L3-swapped", False)):
        levels = tpm(name)
        assert (levels["XIST"] > 1) == woman
        assert (levels["RPS4Y1"] == 0) == (levels["DDX3Y"] == 0) == woman


def test_gained_genes_make_more_and_pathways_move(cells: dict[str, Cells], tpm: Callable[[str], pd.Series]) -> None:
    assert cells["L2-gain"].dosage[(cells["D1"].genome.genes["chrom"] == "chr8").to_numpy()] == pytest.approx(1.5)
    axes = miniature(SMALL, seed=1)[1]
    change = np.log2((tpm("L1-clean") + 1) / (tpm("D1") + 1))
    other = change[~change.index.isin(axes)].median()
    for axis, shift in expression.AXES.items():
        members = [gene for gene in change.index if axes.get(gene) == axis and gene not in expression.PLANTED]
        assert members
        if len(members) >= 10:
            assert np.sign(change[members].mean() - other) == np.sign(shift), axis


def test_rna_is_antisense_first_and_covers_genes_by_their_level(cells: dict[str, Cells]) -> None:
    template, edges = expression.transcripts(cells["D2"])
    level = np.zeros(len(edges) - 1)
    short, long = int(np.diff(edges).argmin()), int(np.diff(edges).argmax())
    level[short], level[long] = 2, 1
    fragments = expression.rna_fragments(cells["D2"], level, edges, 4000, 75, stream(1, "rna"))
    gene = np.searchsorted(edges, fragments.start, side="right") - 1
    assert set(gene) == {short, long}
    assert (fragments.start + fragments.length <= edges[gene + 1]).all()
    room = np.diff(edges) - expression.INSERT
    expected = room[long] / (2 * room[short] + room[long])
    assert (gene == long).mean() == pytest.approx(expected, abs=0.08)  # replicates differ by 14 %
    assert fragments.flipped.all()
    first, second = reads.read_ends(template, fragments, 75)
    sense = template[fragments.haplotype[0], fragments.start[0] :][:75]
    assert np.array_equal(second[0], sense)
    end = (fragments.start + fragments.length)[0]
    assert np.array_equal(first[0], COMPLEMENT[template[fragments.haplotype[0], end - 75 : end]][::-1])


# The sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SIZES)
def test_sizes_differ_in_scale_only(name: str) -> None:
    size: Size = SIZES[name]
    assert settings(size)["copy_number"]["claim_mb"] * size.scale == pytest.approx(size.claim_mb)
    assert [lot.expected for lot in cultures(size).values()] == ["PASS", "FAIL", "FAIL_IDENTITY", "INDETERMINATE"]
    assert all(change.fraction > 0 for lot in cultures(size).values() for change in lot.acquired)
