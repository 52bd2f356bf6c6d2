"""Allele counts as an entry: every program's table gives the same counts, and planted truth is found from counts alone."""

import gzip
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import planted
from karyolot.contracts.alleles import AlleleCounts
from karyolot.contracts.problems import Fault, KaryolotError
from karyolot.contracts.settings import Identity
from karyolot.dna.allele_counts import conform_alleles
from karyolot.dna.alleles import compare_alleles
from karyolot.dna.contamination import identify
from karyolot.inputs.formats import allele_counts
from planted_alleles import LENGTHS, counts, mosaic, panel, person

SITES = panel(4000)
COLUMNS = ["chrom", "start", "ref", "alt", "ref_count", "alt_count", "other_count"]


def snp_pileup(one: pd.DataFrame, two: pd.DataFrame) -> str:
    """As snp-pileup writes a pair: normal first, positions from 1."""
    lines = ["Chromosome,Position,Ref,Alt,File1R,File1A,File1E,File1D,File2R,File2A,File2E,File2D"]
    for a, b in zip(one.itertuples(), two.itertuples(), strict=True):
        both = f"{a.ref_count},{a.alt_count},{a.other_count},0,{b.ref_count},{b.alt_count},{b.other_count},1"
        lines.append(f"{a.chrom.removeprefix('chr')},{a.start + 1},{a.ref},{a.alt},{both}")
    return "\n".join(lines) + "\n"


def vcf(one: pd.DataFrame, two: pd.DataFrame) -> str:
    head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tD1w\tL1w\n"
    rows = [
        f"{a.chrom}\t{a.start + 1}\t.\t{a.ref}\t{a.alt},<*>\t.\tPASS\t.\tGT:AD\t./.:{a.ref_count},{a.alt_count},"
        f"{a.other_count}\t./.:{b.ref_count},{b.alt_count},{b.other_count}"
        for a, b in zip(one.itertuples(), two.itertuples(), strict=True)
    ]
    return head + "\n".join(rows) + "\n"


def seqz(one: pd.DataFrame, two: pd.DataFrame, genotype: np.ndarray) -> str:
    """As sequenza-utils bam2seqz writes it: alleles of the normal sample in the order of the tumor's shares."""
    columns = (
        "chromosome position base.ref depth.normal depth.tumor depth.ratio Af Bf zygosity.normal GC.percent good.reads"
    )
    lines = ["\t".join([*columns.split(), "AB.normal", "AB.tumor", "tumor.strand"])]
    for a, b, copies in zip(one.itertuples(), two.itertuples(), genotype, strict=True):
        depth, total = a.ref_count + a.alt_count + a.other_count, b.ref_count + b.alt_count + b.other_count
        if not depth or not total:
            continue
        shares = sorted([(b.ref_count / total, a.ref), (b.alt_count / total, a.alt)], reverse=True)
        het = copies == 1
        pair = "".join(base for _, base in shares) if het else (a.ref if copies == 0 else a.alt)
        lines.append(
            f"{a.chrom}\t{a.start + 1}\t{a.ref}\t{depth}\t{total}\t1.0\t{shares[0][0]:.3f}\t{shares[1][0]:.3f}\t"
            f"{'het' if het else 'hom'}\t50\t{total}\t{pair}\t.\t0"
        )
    return "\n".join(lines) + "\n"


def bins_of(spelling: str = "chr") -> pd.DataFrame:
    names = [f"{spelling}{name.removeprefix('chr')}" for name in (*LENGTHS, "chrX")]
    region = ["autosome"] * len(LENGTHS) + ["X"]
    return pd.DataFrame({"chrom": names, "start": 0, "end": 1000, "region": region})


def put(folder: Path, text: str, name: str = "alleles.txt", zipped: bool = False) -> Path:
    (folder / name).write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
    return folder / name


def loaded(path: Path, name: str | None, sample: str, panels: tuple[pd.DataFrame, ...] = ()) -> pd.DataFrame:
    """What the rule import_alleles makes of a table; the check must have taken it."""
    assert allele_counts.look(path, name, sample).sites
    table = conform_alleles(allele_counts.read(path, name, sample), bins_of(), panels, str(path))
    return AlleleCounts.validate(table)


