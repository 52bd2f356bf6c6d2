"""Own lists: what they lack of the shipped ones is named on page 1, and a list that only adds is not weaker."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karyolot.contracts.criteria import Acceptance, Metric, Weakened
from karyolot.contracts.genes import Model
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.settings import Config, CopyNumber, Expression, Reference, SmallVariants
from karyolot.dna.loci import locate
from karyolot.inputs.formats.yaml import read as read_yaml
from karyolot.inputs.lists import (
    diluting_markers,
    lacking_genes,
    lacking_hotspots,
    lacking_markers,
    lacking_regions,
    weakened,
    weaker,
)
from karyolot.io.shipped import RESOURCES
from karyolot.report.text.front import front
from karyolot.verdict.decide import decide
from planted_records import passing

SHIPPED = read_yaml(RESOURCES / "acceptance.yaml", Acceptance)
GTF = Reference(gtf="genes.gtf")
Rows = list[dict[str, str]]


def edited(folder: Path, name: str, change: Callable[[list[str]], list[str]]) -> str:
    """A copy of a shipped table with other rows: its path in the settings."""
    lines = (RESOURCES / name).read_text(encoding="utf-8").splitlines()
    head = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    (folder / name).write_text("\n".join([*lines[: head + 1], *change(lines[head + 1 :])]) + "\n", encoding="utf-8")
    return name


def without(*starts: str) -> Callable[[list[str]], list[str]]:
    return lambda rows: [row for row in rows if not row.startswith(starts)]


def replaced(old: str, new: str) -> Callable[[list[str]], list[str]]:
    def change(rows: list[str]) -> list[str]:
        assert any(old in row for row in rows)
        return [row.replace(old, new) for row in rows]

    return change


def more(row: str) -> Callable[[list[str]], list[str]]:
    return lambda rows: [*rows, row]


def settings_with(name: str, path: str) -> Config:
    return {
        "driver_genes.tsv": Config(reference=GTF, small_variants=SmallVariants(drivers=path)),
        "hotspots.tsv": Config(reference=GTF, small_variants=SmallVariants(hotspots=path)),
        "recurrent_regions.tsv": Config(copy_number=CopyNumber(recurrent_regions=path)),
        "markers.tsv": Config(expression=Expression(markers=path)),
    }[name]


TP53 = "TP53\tcoding\tdriver\tENST00000269305"
SOURCE = "s\tMerkle 2017 (doi 10.1038/nature22312)"


@pytest.mark.parametrize(
    ("name", "change", "own", "entries"),
    [
        ("driver_genes.tsv", without("TP53"), "lacks 1 of 25 genes: TP53", ("TP53",)),
        ("driver_genes.tsv", without("TP53", "BCOR", "AXIN1", "RB1", "ALB"),
         "lacks 5 of 25 genes: TP53, BCOR, AXIN1 and 2 more", ("TP53", "BCOR", "AXIN1", "RB1", "ALB")),
        ("driver_genes.tsv", replaced("TP53\tcoding", "TP53\tcodons 100-200"), "lacks 1 of 25 genes: TP53 outside codons 100-200",
         ("TP53 outside codons 100-200",)),
        ("driver_genes.tsv", replaced("TP53\tcoding", "TP53\thotspots"), "lacks 1 of 25 genes: TP53 outside hotspots",
         ("TP53 outside hotspots",)),
        ("driver_genes.tsv", replaced("codons 5-80", "codons 20-50"), "lacks 1 of 25 genes: CTNNB1 outside codons 20-50",
         ("CTNNB1 outside codons 20-50",)),
        ("driver_genes.tsv", replaced("TP53\tcoding\tdriver", "TP53\tcoding\tbenign"), "lacks 1 of 25 genes: TP53 as a driver",
         ("TP53 as a driver",)),
        ("driver_genes.tsv", replaced("ENST00000269305", "ENST00000610292.4"),
         "lacks 1 of 25 genes: TP53 by ENST00000269305", ("TP53 by ENST00000269305",)),
        ("hotspots.tsv", without("TP53\tp.175", "KRAS\tp.12"), "lacks 2 of 47 hotspots: TP53 p.175, KRAS p.12",
         ("TP53 p.175", "KRAS p.12")),
        ("hotspots.tsv", replaced("TP53\tp.175\tR\tH", "TP53\tp.175\tA\tH"), "lacks 1 of 47 hotspots: TP53 p.175",
         ("TP53 p.175",)),
        ("recurrent_regions.tsv", without("20q11.21"), "lacks 1 of 23 regions: 20q11.21 gain", ("20q11.21 gain",)),
        ("recurrent_regions.tsv", replaced("20q11.21\tgain", "20q11.21\tloss"), "lacks 1 of 23 regions: 20q11.21 gain",
         ("20q11.21 gain",)),
        ("recurrent_regions.tsv", replaced("BCL2L1", ""), "lacks 1 of 23 regions: BCL2L1 in 20q11.21 gain",
         ("BCL2L1 in 20q11.21 gain",)),
        ("markers.tsv", without("FAH"), "lacks 1 of 39 markers: FAH (mature hepatocyte)", ("FAH (mature hepatocyte)",)),
        ("markers.tsv", replaced("FAH\tmature hepatocyte\tdown", "FAH\tmature hepatocyte\treport"),
         "lacks 1 of 39 markers: FAH (mature hepatocyte)", ("FAH (mature hepatocyte)",)),
        ("markers.tsv", more("TTR\tmature hepatocyte\tdown\ts\tr"),
         "adds to groups judged by the fraction of their markers: TTR (mature hepatocyte)", ("TTR (mature hepatocyte)",)),
    ],
)  # fmt: skip
def test_what_an_own_list_lacks_is_named(
    tmp_path: Path, name: str, change: Callable[[list[str]], list[str]], own: str, entries: tuple[str, ...]
) -> None:
    (one,) = weakened(settings_with(name, edited(tmp_path, name, change)), tmp_path)
    assert (one.own, one.entries) == (own, entries)
    assert one.shipped == own.split(" of ")[1].split(":")[0] or "adds to groups" in own


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("driver_genes.tsv", list),
        ("driver_genes.tsv", more(f"MYC\tcoding\tdriver\t\t{SOURCE}")),
        ("driver_genes.tsv", replaced("codons 5-80", "codons 1-300")),
        ("driver_genes.tsv", replaced("codons 5-80", "coding")),
        ("driver_genes.tsv", replaced("KRAS\thotspots", "KRAS\tcodons 1-9")),  # hotspots are searched in any case
        ("driver_genes.tsv", replaced("ENST00000269305", "")),
        ("driver_genes.tsv", replaced("ENST00000269305", "ENST00000269305.9")),
        ("driver_genes.tsv", replaced("ALB\tcoding\tbenign", "ALB\tcoding\tdriver")),
        ("hotspots.tsv", more("TP53\tp.100\tQ\tR\tMerkle 2017 (doi 10.1038/nature22312)")),
        ("recurrent_regions.tsv", more("22q\tgain\t\tx\ts")),
        ("recurrent_regions.tsv", lambda rows: rows[::-1]),
        ("markers.tsv", more("CD19\tblood\tabsent\ts\tr")),
    ],
)  # fmt: skip
def test_a_list_that_only_adds_is_not_weaker(
    tmp_path: Path, name: str, change: Callable[[list[str]], list[str]]
) -> None:
    assert weakened(settings_with(name, edited(tmp_path, name, change)), tmp_path) == []


def test_no_driver_panel_is_weaker_where_one_would_be_searched(tmp_path: Path) -> None:
    none = SmallVariants(drivers=None)
    (one,) = weakened(Config(reference=GTF, small_variants=none), tmp_path)
    assert one.own.startswith("lacks 25 of 25 genes: TP53, ") and len(one.entries) == 25
    assert weakened(Config(small_variants=none), tmp_path) == []
    assert weakened(Config(), tmp_path) == []


@pytest.mark.parametrize("name", ["GRCh37", "GRCh38", "T2T-CHM13"])
def test_shipped_layouts_have_a_band_of_every_recurrent_region(tmp_path: Path, name: str) -> None:
    assert weakened(Config(reference=Reference(layout=f"shipped:genomes/{name}.yaml")), tmp_path) == []


def test_a_layout_without_bands_of_recurrent_regions_names_them(tmp_path: Path) -> None:
    """Nothing else states that 20q11.21 is not tested, as where the bands of a layout are arms."""
    for file in ("GRCh38.yaml", "GRCh38.cytobands.tsv"):
        lines = (RESOURCES / "genomes" / file).read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if "\tq11.21\t" not in line or not line.startswith("chr20")]
        (tmp_path / file).write_text("\n".join(kept) + "\n", encoding="utf-8")
    (one,) = weakened(Config(reference=Reference(layout="GRCh38.yaml")), tmp_path)
    assert (one.name, one.own) == ("reference.layout", "has no band of 1 of 23 recurrent regions: 20q11.21")
    assert one.entries == ("20q11.21",)


def test_a_panel_without_tp53_is_named_in_the_headline_on_page_1_and_in_the_record(tmp_path: Path) -> None:
    path = edited(tmp_path, "driver_genes.tsv", without("TP53", "BCOR", "AXIN1", "RB1"))
    weak = weakened(settings_with("driver_genes.tsv", path), tmp_path)
    assert Weakened(**weak[0].model_dump(mode="json")) == weak[0], "as the rule hands it to its script"
    record = passing()
    verdict = decide("L1", {}, SHIPPED, 5, 0.95, weakened=weak)
    page = front(
        record.model_copy(update={"verdict": record.verdict.model_copy(update={"weakened": verdict.weakened})})
    )
    said = "small_variants.drivers lacks 4 of 25 genes: TP53, BCOR, AXIN1 and 1 more (shipped: 25 genes)"
    assert page.weakened == f"Weakened: {said}."
    assert verdict.weakened[0].entries == ("TP53", "BCOR", "AXIN1", "RB1")


# Whatever is done to a panel, a planted mutation that its loci no longer hold is accounted for


CODING = "ATG" + "AAACGCCACGAA" * 5 + "TAA"
MODELS = [
    Model(f"T{n}", f"G{n}", f"chr{n}", "+", ((50, 50 + len(CODING)),), ((50, 50 + len(CODING)),), complete=True, rank=0)
    for n in (1, 2, 3)
]
PANEL: Rows = [
    {"gene": f"G{n}", "scope": scope, "role": role, "transcript": "", "reason": "r", "source": "s"}
    for n, (scope, role) in enumerate(
        [("coding", "driver"), ("codons 5-12", "driver"), ("hotspots", "driver")], start=1
    )
]
HOTSPOTS: Rows = [
    {"gene": gene, "position": position, "reference": "R", "changes": "", "source": "s"}
    for gene, position in (("G1", "p.3"), ("G2", "p.7"), ("G3", "p.3"), ("G3", "p.11"))
]


def searched(panel: Rows, hotspots: Rows) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
    """Bases at which a mutation counts as one of a driver, and at which it counts as a hotspot's."""
    loci = locate(panel, hotspots, MODELS, [], lambda _, start, end: ("T" * 50 + CODING + "T" * 50)[start:end]).loci
    drivers = loci[loci["role"] == "driver"]
    held = [
        {(row.chrom, at) for row in part.itertuples() for at in range(row.start, row.end)}
        for part in (drivers, drivers[drivers["hotspot"] != ""])
    ]
    return held[0], held[1]


