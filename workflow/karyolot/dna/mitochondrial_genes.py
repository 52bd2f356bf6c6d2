"""Genes of the revised Cambridge reference sequence (NC_012920), and what a change of one base does.

Positions of the genes: Andrews 1999 (doi 10.1038/13779) and the record of NC_012920. Genetic code: vertebrate mitochondrial.
"""

from typing import NamedTuple

RCRS_LENGTH = 16_569
PLACES = {8470: "A", 13447: "A", 3107: "N", 73: "A", 263: "A"}
"""1-based positions that distinguish the rCRS from other sequences of its length."""
GENES = """
MT-TF 577 647 + RNA
MT-RNR1 648 1601 + RNA
MT-TV 1602 1670 + RNA
MT-RNR2 1671 3229 + RNA
MT-TL1 3230 3304 + RNA
MT-ND1 3307 4262 + protein
MT-TI 4263 4331 + RNA
MT-TQ 4329 4400 - RNA
MT-TM 4402 4469 + RNA
MT-ND2 4470 5511 + protein
MT-TW 5512 5579 + RNA
MT-TA 5587 5655 - RNA
MT-TN 5657 5729 - RNA
MT-TC 5761 5826 - RNA
MT-TY 5826 5891 - RNA
MT-CO1 5904 7445 + protein
MT-TS1 7446 7514 - RNA
MT-TD 7518 7585 + RNA
MT-CO2 7586 8269 + protein
MT-TK 8295 8364 + RNA
MT-ATP8 8366 8572 + protein
MT-ATP6 8527 9207 + protein
MT-CO3 9207 9990 + protein
MT-TG 9991 10058 + RNA
MT-ND3 10059 10404 + protein
MT-TR 10405 10469 + RNA
MT-ND4L 10470 10766 + protein
MT-ND4 10760 12137 + protein
MT-TH 12138 12206 + RNA
MT-TS2 12207 12265 + RNA
MT-TL2 12266 12336 + RNA
MT-ND5 12337 14148 + protein
MT-ND6 14149 14673 - protein
MT-TE 14674 14742 - RNA
MT-CYB 14747 15887 + protein
MT-TT 15888 15953 + RNA
MT-TP 15956 16023 - RNA
"""
"""Name, first and last base (1-based, inclusive), strand, and what it makes."""
CODE = dict(
    zip(
        (first + second + third for first in "TCAG" for second in "TCAG" for third in "TCAG"),
        "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIMMTTTTNNKKSS**VVVVAAAADDEEGGGG",
        strict=True,
    )
)
"""Codon -> amino acid (translation table 2)."""
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


class Gene(NamedTuple):
    """0-based half-open on the forward strand."""

    name: str
    start: int
    end: int
    forward: bool
    protein: bool


class Effect(NamedTuple):
    """gene: all at the position, joined by ','; '' between genes. change: of the proteins, 'p.R340H'; '' without one.
    altering: in an RNA gene, or another amino acid."""

    gene: str
    change: str
    altering: bool


def _genes() -> tuple[Gene, ...]:
    rows = (line.split() for line in GENES.strip().splitlines())
    return tuple(Gene(name, int(a) - 1, int(b), strand == "+", made == "protein") for name, a, b, strand, made in rows)


ALL = _genes()


def is_rcrs(sequence: str) -> bool:
    """Whether positions on this sequence are those of the rCRS."""
    return len(sequence) == RCRS_LENGTH and all(sequence[at - 1] == base for at, base in PLACES.items())


def effect(sequence: str, at: int, alt: str) -> Effect:
    """What `alt` at a position (0-based) of the rCRS does. Codons are those of the reference beside it."""
    here = [gene for gene in ALL if gene.start <= at < gene.end]
    changes = [change for gene in here if gene.protein and (change := protein_change(sequence, gene, at, alt))]
    altering = bool(changes) or any(not gene.protein for gene in here)
    return Effect(",".join(gene.name for gene in here), ",".join(changes), altering)


def protein_change(sequence: str, gene: Gene, at: int, alt: str) -> str:
    """'p.R340H'; '' when the amino acid stays, or the codon is completed by the poly(A) tail."""
    offset = at - gene.start if gene.forward else gene.end - 1 - at
    number, place = divmod(offset, 3)
    if gene.forward:
        codon = sequence[gene.start + 3 * number : gene.start + 3 * number + 3]
        codon = codon if gene.start + 3 * number + 3 <= gene.end else ""
    else:
        last = gene.end - 3 * number
        codon = sequence[last - 3 : last].translate(COMPLEMENT)[::-1] if last - 3 >= gene.start else ""
        alt = alt.translate(COMPLEMENT)
    changed = codon[:place] + alt + codon[place + 1 :]
    before, after = CODE.get(codon), CODE.get(changed)
    if before is None or after is None or before == after:
        return ""
    return f"p.{before}{number + 1}{after}"
