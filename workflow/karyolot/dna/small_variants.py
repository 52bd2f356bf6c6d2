"""Small variants a lot shows in listed genes: its donor's, enriched from its donor, or acquired (or too rare in the donor).

Absence in a donor of 30x is no proof of acquisition: hepatocytes of one liver differ, and a clone of a few per cent of them
is not seen. The fraction from which on it would have been seen is given with each.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import bdtrc, betaincinv, chdtrc

from karyolot.contracts.criteria import Metric, Metrics
from karyolot.contracts.drivers import DriverPanel
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.settings import SmallVariants as Settings
from karyolot.contracts.small_variants import (
    FINDINGS,
    NO_LIST,
    CalledVariants,
    Consequences,
    Missing,
    Pileup,
    SmallVariants,
    VariantFacts,
    VariantResults,
    short_name,
)
from karyolot.dna.consequences import ALLELE, Bases, Coding, base_at, codings, effect, in_one_codon
from karyolot.dna.hypergeometric import tails
from karyolot.dna.variant_errors import KINDS, Floats, Integers, Rates, beta_of, measure, one_end, split, tail
from karyolot.dna.variant_limits import FEWEST_READS, LEAST_DONOR, UNEVEN, Counted, Members, counted, limits

SHOWN = 0.01
"""Chance of the donor's alternative reads if all were errors, below which the donor has the variant."""
ENRICHED = 0.05
"""Chance that any of a stable lot's variants is called enriched."""
POWER = 0.95
DAMAGED = 3.0
"""Errors of one kind over the usual rate of the others from which on they are a pattern of damage."""
RARE = 0.3
"""Fraction of reads below which a variant of a damaged kind may be damage."""
PATTERNS = {"C>A": "oxidation (G>T)", "C>T": "deamination (C>T)"}
ALTERING = frozenset(
    {
        "missense",
        "stop_gained",
        "stop_lost",
        "start_lost",
        "frameshift",
        "inframe_deletion",
        "inframe_insertion",
        "inframe_altering",
        "splice_acceptor",
        "splice_donor",
        "feature_elongation",
        "coding_sequence",
    }
)
"""Consequences that change the protein, or may."""
NEW = ("enriched", "acquired")
LISTED = 5
"""Variants named in a criterion; the report has all."""
RANK = {"driver": 0, "benign": 1, "own": 2}
DNA, RNA = ("lot", "donor"), ("rna_lot", "rna_donor")
ALLELES = 4
"""Tests at a position: three substitutions, and an indel."""
Key = tuple[str, str, str]
"""Gene, role, hotspot."""


