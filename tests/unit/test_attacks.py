"""Attacks on the verdict, one a row: what is done to a bad lot, or to the papers of a good one, so that it should pass.

No row may end in PASS, but in 'weakened' where the headline states what is weaker. An outcome is that of the lot; a code
('E14') is that of the check, which refuses the study before it runs; 'refused' is an error of the step that reads what was
changed. Every row runs the functions of the rules.
"""

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import yaml
from anndata import AnnData

from karyolot.commands.freeze import freeze_panel
from karyolot.contracts.alleles import AlleleEvents, AlleleFacts
from karyolot.contracts.criteria import Acceptance, Criterion, Limit, Metric, Metrics, Weakened
from karyolot.contracts.expression import MarkerPanel
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.problems import Fault, InputProblems, KaryolotError
from karyolot.contracts.record import ImportedResult
from karyolot.contracts.settings import Config, CopyNumber, Identity
from karyolot.dna.allele_summary import allele_metrics
from karyolot.dna.alleles import compare_alleles
from karyolot.dna.contamination import identify
from karyolot.dna.match import match_donor
from karyolot.dna.summary import copy_number_metrics
from karyolot.inputs.formats.yaml import read as read_yaml
from karyolot.inputs.lists import weakened
from karyolot.io.files import read_metrics, read_verdict, write_metrics, write_model
from karyolot.io.panel import read_panel
from karyolot.io.record import read_record, read_report, write_report
from karyolot.rna.differential import differential
from karyolot.rna.markers import tabulate
from karyolot.rna.summary import expression_metrics
from karyolot.verdict.decide import decide
from karyolot.verdict.imported import imported_metrics
from karyolot.verdict.process import process_metrics
from planted import LAYOUT, RESOURCES, SETTINGS, Event, Result, analyse, genome, sample
from planted_alleles import children, mosaic, panel, person
from planted_alleles import counts as alleles_of
from planted_expression import table
from planted_inputs import BIN, Inputs, matrix
from planted_inputs import counts as windows
from planted_records import failing

SHIPPED = read_yaml(RESOURCES / "acceptance.yaml", Acceptance)
CHR8 = Event("chr8", 0, 200_000_000, +1)
SITES = panel(2_000)
MARKERS = MarkerPanel.of(
    {name: column.tolist() for name, column in pd.read_csv(RESOURCES / "markers.tsv", sep="\t").items()}
)
GOOD_RNA: Mapping[str, tuple[int, int]] = {
    "CYP3A4": (4000, 60), "UGT1A9": (900, 90), "FAH": (900, 200), "ALB": (40_000, 2000),
    "KRT19": (20, 900), "EPCAM": (10, 400), "CCL2": (50, 500), "SOX9": (20, 400), "TGFB1": (80, 500),
    "HNF4A": (500, 300), "CD44": (9, 9), "THY1": (9, 9), "HGF": (20, 300), "MMP1": (10, 400), "MMP3": (5, 90),
    **dict.fromkeys(("HLA-DPA1", "HLA-DPB1", "HLA-DQA1", "HLA-DQB1", "HLA-DRA", "HLA-DRB1", "CIITA"), (300, 0)),
    "PTPRC": (60, 0), "CD34": (9, 0), "AFP": (0, 0), "GPC3": (0, 0), "MKI67": (3, 90), "TERT": (0, 0),
    "POU5F1": (0, 0), "NANOG": (0, 0), "LIN28A": (0, 0), "CCN1": (100, 800), "CCN2": (90, 700), "ANKRD1": (9, 99),
    "AMOTL2": (9, 90), "XIST": (300, 300), "RPS4Y1": (0, 0), "DDX3Y": (0, 0),
}  # fmt: skip
"""Gene -> reads, and TPM, in hepatocytes and in a good lot."""


Moved = tuple[str, float, float, str, float]
"""Chromosome, start and end in Mb, kind of change and cell fraction, as `planted_alleles.mosaic` takes them."""


@dataclass
class Study:
    """A stable woman's lot with RNA, its SNPs and papers: PASS, until a row changes it."""

    events: tuple[Event, ...] = ()
    sex: str = "F"
    declared: str = "F"
    passage: int = 4
    pdl: float | None = 6.0
    depth: tuple[float, float] = (5000, 5000)
    growth: float = 0.0
    bin_bp: int = 1_000_000
    change: Callable[[pd.DataFrame, pd.DataFrame, pd.DataFrame], tuple[pd.DataFrame, ...]] = lambda *tables: tables
    settings: Any = SETTINGS
    snps: Metrics = field(default_factory=lambda: {MetricName.IDENTITY_SNP_MATCH: Metric(value="MATCH")})
    alleles: tuple[Moved, ...] | None = None
    rna: AnnData | None = None
    panel_asked: bool = False
    snps_asked: bool = False
    imported: tuple[ImportedResult, ...] = ()
    acceptance: Acceptance = SHIPPED
    markers: pd.DataFrame = field(default_factory=lambda: MARKERS)
    weak: tuple[Weakened, ...] = ()
    headline: str = ""

    def outcome(self) -> str:
        """From counts to the verdict, as the rules run it; the limit is not planted, which costs a minute."""
        bins, lot, donor = tables(self.events, self.sex, self.depth, self.growth, self.bin_bp)
        bins, lot, donor = (t.reset_index(drop=True) for t in self.change(bins.copy(), lot.copy(), donor.copy()))
        result = analyse(bins, lot, donor, self.declared, self.settings)
        match = match_donor(result.compared.ratios, lot, donor, bins, self.declared, self.settings).match
        lod = result.lod.assign(spike_ins=200, found=195)
        found = copy_number_metrics(
            result.calls, result.segmented.segments, result.arms, lod, result.compared.facts, result.noise, match,
            self.settings, LAYOUT,
        )  # fmt: skip
        if self.alleles is not None:
            found |= of_alleles(self.alleles, result)
        found = found | self.snps | process_metrics({"passage": self.passage, "pdl": self.pdl}, 2)
        found |= imported_metrics(self.imported)
        if self.rna is not None:
            contrast = differential(self.rna, "~ state")
            rows = tabulate(self.rna, contrast, self.markers)
            found |= expression_metrics(self.rna, rows, {}, self.declared)
        asked: dict[str, Any] = {"snps_asked": self.snps_asked, "panel_asked": self.panel_asked}
        asked |= {"weakened": self.weak}
        verdict = decide("L1", found, self.acceptance, self.settings.claim_mb, self.settings.power, **asked)
        self.headline = verdict.headline
        return verdict.outcome


