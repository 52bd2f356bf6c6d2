"""What copy-number calls are worth: measured on simulated lots with known truth, beside DNAcopy and hmmlearn.

    python benchmarks/copy_number.py [--resume] [--only QUESTION ...] [--lots N] [--seconds S]     (README.md: time, needs)

It writes benchmarks/copy_number.tsv, one row per measured value with its 95 % interval, and copy_number.png. --resume keeps the
lots the table already holds and adds those that are missing; --only measures these questions again and keeps the rest; --lots
multiplies the number of lots; --seconds stops after that much CPU time. Simulation: benchmarks/lots.py.

null         false calls per stable genome: with a matched timing track, one of other cells, none; women, men; 1x, 5x. Calls
             marked as an artefact go to a person and are counted apart.
rearranged   changes of 3 to 40 Mb, gains and losses, over 10 to 60 % of the genome; arms that alternate between loss, normal
             and gain. Sensitivity, false calls, and whether dna.neutral (criterion Q05c, at least 0.6) is on the right side.
power        changes at the limits that one lot prints (spiked-in verification included), in other lots of the same kind.
coverage     of the 95 % interval of the fraction of cells, and the error of that fraction, where all are found.
tetraploid   lots of 4n cells: the fraction stated for tetraploid cells against the truth.
cost         CPU time from counts to calls.
bins         how it grows with the number of bins, from 15,000 to 988,000 that are analysed as they are.

Peers segment karyolot's corrected ratios, so segmentation and calling are compared and not the correction; a segment counts when
|z| >= 4 from the spread inside it and |log2| >= 0.02. A change is found when calls of its direction cover half of it; a call is
false when less than half of it is a change of its direction.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
from scipy.stats import chi2

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lots import (
    ACROCENTRIC,
    FRAGMENTS_PER_BIN,
    SETTINGS,
    TRACKS,
    Analysed,
    Event,
    Lot,
    analysed,
    arms,
    genome,
    simulate,
)

from karyolot.contracts.cells import fraction_of_cells
from karyolot.contracts.normal import MAD_TO_SD
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.limits import limits_of_detection
from karyolot.dna.spike_ins import Verified, verify

HERE = Path(__file__).resolve().parent
SIZES_MB = (1, 2, 5, 10, 20)
ALTERED = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
STEPS_MB = (2, 5, 10, 20)
POWER_AT = ((1.0, "matched"), (1.0, "none"), (5.0, "r = 0.8"))
MOST_ALTERED = 0.07
"""Of the genome, in a lot of `power`: changes too small to be called count as noise of the others."""
EACH = 3
"""Lots of `power` with changes at the limits that one stable lot prints. Noise estimated on one lot deviates by 5 % from that of
others, and power with it: with 12 lots each, the power of two stable lots differed more than chance of the calls explains."""
AT_ONCE = 2
"""Lots between two writings of the table."""
FALSE = "false calls per genome"
MEANS = {
    "genome altered",
    "dna.neutral less the truth",
    "printed limit",
    "|fraction error|",
    "CPU s",
    "CPU over DNAcopy",
    "peak MB",
    "exponent",
    "exponent of the last step",
}
"""Measures without an interval."""
PEER_LOTS = 2
"""Stable lots that peers segment, in each cell of `null`."""
NEAR = 0.02
"""A truth this near to the limit of Q05c is on both sides of it."""
WIDTHS = (200_000, 50_000, 12_500, 3_125)
"""Of the bins of `bins`."""
MB = 1_000_000
Rows = list[dict[str, object]]
Cell = tuple[object, ...]


def interval(measure: str, n: int, value: float) -> dict[str, float]:
    """95 %: of a rate exact, by Poisson (Garwood 1936); of a proportion Wilson's (doi 10.1080/01621459.1927.10502953)."""
    if measure in MEANS:
        return {}
    if measure.endswith("per genome"):
        count = round(value * n)
        low = chi2.ppf(0.025, 2 * count) / 2 / n if count else 0.0
        return {"low": low, "high": chi2.ppf(0.975, 2 * count + 2) / 2 / n}
    z = 1.96
    middle, half = value + z**2 / 2 / n, z * np.sqrt(value * (1 - value) / n + z**2 / 4 / n**2)
    return {"low": (middle - half) / (1 + z**2 / n), "high": (middle + half) / (1 + z**2 / n)}


