"""`karyolot qualify`: installation, operation and performance of this software on a site's own reads and machine."""

import platform
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from karyolot.commands.installed import byte_check, code_check, libraries, repacked, tools_of, version_check
from karyolot.commands.seal import held
from karyolot.contracts.alleles import COUNTS, SITE_KEY, AlleleCounts
from karyolot.contracts.cells import of_diploid
from karyolot.contracts.copy_number import Arms, Bins, Counts, Lod, LogRatios, Segments
from karyolot.contracts.drivers import DriverLoci, DriverPanel
from karyolot.contracts.problems import InputProblems, KaryolotError
from karyolot.contracts.qualification import (
    Check,
    Mutation,
    Program,
    Qualification,
    Requirement,
    differences,
    outcome_of,
    unchanged,
)
from karyolot.contracts.record import Record
from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import Study, printed
from karyolot.contracts.small_variants import Pileup, VariantLimits
from karyolot.dna import qualification as spikes
from karyolot.dna.atlas import Atlas
from karyolot.dna.counts import conform_counts
from karyolot.dna.loci import haploid
from karyolot.dna.ratio import compare
from karyolot.dna.segments import segment
from karyolot.dna.variant_errors import kind_of
from karyolot.inputs import check
from karyolot.inputs.formats import bin_counts, fastq, layout
from karyolot.inputs.reference import places
from karyolot.inputs.values import stated
from karyolot.io import ledger
from karyolot.io.alleles import count_alleles
from karyolot.io.files import read_bytes, read_each, read_model, sha256, write_bytes, write_model, write_text
from karyolot.io.fragments import fragments
from karyolot.io.manifest import QUALIFICATIONS
from karyolot.io.record import read_record
from karyolot.io.shipped import SETTINGS
from karyolot.io.small_variants import read_consequences, read_pileup
from karyolot.io.spiked_reads import mix, mutate
from karyolot.io.tables import read_table
from karyolot.plan import commands, files, samples, variants
from karyolot.plan.provenance import code_state
from karyolot.report.control import CONTROL, FEWEST, groups
from karyolot.report.overview import overview_row
from karyolot.report.pdf import FONTS
from karyolot.report.qualification import qualification_pdf, render_qualification

RECORD = "qualification.json"
CUT, MOST_CUT = 0.6, 20_000_000
"""Part of a file that is left of it, and most bytes of that: a cut is found at the end of what is there."""
SITES_READ = 20_000
"""Sites over which reads of two people are mixed."""
LEAST_FOUND = 0.9
"""Fraction of spike-ins at the claimed size that must have been called, as in criterion Q06b."""


class _Site(NamedTuple):
    """The study, and whose reads are used."""

    directory: Path
    settings: Config
    study: Study
    lot: str
    donor: str

    def path(self, name: str) -> Path:
        return self.directory / name


def qualify(
    directory: Path, lot: str = "", name: str = "", config: Path | None = None, accepted: str = ""
) -> tuple[Qualification, Path]:
    """Qualify an installation on a finished lot of a study; writes record, page and PDF below `qualification/`.

    Parameters
    ----------
    lot
        Whose reads are used; '' = the finished lot with the fewest calls.
    name
        Of the person; '' = the login.
    accepted
        Why a program with other bytes under the same version is accepted; '' = it is not.

    Raises
    ------
    KaryolotError
        When the study has no finished lot with counts, its settings cannot be read, a run works there, or the record of the last
        qualification was changed.
    """
    with held(directory):  # what is read here must not be regenerated meanwhile, nor be qualified under the same number
        return _qualified(directory, lot, name, config or directory / SETTINGS, accepted)


