"""Sensitivity, false calls, cost: karyolot beside CNVkit, DNAcopy, hmmlearn, an oracle and the published rule.

    uv pip install -r requirements.lock cnvkit hmmlearn        (a venv of its own; R with DNAcopy: r-bioc-dnacopy)
    python benchmarks/copy_number.py [--quick]                 (two hours on two idle cores with --jobs 2; --quick: minutes)

--resume keeps the cells the table in --out already holds (the committed one: every null genome, and the thinnest mosaics at
0.1x) and does the others. It writes benchmarks/copy_number.tsv, copy_number_cost.tsv and copy_number.png there. A method that
is not installed is left out, and said. Every lot is simulated from a seed made of its cell, over GRCh38's chromosome lengths and
cytobands: Poisson fragments (2 x 150 bases, 90 % usable); Ornstein-Uhlenbeck waves of 50 kb, 300 kb and 2 Mb shared by
neighbours (sd 0.012, 0.009, 0.007 of the ln ratio: set by eye towards two real tumour/normal pairs); a GC bias of its own
for each library; a replication-timing wave of 5 % in every lot, correlated with GC (0.65) as in real cells; GC-rich ends of
1p, 9q, 16p, 17q, 19p, 20q. One genome carries 12 changes of one share of cells, two of each size, each on an arm of its own.

Peers get karyolot's corrected ratios, so that segmentation and calling are compared and not the correction: this favours
them, as none corrects for timing. Each is asked twice: by its own or usual limits, and with |z| >= 4 from the spread inside
its segment and |log2| >= 0.02. The oracle knows where the changes are and tests each mean with karyolot's error and limits:
what no segmentation can beat except by luck. A change is found when calls of its direction cover half of it; a call is false
when less than half of it is a change.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from karyolot.contracts.cells import fraction_interval, fraction_of_cells
from karyolot.contracts.copy_number import Comparison
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.bins import expected_copies
from karyolot.dna.calls import call_changes
from karyolot.dna.limits import known_regions, limits_of_detection
from karyolot.dna.noise import standard_error
from karyolot.dna.plants import verify
from karyolot.dna.ratio import compare
from karyolot.dna.segments import Segmented, against_donor, segment
from karyolot.dna.thresholds import segment_threshold
from planted import ATLAS, Event, correlated_waves, genome

HERE = Path(__file__).resolve().parent
SETTINGS = CopyNumber()
BIN = 50_000
FRAGMENTS_PER_BIN = BIN / 300 * 0.9
"""Of a diploid bin at a depth of 1."""
DEPTHS = ((0.1, 0.1), (1.0, 1.0), (30.0, 30.0), (5.0, 5.0), (5.0, 1.0), (30.0, 5.0))
"""Lot, donor."""
SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
SIZES_MB = (1, 2, 5, 10, 20)
EACH = 2
"""Changes of each size in one genome, 6 % of it in all: more of them, below the limit, would count as noise. With GENOMES
of them a cell of the table holds 200."""
GENOMES = 100
PEER_GENOMES = {"DNAcopy": 10, "CNVkit cbs": 1, "CNVkit haar": 1, "CNVkit hmm-germline": 1, "hmmlearn": 100}
"""Genomes a cell of the peers holds; CNVkit takes a minute a genome."""
PEER_DEPTHS = ((1.0, 1.0), (30.0, 30.0))
UNEQUAL_SHARES = (0.1, 0.2, 0.5)
PEER_SHARES = dict.fromkeys(("CNVkit cbs", "CNVkit haar", "CNVkit hmm-germline"), (0.0, 0.2, 1.0))
OWN_LIMIT = "karyolot at its own limit"
NULLS = 30
WAVES = ((50_000, 0.012), (300_000, 0.009), (2_000_000, 0.007))
RT_WAVE = 0.05
GC_RICH_ENDS = {"chr1": "start", "chr9": "end", "chr16": "start", "chr17": "end", "chr19": "start", "chr20": "end"}
SMALL_ARMS = (
    "chr5p",
    "chr8p",
    "chr10p",
    "chr12p",
    "chr16q",
    "chr17q",
    "chr18q",
    "chr19q",
    "chr20p",
    "chr20q",
    "chr21q",
)
Z, EFFECT = 4.0, 0.02
CNVKIT_GAIN, CNVKIT_LOSS = 0.2, -0.25
"""`cnvkit.py call`'s limits for a log2 of one copy in most cells."""


