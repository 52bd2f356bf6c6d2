"""Panels of SNPs of every kind that is recommended: read alike by the check and the run, or refused alike with the reason."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karyolot.contracts.alleles import Sites
from karyolot.contracts.problems import Fault
from karyolot.inputs.formats import sites

AUTOSOMES = ("1", "2")
RNG = np.random.default_rng(3)
GENOME = {name: "".join(RNG.choice(list("ACGT"), 3000)) for name in ("chr1", "chr2", "chrX")}
CONTIGS = {name: len(bases) for name, bases in GENOME.items()}
COMPLEMENT = str.maketrans("ACGT", "TGCA")
VCF = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
Panel = list[tuple[str, int, str, str, float]]


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    """Soft-masked in part, as genomes are."""
    path = tmp_path / "genome.fa"
    path.write_text("".join(f">{name} x\n{bases[:900].lower()}{bases[900:]}\n" for name, bases in GENOME.items()))
    pysam.faidx(str(path))
    return path


def panel(number: int = 200, seed: int = 1) -> Panel:
    """True sites of the genome: contig, start, reference, alternative, frequency."""
    rng = np.random.default_rng(seed)
    rows = []
    for name in ("chr1", "chr2"):
        for start in sorted(rng.choice(3000, number // 2, replace=False).tolist()):
            ref = GENOME[name][start]
            alt = str(rng.choice([base for base in "ACGT" if base != ref]))
            rows.append((name, start, ref, alt, round(float(rng.uniform(0.1, 0.9)), 3)))
    return rows


def vcf(rows: Panel, info: str = "AF={:.3f}") -> str:
    return VCF + "".join(f"{c}\t{s + 1}\t.\t{r}\t{a}\t.\tPASS\t{info.format(f)}\n" for c, s, r, a, f in rows)


def bed(rows: Panel, style: str) -> str:
    return "".join(style.format(c=c, s=s, e=s + 1, r=r, a=a, f=f) + "\n" for c, s, r, a, f in rows)


def by_check_and_run(path: Path, fasta: Path) -> tuple[sites.Facts, pd.DataFrame]:
    """What the check sees and the run reads; they must say the same."""
    facts = sites.look(path, CONTIGS, AUTOSOMES, fasta)
    table = Sites.validate(pd.DataFrame(sites.read(path, fasta, AUTOSOMES)))
    assert facts.sites == len(table)
    return facts, table


def refused(path: Path, fasta: Path, words: str) -> None:
    for read in (lambda: sites.look(path, CONTIGS, AUTOSOMES, fasta), lambda: sites.read(path, fasta, AUTOSOMES)):
        with pytest.raises(Fault, match=words):
            read()


def put(fasta: Path, content: str, name: str = "panel") -> Path:
    path = fasta.parent / name
    path.write_text(content)
    return path


KINDS: dict[str, tuple[Callable[[Panel], str], bool]] = {
    "somalier sites": (vcf, True),
    "1000 Genomes": (lambda rows: vcf(rows, "AC=9;AF={:.3f};AN=20;EAS_AF=0.1"), True),
    "dbSNP without AF": (lambda rows: vcf(rows, "RS=3;CAF=0.9,0.1;dummy={}"), False),
    "VerifyBamID": (lambda rows: bed(rows, "{c}\t{s}\t{e}\t{r}\t{a}"), False),
    "VerifyBamID of GRCh37": (
        lambda rows: bed([(row[0][3:], *row[1:]) for row in rows], "{c}\t{s}\t{e}\t{r}\t{a}"),
        False,
    ),
    "NGSCheckMate": (lambda rows: bed(rows, "{c}\t{s}\t{e}\trs{s}\t{r}\t{a}"), False),
    "own BED": (lambda rows: bed(rows, "{c}\t{s}\t{e}\t{r}\t{a}\t{f}"), True),
    "own BED with spaces": (lambda rows: bed(rows, "{c} {s} {e} {r} {a} {f}"), True),
    "BED with a header": (
        lambda rows: (
            "#chrom\tstart\tend\tname\tscore\tAF\tREF\tALT\n" + bed(rows, "{c}\t{s}\t{e}\tx\t0.99\t{f}\t{r}\t{a}")
        ),
        True,
    ),
    "lower case": (lambda rows: bed(rows, "{c}\t{s}\t{e}\t{r}\t{a}\t{f}").replace("\tA\t", "\ta\t").lower(), True),
}


@pytest.mark.parametrize("kind", KINDS)
def test_panels_of_every_recommended_kind_are_read(fasta: Path, kind: str) -> None:
    write, has_frequency = KINDS[kind]
    rows = panel()
    facts, table = by_check_and_run(put(fasta, write(list(reversed(rows)))), fasta)
    assert table[["chrom", "start", "ref", "alt"]].to_numpy().tolist() == [list(row[:4]) for row in rows]
    assert not facts.left_out and not facts.turned
    if has_frequency:
        assert table["frequency"].to_numpy() == pytest.approx([row[4] for row in rows], abs=1e-3)
    else:
        assert table["frequency"].isna().all()


def test_alleles_on_the_strand_of_genes_are_turned(fasta: Path) -> None:
    """As NGSCheckMate gives them: every other gene is on the reverse strand; A/T and C/G sites cannot be told."""
    rows = panel()
    turned = [(c, s, r.translate(COMPLEMENT), a.translate(COMPLEMENT), f) if i % 2 else (c, s, r, a, f)
              for i, (c, s, r, a, f) in enumerate(rows)]  # fmt: skip
    facts, table = by_check_and_run(put(fasta, bed(turned, "{c}\t{s}\t{e}\trs1\t{r}\t{a}")), fasta)
    clear = [row for row in rows if row[2].translate(COMPLEMENT) != row[3]]
    assert table[["chrom", "start", "ref", "alt"]].to_numpy().tolist() == [list(row[:4]) for row in clear]
    assert facts.left_out == {"A/T or C/G, on an unknown strand": len(rows) - len(clear)}
    assert facts.turned == sum(row in clear for row in rows[1::2])


def test_a_panel_of_another_assembly_is_refused(fasta: Path) -> None:
    moved = [(c, (s + 17) % 3000, r, a, f) for c, s, r, a, f in panel()]
    refused(put(fasta, vcf(moved)), fasta, "reference alleles are not the base of the genome; .* another assembly")
    refused(put(fasta, bed([("chr9", *row[1:]) for row in panel()], "{c}\t{s}\t{e}\t{r}\t{a}")), fasta,
            r"none of its contigs \(chr9\) is in the reference")  # fmt: skip
    beyond = put(fasta, "chr1\t2999999\t3000000\tA\tC\n")
    refused(beyond, fasta, "1 of 1 reference alleles are not the base")


def test_a_few_corrected_bases_are_left_out(fasta: Path) -> None:
    rows = panel()
    wrong = [(c, s, next(b for b in "ACGT" if b not in (r, a)), a, f) if i < 6 else (c, s, r, a, f)
             for i, (c, s, r, a, f) in enumerate(rows)]  # fmt: skip
    facts, table = by_check_and_run(put(fasta, vcf(wrong)), fasta)
    assert facts.left_out == {"another base in the genome": 6} and len(table) == len(rows) - 6


def test_alleles_in_another_order_are_named(fasta: Path) -> None:
    minor_first = [(c, s, a, r, f) if i % 3 else (c, s, r, a, f) for i, (c, s, r, a, f) in enumerate(panel())]
    refused(put(fasta, vcf(minor_first)), fasta, "the alleles are in another order")


def test_the_genome_is_held_against_without_an_index_too(fasta: Path) -> None:
    rows = panel()
    with_index = sites.look(put(fasta, vcf(rows)), CONTIGS, AUTOSOMES, fasta)
    Path(f"{fasta}.fai").unlink()
    before = set(fasta.parent.iterdir())
    assert sites.look(fasta.parent / "panel", CONTIGS, AUTOSOMES, fasta) == with_index
    moved = put(fasta, vcf([(c, (s + 17) % 3000, r, a, f) for c, s, r, a, f in rows]))
    with pytest.raises(Fault, match="another assembly"):
        sites.look(moved, CONTIGS, AUTOSOMES, fasta)
    assert set(fasta.parent.iterdir()) == before, "the check makes no index"


A1 = GENOME["chr1"][0]
ALT = next(base for base in "ACGT" if base not in (A1, A1.translate(COMPLEMENT)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f"chr1\t0\t1\t{A1}\t{ALT}\t0.99\t0.3\n", "columns 6 and 7 hold numbers, and no header states which"),
        (f"chr1\t0\t1\t{A1}\t{ALT}\t0,25\n", "column 6 holds '0,25', and a frequency is a number such as 0.25"),
        (f"chr1\t0\t1\t{A1}\t{ALT}\t,25\n", "column 6 holds ',25'"),
        (f"chr1\t0\t1\t{A1}\t{ALT}\tx\t25%\n", "column 7 holds '25%'"),
        (f"chr1\t0\t1\t{A1}\t{ALT}\tAF=0.25\n", "column 6 holds 'AF=0.25'"),
        (
            f"chr1\t0\t1\t{A1}\t{ALT}\tx\nchr1\t7\t8\tA\tC\t0.4\n",
            "a number follows the alleles, and none in the first",
        ),
        (f"chr1\t0\t1\t{A1}\t{ALT}\t.\t.\nchr1\t7\t8\tA\tC\t.\t0.4\n", "a number follows the alleles"),
        (f"chrom\tstart\tend\tref\talt\tAF\nchr1\t0\t1\t{A1}\t{ALT}\t0,25\n", "the frequency '0,25' is not a number"),
        (
            f"chrom\tstart\tend\tref\talt\tMAF\nchr1\t0\t1\t{A1}\t{ALT}\t0.2\n",
            "names 'MAF', which does not state of which allele",
        ),
        (f"chrom\tstart\tend\tref\talt\teur_freq\nchr1\t0\t1\t{A1}\t{ALT}\t0.2\n", "names 'eur_freq'"),
        (VCF + f"chr1\t1\t.\t{A1}\t{ALT}\t.\t.\tAF=0,25\n", "the frequency '0,25' is not a number"),
        (f"chr1\t0\t1\t{A1}\t{ALT}\t60\n", "60 is not a frequency from 0 to 1"),
        (f"chr1\t0\t2\t{A1}\t{ALT}\n", "0-2 is an interval of 2 bases for a single-nucleotide site"),
        (f"chr1\t1\t1\t{A1}\t{ALT}\n", "an interval of 0 bases"),
        (VCF + f"chr1\t1\t.\t{A1}\tC,G\t.\t.\t.\n", r"holds no SNP with two alleles \(1 sites of other kinds\)"),
        (VCF + "chr1\t5\t.\tA\tACC\t.\t.\t.\n", "holds no SNP with two alleles"),
        (VCF, "holds no site"),
        ("", "holds no site"),
        (VCF + "chr1\tx\t.\tA\tC\n", "is not a line of VCF"),
        (VCF + "chr1\t0\t.\tA\tC\n", "is not a line of VCF"),
        (VCF + f"chr1\t1\t.\t{A1}\t{ALT}\t.\t.\tAF=often\n", "the frequency 'often' is not a number"),
        (VCF + f"chrX\t1\t.\t{GENOME['chrX'][0]}\tN\t.\t.\t.\n", "holds no SNP with two alleles"),
        ("chrX\t5\t6\tA\tC\n", "no SNP with two alleles on the autosomes of the genome"),
        (f"chr1\t0\t1\t{A1}\t{ALT}\n" * 2, "gives every position twice"),
        (f"chr1\t0\t1\t{A1}\t{ALT}\nchr1\t7\t8\t{A1}\n", "the line has 4 columns, the first one 5"),
        (f"chrom\tstart\tend\tscore\tvalue\nchr1\t0\t1\t{A1}\t{ALT}\n", "its header names no column ref"),
        ("hello\n", "is neither VCF with its header nor BED"),
        (f"chr1\t1\t.\t{A1}\t{ALT}\n", "is neither VCF with its header nor BED"),
        ("1:1005806_C/T_rs3934834\t0.446885\n", "is the .mu file of VerifyBamID; name the .bed"),
        ("0.1 -0.02 3e-5\n", "name the .bed file of the same folder"),
        ("1\trs1\t0\t1005806\tC\tT\n", "a .bim file of PLINK"),
        ("chr1\t1005806\tC\tT\n", "gives a position .* no interval"),
        ("rs3934834\n", "names SNPs without their positions"),
        ("@HD\tVN:1.5\n", "a haplotype map of Picard"),
        ("IlmnID,Name,IlmnStrand,SNP\n", "is separated by commas"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(fasta: Path, content: str, words: str) -> None:
    refused(put(fasta, content), fasta, words)


def test_bcf_is_named(fasta: Path) -> None:
    (fasta.parent / "panel").write_bytes(b"BCF\2\2" + bytes(20))
    refused(fasta.parent / "panel", fasta, "bcftools view")


def test_sites_with_more_alleles_are_left_out_and_counted(fasta: Path) -> None:
    rows = panel(20)
    text = bed(rows, "{c}\t{s}\t{e}\t{r}\t{a}") + "chr1\t2\t3\tT\tA,G\nchr1\t5\t9\tACGT\tA\nchrX\t5\t6\tA\tC\n"
    facts, table = by_check_and_run(put(fasta, text), fasta)
    assert len(table) == 20
    assert facts.left_out == {"not two alleles of one base": 2, "not on an autosome of the genome": 1}


def test_frequencies_of_0_and_1_are_none(fasta: Path) -> None:
    rows = panel(4)
    text = "".join(
        f"{c}\t{s}\t{s + 1}\t{r}\t{a}\t{f}\n" for (c, s, r, a, _), f in zip(rows, "0 1 . 0.25".split(), strict=True)
    )
    facts, table = by_check_and_run(put(fasta, text), fasta)
    assert facts.frequencies == 1 and table["frequency"].isna().tolist() == [True, True, True, False]


def test_a_hundred_thousand_sites_take_seconds(fasta: Path) -> None:
    text = "".join(f"chr1\t{n}\t{n + 1}\tA\tC\t0.5\n" for n in range(100_000))
    facts = sites.look(put(fasta, text), {"chr1": 10**6}, ("1",))
    assert facts.sites == 100_000


CELLS = st.sampled_from(
    ["A", "c", "G", "AC", "N", ".", "0.3", "0", "1.5", "x", "chr1", "1", "2", "-1", "", "A,C", "#", "inf"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(
    start=st.sampled_from(["", VCF, "chrom\tstart\tend\tref\talt\tfrequency\n", "track x\n"]),
    rows=st.lists(st.tuples(st.integers(0, 40), st.lists(CELLS, max_size=4), st.booleans()), max_size=4),
)
def test_what_the_check_takes_the_run_reads(fasta: Path, start: str, rows: list[tuple[int, list[str], bool]]) -> None:
    lines = []
    for place, more, good in rows:
        base = GENOME["chr1"][place]
        cells = (
            ["chr1", str(place), str(place + 1), base, "ACGT"["CGTA".index(base)], *more] if good else ["chr1", *more]
        )
        lines.append("\t".join(cells))
    path = put(fasta, start + "\n".join(lines))
    seen: list[int] = []
    for read in (lambda: sites.look(path, CONTIGS, AUTOSOMES, fasta).sites,
                 lambda: len(Sites.validate(pd.DataFrame(sites.read(path, fasta, AUTOSOMES))))):  # fmt: skip
        seen.append(0)
        with suppress(Fault):
            seen[-1] = read()
    assert seen[0] == seen[1]


def test_records_keep_their_lines(fasta: Path) -> None:
    found: Iterator[sites.Site] = sites.records(put(fasta, "# x\n\nchr1\t0\t1\ta\tc\n"))
    assert list(found) == [sites.Site(3, "chr1", 0, "A", "C", None)]
