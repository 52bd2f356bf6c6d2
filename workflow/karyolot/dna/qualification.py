"""Known changes spiked into a site's own reads -> checks of an operational qualification.

Spikes of copy number are made of the site's fragments by thinning alone: a loss in a fraction f of the cells keeps each of the
lot's fragments there with probability 1 - f/2, a gain each of the donor's with 1 / (1 + f/2), as a fragment that was not
sequenced cannot be made up. The first spike of each kind is drawn from the reads, read again from the alignment, where there is
one; the others from the counts, whose thinned fragments are distributed alike. From there on everything runs as in an analysis.
Fixed seeds: the same reads give the same checks.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.alleles import COUNTS, SITE_KEY
from karyolot.contracts.cells import interval, kept_fragments, percent
from karyolot.contracts.contigs import contig_key
from karyolot.contracts.copy_number import Fragments
from karyolot.contracts.drivers import DriverPanel
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.qualification import Check, Mutation, Requirement
from karyolot.contracts.settings import CopyNumber, Identity, SmallVariants
from karyolot.contracts.small_variants import Pileup
from karyolot.dna.atlas import Atlas
from karyolot.dna.calls import call_changes
from karyolot.dna.contamination import identify
from karyolot.dna.counts import count_fragments
from karyolot.dna.limits import known_regions
from karyolot.dna.ratio import compare
from karyolot.dna.segments import segment
from karyolot.dna.small_variants import search
from karyolot.dna.variant_errors import kind_of

SEED = 20_260_311
TRISOMY, GUEST = 0.2, 0.05
"""Cell fraction of the spiked trisomy 8; fraction of reads of the spiked other person."""
WIDER = 1.5
"""Half-widths of a 95 % interval by which an estimate may miss, three standard errors: a sound site fails in 0.3 %, not 5 %."""
GUEST_RANGE = (0.04, 0.06)
AT_LIMIT, FOUND_AT_LIMIT = 10, 8
"""Spikes at a limit of detection and how many must be called: fewer of ten are in 1.2 % of the cases where 95 % are called."""
CLEAR, FACTOR = 5, 1.5
"""Losses of the claimed size at FACTOR times their limit, all of which must be called: |z| is then 2.8 above its threshold."""
HOTSPOT = "20q11.21"
FROM_READS = ", in the reads"
THINNED = {"loss": "lot", "gain": "donor"}
"""Whose fragments are thinned for a change."""
OVERLAP = 0.5
"""Part of a spike that a call of its type must cover."""
BLOCK = 50
"""Neighbours in frequency among which sites are exchanged to make another person."""


class Pair(NamedTuple):
    """A lot and its donor, as counted: schemas Bins, Counts and Counts; arms, lod: schemas Arms and Lod, as analysed."""

    bins: pd.DataFrame
    lot: pd.DataFrame
    donor: pd.DataFrame
    arms: pd.DataFrame
    lod: pd.DataFrame
    sex: str
    settings: CopyNumber
    atlas: Atlas
    reads: Mapping[str, Callable[[str], Iterable[Fragments]]] = MappingProxyType({})
    """'lot', 'donor' -> the fragments of a contig, from the reads; empty = there are counts alone."""


def calls_of(pair: Pair) -> pd.DataFrame:
    """Schema Calls, from counts as an analysis has it."""
    ratios, facts = compare(pair.bins, pair.lot, pair.donor, pair.sex, pair.settings)
    segments, noise, donor_noise = segment(ratios, pair.settings)
    arms = known_regions(ratios, noise, pair.settings, pair.atlas)
    return call_changes(ratios, segments, arms, noise, donor_noise, pair.settings, pair.atlas, facts)


def copy_number_checks(pair: Pair) -> list[Check]:
    """No change in the donor against itself; trisomy 8, 20q11.21 and a loss of the claimed size where they are spiked in."""
    return [_null(pair), _trisomy(pair), _hotspot(pair), _loss(pair)]


def spiked(pair: Pair, inside: NDArray[np.bool_], type_: str, fraction: float, seed: int = 0) -> Pair:
    """The pair with a change of one of two copies in a fraction of the cells in these bins."""
    generator, role = np.random.default_rng([SEED, seed]), THINNED[type_]
    table: pd.DataFrame = getattr(pair, role)
    counts = table["count"].to_numpy().copy()
    counts[inside] = generator.binomial(counts[inside], kept_fragments(fraction, type_))
    return _with_counts(pair, role, counts)


def spiked_reads(pair: Pair, inside: NDArray[np.bool_], type_: str, fraction: float, seed: int = 0) -> tuple[Pair, str]:
    """As `spiked`, by dropping fragments of the reads of that contig; and where these were read from, '' = from counts alone.

    Raises KaryolotError when the fragments outside of the change are not as many as the run counted.
    """
    role = THINNED[type_]
    if role not in pair.reads:
        return spiked(pair, inside, type_, fraction, seed), ""
    generator, kept = np.random.default_rng([SEED, seed]), kept_fragments(fraction, type_)
    contig = str(pair.bins["chrom"][inside].iloc[0])
    low, high = int(pair.bins["start"][inside].iloc[0]), int(pair.bins["end"][inside].iloc[-1])

    def thinned(piece: Fragments) -> Fragments:
        middle = piece.start + piece.length // 2
        stays = (generator.random(len(middle)) < kept) | (middle < low) | (middle >= high)
        return piece._replace(start=piece.start[stays], length=piece.length[stays])

    counted, _ = count_fragments(pair.bins, map(thinned, pair.reads[role](contig)))
    own, table = (pair.bins["chrom"] == contig).to_numpy(), getattr(pair, role)
    if not np.array_equal(counted["count"][own & ~inside], table["count"][own & ~inside]):
        raise KaryolotError(f"the reads of the {role} hold other fragments on {contig} than the run counted; run again")
    return _with_counts(pair, role, np.where(own, counted["count"], table["count"])), FROM_READS


def _with_counts(pair: Pair, role: str, counts: NDArray[np.int64]) -> Pair:
    if role == "lot":
        return pair._replace(lot=pair.lot.assign(count=counts))
    return pair._replace(donor=pair.donor.assign(count=counts))


def _called_spikes(
    pair: Pair, places: Sequence[NDArray[np.bool_]], type_: str, fraction: float, seed: int
) -> tuple[int, str]:
    """How many spikes are called, one in each region, and of what the first was made: reads, where there are any."""
    first, source = spiked_reads(pair, places[0], type_, fraction, seed)
    spikes = (first, *(spiked(pair, place, type_, fraction, seed + n) for n, place in enumerate(places[1:], 1)))
    found = (_over(calls_of(one), pair.bins, place, type_) for one, place in zip(spikes, places, strict=True))
    return sum(len(calls) > 0 for calls in found), f", the first{source.removeprefix(',')}" if source else ""


def _null(pair: Pair) -> Check:
    test = Requirement("OQ1", "OQ", "Donor's reads split in two: no change", "0 calls")
    generator = np.random.default_rng(SEED)
    counts = pair.donor["count"].to_numpy()
    half = generator.binomial(counts, 0.5)
    found = calls_of(pair._replace(lot=pair.donor.assign(count=half), donor=pair.donor.assign(count=counts - half)))
    named = f": {', '.join(found['name'])}" if len(found) else ""
    return test.done(f"{len(found)} calls{named}", "a change was called between halves of one sample" if named else "")


def _trisomy(pair: Pair) -> Check:
    limit = "called as a gain of chromosome 8; spiked fraction within 1.5 times the 95% interval of the estimate"
    test = Requirement("OQ2", "OQ", f"Trisomy 8 in {percent(TRISOMY)} of cells", limit)
    inside = (pair.bins["chrom"].map(contig_key) == "8").to_numpy()
    lod = _limit_of(pair.arms, "8")
    if lod is None:
        return test.not_done("chromosome 8 is not assessable in these reads")
    if lod > TRISOMY:
        return test.not_done(f"its limit of detection in these reads is {percent(lod)}; deeper sequencing is needed")
    if len(own := _over(calls_of(pair), pair.bins, inside, "gain")):
        return test.not_done(f"the lot has a change there ({own['name'].iloc[0]}); choose another lot")
    made, source = spiked_reads(pair, inside, "gain", TRISOMY, 2)
    found = _over(calls_of(made), pair.bins, inside, "gain")
    if found.empty:
        return test.done("not called", "the spiked change was not called")
    best = found.iloc[0]
    fraction, low, high = (float(best[name]) for name in ("fraction", "fraction_low", "fraction_high"))
    shown = f"{best['name']} in {percent(fraction)} of cells (95% CI {interval(low, high)}){source}"
    near = fraction - WIDER * (fraction - low) <= TRISOMY <= fraction + WIDER * (high - fraction)
    return test.done(shown, "" if near else "the estimate is too far from the spiked fraction")


def _hotspot(pair: Pair) -> Check:
    limit = f"called in at least {FOUND_AT_LIMIT} of {AT_LIMIT} spikes"
    test = Requirement("OQ3", "OQ", f"Gain of {HOTSPOT} at its limit of detection", limit)
    place = next((one for one in pair.atlas.recurrent_places() if one[0] == HOTSPOT), None)
    own = pair.arms[(pair.arms["scope"] == "recurrent") & (pair.arms["name"] == HOTSPOT)]
    if place is None or own.empty:
        return test.not_done(f"{HOTSPOT} is not among the recurrent regions of this study")
    lod, bins = float(own["lod_gain"].iloc[0]), int(own["bins"].iloc[0])  # also where it is above what a run assesses
    if not lod <= 1:
        return test.not_done(
            f"no gain of {HOTSPOT} is detectable in these reads ({bins} usable bins there); deeper sequencing is needed"
        )
    middle = (pair.bins["start"] + pair.bins["end"]) // 2
    inside = ((pair.bins["chrom"].map(contig_key) == place[1]) & middle.between(place[2], place[3], "left")).to_numpy()
    if len(_over(calls_of(pair), pair.bins, inside, "gain")):
        return test.not_done("the lot has a gain there; choose another lot")
    hits, source = _called_spikes(pair, [inside] * AT_LIMIT, "gain", lod, 100)
    fault = "" if hits >= FOUND_AT_LIMIT else "fewer spikes were called than the limit of detection states"
    return test.done(f"called in {hits} of {AT_LIMIT} spikes at {percent(lod)} of cells{source}", fault)


def _loss(pair: Pair) -> Check:
    size = pair.settings.claim_mb
    title = f"Loss of {size:g} Mb at {FACTOR:g} times its limit of detection"
    test = Requirement("OQ4", "OQ", title, f"called in {CLEAR} of {CLEAR} spikes")
    own = pair.lod[(pair.lod["size_bp"] == round(size * 1e6)) & (pair.lod["type"] == "loss")]["fraction"]
    if own.empty or pd.isna(own.iloc[0]) or FACTOR * own.iloc[0] > 1:
        return test.not_done(f"{size:g} Mb have no limit of detection in these reads, or too high a one")
    places = _regions(pair, size)
    if not places:
        return test.not_done(f"no {size:g} Mb without a change of the lot's own")
    fraction, generator = FACTOR * float(own.iloc[0]), np.random.default_rng(SEED)
    drawn = [places[int(generator.integers(len(places)))] for _ in range(CLEAR)]
    hits, source = _called_spikes(pair, drawn, "loss", fraction, 200)
    fault = "" if hits == CLEAR else "a loss well above its limit of detection was not called"
    return test.done(f"called in {hits} of {CLEAR} spikes at {percent(fraction)} of cells{source}", fault)


def _regions(pair: Pair, megabases: float) -> list[NDArray[np.bool_]]:
    """One region of that size in the middle of each autosomal arm that is assessable and without a call."""
    arms = pair.arms[
        (pair.arms["scope"] == "arm") & pair.arms["assessable"] & ~pair.arms["changed"] & (pair.arms["copies"] == 2)
    ]
    calls, found = calls_of(pair), []
    for arm in arms.to_dict("records"):
        touched = (calls["chrom"] == arm["chrom"]) & (calls["start"] < arm["end"]) & (calls["end"] > arm["start"])
        start = (arm["start"] + arm["end"] - megabases * 1e6) / 2
        if touched.any() or start < arm["start"]:
            continue
        inside = (
            (pair.bins["chrom"] == arm["chrom"])
            & (pair.bins["start"] >= start)
            & (pair.bins["end"] <= start + megabases * 1e6)
        )
        if inside.any():
            found.append(inside.to_numpy())
    return found


def _over(calls: pd.DataFrame, bins: pd.DataFrame, inside: NDArray[np.bool_], type_: str) -> pd.DataFrame:
    """Calls of a type that cover at least OVERLAP of these bins, the longest overlap first."""
    part = bins[inside]
    chrom, start, end = part["chrom"].iloc[0], part["start"].iloc[0], part["end"].iloc[-1]
    shared = np.minimum(calls["end"], end) - np.maximum(calls["start"], start)
    hit = (calls["chrom"] == chrom) & (calls["type"] == type_) & (shared >= OVERLAP * (end - start))
    found: pd.DataFrame = calls.assign(shared=shared)[hit].sort_values("shared", ascending=False)
    return found


def _limit_of(arms: pd.DataFrame, name: str) -> float | None:
    """Limit of detection of a gain of a chromosome or a recurrent region by its contig key or name; None = not assessable."""
    own = arms[(arms["scope"] != "arm") & arms["assessable"] & (arms["name"].map(contig_key) == name)]
    return None if own.empty or pd.isna(own["lod_gain"].iloc[0]) else float(own["lod_gain"].iloc[0])


def identity_checks(
    lot: pd.DataFrame | None,
    donor: pd.DataFrame | None,
    other: pd.DataFrame | None,
    settings: Identity,
    mixed_reads: Callable[[float], pd.DataFrame] | None = None,
) -> list[Check]:
    """A sample swap, and reads of another person.

    Parameters
    ----------
    lot, donor
        Schema AlleleCounts; None = no alleles were counted.
    other
        Of another donor of the study, counted at the same sites; None = another person is made of the donor's own counts, by
        exchanging sites of about the same allele frequency.
    mixed_reads
        From the fraction of the other donor's reads: schema AlleleCounts of an alignment with as many of them among the lot's, at
        some sites; None = there are no reads, and counts are mixed.
    """
    swap = Requirement(
        "OQ5", "OQ", "Sample swap: another person in place of the lot", "lot MATCH, other person MISMATCH"
    )
    low, high = map(percent, GUEST_RANGE)
    mixed = Requirement("OQ6", "OQ", f"Reads of another person: {percent(GUEST)}", f"estimate {low} to {high}")
    if lot is None or donor is None:
        return [test.not_done("no alleles were counted (identity.sites)") for test in (swap, mixed)]
    guest = other if other is not None else _another(donor)
    own, strange = (identify(table, donor, settings).kinship.result for table in (lot, guest))
    fault = "" if (own, strange) == ("MATCH", "MISMATCH") else "the swap was not recognised, or the lot was not"
    who = "another donor of the study" if other is not None else "a person made of the donor's counts"
    first = swap.done(f"lot {own}, other person {strange} ({who})", fault)
    if mixed_reads is not None:
        return [first, _estimated(mixed_reads(GUEST), donor, settings, mixed, FROM_READS)]
    return [first, _mixed(lot, donor, guest, settings, mixed)]


def _another(donor: pd.DataFrame) -> pd.DataFrame:
    """A person with the donor's reads at other sites."""
    generator = np.random.default_rng(SEED)
    order = np.argsort(donor["frequency"].fillna(0.5).to_numpy(), kind="stable")
    held, made = donor[COUNTS].to_numpy(), donor[COUNTS].to_numpy().copy()
    for low in range(0, len(order), BLOCK):
        block = order[low : low + BLOCK]
        made[block] = held[generator.permutation(block)]
    return donor.assign(**{name: made[:, n] for n, name in enumerate(COUNTS)})


