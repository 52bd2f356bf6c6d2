"""What the check finds in the files that describe the genome, and in counts per bin that must fit it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from karyolot.contracts.contigs import MITOCHONDRION, chromosomes_beside, contig_key, foreign_contigs
from karyolot.contracts.problems import Fault, quoted, some
from karyolot.contracts.settings import Layout
from karyolot.inputs.files import Files, Use
from karyolot.inputs.formats import (
    bin_counts,
    bins,
    drivers,
    fasta,
    fastq,
    foreign_panel,
    gtf,
    intervals,
    layout,
    regions,
)
from karyolot.inputs.formats.rows import Kind
from karyolot.inputs.genes import look_panel
from karyolot.io.shipped import resource

READ_LENGTH_TOLERANCE = 0.1
"""Read lengths differing by more than a tenth map differently near repeats, which prints into the ratio."""
DEPTH_RATIO = 0.5
"""A donor below half of its lot's depth sets the limit of detection alone."""
NOT_BY_CHANCE = 20
"""Bins with fragments of a contig from which on two samples do not have the same counts by chance."""
MOST_WITHOUT = 0.3
"""Part of the autosomes without a value of a track above which no run can correct for it: up to a tenth of a genome is gaps, and
`dna.ratio` needs a value in four of five of the other bins."""
SAME_PROGRAM = "count lot and donor with the same program over the same bins"
TRACKS = {
    "reference.mappability": intervals.MAPPABILITY,
    "reference.replication_timing": intervals.TIMING,
    "reference.blacklist": intervals.REGIONS,
}


# Counts per bin


def counts(files: Files, use: Use, contigs: dict[str, int] | None) -> Iterator[Fault]:
    """What is wrong with a table of counts per bin, by itself and against the genome."""
    facts = files.look(bin_counts.look, use.file)
    yield from facts.notes
    width = files.config.counting.bin_bp
    if width % facts.width:
        message = f"its bins have {facts.width} bases, which do not fill bins of counting.bin_bp ({width}) evenly"
        yield Fault("E14", message, f"set counting.bin_bp to {facts.width} or a multiple of it")
    known, _ = layout_of(files)
    if known is not None and "reference.fasta" not in files.there:
        ends = {name: contig.end for name, contig in facts.contigs.items()}
        if beside := chromosomes_beside(ends, [name for name in (*expected_contigs(known), known.y) if name]):
            message = (
                f"holds chromosomes that the layout {known.name} lacks, which would not be assessed: {some(beside, 24)}"
            )
            yield Fault("E14", message, "complete the layout (reference.layout)")
    if contigs is not None:
        yield from counts_beside_genome(facts, contigs, expected_contigs(known))


def expected_contigs(known: Layout | None) -> tuple[str, ...]:
    """Contigs that every genome has reads on."""
    return () if known is None else (*known.autosomes, *filter(None, (known.x,)))


def counts_beside_genome(
    facts: bin_counts.Facts, contigs: Mapping[str, int], expected: Sequence[str]
) -> Iterator[Fault]:
    """What is wrong with counts per bin over a genome. contigs: their lengths. expected: that must have counts."""
    lengths = {contig_key(name): length for name, length in contigs.items()}
    known = {contig_key(name): (name, own.end) for name, own in facts.contigs.items() if contig_key(name) in lengths}
    if foreign := foreign_contigs(
        facts.contigs, contigs, "count over this reference, or rename the contigs to match it"
    ):
        yield foreign
        return
    for key, (name, end) in known.items():
        # A counter may give the last bin of a contig its full width.
        if end >= lengths[key] + facts.width:
            message = f"{name} has bins to {end}, and {lengths[key]} bases in the reference"
            yield Fault("E14", message, "give the reference the counts were made over")
            return
    if missing := [name for name in expected if contig_key(name) not in known]:
        message = f"has no counts for {some(missing, 24)}: they will not be assessed"
        yield Fault("W05", message, "count over all chromosomes")


