"""Loci of the driver panel as files for the tools that count reads and name consequences."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pandas as pd
import pysam

from karyolot.contracts.genes import Model
from karyolot.io.files import PathLike, write_text


@contextmanager
def genome_bases(fasta: PathLike) -> Iterator[tuple[frozenset[str], Callable[[str, int, int], str]]]:
    """Contigs of an indexed genome, and its bases, upper-case, by contig, start and end (0-based half-open)."""
    with pysam.FastaFile(str(fasta)) as genome:
        yield frozenset(genome.references), lambda chrom, start, end: genome.fetch(chrom, start, end).upper()


def write_regions(regions: pd.DataFrame, path: PathLike) -> None:
    """BED of columns chrom, start, end, gene."""
    write_text(regions.to_csv(sep="\t", header=False, index=False, lineterminator="\n"), path)


def write_models(models: Sequence[Model], path: PathLike) -> None:
    """GFF3 as `bcftools csq` reads it, which is Ensembl's: ids with their kind, and phases of coding exons."""
    lines = ["##gff-version 3"]
    for model in models:
        gene, own = f"gene:{model.gene}", f"transcript:{model.transcript}"
        whole = model.exons[0][0], model.exons[-1][1]

        def row(kind: str, start: int, end: int, phase: str, facts: str, model: Model = model) -> str:
            return f"{model.chrom}\tkaryolot\t{kind}\t{start + 1}\t{end}\t.\t{model.strand}\t{phase}\t{facts}"

        lines.append(row("gene", *whole, ".", f"ID={gene};Name={model.gene};biotype=protein_coding"))
        lines.append(row("mRNA", *whole, ".", f"ID={own};Parent={gene};biotype=protein_coding"))
        lines += [row("exon", start, end, ".", f"Parent={own}") for start, end in model.exons]
        read = 0
        for start, end in model.cds if model.strand == "+" else model.cds[::-1]:
            lines.append(row("CDS", start, end, str(-read % 3), f"Parent={own}"))
            read += end - start
    write_text("\n".join(lines) + "\n", path)