def _mixed(lot: pd.DataFrame, donor: pd.DataFrame, guest: pd.DataFrame, settings: Identity, test: Requirement) -> Check:
    generator = np.random.default_rng(SEED)
    own, strange = (table[COUNTS].to_numpy() for table in (lot, guest))
    kept = min(GUEST * float(own.sum()) / max(float(strange.sum()), 1.0), 1.0)
    counts = generator.binomial(own, 1 - GUEST) + generator.binomial(strange, kept)
    return _estimated(lot.assign(**{name: counts[:, n] for n, name in enumerate(COUNTS)}), donor, settings, test, "")


def _estimated(mixed: pd.DataFrame, donor: pd.DataFrame, settings: Identity, test: Requirement, source: str) -> Check:
    """The contamination of a mixture. mixed: at some or all of the donor's sites. source: what it was made of."""
    same = mixed[SITE_KEY].merge(donor, on=SITE_KEY, how="left")[donor.columns]
    found = identify(mixed.reset_index(drop=True), same, settings).contamination
    if found.lod is None or found.lod > GUEST:
        return test.not_done("the reads over SNPs are too few to see it")
    if found.fraction is None or found.low is None or found.high is None:
        return test.done("not determined", "no estimate was made")
    shown = f"{percent(found.fraction)} (95% CI {interval(found.low, found.high)}){source}"
    inside = GUEST_RANGE[0] <= found.fraction <= GUEST_RANGE[1]
    return test.done(shown, "" if inside else "the estimate is outside its range")


