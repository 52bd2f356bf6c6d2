"""A lot on its own: frozen panel of accepted lots, and one new lot against it.

Nothing here looks at other lots of the study: the same expression and the same panel give the same numbers.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.criteria import Metric, Metrics
from karyolot.contracts.expression import DETECTED_TPM, PanelComparison
from karyolot.contracts.metrics import PANEL_MODULES
from karyolot.contracts.panel import (
    MIN_LOTS,
    SCHEMA_VERSION,
    Judged,
    Paired,
    Panel,
    PanelDonor,
    PanelFacts,
    PanelLot,
    PanelModule,
    gene_digest,
)
from karyolot.contracts.problems import KaryolotError
from karyolot.rna.differential import PSEUDO_COUNT
from karyolot.rna.expression import normalised
from karyolot.rna.singscore import singscore
from karyolot.rna.summary import NO_LENGTHS

if TYPE_CHECKING:
    from anndata import AnnData

# anndata and scipy.stats are imported where they are used: they take seconds, and a lot without panel needs neither.

Floats = NDArray[np.float64]

MODULES: Mapping[str, tuple[str, str]] = {
    "maturity": ("mature hepatocyte", "down"),
    "progenitor": ("progenitor", "up"),
    "potency": ("secreted and matrix", "up"),
}
"""Module of PANEL_MODULES -> its genes: group and expectation in the marker table. The groups are the genes published for
this product; GO's sets of the same themes mix directions and tissues, so they are shown (pathways) and judge nothing."""
STATES = ("hepatocyte", "lot")
LEVEL = 0.95
"""Of the prediction limits: one accepted lot in twenty is stopped by each gate (Hahn & Meeker 1991)."""
CONFIDENCE, CONTENT = 0.95, 0.90
"""Of the tolerance bound: with this confidence this fraction of accepted lots keeps it (ISO 16269-6)."""
ROUNDING = 1e-12
"""Of the SD of equal differences."""


# Statistics


def prediction_factor(lots: int, level: float = LEVEL) -> float:
    """How many SD from the mean of `lots` values one more of the same normal population stays on one side, with
    probability `level`: t(level, lots - 1) sqrt(1 + 1/lots). lots >= 2."""
    from scipy.stats import t

    return float(t.ppf(level, lots - 1) * math.sqrt(1 + 1 / lots))


def tolerance_factor(lots: int, confidence: float = CONFIDENCE, content: float = CONTENT) -> float:
    """How many SD from the mean of `lots` values `content` of their normal population stays on one side, with
    `confidence`: the quantile of the noncentral t distribution, over sqrt(lots) (ISO 16269-6). lots >= 2."""
    from scipy.stats import nct, norm

    root = math.sqrt(lots)
    return float(nct.ppf(confidence, lots - 1, norm.ppf(content) * root) / root)


def holm(p: Floats) -> Floats:
    """p values adjusted by Holm's step-down; NaN are not counted and stay NaN."""
    adjusted = np.full(len(p), np.nan)
    order = np.argsort(p, kind="stable")[: int(np.isfinite(p).sum())]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


# Freezing


def annotation_digest(expression: "AnnData") -> str:
    """`gene_digest` of all genes of the table: what two runs quantified with one annotation share."""
    return gene_digest(zip(expression.var_names, expression.var["gene_name"], strict=True))


