"""What a site's own lists lack of the shipped ones: allowed, and printed on page 1 with all else that is weaker than shipped."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from karyolot.contracts.contigs import contig_key, is_in
from karyolot.contracts.criteria import Weakened
from karyolot.contracts.settings import Config
from karyolot.contracts.weakened import weakened_settings
from karyolot.inputs.formats import drivers, layout, markers, regions
from karyolot.io.shipped import resource

NAMED = 3
"""Entries named on page 1; the record and the section on the acceptance document have all."""
FRACTIONS = ("down", "up")
"""Expected states of markers of which the fraction of a group is judged: there one marker more can weaken, too."""
Rows = Sequence[Mapping[str, str]]


def weakened(settings: Config, workdir: Path) -> list[Weakened]:
    """Settings that are weaker than the shipped ones, and own lists that lack entries of the shipped ones.

    A list that only adds is not weaker, nor is a copy. Lists of small variants are compared where an annotation locates them.

    Parameters
    ----------
    workdir
        Folder that the paths of the settings are relative to.
    """
    usual = Config()
    lists = *_variants(settings, usual, workdir), *_others(settings, usual, workdir), *_layout(settings, workdir)
    return [*weakened_settings(settings), *lists]


def _layout(settings: Config, workdir: Path) -> Iterator[Weakened]:
    bands = layout.read(resource(settings.reference.layout, workdir)).bands
    if not len(bands["band"]):
        own = "has no cytobands: arms and recurrent regions are not tested"
        yield Weakened(name="reference.layout", own=own, shipped="cytobands")
        return
    known = [contig_key(chrom) + band for chrom, band in zip(bands["chrom"], bands["band"], strict=True)]
    names = {contig_key(chrom) for chrom in bands["chrom"]}
    listed = list(dict.fromkeys(regions.read(resource(settings.copy_number.recurrent_regions, workdir))["region"]))
    lost = tuple(name for name in listed if name not in names and not any(is_in(band, name) for band in known))
    if lost:
        own = f"has no band of {len(lost)} of {len(listed)} recurrent regions: {_first(lost)}"
        yield Weakened(name="reference.layout", own=own, shipped="cytobands", entries=lost)


def _variants(settings: Config, usual: Config, workdir: Path) -> Iterator[Weakened]:
    own, shipped = settings.small_variants, usual.small_variants
    if settings.reference.gtf is None or (own.drivers, own.hotspots) == (shipped.drivers, shipped.hotspots):
        return
    genes, hotspots = drivers.read(*(resource(str(path), workdir) for path in (shipped.drivers, shipped.hotspots)))
    if own.drivers is None:
        yield from weaker("small_variants.drivers", "gene", len(genes), [row["gene"] for row in genes])
        return
    panel, recurrent = drivers.read(*(resource(path, workdir) for path in (own.drivers, own.hotspots)))
    yield from weaker("small_variants.drivers", "gene", len(genes), lacking_genes(panel, genes))
    rows = lacking_hotspots(panel, recurrent, hotspots)
    yield from weaker("small_variants.hotspots", "hotspot", len(hotspots), rows)


def _others(settings: Config, usual: Config, workdir: Path) -> Iterator[Weakened]:
    own, shipped = settings.copy_number.recurrent_regions, usual.copy_number.recurrent_regions
    if own != shipped:
        ours, theirs = (_rows(regions.read(resource(path, workdir))) for path in (own, shipped))
        yield from weaker("copy_number.recurrent_regions", "region", len(theirs), lacking_regions(ours, theirs))
    own, shipped = settings.expression.markers, usual.expression.markers
    if own != shipped:
        ours, theirs = (_rows(markers.read(resource(path, workdir))) for path in (own, shipped))
        changed = lacking_markers(ours, theirs), diluting_markers(ours, theirs)
        yield from weaker("expression.markers", "marker", len(theirs), *changed)


def lacking_genes(own: Rows, shipped: Rows) -> Iterator[str]:
    """Driver genes that an own panel lacks, searches in part, does not take for drivers, or reads by another transcript.

    own, shipped: rows of the panels. 'TP53', 'AXIN1 outside codons 5-80', 'TP53 as a driver', 'TP53 by ENST00000269305'.
    """
    held = {row["gene"]: row for row in own}
    for row in shipped:
        gene, ours = row["gene"], held.get(row["gene"])
        if ours is None:
            yield gene
        elif ours["role"] != row["role"] == "driver":
            yield f"{gene} as a driver"
        elif not _covers(ours["scope"], row["scope"]):
            yield f"{gene} outside {ours['scope']}"
        elif row["transcript"] and ours["transcript"].partition(".")[0] not in ("", row["transcript"]):
            yield f"{gene} by {row['transcript']}"


def _covers(own: str, shipped: str) -> bool:
    """Whether one scope contains another; hotspots are searched in any."""
    if own == "coding" or shipped in ("hotspots", own):
        return True
    ours, theirs = _codons(own), _codons(shipped)
    return bool(ours and theirs and ours[0] <= theirs[0] and theirs[1] <= ours[1])


def _codons(scope: str) -> tuple[int, int] | None:
    first, _, last = scope.removeprefix("codons ").partition("-")
    return (int(first), int(last)) if last else None


def lacking_hotspots(panel: Rows, own: Rows, shipped: Rows) -> Iterator[str]:
    """Recurrent mutations in genes of an own panel that its table lacks, or has with another reference: 'TP53 p.175'."""
    genes = {row["gene"] for row in panel}
    held = {(row["gene"], row["position"], row["reference"]) for row in own}
    for row in shipped:
        if row["gene"] in genes and (row["gene"], row["position"], row["reference"]) not in held:
            yield f"{row['gene']} {row['position']}"


def lacking_regions(own: Rows, shipped: Rows) -> Iterator[str]:
    """Recurrent regions, or genes of them, that an own list lacks: '17p loss', 'TP53 in 17p loss'."""
    held: dict[str, set[str]] = {}
    for row in own:
        held.setdefault(f"{row['region']} {row['change']}", set()).update(row["genes"].split(","))
    for row in shipped:
        name = f"{row['region']} {row['change']}"
        if name not in held:
            yield name
        elif missing := [gene for gene in filter(None, row["genes"].split(",")) if gene not in held[name]]:
            yield f"{', '.join(missing)} in {name}"


def lacking_markers(own: Rows, shipped: Rows) -> Iterator[str]:
    """Markers that an own table lacks, or of which it expects something else: 'FAH (mature hepatocyte)'."""
    held = {(row["gene_name"], row["group"], row["expected"]) for row in own}
    for row in shipped:
        if (row["gene_name"], row["group"], row["expected"]) not in held:
            yield f"{row['gene_name']} ({row['group']})"


def diluting_markers(own: Rows, shipped: Rows) -> Iterator[str]:
    """Markers that an own table adds to a shipped group of which a fraction is judged, which makes each other count for less."""
    groups = {(row["group"], row["expected"]) for row in shipped if row["expected"] in FRACTIONS}
    held = {(row["gene_name"], row["group"]) for row in shipped}
    for row in own:
        if (row["group"], row["expected"]) in groups and (row["gene_name"], row["group"]) not in held:
            yield f"{row['gene_name']} ({row['group']})"


def _rows(columns: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def weaker(name: str, noun: str, of: int, lacking: Iterable[str], diluting: Iterable[str] = ()) -> Iterator[Weakened]:
    """'lacks 7 of 25 genes: TP53, BCOR, TERT and 4 more'; nothing where the list lacks nothing."""
    missing, more = tuple(lacking), tuple(diluting)
    said = [f"lacks {len(missing)} of {of} {noun}s: {_first(missing)}"] * bool(missing)
    said += [f"adds to groups judged by the fraction of their {noun}s: {_first(more)}"] * bool(more)
    if said:
        yield Weakened(name=name, own="; ".join(said), shipped=f"{of} {noun}s", entries=missing + more)


def _first(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
