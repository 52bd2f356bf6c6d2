"""Are the limits of mitochondrial DNA and of foreign sequences kept, and does a clean lot show none of either?

    .venv/bin/python benchmarks/extranuclear.py HBV.fasta chrM.fasta [--draws N] [--only PART ...]

HBV.fasta: a genome of hepatitis B virus, such as X02763. chrM.fasta: the revised Cambridge reference sequence. Each row of
extranuclear.tsv is one setting: what was planted, in how many draws, the printed limit, and the share of draws in which it was
found, or held by its 95 % interval. Reads are drawn here, by code that shares nothing with what is tested.

Parts: clean, foreign, heteroplasmy; deletions, in pairs aligned by bwa (bwa and samtools on PATH; 25 minutes), which goes on
where it was interrupted: delete its rows to measure them again. A deletion that is not listed has no interval, so these rows
count the listed ones only.

The rows on clean samples are the reads of 200 clean human samples that fit no chromosome: short tandem repeats of every unit
up to six bases, telomeres, satellites and interspersed repeats with mutations, AT- and GC-rich stretches, and random bases,
against a panel of the sizes and compositions of the shipped list (the virus is real, the others are drawn).
"""

import argparse
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pysam

from karyolot.contracts.foreign import Hits, PanelSequence, Searched
from karyolot.contracts.mitochondria import MitochondrialReads
from karyolot.contracts.settings import Mitochondria
from karyolot.dna.foreign import search
from karyolot.dna.heteroplasmy import comparable, compare, heteroplasmies, smallest_shift
from karyolot.dna.mitochondrial_deletions import COMMON, NEAR, smallest_deletion, typical_depth
from karyolot.dna.mitochondrial_deletions import deletions as find_deletions
from karyolot.io.foreign import read_hits
from karyolot.io.mitochondria import read_mitochondria
from karyolot.plan.foreign import MAP

OUT = Path(__file__).with_name("extranuclear.tsv")
SETTINGS = Mitochondria()
LENGTH, READ = 16_569, 100
DELETIONS = ((5_000, 100), (9_000, 300), (2_000, 1_500), COMMON, (6_100, 8_000))
"""First deleted base and size, apart from the ends of the contig."""
DELETION_FRACTIONS = (0.02, 0.05, 0.1, 0.2, 0.5)
DELETION_DRAWS = {250: 12, 60: 6}
"""Draws of each setting by depth, of lot and donor."""
TOGETHER = {1500: 4, 6000: 2}
"""The same at higher depths, where each lot has all deletions at the printed limit, each in genomes of its own."""
COMPLEMENT = str.maketrans("ACGT", "TGCA")
CODES = np.frombuffer(bytes(range(256)).translate(bytes.maketrans(b"ACGT", b"TGCA")), np.uint8)
"""Byte of each base -> that of its complement."""
AT_ONCE = 20_000
"""Pairs that are drawn at once."""
AT_LIMIT = 10
"""Times as many draws of a foreign sequence at its limit, so that its power is known to a percentage point."""
Row = dict[str, object]


def mitochondria(
    rng: np.random.Generator, sequence: str, depth: int, planted: dict[int, float], spread: float = 0.0
) -> MitochondrialReads:
    """Counts of one sample. spread: standard deviation of the error between positions of one library, as a share of it."""
    codes = np.array(["ACGT".index(base) for base in sequence])
    error = 0.001 * np.clip(1 + spread * rng.standard_normal(len(codes)), 0.1, None)
    chance = np.repeat(error[:, None] / 3, 4, axis=1)
    chance[np.arange(len(codes)), codes] = 1 - error
    counts = rng.multinomial(depth, chance)
    for at, fraction in planted.items():
        moved = rng.binomial(depth, fraction)
        counts[at] = 0
        counts[at, [codes[at], (codes[at] + 1) % 4]] = depth - moved, moved
    forward = rng.binomial(counts, 0.5)
    none = np.zeros((0, 4), dtype=np.int64)
    return MitochondrialReads(
        "chrM", sequence, np.stack([forward, counts - forward], axis=2), none[:, :3], none, (), depth, 0, 0, 0, 0
    )