class Lot(NamedTuple):
    """A simulated lot: counts, truth (chrom, start, end, type, size), sex."""

    lot: pd.DataFrame
    donor: pd.DataFrame
    truth: pd.DataFrame
    sex: str


@cache
def grid() -> pd.DataFrame:
    """Bins of GRCh38 with GC and timing; GC rises by 0.14 over the last 5 Mb of the ends known for it."""
    bins = genome(BIN)
    gc = bins["gc"].to_numpy().copy()
    for chrom, end in GC_RICH_ENDS.items():
        own = (bins["chrom"] == chrom).to_numpy()
        last = bins.loc[own, "end"].max()
        distance = bins["end"] if end == "start" else last - bins["start"]
        near = own & (distance <= 5_000_000).to_numpy()
        gc[near] += 0.14 * (1 - distance[near] / 5_000_000 / 2)
    return bins.assign(gc=np.clip(gc, 0.3, 0.68))


def simulate(
    shares: Mapping[str, float], depths: tuple[float, float], seed: int, losses: Mapping[str, float] | None = None
) -> Lot:
    """A lot with changes of each size in that share of its cells; none of a size that is not named. losses: shares of its
    losses, where they are others."""
    marks = [round(1000 * share) for share in shares.values()]
    generator = np.random.default_rng([seed, *marks, *(round(d * 10) for d in depths)])
    sex = "FM"[seed % 2]
    events = [event for event in _events(generator) if _size(event) in shares]
    bins = grid()
    timing = bins["replication_timing"].to_numpy()
    gc = (bins["gc"].to_numpy() - 0.41) / 0.05
    counts = []
    for who, depth in (("lot", depths[0]), ("donor", depths[1])):
        copies = expected_copies(bins["region"], sex).astype(float)
        if who == "lot":
            for event in events:
                inside = (bins["chrom"] == event.chrom) & (bins["start"] >= event.start) & (bins["end"] <= event.end)
                copies[inside] += event.copies * (shares if event.copies > 0 else losses or shares)[_size(event)]
        shape = generator.normal(0, 0.03) * gc - abs(generator.normal(0, 0.01)) * gc**2
        if who == "lot":
            shape = shape + RT_WAVE * timing + _waves(generator, bins)
        sizes = (bins["end"] - bins["start"]) * (1 - bins["gap"])
        mean = FRAGMENTS_PER_BIN * depth * copies / 2 * sizes / BIN * np.exp(shape)
        counts.append(bins[["chrom", "start", "end"]].assign(count=generator.poisson(np.maximum(mean, 0))))
    truth = pd.DataFrame(
        [(e.chrom, e.start, e.end, "gain" if e.copies > 0 else "loss", _size(e)) for e in events],
        columns=["chrom", "start", "end", "type", "size"],
    )
    return Lot(*counts, truth, sex)


def _waves(generator: np.random.Generator, bins: pd.DataFrame) -> np.ndarray:
    parts = [(length / BIN, sd) for length, sd in WAVES]
    return np.concatenate(
        [correlated_waves(generator, len(part), parts) for _, part in bins.groupby("chrom", sort=False)]
    )


@cache
def arms() -> pd.DataFrame:
    """name, chrom, start, end of the autosomal arms, without the centromeric gap."""
    bins = grid()
    used = bins[(bins["gap"] < 0.25) & (bins["region"] == "autosome")]
    found = used.groupby("arm", sort=False).agg(chrom=("chrom", "first"), start=("start", "min"), end=("end", "max"))
    return found[found["end"] - found["start"] > 15_000_000].reset_index(names="name")


