"""Gene annotation: what the check accepts the run reads, and the other way round."""

import gzip
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karyolot.contracts.expression import Genes, TranscriptGenes
from karyolot.contracts.problems import Fault
from karyolot.inputs.formats import gtf

GENE = 'gene_id "G1"; gene_name "ALB";'
EXON = f'{GENE} transcript_id "T1";'


def row(
    feature: str = "exon", attributes: str = EXON, start: object = 1, end: object = 90, contig: str = "chr1"
) -> str:
    return f"{contig}\tx\t{feature}\t{start}\t{end}\t.\t+\t.\t{attributes}\n"


def put(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "genes.gtf"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_exons_are_joined_and_genes_named(tmp_path: Path) -> None:
    path = put(
        tmp_path,
        "#!genome-build\n"
        + row("gene", 'gene_id "C"; gene_name "lonely";', 1, 9, "1")
        + row("exon", 'gene_id "B"; transcript_id "B.1"; gene_name "beta";', 101, 200, "1")
        # Overlaps the one before: 150 bases together.
        + row("exon", 'gene_id "B"; transcript_id "B.2"; gene_name "beta";', 151, 250, "1")
        + row("exon", 'gene_id "B"; transcript_id "B.2"; gene_name "beta";', 301, 310, "1")
        + row("CDS", 'gene_id "B"; transcript_id "B.2";', 301, 309, "1")
        # A pseudo-autosomal gene stands on both: one gene, one length.
        + row("exon", 'gene_id "A"; transcript_id "A.1";', 1, 50, "X")
        + row("exon", 'gene_id "A"; transcript_id "A.1";', 1, 50, "Y"),
    )
    found = gtf.read(path)
    assert TranscriptGenes.of(found.transcripts).to_numpy().tolist() == [["A.1", "A"], ["B.1", "B"], ["B.2", "B"]]
    genes = [["A", "A", 50, "X", 0, 50], ["B", "beta", 160, "1", 100, 310]]
    assert Genes.of(found.genes).to_numpy().tolist() == genes
    assert [list(span) for span in zip(*found.spans.values(), strict=True)] == [
        ["1", 0, 9, "lonely"],
        ["1", 100, 310, "beta"],
    ]
    assert gtf.look(path) == gtf.Facts({"B": "beta", "A": "A"}, {"1": 310, "X": 50, "Y": 50}, ("beta",))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (row("gene", GENE), "genes without transcripts"),
        (row("exon", GENE), "genes without transcripts"),
        (row() + row(attributes=EXON.replace("G1", "G2")), "'T1' belongs to two genes, G1 and G2"),
        ("##gff-version 3\n" + row("gene", "ID=gene1;Name=ALB"), "is not GTF but GFF3; convert it: gffread -T"),
        (row(attributes="gene_id G1; transcript_id T1;"), "a line has no gene_id"),
        (row(attributes='note "gene_id "; gene_id G1; transcript_id T1;'), "a line has no gene_id"),
        (row(attributes='ref_gene_id "G1"; transcript_id "T1";'), "a line has no gene_id"),
        (row(attributes='gene_id "G1'), "a line has no gene_id"),
        (row(start="9O"), "start and end must be whole numbers"),
        (row(start="1_0"), "start and end must be whole numbers"),
        (row(end="9" * 5000), "start and end must be whole numbers"),
        (row(start=90, end=1), "90-1 is not an interval"),
        (row(start=0), "0-90 is not an interval"),
        (row("CDS"), "holds no annotation"),
        ("# nothing\n\n", "holds no annotation"),
        (">chr1\nACGT\n", "is not GTF: it is FASTA"),
        (row(attributes="ID=exon1;gene_id=G1;transcript_id=T1"), "is not GTF but GFF3; convert it: gffread -T"),
        ("chr1\t0\t90\tT1\t0\t+\t0\t90\t0\t1\t90,\t0,\n", "is not GTF: it is BED; convert it: bedToGenePred"),
        ("chr1\t0\t90\tALB\n", "is not GTF: it is BED; convert it: bedToGenePred"),
        (row() + "chr1\tx\texon\t1\n", "line 2: is not GTF: a line has nine columns"),
        (row().encode() + b"\xff\n", "line 2: is not UTF-8 text"),
        ("".join(row(attributes=f'gene_id "N{n}"; transcript_id "N{n}";') for n in (1, 2)), "UCSC's Table Browser"),
        (gzip.compress(row().encode(), mtime=0)[:-4], "damaged or truncated"),
    ],
)
def test_what_is_no_annotation_is_refused_alike_by_check_and_run(tmp_path: Path, text: str | bytes, says: str) -> None:
    path = put(tmp_path, text)
    with pytest.raises(Fault) as looked:
        gtf.look(path)
    with pytest.raises(Fault) as run:
        gtf.read(path)
    assert says in str(looked.value.named(str(path)))
    assert str(run.value) == str(looked.value.named(str(path)))


