"""Records with a planted truth, in plain Python: what the reports must show is known without the pipeline.

`failing`: trisomy 8 in nearly all cells, a 20q gain in part of them, and a copy-neutral loss of 4q. `passing`: nothing.
`thin`: too few reads, no RNA. `swapped`: another donor's cells, no panel of SNPs. `hostile`: text that tries to leave its
place.
"""

import math
import random
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any, Literal

from karyolot.contracts.criteria import Action, CriterionResult, Outcome, Verdict
from karyolot.contracts.descent import Descent, Marker
from karyolot.contracts.foreign import ForeignFacts
from karyolot.contracts.kinetics import Clone, CloneFraction, Growth, Kinetics, LeftOut
from karyolot.contracts.mitochondria import CopiesPerCell, MitochondrialFacts
from karyolot.contracts.overview import StudyExpression
from karyolot.contracts.provenance import Code, ConfigDifference, InputFile, Provenance
from karyolot.contracts.record import (
    CNLOH,
    NOT_SEEN,
    SCHEMA_VERSION,
    ImportedResult,
    LineageEvent,
    LineageFraction,
    LotFacts,
    LotPoint,
    Measured,
    QcFigure,
    Record,
    SampleQc,
)
from karyolot.contracts.record_dna import (
    AlleleArmRow,
    AlleleEventRow,
    AlleleRecord,
    AlleleTrack,
    ArmRow,
    BinTrack,
    CallRow,
    Chromosome,
    CopyNumberRecord,
    DonorVariantRow,
    Landmarks,
    LodRow,
    RecurrentRow,
    SegmentRow,
    SmallVariantRecord,
    SmallVariantRow,
    VariantLimitRow,
)
from karyolot.contracts.record_extranuclear import (
    DeletionRow,
    ForeignRecord,
    ForeignRow,
    HeteroplasmyRow,
    IntegrationRow,
    MitochondrialRecord,
)
from karyolot.contracts.record_rna import (
    ArmShiftRow,
    ExpressionRecord,
    GeneRow,
    GeneTrack,
    HeatRow,
    MarkerRow,
    PanelModuleRow,
    PanelRecord,
    PanelSample,
    SampleMap,
    SetRow,
    StudySample,
)
from karyolot.contracts.small_variants import Missing, VariantFacts
from karyolot.contracts.text import Findings
from karyolot.report.overview import render_overview
from karyolot.report.record import point, worded
from karyolot.report.render import render

CODE = Code(
    karyolot_version="0.2.0", commit="b7d1e04f6a92c35d8e1f0a7b4c6d9e2f13572468", dirty=False, files_sha256="5e0d" * 16
)
"""What renders; another version than the one that made the records."""
GENOME = {
    "chr1": (248.96, 123.4),
    "chr2": (242.19, 93.9),
    "chr3": (198.30, 90.9),
    "chr4": (190.21, 50.0),
    "chr5": (181.54, 48.8),
    "chr6": (170.81, 59.8),
    "chr7": (159.35, 60.1),
    "chr8": (145.14, 45.2),
    "chr9": (138.39, 43.0),
    "chr10": (133.80, 39.8),
    "chr11": (135.09, 53.4),
    "chr12": (133.28, 35.5),
    "chr13": (114.36, 17.7),
    "chr14": (107.04, 17.2),
    "chr15": (101.99, 19.0),
    "chr16": (90.34, 36.8),
    "chr17": (83.26, 25.1),
    "chr18": (80.37, 18.5),
    "chr19": (58.62, 26.2),
    "chr20": (64.44, 28.1),
    "chr21": (46.71, 12.0),
    "chr22": (50.82, 15.0),
    "chrX": (156.04, 61.0),
    "chrY": (57.23, 10.4),
}
"""GRCh38: length and centromere in Mb, rounded."""
SHORT_ARMS_WITHOUT_SEQUENCE = {"chr13", "chr14", "chr15", "chr21", "chr22"}
HOSTILE = "<script>document.title='owned'</script>\"'><img src=x onerror=alert(1)>\u202eTOL\u0007</style>]]>"

CRITERIA = """
Q02|Lot and donor are the same person|identity.germline|fraction|identity|at least 0.8|CIRM/Coriell|A lot \
compared with another donor says nothing of its stability.
Q04|Sex as declared|identity.lot_sex|| validity|yes|StemCNV-check|A cheap sign of swapped tubes.
Q05|Usable bins|dna.usable_bins|fraction|validity|at least 0.8|engineering default|Blind data pass nothing.
Q06|Limit of detection at 5 Mb|cn.lod|cell fraction|stability|at most 0.2|G-banding of 20 cells: 14 to 22%|\
A pass must not rest on data that could not see.
C01|Published rule|cn.published_rule|segments|stability|at most 0|He 2025, Fig. 1d|The paper's rule as it is.
C02|Acquired change of 5 Mb or more|cn.acquired_long|calls|stability|at most 0|CIRM/Coriell|The resolution \
of G-banding, with the donor tested.
C03|Four copies or more|cn.high_copy|calls|stability|at most 0|Yamamoto 2022|The best evidenced correlate.
C04|Change at a recurrent region|cn.acquired_short|calls|stability|at most 0|hotspot table|20q11.21 is small.
R02|Hepatocyte markers fall|rna.mature_down|fraction of genes|identity|at least 0.75|He 2025, Fig. S2|Reprogrammed.
R03|Progenitor markers rise|rna.progenitor_up|fraction of genes|identity|at least 0.8|He 2025, Fig. S2|Reprogrammed.
R04|HLA class II absent|rna.hla2_max_tpm|TPM, highest|identity|below 1|He 2025, Fig. 1e-f|Flow decides.
P01|Passage within the validated range|process.passage|passage|process|at most 10|He 2025, Fig. 1c|Karyotypes \
were normal up to passage 10.
"""
"""id|title|metric|unit|kind|limit|source|reason"""
OPTIONAL = {"R02", "R03", "R04"}