def _qualified(directory: Path, lot: str, name: str, path: Path, accepted: str) -> tuple[Qualification, Path]:
    """Qualify while nobody else writes. path: of the settings."""
    settings, study = check.load(check.read_settings(path), directory, [path], contents=False)
    chosen = lot or _calmest(directory, study)
    record = read_record(directory, chosen)
    site = _Site(directory, settings, study, chosen, record.lot.donor_id)
    earlier = _earlier(directory)
    old, previous = next(earlier, (None, ""))
    as_before = old if old is None or unchanged(old) else next((one for one, _ in earlier if unchanged(one)), None)
    programs, checks = _installation(site, path, as_before, stated("--accept", accepted, printed, 500))
    pair = _pair(site)
    checks = (*checks, *_operation(site, pair), _again(site, pair), _power(record), _control(site))
    code = code_state()
    made = Qualification(
        number=1 if old is None else old.number + 1,
        at=ledger.now_utc(),
        name=stated("--name", name) or ledger.login(),
        user=ledger.login(),
        host=platform.node(),
        system=f"{platform.platform()}, Python {platform.python_version()}",
        code=code,
        lot_id=site.lot,
        donor_id=site.donor,
        programs=programs,
        checks=checks,
        previous=previous,
        differences=differences(old, code, programs, checks),
        outcome=outcome_of(checks),
    )
    return made, _write(directory, made)


def _write(directory: Path, made: Qualification) -> Path:
    folder = directory / QUALIFICATIONS / f"{made.number:03}"
    folder.mkdir(parents=True, exist_ok=True)
    write_model(made, folder / RECORD)
    digest = sha256(folder / RECORD)
    write_text(render_qualification(made, digest), folder / "qualification.html")
    write_bytes(
        qualification_pdf(made, digest, read_bytes(folder / RECORD), read_each(FONTS)), folder / "qualification.pdf"
    )
    pages = {name: sha256(folder / name) for name in ("qualification.html", "qualification.pdf")}
    facts = {"number": made.number, "lot": made.lot_id, "outcome": made.outcome, "sha256": digest, "name": made.name}
    facts["files"] = pages
    ledger.append(directory, ("qualified", facts))
    return folder


def _earlier(directory: Path) -> Iterator[tuple[Qualification, str]]:
    """Qualifications of the ledger, the last first, each with the sha256 of its record. Raises KaryolotError at a record that is
    another now: programs are compared with it."""
    for entry in reversed(ledger.read(directory)):
        if entry.kind != "qualified":
            continue
        path, digest = directory / QUALIFICATIONS / f"{entry.facts['number']:03}" / RECORD, entry.facts["sha256"]
        now = sha256(path) if path.is_file() else "missing"
        if now != digest:
            raise KaryolotError(
                f"{path}: sha256 is {now}, line {entry.number} of the ledger recorded {digest}; restore the file from a backup"
            )
        yield read_model(path, Qualification), digest


def _calmest(directory: Path, study: Study) -> str:
    """The finished lot with a verdict on stability that has the fewest calls."""
    found = {}
    for lot in samples.lots_with_dna(study):
        try:
            record = read_record(directory, lot)
        except KaryolotError:
            continue
        if not record.verdict.suppressed:
            found[lot] = len(record.copy_number.calls)
    if not found:
        raise KaryolotError(
            f"{directory / 'results'} holds no finished lot with a verdict on stability; qualification spikes changes into the"
            " reads of one: run the study first"
        )
    return min(found, key=lambda lot: found[lot])


def _installation(
    site: _Site, config: Path, old: Qualification | None, accepted: str
) -> tuple[tuple[Program, ...], tuple[Check, ...]]:
    """Programs, and the checks of the installation. old: the last qualification whose programs were as before."""
    code = code_state()
    held, changed = libraries()
    tools = commands.all_tools(site.study, site.settings)
    programs, changed = (*tools_of(tools), *held), (*changed, *repacked(tools))
    before = () if old is None else old.programs
    checks = (
        code_check(code.dirty, code.commit),
        version_check(programs),
        byte_check(programs, changed, before, accepted),
        _inputs(site, config),
    )
    return programs, checks


def _inputs(site: _Site, config: Path) -> Check:
    test = Requirement("IQ4", "IQ", "Settings, sheets and files of the study", "karyolot check finds no error")
    try:
        check.load(check.read_settings(config), site.directory, [config])
    except InputProblems as problems:
        return test.done("errors", str(problems).splitlines()[0])
    return test.done("no error")


