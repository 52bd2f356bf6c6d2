"""Copy-number results -> the metrics that the criteria use. A metric that could not be determined is null."""

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from karyolot.contracts.alleles import AlleleResults
from karyolot.contracts.cells import cells, detectable, fraction_of_cells, interval, share
from karyolot.contracts.contigs import contig_key
from karyolot.contracts.copy_number import Comparison, Match, Noise
from karyolot.contracts.criteria import Metric, Metrics
from karyolot.contracts.metrics import LOD_OF, MetricName
from karyolot.contracts.settings import CopyNumber, Layout
from karyolot.dna.bins import MIN_USABLE
from karyolot.dna.forecast import more_reads
from karyolot.dna.limits import NEVER_SEEN
from karyolot.dna.match import changed_in_culture, donor_arms
from karyolot.dna.timing import TIMING

ARTEFACT_LOG2 = 0.07
"""A call at a GC-rich end must be this large to count as a change: twice the smallest effect called anywhere, since the
error of the GC curve there reached 0.05 (see dna.calls.GC_RICH)."""

BANK_NORM = 0.05
"""Fraction of metaphases from which on a bank does not accept another karyotype (ISCBI guidance, table 1:
master banks)."""
BAND = re.compile(r"(.+?[pq])\d.*")
"""A recurrent region that is shorter than its arm, 20q11.21, and its arm."""
NO_PANEL = "no panel of SNPs, or no reads to count alleles in"
EVIDENCE = {
    "agree": "supported by read depth and allele fractions",
    "uninformative": "supported by read depth only: too few heterozygous sites, or too shallow, for allele evidence",
    "disagree": "contradicted by allele fractions: a false call, or a change of both copies",
}


def copy_number_metrics(
    calls: pd.DataFrame,
    segments: pd.DataFrame,
    arms: pd.DataFrame,
    lod: pd.DataFrame,
    comparison: Comparison,
    noise: Noise,
    match: Match,
    settings: CopyNumber,
    layout: Layout,
    sets: float | None = None,
) -> Metrics:
    """All metrics of a lot's copy number by read depth, by name. Tables as in contracts.copy_number; sets: sets of chromosomes
    in the lot's cells, None = not measured."""
    return {
        **_quality(comparison, sets),
        MetricName.DNA_BLIND_ARMS: blind_arms(arms, layout, match.declared_sex, comparison.hidden),
        MetricName.CN_ARM_LOD: _arm_limits(arms, sets),
        MetricName.CN_DONOR_ARMS: _donor_arms(segments),
        **more_reads(_limits(lod, noise, settings, sets), comparison, noise, settings, sets),
        **call_metrics(calls, segments, noise, settings, sets),
        **_identity(match),
    }


def blind_arms(arms: pd.DataFrame, layout: Layout, sex: str, hidden: Sequence[str] = ()) -> Metric:
    """Arms that are not assessable, with those of contigs that the tables lack, without NEVER_SEEN and the Y of a woman.

    Parts of the other arms count as well: those of `hidden` (`dna.bins.hidden_parts`), and recurrent regions that are masked,
    since a change of one is often shorter than the claimed size.
    """
    own = arms[arms["scope"] == "arm"]
    blind = own.loc[~own["assessable"], "name"].map(contig_key).tolist()
    present = set(own["chrom"].map(contig_key))
    wanted = [*layout.autosomes, layout.x, layout.y if sex == "M" else None]
    absent = [contig for contig in map(contig_key, filter(None, wanted)) if contig not in present]
    blind += [contig + arm for contig in absent for arm in (("p", "q") if layout.cytobands else ("",))]
    blind += [part for part in hidden if part.split()[0] not in (*blind, *NEVER_SEEN)]
    masked = arms.loc[(arms["scope"] == "recurrent") & (arms["usable"] < MIN_USABLE), "name"]
    blind += [name for name in masked if (arm := BAND.fullmatch(name)) and arm[1] not in blind]
    names = [name for name in blind if name not in NEVER_SEEN]
    about = tuple(names) if own["assessable"].any() else ("all arms",)
    return Metric(value=len(names), detail=", ".join(about), about=about)


