"""From annotation, salmon's files and count matrices to one table; and the shipped markers and gene sets."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karyolot import __version__
from karyolot.contracts.expression import (
    ExpressionSample,
    Genes,
    MarkerPanel,
    Quantification,
    Quantified,
    SetAxes,
    TranscriptGenes,
    check_expression,
)
from karyolot.contracts.genes import matched, renamed
from karyolot.contracts.panel import gene_digest
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import Donor, Sample, Study
from karyolot.inputs.formats import gene_sets, markers
from karyolot.inputs.quantified import read_quantified
from karyolot.io.expression import (
    match_transcripts,
    read_expression,
    read_given,
    read_quantification,
    write_expression,
)
from karyolot.plan.expression import expression_sample
from karyolot.rna.expression import assemble, log_by_name, normalised, size_factors
from planted_expression import PAIR, expression, table

NO_GENES = read_given([], Genes)


def write(path: Path, *rows: Sequence[object], separator: str = "\t") -> Path:
    path.write_text("".join(separator.join(map(str, row)) + "\n" for row in rows))
    return path


def annotated(ids: str, names: Sequence[str], lengths: Sequence[int]) -> pd.DataFrame:
    """Genes, one after the other on chr1."""
    start = np.arange(len(ids)) * 1000
    places = {"chrom": "chr1", "start": start, "end": start + lengths}
    return Genes.validate(pd.DataFrame({"gene_id": list(ids), "gene_name": names, "length": lengths, **places}))


def sample(name: str, path: Path, kind: str = "salmon", lot: str = "") -> ExpressionSample:
    state = "lot" if lot else "hepatocyte"
    facts = {"sample_id": name, "donor": "D1", "lot": lot, "state": state, "path": str(path), "kind": kind}
    facts |= {"sex": "F", "passage": 4 if lot else 0, "strandedness": "reverse"}
    return ExpressionSample.model_validate(facts)


# salmon


def quant(path: Path, rows: Sequence[tuple[str, float, float, float]]) -> Path:
    """Name, effective length, TPM, reads."""
    path.parent.mkdir(exist_ok=True)
    full = [(name, round(length) + 100, length, tpm, reads) for name, length, tpm, reads in rows]
    return write(path, ("Name", "Length", "EffectiveLength", "TPM", "NumReads"), *full)


def quantified(tmp_path: Path, seed: int = 0) -> tuple[list[ExpressionSample], pd.DataFrame, list[pd.DataFrame]]:
    """Three samples of 12 genes with 1-3 transcripts each, genes not in order of their ids; what salmon wrote."""
    rng = np.random.default_rng(seed)
    pairs = [(f"T{gene}.{n}", f"G{gene:02d}") for gene in rng.permutation(12) for n in range(1 + gene % 3)]
    samples, frames = [], []
    for number in range(3):
        length = rng.uniform(200, 3000, len(pairs))
        reads = np.round(rng.gamma(0.5, 400, len(pairs)), 3)
        reads[[gene == "G05" for _, gene in pairs]] = 0
        rate = reads / length
        frame = pd.DataFrame(
            {"gene": [gene for _, gene in pairs], "length": length, "tpm": 1e6 * rate / rate.sum(), "reads": reads}
        )
        path = tmp_path / f"S{number}" / "quant.sf"
        quant(
            path,
            [(name, *row) for (name, _), row in zip(pairs, frame[["length", "tpm", "reads"]].to_numpy(), strict=True)],
        )
        samples.append(sample(f"S{number}", path, lot="L1" if number else ""))
        frames.append(frame)
    return samples, pd.DataFrame(sorted(pairs), columns=["transcript_id", "gene_id"]), frames


def test_counts_are_length_scaled_tpm(tmp_path: Path) -> None:
    """tximport's definition (Soneson 2015): TPM of the gene x its mean length over samples, scaled to the reads."""
    samples, transcripts, frames = quantified(tmp_path)
    found = read_quantified(samples, transcripts)
    tpm = pd.concat([frame.groupby("gene")["tpm"].sum() for frame in frames], axis=1).to_numpy()
    weighted = [(frame["tpm"] * frame["length"]).groupby(frame["gene"]).sum() for frame in frames]
    plain = pd.concat([frame.groupby("gene")["length"].mean() for frame in frames], axis=1).mean(axis=1).to_numpy()
    with np.errstate(invalid="ignore"):
        length = pd.concat(weighted, axis=1).to_numpy() / tpm
    length = np.where(tpm > 0, length, plain[:, None])
    scaled = tpm * length.mean(axis=1, keepdims=True)
    counts = scaled * np.array([frame["reads"].sum() for frame in frames]) / scaled.sum(axis=0)
    assert found.counts.index.tolist() == [f"G{gene:02d}" for gene in range(12)]
    assert np.allclose(found.counts, counts, rtol=1e-9)
    assert found.tpm is not None
    assert found.length is not None
    assert np.allclose(found.tpm, tpm, rtol=1e-9)
    assert np.allclose(found.length, length, rtol=1e-9)
    data = check_expression(assemble(found, samples, NO_GENES, {}, "", {}))
    assert (data.layers["counts"] == np.rint(counts.T)).all()
    assert data.obs["state"].tolist() == ["hepatocyte", "lot", "lot"]


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    samples, transcripts, _ = quantified(tmp_path)
    other = quant(tmp_path / "o" / "quant.sf", [("T0.1", 100, 1e6, 10)])
    with pytest.raises(KaryolotError, match="hold different transcripts"):
        read_quantified([samples[0], sample("O", other)], transcripts)
    silent = quant(tmp_path / "s" / "quant.sf", [("T0.0", 100, 0, 0)])
    with pytest.raises(KaryolotError, match="sample O: no read fits"):
        read_quantified([sample("O", silent)], transcripts)
    with pytest.raises(KaryolotError, match=r"come from counts \(M\) and salmon \(S0\)"):
        read_quantified([samples[0], sample("M", other, "counts")], transcripts)