def freeze(
    lots: Mapping[str, "AnnData"],
    markers: pd.DataFrame,
    version: str,
    made_with: Mapping[str, str],
    verdicts: Mapping[str, Judged],
    reason: str = "",
) -> Panel:
    """The panel of accepted lots. lots: lot_id -> expression of the lot and its donor; markers: MarkerPanel; verdicts: of each
    lot; reason: why lots that did not pass are among them.

    The universe: genes that reach DETECTED_TPM in the mean of the lots or of their donors, and all genes of the modules.
    Genes that are noise everywhere would only move ranks with sequencing depth. Raises KaryolotError for a lot without
    samples, without its donor's, without TPM, of another annotation, or a module gene that is not annotated; and for lots that
    did not pass, without a reason: they would set the limits of all later lots.
    """
    names = sorted(lots)
    digest = _checked(lots, verdicts, reason)
    first = lots[names[0]]
    gtfs = {str(lots[name].uns["annotation"]["sha256"]) for name in names}
    genes = pd.Series(first.var["gene_name"].to_numpy(str), first.var_names.astype(str)).sort_index()
    of_state = {
        state: np.mean([_mean_tpm(lots[name], genes.index.tolist(), state) for name in names], axis=0)
        for state in STATES
    }
    modules = [
        _module(name, markers, genes, of_state["lot"] + of_state["hepatocyte"], group, expected)
        for name, (group, expected) in MODULES.items()
    ]
    detected = (of_state["lot"] >= DETECTED_TPM) | (of_state["hepatocyte"] >= DETECTED_TPM)
    genes = genes[detected | genes.index.isin([gene for module in modules for gene in module.gene_ids])]
    known = set(first.var["gene_name"]) - set().union(*(_without_tpm(lots[name])["gene_name"] for name in names))
    shown = sorted(name for name in set(markers["gene_name"]) if name in known)
    donors = {str(lots[name].obs["donor"].iloc[0]): lots[name] for name in reversed(names)}
    return Panel(
        schema_version=SCHEMA_VERSION,
        version=version,
        annotation_sha256=digest,
        annotation_genes=len(first.var_names),
        gtf_sha256=gtfs.pop() if len(gtfs) == 1 else "",
        gene_ids=tuple(genes.index),
        gene_names=tuple(genes),
        modules=tuple(modules),
        donors=tuple(
            PanelDonor(donor_id=donor, **_counts(donors[donor], genes.index, "hepatocyte")) for donor in sorted(donors)
        ),
        lots=tuple(_panel_lot(name, lots[name], verdicts[name], genes.index, modules, shown) for name in names),
        reason=reason.strip() if any(verdict.outcome != "PASS" for verdict in verdicts.values()) else "",
        made_with=dict(sorted(made_with.items())),
        sha256="",
    ).sealed()


def _panel_lot(
    name: str,
    expression: "AnnData",
    verdict: Judged,
    genes: Sequence[str],
    modules: Sequence[PanelModule],
    shown: Sequence[str],
) -> PanelLot:
    """genes: the universe; shown: markers."""
    return PanelLot(
        lot_id=name,
        donor_id=str(expression.obs["donor"].iloc[0]),
        outcome=verdict.outcome,
        report_id=verdict.report_id,
        modules=module_scores(expression, genes, modules),
        markers=marker_levels(expression, shown),
        **_counts(expression, genes, "lot"),
    )


def _checked(lots: Mapping[str, "AnnData"], verdicts: Mapping[str, Judged], reason: str) -> str:
    """The digest of the annotation that all lots of a panel share."""
    if not lots:
        raise KaryolotError("a panel needs one lot or more; name accepted lots")
    names = sorted(lots)
    other = [f"{name} ({verdicts[name].outcome})" for name in names if verdicts[name].outcome != "PASS"]
    if other and not reason.strip():
        remedy = (
            "leave them out, or state with --reason why they belong in the panel: every report that uses it prints it"
        )
        raise KaryolotError(f"a panel is made of lots that passed, and these did not: {', '.join(other)}", remedy)
    for name in names:
        _check_lot(name, lots[name])
    digests = {name: annotation_digest(lots[name]) for name in names}
    if differing := [name for name in names if digests[name] != digests[names[0]]]:
        raise KaryolotError(
            f"lot {differing[0]} was quantified with another annotation than {names[0]} (gene ids or names differ); run all"
            " lots of a panel with one reference.gtf"
        )
    return digests[names[0]]


def _check_lot(name: str, expression: "AnnData") -> None:
    states = set(expression.obs["state"])
    if "hepatocyte" not in states:
        raise KaryolotError(
            f"lot {name} has no RNA of its donor's hepatocytes; add it to the study, or leave the lot out"
        )
    if set(expression.obs.loc[expression.obs["state"] == "lot", "lot"]) != {name}:
        raise KaryolotError(f"the expression table of lot {name} holds no sample of it, or of other lots; run it again")
    if "tpm" not in expression.layers:
        raise KaryolotError(f"lot {name}: {NO_LENGTHS}")


