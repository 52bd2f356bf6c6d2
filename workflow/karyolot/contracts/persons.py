"""Whose sample is it, if not its donor's. Light: the record holds it, and the page prints it."""

from karyolot.contracts.criteria import Frozen

MOST_NAMED = 6
"""Donors in one sentence; the rest are counted."""


class Persons(Frozen):
    """persons.json: the samples of a lot that are not its own donor's, against the other donors of the sample sheet.

    No verdict rests on it and the report id does not cover it; it is the state of the study when the alleles of the lot were
    compared, so that a donor who is added later changes no lot. strangers: samples that are another person's. dna, rna: donors
    whose DNA that of the lot, or its RNA, matches. compared: donors that any of these could be compared with; open:
    donors whose alleles were not counted yet, or are too few.
    """

    strangers: tuple[str, ...] = ()
    dna: tuple[str, ...] = ()
    rna: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    open: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """'Its DNA and RNA match donor D2.'; '' when all samples are the donor's."""
        if not self.strangers:
            return ""
        same = self.dna == self.rna
        found = [("DNA and RNA match", self.dna)] if same else [("DNA matches", self.dna), ("RNA matches", self.rna)]
        said = [
            f"Its {what} donor{'s' if len(donors) > 1 else ''} {_listed(donors)}." for what, donors in found if donors
        ]
        if not said and self.compared:
            said.append(f"It matches none of the other donors on the sample sheet ({_listed(self.compared)}).")
        if self.open:
            said.append(f"Not comparable when this report was made: {_listed(self.open)}.")
        return " ".join(said) or "The sample sheet has no other donor to compare it with."


def _listed(donors: tuple[str, ...]) -> str:
    more = [f"{len(donors) - MOST_NAMED} more"] * (len(donors) > MOST_NAMED)
    words = [*donors[:MOST_NAMED], *more]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
