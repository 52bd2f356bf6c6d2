"""Copy number from two count tables, without Snakemake, and the formats it writes."""

import gzip
import json
import re
from pathlib import Path

import pandas as pd
import pysam
import pytest
from iscn_authenticator import validate_karyotype

from karyolot.commands.call import call
from karyolot.commands.cli import app
from karyolot.contracts.copy_number import Arms, Calls, Lod, Segments
from karyolot.contracts.problems import InputProblems, KaryolotError
from karyolot.dna.karyotype import iscn
from karyolot.io.tables import read_table
from planted import LAYOUT, Event, genome, sample

EVENTS = (Event("chr8", 0, 200_000_000, +1), Event("chr20", 30_400_000, 39_000_000, +1, 0.4))


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Counts of a planted lot and its donor, GC and timing, as files; the donor's without 'chr'."""
    folder = tmp_path_factory.mktemp("counts")
    bins = genome()
    lot = sample(bins, EVENTS, "lot", "F", 5000, 1, gc_bias=0.05, rt=0.03)
    donor = sample(bins, EVENTS, "donor", "F", 5000, 2)
    donor["chrom"] = donor["chrom"].str.removeprefix("chr")
    frames = {"lot": lot, "donor": donor, "gc": bins[["chrom", "start", "end", "gc"]]}
    frames["rt"] = bins[["chrom", "start", "end", "replication_timing"]]
    paths = {name: folder / f"{name}.bedgraph.gz" for name in frames}
    for name, frame in frames.items():
        frame.to_csv(paths[name], sep="\t", index=False, header=name == "lot")
    return paths