MARKERS = [
    ("Mature hepatocyte", "down", "CYP3A4 UGT1A9 FAH ALB", 900.0, 9.0),
    ("Progenitor", "up", "KRT19 EPCAM CCL2 SOX9 TGFB1", 3.0, 70.0),
    ("Paracrine", "up", "HGF MMP1 MMP3", 1.5, 60.0),
    ("HLA class II", "absent", "HLA-DPA1 HLA-DPB1 HLA-DQA1 HLA-DQB1 HLA-DRA HLA-DRB1 CIITA", 6.0, 0.2),
    ("Identity", "detected", "HNF4A CD44 THY1", 40.0, 60.0),
    ("YAP and TAZ targets", "report", "CCN1 CCN2 ANKRD1 AMOTL2", 12.0, 40.0),
    ("Pluripotency", "absent", "POU5F1 NANOG LIN28A", 0.05, 0.05),
]
PATHWAY_GENES = [("MMP1", 6.2), ("MMP3", 5.1), ("MMP14", 1.9), ("CTSK", 0.4), ("TIMP4", -0.7), ("PLG", -4.6)]
SETS = [
    ("GOBP_CANONICAL_WNT_SIGNALING_PATHWAY", "WNT", 1.94, 0.0021),
    ("GOBP_NOTCH_SIGNALING_PATHWAY", "NOTCH", 1.41, 0.046),
    ("GOBP_HIPPO_SIGNALING", "Hippo", 1.12, 0.31),
    ("GOBP_EXTRACELLULAR_MATRIX_DISASSEMBLY", "ECM disassembly", 2.31, 0.0004),
    ("GOBP_HEPATOCYTE_GROWTH_FACTOR_RECEPTOR_SIGNALING_PATHWAY", "HGF receptor", 1.66, 0.018),
    ("GOBP_XENOBIOTIC_METABOLIC_PROCESS", "Hepatocyte function", -2.74, 0.0002),
]


PLACES = [
    ("chr8", 0, 45_200_000, "band", "p11.1"), ("chr8", 45_200_000, 145_138_636, "band", "q11.1"),
    ("chr20", 0, 31_000_000, "band", "p13"), ("chr20", 31_000_000, 33_500_000, "band", "q11.21"),
    ("chr20", 33_500_000, 64_444_167, "band", "q11.22"), ("chr20", 31_664_457, 31_723_963, "listed", "BCL2L1"),
    ("chr20", 31_605_000, 31_606_000, "gene", "ID1"), ("chr20", 31_740_000, 31_801_000, "gene", "TPX2"),
    ("chr20", 32_770_000, 32_805_000, "gene", "DNMT3B"),
]  # fmt: skip
LANDMARKS = Landmarks.model_validate(
    dict(zip(("chrom", "start", "end", "kind", "name"), map(tuple, zip(*PLACES, strict=True)), strict=True))
)


def _log2_of_gain(fraction: float) -> float:
    return math.log2(1 + fraction / 2)


def planted_karyotype(changes: list[dict[str, Any]], sex: str) -> str:
    """As `dna.karyotype` writes it, for the changes of this module."""
    normal = f"46,X{'X' if sex == 'F' else 'Y'}"
    text = "mos 47,XY,+8,dup(20)(q11.21q11.21)[40%]/46,XY" if changes else normal
    return f"{text} (by depth; ploidy not measured)"