def test_versions_of_transcripts_are_ignored_only_when_needed() -> None:
    genes = pd.DataFrame({"transcript_id": ["ENST1", "ENST2"], "gene_id": ["A", "B"]})
    found = match_transcripts(pd.Series(["ENST1.4", "ENST2.11", "ENST3.1"]), genes)
    assert found.to_numpy().tolist() == [["ENST1.4", "A"], ["ENST2.11", "B"]]
    dotted = pd.DataFrame({"transcript_id": ["G.1", "G.2"], "gene_id": ["A", "B"]})
    assert match_transcripts(pd.Series(["G.1", "G.2"]), dotted)["gene_id"].tolist() == ["A", "B"]
    with pytest.raises(KaryolotError, match="same release"):
        match_transcripts(pd.Series(["NM_1.1"]), genes)


def test_salmon_facts(tmp_path: Path) -> None:
    said = {
        "num_processed": 1000, "num_mapped": 900, "percent_mapped": 90.0, "num_decoy_fragments": 5,
        "expected_format": "ISR", "frag_length_mean": 180.5, "salmon_version": "1.10.1", "index_seq_hash": "3f3c",
        "ISF": 9, "ISR": 700, "OSF": 0, "OSR": 0, "MSF": 0, "MSR": 0, "SF": 1, "SR": 190, "IU": 0,
    }  # fmt: skip
    path = tmp_path / "salmon.json"
    path.write_text(json.dumps(said))
    facts = read_quantification(path)
    assert (facts.fragments, facts.library_type, facts.antisense_fraction) == (1000, "ISR", 890 / 900)
    path.write_text("{}")
    with pytest.raises(KaryolotError, match=r"not what salmon 1\.10 writes"):
        read_quantification(path)


# Count matrices