def _donor_arms(segments: pd.DataFrame) -> Metric:
    if segments["donor_z"].isna().all():
        return _known(None, "the noise of the donor's own reads could not be measured", "")
    found = donor_arms(segments)
    detail = ", ".join(f"{name} ({copies:.2g} copies)" for name, copies in found.items())
    return Metric(value=len(found), detail=detail, about=tuple(found))


def _quality(comparison: Comparison, sets: float | None) -> Metrics:
    slope = comparison.rt_slope
    return {
        MetricName.DNA_USABLE_BINS: Metric(
            value=round(comparison.usable, 4), detail=f"{comparison.usable:.1%} of {comparison.bins} bins are used"
        ),
        MetricName.DNA_NOISE: _known(
            comparison.noise_sd,
            "too few neighbouring bins",
            "spread between neighbouring bins, log2, at the analysis bin",
        ),
        # The lower end of the interval: the slope of a shallow lot is uncertain, which is no evidence of a bias.
        MetricName.DNA_RT_SLOPE: _known(
            _surely(comparison),
            f"{comparison.no_track}, so replication-timing bias was neither measured nor corrected",
            ""
            if slope is None
            else f"{slope:.3f} ({comparison.rt_low:.3f} to {comparison.rt_high:.3f}), corrected in the ratios",
        ),
        MetricName.DNA_RT_MOVED: _known(
            None if comparison.rt_moved is None else float(fraction_of_cells(comparison.rt_moved, 2, sets)),
            comparison.no_track,
            "" if comparison.rt_moved is None else f"{comparison.rt_moved:.3f} log2",
        ),
        MetricName.DNA_NEUTRAL: _known(
            comparison.neutral,
            "the copy-number levels could not be separated",
            "fraction of the autosomes at the most frequent copy-number level",
        ),
    }


def _surely(comparison: Comparison) -> float | None:
    """Lower bound of |slope|: the end of its interval nearer to 0, and 0 if the interval contains 0."""
    if comparison.rt_low is None or comparison.rt_high is None:
        return None
    return max(comparison.rt_low, -comparison.rt_high, 0.0)


def _arm_limits(arms: pd.DataFrame, sets: float | None) -> Metric:
    """The largest limit of detection of a whole arm; detail: their range, and the arms above the norm of cell banks."""
    own = arms[(arms["scope"] == "arm") & arms["assessable"]]
    if own.empty:
        return Metric(value=None, reason="no arm can be assessed")
    own = own.assign(lod=own[["lod_gain", "lod_loss"]].max(axis=1)).sort_values("lod", kind="stable")
    first, last = own.iloc[0], own.iloc[-1]
    above = own[own["lod"] >= BANK_NORM]["name"].map(contig_key).tolist()
    said = (
        f"from {share(first['lod'])} ({contig_key(first['name'])}) to {share(last['lod'])} ({contig_key(last['name'])})"
    )
    of = "cells" if sets is not None else "diploid cells (tetraploid: twice as many)"
    norm = f"; a change in {BANK_NORM:.0%} is not detectable on {len(above)} of {len(own)} arms" if above else ""
    return Metric(value=round(float(last["lod"]), 4), detail=f"{said} of {of}{norm}")


def _limits(lod: pd.DataFrame, noise: Noise, settings: CopyNumber, sets: float | None) -> Metrics:
    claim = lod[lod["size_bp"] == round(settings.claim_mb * 1e6)].set_index("type")["fraction"]
    reason = (
        f"a change of {settings.claim_mb:g} Mb is not detectable in any fraction of cells ({settings.power:.0%} power)"
    )
    if not noise.assessable:
        reason = noise.reason
    known = {name: (None if pd.isna(claim.get(name)) else round(float(claim[name]), 4)) for name in ("gain", "loss")}
    both = [value for value in known.values() if value is not None]
    return {
        **{name: _known(known[type_], reason, f"at {settings.claim_mb:g} Mb") for type_, name in LOD_OF.items()},
        MetricName.CN_LOD: _known(
            max(both) if len(both) == 2 else None,
            reason,
            f"a gain or loss of {settings.claim_mb:g} Mb is detected with {settings.power:.0%} probability in"
            f" {detectable(max(both), sets)}"
            if len(both) == 2
            else "",
        ),
        MetricName.CN_LOD_POWER: _power(lod[lod["size_bp"] == round(settings.claim_mb * 1e6)], settings),
    }


