"""Words on single genes, and on the samples of a lot and its donor by their principal components."""

from math import dist
from statistics import fmean

from karyolot.contracts.record_rna import ExpressionRecord, GeneRow, SampleMap
from karyolot.contracts.text import Figure
from karyolot.report.words import listed, log2, number, percent, plural


def changed_genes(record: ExpressionRecord, figure: int) -> Figure:
    """Fold changes of all genes."""
    top = [f"{way}: {_strongest(rows)}" for way, rows in (("up", record.top_up), ("down", record.top_down)) if rows]
    strongest = f"Largest changes {'; '.join(top)}." if top else "No gene changed."
    if record.p_values:
        finding = strongest
        reading = (
            f"Orange, blue: adjusted p < {number(record.significance)}. Fold changes are shrunk towards zero (apeglm)."
        )
    else:
        finding = f"Nothing was tested: replicates are missing. {strongest}"
        reading = "Genes with few counts change most by chance; those listed have a mean of 10 counts or more."
    return Figure(
        number=figure,
        finding=finding,
        reading=f"Each point: a gene by its mean normalised count and its fold change, lot over donor; triangles lie beyond the"
        f" axis. {reading} Both axes are the same in all reports. One lot against one donor.",
    )


def _strongest(rows: tuple[GeneRow, ...]) -> str:
    return listed([f"{row.gene_name} ({log2(row.log2fc)})" for row in rows[:3]], 3)


def own_samples(map_: SampleMap, figure: int) -> Figure:
    """The samples of a lot and of its donor, without a reference panel."""
    lots, donors = ([(s.first, s.second) for s in map_.samples if bool(s.lot_id) is is_lot] for is_lot in (True, False))
    finding = f"Samples of the lot and of its donor: {plural(len(map_.samples), 'sample')}."
    if len(lots) > 1 and len(donors) > 1:
        middle = [[fmean(axis) for axis in zip(*points, strict=True)] for points in (lots, donors)]
        apart = dist(*middle)
        spread = max(dist(point, middle[n]) for n, points in enumerate((lots, donors)) for point in points)
        verb = "lie apart from" if apart > 2 * spread else "do not lie clearly apart from"
        finding = (
            f"Samples of the lot {verb} its donor's hepatocytes: {number(apart, 2)} log2 units between their means, at most"
            f" {number(spread, 2)} from a sample to its mean."
        )
    first, second = map(percent, map_.variance_explained)
    return Figure(
        number=figure,
        finding=finding,
        reading="Principal components of the 500 genes that vary most, log2(normalised count + 1), both on one scale. The first"
        f" explains {first} of the variance, the second {second}. No verdict rests on it.",
    )