def test_a_matrix_is_read_with_its_names_and_lengths(tmp_path: Path) -> None:
    path = write(
        tmp_path / "counts.tsv",
        ["# featureCounts"],
        ["Geneid", "gene_name", "Length", "S1", "S2", "other"],
        ["B", "beta", 2000, 20, 0, "x"],
        ["A", "", 1000, 10, 5, "y"],
    )
    samples = [sample("S2", path, "counts"), sample("S1", path, "counts", lot="L1")]
    counted = read_quantified(samples, read_given([], TranscriptGenes))
    assert counted.counts.to_dict("index") == {"A": {"S2": 5, "S1": 10}, "B": {"S2": 0, "S1": 20}}
    data = check_expression(assemble(counted, samples, NO_GENES, {}, "", {}))
    assert data.obs_names.tolist() == ["S1", "S2"]
    assert data.var["gene_name"].tolist() == ["A", "beta"]
    assert data.layers["tpm"][0].tolist() == [5e5, 5e5], "half the reads on half the length"


def test_without_lengths_there_are_no_tpm(tmp_path: Path) -> None:
    path = write(tmp_path / "counts.tsv", ["id", "S1", "S2"], ["A", 1, 2], ["B", 3, 4])
    samples = [sample("S1", path, "counts"), sample("S2", path, "counts", lot="L1")]
    counted = read_quantified(samples, read_given([], TranscriptGenes))
    assert "tpm" not in check_expression(assemble(counted, samples, NO_GENES, {}, "", {})).layers
    known = annotated("AB", ["alpha", "beta"], [1000, 3000])
    data = assemble(counted, samples, known, {}, "a.gtf", {})
    assert data.layers["tpm"][0].tolist() == [5e5, 5e5]
    assert data.var["gene_name"].tolist() == ["alpha", "beta"]
    other = known.assign(gene_id=["C", "D"])
    with pytest.raises(KaryolotError, match="no gene of the counts"):
        assemble(counted, samples, other, {}, "a.gtf", {})


def test_a_gene_without_a_length_has_no_tpm_and_the_others_have(tmp_path: Path) -> None:
    counts = pd.DataFrame({"S1": [10, 30, 1], "S2": [40, 0, 4]}, index=["A", "B", "C"])
    samples = [sample("S1", tmp_path, "counts"), sample("S2", tmp_path, "counts", lot="L1")]
    unstated = pd.DataFrame({"gene_name": None, "length": np.nan}, index=counts.index)
    known = annotated("AB", ["alpha", "beta"], [1000, 3000])
    data = assemble(Quantified(counts, None, None, unstated), samples, known, {}, "a.gtf", {})
    write_expression(data, tmp_path / "expression.h5ad")
    tpm = np.asarray(read_expression(tmp_path / "expression.h5ad").layers["tpm"])
    assert tpm[:, :2].tolist() == [[5e5, 5e5], [1e6, 0]]
    assert np.isnan(tpm[:, 2]).all()
    counts.loc["C"] = [1, 5]
    with pytest.raises(KaryolotError, match=r"1 of 3 genes have no length, and 11% of the counts of S2"):
        assemble(Quantified(counts, None, None, unstated), samples, known, {}, "a.gtf", {})


def test_ids_with_and_without_version_are_one_gene(tmp_path: Path) -> None:
    ids = ["ENSG1.7", "ENSG2", "ENSG3.4_PAR_Y"]
    known = annotated("abcd", ["alpha", "beta", "gamma", "gammaY"], [1000] * 4)
    known["gene_id"] = ["ENSG1.1", "ENSG2.5", "ENSG3.1", "ENSG3.1_PAR_Y"]
    counts = pd.DataFrame({"S1": [1, 2, 3], "S2": [1, 2, 3]}, index=ids)
    samples = [sample("S1", tmp_path, "counts"), sample("S2", tmp_path, "counts", lot="L1")]
    unstated = pd.DataFrame({"gene_name": None, "length": np.nan}, index=ids)
    data = assemble(Quantified(counts, None, None, unstated), samples, known, {}, "a.gtf", {})
    assert data.var["gene_name"].to_dict() == {"ENSG1.7": "alpha", "ENSG2": "beta", "ENSG3.4_PAR_Y": "gammaY"}
    assert matched(["X.1"], ["X.2"]) == {} and matched(["ENSG1"], ["ENSG1.1", "ENSG1.2"]) == {}