def _power(claim: pd.DataFrame, settings: CopyNumber) -> Metric:
    """Fraction of the changes spiked in at the limit that were called, the lower of gains and losses."""
    if claim.empty or (claim["spike_ins"] == 0).any():
        return Metric(
            value=None, reason=f"no change of {settings.claim_mb:g} Mb could be simulated in this lot's reads"
        )
    shown = ", ".join(f"{row.found} of {row.spike_ins} {row.type} spike-ins" for row in claim.itertuples())
    return Metric(
        value=round(float((claim["found"] / claim["spike_ins"]).min()), 4),
        detail=f"detected in this lot's own reads at the limit: {shown}",
    )


def _with_evidence(calls: pd.DataFrame, alleles: AlleleResults | None) -> pd.DataFrame:
    """Calls with the column `evidence` of schema AlleleEvents; '' where alleles were not evaluated."""
    if alleles is None:
        return calls.assign(evidence="")
    keys = ["chrom", "start", "end", "type"]
    said = alleles.under_calls.rename(columns={"kind": "type"})[[*keys, "evidence"]].drop_duplicates(keys)
    return calls.merge(said, on=keys, how="left", validate="many_to_one").fillna({"evidence": ""})


def call_metrics(
    calls: pd.DataFrame,
    segments: pd.DataFrame,
    noise: Noise,
    settings: CopyNumber,
    sets: float | None = None,
    alleles: AlleleResults | None = None,
) -> Metrics:
    """Those of copy_number_metrics that count calls. alleles: None = no panel of SNPs.

    A change that fails a lot is supported by read depth and, where they are informative, by allele fractions: contradicted calls
    are counted separately (cn.contradicted). Balanced alleles do not contradict four or more copies: both copies may have been
    doubled. Counts of calls are null if the noise could not be measured: the absence of calls is then no finding.
    """
    calls, unasked = _with_evidence(calls, alleles), NO_PANEL if alleles is None else alleles.unasked
    size = (calls["end"] - calls["start"]) / 1e6
    weak = (calls["artefact"] == "GC-rich end") & (calls["log2"].abs() < ARTEFACT_LOG2)
    prone = weak | calls["artefact"].isin(["immune receptor genes", TIMING])
    moved = calls["origin"].isin(["acquired", "enriched"])
    contradicted = (calls["evidence"] == "disagree") & (calls["class"] != "high-copy")
    own = moved & ~prone & ~contradicted
    whole = calls["extent"] == "chromosome"
    chosen = {
        MetricName.CN_ACQUIRED_LONG: own & (size >= settings.claim_mb),
        MetricName.CN_ACQUIRED_SHORT: own & (size < settings.claim_mb),
        MetricName.CN_ACQUIRED_RECURRENT: own
        & ((calls["genes"] != "") | (calls["recurrent"] != ""))
        & (size < settings.claim_mb),
        MetricName.CN_HIGH_COPY: own & (calls["class"] == "high-copy") & (size >= settings.high_copy_mb),
        MetricName.CN_WHOLE_CHROMOSOME: own & whole & ~calls["chrom"].str.contains("[XY]$"),
        MetricName.CN_ARTEFACT_PRONE: moved & prone,
        MetricName.CN_CONTRADICTED: moved & ~prone & contradicted,
        MetricName.CN_DONOR_CHANGE_LOST: calls["origin"] == "lost",
    }
    reason = "" if noise.assessable else noise.reason

    def metric(rows: "pd.Series[bool]", value: float) -> Metric:
        said, about = ". ".join(_words(calls[rows], unasked, sets)), tuple(calls.loc[rows, "name"])
        return Metric(value=value if noise.assessable else None, reason=reason, detail=said, about=about)

    found: Metrics = {name: metric(rows, int(rows.sum())) for name, rows in chosen.items()}
    arms = own & calls["extent"].isin(["arm", "chromosome"])
    largest = calls.loc[arms, "fraction"].clip(upper=1).max() if arms.any() else 0.0
    found[MetricName.CN_ARM_CHANGE] = metric(arms, round(float(largest), 4))
    if unasked:
        found[MetricName.CN_CONTRADICTED] = Metric(value=None, reason=unasked)
    broken = segments[(segments["published_rule"] != "none") & (segments["bins"] >= settings.min_bins)]
    found[MetricName.CN_PUBLISHED_RULE] = Metric(
        value=len(broken),
        detail="; ".join(f"{row['published_rule']} {_locus(row)}" for row in broken.to_dict("records")),
        about=tuple(dict.fromkeys(name for row in broken.to_dict("records") for name in _called_there(calls, row))),
    )
    return found


