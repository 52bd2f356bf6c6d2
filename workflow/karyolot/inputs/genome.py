"""What the check finds in the files that describe the genome, and in counts per bin that must fit it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from karyolot.contracts.problems import Fault, quoted
from karyolot.contracts.settings import Layout
from karyolot.inputs import probe
from karyolot.inputs.files import Files, Use
from karyolot.inputs.formats import fastq, text
from karyolot.inputs.probe import BinCounts
from karyolot.io.shipped import resource

READ_LENGTH_TOLERANCE = 0.1
"""Read lengths differing by more than a tenth map differently near repeats, which prints into the ratio."""
DEPTH_RATIO = 0.5
"""A donor below half of its lot's depth sets the limit of detection alone."""
WATCH_COLUMNS = ("region", "change", "genes", "context", "source")
INFINITE = float("inf")


def bin_counts(files: Files, use: Use, contigs: dict[str, int] | None) -> None:
    try:
        counts = files.look(probe.bin_counts, use.file)
    except Fault as fault:
        files.in_row(use, fault)
        return
    width = files.config.counting.bin_bp
    if width % counts.width:
        message = f"its bins have {counts.width} bases, which do not fill bins of counting.bin_bp ({width}) evenly"
        files.in_row(use, Fault("E14", message, f"set counting.bin_bp to {counts.width} or a multiple of it"))
    if contigs is None:
        return
    lengths = {key_of(name): length for name, length in contigs.items()}
    known = {name: bins for name, bins in counts.contigs.items() if key_of(name) in lengths}
    if not known:
        message = f"none of its contigs ({some(counts.contigs)}) is in the reference ({some(contigs)})"
        files.in_row(use, Fault("E14", message, "count over this reference"))
    for name, bins in known.items():
        # A counter may give the last bin of a contig its full width.
        if bins.end >= lengths[key_of(name)] + counts.width:
            message = f"{name} has bins to {bins.end}, and {lengths[key_of(name)]} bases in the reference"
            files.in_row(use, Fault("E14", message, "give the reference the counts were made over"))
            return
    known_layout, _ = layout_of(files)
    autosomes = known_layout.autosomes if known_layout and known else ()
    missing = [name for name in autosomes if key_of(name) not in map(key_of, known)]
    if missing:
        message = f"has no counts for {some(missing, 24)}: they will not be assessed"
        files.in_row(use, Fault("W05", message, "count over all chromosomes"))


def compare_with_donors(files: Files, uses: Sequence[Use]) -> None:
    """Read lengths, bins and depth of each lot against its donor."""
    donor_of = {entry.row.lot_id: entry.row.donor_id for entry in files.draft.lots}
    lots: dict[tuple[str, str], list[Use]] = defaultdict(list)
    donors: dict[tuple[str, str], list[Use]] = defaultdict(list)
    for use in uses:
        row = use.entry.row
        if row.lot_id and not use.is_matrix:
            lots[row.assay, row.lot_id].append(use)
        elif row.donor_id and not use.is_matrix:
            donors[row.assay, row.donor_id].append(use)
    for (assay, lot), own in lots.items():
        others = donors[assay, donor_of.get(lot) or ""]
        own_length, other_length = read_length(files, own), read_length(files, others)
        if own_length and other_length and abs(own_length / other_length - 1) > READ_LENGTH_TOLERANCE:
            message = f"reads have {own_length} bases, those of the donor {other_length}"
            files.in_row(own[0], Fault("W15", message, "trim the longer ones, or sequence both alike"))
        if own[0].column == "counts" and others and others[0].column == "counts":
            compare_counts(files, own[0], others[0])


def read_length(files: Files, uses: Sequence[Use]) -> int | None:
    heads = [files.seen.get((fastq.look, (use.file,), ())) for use in uses]
    return max((head.longest for head in heads if isinstance(head, fastq.Facts)), default=None)


def compare_counts(files: Files, use: Use, of_donor: Use) -> None:
    lot, donor = (files.seen.get((probe.bin_counts, (each.file,), ())) for each in (use, of_donor))
    if not isinstance(lot, BinCounts) or not isinstance(donor, BinCounts):
        return
    own, other = ({key_of(name): bins.bins for name, bins in each.contigs.items()} for each in (lot, donor))
    line = of_donor.entry.line
    remedy = "count lot and donor with the same program over the same bins"
    if lot.width != donor.width:
        message = f"its bins have {lot.width} bases, those of its donor (line {line}) {donor.width}"
        files.in_row(use, Fault("E14", message, remedy))
    elif differing := [name for name in {**own, **other} if own.get(name) != other.get(name)]:
        name = differing[0]
        message = f"contig {name} has {own.get(name, 0)} bins here and {other.get(name, 0)} in its donor (line {line})"
        files.in_row(use, Fault("E14", message, remedy))
    elif donor.total < DEPTH_RATIO * lot.total:
        message = f"its donor has {donor.total} fragments, the lot {lot.total}: the donor limits what can be detected"
        files.in_row(use, Fault("W22", message, "sequence the donor at least as deep as the lot"))