def test_names_of_called_genes_need_no_transcripts(tmp_path: Path) -> None:
    path = put(tmp_path, row("gene", GENE, 11, 90))
    assert gtf.look(path, transcripts=False).ends == {"chr1": 90}
    spans = gtf.read(path, transcripts=False).spans
    assert [list(span) for span in zip(*spans.values(), strict=True)] == [["chr1", 10, 90, "ALB"]]


@pytest.mark.parametrize(
    "attributes",
    [
        'transcript_id "T1"; gene_id "G1";',
        'ref_gene_id "X"; gene_id "G1"; transcript_id "T1"',
        r'note "the \"gene_id\" of Refseq"; gene_id "G1"; transcript_id "T1";',
        r'note "was gene_id \"G9\"; transcript_id \"T9\""; gene_id "G1"; transcript_id "T1";',
        r'note "a ; gene_id \"G9\"; b"; gene_id "G1"; transcript_id "T1"; note "5\" end";',
        'note "see gene_id and transcript_id of it"; gene_id "G1"; transcript_id "T1";',
        'gene_id  "G1";   transcript_id  "T1";',
        'level 2; gene_id "G1";  transcript_id "T1"; tag "basic"; tag "CCDS"',
        '\tgene_id "G1";transcript_id "T1"; note "gene_id "; exon_number 1',
    ],
)
def test_neither_order_nor_notes_of_attributes_matter(tmp_path: Path, attributes: str) -> None:
    assert gtf.read(put(tmp_path, row(attributes=attributes))).transcripts == {
        "transcript_id": ["T1"],
        "gene_id": ["G1"],
    }


intervals = st.tuples(st.integers(1, 60), st.integers(0, 30)).map(lambda pair: (pair[0], sum(pair)))


@given(st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from("12"), intervals), min_size=1, max_size=30))
def test_the_length_of_a_gene_is_that_of_its_exons_together(
    tmp_path_factory: pytest.TempPathFactory, exons: list[tuple[str, str, tuple[int, int]]]
) -> None:
    path = tmp_path_factory.mktemp("gtf") / "genes.gtf"
    path.write_text("".join(
        row("exon", f'gene_id "{gene}"; transcript_id "{gene}{contig}.t";', start, end, contig)
        for gene, contig, (start, end) in exons
    ))  # fmt: skip
    bases: dict[str, dict[str, set[int]]] = {}
    for gene, contig, (start, end) in exons:
        bases.setdefault(gene, {}).setdefault(contig, set()).update(range(start, end + 1))
    found = Genes.of(gtf.read(path).genes)
    assert found["gene_id"].tolist() == sorted(bases)
    assert found["length"].tolist() == [max(map(len, bases[gene].values())) for gene in sorted(bases)]
    shown = [bases[gene][min(bases[gene])] for gene in sorted(bases)]
    assert found["start"].tolist() == [min(places) - 1 for places in shown]
    assert found["end"].tolist() == [max(places) for places in shown]


PIECES = [
    *(row(), row("gene", GENE), row("CDS"), row(attributes='gene_id "G2"; transcript_id "T2";'), row("exon", GENE)),
    *("#x\n", "\n", "\t", '"', ";", "chr1", row(start=95), row(contig="chr2"), ">", "ID=x", "\r", "\x00", "٣", "_"),
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    text=st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    cut=st.none() | st.tuples(st.integers(0, 400), st.binary(max_size=3)),
    transcripts=st.booleans(),
)
def test_what_the_check_accepts_the_run_reads(
    tmp_path: Path, text: str, cut: tuple[int, bytes] | None, transcripts: bool
) -> None:
    content = text.encode()
    if cut:
        content = content[: cut[0]] + cut[1] + content[cut[0] + 1 :]
    path = put(tmp_path, content)
    looked = found = None
    with suppress(Fault):
        looked = gtf.look(path, transcripts=transcripts)
    with suppress(Fault):
        found = gtf.read(path, transcripts=transcripts)
    assert (looked is None) == (found is None)
    if looked and found:
        genes = Genes.of(found.genes) if looked.names else Genes.frame([])
        assert dict(zip(genes["gene_id"], genes["gene_name"], strict=True)) == looked.names