def test_former_symbols_are_those_of_today(tmp_path: Path) -> None:
    aliases = {"CYR61": "CCN1", "CTGF": "CCN2"}
    assert renamed(["CYR61", "ALB"], aliases) == ["CCN1", "ALB"]
    assert renamed(["CYR61", "CCN1"], aliases) == ["CYR61", "CCN1"], "both are there: two genes"
    counts = pd.DataFrame({"S1": [1, 2], "S2": [1, 2]}, index=["A", "B"])
    stated = pd.DataFrame({"gene_name": ["CTGF", "ALB"], "length": np.nan}, index=counts.index)
    samples = [sample("S1", tmp_path, "counts"), sample("S2", tmp_path, "counts", lot="L1")]
    data = assemble(Quantified(counts, None, None, stated), samples, NO_GENES, {}, "", aliases)
    assert data.var["gene_name"].tolist() == ["CCN2", "ALB"]


def test_matrices_of_other_genes_are_refused(tmp_path: Path) -> None:
    one = write(tmp_path / "1.tsv", ["id", "S1"], ["A", 1], ["B", 2])
    two = write(tmp_path / "2.tsv", ["id", "S2"], ["A", 1], ["C", 2])
    with pytest.raises(KaryolotError, match=r"holds other genes .* \(2 differ, B, C"):
        read_quantified([sample("S1", one, "counts"), sample("S2", two, "counts")], NO_GENES)


# The table


def test_expression_is_written_whole_and_reproducibly(tmp_path: Path) -> None:
    data = expression(PAIR, genes=20)
    for name in ("a.h5ad", "b.h5ad"):
        write_expression(data, tmp_path / name)
    assert (tmp_path / "a.h5ad").read_bytes() == (tmp_path / "b.h5ad").read_bytes()
    back = read_expression(tmp_path / "a.h5ad")
    assert back.obs.equals(data.obs)
    assert back.var.equals(data.var)
    assert all((np.asarray(back.layers[name]) == data.layers[name]).all() for name in ("counts", "tpm", "length"))
    (tmp_path / "a.h5ad").write_bytes((tmp_path / "b.h5ad").read_bytes()[:500])
    with pytest.raises(KaryolotError, match=r"bears no seal|was changed after it was made"):
        read_expression(tmp_path / "a.h5ad")


def test_the_table_says_what_it_was_made_from(tmp_path: Path) -> None:
    """Facts of samples, genes and tools, without times and paths, and the same bytes each time."""
    samples, transcripts, _ = quantified(tmp_path)
    facts = {"fragments": 9, "mapped": 9, "percent_mapped": 99.0, "decoy_fragments": 0, "library_type": "ISR"}
    facts |= {"antisense_fraction": 1.0, "fragment_length": 200.0, "salmon_version": "1.10.1", "index_sha256": "3f"}
    salmon = {each.sample_id: Quantification.model_validate(facts) for each in samples}
    ids = [f"G{gene:02d}" for gene in range(11)]  # one gene of the counts is not annotated
    places = {"chrom": "chr1", "start": range(11), "end": range(100, 111)}
    genes = pd.DataFrame({"gene_id": ids, "gene_name": ids, "length": 90, **places})
    for name in ("a.h5ad", "b.h5ad"):
        data = assemble(read_quantified(samples, transcripts), samples, genes, salmon, "a.gtf", {})
        write_expression(data, tmp_path / name)
    assert (tmp_path / "a.h5ad").read_bytes() == (tmp_path / "b.h5ad").read_bytes()
    assert str(tmp_path).encode() not in (tmp_path / "a.h5ad").read_bytes()
    back = read_expression(tmp_path / "a.h5ad")
    assert back.obs.loc["S1"].drop(["platform", "library_kit", "seq_run", "library"]).to_dict() == {
        "donor": "D1", "lot": "L1", "state": "lot", "sex": "F", "passage": 4, "replicate": 1, "strandedness": "reverse",
        "library_type": "ISR",
    }  # fmt: skip
    assert back.obs["replicate"].tolist() == [1, 1, 2], "within the lot"
    assert back.var.loc["G10"].tolist() == ["G10", "chr1", 10, 110, 90.0]
    assert back.var.loc["G11", "chrom"] == "" and back.var.loc["G11", ["start", "end", "length"]].isna().all()
    assert back.uns["annotation"] == {"gtf": "a.gtf", "sha256": gene_digest(zip(ids, ids, strict=True)), "genes": 11}
    assert back.uns["quantification"] == {"method": "salmon", "version": "1.10.1", "index_sha256": "3f"}
    assert back.uns["made"]["karyolot"] == __version__ and "tximport" in back.uns["made"]["counts"]