def heteroplasmy(rng: np.random.Generator, sequence: str, draws: int) -> Iterator[Row]:
    """Power at the printed limit, intervals of planted fractions, and stable lots."""
    places = np.flatnonzero(comparable(sequence))[:: LENGTH // 120][:100].tolist()
    for lot, donor, spread in product((60, 200, 800, 3000, 12_000), (100, 1500), (0.0, 0.5)):
        compared = compare(
            mitochondria(rng, sequence, lot, {}, spread), mitochondria(rng, sequence, donor, {}, spread), SETTINGS, 0.0
        )
        limit = smallest_shift(compared, lot, donor, SETTINGS.power)
        if limit is None:
            continue
        found = false = 0
        for _ in range(draws):
            pair = (
                mitochondria(rng, sequence, lot, dict.fromkeys(places, limit), spread),
                mitochondria(rng, sequence, donor, {}, spread),
            )
            table = heteroplasmies(compare(*pair, SETTINGS, 0.0), *pair, SETTINGS)
            shifted = set(table[table["finding"] == "shift"]["start"])
            found += len(shifted & set(places))
            false += bool(shifted - set(places))
        setting = f"depth {lot} against {donor}, error spread {spread:g}"
        yield {"what": "heteroplasmy at its limit", "setting": setting, "draws": draws * 100, "limit": limit,
               "share": found / draws / 100}  # fmt: skip
        yield {
            "what": "lots with a false shift",
            "setting": setting,
            "draws": draws,
            "limit": None,
            "share": false / draws,
        }
    for fraction in (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5):
        held = 0
        for _ in range(draws):
            pair = (
                mitochondria(rng, sequence, 3000, dict.fromkeys(places, fraction)),
                mitochondria(rng, sequence, 3000, {}),
            )
            table = heteroplasmies(compare(*pair, SETTINGS, 0.0), *pair, SETTINGS).set_index("start").reindex(places)
            inside = (table["lot_low"] <= fraction) & (fraction <= table["lot_high"])
            held += int((inside | table["lot"].isna()).sum())
        yield {"what": "interval holds the planted fraction", "setting": f"{fraction:g} at depth 3000", "draws": draws * 100,
               "limit": None, "share": held / draws / 100}  # fmt: skip


def deletions(rng: np.random.Generator, sequence: str, measured: set[str]) -> Iterator[Row]:
    """Deletions of five sizes by depth and fraction, those at the printed limit among them, and clean lots. measured: settings
    that are left out."""
    with tempfile.TemporaryDirectory() as name:
        fasta = Path(name) / "genome.fa"
        fasta.write_text(f">chr1\n{random_bases(rng, 20_000)}\n>chrM\n{sequence}\n")
        pysam.faidx(str(fasta))
        subprocess.run(["bwa", "index", str(fasta)], check=True, capture_output=True)
        for depth, draws in DELETION_DRAWS.items():
            donor = aligned(rng, fasta, depth, [(sequence, 1.0)])
            limit = smallest_deletion(typical_depth(donor), SETTINGS.power)
            settings = [(0.0, "no deletion", DELETIONS[0])]
            for fraction, one in product((*DELETION_FRACTIONS, limit), DELETIONS):
                if fraction is not None:
                    words = "the printed limit" if fraction == limit else f"{fraction:.0%}"
                    settings.append((fraction, f"{one[1]:,} bases in {words}", one))
            for fraction, words, planted in settings:
                setting = f"{words}, depth {depth}"
                if setting not in measured:
                    lots = (sample(rng, fasta, depth, sequence, [planted], fraction) for _ in range(draws))
                    tables = [find_deletions(lot, donor, SETTINGS) for lot in lots]
                    yield from _rows_of_deletions(tables, planted, fraction, limit, setting)
        for depth, draws in TOGETHER.items():
            if f"no deletion, depth {depth}" in measured:
                continue
            donor = aligned(rng, fasta, depth, [(sequence, 1.0)])
            limit = smallest_deletion(typical_depth(donor), SETTINGS.power) or 0.0
            tables = [
                find_deletions(sample(rng, fasta, depth, sequence, DELETIONS, limit), donor, SETTINGS)
                for _ in range(draws)
            ]
            for one in DELETIONS:
                setting = f"{one[1]:,} bases in the printed limit, depth {depth}"
                yield from _rows_of_deletions(tables, one, limit, limit, setting)
            tables = [find_deletions(aligned(rng, fasta, depth, [(sequence, 1.0)]), donor, SETTINGS)]
            yield from _rows_of_deletions(tables, DELETIONS[0], 0.0, limit, f"no deletion, depth {depth}")


def sample(
    rng: np.random.Generator,
    fasta: Path,
    depth: int,
    sequence: str,
    planted: Sequence[tuple[int, int]],
    fraction: float,
) -> MitochondrialReads:
    """Reads of a lot with each deletion in a fraction of its genomes; each shorter genome gives fewer."""
    short = [(sequence[:start] + sequence[start + size :], fraction) for start, size in planted]
    return aligned(rng, fasta, depth, [(sequence, 1 - fraction * len(planted)), *short])


def aligned(rng: np.random.Generator, fasta: Path, depth: int, genomes: list[tuple[str, float]]) -> MitochondrialReads:
    """Reads of circular genomes, each in a part of all, in pairs that bwa aligned. depth: that all would have at LENGTH."""
    fastq, bam = fasta.with_name("reads.fq"), fasta.with_name("reads.bam")
    with fastq.open("wb") as out:
        for part, (genome, fraction) in enumerate(genomes):
            number, around = (
                rng.poisson(depth * len(genome) * fraction / (2 * READ)),
                np.frombuffer((2 * genome).encode(), np.uint8),
            )
            for first in range(0, number, AT_ONCE):
                out.write(_pairs(rng, around, len(genome), min(AT_ONCE, number - first), f"{part}.{first}."))
    command = f"bwa mem -p -v 1 {fasta} {fastq} | samtools sort -o {bam} - && samtools index {bam}"
    subprocess.run(["bash", "-o", "pipefail", "-c", command], check=True, stderr=subprocess.DEVNULL)
    reads = read_mitochondria(bam, fasta, SETTINGS)
    assert reads is not None
    return reads


def _pairs(rng: np.random.Generator, around: np.ndarray, length: int, number: int, tag: str) -> bytes:
    """FASTQ of pairs of a circular genome, mates in turn, every second pair from the other strand. around: the genome twice."""
    starts, sizes = rng.integers(0, length, number), np.clip(rng.normal(300, 40, number), 120, 600).astype(int)
    left, right = (around[at[:, None] + np.arange(READ)] for at in (starts, starts + sizes - READ))
    right, turned = CODES[right][:, ::-1], (np.arange(number) % 2 == 1)[:, None]
    mates = np.stack([np.where(turned, right, left), np.where(turned, left, right)], axis=1)
    wrong = rng.random(mates.shape) < 0.002
    mates[wrong] = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, int(wrong.sum()))]
    quality = b"\n+\n" + b"I" * READ + b"\n"
    rows = mates.reshape(-1, READ)
    return b"".join(b"@%s%d\n%s%s" % (tag.encode(), n // 2, rows[n].tobytes(), quality) for n in range(2 * number))


def _rows_of_deletions(
    tables: list[pd.DataFrame], planted: tuple[int, int], fraction: float, limit: float | None, setting: str
) -> Iterator[Row]:
    """Rows of the lots of one setting."""
    draws = len(tables)
    if not fraction:
        for what, finding in (
            ("lots with a false deletion", ["same", "shift"]),
            ("lots with a false shift by a deletion", ["shift"]),
        ):
            false = sum(bool(table["finding"].isin(finding).any()) for table in tables)
            yield {"what": what, "setting": setting, "draws": draws, "limit": None, "share": false / draws}
        return
    near = (
        table["start"].sub(planted[0]).abs().le(NEAR) & table["size"].sub(planted[1]).abs().le(NEAR) for table in tables
    )
    own = pd.concat([table[rows].head(1) for table, rows in zip(tables, near, strict=True)])
    own = own[own["finding"] != "artefact"]
    shifted, number = int(own["finding"].eq("shift").sum()), len(own)
    held = int((own["lot_low"].le(fraction) & own["lot_high"].ge(fraction)).sum())
    yield {"what": "deletion listed", "setting": setting, "draws": draws, "limit": limit, "share": number / draws}
    yield {
        "what": "deletion listed as a shift",
        "setting": setting,
        "draws": draws,
        "limit": None,
        "share": shifted / draws,
    }
    if number:
        yield {"what": "interval holds the fraction of the deletion", "setting": setting, "draws": number, "limit": None,
               "share": held / number}  # fmt: skip
        yield {"what": "mean fraction of the deletion", "setting": setting, "draws": number, "limit": None,
               "share": own["lot"].mean()}  # fmt: skip


def fragments(rng: np.random.Generator, genome: str, number: int, tag: str, error: float = 0.004) -> Iterator[str]:
    """FASTQ of fragments of a circular genome, as `plan.foreign` names reads that lie nowhere on the host."""
    around = genome + genome
    starts = rng.integers(0, len(genome), number)
    for n, (at, size) in enumerate(zip(starts, np.clip(rng.normal(300, 50, number), READ, 600), strict=True)):
        whole = around[at : at + int(size)]
        whole = whole.translate(COMPLEMENT)[::-1] if rng.random() < 0.5 else whole
        for mate, read in enumerate((whole[:READ], whole[-READ:].translate(COMPLEMENT)[::-1]), start=1):
            yield from fastq_of(f"{tag},{n},{mate},*,0,*", mutated(rng, read, error))


def fastq_of(name: str, read: str) -> Iterator[str]:
    yield f"@{name}\n{read}\n+\n{'I' * len(read)}\n"


def mutated(rng: np.random.Generator, bases: str, rate: float) -> str:
    letters = np.frombuffer(bases.encode(), np.uint8).copy()
    wrong = rng.random(len(letters)) < rate
    letters[wrong] = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, int(wrong.sum()))]
    return letters.tobytes().decode()