def _events(generator: np.random.Generator) -> list[Event]:
    """EACH whole arms, and EACH changes of every size on other arms; half gains, half losses."""
    table = arms().set_index("name")
    whole = list(generator.choice([name for name in SMALL_ARMS if name in table.index], EACH, replace=False))
    rest = [name for name in generator.permutation(table.index) if name not in whole]
    rest.sort(key=lambda name: -(table.loc[name, "end"] - table.loc[name, "start"]) * generator.uniform(0.7, 1.3))
    events = [
        Event(table.loc[name, "chrom"], table.loc[name, "start"], table.loc[name, "end"], (-1) ** i)
        for i, name in enumerate(whole)
    ]
    for size in sorted(SIZES_MB, reverse=True):
        for i in range(EACH):
            name = rest.pop(0)
            low, high = table.loc[name, "start"], table.loc[name, "end"] - size * 1_000_000
            start = int(generator.integers(low // BIN, max(high, low + BIN) // BIN)) * BIN
            events.append(Event(table.loc[name, "chrom"], start, start + size * 1_000_000, (-1) ** i))
    return events


def _size(event: Event) -> str:
    size = (event.end - event.start) // 1_000_000
    return str(size) if size in SIZES_MB and (event.end - event.start) % 1_000_000 == 0 else "arm"


Calls = pd.DataFrame
"""chrom, start, end, type, fraction; fraction_low, fraction_high where the method has them."""


class Analysed(NamedTuple):
    ratios: pd.DataFrame
    segmented: Segmented
    comparison: Comparison


def analysed(lot: Lot, bins: pd.DataFrame | None = None) -> Analysed:
    ratios, facts = compare(grid() if bins is None else bins, lot.lot, lot.donor, lot.sex, SETTINGS)
    return Analysed(ratios, segment(ratios, SETTINGS), facts)


def karyolot(found: Analysed) -> Calls:
    noises = found.segmented.noise, found.segmented.donor_noise
    known = known_regions(found.ratios, noises[0], SETTINGS, ATLAS)
    return call_changes(found.ratios, found.segmented.segments, known, *noises, SETTINGS, ATLAS, found.comparison)


def published(found: Analysed) -> Calls:
    segments = found.segmented.segments
    segments = segments[(segments["published_rule"] != "none") & (segments["bins"] >= SETTINGS.min_bins)]
    return _as_calls(segments, segments["published_rule"], segments["mean"])


def oracle(found: Analysed, truth: pd.DataFrame) -> Calls:
    """Means at the true ends, by karyolot's error and limits."""
    table = found.ratios[found.ratios["mask"].isna()].reset_index(drop=True)
    values, weights = against_donor(table)
    threshold = segment_threshold(len(table), SETTINGS.family_wise_error)
    rows = []
    for event in truth.itertuples():
        inside = np.flatnonzero(_inside(table, event))
        if len(inside) < SETTINGS.min_bins:
            continue
        mean = float(np.average(values[inside], weights=weights[inside]))
        se = float(standard_error(found.segmented.noise, weights[inside].sum(), len(inside)))
        if abs(mean) >= max(threshold * se, SETTINGS.min_log2):
            low, high = fraction_interval(mean - 1.96 * se, mean + 1.96 * se, 2)
            rows.append((event.chrom, event.start, event.end, "gain" if mean > 0 else "loss",
                         float(fraction_of_cells(mean, 2)), float(low), float(high)))  # fmt: skip
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "type", "fraction", "fraction_low", "fraction_high"])


def _inside(table: pd.DataFrame, event: object) -> pd.Series:
    middle = (table["start"] + table["end"]) // 2
    return (table["chrom"] == event.chrom) & (middle >= event.start) & (middle < event.end)


def _as_calls(segments: pd.DataFrame, types: pd.Series, means: pd.Series) -> Calls:
    fraction = fraction_of_cells(means, 2)
    return segments[["chrom", "start", "end"]].assign(type=types.to_numpy(), fraction=fraction)


def by_z(ratios: pd.DataFrame, segments: pd.DataFrame) -> Calls:
    """Segments (chrom, start, end) with |z| >= Z from their own spread and |mean| >= EFFECT."""
    return _by(ratios, segments, lambda mean, se: abs(mean) >= max(Z * se, EFFECT))


def by_cutoff(ratios: pd.DataFrame, segments: pd.DataFrame) -> Calls:
    return _by(ratios, segments, lambda mean, _: mean > CNVKIT_GAIN or mean < CNVKIT_LOSS)