def called_table(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Schema CalledVariants of its columns, of no rows too."""
    kinds = {name: str if name in {"chrom", "ref", "alt"} else "int64" for name in columns}
    return CalledVariants.validate(pd.DataFrame(columns).astype(kinds))


def search(
    pileup: Pileup,
    loci: pd.DataFrame,
    panel: DriverPanel,
    consequences: pd.DataFrame,
    settings: Settings,
    haploid: Collection[str] = (),
    sets: float | None = None,
    given: Mapping[str, Sequence[Any]] | None = None,
    spiked: pd.DataFrame | None = None,
) -> VariantResults:
    """Variants, limits and facts of a lot.

    Parameters
    ----------
    loci
        Schema DriverLoci.
    consequences
        Schema Consequences of the alleles that csq was given.
    haploid
        Contigs of which a normal cell of the donor has one copy.
    sets
        Of chromosomes in the lot's cells; None = two.
    given
        Columns of schema CalledVariants of another caller, which are taken as called.
    spiked
        Schema SpikedIndels; None = indels have no limit.
    """
    positions, alleles = pileup
    rates = measure(positions, alleles, DNA)
    members = members_of(positions, loci)
    alpha = alphas(positions, members, settings.family_wise_error)
    copies = np.where(positions["chrom"].isin(haploid), 1.0, 2.0) * (sets or 2.0) / 2
    called = _called(positions, alleles, rates, alpha)
    variants = pd.concat([called, _given(called_table(given) if given else None, called, loci)], ignore_index=True)
    coding, bases = codings(panel.genes), base_at(positions)
    variants = in_one_codon(_with_origins(variants, rates), coding, bases)
    variants = _with_names(variants, loci, _with_effects(consequences, variants, coding, bases), haploid, sets)
    part = None if spiked is None else counted(spiked)
    shown = None if part is None else part.classes
    found = limits(positions, alleles, members, rates, alpha, copies, settings.power, settings.seed, shown)
    patterns = _patterns(rates)
    variants["pattern"] = [_pattern(row, patterns) for row in variants.to_dict("records")]
    facts = _facts(positions, variants, found, panel, settings, rates, patterns)
    facts = facts if spiked is None else facts.model_copy(update=_of_indels(spiked, part))
    table = variants.sort_values(["chrom", "start", "ref", "alt"]).drop(columns="kind")
    return VariantResults(SmallVariants.frame(table.to_dict("records")), found, facts)


def candidates(pileup: Pileup, loci: pd.DataFrame, settings: Settings, like: Pileup | None = None) -> pd.DataFrame:
    """New alleles that the lot shows, whatever they change, without those taken for artefacts: columns of `_called`, origin.

    like: reads from which the errors are measured; None = the same.
    """
    positions, alleles = pileup
    rates = measure(*(like or pileup), DNA)
    alpha = alphas(positions, members_of(positions, loci), settings.family_wise_error)
    variants = _with_origins(_called(positions, alleles, rates, alpha), rates)
    return pd.DataFrame(variants[variants["origin"].isin([*NEW, "unknown"]) & variants["artefact"].eq("")])


def members_of(positions: pd.DataFrame, loci: pd.DataFrame) -> dict[Key, Members]:
    """Positions of each gene and of each recurrent mutation, in the order of the loci."""
    index = {chrom: (part["start"].to_numpy(), part.index.to_numpy()) for chrom, part in positions.groupby("chrom")}
    empty = np.array([], dtype=np.int64)
    rows: dict[Key, list[Integers]] = {}
    wanted: dict[Key, set[int]] = {}
    columns = (loci[name].tolist() for name in ("chrom", "start", "end", "gene", "role", "hotspot"))
    for chrom, start, end, *names in zip(*columns, strict=True):
        key = (names[0], names[1], names[2])
        starts, numbers = index.get(chrom, (empty, empty))
        low, high = np.searchsorted(starts, [start, end])
        rows.setdefault(key, []).append(numbers[low:high])
        wanted.setdefault(key, set()).update(range(start, end))
    return {
        key: Members(np.unique(np.concatenate(parts)).astype(np.int64), len(wanted[key])) for key, parts in rows.items()
    }


def alphas(positions: pd.DataFrame, members: Mapping[Key, Members], error: float) -> Floats:
    """Error allowed to the test of one allele at each position, so that any false call of a role has the probability `error`.

    Of each role half goes to its recurrent mutations, which are few, and half to all else. A position of several roles has the
    largest of theirs.
    """
    alpha = np.zeros(len(positions))
    for role in RANK:
        for recurrent in (True, False):
            own = [held.rows for key, held in members.items() if key[1] == role and bool(key[2]) == recurrent]
            if own and len(rows := np.unique(np.concatenate(own))):
                alpha[rows] = np.maximum(alpha[rows], error / 2 / (ALLELES * len(rows)))
    return alpha


def _called(positions: pd.DataFrame, alleles: pd.DataFrame, rates: Rates, alpha: Floats) -> pd.DataFrame:
    """Alleles that the lot shows, by its DNA and RNA together, and those of the donor, with p and artefact."""
    shown = alleles[
        alleles["lot_alt"].add(alleles["rna_lot_alt"]).ge(FEWEST_READS) | alleles["donor_alt"].ge(FEWEST_READS)
    ]
    shown = shown.reset_index(drop=True)
    place = shown["position"].to_numpy()
    p = joined(_chance(shown, rates, DNA), _rna_chance(positions, alleles, shown))
    uneven = (
        split(*(shown[name].to_numpy() for name in ("lot_alt_forward", "lot_alt", "lot_forward", "lot_depth"))) < UNEVEN
    )
    reads = shown[[f"{name}_alt" for name in (*DNA, *RNA)]].sum(axis=1).to_numpy()
    rare = (shown["lot_alt"] / shown["lot_depth"].clip(lower=1)).lt(RARE).to_numpy()
    ends = rare & (one_end(shown["ends"].to_numpy(), reads) < UNEVEN)
    return pd.DataFrame(
        {
            "chrom": positions["chrom"].to_numpy()[place],
            "start": shown["start"],
            "end": shown["start"] + shown["ref"].str.len(),
            "ref": shown["ref"],
            "alt": shown["alt"],
            "kind": shown["kind"],
            "lot_ref": (shown["lot_depth"] - shown["lot_alt"]).clip(lower=0),
            "lot_alt": shown["lot_alt"],
            "donor_ref": (shown["donor_depth"] - shown["donor_alt"]).clip(lower=0),
            "donor_alt": shown["donor_alt"],
            **{name: shown[name] for name in ("rna_lot_alt", "rna_lot_depth", "rna_donor_alt", "rna_donor_depth")},
            "p": p,
            "shows": p <= alpha[place],
            "artefact": np.select(
                [uneven, ends, _not_in_dna(shown)], ["one strand", "ends of reads", "not in DNA"], ""
            ),
            "caller": "karyolot",
        }
    )


def _not_in_dna(shown: pd.DataFrame) -> NDArray[np.bool_]:
    """Alleles of RNA that no DNA read shows although half of the RNA's fraction would: edited or misaligned RNA."""
    fraction = shown["rna_lot_alt"] / shown["rna_lot_depth"].clip(lower=1)
    missed = (1 - fraction / 2) ** shown["lot_depth"]
    return (shown["lot_alt"].eq(0) & missed.lt(SHOWN)).to_numpy(dtype=bool)


def _chance(shown: pd.DataFrame, rates: Rates, samples: tuple[str, str]) -> Floats:
    """Chance of the lot's reads of each allele by errors alone, after the donor's reads there."""
    lot, donor = samples
    kind = shown["kind"].to_numpy()
    a, b = beta_of(
        rates.mean[kind], rates.spread[kind], shown[f"{donor}_alt"].to_numpy(), shown[f"{donor}_depth"].to_numpy()
    )
    return tail(shown[f"{lot}_alt"].to_numpy(), shown[f"{lot}_depth"].to_numpy(), a, b)


def _rna_chance(positions: pd.DataFrame, alleles: pd.DataFrame, shown: pd.DataFrame) -> Floats:
    """As `_chance`, of RNA; 1 where the lot has no RNA reads, and where the donor's RNA has few or shows it too, as
    reads over a splice site do that end in an intron."""
    if not positions["rna_lot_depth"].any():
        return np.ones(len(shown))
    p = _chance(shown, measure(positions, alleles, RNA), RNA)
    known = (shown["rna_donor_depth"] >= LEAST_DONOR) & (100 * shown["rna_donor_alt"] <= shown["rna_donor_depth"])
    return np.where((shown["rna_lot_depth"] > 0) & known, p, 1.0)


def joined(dna: Floats, rna: Floats) -> Floats:
    """p of DNA and RNA together (Fisher 1925: -2 times the sum of the logarithms is chi-squared with 4 degrees of freedom); that
    of DNA where RNA is not informative, so that an allele without reads of RNA loses nothing."""
    both = chdtrc(4, -2 * (np.log(dna) + np.log(rna)))
    return np.where(rna < 1, np.where(dna < 1, both, rna), dna)


def _given(given: pd.DataFrame | None, called: pd.DataFrame, loci: pd.DataFrame) -> pd.DataFrame:
    """Variants of another caller at the loci that the counts do not show already, in the columns of `_called`."""
    if given is None or given.empty:
        return called.iloc[:0]
    known = set(zip(*(called.loc[called["shows"], name] for name in ALLELE), strict=True))
    new = [row for row in given.to_dict("records") if tuple(row[name] for name in ALLELE) not in known]
    rows = [row for row in new if len(_over(loci, row))]
    none = {"kind": 0, "p": 0.0, "shows": True, "artefact": "", "caller": "given"}
    none |= dict.fromkeys(("rna_lot_alt", "rna_lot_depth", "rna_donor_alt", "rna_donor_depth"), 0)
    return pd.DataFrame([row | none for row in rows], columns=called.columns)


def _with_origins(variants: pd.DataFrame, rates: Rates) -> pd.DataFrame:
    """With origin, enriched_p and donor_lod; only what the lot shows, or the donor alone."""
    donor = (variants["donor_ref"] + variants["donor_alt"]).to_numpy(dtype=np.int64)
    lot = (variants["lot_ref"] + variants["lot_alt"]).to_numpy(dtype=np.int64)
    mean = rates.mean[variants["kind"].to_numpy(dtype=np.int64)]
    alt = variants["donor_alt"].to_numpy(dtype=np.int64)
    has = (bdtrc(alt - 1, donor, mean) < SHOWN) & (alt >= 2) | (alt * 10 >= donor) & (alt > 0)
    shows = variants["shows"].to_numpy(dtype=bool)
    less, more = tails(
        variants["lot_alt"].to_numpy(dtype=np.int64),
        lot,
        variants["lot_alt"].to_numpy(dtype=np.int64) + alt,
        lot + donor,
    )
    level = ENRICHED / max(int(shows.sum()), 1)
    absent = ~shows & has & (variants["lot_alt"].to_numpy() * 20 <= lot) & (less < level)
    origin = np.where(~has, "acquired", np.where(more < level, "enriched", "inherited"))
    origin = np.where((donor < LEAST_DONOR) & (origin != "inherited"), "unknown", origin)
    origin = np.where(absent, "lost", origin)
    kept = shows | absent
    found = variants.assign(origin=origin, enriched_p=np.clip(more, 0, 1), donor_lod=donor_limit(donor, mean))
    return pd.DataFrame(found[kept])


def donor_limit(depth: Integers, error: Floats) -> Floats:
    """Fraction of reads from which on a donor of that depth shows a variant with POWER; null where no number of reads would."""
    fewest = np.full(len(depth), 2)
    while (more := (fewest <= depth) & (bdtrc(fewest - 1, np.maximum(depth, 1), error) > SHOWN)).any():
        fewest += more
    possible = fewest <= depth
    share = betaincinv(fewest, np.where(possible, depth - fewest + 1, 1), POWER)
    return np.where(possible, share, np.nan)


def _with_names(
    variants: pd.DataFrame, loci: pd.DataFrame, consequences: pd.DataFrame, haploid: Collection[str], sets: float | None
) -> pd.DataFrame:
    """With gene, role, hotspot, consequence, change, finding and fraction of cells."""
    known: dict[tuple[object, ...], list[tuple[str, str, str]]] = {}
    for one in consequences.itertuples():
        known.setdefault((one.chrom, one.start, one.ref, one.alt), []).append(
            (str(one.gene), str(one.consequence), str(one.change))
        )
    rows = []
    for row in variants.to_dict("records"):
        inside = _over(loci, row).sort_values("role", key=lambda roles: roles.map(RANK), kind="stable")
        genes = list(dict.fromkeys(inside["gene"]))
        consequence, change = _of_genes(known.get((row["chrom"], row["start"], row["ref"], row["alt"]), []), genes)
        changed = row["start"] + (len(row["ref"]) != len(row["alt"]))  # the first base of an indel stays
        hotspot = next(iter(inside.loc[inside["hotspot"].ne("") & inside["end"].gt(changed), "hotspot"]), "")
        altering = bool(ALTERING & set(consequence.split("&")))
        row |= {"gene": ",".join(genes), "role": next(iter(inside["role"]), "own"), "consequence": consequence}
        row |= {"hotspot": hotspot if altering or hotspot.startswith("c.") else "", "change": change}
        row["finding"] = _finding(row, altering)
        row.update(_cells(row, haploid, sets))
        rows.append(row)
    columns = list(SmallVariants.to_schema().columns)
    return pd.DataFrame(rows, columns=[*(name for name in columns if name != "pattern"), "kind"]).astype(
        dict.fromkeys(("fraction", "fraction_low", "fraction_high"), float)
    )


def _of_genes(named: Sequence[tuple[str, str, str]], genes: Sequence[str]) -> tuple[str, str]:
    """Consequences of an allele in the first of the genes that has any, what alters the protein first, and the change; at the end
    of an exon csq names the splice region, too.

    named: gene, consequence and change.
    """
    own: list[tuple[str, str, str]] = next(
        filter(None, ([one for one in named if one[0] == gene] for gene in genes)), []
    )
    own = sorted(own, key=lambda one: not ALTERING & set(one[1].split("&")))
    return "&".join(dict.fromkeys(one[1] for one in own)), next((one[2] for one in own if one[2]), "")


def _over(loci: pd.DataFrame, row: Mapping[Any, Any]) -> pd.DataFrame:
    """Loci that hold a variant."""
    inside = (loci["chrom"] == row["chrom"]) & (loci["start"] < row["end"]) & (loci["end"] > row["start"])
    return pd.DataFrame(loci[inside])


def _with_effects(
    consequences: pd.DataFrame, variants: pd.DataFrame, coding: Mapping[str, Coding], bases: Bases
) -> pd.DataFrame:
    """Schema Consequences, with those of alleles that csq was not given."""
    known = set(zip(*(consequences[name] for name in ALLELE), strict=True))
    rows = []
    for row in variants[list(ALLELE)].drop_duplicates().to_dict("records"):
        own = () if tuple(row.values()) in known else coding.items()
        for gene, one in own:
            if one.gene.chrom == row["chrom"]:
                found = effect(one, bases, row["start"], row["ref"], row["alt"])
                rows += [row | {"gene": gene} | found._asdict()] if found.consequence else []
    return pd.concat([consequences, Consequences.frame(rows)], ignore_index=True)


def _finding(row: Mapping[Any, Any], altering: bool) -> str:
    """What a variant counts as (contracts.small_variants.Finding); with too shallow a donor only where it is recurrent."""
    new = row["origin"] in NEW or (row["origin"] == "unknown" and row["hotspot"])
    if not new or row["artefact"]:
        return ""
    if row["role"] == "own":
        return "own"
    if not altering and not row["hotspot"]:
        return ""
    if row["role"] == "driver" and row["hotspot"] and "TP53" in str(row["gene"]).split(","):
        return "tp53"
    return str(row["role"])


def _cells(row: Mapping[Any, Any], haploid: Collection[str], sets: float | None) -> dict[Any, Any]:
    """Fraction of cells that have a variant in one copy, with its 95 % interval (Clopper and Pearson 1934)."""
    alt, depth = int(row["lot_alt"]), int(row["lot_alt"]) + int(row["lot_ref"])
    if not depth:
        return dict.fromkeys(("fraction", "fraction_low", "fraction_high"))
    copies = (1 if row["chrom"] in haploid else 2) * (sets or 2.0) / 2
    low = float(betaincinv(alt, depth - alt + 1, 0.025)) if alt else 0.0
    high = float(betaincinv(alt + 1, depth - alt, 0.975)) if alt < depth else 1.0
    names = ("fraction", "fraction_low", "fraction_high")
    return {name: min(value * copies, 1.0) for name, value in zip(names, (alt / depth, low, high), strict=True)}


def _patterns(rates: Rates) -> list[str]:
    """Kinds of errors that are much commoner than the usual kind: damage of DNA, of oxidation or of fixation."""
    usual = float(np.median(rates.mean[:6]))
    return [kind for kind in PATTERNS if rates.mean[KINDS.index(kind)] > DAMAGED * usual]


def _pattern(row: Mapping[Any, Any], patterns: Collection[str]) -> str:
    depth = row["lot_ref"] + row["lot_alt"]
    kind = KINDS[int(row["kind"])]
    return PATTERNS[kind] if kind in patterns and row["lot_alt"] < RARE * depth else ""


def _facts(
    positions: pd.DataFrame,
    variants: pd.DataFrame,
    found: pd.DataFrame,
    panel: DriverPanel,
    settings: Settings,
    rates: Rates,
    patterns: Sequence[str],
) -> VariantFacts:
    drivers = [gene for gene in panel.genes if gene.role == "driver"]
    of_gene = {gene.gene: found[(found["gene"] == gene.gene) & (found["role"] == "driver")] for gene in drivers}
    whole = {name: limits_ for name, limits_ in of_gene.items() if len(limits_) and limits_["fraction"].notna().all()}
    fraction = max((float(limits_["fraction"].max()) for limits_ in whole.values()), default=None)
    enough = bool(drivers) and 2 * len(whole) >= len(drivers)
    depths = {name: float(positions[f"{name}_depth"].median()) if len(positions) else 0.0 for name in DNA}
    indels = [limits_[limits_["hotspot"] == ""] for limits_ in whole.values()]
    bounded = [limits_ for limits_ in indels if len(limits_) and limits_["indel_fraction"].notna().all()]
    indel = max((float(limits_["indel_fraction"].max()) for limits_ in bounded), default=None)
    located = {str(name) for name in found["gene"]}
    shallow = tuple(name for name in of_gene if name in located and name not in whole)
    unassessed = "" if enough else _unassessed(len(drivers), len(whole), depths, located & of_gene.keys())
    spikes, indel_spikes = (pd.concat([found.iloc[:0], *parts]) for parts in (whole.values(), bounded))
    return VariantFacts(
        drivers=len(drivers),
        assessable=len(whole),
        fraction=fraction if enough else None,
        unassessed=unassessed,
        power=settings.power,
        spiked=int(spikes["spiked"].sum()),
        found=int(spikes["found"].sum()),
        lot_depth=round(depths["lot"], 1),
        donor_depth=round(depths["donor"], 1),
        missing=tuple(Missing(gene=gene.gene, reason=gene.missing) for gene in panel.genes if gene.missing),
        shallow=shallow,
        errors={kind: round(float(rate) * 1e6, 1) for kind, rate in zip(KINDS, rates.mean, strict=True)},
        patterns=tuple(PATTERNS[kind] for kind in patterns),
        listed=sum(gene.role == "own" for gene in panel.genes),
        licence=settings.licence,
        rna=bool(positions["rna_lot_depth"].any()),
        inherited=int((variants["origin"] == "inherited").sum()),
        silent=int((variants["origin"].isin(NEW) & variants["finding"].eq("") & variants["artefact"].eq("")).sum()),
        indel_genes=len(bounded),
        indel_fraction=indel if enough and 2 * len(bounded) >= len(drivers) else None,
        indel_spiked=int(indel_spikes["indel_spiked"].sum()),
        indel_found=int(indel_spikes["indel_found"].sum()),
    )


def _of_indels(spiked: pd.DataFrame, part: Counted | None) -> dict[str, Any]:
    """Facts on the indels spiked into the lot's reads."""
    carried = spiked[spiked["carrying"] > 0]
    found = {"indel_events": len(carried), "indel_reads": int(carried["carrying"].sum())}
    if part is None:
        return found
    return found | {"indel_counted": round(part.mean, 4), "indel_counted_low": round(part.low, 4)}


def _unassessed(drivers: int, assessable: int, depths: Mapping[str, float], located: Collection[str]) -> str:
    """Why there is no limit for the panel."""
    if not drivers:
        return "no driver panel is searched (small_variants.drivers)"
    if 2 * len(located) < drivers:
        return f"the annotation has complete coding transcripts of {len(located)} of {drivers} driver genes"
    return (
        f"{assessable} of {drivers} driver genes are covered deeply enough to exclude a heterozygous mutation in all cells;"
        f" median depth: lot {depths['lot']:g}x, donor {depths['donor']:g}x"
    )


def variant_metrics(results: VariantResults) -> Metrics:
    """Findings by kind, and the limit of the panel. variants.acquired: in the user's list."""
    variants, facts = results.variants, results.facts
    unseen = Metric(value=None, reason=facts.unassessed)
    found: Metrics = {}
    for finding, name in FINDINGS.items():
        rows = variants[variants["finding"] == finding].to_dict("records")
        words = [named_variant(row) for row in rows[:LISTED]] + [f"and {len(rows) - LISTED} more"] * (
            len(rows) > LISTED
        )
        about = tuple(dict.fromkeys(short_name(row) for row in rows))
        found[name] = Metric(value=len(rows), detail="; ".join(words), about=about)
        searched = facts.listed if finding == "own" else facts.drivers and facts.fraction is not None
        if not rows and not searched:
            found[name] = Metric(value=None, reason=NO_LIST) if finding == "own" else unseen
    bound = f"{facts.power:.0%} power; {facts.assessable} of {facts.drivers} genes assessable"
    limit = unseen if facts.fraction is None else Metric(value=round(facts.fraction, 4), detail=bound)
    few = facts.indel_events and facts.indel_counted is None
    reason = facts.too_few_spiked if few else "fewer than half of the driver genes have a limit for them"
    none = Metric(value=None, reason=f"no limit for indels: {reason}")
    genes = f"{facts.indel_genes} of {facts.drivers} genes"
    indel = Metric(value=round(facts.indel_fraction, 4), detail=genes) if facts.indel_fraction is not None else none
    limits_ = {
        MetricName.VARIANTS_LIMIT: limit,
        MetricName.VARIANTS_INDEL_LIMIT: unseen if facts.fraction is None else indel,
    }
    return found | limits_


def named_variant(row: Mapping[Any, Any]) -> str:
    """A variant with the reads that show it and what the donor could have shown."""
    limit = float(row["donor_lod"])
    bound = "no reads" if np.isnan(limit) else f"detectable there from {limit:.0%} of reads"
    rna = f", RNA {row['rna_lot_alt']} of {row['rna_lot_depth']}" if row["rna_lot_depth"] else ""
    return (
        f"{short_name(row)}: {row['origin']}, {row['lot_alt']} of {row['lot_ref'] + row['lot_alt']} reads{rna}; donor"
        f" {row['donor_alt']} of {row['donor_ref'] + row['donor_alt']} ({bound})"
    )
