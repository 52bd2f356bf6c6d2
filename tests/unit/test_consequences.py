"""What alleles do to a protein, beside `bcftools csq`; several substitutions of one codon are one mutation."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pysam
import pytest

from karyolot.contracts.drivers import DriverGene, DriverPanel
from karyolot.contracts.genes import Model, trimmed
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.settings import SmallVariants as Settings
from karyolot.contracts.small_variants import VariantResults
from karyolot.dna.consequences import Effect, codings, effect
from karyolot.dna.loci import CODONS, COMPLEMENT
from karyolot.dna.small_variants import ALTERING, search, variant_metrics
from karyolot.dna.variant_errors import kind_of
from karyolot.io.drivers import write_models
from karyolot.io.small_variants import read_consequences, read_pileup
from planted_variants import START, Planted, Study, loci, missense, write_pileup

CDS = ((60, 100), (130, 200), (240, 280))


def genome(strand: str) -> str:
    """A contig with a coding sequence of 50 codons in CDS."""
    rng = np.random.default_rng(5)
    inner = rng.choice([codon for codon, residue in CODONS.items() if residue != "*"], 48)
    read, whole = "ATG" + "".join(inner) + "TAA", list(rng.choice(list("ACGT"), 400))
    read = read if strand == "+" else read.translate(COMPLEMENT)[::-1]
    for number, place in enumerate(place for start, end in CDS for place in range(start, end)):
        whole[place] = read[number]
    return "".join(whole)


def gene(strand: str, cds: tuple[tuple[int, int], ...] = CDS) -> DriverGene:
    known = {"chrom": "chr17", "strand": strand, "cds": cds}
    return DriverGene(gene="TP53", role="driver", transcript="T1", hotspots=1, missing="", **known)  # type: ignore[arg-type]


def of(strand: str, start: int, ref: str, alt: str) -> Effect:
    contig = genome(strand)
    return effect(codings([gene(strand)])["TP53"], lambda _, place: contig[place], start, ref, alt)


@pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not installed")
@pytest.mark.parametrize("strand", ["+", "-"])
def test_effects_are_those_of_csq(tmp_path: Path, strand: str) -> None:
    """But for the names of changed start and stop codons: random alleles in and near three coding exons."""
    rng, alleles, contig = np.random.default_rng(3), [], genome(strand)
    for start in range(50, 290):
        other = ["ACGT"[("ACGT".index(base) + int(rng.integers(1, 4))) % 4] for base in contig[start : start + 3]]
        alleles += [(start, contig[start], other[0]), (start, contig[start : start + 3], "".join(other))]
        size = int(rng.integers(1, 7))
        alleles.append((start, contig[start : start + size + 1], contig[start]))
        alleles.append((start, contig[start], contig[start] + "".join(rng.choice(list("ACGT"), size))))
    (tmp_path / "genome.fa").write_text(f">chr17\n{contig}\n")
    pysam.faidx(str(tmp_path / "genome.fa"))
    write_models([Model("T1", "TP53", "chr17", strand, CDS, CDS, complete=True, rank=0)], tmp_path / "models.gff3")
    head = "##fileformat=VCFv4.2\n##contig=<ID=chr17,length=400>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    rows = "".join(f"chr17\t{start + 1}\t.\t{ref}\t{alt}\t.\t.\t.\n" for start, ref, alt in alleles)
    (tmp_path / "alleles.vcf").write_text(head + rows)
    command = (
        "bcftools csq --local-csq --force -f genome.fa -g models.gff3 alleles.vcf 2> /dev/null"
        " | bcftools query -f '%CHROM\\t%POS\\t%REF\\t%ALT\\t%BCSQ\\n' > csq.tsv"
    )
    subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=tmp_path, check=True)
    table = read_consequences(tmp_path / "csq.tsv").to_dict("records")
    known = {(row["start"], row["ref"], row["alt"]): (row["consequence"], row["change"]) for row in table}
    seen = {"same": 0, "altering": 0}
    for start, ref, alt in {trimmed(*allele) for allele in alleles}:
        theirs, ours = known.get((start, ref, alt), ("", "")), of(strand, start, ref, alt)
        inside = any(low <= start and start + len(ref) <= high for low, high in CDS)
        if len(ref) == len(alt) > 1 and not inside:
            continue  # csq shifts substitutions over the end of an exon
        if len(ref) == len(alt) and theirs[1] and "*50" not in ours.change:
            assert ours.change == theirs[1], (start, ref, alt, ours, theirs)
            seen["same"] += 1
        altering = [bool(ALTERING & set(one.split("&"))) for one in (ours.consequence, theirs[0])]
        assert altering[0] == altering[1], (start, ref, alt, ours, theirs)
        seen["altering"] += altering[0]
    assert min(seen.values()) > 200


STUDY = Study(bases=1500, lot=120)
CODON = 600
"""First of its bases, from the start of the locus."""


def found(tmp_path: Path, *planted: Planted, given: dict[str, list[object]] | None = None) -> VariantResults:
    """The search in a gene whose coding sequence are all positions of STUDY."""
    roles = write_pileup(tmp_path / "pileup.gz", STUDY, planted)
    panel = DriverPanel(genes=(gene("+", ((START, START + STUDY.bases),)),))
    hotspots = {f"R{CODON // 3 + 1}": (CODON, CODON + 3)}
    named, places = missense(STUDY, *planted), loci(STUDY.bases, hotspots)
    pileup = read_pileup(tmp_path / "pileup.gz", roles, kind_of)
    return search(pileup, places, panel, named, Settings(), given=given)


def planted(at: int, lot: float) -> Planted:
    return Planted(at, "ACGT"[("ACGT".index(STUDY.bases_of()[at]) + 1) % 4], lot=lot)


def test_two_substitutions_of_a_codon_are_one_mutation_with_its_own_residue(tmp_path: Path) -> None:
    """As V600K, GTG to AAG: each alone is another change."""
    first, last = planted(CODON, 0.4), planted(CODON + 2, 0.4)
    results = found(tmp_path, first, last)
    (row,) = results.variants.to_dict("records")
    old = STUDY.bases_of()[CODON : CODON + 3]
    assert (row["ref"], row["alt"], row["start"]) == (old, first.alt + old[1] + last.alt, START + CODON)
    assert row["change"] == f"{CODONS[old]}{CODON // 3 + 1}{CODONS[row['alt']]}" and row["consequence"] == "missense"
    assert (row["finding"], row["origin"], row["hotspot"]) == ("tp53", "acquired", f"R{CODON // 3 + 1}")
    metrics = variant_metrics(results)
    assert metrics[MetricName.VARIANTS_TP53_HOTSPOT].value == 1 and metrics[MetricName.VARIANTS_DRIVERS].value == 0


def test_substitutions_of_different_cells_or_codons_stay_apart(tmp_path: Path) -> None:
    assert len(found(tmp_path, planted(CODON, 0.6), planted(CODON + 2, 0.2)).variants) == 2
    assert len(found(tmp_path, planted(CODON + 2, 0.4), planted(CODON + 3, 0.4)).variants) == 2


def test_calls_that_the_reads_do_not_show_are_named_and_counted(tmp_path: Path) -> None:
    """Another caller's: a long insertion and two bases at once; one beside the loci is left out."""
    sequence = STUDY.bases_of()
    twice = sequence[600:602].translate(COMPLEMENT)
    alleles = [(300, sequence[300], sequence[300] + 20 * "AC"), (600, sequence[600:602], twice), (5000, "A", "C")]
    columns = {"chrom": ["chr17"] * 3, "start": [START + at for at, *_ in alleles]}
    columns |= {"end": [START + at + len(ref) for at, ref, _ in alleles]}
    columns |= {"ref": [ref for _, ref, _ in alleles], "alt": [alt for *_, alt in alleles]}
    columns |= {"lot_ref": [70] * 3, "lot_alt": [30] * 3, "donor_ref": [90] * 3, "donor_alt": [0] * 3}
    results = found(tmp_path, given=columns)
    rows = results.variants.to_dict("records")
    assert [(row["finding"], row["consequence"], row["caller"]) for row in rows] == [
        ("driver", "frameshift", "given"),
        ("tp53", "missense", "given"),
    ]
    assert results.facts.silent == 0


def test_the_base_before_an_indel_is_not_changed_by_it(tmp_path: Path) -> None:
    """Bases deleted behind a recurrent codon are no recurrent mutation, and those within it are."""
    sequence = STUDY.bases_of()
    for at, finding in ((CODON + 2, "driver"), (CODON - 1, "tp53")):
        deletion = Planted(at, sequence[at], lot=0.5, ref=sequence[at : at + 4])
        found_ = found(tmp_path, deletion).variants["finding"].loc[lambda named: named.ne("")]
        assert found_.tolist() == [finding], at