def _by(ratios: pd.DataFrame, segments: pd.DataFrame, called: Callable[[float, float], bool]) -> Calls:
    used = ratios[ratios["mask"].isna()]
    rows = []
    for piece in segments.itertuples():
        part = used.loc[_inside(used, piece), "log2"]
        if len(part) < SETTINGS.min_bins:
            continue
        mean, se = float(part.mean()), float(part.std() / np.sqrt(len(part)))
        if called(mean, se):
            rows.append((piece.chrom, piece.start, piece.end, "gain" if mean > 0 else "loss",
                         float(fraction_of_cells(mean, 2))))  # fmt: skip
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "type", "fraction"])


DNACOPY = """
suppressMessages(library(DNAcopy)); files <- commandArgs(TRUE)
for (f in files) { set.seed(1); d <- read.delim(f)
  s <- segment(smooth.CNA(CNA(d$log2, d$arm, d$start, presorted=TRUE)), alpha=0.01, verbose=0)
  write.table(s$output, paste0(f, ".out"), sep="\\t", quote=FALSE, row.names=FALSE) }
"""


def dnacopy(all_ratios: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Segments of each lot by circular binary segmentation, alpha .01, per arm, in one R process."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "cbs.R")
        script.write_text(DNACOPY)
        files = [Path(folder, f"{i}.tsv") for i in range(len(all_ratios))]
        for file, ratios in zip(files, all_ratios, strict=True):
            ratios[ratios["mask"].isna()].to_csv(file, sep="\t", index=False)
        subprocess.run(["Rscript", script, *files], check=True, stdout=subprocess.DEVNULL)
        results = []
        for file, ratios in zip(files, all_ratios, strict=True):
            table = pd.read_csv(f"{file}.out", sep="\t")
            chroms = ratios.drop_duplicates("arm").set_index("arm")["chrom"]
            width = int((ratios["end"] - ratios["start"]).max())
            results.append(
                pd.DataFrame(
                    {"chrom": table["chrom"].map(chroms), "start": table["loc.start"], "end": table["loc.end"] + width}
                )
            )
        return results


def hmm(ratios: pd.DataFrame) -> pd.DataFrame:
    """Viterbi path of a Gaussian HMM with fixed means at 0 and one copy in 10, 20, 30, 50, 100 % of the cells."""
    from hmmlearn.hmm import GaussianHMM

    used = ratios[ratios["mask"].isna()]
    shares = np.array([0.1, 0.2, 0.3, 0.5, 1.0])
    means = np.concatenate([[0.0], np.log2(1 + shares / 2), np.log2(1 - shares / 2)])
    model = GaussianHMM(len(means), "spherical", init_params="", params="")
    model.startprob_ = np.full(len(means), 1 / len(means))
    model.transmat_ = np.full((len(means), len(means)), 1e-4 / (len(means) - 1)) + np.eye(len(means)) * (
        1 - 1e-4 - 1e-4 / (len(means) - 1)
    )
    model.means_ = means[:, None]
    steps = used["log2"].diff()
    model.covars_ = np.full(len(means), max((1.4826 * steps.abs().median()) ** 2 / 2, 1e-6))
    rows = []
    for _, arm in used.groupby("arm", sort=False):
        states = model.predict(arm[["log2"]].to_numpy())
        for _, run in arm.groupby((np.diff(states, prepend=states[0]) != 0).cumsum()):
            rows.append((run["chrom"].iloc[0], run["start"].iloc[0], run["end"].iloc[-1]))
    return pd.DataFrame(rows, columns=["chrom", "start", "end"])


def cnvkit(method: str) -> Callable[[Sequence[pd.DataFrame]], list[pd.DataFrame]]:
    def one(ratios: pd.DataFrame) -> pd.DataFrame:
        from cnvlib.cnary import CopyNumArray
        from cnvlib.segmentation import do_segmentation

        used = ratios[ratios["mask"].isna()]
        weight = used["variance"].min() / used["variance"]
        table = pd.DataFrame(
            {
                "chromosome": used["chrom"], "start": used["start"], "end": used["end"], "gene": "-",
                "log2": used["log2"], "depth": np.exp2(used["lot_log2"]), "weight": weight,
            }
        ).reset_index(drop=True)  # fmt: skip
        found = do_segmentation(CopyNumArray(table), method)
        return found.data.rename(columns={"chromosome": "chrom"})[["chrom", "start", "end"]]

    return lambda tables: [one(table) for table in tables]


def available() -> dict[str, Callable[[Sequence[pd.DataFrame]], list[pd.DataFrame]]]:
    """Peer -> segments of many lots. What is missing is said once."""
    peers: dict[str, Callable[[Sequence[pd.DataFrame]], list[pd.DataFrame]]] = {}
    has_r = shutil.which("Rscript") is not None
    if has_r:
        peers["DNAcopy"] = dnacopy
    try:
        import hmmlearn  # noqa: F401

        peers["hmmlearn"] = lambda tables: [hmm(table) for table in tables]
    except ImportError:
        pass
    try:
        import cnvlib  # noqa: F401

        for name in ("cbs", "haar", "hmm-germline"):
            if name != "cbs" or has_r:
                peers[f"CNVkit {name}"] = cnvkit(name)
    except ImportError:
        pass
    for name in PEER_GENOMES:
        if name not in peers:
            print(f"{name}: not installed, left out", file=sys.stderr)
    return peers


class Tally:
    """What a method made of the lots of one cell."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []
        self.false, self.genomes = 0, 0

    def add(self, calls: Calls, truth: pd.DataFrame, shares: Mapping[str, float]) -> None:
        self.genomes += 1
        own = calls.to_dict("records")
        for call in own:
            covered = sum(_overlap(call, e) for e in truth.to_dict("records") if e["type"] == call["type"])
            self.false += covered < 0.5 * (call["end"] - call["start"])
        for event in truth.to_dict("records"):
            same = [c for c in own if c["type"] == event["type"] and _overlap(c, event)]
            found = sum(_overlap(c, event) for c in same) >= 0.5 * (event["end"] - event["start"])
            row: dict[str, object] = {"size": event["size"], "found": found}
            if found:
                best = max(same, key=lambda c: _overlap(c, event))
                row["error"] = abs(best["fraction"] - shares[event["size"]])
                if "fraction_low" in best:
                    row["covered"] = best["fraction_low"] <= shares[event["size"]] <= best["fraction_high"]
            self.rows.append(row)


def _overlap(a: dict, b: dict) -> int:
    return max(0, min(a["end"], b["end"]) - max(a["start"], b["start"])) if a["chrom"] == b["chrom"] else 0


def run_cell(task: tuple[float, tuple[float, float], int, bool]) -> list[dict[str, object]]:
    """All methods on the lots of one share of cells and one pair of depths."""
    share, depths, genomes, quick = task
    peers = available()
    shares = dict.fromkeys((*map(str, SIZES_MB), "arm"), share) if share else {}
    tallies: dict[str, Tally] = {}
    kept: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    most = max([0, *(PEER_GENOMES[name] for name in peers)])
    for seed in range(genomes):
        lot = simulate(shares, depths, seed)
        found = analysed(lot)
        results = {"karyolot": karyolot(found), "published rule": published(found), "oracle": oracle(found, lot.truth)}
        for name, calls in results.items():
            tallies.setdefault(name, Tally()).add(calls, lot.truth, shares)
        if seed < most:
            kept.append((found.ratios, lot.truth))
    for name, segments_of in peers.items():
        few = max(1, min(PEER_GENOMES[name] // (10 if quick else 1), genomes))
        if name in PEER_SHARES and (share not in PEER_SHARES[name] or depths not in PEER_DEPTHS):
            continue
        some = kept[:few]
        for (ratios, truth), segments in zip(some, segments_of([r for r, _ in some]), strict=True):
            tallies.setdefault(f"{name}, z", Tally()).add(by_z(ratios, segments), truth, shares)
            tallies.setdefault(f"{name}, cut-offs", Tally()).add(by_cutoff(ratios, segments), truth, shares)
    rows = []
    for name, tally in tallies.items():
        table = pd.DataFrame(tally.rows, columns=["size", "found", "error", "covered"])
        for size, part in table.groupby("size", sort=False) if len(table) else [("none", table)]:
            rows.append(
                {
                    "lot_depth": depths[0], "donor_depth": depths[1], "share": share, "size_mb": size, "method": name,
                    "plants": len(part), "sensitivity": part["found"].mean() if len(part) else np.nan,
                    "fraction_error": part["error"].astype(float).mean(),
                    "interval_coverage": part["covered"].dropna().astype(float).mean(),
                    "genomes": tally.genomes, "false_per_genome": tally.false / tally.genomes,
                }
            )  # fmt: skip
    return rows


def calibration(task: tuple[tuple[float, float], int]) -> list[dict[str, object]]:
    """Power of karyolot at its own printed limits of detection: other lots, with changes of each size in just that share,
    gains at the limit of gains and losses at that of losses; the share in the table is the mean of the two.
    """
    depths, genomes = task
    base = analysed(simulate({}, depths, 9_000))
    noise = base.segmented.noise
    predicted = known_regions(base.ratios, noise, SETTINGS, ATLAS), limits_of_detection(base.ratios, noise, SETTINGS)
    lod = verify(base.ratios, noise, *predicted, SETTINGS).lod
    lod["size"] = (lod["size_bp"] / 1e6).round().astype(int).astype(str)
    limits = lod.pivot_table(index="size", columns="type", values="fraction").dropna()
    gains, losses = limits["gain"].to_dict(), limits["loss"].to_dict()
    tally = Tally()
    for seed in range(genomes):
        lot = simulate(gains, depths, 9_001 + seed, losses)
        tally.add(karyolot(analysed(lot)), lot.truth, gains)
    table = pd.DataFrame(tally.rows)
    return [
        {
            "lot_depth": depths[0], "donor_depth": depths[1], "share": limits.loc[str(size)].mean(), "size_mb": size,
            "method": OWN_LIMIT, "plants": len(part), "sensitivity": part["found"].mean(),
            "genomes": genomes, "false_per_genome": tally.false / tally.genomes,
        }
        for size, part in table.groupby("size", sort=False)
    ]  # fmt: skip


def cost() -> list[dict[str, object]]:
    """CPU seconds and peak memory of each method on one lot at 30x, each in a process of its own: 60,000 bins, and karyolot
    from counts of 1 kb too, which it adds up to bins of 50 kb itself."""
    lot = simulate(dict.fromkeys((*map(str, SIZES_MB), "arm"), 0.3), (30.0, 30.0), 1)
    ratios = analysed(lot).ratios
    jobs: dict[str, tuple[int, Callable[[], object]]] = {
        "nothing": (0, lambda: None),
        "karyolot, counts to calls": (len(ratios), lambda: karyolot(analysed(lot))),
    }
    for name, segments_of in available().items():
        jobs[f"{name}, segments only"] = (len(ratios), lambda run=segments_of: run([ratios]))
    rows = [_measured(name, bins, job) for name, (bins, job) in jobs.items()]
    # Made after the others, whose processes would hold it too.
    fine = genome(1_000)
    counts = np.random.default_rng(1).poisson(FRAGMENTS_PER_BIN * 30 / 50 * (1 - fine["gap"]), (2, len(fine)))
    null = Lot(*(fine[["chrom", "start", "end"]].assign(count=own) for own in counts), lot.truth, "F")
    rows.append(_measured("karyolot, counts of 1 kb to calls", len(fine), lambda: karyolot(analysed(null, fine))))
    return rows


def _measured(name: str, bins: int, job: Callable[[], object]) -> dict[str, object]:
    context = get_context("fork")
    receive, send = context.Pipe(duplex=False)

    def measured() -> None:
        start = process_time()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        job()
        own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        cpu = process_time() - start + children.ru_utime + children.ru_stime
        send.send((cpu, max(own.ru_maxrss, children.ru_maxrss) / 1e3, before / 1e3))

    process = context.Process(target=measured)
    process.start()
    cpu, peak, before = receive.recv()
    process.join()
    return {
        "method": name, "bins": bins, "cpu_s": round(cpu, 2), "peak_mb": round(peak), "mb_before": round(before),
    }  # fmt: skip


def figure(table: pd.DataFrame, path: Path) -> None:
    """Sensitivity by share of cells, one panel a size and depth; beside it false calls of each method in null genomes."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    depths = sorted(d for d in DEPTHS if d[0] == d[1])
    null = table[table["share"] == 0].set_index(["lot_depth", "donor_depth", "method"])["false_per_genome"]
    sizes = [*map(str, SIZES_MB), "arm"]
    style = {
        "oracle": ("#999999", "--"), "karyolot": ("#0b6e4f", "-"), "DNAcopy, z": ("#c8553d", "-"),
        "hmmlearn, z": ("#8e6c8a", "-"), "CNVkit cbs, cut-offs": ("#3d7dca", "-"), "published rule": ("#222222", ":"),
    }  # fmt: skip
    drawing, axes = plt.subplots(len(depths), len(sizes), figsize=(15, 8), sharex=True, sharey=True)
    for row, depth in zip(axes, depths, strict=True):
        for panel, size in zip(row, sizes, strict=True):
            part = table[
                (table["lot_depth"] == depth[0]) & (table["donor_depth"] == depth[1]) & (table["size_mb"] == size)
            ]
            for method, (colour, line) in style.items():
                own = part[part["method"] == method].sort_values("share")
                panel.plot(
                    100 * own["share"], 100 * own["sensitivity"], line, color=colour, label=method, marker=".", lw=1.5
                )
            panel.set_title(f"{size} Mb, {depth[0]:g}x" if size != "arm" else f"whole arm, {depth[0]:g}x", fontsize=9)
            panel.set_xscale("log")
            panel.set_xticks([5, 10, 20, 50, 100], ["5", "10", "20", "50", "100"])
            panel.minorticks_off()
        row[-1].text(1.08, 0.98, "false calls in\na null genome", transform=row[-1].transAxes, va="top", fontsize=8)
        for line, (method, (colour, _)) in enumerate(style.items()):
            false = null.get((*depth, method), np.nan)
            shown = "not run" if np.isnan(false) else f"{false:.2g}" if false < 100 else f"{false:.0f}"
            row[-1].text(
                1.08, 0.68 - 0.13 * line, f"{method}: {shown}", transform=row[-1].transAxes, color=colour, fontsize=8
            )
    drawing.supxlabel("cells that carry the change, %")
    drawing.supylabel("changes found, %", x=0.004)
    drawing.legend(*axes[0, 0].get_legend_handles_labels(), loc="upper center", ncol=6, frameon=False)
    drawing.tight_layout(rect=(0, 0, 1, 0.96))
    drawing.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the plants")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="keep what the table in --out already holds")
    parser.add_argument("--out", type=Path, default=HERE)
    given = parser.parse_args()
    genomes, nulls = (5, 10) if given.quick else (GENOMES, NULLS)
    tasks = [(0.0, depth, nulls, given.quick) for depth in DEPTHS]
    for d in DEPTHS:
        tasks += [(share, d, genomes, given.quick) for share in SHARES if d[0] == d[1] or share in UNEQUAL_SHARES]
    limits = [(d, genomes) for d in DEPTHS if d[0] == d[1]]
    rows: list[dict[str, object]] = []
    if given.resume:
        old = pd.read_csv(given.out / "copy_number.tsv", sep="\t", dtype={"size_mb": str})
        rows = old.to_dict("records")
        known = old["method"] == OWN_LIMIT
        done = set(old.loc[~known, ["share", "lot_depth", "donor_depth"]].itertuples(index=False, name=None))
        tasks = [task for task in tasks if (task[0], *task[1]) not in done]
        limits = [task for task in limits if task[0][0] not in set(old.loc[known, "lot_depth"])]
    with get_context("spawn").Pool(given.jobs, maxtasksperchild=4) as pool:
        for number, part in enumerate(pool.imap_unordered(run_cell, tasks), 1):
            rows += part
            print(f"{number} of {len(tasks)} cells", file=sys.stderr, flush=True)
            write(rows, given.out)
        for part in pool.imap_unordered(calibration, limits):
            rows += part
            write(rows, given.out)
    pd.DataFrame(cost()).to_csv(given.out / "copy_number_cost.tsv", sep="\t", index=False)
    print(json.dumps(summary(pd.DataFrame(rows)), indent=1))


def write(rows: list[dict[str, object]], out: Path) -> None:
    table = pd.DataFrame(rows)
    order = {size: i for i, size in enumerate([*map(str, SIZES_MB), "arm", "none"])}
    table = table.sort_values(
        ["lot_depth", "donor_depth", "share", "size_mb", "method"],
        key=lambda c: c.map(order) if c.name == "size_mb" else c,
    )
    table.to_csv(out / "copy_number.tsv", sep="\t", index=False, float_format="%.4g")
    figure(table, out / "copy_number.png")


def summary(table: pd.DataFrame) -> dict[str, object]:
    """The goals, in one place."""
    own = table[(table["method"] == "karyolot") & (table["share"] > 0)]
    keys = ["lot_depth", "donor_depth", "share", "size_mb"]
    both = own.merge(table[table["method"] == "oracle"], on=keys, suffixes=("", "_oracle"))
    behind = (both["sensitivity_oracle"] - both["sensitivity"]).rename("behind")
    null = table[(table["share"] == 0) & (table["method"] == "karyolot")]
    sure = own[(own["sensitivity"] >= 0.95) & (own["lot_depth"] >= 1)]
    large = sure[sure["size_mb"].isin(["5", "10", "20", "arm"])]
    limit = table[table["method"] == OWN_LIMIT]
    return {
        "cells": len(both),
        "points behind the oracle, worst": round(100 * float(behind.max()), 1),
        "worst cell": both.loc[behind.idxmax(), keys].to_dict() if len(both) else None,
        "points behind the oracle, mean": round(100 * float(behind.mean()), 2),
        "false calls per null genome, by depth": dict(
            zip(
                null["lot_depth"].astype(str) + "/" + null["donor_depth"].astype(str),
                null["false_per_genome"],
                strict=True,
            )
        ),
        "peers with as few false calls": ahead(table),
        "mean |fraction error|, >= 5 Mb, >= 1x, points": round(100 * float(large["fraction_error"].mean()), 2),
        "worst cell |fraction error|": round(100 * float(large["fraction_error"].max()), 2),
        "interval coverage": round(100 * float(sure["interval_coverage"].mean()), 1),
        "power at the printed limit": {
            f"{r.lot_depth:g}/{r.donor_depth:g}x {r.size_mb} Mb": round(r.sensitivity, 3) for r in limit.itertuples()
        },
    }


def ahead(table: pd.DataFrame) -> dict[str, object]:
    """Cells in which a peer has no more false calls than karyolot, among changes and in null genomes (one call there is
    chance: 30 genomes); where it finds more, by how many standard errors of the difference."""
    keys = ["lot_depth", "donor_depth", "share", "size_mb"]
    known = table["method"].isin(["karyolot", "oracle", OWN_LIMIT])
    own = table[(table["method"] == "karyolot") & (table["share"] > 0)]
    both = table[~known & (table["share"] > 0)].merge(own, on=keys, suffixes=("", "_own"))
    null = table[table["share"] == 0].set_index(["lot_depth", "donor_depth", "method"])["false_per_genome"]
    theirs, ours = (
        null.reindex(pd.MultiIndex.from_frame(both[["lot_depth", "donor_depth"]].assign(method=method))).to_numpy()
        for method in (both["method"], "karyolot")
    )
    fair = both[(theirs <= np.maximum(ours, 1 / NULLS)) & (both["false_per_genome"] <= both["false_per_genome_own"])]
    more = fair["sensitivity"] - fair["sensitivity_own"]
    # (found + 1) / (plants + 2): a peer of two plants that found both is not sure to find all.
    rates = [
        (fair[f"sensitivity{who}"] * fair[f"plants{who}"] + 1) / (fair[f"plants{who}"] + 2) for who in ("", "_own")
    ]
    error = np.sqrt(sum(r * (1 - r) / fair[f"plants{who}"] for r, who in zip(rates, ("", "_own"), strict=True)))
    return {
        "cells": len(fair),
        "ahead": int((more > 0).sum()),
        "most, standard errors": round(float((more / error).max()), 2),
    }


if __name__ == "__main__":
    main()