def test_broken_expression_is_refused() -> None:
    good = table(np.array([[1, 2], [3, 4]]), PAIR[1:3])
    check_expression(good)
    for change, says in (
        (lambda data: data.layers.pop("counts"), "layer 'counts' is missing"),
        (lambda data: data.layers.pop("length"), "one of the layers 'tpm' and 'length' is missing"),
        (lambda data: data.layers.update(counts=np.full((2, 2), 0.5)), "not integers"),
        (lambda data: data.layers.update(tpm=np.full((2, 2), np.nan)), "NaN"),
        (lambda data: data.obs.pop("donor"), "'donor' is missing"),
        (lambda data: data.obs.pop("strandedness"), "'strandedness' is missing"),
        (lambda data: data.var.pop("gene_name"), "'gene_name' is missing"),
        (lambda data: data.var.pop("chrom"), "'chrom' is missing"),
        (lambda data: data.uns.pop("annotation"), "uns 'annotation' does not hold genes, gtf, sha256"),
    ):
        broken = good.copy()
        change(broken)
        with pytest.raises(KaryolotError, match=says):
            check_expression(broken)


def test_assembly_does_not_depend_on_order() -> None:
    counts = pd.DataFrame({"S1": [1, 2, 3], "S2": [4, 5, 6]}, index=["A", "B", "C"])
    genes = annotated("ABC", list("abc"), [100, 200, 300])
    samples = [sample("S1", Path("x"), "counts"), sample("S2", Path("x"), "counts", lot="L1")]
    unstated = pd.DataFrame({"gene_name": None, "length": np.nan}, index=counts.index)
    one = assemble(Quantified(counts, None, None, unstated), samples, genes, {}, "a.gtf", {})
    turned = Quantified(counts.iloc[::-1, ::-1], None, None, unstated)
    other = assemble(turned, samples[::-1], genes.iloc[::-1], {}, "a.gtf", {})
    assert one.uns == other.uns
    assert one.obs.equals(other.obs)
    assert one.var.equals(other.var)
    assert all((one.layers[name] == other.layers[name]).all() for name in one.layers)


@given(st.lists(st.floats(0.2, 5), min_size=4, max_size=4))
def test_size_factors_follow_the_depth(depth: list[float]) -> None:
    """Scaling samples scales their factors by the same ratios, and normalised levels stay as they are."""
    counts = np.random.default_rng(0).poisson(500, (4, 50)).astype(float)
    factors = size_factors(counts * np.array(depth)[:, None]) / size_factors(counts)
    assert np.allclose(factors / factors[0], np.array(depth) / depth[0])


def test_normalisation_takes_depth_out_and_not_a_few_strong_genes() -> None:
    counts = np.full((4, 101), 100)
    counts[2:] *= 3
    counts[2:, 0] *= 50  # one gene takes over, as albumin does in hepatocytes
    levels = normalised(table(counts, PAIR))
    assert np.allclose(levels[:, 1:], levels[0, 1])


def test_one_name_stands_once() -> None:
    counts = np.array([[5, 50, 7]] * 4)
    levels = log_by_name(table(counts, PAIR, ["twin", "twin", "other"]))
    assert levels.index.tolist() == ["other", "twin"]
    assert np.allclose(levels.loc["twin"], np.log2(51))


# What is shipped


