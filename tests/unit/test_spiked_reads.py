"""Known changes in reads: another person's mixed in, mutations written into them, fragments of a region dropped."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pysam
import pytest

import planted
from karyolot.contracts.copy_number import Fragments
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.qualification import Mutation
from karyolot.dna.qualification import FROM_READS, Pair, spiked, spiked_reads
from karyolot.io.spiked_reads import drawn, mix, mutate

LENGTH, READ, FRAGMENTS = 20_000, 100, 2_000
GENOME = "".join(np.random.default_rng(1).choice(list("ACGT"), LENGTH))
AT = 9_000
OTHER = "ACGT"[("ACGT".index(GENOME[AT]) + 1) % 4]


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two people: pairs that overlap in part, on one contig; `guest` has a contig before it, and OTHER at the position AT."""
    folder = tmp_path_factory.mktemp("reads")
    (folder / "genome.fa").write_text(f">chrB\n{GENOME}\n")
    made = {"fasta": folder / "genome.fa"}
    for name, contigs in (("lot", ["chrB"]), ("guest", ["chrA", "chrB"])):
        generator, header = np.random.default_rng(len(contigs)), {"SQ": [{"SN": one, "LN": LENGTH} for one in contigs]}
        genome = GENOME if name == "lot" else f"{GENOME[:AT]}{OTHER}{GENOME[AT + 1 :]}"
        starts = np.sort(generator.integers(0, LENGTH - 250, FRAGMENTS))
        with pysam.AlignmentFile(str(folder / "all.bam"), "wb", header=header) as out:
            for number, start in enumerate(starts.tolist()):
                for flag, place, other in ((99, start, start + 60), (147, start + 60, start)):
                    read = pysam.AlignedSegment(out.header)
                    read.query_name, read.flag, read.reference_id = f"r{number}", flag, contigs.index("chrB")
                    read.reference_start, read.mapping_quality = place, 60
                    read.next_reference_id, read.next_reference_start = contigs.index("chrB"), other
                    read.cigarstring = f"{READ}M"
                    read.template_length = READ + 60 if flag == 99 else -READ - 60
                    read.query_sequence = genome[place : place + READ]
                    read.query_qualities = pysam.qualitystring_to_array("I" * READ)
                    out.write(read)
        made[name] = folder / f"{name}.bam"
        pysam.sort("-o", str(made[name]), str(folder / "all.bam"))
        pysam.index(str(made[name]))
    return made


def bases(path: Path) -> dict[str, set[str]]:
    """The bases at the position AT, of each fragment over it."""
    found: dict[str, set[str]] = {}
    with pysam.AlignmentFile(str(path)) as handle:
        for read in handle.fetch("chrB", AT, AT + 1):
            assert len(read.query_qualities or ()) == READ
            found.setdefault(str(read.query_name), set()).add(str(read.query_sequence)[AT - read.reference_start])
    return found


def names(path: Path) -> list[str]:
    with pysam.AlignmentFile(str(path)) as handle:
        return [str(read.query_name) for read in handle]


def test_a_draw_is_of_the_name_and_has_the_stated_part() -> None:
    held = [drawn(f"r{number}", 0.2, 3) for number in range(10_000)]
    assert abs(np.mean(held) - 0.2) < 0.015 and held == [drawn(f"r{number}", 0.2, 3) for number in range(10_000)]
    assert np.mean([drawn(f"r{number}", 0.2, 4) == one for number, one in enumerate(held)]) < 0.8


def test_reads_of_another_person_are_mixed_in_by_fragments(reads: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "mixed.bam"
    mix(reads["lot"], reads["guest"], reads["fasta"], ["chrB"], (0.7, 0.3), out, 5)
    found = names(out)
    guests = {name for name in found if name.startswith("g")}
    assert abs(len(guests) / FRAGMENTS - 0.3) < 0.04 and abs(len(set(found) - guests) / FRAGMENTS - 0.7) < 0.04
    assert all(found.count(name) == 2 for name in list(guests)[:20])
    assert all((held == {OTHER}) == name.startswith("g") for name, held in bases(out).items())


def test_a_mutation_is_written_into_both_mates_of_its_fragments(reads: dict[str, Path], tmp_path: Path) -> None:
    out, regions = tmp_path / "mutated.bam", [("chrB", AT - 300, AT - 20), ("chrB", AT - 5, AT + 200)]
    mutate(reads["lot"], reads["fasta"], regions, [Mutation("chrB", AT, OTHER, 0.4)], out, 9)
    held = bases(out)
    before = bases(reads["lot"])
    assert held.keys() == before.keys() and all(len(one) == 1 for one in held.values())
    shown = {name for name, one in held.items() if one == {OTHER}}
    assert shown == {name for name in before if drawn(name, 0.4, 9)} and 0 < len(shown) < len(before)
    found = names(out)
    assert max(found.count(name) for name in found) == 2


def pair() -> Pair:
    bins = planted.genome(500_000)
    lot, donor = (planted.sample(bins, [], name, "F", 200, seed) for seed, name in enumerate(("lot", "donor")))

    def fragments(contig: str) -> Iterator[Fragments]:
        own = lot[lot["chrom"] == contig]
        starts = np.repeat(own["start"].to_numpy() + 1_000, own["count"].to_numpy())
        yield Fragments(contig, starts, np.full(len(starts), 300), 100 * len(starts))

    return Pair(bins, lot, donor, bins, bins, "F", planted.SETTINGS, planted.ATLAS, {"lot": fragments})


def test_a_loss_drops_fragments_of_the_reads_and_leaves_the_rest() -> None:
    held = pair()
    inside = ((held.bins["chrom"] == "chr8") & held.bins["start"].between(20_000_000, 60_000_000)).to_numpy()
    made, source = spiked_reads(held, inside, "loss", 0.4, 1)
    assert source == FROM_READS
    before, after = (table["count"].to_numpy() for table in (held.lot, made.lot))
    assert (before[~inside] == after[~inside]).all()
    assert abs(after[inside].sum() / before[inside].sum() - 0.8) < 0.02
    gain, source = spiked_reads(held, inside, "gain", 0.4, 1)  # the donor has no reads
    assert source == "" and gain.donor.equals(spiked(held, inside, "gain", 0.4, 1).donor)


def test_reads_other_than_those_that_were_counted_are_refused() -> None:
    held = pair()
    other = held._replace(lot=held.lot.assign(count=held.lot["count"] + (held.lot["chrom"] == "chr8")))
    inside = ((held.bins["chrom"] == "chr8") & held.bins["start"].between(20_000_000, 60_000_000)).to_numpy()
    with pytest.raises(KaryolotError, match="the reads of the lot hold other fragments on chr8 than the run counted"):
        spiked_reads(other, inside, "loss", 0.4)
