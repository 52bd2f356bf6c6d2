"""Driver loci follow from gene, transcript and codon: on both strands, over introns, and only where the genome agrees."""

import shutil
import subprocess
from pathlib import Path

import pysam
import pytest

from karyolot.contracts.drivers import DriverLoci
from karyolot.contracts.genes import Model
from karyolot.contracts.problems import Fault, KaryolotError
from karyolot.dna.loci import BY_POSITION, CODONS, COMPLEMENT, choose, coding_positions, locate, merged, spliced
from karyolot.inputs.formats import drivers, gtf
from karyolot.inputs.genes import PanelFacts, look_panel
from karyolot.io.drivers import write_models

RESOURCES = Path(__file__).parents[2] / "resources"
#         M  K  R  H  E  *
CODING = "ATGAAACGCCACGAATAA"
"""Split after the first base of the third codon, by an intron of 30 bases."""
UPSTREAM = "CACGTTTTCA"


def genome(strand: str) -> tuple[str, Model]:
    """A contig with one gene of two exons, and its model."""
    forward = "G" * 40 + UPSTREAM + CODING[:7] + "GT" + "C" * 26 + "AG" + CODING[7:] + "T" * 40
    cds = ((50, 57), (87, 98))
    if strand == "-":
        forward = forward.translate(COMPLEMENT)[::-1]
        cds = tuple(sorted((len(forward) - end, len(forward) - start) for start, end in cds))  # type: ignore[assignment]
    return forward, Model("T1", "ONE", "chr1", strand, cds, cds, complete=True, rank=0)


def gene(scope: str = "coding", name: str = "ONE") -> dict[str, str]:
    return {
        "gene": name,
        "scope": scope,
        "role": "driver",
        "transcript": "",
        "reason": "r",
        "source": "s (doi 10.1038/s)",
    }


def spot(position: str, reference: str, name: str = "ONE") -> dict[str, str]:
    return {"gene": name, "position": position, "reference": reference, "changes": "", "source": "s (doi 10.1038/s)"}


@pytest.mark.parametrize("strand", ["+", "-"])
def test_a_split_codon_and_a_promoter_base_are_found_on_both_strands(strand: str) -> None:
    contig, model = genome(strand)

    def bases(_: str, start: int, end: int) -> str:
        return contig[start:end]

    assert spliced(model, bases) == CODING
    found = locate([gene("hotspots")], [spot("p.3", "R"), spot("c.-10", "C")], [model], [], bases)
    DriverLoci.validate(found.loci)
    codon = found.loci[found.loci["hotspot"] == "R3"]
    assert len(codon) == 2 and (codon["end"] - codon["start"]).sum() == 3, "an intron splits it"
    pieces = "".join(contig[row.start : row.end] for row in codon.itertuples())
    assert (pieces if strand == "+" else pieces.translate(COMPLEMENT)[::-1]) == "CGC"
    (promoter,) = found.loci[found.loci["hotspot"] == "c.-10"].itertuples()
    assert contig[promoter.start] == ("C" if strand == "+" else "G") and promoter.end == promoter.start + 1
    assert (found.panel.genes[0].hotspots, found.panel.genes[0].missing) == (2, "")


@pytest.mark.parametrize("strand", ["+", "-"])
def test_a_coding_region_holds_its_splice_sites_and_no_more(strand: str) -> None:
    contig, model = genome(strand)
    found = locate([gene()], [], [model], [], lambda _, start, end: contig[start:end])
    covered = {p for row in found.loci.itertuples() for p in range(row.start, row.end)}
    coding = set(coding_positions(model).tolist())
    assert coding < covered and len(covered) == len(CODING) + 4
    assert len(merged(found.loci)) == 2


@pytest.mark.parametrize(
    ("named", "used", "noted"),
    [("ENST7", "ENST1.4", True), ("ENST1.2", "ENST1.4", False), ("ENST7", "NM_1", False), ("", "ENST1.4", False)],
)
def test_a_transcript_of_the_panel_that_the_annotation_lacks_is_named(named: str, used: str, noted: bool) -> None:
    """Not where the annotation numbers transcripts otherwise: the residues of recurrent codons are checked there too."""
    contig, model = genome("+")
    own = model._replace(transcript=used)
    found = locate([gene() | {"transcript": named}], [], [own], [], lambda _, start, end: contig[start:end])
    assert found.panel.genes[0].missing == (
        f"{named} is not complete in the annotation, {used} is searched" if noted else ""
    )