def counts_beside_donor(lot: bin_counts.Facts, donor: bin_counts.Facts, where: str) -> Fault | None:
    """What is wrong between the counts of a lot and of its donor; None when nothing is. where: the donor's are found."""
    own, other = ({contig_key(name): contig for name, contig in each.contigs.items()} for each in (lot, donor))
    if lot.width != donor.width:
        message = f"its bins have {lot.width} bases, those of its donor ({where}) {donor.width}"
        return Fault("E14", message, SAME_PROGRAM)
    for name in {**own, **other}:
        here, there = (each[name].bins if name in each else 0 for each in (own, other))
        if here != there:
            return Fault("E14", f"contig {name} has {here} bins here and {there} in its donor ({where})", SAME_PROGRAM)
        if own[name].places != other[name].places:
            return Fault("E14", f"the bins of contig {name} differ from those of its donor ({where})", SAME_PROGRAM)
    if donor.total < DEPTH_RATIO * lot.total:
        message = f"its donor has {donor.total} fragments, the lot {lot.total}: the donor limits what can be detected"
        return Fault("W22", message, "sequence the donor at least as deep as the lot")
    return None


def _contents(facts: bin_counts.Facts) -> dict[tuple[str, bytes, bytes], str]:
    """Counts and intervals of each contig, whatever its spelling and the format of the file -> its name in the table."""
    return {(contig_key(name), contig.places, contig.counts): name for name, contig in facts.contigs.items()}


def content_of(facts: bin_counts.Facts) -> frozenset[tuple[str, bytes, bytes]]:
    """Counts and intervals of all contigs, whatever their order."""
    return frozenset(_contents(facts))


def by_contig(facts: bin_counts.Facts) -> dict[tuple[str, bytes, bytes], str]:
    """Counts and intervals of contigs with enough filled bins (NOT_BY_CHANCE) -> the contig's name in the table."""
    return {key: name for key, name in _contents(facts).items() if facts.contigs[name].filled >= NOT_BY_CHANCE}


def _seen(files: Files, use: Use) -> bin_counts.Facts | None:
    """Facts of a table that was checked; None for other data, and for a table with a Fault."""
    facts = files.seen.get((bin_counts.look, (use.file,), ()))
    return facts if isinstance(facts, bin_counts.Facts) else None


def compare_with_donors(files: Files, uses: Sequence[Use]) -> None:
    """Read lengths, bins and depth of each lot against its donor."""
    for use in uses:
        if facts := _seen(files, use):
            files.repeated(use, ("content", content_of(facts)), "holds the same counts as")
            for content, name in by_contig(facts).items():
                files.repeated(use, ("content", content), f"holds, on {name}, the same counts as")
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
            files.in_row(own[0], Fault("W15", message, "trim the longer ones, or sequence both by one method"))
        facts, of_donor = _seen(files, own[0]), _seen(files, others[0]) if others else None
        if facts and of_donor and (fault := counts_beside_donor(facts, of_donor, f"line {others[0].entry.line}")):
            files.in_row(own[0], fault)


def read_length(files: Files, uses: Sequence[Use]) -> int | None:
    heads = [files.seen.get((fastq.look, (use.file,), ())) for use in uses]
    return max((head.longest for head in heads if isinstance(head, fastq.Facts)), default=None)


# The genome


def layout_of(files: Files) -> tuple[Layout | None, dict[str, int]]:
    """The layout and, by contig without 'chr', the end of its last cytoband; None when it cannot be read."""
    try:
        facts = files.look(layout.look, resource(files.config.reference.layout, files.workdir))
    except Fault:
        return None, {}
    return facts.layout, facts.ends


def reference(files: Files) -> dict[str, int] | None:
    """Check layout, bins, genome and transcripts; return the contigs of the genome and their lengths when they are known."""
    files.examine("reference.layout", lambda file: files.look(layout.look, file))
    ready = files.examine("reference.bins", lambda file: _ready_bins(files, file))
    genome = files.examine("reference.fasta", lambda file: files.look(fasta.look, file))
    for note in genome.notes if genome else ():
        files.in_config("reference.fasta", note)
    if genome and files.has_dna and (message := layout_fault(*layout_of(files), genome.contigs)):
        remedy = "choose the layout of this assembly in reference.layout, or give the FASTA of that assembly"
        files.in_config("reference.fasta", Fault("E14", message, remedy))
    if genome and files.has_dna and not MITOCHONDRION & set(map(contig_key, genome.contigs)):
        message = "has no mitochondrial contig (chrM, M or MT): mitochondrial DNA will not be assessed"
        files.in_config("reference.fasta", Fault("W05", message, "give the FASTA of the complete assembly"))
    files.examine("reference.transcripts", fasta.check_head)
    return genome.contigs if genome else ready.ends if ready else None