def _operation(site: _Site, pair: spikes.Pair) -> tuple[Check, ...]:
    lot, donor, other, guest = _alleles(site)
    mixed = None if other is None or lot is None else _mixed_reads(site, lot, other, guest)
    return (
        *spikes.copy_number_checks(pair),
        *spikes.identity_checks(lot, donor, other, site.settings.identity, mixed),
        _truncated(site),
        spikes.driver_check(_drivers(site), _searched(site)),
    )


def _pair(site: _Site) -> spikes.Pair:
    """Counts of lot and donor, with the lot's limits as fractions of diploid cells."""
    sets, dna = samples.sets_of(site.study, site.lot), files.DNA.at(lot=site.lot)
    arms, lod = read_table(site.path(dna.arms), Arms), read_table(site.path(dna.lod), Lod)
    reference, settings = site.settings.reference, site.settings.copy_number
    bands, recurrent = (str(site.path(files.shipped(path))) for path in (reference.layout, settings.recurrent_regions))
    return spikes.Pair(
        bins=read_table(site.path(files.BINS), Bins),
        lot=read_table(site.path(files.counts_of(site.study, lot=site.lot)), Counts),
        donor=read_table(site.path(files.counts_of(site.study, donor=site.donor)), Counts),
        arms=arms.assign(lod_gain=of_diploid(arms["lod_gain"], sets), lod_loss=of_diploid(arms["lod_loss"], sets)),
        lod=lod.assign(fraction=of_diploid(lod["fraction"], sets)),
        sex=samples.sex_of(site.study, site.lot),
        settings=settings,
        atlas=Atlas.of(places(bands, recurrent, [str(site.path(path)) for path in files.given(reference.gtf)])),
        reads={
            role: partial(fragments, path, site.path(files.FASTA), site.settings.counting.min_mapq)
            for role, sample in zip(("donor", "lot"), samples.wgs_pair(site.study, site.lot), strict=True)
            if (path := _reads(site, sample)) is not None
        },
    )


def _reads(site: _Site, sample: str) -> Path | None:
    """The reads of a sample on the genome; None where there are none (any more)."""
    held = files.aligned(site.study, sample)
    there = all(site.path(path).is_file() for path in (*held.values(), files.FASTA))
    return site.path(held["reads"]) if there else None


def _alleles(site: _Site) -> tuple[pd.DataFrame | None, pd.DataFrame | None, pd.DataFrame | None, str]:
    """Allele counts of lot and donor, and of another donor of the study at the same sites, None where there are none; and the
    sample of that other donor."""

    def counted(sample: str) -> pd.DataFrame | None:
        path = site.path(files.ALLELES.format(sample=sample))
        return read_table(path, AlleleCounts) if path.is_file() else None

    donor, lot = (counted(sample) for sample in samples.wgs_pair(site.study, site.lot))
    first = (rows[0] for rows in site.study.samples.values())
    others = [row.sample_id for row in first if row.assay == "wgs" and row.donor_id not in (None, site.donor)]
    for sample in others:
        table = counted(sample)
        if table is not None and donor is not None and table[SITE_KEY].equals(donor[SITE_KEY]):
            return lot, donor, table, sample
    return lot, donor, None, ""


def _mixed_reads(
    site: _Site, lot: pd.DataFrame, other: pd.DataFrame, guest: str
) -> Callable[[float], pd.DataFrame] | None:
    """Allele counts of an alignment of the lot's reads with some of another donor's; None where the reads are not there. On the
    contigs with the fewest sites that have SITES_READ together: reads of a whole genome would take hours."""
    own, strange = _reads(site, samples.dna_sample(site.study, lot=site.lot)), _reads(site, guest)
    if own is None or strange is None:
        return None

    def made(part: float) -> pd.DataFrame:
        sizes = lot.groupby("chrom").size().sort_values(kind="stable")
        contigs = [str(name) for name in sizes.index[: int((sizes.cumsum() < SITES_READ).sum()) + 1]]
        here = lot["chrom"].isin(contigs)
        depth = [float(table[here][COUNTS].to_numpy().sum()) for table in (lot, other)]
        parts = 1 - part, min(part * depth[0] / max(depth[1], 1.0), 1.0)
        names = [name for name in lot.columns if name not in COUNTS]
        with tempfile.TemporaryDirectory() as folder:
            mixed, fasta = Path(folder) / "mixed.bam", site.path(files.FASTA)
            mix(own, strange, fasta, contigs, parts, mixed, spikes.SEED)
            return count_alleles(mixed, fasta, lot[here][names].reset_index(drop=True), site.settings.identity)

    return made


