"""Counts per gene: what each program writes, what is no counts, and that check and run judge alike."""

import gzip
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karyolot.contracts.problems import Fault
from karyolot.inputs.formats import gene_counts

ONE = {"S1": ""}
TWO = {"S1": "", "S2": ""}


def put(tmp_path: Path, text: str | bytes, name: str = "counts.tsv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows(*cells: Sequence[object], mark: str = "\t") -> str:
    return "".join(mark.join(map(str, row)) + "\n" for row in cells)


def refused(path: Path, samples: dict[str, str]) -> str:
    """What the run says, which is what the check says, with the name of the file."""
    with pytest.raises(Fault) as run:
        gene_counts.read(path, samples)
    try:
        seen = next(iter(gene_counts.look(path, tuple(samples.items())).faults.values()))
    except Fault as fault:
        seen = fault
    assert str(run.value) == str(seen.named(str(path)))
    return str(run.value)


def table(path: Path, samples: dict[str, str]) -> dict[str, list[int]]:
    found = gene_counts.read(path, samples)
    return dict(zip(found.genes, found.counts.tolist(), strict=True))


# What programs write


@pytest.mark.parametrize("mark", ["\t", ",", ";", " "])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("corner", ["gene_id", None])
def test_a_matrix_of_r_is_read_in_every_way_r_writes_it(
    tmp_path: Path, mark: str, quote: str, corner: str | None
) -> None:
    def named(name: str) -> str:
        return f"{quote}{name}{quote}"

    header = [named(name) for name in ([corner] if corner else []) + ["S1", "S2"]]
    path = put(tmp_path, rows(header, [named("A"), 1, 2], [named("B"), 3, "1e+05"], mark=mark))
    assert table(path, TWO) == {"A": [1, 2], "B": [3, 100_000]}


def test_featurecounts_names_samples_by_their_bam(tmp_path: Path) -> None:
    header = [
        "Geneid",
        "Chr",
        "Start",
        "End",
        "Strand",
        "Length",
        "/data/run 1/S2Aligned.sortedByCoord.out.bam",
        "S1.markdup.bam",
    ]
    gene = ["ENSG1.1", "chr1;chr1", "1;50", "9;70", "+;+", 30]
    text = "# Program:featureCounts v2.0.3; Command:...\n" + rows(header, [*gene, 5, 7])
    found = gene_counts.read(put(tmp_path, text), TWO)
    assert found.counts.tolist() == [[7, 5]] and found.lengths.tolist() == [30]
    text = text.replace("run 1/S2Aligned.sortedByCoord.out.bam", "other/S1.bam")
    assert "the column '/data/other/S1.bam' occurs twice" in refused(put(tmp_path, text), ONE)


def test_summary_rows_of_htseq_and_star_are_no_genes(tmp_path: Path) -> None:
    header = ["gene", "S1", "S2"]
    summary = [["__no_feature", 9, 9], ["N_unmapped", 8, 8], ["N_multimapping", 1, 1], ["alignment_not_unique", 3, 3]]
    path = put(tmp_path, rows(header, ["A", 1, 2], *summary, ["B", 3, 4]))
    assert table(path, TWO) == {"A": [1, 2], "B": [3, 4]}


MANY = [[f"G{n}", n, 2 * n + 1] for n in range(12)]


@pytest.mark.parametrize(
    "row",
    [
        *(["Total", 66, 144], ["sum", 1, 1], ["Grand Total", 3, 4], ["GESAMT", 5, 5], ["TOTAL_COUNTS.total", 0, 0]),
        *(["Gesamtsumme", 3, 4], ["Column mean", 5, 12], ["all genes", 66, 144]),
    ],
)
def test_a_row_that_adds_up_the_others_is_no_gene(tmp_path: Path, row: list[object]) -> None:
    for body in ([*MANY, row], [row, *MANY]):
        message = refused(put(tmp_path, rows(["gene_id", "S1", "S2"], *body)), TWO)
        assert f"line {body.index(row) + 2}: the row {row[0]!r} is a total of other rows, not a gene; delete" in message


def test_a_gene_that_holds_half_of_the_reads_of_one_sample_is_a_gene(tmp_path: Path) -> None:
    body = [*MANY, ["SUMO1", 66, 143], ["TOTALLY", 1, 0]]
    assert table(put(tmp_path, rows(["gene_id", "S1", "S2"], *body)), TWO)["SUMO1"] == [66, 143]


def test_an_annotation_is_no_matrix(tmp_path: Path) -> None:
    text = "#!genome-build\n" + 'chr1\tx\texon\t1\t9\t.\t+\t.\tgene_id "A"; transcript_id "T";\n' * 3
    assert "is GTF, not a table of counts per gene; name it in reference.gtf" in refused(put(tmp_path, text), ONE)


def test_results_of_a_comparison_are_no_counts(tmp_path: Path) -> None:
    text = rows(["gene", "baseMean", "log2FoldChange", "lfcSE", "padj"], ["A", 1, 2, 3, 4])
    assert "is DESeq2's results of a comparison; give counts per gene" in refused(put(tmp_path, text), ONE)


def test_htseq_has_one_sample_and_no_header(tmp_path: Path) -> None:
    assert table(put(tmp_path, rows(["A", 0], ["B", 3], ["__no_feature", 9])), ONE) == {"A": [0], "B": [3]}
    path = put(tmp_path, rows(["A", "ALB", 5], ["B", "AFP", 3], ["__no_feature", "", 9]))
    assert gene_counts.read(path, ONE).names == ["ALB", "AFP"]
    assert "2 samples name it: S1, S2" in refused(path, TWO)
    assert "has no header" in refused(put(tmp_path, rows(["A", 1, 2], ["B", 3, 4])), ONE)


STAR = [["N_unmapped", 90, 90, 90], ["N_noFeature", 5, 60, 7], ["A", 100, 3, 97], ["B", 50, 2, 48]]


@pytest.mark.parametrize(("strandedness", "counts"), [("unstranded", [100, 50]), ("reverse", [97, 48])])
def test_the_sheet_says_which_column_of_star_is_taken(tmp_path: Path, strandedness: str, counts: list[int]) -> None:
    path = put(tmp_path, rows(*STAR), "ReadsPerGene.out.tab")
    assert gene_counts.read(path, {"S1": strandedness}).counts[:, 0].tolist() == counts


def test_the_column_of_star_is_never_guessed(tmp_path: Path) -> None:
    path = put(tmp_path, rows(*STAR))
    assert "fill in strandedness: unstranded, forward, reverse" in refused(path, ONE)
    assert "5 of 150 reads fit the strandedness of S1" in refused(path, {"S1": "forward"})


def test_estimated_counts_of_nf_core_are_rounded_and_said(tmp_path: Path) -> None:
    text = rows(["gene_id", "gene_name", "S1", "S2"], ["A", "ALB", 5.346, 6], ["B", "AFP", 700.5, 6])
    for name in ("salmon.merged.gene_counts.tsv", "rsem.merged.gene_counts.tsv"):
        found = gene_counts.look(put(tmp_path, text, name), tuple(TWO.items()))
        assert found.counts.tolist() == [[5, 6], [700, 6]] and not found.faults
        assert found.note and "100% of the values of a sample have decimals and are rounded" in str(found.note)
        assert "gene_counts_length_scaled.tsv" in found.note.remedy
    assert "the count '5.346' is not a whole number" in refused(put(tmp_path, text, "mine.tsv"), ONE)
    assert gene_counts.look(put(tmp_path, text, "salmon.merged.gene_counts.tsv"), (("S2", ""),)).note is None


# What is no counts


def expressed(genes: int = 2000, seed: int = 0) -> np.ndarray:
    """Counts of two samples as in real data: many zeros, and a few genes that hold most reads."""
    rng = np.random.default_rng(seed)
    return (
        rng.poisson(rng.lognormal(2, 2.5, genes)[:, None] * (rng.random(genes) < 0.7)[:, None] * [1.0, 1.3])
        + (np.arange(genes) == 0)[:, None]
    )


def tpm(counts: np.ndarray) -> np.ndarray:
    rate = counts / np.random.default_rng(1).uniform(300, 9000, len(counts))[:, None]
    return np.asarray(1e6 * rate / rate.sum(axis=0))


def matrix(tmp_path: Path, values: np.ndarray, name: str = "counts.tsv") -> Path:
    body = ([f"ENSG{n:011d}.2", *(f"{value:.12g}" for value in row)] for n, row in enumerate(values))
    return put(tmp_path, rows(["gene_id", "S1", "S2"], *body), name)


@pytest.mark.parametrize("seed", range(20))
def test_counts_of_any_depth_are_taken(tmp_path: Path, seed: int) -> None:
    counts = np.random.default_rng(seed).binomial(expressed(seed=seed), 10.0 ** -(seed % 3))
    assert gene_counts.read(matrix(tmp_path, counts), TWO).counts.tolist() == counts.tolist()


def size_factored(counts: np.ndarray) -> np.ndarray:
    return counts / np.array([0.83, 1.21])


@pytest.mark.parametrize("name", ["counts.tsv", "salmon.merged.gene_counts.tsv"])
@pytest.mark.parametrize(
    ("values", "says", "remedy"),
    [
        (tpm(expressed()), "holds TPM or CPM: the values of a sample add up to a million", "not gene_tpm.tsv"),
        (1e6 * expressed() / expressed().sum(axis=0), "holds TPM or CPM", "give the counts"),
        (np.log2(expressed() + 1), "holds log2 values: decimals, and none is above", "before log2, rlog or vst"),
        (np.log2(tpm(expressed()) + 0.001), "holds log2 values", "before log2"),
        (np.rint(np.log2(tpm(expressed()) + 0.001)), "holds log2 values, rounded", "before log2"),
        (np.rint(np.log2(expressed() + 1)), "holds log2 values, rounded: none is above", "before log2"),
    ],
)
def test_values_of_another_kind_are_named(
    tmp_path: Path, values: np.ndarray, says: str, remedy: str, name: str
) -> None:
    message = refused(matrix(tmp_path, values, name), TWO)
    assert says in message and remedy in message


def test_normalised_counts_are_named(tmp_path: Path) -> None:
    message = refused(matrix(tmp_path, size_factored(expressed())), TWO)
    assert "% of the values of S1 have decimals or are negative" in message and "normalized = TRUE" in message


def test_rounded_tpm_are_seen_in_all_columns_together(tmp_path: Path) -> None:
    found = gene_counts.look(matrix(tmp_path, np.rint(tpm(expressed(20_000)))), tuple(TWO.items()))
    assert not found.faults and (fault := found.rounded_tpm()) and "TPM or CPM, rounded" in fault.message
    with pytest.raises(Fault, match="TPM or CPM, rounded"):
        gene_counts.read(tmp_path / "counts.tsv", TWO)
    counts = expressed(20_000)
    assert gene_counts.look(matrix(tmp_path, counts), tuple(TWO.items())).rounded_tpm() is None
    drawn = np.column_stack(
        [np.random.default_rng(n).multinomial(10**6, counts[:, n] / counts[:, n].sum()) for n in (0, 1)]
    )
    assert gene_counts.look(matrix(tmp_path, drawn), tuple(TWO.items())).rounded_tpm() is None, "drawn to equal depth"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (rows(["id", "S1"], ["A", 1], ["A", 2]), "line 2: the gene id 'A' occurs 2 times"),
        (rows(["id", "S1"], ["ENSG1.1", 1], ["ENSG1.2", 2]), "line 3: ENSG1.1 and ENSG1.2 are versions of one gene"),
        (rows(["id", "S1"], ["A", 1.5]), "line 2: the count '1.5' is not a whole number"),
        (rows(["id", "S1"], ["A", -1]), "line 2: the count -1 is negative"),
        (rows(["id", "S1"], ["A", "NA"]), "line 2: 'NA' is not a number"),
        (rows(["id", "S1"], ["A", ""]), "line 2: '' is not a number"),
        (rows(["id", "S1"], ["A", "inf"]), "'inf' is not a number"),
        (rows(["id", "S1"], ["A", "1_0"]), "'1_0' is not a number"),
        (rows(["id", "S1"], ["A", "٣"]), "'٣' is not a number"),
        (rows(["id", "S1"], ["A", "9" * 40]), "larger than any run"),
        (rows(["id", "S-1"], ["A", 1]), "its header does not name S1 (did you mean S-1?)"),
        (rows(["id", "S1", "S1"], ["A", 1, 2]), "the column 'S1' occurs twice"),
        (rows(["id", "S1"], ["A", 0]), "every count of S1 is 0"),
        (rows(["id", "S1"], ["A", 1], ["B", 1, 2]), "line 3: the row has 3 cells and the header 2"),
        (rows(["id", "S1"], ["A", 1], [" ", 2]), "line 3: the row has no gene id"),
        (rows(["id", "S1"]), "holds no counts"),
        ("\n# nothing\n", "holds no counts"),
        ("id\n1\n", "is not a table separated by tabs or commas"),
        (rows(["id", "length", "Length", "S1"], ["A", 1, 2, 3]), "the columns 'length' and 'Length' are duplicates"),
        (rows(["id", "length", "S1"], ["A", "long", 3]), "the length of a gene: 'long' is not a number"),
        (rows(["id", "S1"], ["1-Mar", 1]), "line 2: the gene name '1-Mar' is a date"),
        (rows(["id", "symbol", "S1"], ["A", "1-Mar", 1], ["43891", "B", 1], ["C", "2-Sep", 1]), ("3 gene names are what a"
         " spreadsheet made of names like MARCH1 or SEPT2: '43891' (a day number, line 3), '1-Mar' (a date, line 2),")),
        (rows(["", "gene", "S1"], *([n, f"G{n}", n] for n in range(1, 12))), "numbers its rows in the first column"),
        (rows(["Name", "Length", "EffectiveLength", "TPM", "NumReads"], ["T1", 9, 9, 1, 1]), "is salmon's quant.sf"),
        (rows(["target_id", "length", "eff_length", "est_counts", "tpm"], ["T1", 9, 9, 1, 1]), "is kallisto's abundance"),
        (rows(["gene_id", "transcript_id(s)", "expected_count", "TPM", "FPKM"], ["G", "T", 1, 1, 1]), "is RSEM's results"),
        (rows(["", "gene", "S1"], *([n, f"G{n}", n] for n in range(11))), "numbers its rows in the first column"),
        (rows(["Status", "S9.bam"], ["Assigned", 9]), "is featureCounts' summary; name the file without .summary"),
        (rows(["Status", "S1.bam"], ["Assigned", 9]), "is featureCounts' summary; name the file without .summary"),
        (rows(["gene_id", "S1", "S2"], ["A", 1, 2, ""]), "the row has 4 cells and the header 3"),
        (rows(["id", "S1", "S2"], ["A", "5,5", 2], mark=";"), "'5,5' is not a number"),
        (rows(["id", "S1"], ["A", 1], ["1-мар", 1]), "the gene name '1-мар' is a date"),
        (rows(["id", "S1"], ["A", 1], ["3月1日", 1]), "the gene name '3月1日' is a date"),
        (rows(["id", "S1"], ["A", 1], ["Mar-01-2024", 1]), "the gene name 'Mar-01-2024' is a date"),
        ("#1.2\n2\t1\n" + rows(["Name", "Description", "S1"], ["A", "a", 1]), "is GCT"),
        ("%%MatrixMarket matrix coordinate integer general\n1 1 1\n", "is Matrix Market"),
        ("!Series_title\tx\n", "is a GEO series matrix"),
        (gzip.compress(rows(["id", "S1"], ["A", 1]).encode(), mtime=0)[:-4], "damaged or truncated"),
        (b"PK\3\4\x14\0" + bytes(range(256)), "is a spreadsheet or a zip archive"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_alike_by_check_and_run(tmp_path: Path, text: str | bytes, says: str) -> None:
    assert says in refused(put(tmp_path, text), ONE)


def test_entrez_ids_are_no_day_numbers(tmp_path: Path) -> None:
    text = rows(["id", "symbol", "S1"], ["30000", "TNPO2", 1], ["40001", "A", 2], ["7157", "TP53", 3])
    assert gene_counts.read(put(tmp_path, text), ONE).genes == ["30000", "40001", "7157"]


def test_copies_on_y_are_genes_of_their_own(tmp_path: Path) -> None:
    text = rows(
        ["id", "S1"], ["ENSG00000182378.15", 1], ["ENSG00000182378.15_PAR_Y", 2], ["AL627309.1", 3], ["AL627309.5", 4]
    )
    assert len(gene_counts.read(put(tmp_path, text), ONE).genes) == 4


def test_a_column_may_be_called_as_the_column_of_ids(tmp_path: Path) -> None:
    """The header lacks the name of the first column, as R writes it."""
    assert table(put(tmp_path, rows(["gene_id", "S1"], ["A", "x", 1], ["B", "y", 3])), ONE) == {"A": [1], "B": [3]}


def test_a_sample_may_be_called_as_a_column_of_genes(tmp_path: Path) -> None:
    path = put(tmp_path, rows(["id", "Length", "length"], ["A", 5, 900]))
    found = gene_counts.read(path, {"length": ""})
    assert found.counts.tolist() == [[900]] and found.lengths.tolist() == [5]


def test_equal_counts_are_told_in_any_order_of_genes(tmp_path: Path) -> None:
    one = gene_counts.look(
        put(tmp_path, rows(["id", "S1", "S2"], ["A", 1, 7], ["B", 2, 8])), tuple(TWO.items())
    ).digests()
    other = gene_counts.look(put(tmp_path, rows(["id", "S1"], ["B", 2], ["A", 1])), (("S1", ""),)).digests()
    assert one["S1"] == other["S1"] != one["S2"]


CELLS = [
    *"\t\n,;",
    '"',
    " ",
    "S1",
    "S2",
    "x",
    "0",
    "5",
    "1e3",
    "2.5",
    "-1",
    "NA",
    "A",
    "B",
    "__no",
    "1-Mar",
    "\r",
    "\x00",
    "٣",
]
CELLS += ["gene_id\tS1\n", "A\t5\n", "B\t3\n", "symbol", "Length", "N_unmapped\t1\t2\t3\n", "C\t9\t1\t8\n", "#"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
@given(
    text=st.lists(st.sampled_from(CELLS), max_size=25).map("".join),
    samples=st.sampled_from([ONE, TWO, {"S1": "reverse"}, {}]),
)
def test_what_the_check_accepts_the_run_reads(tmp_path: Path, text: str, samples: dict[str, str]) -> None:
    path = put(tmp_path, text)
    looked = found = None
    with suppress(Fault):
        looked = gene_counts.look(path, tuple(samples.items()))
    with suppress(Fault):
        found = gene_counts.read(path, samples)
    assert (found is not None) == (looked is not None and not looked.faults)
    if found:
        assert found.counts.shape == (len(found.genes), len(samples)) and (found.counts >= 0).all()
        assert all(found.counts.any(axis=0)) and len(set(found.genes)) == len(found.genes)


FOUND = sorted((Path(__file__).parent / "gene_counts").iterdir())


@pytest.mark.parametrize("file", FOUND, ids=lambda file: file.name)
def test_what_fuzzing_found_is_judged_alike(tmp_path: Path, file: Path) -> None:
    path = put(tmp_path, file.read_bytes())
    for samples in ({"a": ""}, {"a": "", "b": ""}):
        looked = None
        with suppress(Fault):
            looked = gene_counts.look(path, tuple(samples.items()))
        if looked and not looked.faults:
            assert gene_counts.read(path, samples).counts.tolist() == looked.counts.tolist()
        else:
            refused(path, samples)