def test_shipped_gene_sets_are_whole_and_usable(root: Path) -> None:
    folder = root / "resources" / "gene_sets"
    sources = [line.split("\t") for line in (folder / "sources.tsv").read_text().splitlines()]
    assert sources[0] == ["file", "version", "licence", "source", "sha256"]
    assert {row[0]: row[4] for row in sources[1:]} == {
        gmt.name: hashlib.sha256(gmt.read_bytes()).hexdigest() for gmt in folder.glob("*.gmt")
    }, "run build.py again"
    pathways = Config().pathways
    paths = [root / "resources" / name.removeprefix("shipped:") for name in (*pathways.gene_sets, pathways.axes)]
    assert {path.name for path in paths[:-1]} == {row[0] for row in sources[1:]}, "every shipped GMT is used by default"
    sets, columns = gene_sets.read(paths[:-1], paths[-1])
    axes = SetAxes.of(columns)
    described = set(axes.loc[axes["informational"] == "no", "axis"])
    assert described == {"WNT", "NOTCH", "Hippo", "YAP/TAZ targets", "ECM disassembly", "HGF receptor"}
    for name, genes in sets.items():
        assert pathways.min_size <= len(genes) <= pathways.max_size, name
        assert all(gene.strip() == gene and gene for gene in genes)
    assert {"HGF", "MET"} & sets["GO:0048012 hepatocyte growth factor receptor signaling pathway"]
    assert {"MMP1", "MMP3"} <= sets["GO:0022617 extracellular matrix disassembly"]
    assert {"CCN1", "CCN2", "ANKRD1", "AMOTL2"} <= sets["YAP/TAZ target genes"]


def test_shipped_markers_are_those_of_the_paper(root: Path) -> None:
    panel = MarkerPanel.of(markers.read(root / "resources" / "markers.tsv"))
    assert not panel.duplicated(["gene_name", "group"]).any()
    assert (panel[["source", "reason"]] != "").all(axis=None)
    expected = panel.groupby(["group", "expected"])["gene_name"].agg(set).to_dict()
    assert expected["mature hepatocyte", "down"] == {"CYP3A4", "UGT1A9", "FAH", "ALB"}
    assert expected["progenitor", "up"] == {"KRT19", "EPCAM", "CCL2", "SOX9", "TGFB1"}
    assert expected["secreted and matrix", "up"] == {"HGF", "MMP1", "MMP3"}
    assert expected["identity", "detected"] == {"ALB", "HNF4A"}, "albumin is asked twice: lower, and still there"
    assert len(expected["HLA class II", "absent"]) == 7
    assert expected["blood", "absent"] == {"PTPRC", "CD34"}


def test_batches_and_libraries_travel_from_the_sheet_to_the_expression(tmp_path: Path) -> None:
    """A sample sequenced in two runs is of both; what the sheet does not say is ''."""
    rows = {
        "S1": [Sample(sample_id="S1", assay="rnaseq", donor_id="D1", counts="c.tsv", seq_run="R1", library_kit="K")],
        "S2": [
            Sample(sample_id="S2", assay="rnaseq", donor_id="D1", fastq_1="1.fq", lane=lane, seq_run=run)
            for lane, run in (("L1", "R2"), ("L2", "R1"))
        ],
    }
    study = Study(
        donors={"D1": Donor(donor_id="D1", sex="F")}, lots={}, samples={name: tuple(of) for name, of in rows.items()}
    )
    facts = [ExpressionSample.model_validate(expression_sample(study, name)) for name in rows]
    counts = pd.DataFrame([[5, 6], [7, 8]], index=pd.Index(["G1", "G2"], name="gene_id"), columns=["S1", "S2"])
    unstated = pd.DataFrame({"gene_name": None, "length": np.nan}, index=counts.index)
    data = assemble(Quantified(counts, None, None, unstated), facts, NO_GENES, {}, "", {})
    write_expression(data, tmp_path / "expression.h5ad")
    obs = read_expression(tmp_path / "expression.h5ad").obs
    assert obs["seq_run"].tolist() == ["R1", "R1 + R2"]
    assert obs["library_kit"].tolist() == ["K", ""]
    assert obs["platform"].tolist() == ["", ""]
    assert obs["library"].tolist() == ["S1", "S2"], "the sample's own, where the sheet names none"