def _searched(site: _Site) -> Callable[[list[Mutation]], tuple[Pileup, pd.DataFrame]] | None:
    """The search for driver mutations in the lot's reads with mutations written into them, beside its donor's and those of RNA
    that are still there; None where DNA of lot or donor is missing."""
    roles = samples.searched_samples(site.study, site.settings, site.lot)
    reads = {sample: _reads(site, sample) for sample in roles}
    if None in (reads.get(sample) for sample in samples.wgs_pair(site.study, site.lot)):
        return None
    asked = {sample: role for sample, role in roles.items() if reads[sample] is not None}
    own = samples.dna_sample(site.study, lot=site.lot)

    def made(mutations: list[Mutation]) -> tuple[Pileup, pd.DataFrame]:
        regions = [line.split("\t")[:3] for line in site.path(variants.DRIVER_REGIONS).read_text().splitlines()]
        spans = [(chrom, int(start), int(end)) for chrom, start, end in regions]
        with tempfile.TemporaryDirectory() as name:
            folder, bam = Path(name), Path(name) / "lot.bam"
            mutate(site.path(str(reads[own])), site.path(files.FASTA), spans, mutations, bam, spikes.SEED)
            paths = [str(bam if sample == own else files.aligned(site.study, sample)["reads"]) for sample in asked]
            seen, named = folder / "pileup.tsv.gz", folder / "consequences.tsv"
            command = commands.pileup_command(site.settings.small_variants, paths, str(seen), str(named))
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", command],
                cwd=site.directory,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise KaryolotError(f"the search for spiked mutations failed: {done.stderr.strip()[-500:]}")
            pileup = read_pileup(f"{seen}.part", list(asked.values()), kind_of)
            return pileup, read_consequences(Path(f"{named}.part"))

    return made


def _drivers(site: _Site) -> spikes.Drivers | None:
    """Reads of the lot at the driver loci; None where they were not searched."""
    held = files.variant_files(site.study, site.settings, site.lot)
    pileup = site.path(f"results/{site.lot}/variants/pileup.tsv.gz")
    if held is None or not pileup.is_file():
        return None
    roles = list(samples.searched_samples(site.study, site.settings, site.lot).values())
    loci = read_table(site.path(variants.DRIVER_LOCI), DriverLoci)
    genome = layout.read(str(site.path(files.shipped(site.settings.reference.layout)))).layout
    return spikes.Drivers(
        pileup=read_pileup(pileup, roles, kind_of),
        loci=loci,
        panel=read_model(site.path(variants.DRIVER_PANEL), DriverPanel),
        consequences=read_consequences(site.path(f"results/{site.lot}/variants/consequences.tsv")),
        limits=read_table(site.path(held.limits), VariantLimits),
        settings=site.settings.small_variants,
        haploid=haploid(genome, samples.sex_of(site.study, site.lot), loci),
        sets=samples.sets_of(site.study, site.lot),
    )