def _module(
    name: str, markers: pd.DataFrame, genes: pd.Series, level: Floats, group: str, expected: str
) -> PanelModule:
    """Of several genes of one name the most strongly expressed stands for it, then the lowest id."""
    rows = markers[(markers["group"] == group) & (markers["expected"] == expected)].drop_duplicates("gene_name")
    if rows.empty:
        raise KaryolotError(
            f"the marker table has no gene '{expected}' in the group '{group}'; the module {name} needs it"
        )
    strength = pd.DataFrame({"name": genes, "level": level}).sort_values("level", ascending=False, kind="stable")
    chosen = strength.reset_index(names="gene_id").drop_duplicates("name").set_index("name")["gene_id"]
    if absent := [gene for gene in rows["gene_name"] if gene not in chosen.index]:
        raise KaryolotError(f"the module {name} needs {', '.join(absent)}, which the annotation does not have")
    return PanelModule.model_validate(
        {
            "name": name,
            "expected": expected,
            "gene_ids": tuple(chosen[rows["gene_name"]]),
            "gene_names": tuple(rows["gene_name"]),
            "source": "; ".join(dict.fromkeys(rows["source"])),
        }
    )


# Levels of one lot and its donor


def _rows(expression: "AnnData", state: str) -> NDArray[np.bool_]:
    return np.asarray(expression.obs["state"] == state)


def _without_tpm(expression: "AnnData") -> pd.DataFrame:
    """Rows of `var` of the genes whose length, and so TPM, is not known."""
    unknown = np.isnan(np.asarray(expression.layers["tpm"], dtype=float)).any(axis=0)
    return pd.DataFrame(expression.var[unknown])


def _mean_tpm(expression: "AnnData", genes: Sequence[str], state: str) -> Floats:
    tpm = np.asarray(expression[:, list(genes)].layers["tpm"], dtype=float)
    return np.asarray(tpm[_rows(expression, state)].mean(axis=0))


def _counts(expression: "AnnData", genes: Sequence[str], state: str) -> dict[str, object]:
    """Counts added over replicates: they are technical, and count as one sample of the lot or donor."""
    counts = np.asarray(expression[:, list(genes)].layers["counts"], dtype=np.int64)[_rows(expression, state)]
    return {"replicates": len(counts), "counts": tuple(counts.sum(axis=0).tolist())}


def module_scores(expression: "AnnData", genes: Sequence[str], modules: Sequence[PanelModule]) -> dict[str, Paired]:
    """singscore of each module in lot and donor, each replicate scored and the scores averaged. genes: the universe."""
    tpm = np.asarray(expression[:, list(genes)].layers["tpm"], dtype=float)
    names = [str(gene) for gene in genes]
    return {
        module.name: _paired([singscore(levels, names, module.gene_ids) for levels in tpm], expression)
        for module in modules
    }


def marker_levels(expression: "AnnData", names: Sequence[str]) -> dict[str, Paired]:
    """log2(mean TPM + DETECTED_TPM) of each gene name in lot and donor; genes of one name are added. The addend keeps
    a gene expressed in neither from having a fold change."""
    of = expression.var["gene_name"].to_numpy()
    tpm = np.asarray(expression.layers["tpm"], dtype=float)
    lot, donor = (tpm[_rows(expression, state)].mean(axis=0) for state in ("lot", "hepatocyte"))
    return {
        name: Paired(
            lot=math.log2(lot[of == name].sum() + DETECTED_TPM), donor=math.log2(donor[of == name].sum() + DETECTED_TPM)
        )
        for name in names
    }


def _paired(values: Sequence[float], expression: "AnnData") -> Paired:
    of = np.asarray(values, dtype=float)
    return Paired(
        lot=float(of[_rows(expression, "lot")].mean()), donor=float(of[_rows(expression, "hepatocyte")].mean())
    )


# Comparing


def used_lots(panel: Panel, lot: str) -> list[PanelLot]:
    """The panel's lots without the lot itself: a lot that helps to set its limit is seldom found beyond it."""
    return [row for row in panel.lots if row.lot_id != lot]