def random_bases(rng: np.random.Generator, length: int, gc: float = 0.5) -> str:
    return "".join(rng.choice(list("ACGT"), length, p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]))


def panel_of(rng: np.random.Generator, virus: str) -> list[PanelSequence]:
    """The virus, and sequences of the sizes and compositions of the shipped list, herpesviruses with telomeres and repeats."""
    held = [PanelSequence("HBV", "HBV", "virus", virus.encode())]
    for name, length, gc in (("HIV-1", 9181, 0.42), ("EBV", 171_823, 0.59), ("CMV", 235_646, 0.57), ("HHV-6", 162_114, 0.43),
                             ("HPV18", 7857, 0.4), ("mouse", 16_299, 0.37)):  # fmt: skip
        bases = random_bases(rng, length, gc)
        if length > 100_000:
            unit = random_bases(rng, 500, gc)
            bases = "TTAGGG" * 300 + bases[2000:-4000] + unit * 7 + "CCCTAA" * 80
        held.append(PanelSequence(name, name, "virus", bases.encode()))
    for n, length in enumerate((1_496_992, 680_000, 1_118_751, 665_445, 839_615, 710_000, 816_394)):
        held.append(PanelSequence(f"M{n}", f"M{n}", "mycoplasma", random_bases(rng, length, 0.28).encode()))
    return held