def _called_there(calls: pd.DataFrame, segment: Mapping[Hashable, Any]) -> list[str]:
    """Names of the calls that overlap a segment, or its coordinates where none does."""
    inside = (
        (calls["chrom"] == segment["chrom"]) & (calls["start"] < segment["end"]) & (calls["end"] > segment["start"])
    )
    return calls.loc[inside, "name"].tolist() or [f"{segment['published_rule']} of {_locus(segment)}"]


def _locus(row: Mapping[Hashable, Any]) -> str:
    return f"{row['chrom']}:{row['start'] + 1:,}-{row['end']:,}"


def _words(calls: pd.DataFrame, unasked: str, sets: float | None) -> list[str]:
    """The calls of each kind of second evidence, with that evidence or why there is none."""
    only = "supported by read depth only"
    second = EVIDENCE | {"": f"{only}: {unasked}", "XY": f"{only}: alleles are counted on autosomes"}
    evidence = calls["evidence"].mask(
        (calls["evidence"] == "uninformative") & calls["chrom"].str.contains("[XY]$"), "XY"
    )
    named: dict[str, list[str]] = {}
    for row, said in zip(calls.to_dict("records"), evidence, strict=True):
        size, found = f"{(row['end'] - row['start']) / 1e6:.3g} Mb", cells(row["fraction"], sets)
        span = f"95% CI {interval(row['fraction_low'], row['fraction_high'])}"
        named.setdefault(second[said], []).append(f"{row['name']} ({size}) in {found}, {span}")
    return [f"{'; '.join(held)}, {'all ' * (len(held) > 1)}{said}" for said, held in named.items()]


def _identity(match: Match) -> Metrics:
    variants = f"{match.shared} of {match.variants} germline copy-number differences of the donor were found in the lot"
    return {
        MetricName.IDENTITY_GERMLINE: _known(
            match.shared / match.variants if match.variants else None,
            "the donor has no germline copy-number difference that could be confirmed at the depth of this lot",
            variants,
        ),
        MetricName.IDENTITY_LOT_SEX: _lot_sex(match),
        MetricName.IDENTITY_DONOR_SEX: _sex("donor", match.donor_sex, match.donor_x, match.donor_y, match.declared_sex),
    }


def _lot_sex(match: Match) -> Metric:
    """Sex of the lot. If the donor is as declared, a sex chromosome lost or gained in culture does not count as a sample swap."""
    metric = _sex("lot", match.lot_sex, match.lot_x, match.lot_y, match.declared_sex)
    if match.donor_sex != match.declared_sex or match.lot_x is None or match.lot_y is None:
        return metric
    kept = (
        ""
        if not match.donor_y or match.declared_sex == "F"
        else f"; Y at {match.lot_y / match.donor_y:.0%} of the donor's"
    )
    if metric.value is not None:
        return Metric(value=metric.value, detail=metric.detail + kept)
    changed = changed_in_culture(match.declared_sex, match.lot_x, match.lot_y, match.donor_y)
    if not changed:
        return metric
    depths = _depths(match.lot_x, match.lot_y)
    detail = f"consistent with {match.declared_sex} cells of which many {changed}; depth over autosomes: {depths}{kept}"
    return Metric(value=True, detail=detail)


def _sex(who: str, found: str | None, x: float | None, y: float | None, declared: str) -> Metric:
    depths = _depths(x, y)
    if found is None:
        return Metric(
            value=None, reason=f"the depths of X and Y do not determine the sex of the {who} ({depths or 'no X or Y'})"
        )
    return Metric(
        value=found == declared, detail=f"{who} is {found}, declared {declared}; depth over autosomes: {depths}"
    )


def _depths(x: float | None, y: float | None) -> str:
    """'X 0.50, Y 0.49': those that are known."""
    return ", ".join(f"{name} {value:.2f}" for name, value in (("X", x), ("Y", y)) if value is not None)


def _known(value: float | None, reason: str, detail: str) -> Metric:
    return Metric(value=None, reason=reason) if value is None else Metric(value=round(value, 4), detail=detail)