def panel_counts(panel: Panel, lot: str = "") -> "AnnData":
    """Counts of the panel's lots but `lot`, and of their donors' hepatocytes, as an expression table without TPM.

    Samples are named 'lot X' and 'hepatocytes of X': names that no sample of a study has, for they hold spaces.
    """
    from anndata import AnnData

    lots = used_lots(panel, lot)
    paired = {row.donor_id for row in lots}
    rows = [
        (f"hepatocytes of {row.donor_id}", row.donor_id, "", "hepatocyte", row.counts)
        for row in panel.donors
        if row.donor_id in paired
    ]
    rows += [(f"lot {row.lot_id}", row.donor_id, row.lot_id, "lot", row.counts) for row in lots]
    return AnnData(
        obs=pd.DataFrame(
            [row[1:4] for row in rows],
            index=pd.Index([name for name, *_ in rows], name="sample_id"),
            columns=["donor", "lot", "state"],
        ),
        var=pd.DataFrame({"gene_name": panel.gene_names}, index=pd.Index(panel.gene_ids, name="gene_id")),
        layers={"counts": np.array([row[4] for row in rows], dtype=np.int64).reshape(len(rows), len(panel.gene_ids))},
    )


def typical_changes(panel: Panel, lot: str) -> pd.Series | None:
    """gene_id -> log2 fold change, lot over its donor, mean over the panel's lots but `lot`; None with fewer than MIN_LOTS.

    Of counts over size factors plus PSEUDO_COUNT, as where no model is fitted; one factor for all genes does not matter to
    what is taken from it.
    """
    if len(used_lots(panel, lot)) < MIN_LOTS:
        return None
    data = panel_counts(panel, lot)
    levels = pd.DataFrame(np.log2(normalised(data) + PSEUDO_COUNT), data.obs_names, data.var_names)
    of_lots = levels[_rows(data, "lot")].groupby(data.obs["donor"])
    donors = levels[_rows(data, "hepatocyte")].set_axis(data.obs.loc[_rows(data, "hepatocyte"), "donor"])
    number = of_lots.size()
    return (of_lots.sum() - donors.loc[number.index].mul(number, axis=0)).sum() / number.sum()


def check_annotation(expression: "AnnData", panel: Panel) -> None:
    """Raises KaryolotError unless the lot was quantified with the annotation of the panel."""
    if annotation_digest(expression) == panel.annotation_sha256:
        return
    raise KaryolotError(
        f"panel {panel.version} was frozen with another annotation ({panel.annotation_genes} genes, here"
        f" {expression.n_vars}, or other ids or names): quantify with the panel's reference.gtf, or freeze a new panel"
    )


def compare(expression: "AnnData", panel: Panel) -> tuple[PanelFacts, pd.DataFrame]:
    """Compare a lot with the frozen panel by normal theory over the paired differences; replicates never count as n.

    Parameters
    ----------
    expression
        Of one lot and its donor.

    Returns
    -------
    tuple of PanelFacts and DataFrame
        Which panel and how many lots, and schema PanelComparison.

    Raises
    ------
    KaryolotError
        For another annotation.
    """
    check_annotation(expression, panel)
    lot = str(expression.obs.loc[_rows(expression, "lot"), "lot"].iloc[0])
    lots = used_lots(panel, lot)
    known = "tpm" in expression.layers and not _without_tpm(expression).index.isin(panel.gene_ids).any()
    names = sorted(panel.lots[0].markers)
    scores = module_scores(expression, panel.gene_ids, panel.modules) if known else {}
    levels = marker_levels(expression, names) if known else {}
    levels = {name: pair for name, pair in levels.items() if not math.isnan(pair.lot)}
    rows = [
        _module_row(module, scores.get(module.name), np.array([row.modules[module.name].difference for row in lots]))
        for module in panel.modules
    ]
    rows += [
        _marker_row(name, levels.get(name), np.array([row.markers[name].difference for row in lots])) for name in names
    ]
    table = PanelComparison.frame(rows)
    table["p_holm"] = holm(table["p"].to_numpy())
    not_passed = tuple(f"{row.lot_id} ({row.outcome})" for row in lots if row.outcome != "PASS")
    facts = PanelFacts(
        version=panel.version,
        sha256=panel.sha256,
        lots=len(lots),
        donors=len({row.donor_id for row in lots}),
        left_out=len(lots) < len(panel.lots),
        not_passed=not_passed,
        reason=panel.reason if not_passed else "",
    )
    return facts, table


