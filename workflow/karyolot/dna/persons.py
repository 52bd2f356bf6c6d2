"""Whose sample is it, if not its donor's: a lot against the other donors of the sample sheet."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from karyolot.contracts.alleles import Identity, Relation
from karyolot.contracts.persons import Persons
from karyolot.dna.identity import frequencies, genotypes, kinship, shared_rows


def whose(
    identity: Identity,
    counted: Mapping[str, Mapping[str, Any]],
    read: Callable[[Mapping[str, Any]], Mapping[str, pd.DataFrame | None]],
    log10_ratio: float,
) -> Persons:
    """Which of the other donors those samples of a lot match that are not its own donor's, by their SNPs.

    Parameters
    ----------
    identity
        The lot against its own donor.
    counted
        Where allele counts are: 'own' by sample of the lot, 'donors' by other donor (of their DNA).
    read
        From these files to schema AlleleCounts, None where there is none yet. Called for samples of unrelated persons only.
    log10_ratio
        Of the settings: how much likelier one person must be.
    """
    of_rna = {found.sample_id: found.result for found in identity.rna if found.role == "lot"}
    results: dict[str, Relation] = {name: of_rna.get(name, identity.kinship.result) for name in counted["own"]}
    strangers = read({name: counted["own"][name] for name, result in results.items() if result == "MISMATCH"})
    matches: dict[bool, list[str]] = {True: [], False: []}
    compared: list[str] = []
    left: list[str] = []
    for donor, place in counted["donors"].items() if strangers else ():
        table = read({donor: place})[donor]
        found = {name: _result(own, table, name in of_rna, log10_ratio) for name, own in strangers.items()}
        for rna, held in matches.items():
            if any(result == "MATCH" and (name in of_rna) is rna for name, result in found.items()):
                held.append(donor)
        (left if set(found.values()) == {"NOT ENOUGH"} else compared).append(donor)
    return Persons(
        strangers=tuple(strangers),
        dna=tuple(matches[False]),
        rna=tuple(matches[True]),
        compared=tuple(compared),
        open=tuple(left),
    )


def _result(sample: pd.DataFrame | None, donor: pd.DataFrame | None, rna: bool, log10_ratio: float) -> Relation:
    if sample is None or donor is None:
        return "NOT ENOUGH"
    rows, of_donor = shared_rows(sample, donor)
    one, two = sample.iloc[rows].reset_index(drop=True), donor.iloc[of_donor].reset_index(drop=True)
    return kinship(genotypes(one, rna=rna), genotypes(two), frequencies(one, two)[0], log10_ratio).result
