"""The pile-up command and its reader, on alignments with planted reads: bcftools counts, realigns, and names consequences."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pysam
import pytest

from karyolot.contracts.genes import Model
from karyolot.contracts.settings import SmallVariants as Settings
from karyolot.dna.loci import locate, merged
from karyolot.dna.small_variants import search
from karyolot.dna.variant_errors import kind_of
from karyolot.io.drivers import write_models, write_regions
from karyolot.io.small_variants import read_consequences, read_pileup
from karyolot.plan.commands import pileup_command
from karyolot.plan.files import FASTA
from karyolot.plan.variants import DRIVER_MODELS, DRIVER_REGIONS

pytestmark = pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not installed")
READ, LENGTH = 100, 2400
CDS = ((600, 1000), (1200, 1703))
"""Of a gene on the forward strand; its codon 175 (R, CGC) lies in the second exon."""
CODON = 1200 + 3 * 174 - 400
EXON_END = 998
"""The last base but one of the first exon: codon 133 becomes another residue there."""


def contig() -> str:
    rng = np.random.default_rng(3)
    codons = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT" if a + b + c not in ("TAA", "TAG", "TGA")]
    coding = "ATG" + "".join(rng.choice(codons, 299)) + "TAA"
    coding = coding[: 3 * 174] + "CGC" + coding[3 * 175 :]
    whole = "".join(rng.choice(list("ACGT"), LENGTH))
    coding = coding[:903]
    return whole[:600] + coding[:400] + "GT" + whole[1002:1198] + "AG" + coding[400:] + whole[1703:]


def write_reads(path: Path, genome: str, depth: int, share: float, seed: int) -> None:
    """Pairs whose mates overlap by half, with the codon's CAC, G at EXON_END and 3 bases deleted at 1400 in `share` of them."""
    rng = np.random.default_rng(seed)
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr17", "LN": len(genome)}]}
    reads = []
    for number in range(depth * (LENGTH - 200) // (2 * READ)):
        start = int(rng.integers(0, LENGTH - 200))
        mutated = rng.random() < share
        for mate, at in enumerate((start, start + READ // 2)):
            reads.append(_read(genome, str(number), at, mate, mutated, start if mate else start + READ // 2, rng))
    reads.sort(key=lambda read: read.reference_start)
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for read in reads:
            out.write(read)
    pysam.index(str(path))


def _read(
    genome: str, name: str, at: int, mate: int, mutated: bool, other: int, rng: np.random.Generator
) -> pysam.AlignedSegment:
    bases, cigar = list(genome[at : at + READ]), f"{READ}M"
    for place, base in ((CODON + 1, "A"), (EXON_END, "G")):
        if mutated and at <= place < at + READ:
            bases[place - at] = base
    if mutated and at + 10 <= 1400 and at + READ >= 1403 + 10:
        cut = 1400 - at
        bases = bases[:cut] + list(genome[1403 : at + READ + 3])
        cigar = f"{cut}M3D{READ - cut}M"
    wrong = np.flatnonzero(rng.random(READ) < 5e-4)
    for place in wrong:
        bases[place] = str(rng.choice([b for b in "ACGT" if b != bases[place]]))
    read = pysam.AlignedSegment()
    read.query_name, read.query_sequence, read.cigarstring = name, "".join(bases), cigar
    read.flag = (99, 147)[mate] if int(name) % 2 else (163, 83)[mate]
    read.reference_id = read.next_reference_id = 0
    read.reference_start, read.next_reference_start, read.mapping_quality = at, other, 60
    read.template_length = (READ * 3 // 2) * (1 - 2 * mate)
    read.query_qualities = pysam.qualitystring_to_array("I" * READ)
    return read


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with a genome, its driver loci, and reads of lot and donor."""
    place, genome = tmp_path_factory.mktemp("calls"), contig()
    (place / "results" / "reference").mkdir(parents=True)
    (place / FASTA).write_text(f">chr17\n{genome}\n")
    pysam.faidx(str(place / FASTA))
    write_reads(place / "lot.bam", genome, 120, 0.25, 1)
    write_reads(place / "donor.bam", genome, 120, 0.0, 2)
    return place


def test_planted_reads_are_counted_once_realigned_and_named(folder: Path) -> None:
    model = Model("T1", "TP53", "chr17", "+", CDS, CDS, complete=True, rank=0)
    gene = {"gene": "TP53", "scope": "coding", "role": "driver", "transcript": "", "reason": "r", "source": "s"}
    spot = {"gene": "TP53", "position": "p.175", "reference": "R", "changes": "H", "source": "s"}
    genome = contig()
    found = locate([gene], [spot], [model], [], lambda _, start, end: genome[start:end])
    write_regions(merged(found.loci), folder / DRIVER_REGIONS)
    write_models(found.models, folder / DRIVER_MODELS)
    command = pileup_command(Settings(), ["lot.bam", "donor.bam"], "pileup.gz", "csq.tsv")
    subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=folder, check=True, capture_output=True)
    pileup = read_pileup(folder / "pileup.gz.part", ["lot", "donor"], kind_of)
    assert len(pileup.positions) == 903 + 4, "coding bases and two at each end of the intron"
    # Every second base of a fragment is read by both mates: 120 reads are 90 fragments.
    assert 60 < pileup.positions["lot_depth"].mean() < 100
    results = search(pileup, found.loci, found.panel, read_consequences(folder / "csq.tsv.part"), Settings())
    table = results.variants.set_index("start")
    assert table[["finding", "origin", "artefact"]].to_numpy().tolist() == [
        ["driver", "acquired", ""],
        ["tp53", "acquired", ""],
        ["driver", "acquired", ""],
    ]
    assert table.loc[EXON_END, ["consequence", "change"]].tolist() == ["missense&splice_region", "I133M"]
    point = table.loc[CODON + 1]
    assert (point["ref"], point["alt"], point["change"], point["hotspot"]) == ("G", "A", "R175H", "R175")
    assert point["fraction_low"] < 0.5 < point["fraction_high"] and point["donor_alt"] == 0
    (deleted,) = table.drop(index=[CODON + 1, EXON_END]).to_dict("records")
    assert len(deleted["ref"]) - len(deleted["alt"]) == 3 and "inframe_deletion" in deleted["consequence"]
    assert results.limits["fraction"].notna().all()
