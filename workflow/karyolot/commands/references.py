"""`karyolot references`: fetch the files that describe a genome, prepare them, and write the settings that name them."""

import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from karyolot import __version__
from karyolot.contracts.copy_number import Bins
from karyolot.contracts.problems import Fault, InputProblems, KaryolotError
from karyolot.contracts.results import BinFiles
from karyolot.contracts.settings import Counting
from karyolot.inputs.check import read_settings
from karyolot.inputs.files import path_fault
from karyolot.inputs.formats import fasta, foreign_panel, gtf, intervals, layout, manifest, sites
from karyolot.inputs.formats.manifest import Source
from karyolot.inputs.formats.text import named
from karyolot.inputs.genome import TRACKS, contig_fault, layout_fault, track_beside_genome
from karyolot.inputs.reference import bin_sources
from karyolot.inputs.study import parse_config
from karyolot.io import download
from karyolot.io.bgzip import bgzip, index, is_bgzip
from karyolot.io.files import sha256, write_text
from karyolot.io.shipped import RESOURCES, SETTINGS, portable, resource
from karyolot.io.tables import write_bins

MANIFEST = "references.tsv"
"""Shipped, and kept in the folder of the files with the checksum of each one."""
FASTA = "reference.fasta"
Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Order:
    """What is fetched. manifest: that lists it. layout: of the genome. present: files that are there. bytes: of each other
    file; None = unknown."""

    genome: str
    folder: Path
    manifest: Path
    layout: Path
    sources: tuple[Source, ...]
    present: frozenset[str]
    bytes: Mapping[str, int | None]

    @property
    def needed(self) -> int:
        """Bytes of disk, as far as sizes are known: a genome that is written again as BGZF lies there twice."""
        twice = {source.file for source in self.sources if source.setting == FASTA}
        return sum((size or 0) * (2 if file in twice else 1) for file, size in self.bytes.items())

    def __str__(self) -> str:
        lines = [f"{self.genome} to {self.folder}, by {self.manifest}"]
        for source in self.sources:
            size = "present" if source.file in self.present else _size(self.bytes[source.file])
            known = source.checksum.partition(":")[0] or "NO CHECKSUM"
            lines.append(f"  {source.file:<26} {size:>10}  {known:<11}  {source.address}")
        unknown = sum(size is None for size in self.bytes.values())
        total = _size(sum(size or 0 for size in self.bytes.values()))
        more = f" and {unknown} of unknown size" if unknown else ""
        lines.append(f"to fetch: {total}{more}; free: {_size(shutil.disk_usage(_existing(self.folder)).free)}")
        return "\n".join(lines)


def order(genome: str, folder: Path, given: Path | None = None) -> Order:
    """What `fetch` would do, with the sizes that the servers state.

    Parameters
    ----------
    genome
        A genome of the manifest, for which a layout is shipped.
    folder
        Where the files go. A manifest that an earlier call left there is used.
    given
        A manifest of the site's own. A layout genomes/GENOME.yaml next to it replaces the shipped one.

    Raises
    ------
    KaryolotError
        For an unknown genome, a manifest that cannot be read, a folder whose path tools may misread, and a file in it that
        was changed or is of unknown origin.
    """
    folder = folder.absolute()
    if fault := path_fault(str(folder)):
        raise KaryolotError(f"{folder}: {fault[0]}; {fault[1]}")
    kept = folder / MANIFEST
    path = given or (kept if kept.exists() else RESOURCES / MANIFEST)
    with named(path):
        listed = list(manifest.records(path))
    known = {source.file: source for source in (manifest.records(kept) if kept.exists() else ())}
    sources = sorted(
        (one for one in listed if one.genome == genome), key=lambda one: manifest.SETTINGS.index(one.setting)
    )
    if not sources or sources[0].setting != FASTA:
        has = ", ".join(dict.fromkeys(source.genome for source in listed if source.setting == FASTA))
        raise KaryolotError(
            f"{path}: lists no genome {genome!a}; it has {has}. Give a table that lists it (--manifest), or write the paths of"
            " your own files, and the layout of their genome (reference.layout), into config.yaml"
        )
    own = path.absolute().parent / "genomes" / f"{genome}.yaml"
    shipped = RESOURCES / "genomes" / f"{genome}.yaml"
    if not own.exists() and not shipped.exists():
        raise KaryolotError(f"{path}: there is no layout of {genome!a}: write {own}, as those in resources/genomes")
    if strange := [source.genome for source in known.values() if source.genome != genome]:
        raise KaryolotError(f"{folder}: holds the files of {strange[0]}; name another folder for {genome}")
    sources = [
        _as_recorded(source, known[source.file], folder / source.file, path) if source.file in known else source
        for source in sources
    ]
    present = frozenset(source.file for source in sources if _is_there(source, folder))
    sizes = {one.file: download.size(one.address) or one.bytes for one in sources if one.file not in present}
    return Order(genome, folder, path, own if own.exists() else shipped, tuple(sources), present, sizes)