@pytest.fixture(scope="module")
def results(tables: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "results"
    call(tables["lot"], tables["donor"], out, genome="GRCh38", sex="F", gc=tables["gc"], rt=tables["rt"])
    return out


def test_gaps_of_a_track_leave_the_other_bins_corrected(tables: dict[str, Path], tmp_path: Path) -> None:
    for every, name in ((30, "few"), (3, "many")):
        gc = pd.read_csv(tables["gc"], sep="\t", header=None)
        gc.loc[::every, 3] = float("nan")
        gc.to_csv(tmp_path / name, sep="\t", index=False, header=False, na_rep="NaN")
    given = {"genome": "GRCh38", "sex": "F"}
    summary = call(tables["lot"], tables["donor"], tmp_path / "o", gc=tmp_path / "few", **given)
    assert summary["comparison"]["covariates"] == ["GC"]
    with pytest.raises(KaryolotError, match=r"GC has no value in .* of the usable autosomal bins"):
        call(tables["lot"], tables["donor"], tmp_path / "p", gc=tmp_path / "many", **given)
    whole = pd.read_csv(tables["gc"], sep="\t", header=None)
    for contigs, said in (("chr1", "E14 error"), ("chr21", "W28 warning")):
        part = whole[whole[0] != "chr21"] if contigs == "chr21" else whole[whole[0] == contigs]
        part.to_csv(tmp_path / contigs, sep="\t", index=False, header=False)
        try:
            found = call(tables["lot"], tables["donor"], tmp_path / "q", gc=tmp_path / contigs, **given)["warnings"]
        except InputProblems as error:
            found = [str(error)]
        assert len(found) == 1 and said in found[0] and "has no value on " in found[0]


def test_a_karyotype_is_not_given_against_the_sex_of_the_reads(tables: dict[str, Path], tmp_path: Path) -> None:
    summary = call(tables["lot"], tables["donor"], tmp_path / "o", genome="GRCh38", sex="M")
    assert summary["computational_karyotype"] is None
    assert "is that of sex F, and --sex is M" in "".join(summary["warnings"])


def test_a_folder_that_cannot_be_made_is_named(tables: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(KaryolotError, match=r"--out .*file: no such folder can be made"):
        call(tables["lot"], tables["donor"], tmp_path / "file", genome="GRCh38", sex="F")


def test_planted_changes_come_out_in_every_format(results: Path) -> None:
    calls = read_table(results / "calls.tsv", Calls)
    assert calls["chrom"].tolist() == ["chr8", "chr20"] and calls["type"].tolist() == ["gain", "gain"]
    for name, contract in (("segments", Segments), ("arms", Arms), ("lod", Lod)):
        assert len(read_table(results / f"{name}.tsv", contract))
    with pysam.VariantFile(str(results / "calls.vcf")) as handle:
        variants = list(handle)
        assert handle.header.version == "VCFv4.4" and list(handle.header.samples) == ["lot"]
    assert [(v.chrom, v.pos, v.stop) for v in variants] == [
        (row.chrom, max(row.start, 1), row.end) for row in calls.itertuples()
    ]
    assert variants[1].samples["lot"]["CNF"] == pytest.approx(calls["fraction"][1], abs=1e-3)
    assert variants[0].samples["lot"]["CN"] == pytest.approx(3, abs=0.05) and variants[0].info["SVCLAIM"] == ("D",)
    seg = pd.read_csv(results / "segments.seg", sep="\t")
    assert (
        seg["loc.start"].min() == 1
        and seg["num.mark"].sum() == read_table(results / "segments.tsv", Segments)["bins"].sum()
    )
    bed = (results / "calls.bed").read_text().splitlines()
    assert [line.split("\t")[:3] for line in bed] == [[r.chrom, str(r.start), str(r.end)] for r in calls.itertuples()]
    used = sum(1 for line in (results / "log_ratios.bedgraph").read_text().splitlines()) - 1
    assert used == seg["num.mark"].sum()


def test_the_summary_tells_limit_and_computational_karyotype(results: Path) -> None:
    summary = json.loads((results / "summary.json").read_text())
    assert summary["computational_karyotype"].startswith("mos 47,XX,+8,dup(20)(q11.21q11.23)[")
    assert summary["computational_karyotype"].endswith("/46,XX (by depth; ploidy not measured)")
    assert summary["karyotype_withheld"] == "" and "edits of imported counts" in summary["not_seen"]
    assert 0.05 < summary["metrics"]["cn.lod"]["value"] < 0.2
    assert summary["comparison"]["covariates"] == ["GC", "replication timing"]


WHOLE = {"8": "chromosome", "X": "chromosome"}


def row(chrom: str, type_: str, class_: str, fraction: float, bands: str = "", **other: object) -> dict[str, object]:
    extent = WHOLE.get(chrom, "part")
    known = {
        "chrom": f"chr{chrom}",
        "type": type_,
        "class": class_,
        "fraction": fraction,
        "bands": bands,
        "extent": extent,
    }
    return known | {"fraction_low": fraction - 0.03, "copies": 2, "origin": "acquired"} | other


@pytest.mark.parametrize(
    ("calls", "sex", "sets", "text"),
    [
        ([], "F", None, "46,XX"),
        ([], "M", 4.1, "92,XXYY"),
        ([row("8", "gain", "clonal", 1.0)], "M", None, "47,XY,+8"),
        ([row("8", "gain", "clonal", 1.0)], "F", 4.0, "93,XXXX,+8"),
        ([row("8", "gain", "high-copy", 2.0)], "F", None, "48,XX,+8,+8"),
        ([row("X", "loss", "sub-clonal", 0.3)], "F", None, "mos 45,XX,-X[30%]/46,XX"),
        ([row("3", "gain", "high-copy", 2.0, "3p21", origin="lost")], "F", None, "46,XX"),
        ([row("5", "loss", "clonal", 1.0, "5q13-q31")], "M", None, "46,XY,del(5)(q13q31)"),
        ([row("20", "gain", "clonal", 1.0, "20q11.21")], "F", None, "46,XX,dup(20)(q11.21q11.21)"),
        ([row("9", "loss", "sub-clonal", 0.4, "9p21.3")], "M", None, "mos 46,XY,del(9)(p21.3)[40%]/46,XY"),
    ],
)
def test_computational_karyotype(calls: list[dict[str, object]], sex: str, sets: float | None, text: str) -> None:
    columns = list(row("8", "gain", "clonal", 1.0))
    found = iscn(pd.DataFrame(calls, columns=columns), sex, LAYOUT, sets)
    assert found == text
    # Cell fractions are no ISCN, which counts cells, and its reader knows no 'mos'; all else must be.
    checked = validate_karyotype(re.sub(r"\[\d+%\]", "", found).removeprefix("mos "))
    assert sets is not None or checked.valid, checked.errors


def test_faults_are_told(tables: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(KaryolotError, match="there are GRCh37, GRCh38"):
        call(tables["lot"], tables["donor"], tmp_path, genome="hg38", sex="F")
    odd = tmp_path / "odd.tsv"
    odd.write_text("chr1\t7\t1007\t5\nchr1\t1007\t2007\t5\n")
    with pytest.raises(InputProblems, match="do not all start at a multiple of 1000"):
        call(odd, tables["donor"], tmp_path, genome="GRCh38", sex="F")
    assert not (tmp_path / "calls.tsv").exists()


def test_all_faults_are_told_at_once_in_the_words_of_the_check(tables: dict[str, Path], tmp_path: Path) -> None:
    lot, percent, index = tmp_path / "lot.tsv", tmp_path / "map.bedgraph", tmp_path / "g.fa.fai"
    rows = gzip.decompress(tables["lot"].read_bytes()).decode().splitlines()
    lot.write_text("\n".join(row for row in rows if not row.startswith("chr5\t10")))
    percent.write_text("chr1 0 500000 98\n")
    (tmp_path / "g.fa").write_text(">chr1\nACGT\n>chr2\nACGT\n")
    index.write_text("chr1\t10\t6\t10\t11\n")
    with pytest.raises(InputProblems) as seen:
        call(lot, tables["donor"], tmp_path / "o", genome="GRCh38", sex="F", mappability=percent, fasta=tmp_path / "g.fa",
             gc=tmp_path / "gone.wig")  # fmt: skip
    found = {(problem.code, Path(problem.file).name) for problem in seen.value.problems}
    assert found == {("E14", "lot.tsv"), ("E28", "map.bedgraph"), ("E14", "g.fa"), ("E25", "g.fa"), ("E02", "gone.wig")}
    text = str(seen.value)
    assert "contig 5 has" in text and "the index g.fa.fai lists other contigs" in text and "scale seems" in text
    assert not (tmp_path / "o").exists()


def test_the_donors_counts_in_another_format_are_no_lot(tables: dict[str, Path], tmp_path: Path) -> None:
    rows = [row.split("\t") for row in gzip.decompress(tables["donor"].read_bytes()).decode().splitlines()]
    wig, chrom = [], ""
    for name, start, _, count in rows:
        if name != chrom:
            wig.append(f"fixedStep chrom=chr{name} start={int(start) + 1} step=500000")
            chrom = name
        wig.append(count)
    (tmp_path / "lot.wig").write_text("\n".join(wig))
    with pytest.raises(InputProblems, match=r"E03 error.*\n.*holds the same counts as"):
        call(tmp_path / "lot.wig", tables["donor"], tmp_path / "o", genome="GRCh38", sex="F")
    own = pd.read_csv(tables["lot"], sep="\t")
    donor = pd.read_csv(tables["donor"], sep="\t", header=None)
    own["count"] = own["count"].mask(own["chrom"] == "chr9", donor[3])
    own.to_csv(tmp_path / "mixed.tsv", sep="\t", index=False)
    with pytest.raises(InputProblems, match=r"E03 error.*\n.*holds, on chr9, the same counts as"):
        call(tmp_path / "mixed.tsv", tables["donor"], tmp_path / "o", genome="GRCh38", sex="F")


def test_contigs_that_are_not_known_are_named_as_they_are_written(tables: dict[str, Path], tmp_path: Path) -> None:
    lot = tmp_path / "lot.tsv"
    lot.write_text("NC_000001.11\t0\t500000\t2195\nNC_000001.11\t500000\t1000000\t2187\n")
    with pytest.raises(InputProblems, match=r"none of its contigs .NC_000001.11. is in the reference .chr1, chr2, "):
        call(lot, tables["donor"], tmp_path / "o", genome="GRCh38", sex="F")


def test_a_table_of_one_chromosome_has_no_karyotype(tables: dict[str, Path], tmp_path: Path) -> None:
    for name in ("lot", "donor"):
        rows = gzip.decompress(tables[name].read_bytes()).decode().splitlines()
        (tmp_path / name).write_text("\n".join(row for row in rows if row.removeprefix("chr").startswith("1\t")))
    summary = call(tmp_path / "lot", tmp_path / "donor", tmp_path / "o", genome="GRCh38", sex="F")
    assert summary["computational_karyotype"] is None
    assert "no arm could be assessed of chr2, chr3" in summary["karyotype_withheld"]
    assert {"chr2", "chr22", "chrX"} <= set(summary["not_assessed"])
    assert "W05" in summary["warnings"][0] and "chr22" in summary["warnings"][0]


def test_the_command_line(tables: dict[str, Path], tmp_path: Path) -> None:
    from typer.testing import CliRunner

    words = [
        "call",
        str(tables["lot"]),
        str(tables["donor"]),
        "--sex",
        "F",
        "--gc",
        str(tables["gc"]),
        "--out",
        str(tmp_path / "o"),
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and "+8" in done.output and "is detected with 95% probability in" in done.output
    assert {path.name for path in (tmp_path / "o").iterdir()} >= {
        "calls.tsv",
        "segments.tsv",
        "arms.tsv",
        "lod.tsv",
        "summary.json",
    }