def test_codons_of_a_scope_are_those_searched() -> None:
    contig, model = genome("+")
    found = locate([gene("codons 2-3")], [], [model], [], lambda _, start, end: contig[start:end])
    assert (found.loci["end"] - found.loci["start"]).sum() == 6


def test_what_the_genome_does_not_have_is_named() -> None:
    contig, model = genome("+")

    def bases(_: str, start: int, end: int) -> str:
        return contig[start:end]

    spots = [spot("p.3", "R"), spot("p.4", "H"), spot("p.5", "K"), spot("p.90", "V")]
    found = locate([gene(), gene(name="TWO")], spots, [model], [], bases)
    assert found.panel.genes[0].hotspots == 2
    assert found.panel.genes[0].missing == "p.90 is not in T1; ONE p.5 is E in T1 instead of K"
    assert "no complete coding transcript" in found.panel.genes[1].missing and found.panel.genes[1].transcript == ""
    with pytest.raises(KaryolotError, match=r"do not belong together: ONE p.4 is H in T1 instead of P.* 1 of 1"):
        locate([gene()], [spot("p.4", "P")], [model], [], bases)


def test_a_gene_of_the_list_that_the_annotation_names_otherwise_is_searched_and_noted() -> None:
    contig, model = genome("+")
    own = [("chr1", 60, 80, "ONE"), ("chr1", 60, 80, "P1"), ("chr1", 90, 95, "")]
    found = locate([], [], [model], own, lambda _, start, end: contig[start:end])
    assert {one.gene: one.missing for one in found.panel.genes} == {"ONE": "", "P1": BY_POSITION, "chr1:91-95": ""}
    assert len(found.loci) == 3 and [one.cds for one in found.panel.genes] == [model.cds, (), ()]
    assert not any(one.missing for one in locate([], [], [], own, lambda *_: "").panel.genes), "no annotation is given"


def test_the_named_transcript_goes_before_mane_and_mane_before_the_longest() -> None:
    def model(name: str, codons: int, rank: int = 0, complete: bool = True) -> Model:
        return Model(name, "ONE", "chr1", "+", ((0, 3 * codons),), ((0, 3 * codons),), complete, rank)

    models = [model("ENST1.4", 5), model("ENST2.1", 9), model("ENST3.1", 7, rank=2), model("ENST4", 50, complete=False)]
    assert choose(models, "ENST1.9").transcript == "ENST1.4"  # type: ignore[union-attr]
    assert choose(models, "ENST8").transcript == "ENST3.1"  # type: ignore[union-attr]
    assert choose(models[:2], "").transcript == "ENST2.1"  # type: ignore[union-attr]
    assert choose([models[3], models[0]._replace(cds=((0, 4),))], "") is None


def gtf_text(strand: str) -> tuple[str, str]:
    """The gene as Ensembl writes it: the stop codon apart from the CDS."""
    contig, model = genome(strand)
    (first, second), own = model.cds, 'gene_id "G1"; gene_name "ONE"; transcript_id "T1"; tag "MANE_Select";'
    stop = (second[1] - 3, second[1]) if strand == "+" else (first[0], first[0] + 3)
    pieces = (
        [(first, second), (first, (second[0], second[1] - 3))]
        if strand == "+"
        else [(first, second), ((first[0] + 3, first[1]), second)]
    )
    rows = [("exon", piece) for piece in pieces[0]] + [("CDS", piece) for piece in pieces[1]] + [("stop_codon", stop)]
    lines = [f"chr1\tx\t{kind}\t{a + 1}\t{b}\t.\t{strand}\t.\t{own}\n" for kind, (a, b) in rows]
    other = 'gene_id "G2"; gene_name "RNA"; transcript_id "T2";'
    return contig, "".join(lines) + f"chr1\tx\texon\t1\t20\t.\t+\t.\t{other}\n"


@pytest.mark.parametrize("strand", ["+", "-"])
def test_models_are_read_with_their_stop_codon(tmp_path: Path, strand: str) -> None:
    _, text = gtf_text(strand)
    path = tmp_path / "genes.gtf"
    path.write_text(text)
    assert gtf.models(path, {"ONE", "RNA"}) == [genome(strand)[1]._replace(rank=2)]
    assert gtf.models(path, {"TWO"}) == []
    assert gtf.look(path).coding == ("ONE",)