class Drivers(NamedTuple):
    """What was searched for driver mutations: reads at the loci, schemas DriverLoci, Consequences and VariantLimits, and what
    `dna.small_variants.search` takes besides."""

    pileup: Pileup
    loci: pd.DataFrame
    panel: DriverPanel
    consequences: pd.DataFrame
    limits: pd.DataFrame
    settings: SmallVariants
    haploid: Collection[str]
    sets: float | None


def driver_check(
    drivers: Drivers | None, searched: Callable[[list[Mutation]], tuple[Pileup, pd.DataFrame]] | None = None
) -> Check:
    """A mutation of each recurrent codon of TP53 that can be assessed, at its limit of detection.

    searched: what the reads of the lot show once mutations were written into them, and the consequences; None = there are no
    reads, and mutations are drawn from the depths that were counted.
    """
    limit = f"at least {FOUND_AT_LIMIT * 10}% of the spikes called, as acquired"
    test = Requirement("OQ8", "OQ", "TP53 hotspot variants at their limits of detection", limit, required=False)
    if drivers is None:
        return test.not_done("the lot was not searched for small variants")
    own = drivers.limits[(drivers.limits["gene"] == "TP53") & (drivers.limits["hotspot"] != "")]
    limits = own[own["fraction"].notna()].to_dict("records")
    if not limits:
        return test.not_done("no recurrent codon of TP53 has a limit of detection in these reads")
    if searched is not None:
        spikes = [_spike(drivers, row)[1] for row in limits]
        return _called(drivers, *searched(spikes), {(one.chrom, one.start) for one in spikes}, test, FROM_READS)
    rows = [_mutation(drivers, row) for row in limits]
    made, named = pd.DataFrame([row for row, _ in rows]), pd.DataFrame([row for _, row in rows])
    keys = ["position", "alt"]
    kept = drivers.pileup.alleles.merge(made[keys], on=keys, how="left", indicator=True)
    alleles = pd.concat([kept[kept["_merge"] == "left_only"].drop(columns="_merge"), made], ignore_index=True)
    pileup = drivers.pileup._replace(
        alleles=alleles[drivers.pileup.alleles.columns].sort_values("position", kind="stable")
    )
    consequences = pd.concat([drivers.consequences, named], ignore_index=True)
    pileup = pileup._replace(alleles=pileup.alleles.reset_index(drop=True))
    return _called(drivers, pileup, consequences, {(row["chrom"], row["start"]) for _, row in rows}, test, "")