def _truncated(site: _Site) -> Check:
    """A file of the lot's reads, cut: the reader of the pipeline must refuse it."""
    row = site.study.samples[samples.dna_sample(site.study, lot=site.lot)][0]
    column = next(name for name in ("fastq_1", "alignment", "counts") if getattr(row, name) is not None)
    source = site.path(str(getattr(row, column)))
    test = Requirement("OQ7", "OQ", f"Truncated file ({column})", "refused")
    if not source.is_file():
        return test.not_done(f"{source.name} no longer exists")
    with tempfile.TemporaryDirectory() as folder:
        cut = Path(folder) / source.name
        with source.open("rb") as whole, cut.open("wb") as part:
            start = whole.read(min(int(source.stat().st_size * CUT), MOST_CUT))
            part.write(start.rstrip(b"\n")[:-1])  # inside a line: a text that ends with one may be complete
        refused = _is_refused(column, cut, site)
    return test.done("refused" if refused else "read as complete", "" if refused else "a truncated file was accepted")


def _is_refused(column: str, cut: Path, site: _Site) -> bool:
    """Whether the step that reads such a file in a run refuses it."""
    try:
        if column == "alignment":
            shown = subprocess.run(["samtools", "quickcheck", str(cut)], capture_output=True, check=False)
            return shown.returncode != 0
        if column == "fastq_1":
            fastq.read([cut], [None])
        else:
            bins = read_table(site.path(files.BINS), Bins)
            conform_counts(bins, pd.DataFrame(bin_counts.read(cut)), str(cut))
    except KaryolotError:
        return True
    return False


def _again(site: _Site, pair: spikes.Pair) -> Check:
    """The lot's own results, made again from its counts."""
    limit = "log2 ratios and segments are identical to the finished results"
    test = Requirement("PQ1", "PQ", f"Analysis of {site.lot} repeated", limit)
    dna = files.DNA.at(lot=site.lot)
    ratios, _ = compare(pair.bins, pair.lot, pair.donor, pair.sex, pair.settings)
    segments = segment(ratios, pair.settings).segments
    held = {"log2 ratios": (ratios, dna.ratios, LogRatios), "segments": (segments, dna.segments, Segments)}
    differ = [name for name, (now, path, kind) in held.items() if not now.equals(read_table(site.path(path), kind))]
    shown = f"{' and '.join(differ)} differ" if differ else f"identical: {len(ratios)} bins, {len(segments)} segments"
    return test.done(shown, "the same counts gave other results" if differ else "")


def _power(record: Record) -> Check:
    limit = f"at least {LEAST_FOUND:.0%} of the spike-ins called"
    test = Requirement("PQ2", "PQ", "Limits of detection at the claimed size, by spike-ins of the run", limit)
    claim = record.copy_number.claim
    if claim is None or not claim.gains_spiked_in or not claim.losses_spiked_in:
        return test.not_done("the lot has no limit at the claimed size")
    worse = min(claim.gains_found / claim.gains_spiked_in, claim.losses_found / claim.losses_spiked_in)
    gains, losses = (
        f"{claim.gains_found} of {claim.gains_spiked_in}",
        f"{claim.losses_found} of {claim.losses_spiked_in}",
    )
    fault = "" if worse >= LEAST_FOUND else "fewer spike-ins were called than the limits state"
    return test.done(f"{gains} gains, {losses} losses", fault)


def _control(site: _Site) -> Check:
    """The physical control lot that is sequenced with each batch."""
    limit = "the last control lot within the action limits of its control charts"
    test = Requirement("PQ3", "PQ", "Control lot (system suitability)", limit, required=False)
    named = [lot for lot, row in site.study.lots.items() if row.bank == CONTROL]
    finished = [lot for lot in named if site.path(files.REPORT.format(lot=lot)).is_file()]
    rows = [overview_row(read_record(site.directory, lot)) for lot in finished]
    charts = [
        chart for group in groups(rows)[0] if group.kind == "control" for chart in group.charts if not chart.unset
    ]
    if not charts:
        have = f"{len(rows)} finished" if named else "no lot of the lot sheet has it"
        return test.not_done(f"limits need {FEWEST} finished lots of the bank {CONTROL}; {have}")
    out = [one.title for one in charts if any(s.level == "action" and s.lot_id == one.lots[-1] for s in one.signals)]
    shown = f"{len(charts)} charts" + (f"; beyond: {', '.join(out)}" if out else ", all within")
    return test.done(shown, "the control lot is beyond an action limit" if out else "")