def _row(kind: str, name: str, own: Paired | None, panel: Floats) -> dict[str, object]:
    row: dict[str, object] = {"kind": kind, "name": name}
    if own is not None:
        row |= {"lot": own.lot, "donor": own.donor, "difference": own.difference}
    if len(panel) > 1:
        row |= {"panel_mean": panel.mean(), "panel_sd": panel.std(ddof=1)}
    return row


def _module_row(module: PanelModule, own: Paired | None, panel: Floats) -> dict[str, object]:
    row = _row("module", module.name, own, panel) | {"expected": module.expected}
    if len(panel) < MIN_LOTS:
        return row
    # A module that is to rise is bad when it stays low: the limit is below; and the other way round.
    sign, side = (-1, "low") if module.expected == "up" else (1, "high")
    mean, sd = panel.mean(), panel.std(ddof=1)
    limit = mean + sign * prediction_factor(len(panel)) * sd
    row |= {f"prediction_{side}": limit, f"tolerance_{side}": mean + sign * tolerance_factor(len(panel)) * sd}
    if own is not None and sd > ROUNDING:
        row["margin"] = sign * (limit - own.difference) / sd
    return row


def _marker_row(name: str, own: Paired | None, panel: Floats) -> dict[str, object]:
    row = _row("marker", name, own, panel) | {"expected": None}
    if len(panel) < MIN_LOTS:
        return row
    mean, sd = panel.mean(), panel.std(ddof=1)
    width = prediction_factor(len(panel), (1 + LEVEL) / 2) * sd
    row |= {"prediction_low": mean - width, "prediction_high": mean + width}
    if own is not None and sd > ROUNDING:
        from scipy.stats import t

        off = abs(own.difference - mean) / (sd * math.sqrt(1 + 1 / len(panel)))
        row["p"] = 2 * t.sf(off, len(panel) - 1)
    return row


# Metrics


def panel_metrics(facts: PanelFacts, table: pd.DataFrame) -> Metrics:
    """PANEL_MODULES: SD of the panel by which a lot is inside its prediction limit, negative beyond it.

    One gate per module; markers are advisory and have no metric. A panel that cannot judge the lot (too few lots, no such
    module, no TPM): requested, so the lot is INDETERMINATE until that is corrected or the panel is removed from the settings.
    """
    modules = {row["name"]: row for row in table[table["kind"] == "module"].to_dict("records")}
    return {
        name: _metric(facts, modules[module])
        if module in modules
        else Metric(value=None, reason=f"panel {facts.version} has no module {module}", asked=True)
        for module, name in PANEL_MODULES.items()
    }


def _metric(facts: PanelFacts, row: Mapping[Hashable, Any]) -> Metric:
    if facts.lots < MIN_LOTS:
        number = f"{facts.lots} lot{'s' * (facts.lots != 1)}"
        return Metric(
            value=None,
            reason=f"panel {facts.version} has {number}{' without this one' * facts.left_out}, and limits need {MIN_LOTS}",
            asked=True,
        )
    if pd.isna(row["difference"]):
        why = f"lengths of some genes of panel {facts.version} are not known, so its scores cannot be computed; give the GTF"
        return Metric(value=None, reason=f"{why} that was counted with, or a column length in the matrix", asked=True)
    if pd.isna(row["margin"]):
        why = f"the lots of panel {facts.version} do not differ, so there is no limit"
        return Metric(value=None, reason=why, asked=True)
    side, way, inside = ("high", "most", "below") if row["expected"] == "down" else ("low", "least", "above")
    bound = row[f"tolerance_{side}"]
    kept = row["difference"] <= bound if side == "high" else row["difference"] >= bound
    return Metric(
        value=float(row["margin"]),
        detail=f"{'provisional, ' * (facts.tier == 'provisional')}{facts.lots} lots of {facts.donors} donors (panel"
        f" {facts.version}): score of the lot minus that of its donor {row['difference']:+.3f}, the panel's"
        f" {row['panel_mean']:+.3f}, SD {row['panel_sd']:.3f}; the next accepted lot has at {way}"
        f" {row[f'prediction_{side}']:+.3f} ({LEVEL:.0%} prediction limit); {CONTENT:.0%} of accepted lots are {inside}"
        f" {bound:+.3f} (tolerance bound, {CONFIDENCE:.0%} confidence){'' if kept else ', and this one is not'}",
    )