def copy_number(
    changes: list[dict[str, Any]],
    *,
    sex: str,
    noise: float = 0.05,
    bin_bp: int = 500_000,
    lod: float | None = 0.12,
    seed: int = 1,
    off_scale: bool = False,
) -> CopyNumberRecord:
    """A track with the given changes (chrom, start, end in Mb, fraction, type, ...) in it, and the calls that fit."""
    random_ = random.Random(seed)
    chromosomes, offset = [], 0
    chrom, start, ratio, lot, donor = [], [], [], [], []
    segments, arms = [], []
    for name, (length_mb, centromere_mb) in GENOME.items():
        copies = {"chrX": 2 if sex == "F" else 1, "chrY": 0 if sex == "F" else 1}.get(name, 2)
        length, centromere = round(length_mb * 1e6), round(centromere_mb * 1e6)
        chromosomes.append(Chromosome(name=name, length=length, offset=offset, centromere=centromere, copies=copies))
        offset += length
        edges: list[float] = [0, length]
        for change in (c for c in changes if c["chrom"] == name):
            edges += [change["start"] * 1e6, change["end"] * 1e6]
        edges = sorted(set(edges))
        for low, high in pairwise(edges):
            value = sum(
                _log2_of_gain(c["fraction"] if c["type"] == "gain" else -c["fraction"])
                for c in changes
                if c["chrom"] == name and c["start"] * 1e6 <= low and high <= c["end"] * 1e6
            )
            count = 0
            for position in range(int(low // bin_bp) * bin_bp, int(high) - bin_bp, bin_bp):
                hidden = abs(position - centromere) < 1.5e6
                hidden |= name in SHORT_ARMS_WITHOUT_SEQUENCE and position < centromere
                if hidden or copies == 0 or position < low:
                    continue
                base = math.log2(copies / 2)
                chrom.append(name)
                start.append(position)
                ratio.append(round(value + random_.gauss(0, noise), 3))
                donor.append(round(base + random_.gauss(0, noise * 0.9), 3))
                lot.append(round(base + value + random_.gauss(0, noise * 0.9), 3))
                count += 1
            if count:
                drawn = value + random_.gauss(0, noise / math.sqrt(count))
                segments.append(SegmentRow(chrom=name, start=int(low), end=int(high), log2=round(drawn, 4), bins=count))
        for arm in "pq":
            blind = copies == 0 or (arm == "p" and name in SHORT_ARMS_WITHOUT_SEQUENCE)
            found = None if blind or lod is None else lod / 3
            arms.append(
                ArmRow(
                    scope="arm",
                    name=name + arm,
                    bins=0 if blind else 100,
                    usable=0.0 if blind else 0.93,
                    masked={"gap": 1.0} if blind else {"gap": 0.05, "gc": 0.02},
                    log2=None if blind else 0.001,
                    z=None if blind else 0.4,
                    lod_gain=found,
                    lod_loss=found,
                    tetraploid_gain=None if found is None else 2 * found,
                    tetraploid_loss=None if found is None else 2 * found,
                    assessable=not blind and lod is not None,
                )
            )
    if off_scale:
        ratio[10], ratio[20], ratio[30] = 2.4, -2.9, -1.9
    calls = tuple(
        CallRow.model_validate(
            {
                "id": f"E{number}",
                "name": c["name"],
                "extent": c["extent"],
                "copies": 2,
                "tetraploid": round(2 * c["fraction"], 3),
                "tetraploid_low": round(2 * c["fraction"] - 0.06, 3),
                "tetraploid_high": round(2 * c["fraction"] + 0.06, 3),
                "limit": 0.04,
                "tetraploid_limit": 0.08,
                "chrom": c["chrom"],
                "start": round(c["start"] * 1e6),
                "end": round(c["end"] * 1e6),
                "type": c["type"],
                "size_mb": round(c["end"] - c["start"], 2),
                "log2": round(_log2_of_gain(c["fraction"] if c["type"] == "gain" else -c["fraction"]), 3),
                "fraction": c["fraction"],
                "fraction_low": round(c["fraction"] - 0.03, 3),
                "fraction_high": round(c["fraction"] + 0.03, 3),
                "z": 21.4,
                "class": c["class"],
                "origin": c.get("origin", "acquired"),
                "published_rule": c.get("published_rule", "none"),
                "lot_copies": round(2 + (c["fraction"] if c["type"] == "gain" else -c["fraction"]), 2),
                "donor_log2": 0.004,
                "donor_lod": 0.06,
                "artefact": c.get("artefact", ""),
                "tests": c["tests"],
                "bands": c["bands"],
                "genes": c["genes"],
                "recurrent": c["recurrent"],
                **{key: c[key] for key in c if key.startswith(("expression", "alleles"))},
            }
        )
        for number, c in enumerate(changes, 1)
    )
    rule = [c.get("published_rule", "none") for c in changes]
    return CopyNumberRecord(
        chromosomes=tuple(chromosomes),
        bins=BinTrack(bin_bp=bin_bp, chrom=chrom, start=start, log2=ratio, lot_log2=lot, donor_log2=donor),
        segments=tuple(segments),
        calls=calls,
        donor_variants=(
            DonorVariantRow(
                chrom="chr7",
                start=14_200_000,
                end=14_290_000,
                donor_log2=-0.97,
                lot_log2=-0.99,
                shared=True,
                bands="7p21.2",
                genes="DGKB",
            ),
            DonorVariantRow(chrom="chr16", start=3_250_000, end=3_340_000, donor_log2=0.57, lot_log2=0.55, shared=True),
        ),
        landmarks=LANDMARKS,
        arms=tuple(arms),
        recurrent=(
            RecurrentRow(
                region="20q11.21",
                change="gain",
                genes="BCL2L1",
                context="pluripotent stem cell culture; often below 5 Mb",
                source="Baker 2016 (PMC5106530)",
                bins=0 if lod is None else 7,
                log2=None if lod is None else 0.002,
                lod=None if lod is None else round(lod * 1.3, 3),
                tetraploid_lod=None if lod is None else round(lod * 2.6, 3),
                changed=any("20q11.21" in c["recurrent"] for c in changes),
            ),
        ),
        lod=tuple(
            LodRow(
                size_mb=size,
                gain=None if lod is None or size < 2 else round(lod * math.sqrt(5 / size), 3),
                loss=None if lod is None or size < 2 else round(lod * 0.96 * math.sqrt(5 / size), 3),
                tetraploid_gain=None if lod is None or size < 2 else round(2 * lod * math.sqrt(5 / size), 3),
                tetraploid_loss=None if lod is None or size < 2 else round(1.92 * lod * math.sqrt(5 / size), 3),
                gains_spiked_in=0 if lod is None or size < 2 else 200,
                gains_found=0 if lod is None or size < 2 else 190,
                losses_spiked_in=0 if lod is None or size < 2 else 200,
                losses_found=0 if lod is None or size < 2 else 193,
            )
            for size in (1.0, 2.0, 5.0, 10.0, 20.0)
        ),
        sets=None,
        ladder=False,
        karyotype=None if lod is None else planted_karyotype(changes, sex),
        karyotype_withheld="a change of 5 Mb is not detectable even in all cells" if lod is None else "",
        power=0.95,
        claim_mb=5.0,
        published_gain_log2=math.log2(1.5),
        published_loss_log2=-1.0,
        published_gains=rule.count("gain"),
        published_losses=rule.count("loss"),
    )


def expression(seed: int = 2) -> ExpressionRecord:
    random_ = random.Random(seed)
    markers = []
    for group, expected, genes, donor_level, lot_level in MARKERS:
        for gene in genes.split():
            donor = round(donor_level * 2 ** random_.gauss(0, 0.8), 2)
            lot = round(lot_level * 2 ** random_.gauss(0, 0.8), 2)
            if gene == "ALB":
                donor, lot = 41_000.0, 610.0
            change = round(math.log2((lot + 0.1) / (donor + 0.1)), 3)
            if gene == "TGFB1":
                lot, change = donor, 0.03
            met = {
                "down": change <= -1,
                "up": change >= 1,
                "absent": lot < 1,
                "detected": lot >= 1,
                "report": None,
            }[expected]
            markers.append(
                MarkerRow(
                    gene_name=gene,
                    group=group,
                    expected=expected,
                    lot_tpm=lot,
                    lot_tpm_low=round(lot * 0.86, 2),
                    lot_tpm_high=round(lot * 1.17, 2),
                    donor_tpm=donor,
                    log2fc=change,
                    log2fc_low=round(change - 0.6, 3),
                    log2fc_high=round(change + 0.6, 3),
                    padj=None if expected == "absent" else min(1.0, 10 ** (-3 * abs(change))),
                    met=None if met is None else "yes" if met else "no",
                    limit_tpm=1.0 if expected in ("absent", "detected") else None,
                    limit_log2fc={"down": -1.0, "up": 1.0}.get(expected),
                )
            )
    markers.append(
        MarkerRow(
            gene_name="GPC3",
            group="Pluripotency",
            expected="absent",
            lot_tpm=None,
            lot_tpm_low=None,
            lot_tpm_high=None,
            donor_tpm=None,
            log2fc=None,
            padj=None,
            met=None,
            limit_tpm=1.0,
        )
    )
    return ExpressionRecord(
        lot_replicates=2,
        donor_replicates=2,
        lot_cultures=2,
        donor_cultures=2,
        p_values=True,
        significance=0.05,
        genes_tested=17_204,
        genes_up=3_112,
        genes_down=2_874,
        top_up=tuple(GeneRow(gene_name=f"UP{n}", mean=20.0 * n, log2fc=8.0 - n / 10, padj=1e-9) for n in range(1, 11)),
        top_down=tuple(GeneRow(gene_name=f"DOWN{n}", mean=9.0, log2fc=n / 10 - 12, padj=1e-9) for n in range(1, 11)),
        genes=GeneTrack(mean=(66, 66, 50), change=(79, 0, -119), state=(1, 0, -1)),
        markers=tuple(markers),
        sets=tuple(
            SetRow(
                set_name=name,
                axis=axis,
                informational=axis == "Hepatocyte function",
                used=41,
                set_size=56,
                nes=nes,
                padj=padj,
                leading_edge=("FZD7", "WNT5A", "LRP6", "AXIN2", "LEF1", "TCF7", "DKK1", "SFRP1"),
            )
            for name, axis, nes, padj in SETS
        ),
        heat_samples=("PHH-1", "PHH-2", "LPC-1", "LPC-2"),
        heat=tuple(
            HeatRow(gene_name=gene, group=group, log2=(-around, around, change - around, change + around))
            for gene, group, change, around in [
                *((row.gene_name, row.group, row.log2fc or 0.0, 0.2) for row in markers),
                *((gene, "ECM disassembly", change, 0.3) for gene, change in PATHWAY_GENES),
                ("MET", "HGF receptor", 1.1, 0.2),
            ]
        ),
        arms=tuple(
            ArmShiftRow(arm=name + arm, genes=0, log2=None, se=None, z=None)
            if arm == "p" and name in SHORT_ARMS_WITHOUT_SEQUENCE
            else ArmShiftRow(arm=name + arm, genes=210, log2=shift, se=0.1, z=shift / 0.1)
            for name in GENOME
            for arm in "pq"
            for shift in [0.46 if name == "chr8" else round(random_.gauss(0, 0.05), 3)]
        ),
    )


PANEL = PanelRecord(
    version="1.0",
    sha256="4e" * 32,
    lots=7,
    donors=5,
    left_out=False,
    not_passed=(),
    reason="",
    tier="provisional",
    modules=tuple(
        PanelModuleRow(
            name=name, expected=expected, lot=0.31, donor=0.31 - difference, difference=difference, panel_mean=mean,
            panel_sd=0.04, limit=limit, tolerance=tolerance, margin=margin,
        )
        for name, expected, difference, mean, limit, tolerance, margin in [
            ("maturity", "down", -0.42, -0.4, -0.31, -0.25, 2.7),
            ("progenitor", "up", 0.21, 0.36, 0.27, 0.22, -1.5),
            ("potency", "down", 0.01, 0.0, 0.09, 0.12, 2.0),
        ]
    ),
    genes_tested=16_210,
    genes_higher=12,
    genes_lower=7,
    map=SampleMap(
        samples=tuple(
            StudySample(sample_id=name, donor_id="D-014", lot_id="HLP-2031-07" if lot else "", first=first, second=second)
            for name, lot, first, second in [
                ("PHH-1", False, -20.0, 3.0), ("PHH-2", False, -21.0, 4.0), ("LPC-1", True, 13.0, 7.0),
                ("LPC-2", True, 14.0, 6.0),
            ]
        ),
        variance_explained=(0.58, 0.11),
        panel=tuple(
            PanelSample(is_lot=lot, first=(12.0 if lot else -20.0) + n, second=float(n % 3 - 1))
            for lot, count in ((True, 7), (False, 5))
            for n in range(count)
        ),
    ),
)  # fmt: skip


def against_panel(record: ExpressionRecord) -> ExpressionRecord:
    """The same lot with a reference panel beside."""
    markers = tuple(
        row if row.lot_tpm is None else row.model_copy(
            update={"panel_tpm_low": row.lot_tpm / 3, "panel_tpm_high": row.lot_tpm * 2, "panel_p": 1.0}
        )
        for row in record.markers
    )  # fmt: skip
    return record.model_copy(update={"markers": markers, "panel": PANEL})


def _variant(name: str, **facts: object) -> SmallVariantRow:
    """A small variant of a driver gene; what is not named is as in most."""
    usual: dict[str, object] = {
        "name": name, "gene": name.split()[0], "role": "driver", "hotspot": "", "consequence": "missense", "artefact": "",
        "pattern": "", "rna_lot_alt": 0, "rna_lot_depth": 0, "rna_donor_alt": 0, "rna_donor_depth": 0, "fraction": 0.5,
        "fraction_low": 0.3, "fraction_high": 0.7, "caller": "karyolot", "event": "", "second": "", "expression_log2": None,
    }  # fmt: skip
    return SmallVariantRow.model_validate(usual | facts)


SMALL_VARIANTS = SmallVariantRecord(
    rows=(
        _variant(
            "TP53 p.R175H", chrom="chr17", start=7_675_087, ref="C", alt="T", hotspot="R175", finding="tp53",
            origin="acquired", lot_ref=21, lot_alt=9, donor_ref=34, donor_alt=0, donor_lod=0.09, rna_lot_alt=11,
            rna_lot_depth=30, event="E1", second="loss", expression_log2=-0.8,
        ),
        _variant(
            "CTNNB1 chr3:41224646 GAAGTTACTGCTGTAGAACA>G (inframe deletion)", chrom="chr3", start=41_224_645,
            ref="GAAGTTACTGCTGTAGAACA", alt="G", consequence="inframe_deletion", finding="driver", origin="enriched",
            lot_ref=14, lot_alt=12, donor_ref=30, donor_alt=2, donor_lod=None,
        ),
    ),
    limits=tuple(
        VariantLimitRow(
            gene=gene, role="driver", hotspot=hotspot, positions=positions, lot_depth=31.2, donor_depth=30.1,
            fraction=fraction, spiked=0 if fraction is None else 100, found=0 if fraction is None else 96,
            indel_fraction=0.58 if (gene, hotspot) == ("CTNNB1", "") else None, indel_spiked=100 * (gene == "CTNNB1"),
            indel_found=95 * (gene == "CTNNB1"),
        )
        for gene, hotspot, positions, fraction in (
            ("TP53", "", 1182, 0.52), ("TP53", "R175", 3, 0.39), ("CTNNB1", "", 228, 0.51), ("KEAP1", "", 1875, None),
        )
    ),
    facts=VariantFacts(
        drivers=4, assessable=2, fraction=0.52, unassessed="", power=0.95, spiked=300, found=288, lot_depth=31.2,
        donor_depth=30.1, missing=(Missing(gene="RB1", reason="no complete coding transcript"),), shallow=("KEAP1",),
        errors={"C>A": 310.0}, patterns=(), listed=12, licence="", rna=True, inherited=31, silent=2, indel_genes=1,
    ),
)  # fmt: skip


MITOCHONDRIA = MitochondrialRecord(
    facts=MitochondrialFacts(
        reason="", contig="chrM", length=16_569, rcrs=True,
        lot_copies=CopiesPerCell(value=412.0, low=398.0, high=426.0, sets=2.0),
        donor_copies=CopiesPerCell(value=1530.0, low=1490.0, high=1570.0, sets=2.0),
        lot_depth=3_090.0, donor_depth=11_480.0, positions=16_208, dispersion=1.3, threshold=1.03e-6, floor=0.01, nuclear=0.0048,
        lod=0.0157, deletion_lod=0.0071, power=0.95, pathogenic=0.6, lot_left_out=0.004, donor_left_out=0.001,
    ),
    alleles=(
        HeteroplasmyRow(
            start=3_242, ref="A", alt="G", gene="MT-TL1", change="", altering=True, lot=0.118, lot_low=0.107, lot_high=0.13,
            lot_depth=3_101, donor=0.004, donor_low=0.003, donor_high=0.006, donor_depth=11_502, shift=0.114, shift_low=0.103,
            shift_high=0.126, lod=0.0151, finding="shift",
        ),
        HeteroplasmyRow(
            start=16_092, ref="T", alt="C", gene="", change="", altering=False, lot=0.31, lot_low=0.294, lot_high=0.327,
            lot_depth=2_988, donor=0.302, donor_low=0.294, donor_high=0.311, donor_depth=11_120, shift=0.008, shift_low=-0.01,
            shift_high=0.026, lod=None, finding="same",
        ),
    ),
    deletions=(
        DeletionRow(
            start=8_469, size=4_977, repeat=13, common=True, lot_reads=3, lot=0.0011, lot_low=0.0004, lot_high=0.0033,
            donor_reads=71, donor=0.0083, donor_low=0.0066, donor_high=0.0105, shift=-0.0072, shift_low=-0.0095,
            shift_high=-0.0046, depth=None, depth_low=None, depth_high=None, finding="same",
        ),
    ),
)  # fmt: skip


FOREIGN = ForeignRecord(
    facts=ForeignFacts(groups=2, missing=("HCV",), rna=True, power=0.95),
    sequences=(
        ForeignRow(
            role="lot", assay="DNA", group="HBV", kind="virus", sequence="X02763.1", fragments=88, starts=86, parts=9,
            breadth=0.82,
            copies=0.55, copies_low=0.44, copies_high=0.68, lod=0.044, finding="found",
        ),
        ForeignRow(
            role="lot", assay="RNA", group="phiX174", kind="control", sequence="", fragments=0, starts=0, parts=0, breadth=0.0,
            copies=None, copies_low=None, copies_high=None, lod=None, finding="none",
        ),
    ),
    integrations=(
        IntegrationRow(role="lot", group="HBV", chrom="chr5", start=1_295_000, end=1_295_003, fragments=11, split=4),
    ),
)  # fmt: skip


def study() -> StudyExpression:
    """Two samples of each of three lots and of their two donors; lots and hepatocytes lie apart."""
    rows = [("D-009", ""), ("D-009", "HLP-2031-04"), ("D-014", ""), ("D-014", "HLP-2031-07"), ("D-014", "HLP-2031-09")]
    samples = tuple(
        StudySample(
            sample_id=f"{lot or donor}-rna{n}", donor_id=donor, lot_id=lot, first=(9.0 if lot else -9.0) + n,
            second=(4.0 if donor == "D-014" else -4.0) + n / 2,
        )
        for donor, lot in rows
        for n in (1, 2)
    )  # fmt: skip

    def score(sign: float) -> tuple[float, ...]:
        return tuple(round(sign if sample.lot_id else -sign, 3) for sample in samples)

    return StudyExpression(
        samples=samples,
        variance_explained=(0.61, 0.14),
        distances=tuple(
            tuple(round(math.hypot(a.first - b.first, a.second - b.second) / 6, 3) for b in samples) for a in samples
        ),
        groups=("mature hepatocyte", "progenitor", "HLA class II"),
        scores=(score(-2.1), score(1.4), score(-0.3)),
        sets=("GO:0060070 canonical Wnt signaling pathway", "GO:0006699 bile acid biosynthetic process"),
        set_scores=(score(0.41), score(-0.52)),
    )


LOSS_4Q = AlleleEventRow(
    chrom="chr4", start=120_000_000, end=190_210_000, kind="copy-neutral", sites=281, shift=0.2, fraction=0.4,
    fraction_low=0.37, fraction_high=0.43, log2=0.002, log2_se=0.004,
)  # fmt: skip


def alleles(
    copies: CopyNumberRecord, events: tuple[AlleleEventRow, ...], *, reason: str = "", seed: int = 9
) -> AlleleRecord:
    """A panel of SNPs: about 4,000 drawn sites of 12,345, some 30 reads deep. reason: why allele shares were not assessed."""
    random_ = random.Random(seed)
    track: dict[str, list[Any]] = {"chrom": [], "start": [], "lot": [], "donor": []}
    autosomes = [chromosome for chromosome in copies.chromosomes if chromosome.name[3:].isdigit()]
    total = sum(chromosome.length for chromosome in autosomes)
    moved = [(one.chrom, one.start, one.end, one.shift) for one in events]
    moved += [(call.chrom, call.start, call.end, call.fraction / (2 * (2 + call.fraction))) for call in copies.calls]
    for chromosome in autosomes:
        number = 0 if reason else round(4000 * chromosome.length / total)
        for start in sorted(random_.randrange(chromosome.length) for _ in range(number)):
            shift = sum(by for chrom, low, high, by in moved if chrom == chromosome.name and low <= start < high)
            way = random_.choice((-1, 1))
            track["chrom"].append(chromosome.name)
            track["start"].append(start)
            for sample, share in (("lot", 0.49 + way * shift), ("donor", 0.49)):
                depth = random_.randrange(20, 41)
                track[sample].append(round(sum(random_.random() < share for _ in range(depth)) / depth * 1000))
    return AlleleRecord(
        result="MATCH", sites=38_112, panel=40_000, lot_depth=30.2, donor_depth=31.0, log10_unrelated=9412.0,
        log10_sibling=3120.0, contamination=0.001, contamination_low=0.0, contamination_high=0.002,
        contamination_lod=0.002, het_sites=41 if reason else 12_345, events=events, size_mb=10.0,
        lod=None if reason else 0.2, threshold=None if reason else 1.1e-5, track=AlleleTrack(**track),
        arms=() if reason else tuple(_arm_alleles(copies.chromosomes, moved)),
    )  # fmt: skip


def _arm_alleles(
    chromosomes: tuple[Chromosome, ...], moved: list[tuple[str, int, int, float]]
) -> Iterator[AlleleArmRow]:
    """Moved where one of `moved` (chrom, start, end, shift) covers half of the arm; too few sites on X, Y and the short
    arms without sequence."""
    for one in chromosomes:
        centromere = one.centromere or 0
        for arm, start, end in (("p", 0, centromere), ("q", centromere, one.length)):
            row: dict[str, Any] = {"chrom": one.name, "start": start, "end": end, "arm": one.name + arm}
            shift = sum(by for chrom, a, b, by in moved if chrom == one.name and min(b, end) - max(a, start) > end / 4)
            few = one.name in ("chrX", "chrY") or (arm == "p" and one.name in SHORT_ARMS_WITHOUT_SEQUENCE)
            if few:
                known = dict.fromkeys(("shift", "shift_low", "shift_high", "p", "fraction_high"))
                yield AlleleArmRow.model_validate(row | known | {"sites": 0, "evidence": "few"})
                continue
            low, high = max(0.0, shift - 0.02), shift + 0.02
            told = {"shift": shift, "shift_low": low, "shift_high": high, "fraction_high": 2 * high}
            told |= {"p": 2e-40 if shift else 0.21, "evidence": "imbalanced" if shift else "balanced", "sites": 312}
            yield AlleleArmRow.model_validate(row | told)


def qc(lot_id: str, donor_id: str, million_pairs: float, rna: bool) -> tuple[SampleQc, ...]:
    samples = []
    for sample_id, role in ((f"{lot_id}_wgs", "lot"), (f"{donor_id}_phh_wgs", "donor")):
        samples.append(
            SampleQc.model_validate(
                {
                    "sample_id": sample_id,
                    "role": role,
                    "assay": "wgs",
                    "figures": [
                        QcFigure(name="Reads in", value=int(million_pairs * 1e6), unit="pairs or reads"),
                        QcFigure(name="Mapped reads", value=99.21, unit="%"),
                        QcFigure(name="Duplicates", value=8.13, unit="%"),
                        QcFigure(name="Usable fragments", value=int(million_pairs * 8.9e5)),
                        QcFigure(name="Mean coverage", value=round(million_pairs * 0.097, 2), unit="x"),
                        QcFigure(name="Insert size, median", value=None, unit="bases"),
                    ],
                }
            )
        )
    if rna:
        for sample_id, role in ((f"{lot_id}_r1", "lot"), (f"{lot_id}_r2", "lot"), (f"{donor_id}_phh_r1", "donor")):
            samples.append(
                SampleQc.model_validate(
                    {
                        "sample_id": sample_id,
                        "role": role,
                        "assay": "rnaseq",
                        "figures": [
                            QcFigure(name="Read pairs", value=31_204_118),
                            QcFigure(name="Assigned to transcripts", value=88.7, unit="%"),
                        ],
                    }
                )
            )
    return tuple(samples)


def verdict(
    lot_id: str,
    outcome: Any,
    outcomes: dict[str, tuple[Outcome, Any, str]],
    headline: str,
    claim: str,
    suppressed: bool = False,
) -> Verdict:
    """Criteria not named in `outcomes` pass."""
    fallback: dict[str, Any] = {
        "Q02": 1.0,
        "Q04": True,
        "Q05": 0.93,
        "Q06": 0.12,
        "C01": 0,
        "C02": 0,
        "C03": 0,
        "C04": 0,
        "R02": 1.0,
        "R03": 0.8,
        "R04": 0.31,
        "P01": 8,
    }
    results = []
    for line in CRITERIA.strip().splitlines():
        id_, title, metric, unit, kind, limit, source, reason = (cell.strip() for cell in line.split("|"))
        state, value, explanation = outcomes.get(id_, ("PASS", fallback[id_], "Within the limit."))
        results.append(
            CriterionResult(
                id=id_,
                title=title,
                metric=metric,
                unit=unit,
                kind=kind,
                required=id_ not in OPTIONAL,
                limit=limit,
                value=value,
                outcome=state,
                explanation=explanation,
                source=source,
                reason=reason,
            )
        )
    deciding = {outcome} | ({"NOT_ASSESSED"} if outcome == "INDETERMINATE" else set())
    decided = tuple(r.id for r in results if r.outcome in deciding and r.required)
    return Verdict(
        lot_id=lot_id,
        outcome=outcome,
        reasons=() if outcome == "PASS" else decided,
        suppressed=suppressed,
        headline=headline,
        claim=claim,
        claim_arms="",
        claim_variants="",
        weakened=(),
        actions=(Action(text="Have the report reviewed, and sign the release decision.", criteria=()),)
        if outcome == "PASS"
        else (Action(text="Confirm the finding by FISH or G-banding.", criteria=decided),),
        acceptance_name="HepLPC",
        acceptance_version="1.2",
        criteria=tuple(results),
    )


LIBRARIES = """PyYAML anndata cramjam formulaic gseapy h5py jinja2 markupsafe matplotlib numpy pandas pandera pyarrow
pydantic pydeseq2 scanpy scipy weasyprint"""
REFERENCE_FILES = """reference/GRCh38.fa reference/genes.gtf reference/mappability.bw reference/blacklist.bed
reference/transcripts.fa shipped:acceptance.yaml shipped:recurrent_regions.tsv shipped:markers.tsv shipped:gene_sets/go.gmt
shipped:gene_sets/yap_taz.gmt shipped:gene_sets/axes.tsv"""


def record(
    lot_id: str,
    donor_id: str,
    sex: Any,
    passage: int,
    verdict_: Verdict,
    copies: CopyNumberRecord,
    rna: ExpressionRecord | None,
    pairs: float = 310.0,
    findings: Findings | None = None,
    **changes: Any,
) -> Record:
    fields: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "notice": "",
        "lot": LotFacts(
            lot_id=lot_id,
            donor_id=donor_id,
            donor_sex=sex,
            facts={
                "passage": passage,
                "pdl": 11.2,
                "bank": "MCB",
                "thaw_state": "fresh",
                "medium_lot": "M-553",
                "parent_lot_id": None,
                "cryo_protocol": None,
                "collection_date": "2031-02-11",
            },
        ),
        "verdict": verdict_,
        "copy_number": copies,
        "expression": rna,
        "qc": qc(lot_id, donor_id, pairs, rna is not None),
        "not_seen": ("ploidy", "balanced rearrangements", "copy-neutral loss of heterozygosity", "centromeres"),
        "provenance": Provenance(
            karyolot_version="0.1.0",
            commit="3fe2a1c09b7d5e4f8a6c1d2e3f405162738495a6",
            dirty=False,
            files_sha256="c4a7" * 16,
            python="3.11.2",
            tools={"bwa": "0.7.17", "fastp": "0.23.2", "salmon": "1.10.1", "samtools": "1.16.1"},
            libraries=dict.fromkeys(LIBRARIES.split(), "2.4.6"),
            inputs=tuple(
                InputFile(path=path, bytes=8_314_882_113, sha256=f"{index:02x}" * 32)
                for index, path in enumerate(
                    [
                        f"reads/{sample}_L1_R{mate}.fastq.gz"
                        for sample in [
                            f"{donor_id}-wgs",
                            f"{lot_id}-wgs",
                            *(f"{o}-rna{n}" for o in (donor_id, lot_id) for n in (1, 2)),
                        ]
                        for mate in (1, 2)
                    ]
                    + REFERENCE_FILES.split(),
                    17,
                )
            ),
            config_differences=(
                ConfigDifference(setting="copy_number.lod_sizes_mb", default=[1, 2, 5], used=[1, 2, 5, 10, 20]),
                ConfigDifference(setting="reference.replication_timing", default=None, used=None),
            ),
            acceptance_sha256="9b1c" * 16,
            reference={"layout": "GRCh38", "fasta": "77ad" * 16, "gtf": None},
        ),
    }
    fields["point"] = point(fields["lot"], verdict_, copies, fields["qc"])
    return worded(Measured.model_validate(fields | changes), findings or leading(rna is not None))


def leading(rna: bool, **sections: tuple[str, ...]) -> Findings:
    """Leading sentences, as if found in the results."""
    said: dict[str, tuple[str, ...]] = {
        "limits": (
            "No replication-timing track was given: it was not corrected.",
            "Hepatocytes are partly polyploid; a bulk ratio averages this away.",
        ),
        "expression": (
            "Hepatocyte genes fall and progenitor genes rise, as in the published lots.",
            "Of 17,204 genes tested 3,112 are higher and 2,874 lower in the lot than in the donor (adjusted p < 0.05).",
        )
        * rna,
    }
    return Findings(**(said | sections))


def reworded(record: Record, **changes: Any) -> Record:
    """The record with other numbers, and the words that fit them. Its findings stay, unless `findings` are given."""
    findings = changes.pop("findings", record.text.findings)
    changed = record.model_copy(update=changes)
    if "point" not in changes:
        changed = changed.model_copy(
            update={"point": point(changed.lot, changed.verdict, changed.copy_number, changed.qc)}
        )
    return worded(changed, findings)


def html(record: Record, made_by: Code = CODE) -> str:
    """The page of a record."""
    return render(record, made_by)


def overview(rows: Any, *given: Any, **named: Any) -> str:
    """The page of all lots."""
    return render_overview(rows, CODE, *given, **named)


def imported(kind: Any, value: str, **facts: Any) -> ImportedResult:
    known: dict[str, Any] = dict.fromkeys(("unit", "analyte", "limit", "method", "date", "sha256", "comment", "met"))
    return ImportedResult(kind=kind, value=value, **(known | {"document": "BR-2031-07, page 12"} | facts))


IMPORTED = (
    imported(
        "karyotype", "47,XY,+8[19]/46,XY[1]", met=False, method="G-banding", date="2031-03-02",
        document="KAR-2031-118", sha256="3f" * 32,
    ),
    imported("viability", "93.5", unit="%", limit=">= 90", met=True, method="trypan blue", sha256="a0" * 32),
    imported("flow", "0.4", unit="%", analyte="HLA-DR", met=None, comment="no limit is set yet", sha256="a0" * 32),
)  # fmt: skip
DEVIATION = imported("deviation", "Incubator at 35.9 C for 3 h on day 6.", date="2031-02-05", document="DEV-2031-04")

TRISOMY_8 = {
    "alleles": "agree",
    "alleles_fraction": 0.95,
    "alleles_fraction_low": 0.91,
    "alleles_fraction_high": 0.99,
    "alleles_sites": 612,
    "expression": "agrees",
    "expression_log2": 0.46,
    "expression_z": 6.5,
    "chrom": "chr8",
    "start": 0,
    "end": 145.13,
    "type": "gain",
    "fraction": 0.97,
    "class": "clonal",
    "bands": "8p23.3-q24.3",
    "name": "Trisomy 8",
    "extent": "chromosome",
    "genes": "MYC,GATA4,FGFR1,RUNX1T1,NBN,EXT1,RAD21,PTK2,FZD6,TNFRSF11B",
    "recurrent": "8 (hPSC recurrent),MYC 8q24 (HCC)",
    "tests": "segment,arm,chromosome",
}
GAIN_20Q = {
    "alleles": "uninformative",
    "alleles_fraction": 0.31,
    "alleles_fraction_low": 0.0,
    "alleles_fraction_high": 0.52,
    "alleles_sites": 44,
    "expression": "uninformative",
    "expression_log2": 0.06,
    "expression_z": 0.6,
    "chrom": "chr20",
    "start": 31.0,
    "end": 33.5,
    "type": "gain",
    "fraction": 0.4,
    "class": "sub-clonal",
    "bands": "20q11.21",
    "name": "Gain of 20q11.21 with BCL2L1",
    "extent": "part",
    "genes": "BCL2L1,DNMT3B,ID1,TPX2",
    "recurrent": "20q11.21 (hPSC recurrent)",
    "tests": "segment",
}


OWN_SAMPLES = SampleMap(
    samples=tuple(
        StudySample(sample_id=f"{owner}_r{n}", donor_id="D-009", lot_id=lot, first=first, second=second)
        for owner, lot, n, first, second in (
            ("D-009", "", 1, 20.0, 1.0),
            ("D-009", "", 2, 21.0, -1.0),
            ("HLP-2031-04", "HLP-2031-04", 1, -20.0, 4.0),
            ("HLP-2031-04", "HLP-2031-04", 2, -21.0, -4.0),
        )
    ),
    variance_explained=(0.79, 0.12),
)


@cache
def failing() -> Record:
    copies = copy_number(
        [TRISOMY_8, GAIN_20Q],
        sex="M",
        off_scale=True,
    )
    return record(
        "HLP-2031-07",
        "D-014",
        "M",
        8,
        verdict(
            "HLP-2031-07",
            "FAIL",
            {
                "C02": ("FAIL", 1, "1 acquired change of at least 5 Mb: gain of 8."),
                "C04": ("REVIEW", 1, "1 acquired change below 5 Mb: gain of 20q11.21."),
                "R03": ("PASS", 0.8, "KRT19, EPCAM, CCL2 and SOX9 rose; TGFB1 did not."),
            },
            "At least one stability criterion is outside its limit.",
            "Limit of detection: changes of 5 Mb or larger in at least 12% of cells, with 95% probability.",
        ),
        copies,
        against_panel(expression()),
        alleles=alleles(copies, (LOSS_4Q,)),
        not_seen=tuple(thing for thing in NOT_SEEN if thing != CNLOH),
        imported=IMPORTED,
        deviations=(DEVIATION,),
        small_variants=SMALL_VARIANTS,
        mitochondria=MITOCHONDRIA,
        foreign=FOREIGN,
        findings=leading(
            True,
            copy_number=("2 changes of the lot against its donor were called.",),
            alleles=("SNP genotypes confirm the declared donor. At 38112 sites covered in both.",),
            small_variants=("In 12 listed genes 31 small variants are inherited.", "Not detected in the donor: 1."),
            mitochondria=("1 allele of chrM differs between lot and donor.",),
            foreign=("Found in the lot: HBV, 0.55 copies per diploid genome (95% CI 0.44 to 0.68).",),
        ),
    )


def kinetics() -> Kinetics:
    """Two lots of a line: a clone called in both that grows, and one called in neither alone."""
    lots, passages = ("HLP-2031-02", "HLP-2031-04"), (3.0, 5.0)

    def clone(name: str, found: Literal["lots", "line"], fractions: tuple[float, float], growth: Growth) -> Clone:
        own = tuple(
            CloneFraction(lot_id=lot, passage=passage, fraction=f, low=0.8 * f, high=1.2 * f, called=found == "lots")
            for lot, passage, f in zip(lots, passages, fractions, strict=True)
        )
        return Clone(
            name=name, chrom="chr1", start=0, end=50_000_000, type="gain", found=found, recurrent=True, fractions=own,
            donor_limit=0.09,
            growth=growth,
        )  # fmt: skip

    ahead = {"fit": None, "passage": 7.0}
    grows = Growth(rate=0.27, low=0.2, high=0.34, expected=0.22, expected_low=0.15, expected_high=0.31, **ahead)
    open_ = Growth(rate=0.1, low=-0.3, high=None, expected=0.05, expected_low=0.0, expected_high=0.4, **ahead)
    return Kinetics(
        lots=lots, passages=passages, weights=(0.5, 0.5),
        left_out=(LeftOut(lot_id="HLP-2031-01", reason="no verdict on stability"),),
        donor_weight=0.3, claim_mb=5.0, limit_gain=0.09, limit_loss=0.085, alone_gain=0.12, alone_loss=0.11,
        clones=(clone("Gain of 1q", "lots", (0.08, 0.14), grows), clone("Gain of 1p", "line", (0.04, 0.05), open_)),
        reason="",
    )  # fmt: skip


DESCENT = Descent(
    parent="HLP-2031-02", result="NOT ENOUGH", log10_ratio=0.9, needed=2.0, reason="the markers of the parent lot do not decide",
    markers=(
        Marker(
            kind="copy number", name="Gain of 1q", parent=0.08, parent_low=0.06, parent_high=0.1, own=0.14, own_low=0.11,
            own_high=0.17, log10_ratio=0.9, counted=True,
        ),
    ),
)  # fmt: skip


@cache
def passing() -> Record:
    copies = copy_number([], sex="F", seed=3)
    return record(
        "HLP-2031-04",
        "D-009",
        "F",
        5,
        verdict(
            "HLP-2031-04",
            "PASS",
            {},
            "The lot meets the criteria HepLPC v1.2.",
            "No acquired gain or loss of 5 Mb or more in 12% of cells or more (95% power).",
        ),
        copies,
        expression(5).model_copy(update={"map": OWN_SAMPLES}),
        alleles=alleles(copies, ()),
        earlier=(
            LotPoint(
                lot_id="HLP-2031-01",
                donor_id="D-009",
                passage=2,
                outcome="INDETERMINATE",
                fraction=None,
                lod=None,
                claim_mb=5.0,
                mark="HLP-2031-01, passage 2: INDETERMINATE",
            ),
            LotPoint(
                lot_id="HLP-2031-02",
                donor_id="D-009",
                passage=3,
                outcome="FAIL",
                fraction=0.21,
                lod=0.14,
                claim_mb=5.0,
                mark="HLP-2031-02, passage 3: FAIL, largest change in 21% of cells",
            ),
        ),
        lineage=(
            LineageEvent(
                name="Gain of 1q",
                lots=(
                    LineageFraction(lot_id="HLP-2031-01", fraction=None, low=None, high=None, limit=None),
                    LineageFraction(lot_id="HLP-2031-02", fraction=0.21, low=0.17, high=0.25, limit=0.06),
                    LineageFraction(lot_id="HLP-2031-04", fraction=None, low=None, high=None, limit=0.04),
                ),
                state="gone",
            ),
        ),
        kinetics=kinetics(),
        descent=DESCENT,
        not_seen=tuple(thing for thing in NOT_SEEN if thing != CNLOH),
    )


@cache
def thin() -> Record:
    copies = copy_number([], sex="F", noise=0.31, lod=None, seed=4, bin_bp=2_000_000)
    return record(
        "HLP-2031-05",
        "D-009",
        "F",
        6,
        verdict(
            "HLP-2031-05",
            "INDETERMINATE",
            {
                "Q05": ("INDETERMINATE", 0.31, "31% of the bins hold enough fragments."),
                "Q06": (
                    "NOT_ASSESSED",
                    None,
                    "None; about 52 times the reads of the lot are needed for a limit of 20%.",
                ),
                "R02": ("NOT_ASSESSED", None, "No RNA was given."),
                "R03": ("NOT_ASSESSED", None, "No RNA was given."),
                "R04": ("NOT_ASSESSED", None, "No RNA was given."),
            },
            "No verdict is possible. Open: usable bins (Q05), limit of detection at 5 Mb (Q06).",
            "No claim: the limit of detection is not known.",
            suppressed=True,
        ),
        copies,
        None,
        alleles=alleles(
            copies, (), reason="no allele evidence (41 of the 500 heterozygous SNPs needed reach 10x in both samples)"
        ),
        pairs=0.6,
        findings=leading(
            False,
            alleles=("Allele fractions were not assessed: 41 heterozygous sites reach a depth of 10; 500 are needed.",),
        ),
    )


@cache
def swapped() -> Record:
    return record(
        "HLP-2031-09",
        "D-014",
        "M",
        3,
        verdict(
            "HLP-2031-09",
            "FAIL_IDENTITY",
            {
                "Q02": (
                    "FAIL_IDENTITY",
                    0.0,
                    "Of 2 germline copy-number variants of the donor, none is in the lot.",
                ),
                "Q04": ("INDETERMINATE", False, "The reads of the lot say female, the sheet says male."),
                "C02": ("NOT_ASSESSED", None, "Not assessed: invalid data."),
            },
            "The lot is not the declared donor's.",
            "No claim: the lot was compared with another person.",
            suppressed=True,
        ),
        copy_number([], sex="M", seed=6),
        expression(7),
        provenance=failing().provenance.model_copy(update={"dirty": True, "commit": None}),
    )


@cache
def hostile() -> Record:
    """`failing` with HOSTILE wherever text can come from a person."""
    base = failing()
    return reworded(
        base,
        notice=HOSTILE,
        lot=LotFacts(lot_id=HOSTILE, donor_id=HOSTILE, donor_sex="M", facts={"passage": 8, HOSTILE: HOSTILE}),
        copy_number=base.copy_number.model_copy(
            update={
                "landmarks": LANDMARKS.model_copy(update={"name": (HOSTILE,) * len(PLACES)}),
                "calls": tuple(
                    c.model_copy(update={"name": HOSTILE, "bands": HOSTILE, "genes": HOSTILE, "recurrent": HOSTILE})
                    for c in base.copy_number.calls
                ),
            }
        ),
        findings=Findings(copy_number=(HOSTILE,), alleles=(HOSTILE,), limits=(HOSTILE,)),
        imported=tuple(
            r.model_copy(update=dict.fromkeys(("value", "unit", "analyte", "method", "document", "comment"), HOSTILE))
            for r in base.imported
        ),
        small_variants=SMALL_VARIANTS.model_copy(
            update={
                "rows": tuple(
                    r.model_copy(update={"name": HOSTILE, "gene": HOSTILE, "alt": HOSTILE}) for r in SMALL_VARIANTS.rows
                )
            }
        ),
        deviations=(DEVIATION.model_copy(update={"value": HOSTILE, "document": HOSTILE}),),
        qc=tuple(s.model_copy(update={"sample_id": HOSTILE}) for s in base.qc),
        provenance=base.provenance.model_copy(
            update={
                "inputs": (InputFile(path=HOSTILE, bytes=1, sha256="0" * 64),),
                "tools": {HOSTILE: HOSTILE},
                "config_differences": (ConfigDifference(setting=HOSTILE, default=HOSTILE, used={"a": HOSTILE}),),
            }
        ),
        verdict=base.verdict.model_copy(
            update={
                "headline": HOSTILE,
                "claim": HOSTILE,
                "criteria": tuple(
                    r.model_copy(update=dict.fromkeys(("title", "explanation", "source", "value"), HOSTILE))
                    for r in base.verdict.criteria
                ),
            }
        ),
    )


ALL = {"fail": failing, "pass": passing, "indeterminate": thin, "identity": swapped}