def _called(
    drivers: Drivers,
    pileup: Pileup,
    consequences: pd.DataFrame,
    spikes: Collection[tuple[Any, Any]],
    test: Requirement,
    source: str,
) -> Check:
    """How many spikes are called. spikes: contig and position of each."""
    asked = drivers.loci, drivers.panel, consequences, drivers.settings, drivers.haploid, drivers.sets
    found = search(pileup, *asked).variants
    called = found[(found["finding"] == "tp53") & (found["origin"] == "acquired")]
    hits = len(set(spikes) & set(zip(called["chrom"], called["start"], strict=True)))
    few = hits < FOUND_AT_LIMIT / 10 * len(spikes)
    fault = "fewer spikes were called than the limits of detection state" if few else ""
    return test.done(f"called in {hits} of {len(spikes)} recurrent codons{source}", fault)


def _spike(drivers: Drivers, limit: dict[Any, Any]) -> tuple[int, Mutation]:
    """The row of the position that is mutated in a recurrent codon, and the substitution."""
    loci, positions = drivers.loci, drivers.pileup.positions
    codon = loci[(loci["gene"] == "TP53") & (loci["hotspot"] == limit["hotspot"])].iloc[0]
    inside = (positions["chrom"] == codon["chrom"]) & positions["start"].between(codon["start"], codon["end"], "left")
    rows = np.flatnonzero(inside)
    at = int(rows[len(rows) // 2])  # in the middle of a codon every substitution changes the protein
    copies = (1 if codon["chrom"] in drivers.haploid else 2) * (drivers.sets or 2.0) / 2
    alt = "ACGT"[("ACGT".index(str(positions["ref"].iloc[at])) + 1) % 4]
    part = min(limit["fraction"] / copies, 1.0)
    return at, Mutation(str(codon["chrom"]), int(positions["start"].iloc[at]), alt, part)


def _mutation(drivers: Drivers, limit: dict[Any, Any]) -> tuple[dict[str, object], dict[str, object]]:
    """A substitution in a recurrent codon: its reads (a row of SeenAlleles), and its consequence."""
    at, spike = _spike(drivers, limit)
    place: dict[Any, Any] = drivers.pileup.positions.iloc[at].to_dict()
    generator = np.random.default_rng([SEED, at])
    depth, forward = int(place["lot_depth"]), int(place["lot_forward"])
    shown = int(generator.binomial(depth, spike.part))
    ref, alt = str(place["ref"]), spike.alt
    about = {"start": int(place["start"]), "ref": ref, "alt": alt}
    reads = {
        "position": at,
        "kind": kind_of(ref, alt, int(place["run"])),
        "lot_alt": shown,
        "lot_alt_forward": int(generator.hypergeometric(forward, depth - forward, shown)) if shown else 0,
        "lot_depth": depth,
        "lot_forward": forward,
        "ends": 0.0,
        **dict.fromkeys(("donor_alt", "rna_lot_alt", "rna_donor_alt"), 0),
        **{name: int(place[name]) for name in ("donor_depth", "rna_lot_depth", "rna_donor_depth")},
    }
    named = {"gene": "TP53", "consequence": "missense", "change": f"{limit['hotspot']}X", "chrom": spike.chrom}
    return about | reads | {"chrom": spike.chrom}, about | named