def _as_recorded(source: Source, known: Source, path: Path, listed: Path) -> Source:
    """A row of a manifest with what an earlier call recorded of its file: that call's checksum, where the row has none."""
    kinds = [one.checksum.partition(":")[0] for one in (source, known)]
    if path.exists() and kinds[0] == kinds[1] and source.checksum != known.checksum:
        raise KaryolotError(
            f"{path} was fetched with {known.checksum}, and {listed} lists {source.checksum}; move it away, or name another"
            " folder"
        )
    return replace(
        source, prepared=known.prepared, checksum=source.checksum or known.checksum, bytes=source.bytes or known.bytes
    )


def _is_there(source: Source, folder: Path) -> bool:
    path = folder / source.file
    if not path.exists():
        return False
    if not source.prepared:
        raise KaryolotError(f"{path} exists, and {folder / MANIFEST} does not list it; move it away and run again")
    if sha256(path) != source.prepared:
        raise KaryolotError(f"{path} was changed since it was fetched; move it away and run again")
    return True


def fetch(wanted: Order, say: Say, terms: download.Terms) -> list[Source]:
    """Fetch and prepare what is not there, and return every file with the checksum of what its address holds.

    Raises
    ------
    KaryolotError
        When the disk is too small, a file cannot be fetched, or it is not what its setting needs. What was received is kept for
        the next call, unless it is wrong.
    """
    folder = wanted.folder
    free = shutil.disk_usage(_existing(folder)).free
    if free < wanted.needed:
        raise KaryolotError(
            f"{folder}: {_size(free)} are free, and {_size(wanted.needed)} are needed; name another folder"
        )
    done: list[Source] = []
    contigs: dict[str, int] = {}
    for source in wanted.sources:
        path = folder / source.file
        if source.file not in wanted.present:
            say(f"fetching {source.file} from {source.address}")
            raw = folder / f"{source.file}.download"
            download.fetch(source.address, raw, _checksum(source), terms)
            arrived = source.checksum or f"sha256:{sha256(raw)}"
            try:
                _prepare(source, raw, contigs, wanted, say)
            except Fault as fault:
                raw.unlink(missing_ok=True)
                message = f"{source.address}: what it holds does not fit {source.setting} and was discarded"
                raise KaryolotError(f"{message}: {fault.named('')}") from fault
            source = replace(
                source, checksum=arrived, bytes=source.bytes or wanted.bytes[source.file], prepared=sha256(path)
            )
        done.append(source)
        if source.setting == FASTA:
            contigs = fasta.look(path).contigs
        rest = [one for one in wanted.sources if one.file not in {each.file for each in done}]
        write_text(manifest.written([*done, *rest]), folder / MANIFEST)
    return done


def _checksum(source: Source) -> download.Checksum | None:
    return download.Checksum(*source.checksum.split(":", 1)) if source.checksum else None


def _prepare(source: Source, raw: Path, contigs: Mapping[str, int], wanted: Order, say: Say) -> None:
    """Check what was fetched and install it; a genome is written as BGZF and indexed."""
    facts = layout.look(wanted.layout)
    path = raw.with_name(source.file)
    if source.setting == FASTA:
        fasta.check_head(raw)
        say(f"writing {source.file} in blocks of gzip, and its index")
        part = raw.with_name(f"{source.file}.bgz")
        if is_bgzip(raw):
            raw.replace(part)
        else:
            bgzip(raw, part)
        made = index(part)
        if message := layout_fault(facts.layout, facts.ends, fasta.look(part).contigs):
            for file in (part, *made):
                file.unlink()
            raise Fault("E14", message, "correct the address in the manifest")
        for file in (*made, part):  # the genome last: where it is, its index is
            file.replace(raw.with_name(file.name.replace(part.name, path.name)))
        os.utime(f"{path}.fai")
        raw.unlink(missing_ok=True)
        return
    if source.setting == "reference.gtf":
        if message := contig_fault(gtf.look(raw).ends, contigs, spans="genes"):
            raise Fault("E14", message, "correct the address in the manifest")
    elif source.setting == "reference.foreign":
        foreign_panel.look(raw)
    elif source.setting == "identity.sites":
        sites.look(raw, contigs, facts.layout.autosomes, raw.with_name(wanted.sources[0].file))
    else:
        kind = TRACKS[source.setting]
        autosomes = facts.layout.autosomes if kind.value == "number" else ()
        for fault in track_beside_genome(intervals.look(raw, kind), contigs, autosomes):
            if fault.code.startswith("E"):
                raise fault
    raw.replace(path)