@pytest.mark.parametrize("indexed", [False, True])
def test_the_check_says_where_the_panel_does_not_fit_genome_and_annotation(tmp_path: Path, indexed: bool) -> None:
    contig, text = gtf_text("-")
    annotation, sequence, *panel = (tmp_path / name for name in ("genes.gtf", "genome.fa", "genes.tsv", "hotspots.tsv"))
    annotation.write_text(text)
    sequence.write_text(f">chr1 of another\n{contig[:70]}\n{contig[70:]}\n>chr2\nACGT\n")
    if indexed:
        pysam.faidx(str(sequence))

    def facts(*spots: dict[str, str], coding: tuple[str, ...] = ("ONE",)) -> PanelFacts:
        for path, rows in zip(panel, ([gene(), gene(name="TWO")], spots), strict=True):
            path.write_text("".join("\t".join(cells) + "\n" for cells in [rows[0], *(row.values() for row in rows)]))
        return look_panel(annotation, sequence, (panel[0], panel[1]), coding, ())

    assert facts(spot("p.3", "R"), spot("c.-10", "C")) == PanelFacts()
    (note,) = facts(spot("p.3", "R"), spot("p.90", "V"), coding=("ONE", "TWO")).notes
    assert "2 of 2 driver genes are not located in full (ONE: p.90 is not in T1, TWO: no complete" in note.message
    with pytest.raises(Fault, match=r"do not belong together: ONE p.4 is H in T1 instead of P") as fault:
        facts(spot("p.4", "P"))
    assert fault.value.code == "E14" and "one assembly" in fault.value.remedy
    assert sorted(path.name for path in tmp_path.glob("genome*")) == ["genome.fa", "genome.fa.fai"][: 1 + indexed]


@pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not installed")
@pytest.mark.parametrize("strand", ["+", "-"])
def test_csq_reads_the_models_and_names_the_change_of_a_split_codon(tmp_path: Path, strand: str) -> None:
    contig, model = genome(strand)
    fasta, gff, vcf = (tmp_path / name for name in ("genome.fa", "models.gff3", "in.vcf"))
    fasta.write_text(f">chr1\n{contig}\n")
    write_models([model], gff)
    # CGC -> CAC: the second base of the codon, the first of the second exon.
    place = int(coding_positions(model)[7])
    alt = "A" if strand == "+" else "T"
    head = f"##fileformat=VCFv4.2\n##contig=<ID=chr1,length={len(contig)}>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    vcf.write_text(f"{head}chr1\t{place + 1}\t.\t{contig[place]}\t{alt}\t.\t.\t.\n")
    command = ["bcftools", "csq", "--local-csq", "--force", "-f", str(fasta), "-g", str(gff), str(vcf)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "missense|ONE|T1|protein_coding|" in done.stdout and "3R>3H" in done.stdout, done.stdout + done.stderr


def test_the_shipped_panel_names_each_gene_once_and_every_hotspot_is_of_one_of_them() -> None:
    genes, hotspots = drivers.read(RESOURCES / "driver_genes.tsv", RESOURCES / "hotspots.tsv")
    names = {row["gene"] for row in genes}
    assert len(names) == len(genes) == 25 and {row["gene"] for row in hotspots} <= names
    with_hotspots = {row["gene"] for row in hotspots}
    assert {row["gene"] for row in genes if row["scope"] == "hotspots"} <= with_hotspots
    assert all("doi 10." in row["source"] for row in genes + hotspots)
    assert set(CODONS.values()) == set(drivers.RESIDUES)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("scope", "exon 3", "scope is 'exon 3'"),
        ("scope", "codons 80-5", "scope"),
        ("role", "drivers", "role is 'drivers'"),
        ("source", "", "no source"),
        ("source", "Merkle 2017", "source is 'Merkle 2017'"),
    ],
)
def test_a_faulty_row_of_the_panel_is_named(tmp_path: Path, column: str, value: str, says: str) -> None:
    path = tmp_path / "genes.tsv"
    row = gene() | {column: value}
    path.write_text("\t".join(row) + "\n" + "\t".join(row.values()) + "\n")
    with pytest.raises(Fault, match=says) as caught:
        drivers.look(path)
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("position", "changes", "says"),
    [
        ("175", "H", "position is '175'"),
        ("p.175", "R", "changes is 'R'"),
        ("p.175", "H,J", "changes is 'H,J'"),
        ("p.175", "H,", "changes is 'H,'"),
    ],
)
def test_a_faulty_recurrent_mutation_is_named(tmp_path: Path, position: str, changes: str, says: str) -> None:
    row = spot(position, "R", "TP53") | {"changes": changes, "source": "s (doi 10.1038/s)"}
    (tmp_path / "hotspots.tsv").write_text("\t".join(row) + "\n" + "\t".join(row.values()) + "\n")
    with pytest.raises(Fault, match=says) as caught:
        drivers.look_hotspots(tmp_path / "hotspots.tsv")
    assert caught.value.line == 2
