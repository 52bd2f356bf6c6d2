"""Are the limits of mitochondrial DNA and of foreign sequences kept, and does a clean lot show none of either?

    .venv/bin/python benchmarks/extranuclear.py HBV.fasta [DRAWS]      -> benchmarks/extranuclear.tsv

HBV.fasta: a genome of hepatitis B virus, such as X02763. Each row of the table is one setting: what was planted, in how many
draws, the printed limit, and the share of draws in which it was found, or held by its 95 % interval. Reads are drawn
here, by code that shares nothing with what is tested.

The last rows are the reads of 200 clean human samples that fit no chromosome: short tandem repeats of every unit up to six
bases, telomeres, satellites and interspersed repeats with mutations, AT- and GC-rich stretches, and random bases, against a
panel of the sizes and compositions of the shipped list (the virus is real, the others are drawn).
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from karyolot.contracts.foreign import Hits, PanelSequence, Searched
from karyolot.contracts.mitochondria import MitochondrialReads
from karyolot.contracts.settings import Mitochondria
from karyolot.dna.foreign import search
from karyolot.dna.heteroplasmy import comparable, compare, heteroplasmies, smallest_shift
from karyolot.io.foreign import read_hits
from karyolot.plan.foreign import MAP

OUT = Path(__file__).with_name("extranuclear.tsv")
SETTINGS = Mitochondria()
LENGTH, READ = 16_569, 100
COMPLEMENT = str.maketrans("ACGT", "TGCA")
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


def fragments(rng: np.random.Generator, genome: str, number: int, tag: str, error: float = 0.004) -> Iterator[str]:
    """FASTQ of fragments of a circular genome, as `plan.foreign` names reads that lie nowhere on the host."""
    around = genome + genome
    starts = rng.integers(0, len(genome), number)
    for n, (at, size) in enumerate(zip(starts, np.clip(rng.normal(300, 50, number), READ, 600), strict=True)):
        whole = around[at : at + int(size)]
        whole = whole.translate(COMPLEMENT)[::-1] if rng.random() < 0.5 else whole
        for mate, read in enumerate((whole[:READ], whole[-READ:].translate(COMPLEMENT)[::-1]), start=1):
            yield from fastq(f"{tag},{n},{mate},*,0,*", mutated(rng, read, error))


def fastq(name: str, read: str) -> Iterator[str]:
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
        yield from fastq(f"{tag},{n},1,*,0,*", read)


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
            number = rng.poisson(copies * each, draws)
            with tempfile.TemporaryDirectory() as folder:
                reads = (line for n, k in enumerate(number) for line in fragments(rng, genome, int(k), f"{n}"))
                paf = mapped(reads, panel, Path(folder))
                samples = [Searched("lot", "DNA", hits, density, 0.0) for hits in hits_of(paf, panel, draws)]
            found = search(samples, panel, []).sequences
            held = (found["copies_low"] <= copies) & (copies <= found["copies_high"])
            setting = f"HBV, {name}, {coverage}x"
            yield {"what": "foreign sequence found", "setting": setting, "draws": draws, "limit": limit,
                   "share": float((found["finding"] == "found").mean())}  # fmt: skip
            yield {"what": "interval holds the copies", "setting": setting, "draws": draws, "limit": None,
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


def parts(virus: str, draws: int) -> Iterator[tuple[str, Iterator[Row]]]:
    """Each part of the table, with random numbers of its own."""
    clean_rng, foreign_rng, own_rng = (np.random.default_rng([17, part]) for part in range(3))
    yield "clean", clean(clean_rng, virus)
    yield "foreign", foreign(foreign_rng, virus, draws)
    yield "heteroplasmy", heteroplasmy(own_rng, random_bases(own_rng, LENGTH, 0.44), max(draws // 50, 2))


def main() -> None:
    virus = "".join(
        line.strip() for line in Path(sys.argv[1]).read_text().splitlines() if not line.startswith(">")
    ).upper()
    rows: list[Row] = []
    for name, part in parts(virus, int(sys.argv[2]) if len(sys.argv) > 2 else 200):
        print(name, flush=True)
        rows += part
        pd.DataFrame(rows).to_csv(OUT, sep="\t", index=False, float_format="%.4g", lineterminator="\n")


if __name__ == "__main__":
    main()