def layout_of(files: Files) -> tuple[Layout | None, dict[str, int]]:
    """The layout and, by contig without 'chr', the end of its last cytoband; None when it cannot be read."""
    try:
        return files.look(probe.read_layout, resource(files.config.reference.layout, files.workdir))
    except Fault:
        return None, {}


def reference(files: Files) -> dict[str, int] | None:
    """Check layout, bins, genome and transcripts; return the contigs of the genome and their lengths when they are known."""
    files.examine("reference.layout", lambda file: files.look(probe.read_layout, file))
    bins = files.examine("reference.bins", lambda file: files.look(probe.annotated_contigs, file))
    contigs = files.examine("reference.fasta", lambda file: files.look(probe.contig_lengths, file))
    if contigs and files.has_dna and (message := _layout_fault(*layout_of(files), contigs)):
        remedy = "choose the layout of this assembly in reference.layout, or give the FASTA of that assembly"
        files.in_config("reference.fasta", Fault("E14", message, remedy), files.there["reference.fasta"][0])
    files.examine("reference.transcripts", lambda file: files.look(probe.is_fasta, file))
    return contigs if contigs is not None else bins


def tracks(files: Files, contigs: dict[str, int] | None) -> None:
    """Check the tracks over the genome and the lists of regions."""

    def fits(file: Path, columns: int, low: float, high: float) -> None:
        found = files.look(probe.track_contigs, file, columns, low, high)
        if contigs and not set(map(key_of, found)) & set(map(key_of, contigs)):
            message = f"none of its contigs ({some(found)}) is in the reference ({some(contigs)})"
            raise Fault("E14", message, "give the track of this assembly")

    def genes(file: Path) -> None:
        places = files.look(probe.track_contigs, file, 3, 0.0, 0.0)
        if contigs and (unknown := sorted(set(places) - set(contigs))):
            message = f"its contig {quoted(unknown[0])} is not in the reference ({some(contigs)})"
            raise Fault("E14", message, "give the list for this assembly, in its spelling")

    files.examine("reference.mappability", partial(fits, columns=4, low=0.0, high=1.0))
    files.examine("reference.replication_timing", partial(fits, columns=4, low=-INFINITE, high=INFINITE))
    files.examine("reference.blacklist", partial(fits, columns=3, low=0.0, high=0.0))
    files.examine("small_variants.genes", genes)
    files.examine("copy_number.watch_regions", _watch_regions)


def _watch_regions(file: Path) -> None:
    for line, row in text.table(file, WATCH_COLUMNS, only=True):
        if row["change"] not in {"gain", "loss"}:
            raise Fault("E17", f"change is {quoted(row['change'])}", "write gain or loss", line)
        if not row["source"]:
            raise Fault("E18", f"the region {row['region']} has no source", "say where it is published", line)


def key_of(contig: str) -> str:
    """'chr8' and '8' are the same contig."""
    return contig.removeprefix("chr")


def some(names: Iterable[str], count: int = 4) -> str:
    names = list(names)
    return ", ".join(names[:count]) + (" ..." if len(names) > count else "")


def contig_fault(given: Mapping[str, int], reference: Mapping[str, int], *, spans: bool = False) -> str | None:
    """Why the contigs of a file cannot be those of the reference; None when they can.

    The file may leave out contigs, and must spell the others as the reference does. spans: `given` holds the last
    base seen on each contig instead of its length.
    """
    unknown = [name for name in given if name not in reference]
    keys = {key_of(name): name for name in reference}
    styled = [name for name in unknown if key_of(name) in keys]
    if styled:
        return f"contigs are spelt otherwise than in the reference: {styled[0]} here, {keys[key_of(styled[0])]} there"
    if unknown and (not spans or len(unknown) == len(given)):
        return f"{len(unknown)} of its {len(given)} contigs are not in the reference ({some(unknown)})"
    for name, length in given.items():
        there = reference.get(name, length)
        if (length > there) if spans else (length != there):
            has = f"annotation up to base {length}" if spans else f"{length} bases"
            return f"another assembly: {name} has {has} here and {there} bases in the reference"
    return None


def _layout_fault(layout: Layout | None, bands: Mapping[str, int], contigs: Mapping[str, int]) -> str | None:
    """Why a genome is not the one its layout describes; None when it is."""
    if layout is None:
        return None
    lengths = {key_of(name): length for name, length in contigs.items()}
    wanted = [*layout.autosomes, *(name for name in (layout.x, layout.y) if name is not None)]
    if missing := [name for name in wanted if key_of(name) not in lengths]:
        return f"{len(missing)} of {len(wanted)} contigs of the layout {layout.name} are not in it: {some(missing, 24)}"
    for name in wanted:
        length, end = lengths[key_of(name)], bands.get(key_of(name))
        if end is not None and end != length:
            return f"{name} has {length} bases, and {end} in the cytobands of the layout {layout.name}"
    for region in (*layout.x_par, *layout.y_par):
        if region.end > lengths.get(key_of(region.chrom), region.end):
            return f"a pseudo-autosomal region of the layout {layout.name} ends beyond {region.chrom}"
    return None