def _ready_bins(files: Files, file: Path) -> bins.Facts:
    """Ready bins, which must have the width of the counting and exclude other settings of the bins."""
    for name in ("mappability", "replication_timing", "blacklist"):
        if getattr(files.config.reference, name) is not None:
            message = "has no effect together with reference.bins, which gives all values of a bin"
            remedy = f"leave it out, or leave out reference.bins and give reference.fasta with reference.{name}"
            files.in_config(f"reference.{name}", Fault("E17", message, remedy))
    facts, width = files.look(bins.look, file), files.config.counting.bin_bp
    if facts.width != width and any(end > facts.width for end in facts.ends.values()):
        message = f"its bins have {facts.width} bases, and counting.bin_bp is {width}"
        files.in_config("reference.bins", Fault("E14", message, f"set counting.bin_bp to {facts.width}"))
    return facts


def tracks(files: Files, contigs: dict[str, int] | None) -> None:
    """Check the tracks over the genome and the lists of regions."""
    for key, kind in TRACKS.items():
        files.report(key, partial(_track, files, contigs, kind))
    files.report("small_variants.genes", partial(_genes, files, contigs))
    files.report("reference.foreign", lambda file: iter(files.look(foreign_panel.look, file).notes))
    files.examine("copy_number.recurrent_regions", lambda file: files.look(regions.look, file))


def _track(files: Files, contigs: dict[str, int] | None, kind: Kind, file: Path) -> Iterator[Fault]:
    facts = files.look(intervals.look, file, kind)
    yield from facts.notes
    if contigs:
        known, _ = layout_of(files)
        yield from track_beside_genome(facts, contigs, known.autosomes if known and kind.value == "number" else ())


def _genes(files: Files, contigs: dict[str, int] | None, file: Path) -> Iterator[Fault]:
    """The list of genes to search is read by tools: its contigs must be spelled as the genome's."""
    files.look(intervals.look, file, intervals.REGIONS)
    for line, chrom, _, end, _ in intervals.labelled(file, intervals.REGIONS):
        if not contigs:
            break
        if chrom not in contigs:
            message = f"its contig {quoted(chrom)} is not in the reference ({some(contigs)})"
            yield Fault("E14", message, "give the list for this assembly, with its contig names", line)
            break
        if end > contigs[chrom]:
            message = f"a region ends at {end} on {chrom}, which has {contigs[chrom]} bases in the reference"
            yield Fault("E14", message, "give the list for this assembly", line)
            break
    intervals.named_regions(file)


def driver_panel(files: Files, genes: gtf.Facts | None) -> None:
    """Check the driver panel and its recurrent mutations, by themselves and against the annotation. genes: of it."""
    panel = files.examine("small_variants.drivers", lambda file: files.look(drivers.look, file))
    hotspots = files.examine("small_variants.hotspots", lambda file: files.look(drivers.look_hotspots, file))
    if panel is None:
        return
    if hotspots and (strange := [gene for gene in hotspots.genes if gene not in panel.genes]):
        message = f"{strange[0]} is not a gene of the panel (small_variants.drivers)"
        files.in_config(
            "small_variants.hotspots", Fault("E17", message, "add the gene to the panel, or delete its rows")
        )
    coding = set(genes.coding) if genes else set()
    if genes and files.has_dna and (missing := [gene for gene in panel.genes if gene not in coding]):
        message = (
            f"{len(missing)} of {len(panel.genes)} driver genes have no coding sequence in it ({some(missing, 6)})"
        )
        remedy = "they are not searched for mutations: give the complete GTF of Ensembl or GENCODE, with its CDS lines"
        files.in_config("reference.gtf", Fault("W05", message, remedy))
    broken = {problem.column for problem in files.found if problem.code.startswith("E")}
    if (
        genes
        and hotspots
        and files.has_dna
        and not broken & {"reference.gtf", "reference.fasta", "small_variants.hotspots"}
    ):
        files.report("small_variants.hotspots", partial(_located, files, genes.coding))