@cache
def tables(
    events: tuple[Event, ...], sex: str, depth: tuple[float, float], growth: float, bin_bp: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Bins, counts of the lot and of the donor."""
    bins = genome(bin_bp)
    lot = sample(bins, events, "lot", sex, depth[0], 2, rt=growth)
    return bins, lot, sample(bins, events, "donor", sex, depth[1], 3)


def of_alleles(moved: tuple[Moved, ...], result: Result) -> Metrics:
    """identity.* and baf.* of the lot by 3,000 SNPs at 20x, at which these changes moved its alleles."""
    rng = np.random.default_rng(9)
    part = panel(3_000)
    own = person(part, rng)
    donor = alleles_of(part, own, 20, rng)
    lot = alleles_of(part, own, 20, rng, copies=mosaic(part, moved))
    found = compare_alleles(lot, donor, result.compared.ratios, result.noise, result.calls, Identity())
    return allele_metrics(identify(lot, donor, Identity()), found.events, found.facts)


class Attack(NamedTuple):
    kind: str
    what: str
    expected: str
    run: Callable[[Path], str]


ATTACKS: list[Attack] = []


def add(kind: str, what: str, expected: str, run: Callable[[Path], str]) -> None:
    ATTACKS.append(Attack(kind, what, expected, run))


def lot(kind: str, what: str, expected: str, **changes: Any) -> None:
    """A row about a lot: `changes` of Study, computed by the row when they are callable without arguments."""

    def run(_: Path) -> str:
        made = {name: value() if name in ("rna", "snps") else value for name, value in changes.items()}
        return Study(**made).outcome()

    add(kind, what, expected, run)


def papers(kind: str, what: str, expected: str, breaking: Callable[[Inputs], Any]) -> None:
    """A row about configuration, sheets or files: the first error of the check, by code."""

    def run(folder: Path) -> str:
        inputs = Inputs(folder)
        breaking(inputs)
        errors = [problem.code for problem in inputs.examine() if not problem.warning]
        return errors[0] if errors else "accepted"

    add(kind, what, expected, run)


def handed(kind: str, what: str, breaking: Callable[[Path], Any]) -> None:
    """A row about what one step hands to the next: the reader refuses."""

    def run(folder: Path) -> str:
        breaking(folder)
        return "accepted"

    add(kind, what, "refused", run)


def own_list(name: str, what: str, section: str, setting: str, keeps: Callable[[str], bool]) -> None:
    """A row about an own list that lacks rows of the shipped one: the lot passes, and the headline states it."""

    def run(folder: Path) -> str:
        lines = (RESOURCES / name).read_text(encoding="utf-8").splitlines()
        (folder / name).write_text("\n".join(filter(keeps, lines)), encoding="utf-8")
        return stated({"reference": {"gtf": "genes.gtf"}, section: {setting: name}}, folder)

    add(K, what, "weakened", run)


def weaker_layout(folder: Path) -> str:
    text = (RESOURCES / "genomes/GRCh38.yaml").read_text(encoding="utf-8")
    (folder / "layout.yaml").write_text(text.replace("cytobands:", "# cytobands:"), encoding="utf-8")
    return stated({"reference": {"layout": "layout.yaml"}}, folder)


def stated(settings: dict[str, Any], folder: Path) -> str:
    """'weakened' of a good lot whose headline states that its settings are weaker."""
    weak = weakened(Config.model_validate(settings), folder)
    study = Study(weak=tuple(weak))
    return "weakened" if study.outcome() == "PASS" and "weakened" in study.headline else study.outcome()


# Changes of tables


def at(
    chrom: str = "", arm: str = "", within: Event | None = None, **columns: Any
) -> Callable[..., tuple[pd.DataFrame, ...]]:
    """Change where a chromosome, a part of it or an arm lies: lot=0, donor=0 (counts), gap=1, mappability=0, absent=True."""

    def change(bins: pd.DataFrame, lot: pd.DataFrame, donor: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
        here = bins["arm"] == arm if arm else bins["chrom"] == chrom
        here &= True if within is None else bins["start"].between(within.start - 3e6, within.end + 3e6)
        if "absent" in columns:
            return bins[~here], lot[~here], donor[~here]
        for name in columns.keys() & {"gap", "mappability"}:
            known = bins.get(name, 1.0)
            bins[name] = pd.Series(known, bins.index).astype(float).mask(here, columns[name])
        for name, counts in (("lot", lot), ("donor", donor)):
            if name in columns:
                counts["count"] = counts["count"].mask(here, columns[name])
        return bins, lot, donor

    return change


def mixed(part: float) -> Callable[..., tuple[pd.DataFrame, ...]]:
    """A part of the lot's reads are the donor's own, copied."""

    def change(bins: pd.DataFrame, lot: pd.DataFrame, donor: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
        rng = np.random.default_rng(1)
        own, copied = rng.binomial(lot["count"], 1 - part), rng.binomial(donor["count"], part)
        return bins, lot.assign(count=own + copied), donor

    return change


def marked(name: str, unmarked: float, marks: float) -> Callable[..., tuple[pd.DataFrame, ...]]:
    """A track that has one value on chromosome 8 and another elsewhere."""
    return lambda b, own, d: (b.assign(**{name: np.where(b["chrom"] == "chr8", marks, unmarked)}), own, d)


def smoothed_ratio(
    bins: pd.DataFrame, own: pd.DataFrame, donor: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Running medians of the ratio over 9 bins as the timing track."""
    ratio = np.log2((own["count"] + 0.5) / (donor["count"] + 0.5))
    return bins.assign(replication_timing=ratio.rolling(9, 1, center=True).median().to_numpy()), own, donor


def four_arms(fraction: float) -> tuple[Event, ...]:
    places = ("chr8", 0, 1), ("chr13", 0, -1), ("chr5", 50_000_000, -1), ("chr17", 25_000_000, 1)
    return tuple(Event(chrom, start, 200_000_000, copies, fraction) for chrom, start, copies in places)


SHORT = tuple(
    Event(chrom, start, start + 10_000_000, copies, 0.3)
    for chrom, start, copies in (
        ("chr2", 60_000_000, 1), ("chr4", 90_000_000, -1), ("chr7", 90_000_000, 1), ("chr10", 70_000_000, -1)
    )
)  # fmt: skip


def levels(column: str, low: float, high: float) -> Callable[..., tuple[pd.DataFrame, ...]]:
    """A track of the median ratio of each arm, from low to high."""

    def change(bins: pd.DataFrame, own: pd.DataFrame, donor: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
        level = rise(own, donor).groupby(bins["arm"]).transform("median").clip(-0.3, 0.3)
        return bins.assign(**{column: low + (high - low) * (level + 0.3) / 0.6}), own, donor

    return change


def rise(own: pd.DataFrame, donor: pd.DataFrame) -> pd.Series:
    """log2 ratio of each bin over the median."""
    ratio = np.log2((own["count"] + 0.5) / (donor["count"] + 0.5))
    return ratio - ratio.median()


def risen(absent: bool) -> Callable[..., tuple[pd.DataFrame, ...]]:
    """Bins of 8 that rose by 0.03 have no row, or are under a blacklist."""

    def change(bins: pd.DataFrame, own: pd.DataFrame, donor: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
        here = (bins["chrom"] == "chr8") & (rise(own, donor) > 0.03)
        if absent:
            return bins[~here], own[~here], donor[~here]
        return bins.assign(gap=bins["gap"].mask(here, 1.0)), own, donor

    return change


def clipped(bins: pd.DataFrame, own: pd.DataFrame, donor: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
    """No bin of the lot is more than 4 % above the median of its ratio."""
    most = 1.04 * (own["count"] / donor["count"].clip(1)).median() * donor["count"]
    return bins, own.assign(count=np.minimum(own["count"], most).astype(int)), donor


def drawn(chrom: str, on: float, elsewhere: float = 1.0) -> Callable[..., tuple[pd.DataFrame, ...]]:
    """These parts of the lot's fragments are kept, on a chromosome and elsewhere, by chance: the noise is that of counting."""

    def change(bins: pd.DataFrame, own: pd.DataFrame, donor: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
        part = np.where(own["chrom"] == chrom, on, elsewhere)
        return bins, own.assign(count=np.random.default_rng(4).binomial(own["count"], part)), donor

    return change


def with_gc(values: Callable[[pd.Series], Any]) -> Callable[..., tuple[pd.DataFrame, ...]]:
    return lambda bins, lot, donor: (bins.assign(gc=values(bins["gc"])), lot, donor)


def on_8(own: pd.DataFrame, donor: pd.DataFrame) -> pd.DataFrame:
    """The lot's counts, on chromosome 8 the donor's."""
    return own.assign(count=own["count"].mask(own["chrom"] == "chr8", donor["count"]))


def arms_of(levels: Callable[[int], int], fraction: float) -> tuple[Event, ...]:
    """Every chromosome in two parts at 50 Mb; levels: copies gained by number of the part."""
    ends = [
        (f"chr{n}", start, end) for n in range(1, 23) for start, end in ((0, 50_000_000), (50_000_000, 250_000_000))
    ]
    return tuple(Event(*place, levels(n), fraction) for n, place in enumerate(ends) if levels(n))


def kept(part: float) -> Callable[..., tuple[pd.DataFrame, ...]]:
    return lambda b, own, d: (b, own.assign(count=(own["count"] * part).astype(int)), d)


# Changes of RNA


def rna(
    changed: Mapping[str, tuple[int, int]] | None = None, without: tuple[str, ...] = (), lengths: bool = True
) -> AnnData:
    genes = {name: pair for name, pair in {**GOOD_RNA, **(changed or {})}.items() if name not in without}
    counts = np.array([[1_000_000] * 50 + [pair[state] for pair in genes.values()] for state in (0, 1)])
    names = [f"bulk{number}" for number in range(50)] + list(genes)
    data = table(counts, [("D1", "hepatocyte"), ("D1", "lot")], names)
    data.layers["tpm"] = data.layers["counts"].astype(float)
    if not lengths:
        del data.layers["tpm"], data.layers["length"]
    return data


def turned() -> AnnData:
    """Columns of lot and donor exchanged."""
    return rna({gene: (b, a) for gene, (a, b) in GOOD_RNA.items()})


def two_people() -> AnnData:
    data = rna()
    more = table(np.vstack([data.layers["counts"], data.layers["counts"][1:]]),
                 [("D1", "hepatocyte"), ("D1", "lot"), ("D1", "lot")], data.var["gene_name"].tolist())  # fmt: skip
    names = data.var["gene_name"].tolist()
    for gene, reads in (("XIST", 0), ("RPS4Y1", 524), ("DDX3Y", 90)):
        more.layers["counts"][2, names.index(gene)] = reads
    more.layers["tpm"] = more.layers["counts"].astype(float)
    return more


# Changes of documents


def document(edit: Callable[[Criterion], Criterion | None], *more: Criterion) -> Acceptance:
    criteria = [new for criterion in SHIPPED.criteria if (new := edit(criterion)) is not None]
    return SHIPPED.model_copy(update={"criteria": (*criteria, *more)})


def without(*ids: str) -> Acceptance:
    return document(lambda criterion: None if criterion.id in ids else criterion)


def limits(*pairs: tuple[str, Any, str], of: str) -> Acceptance:
    new = tuple(Limit(op=op, value=value, on_breach=breach) for op, value, breach in pairs)  # type: ignore[arg-type]
    return document(lambda c: c.model_copy(update={"limits": new}) if c.id == of else c)


def everything(**update: Any) -> Acceptance:
    return document(lambda criterion: criterion.model_copy(update=update))


def informational(criterion: Criterion) -> Criterion:
    new = tuple(limit.model_copy(update={"on_breach": "INFO"}) for limit in criterion.limits)
    return criterion.model_copy(update={"limits": new})


def reviewed(criterion: Criterion) -> Criterion:
    new = tuple(limit.model_copy(update={"on_breach": "REVIEW"}) for limit in criterion.limits)
    return criterion.model_copy(update={"limits": new})


def three_or_more(criterion: Criterion) -> Criterion | None:
    """Calls are counted, and three of them are what is wanted."""
    new = (Limit(op=">=", value=3, on_breach="FAIL"),)
    changed = criterion.model_copy(update={"limits": new}) if criterion.id in ("C02", "C05") else criterion
    return None if criterion.id in ("C01", "C05b") else changed


ONLY_PROCESS = document(lambda criterion: criterion if criterion.kind == "process" else None)
BAD = {"events": (CHR8,)}

# Alleles


def compared(who: str, sites: int = 2_000, depth: float = 20, ratio: float = 4) -> Metrics:
    """identity.* of a lot that is `who` its donor is: 'same', 'other', 'sibling', or 'mixed' with a tenth of another."""
    rng = np.random.default_rng(5)
    part = SITES.iloc[:sites].reset_index(drop=True)
    donor, sibling = children(part, rng)
    stranger = person(part, rng)
    own = {"same": donor, "other": stranger, "sibling": sibling, "mixed": donor}[who]
    foreign = {"foreign": stranger, "share": 0.1} if who == "mixed" else {}
    found = identify(
        alleles_of(part, own, depth, rng, **foreign), alleles_of(part, donor, depth, rng),
        Identity(log10_ratio=ratio),
    )  # fmt: skip
    facts = AlleleFacts.model_construct(reason="not searched", lod=None, size_mb=10, sites=0)
    return allele_metrics(found, AlleleEvents.frame([]), facts)


def of_one_sample(part: float) -> Metrics:
    """identity.* of a lot whose allele counts are a part of the donor's reads, drawn."""
    rng = np.random.default_rng(5)
    donor = alleles_of(SITES, person(SITES, rng), 40, rng)
    own = donor.assign(**{name: rng.binomial(donor[name], part) for name in ("ref_count", "alt_count", "other_count")})
    facts = AlleleFacts.model_construct(reason="not searched", lod=None, size_mb=10, sites=0)
    return allele_metrics(identify(own, donor, Identity()), AlleleEvents.frame([]), facts)


# Changes of files


def criteria(inputs: Inputs, which: str, **update: Any) -> None:
    document = yaml.safe_load((inputs.folder / "reference/acceptance.yaml").read_text())
    next(row for row in document["criteria"] if row["id"] == which).update(update)
    inputs.put("reference/acceptance.yaml", yaml.safe_dump(document))


def layout(inputs: Inputs, **update: Any) -> None:
    document = yaml.safe_load((inputs.folder / "reference/layout.yaml").read_text())
    inputs.put("reference/layout.yaml", yaml.safe_dump(document | update))


def counts_alone(inputs: Inputs) -> None:
    """A study of tables of counts over ready bins, without a genome."""
    inputs.samples = [row for row in inputs.samples if str(row.get("counts", "")).startswith("dna/")]
    inputs.lots, inputs.donors = inputs.lots[1:2], inputs.donors[1:]
    for name in ("fasta", "gtf", "mappability", "blacklist"):
        inputs.config["reference"].pop(name)
    inputs.config.pop("expression"), inputs.config.pop("pathways"), inputs.config.pop("small_variants")
    bins = [row.rsplit("\t", 1)[0] for row in windows()]
    inputs.put("reference/bins.tsv", "\n".join(["chrom\tstart\tend\tgc", *(f"{row}\t0.4" for row in bins)]))
    inputs.config["reference"]["bins"] = "reference/bins.tsv"


def bomb() -> str:
    lines = ["name: n", 'version: "1"', "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join([*lines, "criteria: *a8"])


def header(inputs: Inputs, sheet: str, columns: str) -> None:
    inputs.write()
    inputs.sheets.add(sheet)
    path = inputs.folder / f"config/{sheet}.tsv"
    path.write_text(path.read_text().replace("passage", columns, 1))


def text_of(inputs: Inputs) -> list[str]:
    return (inputs.folder / "dna/D2.tsv").read_text().splitlines()


def table_of(inputs: Inputs, change: Callable[[list[str]], list[str]]) -> str:
    """The donor's counts with every third row changed."""
    head, *rows = text_of(inputs)
    changed = ("\t".join(change(row.split("\t"))) if n % 3 == 0 else row for n, row in enumerate(rows))
    return "\n".join([head, *changed])


def numbered(inputs: Inputs) -> str:
    """bedtools' windows: their number stands between end and count, and no header says so."""
    rows = [row.split("\t") for row in text_of(inputs)[1:]]
    return "\n".join("\t".join([*row[:3], str(n), row[3]]) for n, row in enumerate(rows))


def wider() -> list[str]:
    return windows(width=2 * BIN)


def finer() -> list[str]:
    return windows(width=BIN // 5)


def cells(change: Callable[[int, int], str]) -> str:
    """The count matrix with other values: change of value and number of the row."""
    head, *rows = (row.split("\t") for row in matrix())
    changed = [[*row[:2], *(change(int(v), n) for v in row[2:])] for n, row in enumerate(rows, start=1)]
    return "\n".join("\t".join(row) for row in [head, *changed])


def same_column(rows: list[str], one: str, other: str) -> str:
    head, *rest = (row.split("\t") for row in rows)
    of, place = head.index(other), head.index(one)
    return "\n".join(
        "\t".join([*row[:place], row[of] if n else one, *row[place + 1 :]]) for n, row in enumerate([head, *rest])
    )


def doubled(rows: list[str], one: str, other: str) -> str:
    head, *rest = (row.split("\t") for row in rows)
    of, place = head.index(other), head.index(one)
    twice = ([*row[:place], str(2 * int(row[of])), *row[place + 1 :]] for row in rest)
    return "\n".join("\t".join(row) for row in [head, *twice])


def paper(kind: str, value: str, met: bool | None = None) -> ImportedResult:
    known = dict.fromkeys(("unit", "analyte", "limit", "method", "date", "sha256", "comment"))
    return ImportedResult.model_validate({**known, "kind": kind, "value": value, "met": met, "document": "X-1"})


# Changes of results


def decided(folder: Path) -> None:
    metrics = process_metrics({"passage": 30, "pdl": 11.2}, 4)
    write_metrics(metrics, folder / "metrics.json")
    write_model(decide("L1", metrics, SHIPPED, 5, 0.95), folder / "verdict.json")


def reported(folder: Path) -> None:
    record = failing()
    record = record.model_copy(update={"lot": record.lot.model_copy(update={"lot_id": "L1"})}).sealed()
    rna_folder = folder / "results/L1/rna"
    rna_folder.mkdir(parents=True)
    (rna_folder / "expression.h5ad").write_bytes(b"")
    write_report(record, folder / "results/L1/report.json")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


# The table: kind, what is done, outcome, how

K = "blind region"
lot(K, "trisomy 8, the donor has no reads on 8", "INDETERMINATE", **BAD, change=at("chr8", donor=0))
lot(K, "the lot alone has no reads on 8", "FAIL", change=at("chr8", lot=0))
lot(K, "trisomy 8 under a blacklist of 8", "INDETERMINATE", **BAD, change=at("chr8", gap=1.0))
lot(K, "trisomy 8 under a mappability of 0", "INDETERMINATE", **BAD, change=at("chr8", mappability=0.0))
lot(K, "trisomy 8, tables without 8", "INDETERMINATE", **BAD, change=at("chr8", absent=True))
lot(
    K,
    "gain of 8p, which is masked",
    "INDETERMINATE",
    events=(Event("chr8", 0, 40_000_000, 1),),
    change=at(arm="chr8p", gap=1.0),
)
for what, event, columns in (
    ("gain of 22 Mb of 8q under a blacklist", Event("chr8", 118_000_000, 140_000_000, 1), {"gap": 1.0}),
    ("loss of 60 Mb of 1p where the donor has no reads", Event("chr1", 40_000_000, 100_000_000, -1), {"donor": 0}),
    ("gain of 20q11.2 and half of 20q under a mappability of 0", Event("chr20", 31_000_000, 50_000_000, 1),
     {"mappability": 0.0}),
):  # fmt: skip
    lot(K, what, "INDETERMINATE", events=(event,), change=at(event.chrom, within=event, **columns))
lot(
    K,
    "trisomy 21 under a mask of 21q",
    "INDETERMINATE",
    events=(Event("chr21", 13_000_000, 60_000_000, 1),),
    change=at(arm="chr21q", gap=1.0),
)
lot(
    K,
    "one X lost, tables without X",
    "INDETERMINATE",
    events=(Event("chrX", 0, 200_000_000, -1),),
    change=at("chrX", absent=True),
)
lot(
    K,
    "one X lost, X masked",
    "INDETERMINATE",
    events=(Event("chrX", 0, 200_000_000, -1),),
    change=at("chrX", mappability=0.0),
)
lot(K, "tables without Y: missing is not zero", "INDETERMINATE", change=at("chrY", absent=True))
lot(
    K,
    "a fifth of the genome masked",
    "INDETERMINATE",
    change=lambda b, own, d: (b.assign(gap=b["gap"].mask(b["chrom"].isin(["chr1", "chr2", "chr3"]), 1.0)), own, d),
)
lot(
    K,
    "every second bin of 8q masked",
    "FAIL",
    **BAD,
    change=lambda b, own, d: (b.assign(gap=b["gap"].mask((b["arm"] == "chr8q") & (b.index % 2 == 0), 1.0)), own, d),
)

lot(
    K,
    "gain of 6 Mb where two of three bins are masked",
    "INDETERMINATE",
    events=(Event("chr8", 60_000_000, 66_000_000, 1),),
    change=lambda b, own, d: (b.assign(gap=b["gap"].mask((b["chrom"] == "chr8") & (b.index % 3 != 0), 1.0)), own, d),
)

lot(K, "trisomy 8 in 15 %, bins that rose are under a blacklist", "INDETERMINATE",
    events=(Event("chr8", 0, 200_000_000, 1, 0.15),), change=risen(absent=False))  # fmt: skip
lot(K, "trisomy 8 in 15 %, bins that rose have no row", "INDETERMINATE", events=(Event("chr8", 0, 200_000_000, 1, 0.15),),
    change=risen(absent=True))  # fmt: skip
lot(K, "gain of 20q11.21 under a blacklist of 4 Mb", "INDETERMINATE", events=(Event("chr20", 30_000_000, 33_900_000, 1),),
    change=lambda b, own, d: (b.assign(gap=b["gap"].mask((b["chrom"] == "chr20") & b["start"].between(29_900_000, 33_900_000),
                                                         1.0)), own, d))  # fmt: skip

K = "depth"
lot(
    K,
    "trisomy 8, a lot of 50 reads a bin",
    "INDETERMINATE",
    events=(Event("chr8", 0, 200_000_000, 1, 0.1),),
    depth=(20, 5000),
)
lot(
    K,
    "mosaic of 10 %, a donor of 20 reads a bin",
    "INDETERMINATE",
    events=(Event("chr8", 0, 200_000_000, 1, 0.1),),
    depth=(5000, 20),
)
lot(K, "no reads at all in the lot", "INDETERMINATE", change=kept(0.0))
lot(K, "trisomy 8 in every cell, deep", "FAIL", **BAD)
lot(K, "trisomy 8 in 30 % of the cells", "FAIL", events=(Event("chr8", 0, 200_000_000, 1, 0.3),))
lot(K, "loss of 8 Mb in 60 % of the cells", "FAIL", events=(Event("chr5", 60_000_000, 70_000_000, -1, 0.6),))
lot(K, "small gain of 20q11.21", "REVIEW", events=(Event("chr20", 31_000_000, 35_000_000, 1),))
lot(K, "six extra copies of 3 Mb", "FAIL", events=(Event("chr17", 40_000_000, 44_000_000, 6),))
lot(
    K,
    "every chromosome changed: no level is the normal one",
    "FAIL",
    events=tuple(Event(f"chr{n}", 0, 70_000_000, (-1) ** n) for n in range(1, 13)),
)
lot(
    K,
    "trisomy 8 in lot and, half of the cells, in the donor",
    "FAIL",
    events=(CHR8, Event("chr8", 0, 200_000_000, 1, 0.4, "donor")),
)
lot(
    K,
    "trisomy 8 of the donor that the lot does not have",
    "REVIEW",
    events=(Event("chr8", 0, 200_000_000, 1, 0.6, "donor"),),
)

K = "40 to 60 % altered"
lot(K, "every second arm gained", "FAIL", events=arms_of(lambda n: n % 2, 1.0))
lot(K, "every second arm lost in 30 % of the cells", "FAIL", events=arms_of(lambda n: -(n % 2), 0.3))
lot(K, "arms at three levels in 10 % of the cells", "INDETERMINATE", events=arms_of(lambda n: n % 3 - 1, 0.1))

K = "odd donors"
lot(K, "donor and lot have trisomy 8: the donor's tube is the lot's", "REVIEW",
    events=(Event("chr8", 0, 200_000_000, 1, 1.0, "both"),))  # fmt: skip
lot(K, "the same in half of the cells", "REVIEW", events=(Event("chr8", 0, 200_000_000, 1, 0.5, "both"),))
lot(K, "a donor of 47,XXY, an X lost in 30 % of the cells", "INDETERMINATE", sex="M", declared="M",
    events=(Event("chrX", 0, 200_000_000, 1, 1.0, "both"), Event("chrX", 0, 200_000_000, -1, 0.3)))  # fmt: skip
lot(K, "a donor of 45,X", "INDETERMINATE", events=(Event("chrX", 0, 200_000_000, -1, 1.0, "both"),))

K = "copied data"
lot(
    K,
    "trisomy 8, the donor's counts of 8 multiplied by 1.5",
    "REVIEW",
    **BAD,
    change=lambda b, own, d: (b, own, d.assign(count=d["count"] + d["count"].where(d["chrom"] == "chr8", 0) // 2)),
)
lot(
    K,
    "the donor's counts are the numbers of its windows",
    "FAIL_IDENTITY",
    change=lambda b, own, d: (b, own, d.assign(count=np.arange(len(d)))),
)
lot(
    K,
    "trisomy 8, the lot's counts are means of the donor's neighbours",
    "INDETERMINATE",
    **BAD,
    change=lambda b, _, d: (b, d.assign(count=d["count"].rolling(5, 1, center=True).mean().astype(int)), d),
)
lot(K, "trisomy 8, 8 of the lot is the donor's", "INDETERMINATE", **BAD, change=lambda b, own, d: (b, on_8(own, d), d))
lot(K, "trisomy 8, a third of the lot's fragments on 8 removed, SNPs counted", "REVIEW", **BAD,
    change=drawn("chr8", 2 / 3), alleles=(("chr8", 0, 146, "gain", 1.0),))  # fmt: skip
lot(K, "loss of 13 in half of the cells, a quarter of all other fragments removed, SNPs counted", "REVIEW",
    events=(Event("chr13", 0, 200_000_000, -1, 0.5),), change=drawn("chr13", 1.0, 0.75),
    alleles=(("chr13", 0, 115, "loss", 0.5),))  # fmt: skip
lot(K, "the lot's counts are the donor's", "INDETERMINATE", change=lambda b, _, d: (b, d.copy(), d))
lot(K, "twice the donor's counts", "INDETERMINATE", change=lambda b, _, d: (b, d.assign(count=2 * d["count"]), d))
lot(
    K,
    "the donor's counts, one read more in every third bin",
    "INDETERMINATE",
    change=lambda b, _, d: (b, d.assign(count=d["count"] + (d.index % 3 == 0)), d),
)
lot(
    K,
    "three quarters of the donor's reads, drawn",
    "INDETERMINATE",
    change=lambda b, _, d: (b, d.assign(count=np.random.default_rng(1).binomial(d["count"], 0.75)), d),
)
lot(K, "half of the lot's reads are the donor's", "INDETERMINATE", change=mixed(0.6))
lot(K, "trisomy 8 diluted to 10 % with the donor's reads", "INDETERMINATE", **BAD, change=mixed(0.9))
lot(K, "lot and donor exchanged, the lot has trisomy 8", "FAIL_IDENTITY", **BAD, change=lambda b, own, d: (b, d, own))
papers(K, "a sample named in two rows of the same file", "E03", lambda i: i.sample(4).update(i.pair("a")))
papers(
    K,
    "FASTQ files copied under another name",
    "E03",
    lambda i: [i.put(f"reads/c_{n}.fq.gz", (i.folder / f"reads/a_{n}.fq.gz").read_bytes()) for n in (1, 2)],
)
papers(
    K,
    "FASTQ files recompressed under another name",
    "E03",
    lambda i: [
        i.put(f"reads/c_{n}.fq.gz", gzip.compress(gzip.decompress((i.folder / f"reads/a_{n}.fq.gz").read_bytes()), 1))
        for n in (1, 2)
    ],
)
papers(K, "counts of the lot are the donor's file", "E03", lambda i: i.sample(7).update(counts="dna/D2.tsv"))
papers(
    K,
    "counts of the lot are a copy of the donor's",
    "E03",
    lambda i: (i.put("dna/L2.tsv", (i.folder / "dna/D2.tsv").read_bytes()), i.sample(7).update(counts="dna/L2.tsv")),
)
papers(
    K,
    "one chromosome of the lot is copied from another sample of the sheet",
    "E03",
    lambda i: (
        i.put(D2, "\n".join(["chrom\tstart\tend\tcount", *finer()])),
        i.put("dna/L2.tsv", table_of(i, lambda r: [*r[:3], str(int(r[3]) + 1)] if "X" in r[0] else r)),
        i.sample(7).update(counts="dna/L2.tsv"),
    ),
)
papers(
    K, "a column of RNA is the donor's", "E03", lambda i: i.put("rna/matrix.tsv", same_column(matrix(), "L1r1", "D1r1"))
)
papers(
    K,
    "the BAM of a lot is another lot's",
    "E30",
    lambda i: i.sample(4).update({"alignment": "dna/L3.bam", "fastq_1": "", "fastq_2": ""}),
)

lot(K, "trisomy 8 in 20 %, ratios clipped at 4 %", "INDETERMINATE", events=(Event("chr8", 0, 200_000_000, 1, 0.2),),
    change=clipped)  # fmt: skip
lot(K, "allele counts of the lot are the donor's", "INDETERMINATE", snps=lambda: of_one_sample(1.0))
lot(K, "allele counts of the lot are drawn from the donor's", "INDETERMINATE", snps=lambda: of_one_sample(0.5))
papers(
    K,
    "a replicate of RNA is twice another",
    "E03",
    lambda i: i.put("rna/matrix.tsv", doubled(matrix(), "L1r2", "L1r1")),
)

K = "identity"
lot(K, "same-sex stranger, no SNPs, no germline difference", "INDETERMINATE", snps=dict)
lot(K, "an unrelated person by SNPs", "FAIL_IDENTITY", snps=lambda: compared("other"))
lot(K, "a full sibling of the donor", "FAIL_IDENTITY", snps=lambda: compared("sibling"))
lot(K, "a tenth of another person", "INDETERMINATE", snps=lambda: compared("mixed"))
lot(K, "a tenth of another person, a panel of 1,000 sites at 1x", "INDETERMINATE",
    snps=lambda: compared("mixed", sites=1_000, depth=1))  # fmt: skip
lot(K, "a panel of three sites", "INDETERMINATE", snps=lambda: compared("other", sites=3))
lot(K, "a stranger at a hundredth of a read a site", "INDETERMINATE", snps=lambda: compared("other", depth=0.01))
lot(K, "SNPs asked for and no reads to count them in", "INDETERMINATE", snps=dict, snps_asked=True)
lot(
    K,
    "RNA of another person by SNPs",
    "FAIL_IDENTITY",
    snps=lambda: {
        MetricName.IDENTITY_SNP_MATCH: Metric(value="MATCH"),
        MetricName.IDENTITY_RNA_MATCH: Metric(value="MISMATCH"),
    },
)
lot(
    K,
    "donor RNA of another person by SNPs",
    "INDETERMINATE",
    snps=lambda: {
        MetricName.IDENTITY_SNP_MATCH: Metric(value="MATCH"),
        MetricName.IDENTITY_DONOR_RNA_MATCH: Metric(value="MISMATCH"),
    },
)
lot(
    K,
    "the donor's germline deletion is not in the lot",
    "FAIL_IDENTITY",
    snps=dict,
    events=(Event("chr4", 60_000_000, 75_000_000, -1, 1.0, "donor"),),
)

K = "sex"
lot(K, "a man's lot of a woman", "INDETERMINATE", sex="M")
lot(K, "a woman's cells, declared a man's", "INDETERMINATE", declared="M")
lot(
    K,
    "a man's RNA of a woman's lot",
    "INDETERMINATE",
    rna=lambda: rna({"XIST": (300, 0), "RPS4Y1": (0, 500), "DDX3Y": (0, 90)}),
)
lot(
    K,
    "a man's RNA of the donor",
    "INDETERMINATE",
    rna=lambda: rna({"XIST": (0, 300), "RPS4Y1": (500, 0), "DDX3Y": (90, 0)}),
)
lot(K, "replicates of a woman and a man", "INDETERMINATE", rna=two_people)
lot(K, "half of the cells lost X", "FAIL", events=(Event("chrX", 0, 200_000_000, -1, 0.5),))
lot(K, "half of a man's cells gained an X", "FAIL", sex="M", declared="M",
    events=(Event("chrX", 2_800_000, 155_000_000, 1, 0.5),))  # fmt: skip
lot(K, "half of a man's lot are a woman's cells", "INDETERMINATE", sex="M", declared="M",
    events=(Event("chrX", 2_800_000, 155_000_000, 1, 0.5), Event("chrY", 2_800_000, 56_000_000, -1, 0.5)))  # fmt: skip
papers(K, "sex in words", "E17", lambda i: i.donors[0].update(sex="woman"))
papers(K, "sex not given", "E17", lambda i: i.donors[0].update(sex=""))

K = "criteria left out"
for one in ("Q05a", "Q04a", "Q04b", "Q05d", "Q06", "C02", "C05"):
    lot(
        K,
        f"{one}, trisomy 8",
        "FAIL",
        **BAD,
        acceptance=without(one),
    )
lot(
    K,
    "Q05e, trisomy 8 of lot and donor",
    "INDETERMINATE",
    events=(Event("chr8", 0, 200_000_000, 1, 0.5, "both"),),
    acceptance=without("Q05e"),
)
lot(
    K,
    "every criterion on large changes, trisomy 8",
    "INDETERMINATE",
    **BAD,
    acceptance=without("C01", "C02", "C03", "C05", "C05b"),
)
lot(
    K, "all of identity, a stranger", "INDETERMINATE", snps=lambda: compared("other"), acceptance=without("Q02", "Q02b")
)
lot(K, "all but process", "INDETERMINATE", **BAD, acceptance=ONLY_PROCESS)

K = "criteria weakened"
lot(K, "every breach is for information", "INDETERMINATE", **BAD, acceptance=document(informational))
lot(K, "every breach is for review", "INDETERMINATE", **BAD, acceptance=document(reviewed))
lot(K, "nothing is required", "FAIL", **BAD, acceptance=everything(required=False))
lot(K, "C02 turned round: at least 1 call", "FAIL", **BAD, acceptance=limits((">=", 1, "FAIL"), of="C02"))
lot(
    K,
    "large changes are wanted, three or more",
    "INDETERMINATE",
    acceptance=document(three_or_more),
    events=tuple(Event(f"chr{n}", 0, 250_000_000, 1) for n in (2, 5, 8)),
)
lot(
    K,
    "a limit of detection of 100 % will do",
    "INDETERMINATE",
    depth=(20, 20),
    acceptance=limits(("<=", 1.0, "INDETERMINATE"), of="Q06"),
)
lot(
    K,
    "any number of blind arms will do",
    "INDETERMINATE",
    **BAD,
    change=at("chr8", gap=1.0),
    acceptance=limits(("<=", 99, "INDETERMINATE"), of="Q05d"),
)
lot(
    K,
    "a mismatch of SNPs is what is wanted",
    "INDETERMINATE",
    snps=lambda: compared("other"),
    acceptance=limits(("==", "MISMATCH", "FAIL_IDENTITY"), of="Q02b"),
)
lot(
    K,
    "a mismatch of SNPs is for review",
    "INDETERMINATE",
    snps=lambda: compared("other"),
    acceptance=limits(("==", "MATCH", "REVIEW"), of="Q02b"),
)
lot(
    K,
    "the other sex is what is wanted",
    "INDETERMINATE",
    sex="M",
    acceptance=limits(("==", False, "INDETERMINATE"), of="Q04a"),
)
papers(K, "a metric misspelled", "E18", lambda i: criteria(i, "C02", metric="cn.aquired_long"))
papers(K, "required: 'no'", "E18", lambda i: criteria(i, "C02", required="no"))
papers(
    K,
    "an operator that is none",
    "E18",
    lambda i: criteria(i, "C02", limits=[{"op": "!=", "value": 0, "on_breach": "FAIL"}]),
)
papers(
    K,
    "a limit in words",
    "E18",
    lambda i: criteria(i, "C02", limits=[{"op": "<=", "value": "none", "on_breach": "FAIL"}]),
)
papers(
    K,
    "a limit of infinity",
    "E18",
    lambda i: criteria(i, "C02", limits=[{"op": "<=", "value": float("inf"), "on_breach": "FAIL"}]),
)
papers(K, "a limit in percent", "E18", lambda i: criteria(i, "Q06", unit="%"))
papers(K, "no limit", "E18", lambda i: criteria(i, "C02", limits=[]))
papers(K, "a document that is not YAML", "E18", lambda i: i.put("reference/acceptance.yaml", "criteria: [}"))

K = "settings"
for what, section, values in (
    ("a power of one in a billion", "copy_number", {"power": 1e-9}),
    ("one planted change", "copy_number", {"spike_ins": 1}),
    ("a claim longer than any chromosome", "copy_number", {"claim_mb": 300}),
    ("a claim of 21 Mb", "copy_number", {"claim_mb": 21}),
    ("changes below 1 log2 are none", "copy_number", {"min_log2": 1.0}),
    ("hundreds of bins a segment", "copy_number", {"min_bins": 500}),
    ("four copies are judged from 500 Mb on", "copy_number", {"high_copy_mb": 500}),
    ("an arm of any limit is assessable", "copy_number", {"max_arm_lod": 50}),
    ("the published rule from 40 copies on", "copy_number", {"published_gain": 20}),
    ("the published rule never loses", "copy_number", {"published_loss": 0.001}),
    ("any false call will do", "copy_number", {"family_wise_error": 0.9}),
    ("masked bins are used", "copy_number", {"max_gap": 1.5}),
    ("bins without mappable bases are used", "copy_number", {"min_mappability": -1}),
    ("a likelihood ratio of nothing", "identity", {"log10_ratio": 0}),
    ("a likelihood ratio that nobody reaches", "identity", {"log10_ratio": 1e9}),
    ("minutes for a number", "counting", {"bin_bp": "1:40"}),
    ("a negative bin", "counting", {"bin_bp": -5}),
    ("a mapping quality that no read has", "counting", {"min_mapq": 99}),
    ("not a number", "copy_number", {"claim_mb": float("nan")}),
    ("yes for a number", "copy_number", {"spike_ins": True}),
):
    papers(K, what, "E17", lambda i, section=section, values=values: i.config.setdefault(section, {}).update(values))  # type: ignore[misc]
lot(K, "loss of 10 Mb in 60 %, bins of 5 Mb", "INDETERMINATE", events=(Event("chr5", 60_000_000, 70_000_000, -1, 0.6),),
    settings=CopyNumber(analysis_bin_bp=5_000_000))  # fmt: skip
for elsewhere in ("no", "-", "not tested", "TBD"):
    papers(K, f"identity tested elsewhere: {elsewhere}", "E17",
           lambda i, elsewhere=elsewhere: i.config.setdefault("identity", {}).update(tested_elsewhere=elsewhere))  # type: ignore[misc]  # fmt: skip
papers(K, "a setting that is none", "E18", lambda i: i.config.setdefault("copy_number", {}).update(ignore_chr8=True))
papers(K, "a section that is none", "E18", lambda i: i.config.update(verdict={"outcome": "PASS"}))
papers(K, "acceptance in the configuration itself", "E17", lambda i: i.config.update(acceptance={"criteria": []}))
papers(K, "a design without the state", "E17", lambda i: i.config["expression"].update(design="~ donor"))
papers(K, "an alias bomb", "E18", lambda i: i.put("reference/acceptance.yaml", bomb()))

K = "lists"
own_list(
    "driver_genes.tsv",
    "the driver panel lacks TP53",
    "small_variants",
    "drivers",
    lambda row: not row.startswith("TP53\t"),
)
own_list(
    "hotspots.tsv",
    "hotspots without those of TP53",
    "small_variants",
    "hotspots",
    lambda row: not row.startswith("TP53\t"),
)
own_list("recurrent_regions.tsv", "recurrent regions without 20q11.21", "copy_number", "recurrent_regions",
         lambda row: not row.startswith("20q11.21"))  # fmt: skip
own_list("markers.tsv", "markers without genes that did not fall", "expression", "markers",
         lambda row: not row.startswith(("FAH", "ALB\tmature")))  # fmt: skip
add(K, "a layout without cytobands", "weakened", lambda folder: weaker_layout(folder))

K = "sheets"
papers(K, "the lot is of another donor than its tube", "E11", lambda i: i.sample(4).update(donor_id="D2"))
papers(K, "a donor that is not in the sheet", "E24", lambda i: i.lots[0].update(donor_id="D9"))
papers(K, "a lot twice, once at an early passage", "E01", lambda i: i.lots.append(i.lots[0] | {"passage": "1"}))
papers(K, "a lot that is its own parent", "E07", lambda i: i.lots[0].update(parent_lot_id="L1"))
papers(K, "passage with a letter", "E09", lambda i: i.lots[0].update(passage="P4"))
papers(K, "passage zero", "E10", lambda i: i.lots[0].update(passage="0"))
papers(K, "doublings with a comma", "E09", lambda i: i.lots[0].update(pdl="6,5"))
papers(K, "a passage that is not a number", "E16", lambda i: i.lots[0].update(passage="NaN"))
papers(K, "a date of no calendar", "E17", lambda i: i.lots[0].update(collection_date="2031-02-30"))
papers(K, "a column misspelled", "E16", lambda i: [row.update(pasage=row.pop("passage")) for row in i.lots])
papers(K, "a column twice", "E16", lambda i: header(i, "lots", "passage\tpassage"))
papers(K, "cells beyond the header", "E16", lambda i: i.lots[0].update(comment="PASS\tPASS"))

K = "hostile text"
for what, name in (
    ("a path out of the study", "../../etc/passwd"),
    ("a formula", "=cmd|' /C calc'!A0"),
    ("markup", "<script>alert(1)</script>"),
    ("a line feed", "L1\nL2"),
    ("a terminal's escape", "L1\x1b[2J"),
    ("text that runs backwards", "L1\u202etset"),
    ("a name of 300 letters", "L" * 300),
    ("a shell command", "$(touch owned)"),
    ("a wildcard", "{lot}"),
):
    papers(K, f"lot id: {what}", "E16", lambda i, name=name: i.lots[1].update(lot_id=name))  # type: ignore[misc]
papers(K, "lot id: nothing but a space", "E17", lambda i: i.lots[1].update(lot_id=" "))
papers(K, "a path with a line feed", "E16", lambda i: i.sample(6).update(counts="dna/D2.tsv\nrm"))

K = "tables misread"
D2 = "dna/D2.tsv"
papers(
    K,
    "GRCh37's lengths under GRCh38",
    "E28",
    lambda i: i.put(D2, table_of(i, lambda r: [r[0], r[1], str(int(r[2]) + 700), r[3]])),
)
papers(
    K, "contigs of another spelling in one table", "E28", lambda i: i.put(D2, table_of(i, lambda r: ["chrUn", *r[1:]]))
)
papers(K, "window numbers in the fourth column", "E28", lambda i: i.put(D2, numbered(i)))
papers(K, "start and end exchanged", "E28", lambda i: i.put(D2, table_of(i, lambda r: [r[0], r[2], r[1], r[3]])))
papers(
    K,
    "rows of a chromosome missing",
    "E14",
    lambda i: i.put(D2, "\n".join(line for n, line in enumerate(text_of(i)) if not 5 <= n < 25)),
)
papers(K, "a row twice", "E28", lambda i: i.put(D2, "\n".join([*text_of(i)[:3], *text_of(i)[2:]])))
papers(K, "negative counts", "E28", lambda i: i.put(D2, table_of(i, lambda r: [*r[:3], "-" + r[3]])))
papers(K, "counts that are log2 ratios", "E28", lambda i: i.put(D2, table_of(i, lambda r: [*r[:3], "0.31"])))
papers(K, "counts of NaN", "E28", lambda i: i.put(D2, table_of(i, lambda r: [*r[:3], "NaN"])))
papers(K, "counts with a decimal comma", "E28", lambda i: i.put(D2, table_of(i, lambda r: [*r[:3], r[3] + ",0"])))
papers(K, "bins of another width", "E14", lambda i: i.put(D2, "\n".join(["chrom\tstart\tend\tcount", *wider()])))
papers(K, "a table of another genome", "E14", lambda i: i.put(D2, "chrom\tstart\tend\tcount\nNC_9\t0\t100\t5\n"))
papers(K, "a table cut short", "E14", lambda i: i.put(D2, "\n".join(text_of(i)[:9])))
papers(K, "a workbook renamed .tsv", "E28", lambda i: i.put(D2, b"PK\x03\x04" + bytes(2000)))
papers(
    K,
    "a genome of another assembly",
    "E14",
    lambda i: i.put("reference/genome.fa", ">chr1\n" + "ACGTN" * 700 + "\n>chrX\n" + "ACGTN" * 500 + "\n"),
)
papers(K, "a layout without X", "E14", lambda i: layout(i, x=None))
papers(K, "a layout without X, counts alone", "E14", lambda i: (layout(i, x=None), counts_alone(i)))
papers(
    K,
    "a layout with X as a pseudo-autosomal region",
    "E18",
    lambda i: layout(i, x_par=[{"chrom": "X", "start": 0, "end": 150_000_000}]),
)
papers(
    K,
    "a layout with chromosome 8 as immune receptor genes",
    "E18",
    lambda i: layout(i, immune_receptors=[{"chrom": "chr8", "start": 0, "end": 145_138_636}]),
)
papers(
    K,
    "the GTF of another assembly",
    "E14",
    lambda i: i.put("reference/genes.gtf", Inputs.gtf(["A", "B"]).replace("\t1\t90", "\t9000001\t9000090")),
)
papers(K, "a mappability in percent", "E28", lambda i: i.put("reference/mappability.bedgraph", "1\t0\t5000\t90\n"))

K = "RNA misread"
M = "rna/matrix.tsv"
papers(K, "TPM for counts", "E28", lambda i: i.put(M, cells(lambda v, n: f"{v / 3:.4f}")))
papers(K, "negative counts", "E28", lambda i: i.put(M, cells(lambda v, n: str(-v))))
papers(
    K,
    "genes damaged by a spreadsheet",
    "E16",
    lambda i: i.put("reference/markers.tsv", "gene_name\tgroup\texpected\tsource\treason\n2-Sep\tliver\tup\ts\tr\n"),
)
papers(K, "a matrix of another species", "E14", lambda i: i.put(M, "\n".join(matrix()).replace("ENSG", "ENSMUSG")))
papers(
    K,
    "a sample missing from the matrix",
    "E28",
    lambda i: i.put(M, "\n".join(matrix(samples=["D1r1", "D1r2", "L1r1"]))),
)
papers(K, "a gene in two rows", "E01", lambda i: i.put(M, "\n".join([*matrix(), matrix()[1]])))

K = "RNA"
lot(
    K,
    "cells that kept the mature programme",
    "REVIEW",
    rna=lambda: rna(dict.fromkeys(("CYP3A4", "FAH", "ALB", "UGT1A9"), (5000, 4800))),
)
lot(K, "no progenitor programme", "REVIEW", rna=lambda: rna(dict.fromkeys(("KRT19", "EPCAM", "SOX9"), (30, 30))))
lot(K, "no progenitor gene has a read", "REVIEW", rna=lambda: rna(dict.fromkeys(("KRT19", "EPCAM", "SOX9"), (0, 0))))
lot(K, "columns of lot and donor exchanged", "REVIEW", rna=turned)
lot(K, "the lot's RNA is the donor's", "REVIEW", rna=lambda: rna({gene: (a, a) for gene, (a, _) in GOOD_RNA.items()}))
lot(K, "HLA class II in the lot, though it fell", "REVIEW", rna=lambda: rna({"HLA-DRA": (3000, 5)}))
lot(K, "blood cells in the lot", "REVIEW", rna=lambda: rna({"PTPRC": (60, 9)}))
lot(K, "no albumin left", "REVIEW", rna=lambda: rna({"ALB": (40_000, 0)}))
lot(K, "genes that did not fall are missing from the matrix", "INDETERMINATE", rna=lambda: rna(without=("FAH", "ALB")))
lot(
    K,
    "genes that did not fall have no reads of the donor",
    "INDETERMINATE",
    rna=lambda: rna({"FAH": (1, 5), "UGT1A9": (0, 3)}),
)
lot(
    K, "no gene lengths: levels cannot be judged", "INDETERMINATE", rna=lambda: rna({"PTPRC": (60, 900)}, lengths=False)
)
lot(K, "a marker table without groups", "INDETERMINATE", rna=rna, markers=MARKERS.assign(group="others"))
lot(K, "a marker table that expects nothing", "INDETERMINATE", rna=rna, markers=MARKERS.assign(expected="report"))
lot(K, "a panel is set and the lot has no RNA", "INDETERMINATE", panel_asked=True)
lot(K, "a panel is set and was not compared with", "INDETERMINATE", panel_asked=True, rna=rna)

K = "covariates"
lot(K, "trisomy 8, no GC at all", "FAIL", **BAD, change=with_gc(lambda gc: np.nan))
lot(K, "trisomy 8, one bin without GC", "FAIL", **BAD, change=with_gc(lambda gc: gc.mask(gc.index == 77)))
lot(K, "trisomy 8, GC of -1 in gaps", "FAIL", **BAD, change=with_gc(lambda gc: gc.mask(gc.index % 40 == 0, -1)))
lot(
    K,
    "trisomy 8, timing without values",
    "FAIL",
    **BAD,
    change=lambda b, own, d: (b.assign(replication_timing=np.nan), own, d),
)
lot(
    K,
    "trisomy 8, mappability without values",
    "FAIL",
    **BAD,
    change=lambda b, own, d: (b.assign(mappability=np.nan), own, d),
)
lot(K, "trisomy 8, a mappability that marks 8", "FAIL", **BAD, change=marked("mappability", 1.0, 0.8))
lot(K, "trisomy 8 in 20 %, a timing that marks 8", "FAIL", change=marked("replication_timing", 0.0, 1.0),
    events=(Event("chr8", 0, 200_000_000, 1, 0.2),))  # fmt: skip
lot(
    K,
    "trisomy 8, 8 without GC",
    "INDETERMINATE",
    **BAD,
    change=with_gc(lambda gc: gc.mask(genome(1_000_000)["chrom"] == "chr8")),
)
lot(K, "four arms changed in 20 %, a timing track made of the lot's own ratio", "FAIL", events=four_arms(0.2),
    change=smoothed_ratio, depth=(1000, 1000), bin_bp=200_000)  # fmt: skip
lot(K, "the same with bins of 1 Mb", "FAIL", events=four_arms(0.2), change=smoothed_ratio)
lot(K, "four arms changed in 10 %, a timing track of their levels", "FAIL", events=four_arms(0.1),
    change=levels("replication_timing", 0.0, 1.0))  # fmt: skip
lot(K, "four arms changed in 20 %, a mappability of their levels", "FAIL", events=four_arms(0.2),
    change=levels("mappability", 0.8, 1.0))  # fmt: skip
lot(
    K,
    "four arms changed in 20 %, a GC of their levels",
    "INDETERMINATE",
    events=four_arms(0.2),
    change=levels("gc", 0.35, 0.55),
)
lot(K, "four changes of 10 Mb in 30 %, a smoothed ratio as timing", "FAIL", events=SHORT, change=smoothed_ratio)
lot(K, "the same with bins of 200 kb", "FAIL", events=SHORT, change=smoothed_ratio, depth=(1000, 1000), bin_bp=200_000)
lot(K, "a growth wave of a quarter", "INDETERMINATE", growth=0.25)

K = "papers of other methods"
lot(K, "an abnormal karyotype on file", "REVIEW", imported=(paper("karyotype", "47,XX,+8[3]/46,XX[17]", met=False),))
lot(K, "mycoplasma on file", "REVIEW", imported=(paper("mycoplasma", "positive", met=False),))
lot(
    K,
    "two mycoplasma tests, one positive",
    "REVIEW",
    imported=(paper("mycoplasma", "positive", met=False), paper("mycoplasma", "negative", met=True)),
)
lot(K, "viability of 40 %", "REVIEW", imported=(paper("viability", "40"),))
lot(K, "passage 30", "REVIEW", passage=30)
lot(K, "cells that did not grow", "REVIEW", pdl=0.1)

K = "results edited"
handed(
    K,
    "INDETERMINATE to PASS in verdict.json",
    lambda f: (
        decided(f),
        edit(f / "verdict.json", '"outcome": "INDETERMINATE"', '"outcome": "PASS"'),
        read_verdict(f / "verdict.json", f / "metrics.json", "L1"),
    ),
)
handed(
    K,
    "an earlier passage in metrics.json",
    lambda f: (decided(f), edit(f / "metrics.json", '"value": 30', '"value": 3'), read_metrics(f / "metrics.json")),
)
handed(
    K,
    "metrics.json exchanged under the verdict",
    lambda f: (
        decided(f),
        write_metrics(process_metrics({"passage": 1, "pdl": 9}, 4), f / "metrics.json"),
        read_verdict(f / "verdict.json", f / "metrics.json", "L1"),
    ),
)
handed(
    K, "the verdict of another lot", lambda f: (decided(f), read_verdict(f / "verdict.json", f / "metrics.json", "L2"))
)
handed(
    K,
    "FAIL to PASS in report.json",
    lambda f: (
        reported(f),
        edit(f / "results/L1/report.json", '"outcome": "FAIL"', '"outcome": "PASS"'),
        read_report(f / "results/L1/report.json"),
    ),
)
handed(
    K,
    "a record under another lot's name",
    lambda f: (
        reported(f),
        (f / "results/L2").mkdir(),
        (f / "results/L1/report.json").rename(f / "results/L2/report.json"),
        read_record(f, "L2"),
    ),
)
handed(
    K,
    "a record of another schema",
    lambda f: (
        reported(f),
        edit(f / "results/L1/report.json", '"schema_version": "', '"schema_version": "9'),
        read_record(f, "L1"),
    ),
)
handed(K, "a record cut short", lambda f: (reported(f), cut(f / "results/L1/report.json"), read_record(f, "L1")))
handed(
    K,
    "a lot frozen into the panel that failed",
    lambda f: (reported(f), freeze_panel(["L1"], "1", f / "p.json", f, "shipped:markers.tsv")),
)
handed(
    K,
    "an edited panel",
    lambda f: (
        (f / "p.json").write_text(json.dumps({"schema_version": "1.2", "version": "1"})),
        read_panel(f / "p.json"),
    ),
)


@pytest.mark.filterwarnings("ignore")  # few genes, and replicates without scatter: PyDESeq2 remarks on its trend
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.kind}: {attack.what}")
def test_no_attack_ends_in_a_pass(attack: Attack, tmp_path: Path) -> None:
    try:
        found = attack.run(tmp_path)
    except (KaryolotError, Fault, InputProblems):
        found = "refused"
    assert found == attack.expected


def test_the_lot_that_is_attacked_passes() -> None:
    """Else every row would hold by another fault than its own."""
    assert Study().outcome() == Study(rna=rna()).outcome() == Study(snps=compared("same")).outcome() == "PASS"
    assert Study(sex="M", declared="M").outcome() == Study(alleles=()).outcome() == "PASS"
    assert not any(attack.expected in ("PASS", "accepted") for attack in ATTACKS)
    assert len(ATTACKS) >= 100 and len({(a.kind, a.what) for a in ATTACKS}) == len(ATTACKS)