def over(values: Sequence[float], **of: object) -> Rows:
    """The row of a mean or proportion of these; none of nothing."""
    return [{**of, "n": len(values), "value": float(np.mean(values))}] if len(values) else []


def pooled(held: pd.DataFrame, rows: Rows) -> Rows:
    """Rows of more lots with those held: n and value are of all lots."""
    known = {tuple(key): (int(n), float(value)) for *key, n, value in held[[*KEYS, "n", "value"]].fillna("").to_numpy()}
    for row in rows:
        key = tuple(str(row.get(name, "")) for name in KEYS)
        n, value = known.get(key, (0, 0.0))
        total = n * value if row["measure"] in MEANS else round(n * value)  # the table has four digits
        more = int(row["n"])  # type: ignore[call-overload]
        known[key] = (n + more, (total + more * float(row["value"])) / (n + more))  # type: ignore[arg-type]
    return [
        {**dict(zip(KEYS, key, strict=True)), "n": n, "value": value, **interval(key[-1], n, value)}
        for key, (n, value) in known.items()
    ]


def overlap(calls: pd.DataFrame, event: Event) -> np.ndarray:
    """Bases of each call that are this change, in its direction."""
    same = (calls["chrom"] == event.chrom) & (calls["type"] == ("gain" if event.copies > 0 else "loss"))
    shared = np.minimum(calls["end"], event.end) - np.maximum(calls["start"], event.start)
    return np.where(same, np.maximum(shared, 0), 0)


def judged(calls: pd.DataFrame, events: Sequence[Event]) -> tuple[list[bool], int]:
    """Whether each change was found, and the number of false calls."""
    shared = np.array([overlap(calls, event) for event in events]).reshape(len(events), len(calls))
    found = [bool(own.sum() >= 0.5 * (e.end - e.start)) for own, e in zip(shared, events, strict=True)]
    return found, int((shared.sum(axis=0) < 0.5 * (calls["end"] - calls["start"])).sum())


def null(cell: Cell, seeds: Sequence[int]) -> Rows:
    depth, sex, track = float(cell[1]), str(cell[2]), str(cell[3])
    own, marked = [], []
    peers: dict[str, list[int]] = {name: [] for name in available()}
    for seed in seeds:
        found = analysed(simulate([], (depth, depth), 1_000 + seed, sex), track)
        marked.append(int((found.calls["artefact"] != "").sum()))
        own.append(len(found.calls) - marked[-1])
        if track == "matched" and seed < PEER_LOTS:
            for name, segments in available().items():
                peers[name].append(len(by_z(found.ratios, segments(found.ratios))))
    rows = over(own, method="karyolot", measure=FALSE) + over(
        marked, method="karyolot", measure="marked calls per genome"
    )
    return rows + [row for name, counts in peers.items() for row in over(counts, method=name, measure=FALSE)]


def scattered(altered: float, fraction: float, seed: int) -> list[Event]:
    """Changes of 3 to 40 Mb (log-uniform) that share arms with gaps, two thirds to one third, on arms drawn by chance until that
    much of all arms is changed."""
    generator = np.random.default_rng(seed)
    events: list[Event] = []
    left = altered * float((arms()["end"] - arms()["start"]).sum())
    for arm in arms().sample(frac=1, random_state=generator).itertuples():
        place = arm.start - generator.uniform(0, 10 * MB)
        while place < arm.end and left > 0:
            size = np.exp(generator.uniform(*np.log((3 * MB, 40 * MB))))
            start = place + size / 2 * generator.uniform(0.5, 1.5)
            place = start + size
            low, high = max(int(start), arm.start), min(int(place), arm.end)
            if high - low >= 3 * MB:
                events.append(Event(arm.chrom, low, high, int(generator.choice((-1, 1))), fraction))
                left -= high - low
    return events