@pytest.fixture(scope="module")
def pair() -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(1)
    me = person(SITES, rng)
    return counts(SITES, me, 30, rng), counts(SITES, me, 20, rng), me.sum(axis=0)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("with_panel", [False, True])
@pytest.mark.parametrize(("write", "names"), [(snp_pileup, ("File1", "File2")), (vcf, ("D1w", None))])
def test_counts_come_back_as_they_were(
    tmp_path: Path, pair: tuple[pd.DataFrame, pd.DataFrame, np.ndarray], write: Callable[..., str],
    names: tuple[str | None, str | None], with_panel: bool, zipped: bool,
) -> None:  # fmt: skip
    one, two, _ = pair
    path = put(tmp_path, write(one, two), "a.gz" if zipped else "a", zipped)
    for name, sample, truth in zip(names, ("D1w", "L1w"), (one, two), strict=True):
        found = loaded(path, name, sample, (SITES,) if with_panel else ())
        wanted = truth if with_panel else truth.assign(frequency=np.nan)
        pd.testing.assert_frame_equal(found, wanted[list(found.columns)], check_dtype=False)


def test_seqz_gives_the_sites_at_which_the_normal_is_het(
    tmp_path: Path, pair: tuple[pd.DataFrame, pd.DataFrame, np.ndarray]
) -> None:
    one, two, genotype = pair
    path = put(tmp_path, seqz(one, two, genotype))
    lot, donor = loaded(path, "tumor", "L1w"), loaded(path, "normal", "D1w")
    truth = two[(genotype == 1) & (two[["ref_count", "alt_count", "other_count"]].sum(axis=1) > 0)].reset_index(
        drop=True
    )
    assert lot["start"].tolist() == truth["start"].tolist()
    assert (lot["alt_count"] - truth["alt_count"]).abs().max() <= 1 and (
        lot["ref_count"] - truth["ref_count"]
    ).abs().max() <= 1
    assert ((donor["ref_count"] - donor["alt_count"]).abs() <= 1).all()


def test_a_panel_turns_alleles_and_fills_in_what_is_missing(tmp_path: Path) -> None:
    rows = "1,{},{},{},9,4,0,0\n"
    sites = pd.DataFrame({"chrom": "chr1", "start": [10, 20, 30], "end": [11, 21, 31], "ref": "A", "alt": "G",
                          "frequency": 0.3})  # fmt: skip
    text = "Chromosome,Position,Ref,Alt,File1R,File1A,File1E,File1D\n"
    text += (
        rows.format(11, "A", "G") + rows.format(21, "G", "A") + rows.format(31, "A", "T") + rows.format(99, "A", "G")
    )
    found = loaded(put(tmp_path, text), None, "L1w", (sites,))
    assert found[["ref_count", "alt_count"]].to_numpy().tolist() == [[9, 4], [4, 9], [0, 0]]
    with pytest.raises(KaryolotError, match="holds no read at a site of the panel"):
        conform_alleles(
            allele_counts.read(tmp_path / "alleles.txt", None, "x"), bins_of(), (sites.assign(start=1),), "t"
        )


HEAD = "Chromosome,Position,Ref,Alt,File1R,File1A,File1E,File1D"
SEQZ_HEAD = "\t".join(allele_counts.SEQZ) + "\n"
VCF = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\tB\n"


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (HEAD + ",File2R,File2A\n1,5,A,G,1,1,0,0,1,1\n", None, "holds 2 samples .File1, File2.*alleles_name"),
        (HEAD + "\n1,5,A,G,1,1,0,0\n", "File2", "holds no sample 'File2' .it has File1."),
        (HEAD + "\n1,5,A,G,1,-1,0,0\n", None, "a count is negative"),
        (HEAD + "\n1,5,A,G,1,1.5,0,0\n", None, "'1.5' is not a whole number"),
        (HEAD + "\n1,0,A,G,1,1,0,0\n", None, "position below 1"),
        (HEAD + "\n1,5,A,G,1,1\n", None, "6 cells and the header 8"),
        (HEAD + "\n1,5,A,.,1,1,0,0\n", None, "holds no site with two alleles"),
        (HEAD + "\n1,5,A,G,0,0,0,0\n", None, "every count is 0"),
        (HEAD + "\n", None, "holds no site"),
        (VCF + "1\t5\t.\tA\tG\t.\tPASS\t.\tGT\t0/1\t0/1\n", "A", "does not count the reads of each allele"),
        (VCF + "1\t5\t.\tA\tG\t.\tPASS\t.\tAD\t3,4\t1,2\n", None, "holds 2 samples .A, B., none of them called L1w"),
        (VCF + "1\t5\t.\tA\tG\t.\tLowQual\t.\tAD\t3,4\t1,2\n", "A", "holds no site"),
        ("@HD\tVN:1.6\n", None, "GATK CollectAllelicCounts"),
        ("chromosome\tposition\tbase.ref\tdepth\n", "tumor", "has no column"),
        (SEQZ_HEAD + "1\t5\tA\t20\t6\t4\thet\t40\tAG\n", "tumor", "Af and Bf are 6 and 4"),
        ("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n", None, "holds no sample"),
        ("BCF\2\2", None, "is a BCF file; convert it: bcftools view"),
        ("hello\n", None, "is neither snp-pileup's CSV"),
        ("", None, "is neither"),
    ],
)
def test_what_cannot_be_used_is_refused_by_check_and_run(
    tmp_path: Path, text: str, name: str | None, words: str
) -> None:
    path = put(tmp_path, text)
    for read in (allele_counts.look, allele_counts.read):
        with pytest.raises(Fault, match=words):
            read(path, name, "L1w")