def hard_reads(rng: np.random.Generator, number: int, tag: str) -> Iterator[str]:
    """Reads of a clean human sample that fit no chromosome."""
    satellite, element = random_bases(rng, 171, 0.38), random_bases(rng, 300, 0.55)
    for n in range(number):
        kind = n % 6
        if kind == 0:
            read = mutated(rng, (random_bases(rng, int(rng.integers(1, 7))) * READ)[:READ], 0.03)
        elif kind == 1:
            read = mutated(rng, ("TTAGGG" * READ)[n % 6 :][:READ], 0.02)
        elif kind == 2:
            read = mutated(rng, (satellite * 3)[n % 171 :][:READ], 0.1)
        elif kind == 3:
            read = mutated(rng, (element + "A" * 60)[n % 250 :][:READ], 0.12)
        elif kind == 4:
            read = random_bases(rng, READ, float(rng.choice([0.05, 0.15, 0.85, 0.95])))
        else:
            read = random_bases(rng, READ, 0.41)
        yield from fastq_of(f"{tag},{n},1,*,0,*", read)


def mapped(reads: Iterator[str], panel: list[PanelSequence], folder: Path) -> Path:
    """PAF of reads against the panel."""
    fasta, out = folder / "panel.fa", folder / "hits.paf"
    fasta.write_text("".join(f">{one.name}\n{one.bases.decode()}\n" for one in panel))
    with out.open("w") as paf:
        command = MAP.format(panel=fasta)
        run = subprocess.Popen(command.split(), stdin=subprocess.PIPE, stdout=paf, stderr=subprocess.DEVNULL, text=True)
        assert run.stdin is not None
        run.stdin.writelines(reads)
        run.stdin.close()
        assert run.wait() == 0
    return out


def hits_of(paf: Path, panel: list[PanelSequence], samples: int) -> list[Hits]:
    """Of samples 0, 1 and so on."""
    with paf.open() as lines:
        return read_hits(lines, panel, [str(n) for n in range(samples)])