QUIET = {name: Metric(value=0) for name in MetricName if name.kind is int and name.stage in ("dna", "variants")} | {
    name: Metric(value=value)
    for name, value in {
        MetricName.CN_LOD: 0.1, MetricName.DNA_USABLE_BINS: 0.9, MetricName.CN_ARM_CHANGE: 0.0,
        MetricName.IDENTITY_LOT_SEX: True, MetricName.IDENTITY_DONOR_SEX: True, MetricName.IDENTITY_SNP_MATCH: "MATCH",
        MetricName.PROCESS_PASSAGE: 5.0,
    }.items()
}  # fmt: skip
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["drop", "scope", "role", "spot", "reference", "add"]),
        st.integers(0, 3),
        st.sampled_from(["coding", "hotspots", "codons 1-4", "codons 5-12", "codons 2-21", "codons 6-9"]),
    ),
    max_size=4,
)


@given(EDITS)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_panel_loses_a_mutation_quietly(edits: list[tuple[str, int, str]]) -> None:
    panel: dict[int, dict[str, str]] = dict(enumerate(PANEL))
    hotspots: dict[int, dict[str, str]] = dict(enumerate(HOTSPOTS))
    for edit, at, scope in edits:
        if edit == "drop":
            panel.pop(at, None)
        elif edit == "spot":
            hotspots.pop(at, None)
        elif edit == "reference" and at in hotspots and len(hotspots) == len(HOTSPOTS):
            hotspots[at] = hotspots[at] | {"reference": "K"}  # more of them stop the run
        elif edit in ("scope", "role") and at in panel:
            panel[at] = panel[at] | ({"scope": scope} if edit == "scope" else {"role": "benign"})
        elif edit == "add":
            hotspots[10 + at] = {**HOTSPOTS[0], "position": "p.15"}
    own, recurrent = list(panel.values()), list(hotspots.values())
    lost = [theirs - ours for ours, theirs in zip(searched(own, recurrent), searched(PANEL, HOTSPOTS), strict=True)]
    named = [*lacking_genes(own, PANEL), *lacking_hotspots(own, recurrent, HOTSPOTS)]
    weak = list(weaker("small_variants.drivers", "gene", len(PANEL), named))
    # The mutations lie where nothing is searched any more: all that was measured is quiet, and the lot passes.
    verdict = decide("L1", QUIET, SHIPPED, 5, 0.95, weakened=weak)
    assert verdict.outcome == "PASS"
    assert not any(lost) or "weakened in small_variants.drivers" in verdict.headline
    assert any(lost) or not weak


def test_comparisons_of_rows() -> None:
    region = {"region": "17p", "change": "loss", "genes": "TP53", "context": "", "source": "s"}
    assert list(lacking_regions([region, region | {"genes": "X"}], [region])) == []
    assert list(lacking_regions([region | {"change": "gain"}], [region])) == ["17p loss"]
    marker = {"gene_name": "FAH", "group": "mature hepatocyte", "expected": "down"}
    level = {"gene_name": "HLA-DRA", "group": "HLA class II", "expected": "absent"}
    assert list(lacking_markers([marker], [marker, level])) == ["HLA-DRA (HLA class II)"]
    assert list(diluting_markers([marker, level, {**level, "gene_name": "B"}], [marker, level])) == []
    assert list(diluting_markers([marker, {**marker, "gene_name": "B"}], [marker])) == ["B (mature hepatocyte)"]