def alternating(step_mb: float, fraction: float, seed: int) -> list[Event]:
    """Every arm in steps of loss, normal, gain, from a step drawn for each."""
    generator = np.random.default_rng(seed)
    events = []
    for arm in arms().itertuples():
        first = int(generator.integers(3))
        for i, start in enumerate(range(arm.start, arm.end, int(step_mb * MB))):
            if copies := (-1, 0, 1)[(i + first) % 3]:
                events.append(Event(arm.chrom, start, min(start + int(step_mb * MB), arm.end), copies, fraction))
    return events


def rearranged(cell: Cell, seeds: Sequence[int]) -> Rows:
    _, layout, amount, fraction = cell
    found: dict[str, list[bool]] = {}
    false: dict[str, list[int]] = {}
    right, truths, off = [], [], []
    make = scattered if layout == "scattered" else alternating
    for seed in (
        seeds if layout == "scattered" else [seed for seed in seeds if seed % 2 == 0]
    ):  # hundreds of changes in each
        events = make(float(amount), float(fraction), 2_000 + seed)
        own = analysed(simulate(events, (1.0, 1.0), 2_000 + seed))
        results = {"karyolot": own.calls}
        results |= {name: by_z(own.ratios, segments(own.ratios)) for name, segments in available().items()}
        for name, calls in results.items():
            hits, wrong = judged(calls, events)
            found.setdefault(name, []).extend(hits)
            false.setdefault(name, []).append(wrong)
        altered = _altered(own.ratios, events)
        neutral = own.comparison.neutral
        withheld = neutral is None or neutral < 0.6 or not own.segmented.noise.assessable
        truths.append(altered)
        off += [] if neutral is None else [neutral - 1 + altered]
        right.append(abs(altered - 0.4) <= NEAR or withheld == (altered > 0.4))
    rows: Rows = []
    for name, hits in found.items():
        rows += over(hits, method=name, measure="sensitivity") + over(false[name], method=name, measure=FALSE)
    for measure, values in (("Q05c right", right), ("genome altered", truths), ("dna.neutral less the truth", off)):
        rows += over(values, method="karyolot", measure=measure)
    return rows


def _altered(ratios: pd.DataFrame, events: Sequence[Event]) -> float:
    """Fraction of the used autosomal bins that a change covers."""
    used = ratios[ratios["mask"].isna() & (ratios["region"] == "autosome")]
    changed = np.zeros(len(used), dtype=bool)
    for event in events:
        changed |= inside(used, event.chrom, event.start, event.end)
    return float(changed.mean())


def inside(table: pd.DataFrame, chrom: str, start: int, end: int) -> np.ndarray:
    middle = (table["start"] + table["end"]) // 2
    return ((table["chrom"] == chrom) & (middle >= start) & (middle < end)).to_numpy()


def printed(found: Analysed, settings: CopyNumber = SETTINGS) -> Verified:
    """Limits as a run prints them."""
    noise = found.segmented.noise
    return verify(found.ratios, noise, found.arms, limits_of_detection(found.ratios, noise, settings), settings)


@cache
def limits_of_lot(depth: float, track: str, base: int) -> Verified:
    return printed(analysed(simulate([], (depth, depth), 3_000 + base), track))