def foreign(rng: np.random.Generator, virus: str, draws: int) -> Iterator[Row]:
    """The virus at fixed copies per diploid genome, and at the printed limit, of the panel's strain and of one 5 % apart."""
    panel = panel_of(rng, virus)[:1]
    strain = mutated(rng, virus, 0.05 * 4 / 3)
    for coverage in (30, 100):
        density = coverage / 300
        each = len(virus) * density / 2
        limit = float(
            search([Searched("lot", "DNA", read_hits([], panel, [""])[0], density, 0.0)], panel, []).sequences["lod"][0]
        )
        for copies, genome, name in [
            *((c, virus, f"{c:g} copies per diploid genome") for c in (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)),
            (limit, virus, "at the limit"), (limit, strain, "at the limit, a strain 5 % apart"),
        ]:  # fmt: skip
            n_draws = draws * (AT_LIMIT if copies == limit else 1)
            number = rng.poisson(copies * each, n_draws)
            with tempfile.TemporaryDirectory() as folder:
                reads = (line for n, k in enumerate(number) for line in fragments(rng, genome, int(k), f"{n}"))
                paf = mapped(reads, panel, Path(folder))
                samples = [Searched("lot", "DNA", hits, density, 0.0) for hits in hits_of(paf, panel, n_draws)]
            found = search(samples, panel, []).sequences
            held = (found["copies_low"] <= copies) & (copies <= found["copies_high"])
            setting = f"HBV, {name}, {coverage}x"
            yield {"what": "foreign sequence found", "setting": setting, "draws": n_draws, "limit": limit,
                   "share": float((found["finding"] == "found").mean())}  # fmt: skip
            yield {"what": "interval holds the copies", "setting": setting, "draws": n_draws, "limit": None,
                   "share": float(held.mean())}  # fmt: skip


def clean(rng: np.random.Generator, virus: str, samples: int = 200, reads: int = 4_000) -> Iterator[Row]:
    """Found sequences, and any fragment that passes as one, in clean samples."""
    panel = panel_of(rng, virus)
    with tempfile.TemporaryDirectory() as folder:
        paf = mapped((line for n in range(samples) for line in hard_reads(rng, reads, f"{n}")), panel, Path(folder))
        held = [Searched("lot", "DNA", hits, 0.1, 0.0) for hits in hits_of(paf, panel, samples)]
    found = search(held, panel, []).sequences
    setting = f"{samples} samples of {reads:,} reads that fit no chromosome"
    for what, rows in (
        ("false sequences found", found["finding"] == "found"),
        ("false traces", found["finding"] == "trace"),
    ):
        yield {"what": what, "setting": setting, "draws": samples, "limit": None, "share": float(rows.sum()) / samples}


def parts(virus: str, sequence: str, draws: int, measured: set[str]) -> Iterator[tuple[str, Iterator[Row]]]:
    """Each part of the table, with random numbers of its own."""
    clean_rng, foreign_rng, own_rng = (np.random.default_rng([17, part]) for part in range(3))
    yield "clean", clean(clean_rng, virus)
    yield "foreign", foreign(foreign_rng, virus, draws)
    yield "heteroplasmy", heteroplasmy(own_rng, random_bases(own_rng, LENGTH, 0.44), max(draws // 50, 2))
    yield "deletions", deletions(np.random.default_rng([17, 3, len(measured)]), sequence, measured)


def bases_of(path: Path) -> str:
    return "".join(line.strip() for line in path.read_text().splitlines() if not line.startswith(">")).upper()


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("virus", type=Path)
    arguments.add_argument("mitochondrion", type=Path)
    arguments.add_argument("--draws", type=int, default=200)
    arguments.add_argument("--only", nargs="+", default=[])
    given = arguments.parse_args()
    rows = pd.read_csv(OUT, sep="\t").to_dict("records") if OUT.exists() else []
    measured = {str(row["setting"]) for row in rows if row["part"] == "deletions"}
    for name, part in parts(bases_of(given.virus), bases_of(given.mitochondrion), given.draws, measured):
        if given.only and name not in given.only:
            continue
        print(name, flush=True)
        rows = [row for row in rows if row["part"] != name or name == "deletions"]
        for row in part:
            rows.append({"part": name, **row})
            pd.DataFrame(rows).to_csv(OUT, sep="\t", index=False, float_format="%.4g", lineterminator="\n")


if __name__ == "__main__":
    main()
