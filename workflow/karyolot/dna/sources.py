"""Every pair of samples of a study, and of a contaminated lot the sample whose person its foreign reads are from."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts import settings as configured
from karyolot.contracts.alleles import Counted, Earlier, Identity, Likenesses
from karyolot.dna.contamination import SHARES, Mixture, Reads, explained, usable
from karyolot.dna.identity import Floats, Genotypes, frequencies, genotypes, posterior, shared_rows, shared_sites
from karyolot.dna.kinships import match_all

TRIED = 5
"""Fractions at which every sample is tried as the source, evenly spaced over the interval found for an unknown person."""
FITTED = 8
"""Samples that are fitted in full, the likeliest of all: each takes as long as 50 others take to be tried."""


def match_samples(
    counted: Mapping[str, Counted],
    samples: Sequence[Mapping[str, str]],
    own: Mapping[str, Identity],
    settings: configured.Identity,
    earlier: Earlier | None = None,
) -> tuple[pd.DataFrame, Likenesses]:
    """Compare every pair of samples; what is in `earlier` and still holds is not compared again.

    Parameters
    ----------
    samples
        Of each sample sample_id, assay ('wgs' or 'rnaseq'), owner (lot or donor), person (donor by the sheet) and role
        ('lot' or 'donor').
    own
        What each lot is against its own donor, by its name.

    Returns
    -------
    tuple
        Schema Pairs, and what a later call takes in `earlier`.
    """
    facts = {sample["sample_id"]: sample for sample in samples}
    owners, persons = ({name: fact[key] for name, fact in facts.items()} for key in ("owner", "person"))
    pairs = match_all(counted, owners, persons, settings.log10_ratio, earlier)
    dna = [name for name, fact in facts.items() if fact["assay"] == "wgs"]
    donors = {facts[name]["person"]: name for name in dna if facts[name]["role"] == "donor"}
    likenesses = {}
    for lot in (name for name in dna if facts[name]["role"] == "lot"):
        if not holds_foreign_reads(own[owners[lot]]):
            continue
        donor = donors[persons[lot]]
        # By what was measured, not by the sheet: a swapped tube with the donor's own cells would explain the lot's reads.
        apart = strangers(pairs, lot) & strangers(pairs, donor)
        search = Search.of(counted[lot].table, counted[donor].table)
        if search is None:
            continue
        of_lot = likenesses[f"{lot} of {donor}"] = search.likenesses(
            {name: counted[name] for name in dna if name in apart}, _known(earlier, lot, donor)
        )
        found = search.best({name: counted[name] for name in sorted(of_lot, key=of_lot.__getitem__)[-FITTED:]})
        if found is not None:
            guest, fit = found
            for one, other, column in (("sample_a", "sample_b", "b_in_a"), ("sample_b", "sample_a", "a_in_b")):
                pairs.loc[(pairs[one] == lot) & (pairs[other] == guest), column] = round(fit.share, 5)
    return pairs, likenesses


def _known(earlier: Earlier | None, lot: str, donor: str) -> Mapping[str, float]:
    """Likenesses that were found before, of samples that are unchanged."""
    if earlier is None or not {lot, donor} <= earlier.unchanged:
        return {}
    found = earlier.likenesses.get(f"{lot} of {donor}", {})
    return {name: value for name, value in found.items() if name in earlier.unchanged}


class Search(NamedTuple):
    """Search for the source of a lot's foreign reads. sites: of lot and donor; rows: of `sites`, that `reads` has; frequency:
    of alt there; stranger: the mixture with an unknown person; mixed, top, anything: `Reads.mixtures` at the fractions tried,
    with the host's genotypes weighted, (fractions, sites, 3)."""

    sites: pd.DataFrame
    rows: NDArray[np.int64]
    reads: Reads
    frequency: Floats
    stranger: Mixture
    mixed: Floats
    top: Floats
    anything: Floats

    @classmethod
    def of(cls, lot: pd.DataFrame, donor: pd.DataFrame) -> "Search | None":
        """lot, donor: schema AlleleCounts. None when they have no site to search at."""
        sites, of_donor = shared_sites({"lot": lot, "donor": donor})
        frequency = frequencies(sites, of_donor)[0]
        rows, reads = usable(sites, of_donor, frequency)
        if not len(rows):
            return None
        stranger = reads.fit()
        tried = np.linspace(max(stranger.low, float(SHARES[1])), max(stranger.high, float(SHARES[1])), TRIED)
        anything, mixtures = reads._replace(error=stranger.error).mixtures(tried)
        held = [(np.einsum("ih,ihg->ig", reads.host, site.reshape(-1, 3, 3)), top) for site, top in mixtures]
        mixed, top = (np.stack(part) for part in zip(*held, strict=True))
        return cls(sites, rows, reads, frequency[rows], stranger, mixed, top, anything)

    def likenesses(self, others: Mapping[str, Counted], known: Mapping[str, float]) -> dict[str, float]:
        """Of each sample the log likelihood of the lot's reads with its person mixed in, at the best fraction tried."""
        return {name: known[name] if name in known else self._likeness(other) for name, other in others.items()}

    def _likeness(self, other: Counted) -> float:
        guest = self._guest(other)
        sites = np.einsum("sig,ig->si", self.mixed, guest)
        return round(max(explained(site, top, self.anything) for site, top in zip(sites, self.top, strict=True)), 6)

    def _guest(self, other: Counted) -> Floats:
        """Genotypes of a sample's person where the lot is searched."""
        return posterior(_placed(other, self.sites).likelihood[self.rows], self.frequency)

    def best(self, others: Mapping[str, Counted]) -> tuple[str, Mixture] | None:
        """Which of `others` best explains the foreign reads; None if none does.

        A sample explains them if, as the guest, its likelihood is 10,000 times that of an unrelated person of the population
        and that of no guest.
        """
        fits = {}
        for name, other in others.items():
            guest = np.repeat(self._guest(other)[:, None, :], 3, axis=1)
            fits[name] = self.reads._replace(guest=guest, error=self.stranger.error).fit(np.ones(1))
        if not fits:
            return None
        name, best = max(fits.items(), key=lambda item: item[1].log)
        gain = min(best.log - self.stranger.log, best.rise)
        return (name, best) if gain >= 4 * np.log(10) else None


def _placed(other: Counted, sites: pd.DataFrame) -> Genotypes:
    """Genotypes of a sample at other sites; one without reads where it has none of them."""
    rows, own = shared_rows(sites, other.sites)
    held = genotypes(other.table, rna=other.rna).at(own)
    placed = Genotypes(np.ones((len(sites), 3)), np.zeros(len(sites), dtype=np.int64))
    placed.likelihood[rows], placed.depth[rows] = held
    return placed


def holds_foreign_reads(own: Identity) -> bool:
    """Whether to search the sheet for the source: the lot is its donor's, and the interval of its contamination excludes 0 or is
    unknown. If it contains 0, a source could not be distinguished from none, and the search is costly."""
    return own.kinship.result == "MATCH" and own.contamination.low != 0


def strangers(pairs: pd.DataFrame, sample: str) -> set[str]:
    """Samples measured to be of another person than `sample`. pairs: schema Pairs."""
    apart = pairs[pairs["result"] == "MISMATCH"]
    return {*apart.loc[apart["sample_a"] == sample, "sample_b"], *apart.loc[apart["sample_b"] == sample, "sample_a"]}