def power(cell: Cell, seeds: Sequence[int]) -> Rows:
    depth, track = float(cell[1]), str(cell[2])
    found: dict[str, list[bool]] = {}
    limits: dict[str, list[float]] = {}
    for seed in seeds:
        generator = np.random.default_rng([3, round(10 * depth), seed])
        planned = at_limits(limits_of_lot(depth, track, seed // EACH), generator, whole=seed % 2 == 0)
        events = [event for _, event in planned]
        own = analysed(simulate(events, (depth, depth), 4_000 + seed), track)
        for (size, event), hit in zip(planned, judged(own.calls, events)[0], strict=True):
            found.setdefault(size, []).append(hit)
            limits.setdefault(size, []).append(event.fraction)
    rows: Rows = []
    for size, hits in found.items():
        rows += over(hits, size=size, method="karyolot", measure="power at the printed limit")
        rows += over(limits[size], size=size, method="karyolot", measure="printed limit")
    return rows


def at_limits(limit: Verified, generator: np.random.Generator, whole: bool) -> list[tuple[str, Event]]:
    """Changes at the limits of a lot, each on a chromosome of its own: a chromosome (`whole`) or two arms and a recurrent region,
    then each size on the arms that are left, until MOST_ALTERED; the genome is drawn anew for each lot."""
    places = limit.arms[~limit.arms["chrom"].isin(["chrX", "chrY"]) & ~limit.arms["name"].isin(ACROCENTRIC)]
    planned: list[tuple[str, Event]] = []
    left, taken = MOST_ALTERED * 2.9e9 - 2 * sum(SIZES_MB) * MB, set()

    def plan(size: str, chrom: str, start: int, end: int, limits: dict[str, float]) -> bool:
        type_ = str(generator.choice(("gain", "loss")))
        if chrom in taken or not limits[type_] <= 1:
            return False
        taken.add(chrom)
        planned.append((size, Event(chrom, start, end, 1 if type_ == "gain" else -1, limits[type_])))
        return True

    for scope in ("chromosome",) if whole else ("arm", "recurrent", "arm"):
        for row in places[places["scope"] == scope].sample(frac=1, random_state=generator).itertuples():
            limits = {"gain": row.lod_gain, "loss": row.lod_loss}
            if (whole or row.end - row.start <= left) and plan(scope, row.chrom, row.start, row.end, limits):
                left -= row.end - row.start
                break
    for size in sorted(SIZES_MB * 2, reverse=True) if left + sum(SIZES_MB) * MB > 0 else ():
        limits = limit.lod[limit.lod["size_bp"] == size * MB].set_index("type")["fraction"].to_dict()
        for arm in arms().sample(frac=1, random_state=generator).itertuples():
            if arm.end - arm.start > 1.2 * size * MB:
                start = int(generator.integers(arm.start, arm.end - size * MB))
                if plan(f"{size} Mb", arm.chrom, start, start + size * MB, limits):
                    break
    return planned


def coverage(cell: Cell, seeds: Sequence[int]) -> Rows:
    depth, fraction = float(cell[1]), float(cell[2])
    results: list[tuple[str, bool, float]] = []
    for seed in seeds:
        lot = (
            50_000 + round(1_000 * fraction) + seed
        )  # other lots and places in each cell: what timing leaves is of a place
        planned = of_classes(fraction, np.random.default_rng([lot, round(10 * depth)]))
        own = analysed(simulate([event for _, event in planned], (depth, depth), lot))
        for size, event in planned:
            shared = overlap(own.calls, event)
            if len(shared) and shared.max() >= 0.5 * (event.end - event.start):
                call = own.calls.iloc[int(shared.argmax())]
                holds = call["fraction_low"] <= fraction <= call["fraction_high"]
                results.append((size, bool(holds), abs(float(call["fraction"]) - fraction)))
    table = pd.DataFrame(results, columns=["size", "holds", "error"])
    rows: Rows = []
    for size, part in table.groupby("size"):
        rows += over(part["holds"].astype(float), size=size, method="karyolot", measure="interval holds the truth")
        rows += over(part["error"], size=size, method="karyolot", measure="|fraction error|")
    return rows


def of_classes(fraction: float, generator: np.random.Generator) -> list[tuple[str, Event]]:
    """Four arms of different chromosomes, and four changes of 5 and of 20 Mb on other arms, half of them gains."""
    table = arms().sample(frac=1, random_state=generator)
    lengths = table["end"] - table["start"]
    # Both arms of a chromosome changed alike are one change, and one interval.
    whole = table[lengths.between(15 * MB, 60 * MB)].drop_duplicates("chrom").iloc[:4]
    planned = [("arm", row.chrom, row.start, row.end) for row in whole.itertuples()]
    others = table.drop(whole.index)[lengths.drop(whole.index) > 25 * MB].itertuples()
    for size in (5, 20):
        for _ in range(4):
            arm = next(others)
            start = int(generator.integers(arm.start, arm.end - size * MB))
            planned.append((f"{size} Mb", arm.chrom, start, start + size * MB))
    return [
        (size, Event(chrom, start, end, (-1) ** i, fraction)) for i, (size, chrom, start, end) in enumerate(planned)
    ]


def tetraploid(cell: Cell, seeds: Sequence[int]) -> Rows:
    """All cells of the lot are 4n, and a fraction of them gained or lost one copy of an arm or of 20 Mb."""
    fraction = float(cell[1])
    errors, holds = [], []
    for seed in seeds:
        planned = [event for size, event in of_classes(fraction, np.random.default_rng([6, seed])) if size != "5 Mb"]
        own = analysed(simulate(planned, (1.0, 1.0), 6_000 + seed, base=4))
        for event in planned:
            shared = overlap(own.calls, event)
            if len(shared) and shared.max() >= 0.5 * (event.end - event.start):
                call = own.calls.iloc[int(shared.argmax())]
                errors.append(abs(float(call["tetraploid"]) - fraction))
                holds.append(float(call["tetraploid_low"] <= fraction <= call["tetraploid_high"]))
    rows = over(holds, method="karyolot", measure="interval holds the truth")
    return rows + over(errors, method="karyolot", measure="|fraction error|")


DNACOPY = """
suppressMessages(library(DNAcopy)); given <- commandArgs(TRUE)
set.seed(1); d <- read.delim(given[1])
s <- segment(smooth.CNA(CNA(d$log2, d$arm, d$start, presorted=TRUE)), alpha=0.01, verbose=0)
write.table(s$output, given[2], sep="\\t", quote=FALSE, row.names=FALSE)
"""


def dnacopy(ratios: pd.DataFrame) -> pd.DataFrame:
    """Segments by circular binary segmentation, alpha .01, per arm."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "in.tsv"), Path(folder, "out.tsv")
        ratios.loc[ratios["mask"].isna(), ["arm", "start", "log2"]].to_csv(given, sep="\t", index=False)
        subprocess.run(["Rscript", "-e", DNACOPY, given, made], check=True, stdout=subprocess.DEVNULL)
        table = pd.read_csv(made, sep="\t")
    chroms = ratios.drop_duplicates("arm").set_index("arm")["chrom"]
    width = int((ratios["end"] - ratios["start"]).max())
    return pd.DataFrame(
        {"chrom": table["chrom"].map(chroms), "start": table["loc.start"], "end": table["loc.end"] + width}
    )


def hmm(ratios: pd.DataFrame) -> pd.DataFrame:
    """Viterbi path of a Gaussian HMM with fixed means at 0 and one copy in 10, 20, 30, 50, 100 % of the cells."""
    from hmmlearn.hmm import GaussianHMM

    used = ratios[ratios["mask"].isna()]
    shares = np.array([0.1, 0.2, 0.3, 0.5, 1.0])
    means = np.concatenate([[0.0], np.log2(1 + shares / 2), np.log2(1 - shares / 2)])
    model = GaussianHMM(len(means), "spherical", init_params="", params="")
    model.startprob_ = np.full(len(means), 1 / len(means))
    leave = 1e-4 / (len(means) - 1)
    model.transmat_ = np.full((len(means), len(means)), leave) + np.eye(len(means)) * (1 - 1e-4 - leave)
    model.means_ = means[:, None]
    model.covars_ = np.full(len(means), max((MAD_TO_SD * used["log2"].diff().abs().median()) ** 2 / 2, 1e-6))
    rows = []
    for _, arm in used.groupby("arm", sort=False):
        states = model.predict(arm[["log2"]].to_numpy())
        for _, run in arm.groupby((np.diff(states, prepend=states[0]) != 0).cumsum()):
            rows.append((run["chrom"].iloc[0], run["start"].iloc[0], run["end"].iloc[-1]))
    return pd.DataFrame(rows, columns=["chrom", "start", "end"])


def available() -> dict[str, Callable[[pd.DataFrame], pd.DataFrame]]:
    """Segments of a lot by each peer that is installed."""
    peers = {}
    if shutil.which("Rscript") is not None:
        peers["DNAcopy"] = dnacopy
    if find_spec("hmmlearn") is not None:
        peers["hmmlearn"] = hmm
    return peers


def by_z(ratios: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    used = ratios[ratios["mask"].isna()]
    rows = []
    for piece in segments.itertuples():
        part = used.loc[inside(used, piece.chrom, piece.start, piece.end), "log2"]
        mean, se = float(part.mean()), float(part.std() / np.sqrt(max(len(part), 1)))
        if len(part) >= SETTINGS.min_bins and abs(mean) >= max(4.0 * se, 0.02):
            rows.append((piece.chrom, piece.start, piece.end, "gain" if mean > 0 else "loss",
                         float(fraction_of_cells(mean, 2))))  # fmt: skip
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "type", "fraction"])


def cost(_cell: Cell, _seeds: Sequence[int]) -> Rows:
    """CPU seconds and peak memory, each in a process of its own, and the time over DNAcopy's on 60,000 bins."""
    generator = np.random.default_rng(7)
    lot = simulate([event for _, event in of_classes(0.3, generator)], (30.0, 30.0), 1)
    ratios = analysed(lot).ratios
    bins = len(ratios)
    jobs: list[tuple[str, int, Callable[[], object]]] = [
        (f"{name}, segments only", bins, lambda run=segments: run(ratios)) for name, segments in available().items()
    ]
    jobs += [
        ("karyolot, counts to calls", bins, lambda: analysed(lot)),
        ("karyolot, with planting", bins, lambda: printed(analysed(lot))),
    ]
    measured = [(name, n, *_measured(job)) for name, n, job in jobs]
    fine = genome(1_000)
    counts = generator.poisson(FRAGMENTS_PER_BIN * 30 / 50 * (1 - fine["gap"]), (2, len(fine)))
    small = Lot(*(fine[["chrom", "start", "end"]].assign(count=own) for own in counts), "F")
    narrow = SETTINGS.model_copy(update={"analysis_bin_bp": 1_000})
    for name, settings in (("counts of 1 kb", SETTINGS), ("bins of 1 kb", narrow)):
        seconds, peak = _measured(lambda own=settings: printed(analysed(small, bins=fine, settings=own), own))
        measured.append((f"karyolot, with planting, {name}", len(fine), seconds, peak))
    peer = next((seconds for name, _, seconds, _ in measured if name.startswith("DNAcopy")), np.nan)
    return [
        {"size": f"{n} bins", "method": name, "measure": measure, "n": 1, "value": value}
        for name, n, seconds, peak in measured
        for measure, value in (("CPU s", seconds), ("CPU over DNAcopy", seconds / peer), ("peak MB", peak))
    ]


def scaling(_cell: Cell, _seeds: Sequence[int]) -> Rows:
    """CPU seconds of a stable genome at 30x by the number of its bins, with the exponent fitted over all of them, which a fixed
    part lowers, and that of the last step from one number to the next."""
    rows: Rows = []
    taken: dict[str, list[tuple[int, float]]] = {}
    for width in WIDTHS:
        bins, generator = genome(width), np.random.default_rng(7)
        counts = generator.poisson(FRAGMENTS_PER_BIN * 30 * width / 50_000 * (1 - bins["gap"]), (2, len(bins)))
        lot = Lot(*(bins[["chrom", "start", "end"]].assign(count=own) for own in counts), "F")
        settings = SETTINGS.model_copy(update={"analysis_bin_bp": width})
        jobs: dict[str, Callable[[], object]] = {
            "karyolot, counts to calls": lambda lot=lot, bins=bins, settings=settings: analysed(
                lot, bins=bins, settings=settings
            ),
            "karyolot, with planting": lambda lot=lot, bins=bins, settings=settings: printed(
                analysed(lot, bins=bins, settings=settings), settings
            ),
        }
        for method, job in jobs.items():
            seconds, peak = _measured(job)
            taken.setdefault(method, []).append((len(bins), seconds))
            of = {"size": f"{len(bins)} bins", "method": method}
            rows += [
                row
                for name, value in (("CPU s", seconds), ("peak MB", peak))
                for row in over([value], measure=name, **of)
            ]
    for method, points in taken.items():
        number, seconds = np.log(np.array(points)).T
        for name, last in (("exponent", 0), ("exponent of the last step", -2)):
            rows += over([np.polyfit(number[last:], seconds[last:], 1)[0]], measure=name, method=method)
    return rows


def _measured(job: Callable[[], object]) -> tuple[float, float]:
    """(CPU seconds of it and its children, peak memory in MB)."""
    context = get_context("fork")
    receive, send = context.Pipe(duplex=False)

    def measured() -> None:
        start = process_time()
        job()
        own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        cpu = process_time() - start + children.ru_utime + children.ru_stime
        send.send((cpu, max(own.ru_maxrss, children.ru_maxrss) / 1e3))

    process = context.Process(target=measured)
    process.start()
    result = receive.recv()
    process.join()
    return float(result[0]), float(result[1])


QUESTIONS: dict[str, tuple[Callable[[Cell, Sequence[int]], Rows], tuple[str, ...], list[Cell], int]] = {
    "rearranged": (
        rearranged,
        ("layout", "amount", "fraction"),
        [
            *(("rearranged", "scattered", a, f) for a, f in product(ALTERED, (0.2, 1.0))),
            *(("rearranged", "alternating, Mb", step, 0.3) for step in STEPS_MB),
        ],
        4,
    ),
    "power": (power, ("depth", "track"), [("power", *at) for at in POWER_AT], 72),
    "coverage": (coverage, ("depth", "fraction"), [("coverage", d, f) for d, f in product((5.0, 1.0), (0.4, 1.0))], 40),
    "null": (null, ("depth", "sex", "track"), [("null", *at) for at in product((5.0, 1.0), "FM", TRACKS)], 60),
    "cost": (cost, (), [("cost",)], 1),
    "bins": (scaling, (), [("bins",)], 1),
    "tetraploid": (tetraploid, ("fraction",), [("tetraploid", 0.5), ("tetraploid", 1.0)], 8),
}
"""Function, names of what varies, cells and lots in each."""
KEYS = ["size", "method", "measure"]
COLUMNS = ["question", "layout", "amount", "depth", "track", "sex", "fraction", *KEYS, "n", "value", "low", "high",
           "lots", "cpu_s"]  # fmt: skip


def measurements(table: pd.DataFrame, times: int, only: Sequence[str]) -> Iterator[pd.DataFrame]:
    """The table, after every few lots that it did not hold."""
    for name, (ask, varied, cells, lots) in ((name, QUESTIONS[name]) for name in only):
        for cell in cells:
            same = table["question"] == name
            for column, value in zip(varied, cell[1:], strict=True):
                number = isinstance(value, (int, float))
                same &= pd.to_numeric(table[column]) == value if number else table[column] == value
            done = int(table.loc[same, "lots"].max()) if same.any() else 0
            while done < lots * times:
                start = process_time() + _children()
                seeds = range(done, min(done + AT_ONCE, lots * times))
                held, done = table[same], seeds.stop
                rows = pooled(held, ask(cell, seeds))
                spent = process_time() + _children() - start + (held["cpu_s"].max() if len(held) else 0.0)
                facts = {
                    "question": name,
                    **dict(zip(varied, cell[1:], strict=True)),
                    "lots": done,
                    "cpu_s": round(spent, 1),
                }
                kept = table[~same].to_dict("records")
                table = pd.DataFrame([*kept, *(row | facts for row in rows)], columns=COLUMNS)
                same = pd.Series(np.arange(len(table)) >= len(kept), table.index)
                print(*cell, f"{done} lots, {spent:.0f} CPU s", file=sys.stderr, flush=True)
                yield table


def _children() -> float:
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime


def figure(table: pd.DataFrame, path: Path) -> None:
    """Sensitivity by the altered part of the genome, power at printed limits, coverage, false calls."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    drawing, panels = plt.subplots(1, 4, figsize=(16, 4.2))
    colours = {"karyolot": "#0b6e4f", "DNAcopy": "#c8553d", "hmmlearn": "#8e6c8a"}
    own = table[(table["layout"] == "scattered") & (table["measure"] == "sensitivity")]
    for (method, fraction), part in own.groupby(["method", "fraction"]):
        part = part.sort_values("amount")
        panels[0].plot(100 * part["amount"], 100 * part["value"], "-" if fraction == 1 else "--", marker=".",
                       color=colours[method], label=f"{method}, {fraction:.0%} of cells")  # fmt: skip
    panels[0].set(title="rearranged lots, 1x", xlabel="genome altered, %", ylabel="changes found, %", ylim=(0, 102))
    own = table[table["measure"] == "power at the printed limit"]
    _points(panels[1], own, "size", ["depth", "track"], "power at printed limits, %", 100)
    panels[1].axhspan(90, 99, color="#eeeeee", zorder=0)
    own = table[(table["question"] == "coverage") & (table["measure"] == "interval holds the truth")]
    _points(panels[2], own, "size", ["depth", "fraction"], "coverage of 95 % intervals, %", 100)
    panels[2].axhspan(93, 97, color="#eeeeee", zorder=0)
    own = table[(table["measure"] == "false calls per genome") & (table["question"] == "null")]
    own = own[own["method"] == "karyolot"]
    _points(panels[3], own, "track", ["depth", "sex"], "false calls in a stable genome", 1)
    panels[3].axhline(0.05, color="#999999", lw=1)
    for panel in panels:
        if panel.get_legend_handles_labels()[0]:
            panel.legend(fontsize=7, frameon=False)
    drawing.tight_layout()
    drawing.savefig(path, dpi=110)


def _points(panel, own: pd.DataFrame, along: str, by: list[str], title: str, times: float) -> None:
    places = {name: i for i, name in enumerate(dict.fromkeys(own[along]))}
    groups = list(own.groupby(by))
    for shift, (key, part) in zip(np.linspace(-0.3, 0.3, len(groups)), groups, strict=True):
        at = part[along].map(places).to_numpy(dtype=float) + shift
        errors = times * np.array([part["value"] - part["low"], part["high"] - part["value"]]).clip(0)
        label = ", ".join(f"{v:g}x" if n == "depth" else f"{v:.0%}" if n == "fraction" else v
                          for n, v in zip(by, key, strict=True))  # fmt: skip
        panel.errorbar(at, times * part["value"], errors, fmt=".", ms=8, lw=1, label=label)
    panel.set_xticks(range(len(places)), list(places), fontsize=8)
    panel.set_title(title)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resume", action="store_true", help="keep what the table in --out already holds")
    parser.add_argument("--only", nargs="+", choices=QUESTIONS, default=[], help="measure these again, keep the rest")
    parser.add_argument("--lots", type=int, default=1, help="times the usual number of lots")
    parser.add_argument("--seconds", type=float, default=np.inf, help="CPU time after which to stop")
    parser.add_argument("--out", type=Path, default=HERE)
    given = parser.parse_args()
    for name in {"DNAcopy", "hmmlearn"} - available().keys():
        print(f"{name}: not installed, left out", file=sys.stderr)
    path = given.out / "copy_number.tsv"
    keep = (given.resume or given.only) and path.exists()
    table = pd.read_csv(path, sep="\t", keep_default_na=False, na_values="") if keep else pd.DataFrame(columns=COLUMNS)
    if not given.resume:
        table = table[~table["question"].isin(given.only)]
    for grown in measurements(table, given.lots, given.only or list(QUESTIONS)):
        grown.to_csv(path, sep="\t", index=False, float_format="%.4g")
        table = grown
        if process_time() + _children() > given.seconds:
            break
    figure(table, given.out / "copy_number.png")
    print(f"{table.drop_duplicates(COLUMNS[:7])['cpu_s'].sum() / 60:.0f} CPU minutes", file=sys.stderr)


if __name__ == "__main__":
    main()