# Planted truth from allele counts alone: a donor and a lot of one file, no reads, no panel.


def imported(tmp_path: Path, kind: str, with_panel: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(7)
    sites = panel(30_000, 5)
    me, other = person(sites, rng), person(sites, rng)
    copies = mosaic(sites, [("chr7", 0, 60, "copy-neutral", 0.5)]) if kind == "event" else None
    share = 0.1 if kind == "mixed" else 0.0
    donor = counts(sites, me, 30, rng)
    lot = counts(sites, other if kind == "other" else me, 30, rng, copies=copies, foreign=other, share=share)
    path = put(tmp_path, snp_pileup(donor, lot))
    panels = (sites,) if with_panel else ()
    return loaded(path, "File2", "L1w", panels), loaded(path, "File1", "D1w", panels)


@pytest.mark.parametrize("with_panel", [False, True])
@pytest.mark.parametrize(("kind", "result"), [("same", "MATCH"), ("other", "MISMATCH"), ("mixed", "MATCH")])
def test_persons_and_mixtures_are_found_from_counts_alone(
    tmp_path: Path, kind: str, result: str, with_panel: bool
) -> None:
    identity = identify(*imported(tmp_path, kind, with_panel), Identity())
    assert identity.kinship.result == result
    assert identity.frequencies == ("panel" if with_panel else "pair")
    if kind != "other":
        truth = 0.1 if kind == "mixed" else 0.0
        assert identity.contamination.fraction == pytest.approx(truth, abs=0.01)


def test_a_copy_neutral_event_is_found_from_counts_alone(tmp_path: Path) -> None:
    lot, donor = imported(tmp_path, "event", with_panel=False)
    flat = planted.run((), per_bin=3000)
    found = compare_alleles(lot, donor, flat.compared.ratios, flat.noise, flat.calls, Identity())
    (event,) = found.events.to_dict("records")
    assert event["chrom"] == "chr7" and event["kind"] == "copy-neutral"
    assert abs(event["start"]) < 3e6 and abs(event["end"] - 60e6) < 3e6
    assert event["fraction_low"] <= 0.5 <= event["fraction_high"]


CELLS = st.sampled_from(["1", "chr2", "5", "0", "A", "G", ".", "7", "-1", "x", "", "1.5", "AC", "12345678901234567890"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(rows=st.lists(st.lists(CELLS, min_size=6, max_size=9), max_size=3), good=st.booleans())
def test_what_the_check_takes_the_run_reads(tmp_path: Path, rows: list[list[str]], good: bool) -> None:
    text = "\n".join([HEAD, *(["1,5,A,G,3,4,0,0"] if good else []), *(",".join(row) for row in rows)])
    path = put(tmp_path, text)
    seen: list[int] = []
    for read in (
        lambda: allele_counts.look(path, None, "x").sites,
        lambda: len(allele_counts.read(path, None, "x")["start"]),
    ):
        seen.append(0)
        with suppress(Fault):
            seen[-1] = read()
    assert seen[0] == seen[1]