def _located(files: Files, coding: tuple[str, ...], hotspots: Path) -> Iterator[Fault]:
    """Whether the panel lies in the genome; nothing without a genome."""
    annotation, sequence = (files.there.get(key) for key in ("reference.gtf", "reference.fasta"))
    if annotation is None or sequence is None:
        return
    panel = files.there["small_variants.drivers"], hotspots
    held = [file.stat() for file in (sequence, *panel)]
    state = tuple((one.st_size, one.st_mtime_ns, one.st_ctime_ns, one.st_ino) for one in held)
    yield from files.look(look_panel, annotation, sequence, panel, coding, state).notes


def track_beside_genome(
    facts: intervals.Facts, contigs: Mapping[str, int], autosomes: Sequence[str]
) -> Iterator[Fault]:
    """What is wrong with a track over a genome. contigs: their lengths. autosomes: that must have values; none for regions."""
    known = set(map(contig_key, facts.contigs))
    if foreign := foreign_contigs(facts.contigs, contigs, "give the track of this assembly"):
        yield foreign
        return
    lengths = {contig_key(name): length for name, length in contigs.items()}
    wanted = {name: lengths[contig_key(name)] for name in autosomes if contig_key(name) in lengths}
    missing = {name: length for name, length in wanted.items() if contig_key(name) not in known}
    share = sum(missing.values()) / max(sum(wanted.values()), 1)
    if missing:
        message = f"has no value on {some(missing, 24)} ({share:.0%} of the autosomes)"
        if share > MOST_WITHOUT:
            yield Fault("E14", message, "give a track of this assembly that covers the genome, or none")
        else:
            yield Fault("W28", message, "their bins are not used; give a track of this assembly that covers the genome")


def contig_fault(given: Mapping[str, int], reference: Mapping[str, int], *, spans: str = "") -> str | None:
    """Why the contigs of a file cannot be those of the reference; None when they can.

    The file may leave out contigs, and must spell the others as the reference does. spans: what the file holds, where `given` is
    the last base of it on each contig instead of its length.
    """
    unknown = [name for name in given if name not in reference]
    keys = {contig_key(name): name for name in reference}
    styled = [name for name in unknown if contig_key(name) in keys]
    if styled:
        return f"contig names do not match the reference: {styled[0]} here, {keys[contig_key(styled[0])]} there"
    if unknown and (not spans or len(unknown) == len(given)):
        return f"{len(unknown)} of its {len(given)} contigs are not in the reference ({some(unknown)})"
    for name, length in given.items():
        there = reference.get(name, length)
        if (length > there) if spans else (length != there):
            has = f"{spans} up to base {length}" if spans else f"{length} bases"
            return f"another assembly: {name} has {has} here and {there} bases in the reference"
    return None


def layout_fault(layout: Layout | None, bands: Mapping[str, int], contigs: Mapping[str, int]) -> str | None:
    """Why a genome is not the one its layout describes; None when it is."""
    if layout is None:
        return None
    lengths = {contig_key(name): length for name, length in contigs.items()}
    wanted = [*layout.autosomes, *(name for name in (layout.x, layout.y) if name is not None)]
    if missing := [name for name in wanted if contig_key(name) not in lengths]:
        return f"{len(missing)} of {len(wanted)} contigs of the layout {layout.name} are not in it: {some(missing, 24)}"
    if beside := chromosomes_beside(contigs, wanted):
        return f"the layout {layout.name} lacks chromosomes of it, which would not be assessed: {some(beside, 24)}"
    for name in wanted:
        length, end = lengths[contig_key(name)], bands.get(contig_key(name))
        if end is not None and end != length:
            return f"{name} has {length} bases, and {end} in the cytobands of the layout {layout.name}"
    for region in (*layout.x_par, *layout.y_par):
        if region.end > lengths.get(contig_key(region.chrom), region.end):
            return f"a pseudo-autosomal region of the layout {layout.name} ends beyond {region.chrom}"
    return None