def bins(files: BinFiles, out: Path, bin_bp: int) -> None:
    """Write the bin annotation that the setting `reference.bins` takes.

    Parameters
    ----------
    files
        Layout, genome and tracks.
    bin_bp
        Width of the bins, bases; `counting.bin_bp` of the studies that use it.
    """
    from karyolot.dna.bins import assemble_bins, sources_of

    if fault := path_fault(str(out)):
        raise KaryolotError(f"{out}: {fault[0]}; {fault[1]}")
    made = Bins.validate(assemble_bins(sources_of(bin_sources(files.present(), bin_bp)), bin_bp))
    origin = [f"bins of {bin_bp} bases, made by karyolot {__version__} from"]
    origin += [f"{name}: {Path(path).name}, sha256 {sha256(path)}" for name, path in files.present().items()]
    write_bins(made, out, origin)


def bins_of(done: list[Source], wanted: Order, bin_bp: int) -> Path:
    """Write the bin annotation of fetched files beside them."""
    tracks = {one.setting.removeprefix("reference."): str(wanted.folder / one.file) for one in done}
    names = ("fasta", *(name.removeprefix("reference.") for name in TRACKS))
    given = {name: tracks[name] for name in names if name in tracks}
    out = wanted.folder / f"bins_{bin_bp}.tsv.gz"
    bins(BinFiles(layout=str(wanted.layout), **given), out, bin_bp)
    return out


def bins_of_study(directory: Path, out: Path) -> int:
    """Write the bin annotation of the genome and tracks in a study's settings; returns the width of the bins."""
    path = directory / SETTINGS
    config, problems = parse_config(read_settings(path), str(path))
    if problems:
        raise InputProblems(problems)
    reference = config.reference
    if reference.fasta is None:
        raise KaryolotError(f"{path}: reference.fasta is not given; bins are made from the genome and its tracks")
    names = ("layout", "fasta", *(name.removeprefix("reference.") for name in TRACKS))
    given = {name: file for name in names if (file := getattr(reference, name)) is not None}
    bins(
        BinFiles(**{name: str(resource(file, directory)) for name, file in given.items()}), out, config.counting.bin_bp
    )
    return config.counting.bin_bp


def settings_of(done: list[Source], wanted: Order, annotation: Path, bin_bp: int) -> dict[str, dict[str, str | int]]:
    """Sections of config.yaml that name the files: values by key, by section. Tracks are in the bin annotation."""
    sections: dict[str, dict[str, str | int]] = {"reference": {"layout": portable(str(wanted.layout))}}
    for source in done:
        if source.setting not in TRACKS:
            section, key = source.setting.split(".")
            sections.setdefault(section, {})[key] = str(wanted.folder / source.file)
    sections["reference"]["bins"] = str(annotation)
    if bin_bp != Counting().bin_bp:
        sections["counting"] = {"bin_bp": bin_bp}
    return sections


def as_yaml(sections: Mapping[str, Mapping[str, object]]) -> str:
    """The text of sections of config.yaml."""
    return yaml.safe_dump(dict(sections), sort_keys=False, default_flow_style=False, width=1000)


def write_settings(directory: Path, sections: Mapping[str, Mapping[str, object]]) -> Path:
    """Write the sections into config/config.yaml of a study; all other settings and comments stay.

    Raises
    ------
    KaryolotError
        When the study has another value for one of them, or a track beside the bin annotation; nothing is written then.
    """
    path = directory / SETTINGS
    raw = read_settings(path)
    text = path.read_text(encoding="utf-8")
    for section, values in sections.items():
        own = raw.get(section) or {}
        kept = {key: value for key, value in own.items() if value is not None}
        clash = [key for key in values if key != "layout" and kept.get(key, values[key]) != values[key]]
        clash += [key for key in kept if f"{section}.{key}" in TRACKS]
        if clash:
            message = f"{section}.{clash[0]} is {kept[clash[0]]!a} already; delete it, or copy the settings by hand"
            raise KaryolotError(f"{path}: {message}:\n{as_yaml(sections)}")
        block = as_yaml({section: {**kept, **values}})
        pattern = rf"^{section}:[^\n]*\n(?:[ \t]+[^\n]*(?:\n|\Z)|[ \t]*\n(?=[ \t]))*"
        body = text if text.endswith("\n") else f"{text}\n"
        text, found = re.subn(pattern, lambda _, block=block: block, body, count=1, flags=re.M)  # type: ignore[misc]
        text = text if found else f"{body}\n{block}"
        raw = {**raw, section: {**kept, **values}}
    if yaml.safe_load(text) != raw:
        raise KaryolotError(f"{path}: its form is unusual; copy the settings by hand:\n{as_yaml(sections)}")
    write_text(text, path)
    return path


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def _size(count: int | None) -> str:
    if count is None:
        return "unknown"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
