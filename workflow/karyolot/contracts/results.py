"""Files that go together from step to step: one class per set, one field per file, None for what a lot does not have.

`plan.files` states where they lie, rules take them as named inputs, readers of `io` take the sets. As inputs every name of a
set is there, and an absent file is an empty list: a name that is misspelled, left out or too many is an error on either side,
and never reads as absence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from types import NoneType
from typing import Any, Self, get_args, get_origin, get_type_hints

Inputs = dict[str, str | list[str]]
"""Named inputs of a rule."""


@dataclass(frozen=True, kw_only=True)
class FileSet:
    """Fields are files (str), lists of files (tuple of str) or other sets; those that may be absent are `... | None`.

    Names of a set inside another are those of its fields behind the name of its own field: `alleles_events`.
    """

    def at(self, **wildcards: str) -> Self:
        """The same files with the wildcards of their names filled in."""
        held = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: _filled(value, wildcards) for name, value in held.items()})

    @classmethod
    def inputs(cls, files: Self | None, prefix: str = "") -> Inputs:
        """Named inputs of a rule that takes these files, or would if it had them."""
        named: Inputs = {}
        for name, (kind, _) in _kinds(cls).items():
            value = None if files is None else getattr(files, name)
            if issubclass(kind, FileSet):
                named |= kind.inputs(value, f"{prefix}{name}_")
            else:
                named[prefix + name] = value if isinstance(value, str) else list(value or ())
        return named

    def named(self) -> dict[str, str]:
        """Its files by name, as the outputs of the rule that makes all of them."""
        return {name: file for name, file in type(self).inputs(self).items() if isinstance(file, str)}

    @classmethod
    def given(cls, inputs: Mapping[str, Any]) -> Self:
        """The set from a rule's inputs, as its script sees them. Raises ValueError when they are not the set's."""
        named = dict(inputs.items())  # Snakemake's inputs are a list that also has names
        _same_names(cls, named, "")
        return cls._of(named, "")

    @classmethod
    def given_among(cls, inputs: Mapping[str, Any], prefix: str) -> Self | None:
        """The set from those inputs that begin with `prefix`; None when the lot has none of it."""
        own = {name: files for name, files in inputs.items() if name.startswith(prefix)}
        _same_names(cls, own, prefix)
        return cls._of(own, prefix) if any(own.values()) else None

    @classmethod
    def _of(cls, inputs: Mapping[str, Any], prefix: str) -> Self:
        held: dict[str, Any] = {}
        for name, (kind, optional) in _kinds(cls).items():
            place = prefix + name
            if issubclass(kind, FileSet):
                there = any(files for key, files in inputs.items() if key.startswith(f"{place}_"))
                held[name] = kind._of(inputs, f"{place}_") if there or not optional else None
            elif kind is tuple:
                held[name] = tuple(map(str, inputs[place]))
            elif inputs[place] or optional:
                held[name] = str(inputs[place]) if inputs[place] else None
            else:
                raise ValueError(f"{cls.__name__}: the input {place} is empty")
        return cls(**held)


def _kinds(cls: type[FileSet]) -> dict[str, tuple[type, bool]]:
    """Field -> str, tuple or a set of files, and whether it may be absent."""
    found = {}
    for name, hint in get_type_hints(cls).items():
        kinds = [kind for kind in get_args(hint) if kind is not NoneType] if NoneType in get_args(hint) else [hint]
        found[name] = (get_origin(kinds[0]) or kinds[0], NoneType in get_args(hint))
    return found


def _filled(value: Any, wildcards: Mapping[str, str]) -> Any:
    if isinstance(value, FileSet):
        return value.at(**wildcards)
    if isinstance(value, tuple):
        return tuple(_filled(file, wildcards) for file in value)
    return value.format(**wildcards) if isinstance(value, str) else value


def _same_names(cls: type[FileSet], inputs: Iterable[str], prefix: str) -> None:
    wanted, there = set(cls.inputs(None, prefix)), set(inputs)
    if wanted != there:
        faults = [f"no input {name}" for name in sorted(wanted - there)]
        faults += [f"an unknown input {name}" for name in sorted(there - wanted)]
        raise ValueError(f"{cls.__name__}: {', '.join(faults)}")


@dataclass(frozen=True, kw_only=True)
class BinFiles(FileSet):
    """What the grid of bins is made from: ready bins, or a genome and tracks."""

    layout: str
    bins: str | None = None
    fasta: str | None = None
    mappability: str | None = None
    replication_timing: str | None = None
    blacklist: str | None = None

    def present(self) -> dict[str, str]:
        """Those that are given, by name."""
        return {field.name: path for field in fields(self) if (path := getattr(self, field.name)) is not None}


@dataclass(frozen=True, kw_only=True)
class QualityFiles(FileSet):
    """JSON files on the quality of one sample, one per unit; which there are depends on how the sample came.

    reads: what was found of the FASTQ files; the others are those of tools.
    """

    reads: tuple[str, ...] = ()
    fastp: tuple[str, ...] = ()
    flagstat: tuple[str, ...] = ()
    library: tuple[str, ...] = ()
    salmon: tuple[str, ...] = ()

    def by_tool(self) -> dict[str, tuple[str, ...]]:
        """The files of tools that are read as they are, by tool; those there are."""
        held = {"fastp": self.fastp, "flagstat": self.flagstat}
        return {name: files for name, files in held.items() if files}


@dataclass(frozen=True, kw_only=True)
class CopyNumberFiles(FileSet):
    """Copy number of a lot."""

    ratios: str
    segments: str
    calls: str
    arms: str
    lod: str
    variants: str
    landmarks: str
    comparison: str
    noise: str
    match: str
    karyotype: str


@dataclass(frozen=True, kw_only=True)
class AlleleFiles(FileSet):
    """Identity by SNPs and allelic imbalance of a lot; a lot has them when a panel of SNPs is configured."""

    identity: str
    events: str
    facts: str
    arms: str
    track: str
    persons: str


@dataclass(frozen=True, kw_only=True)
class VariantFiles(FileSet):
    """Small variants of a lot; a lot has them when genes are searched."""

    variants: str
    limits: str
    facts: str


@dataclass(frozen=True, kw_only=True)
class MitochondrialFiles(FileSet):
    """Mitochondrial DNA of a lot; a lot has them when it and its donor came as reads."""

    heteroplasmies: str
    deletions: str
    facts: str


@dataclass(frozen=True, kw_only=True)
class ForeignFiles(FileSet):
    """Foreign sequences in a lot and its donor; a lot has them when a panel is configured and both came as reads."""

    sequences: str
    integrations: str
    facts: str


@dataclass(frozen=True, kw_only=True)
class DescentFiles(FileSet):
    """Evidence beside clones that a lot was grown from its parent lot: what was searched of both."""

    parent_variants: VariantFiles | None
    own_variants: VariantFiles | None
    parent_mitochondria: MitochondrialFiles | None
    own_mitochondria: MitochondrialFiles | None


@dataclass(frozen=True, kw_only=True)
class ComparisonFiles(FileSet):
    """A lot's RNA against the reference panel."""

    table: str
    facts: str


@dataclass(frozen=True, kw_only=True)
class PanelFiles(FileSet):
    """All results of a lot's RNA and the reference panel."""

    comparison: ComparisonFiles
    genes: str
    components: str


@dataclass(frozen=True, kw_only=True)
class ExpressionFiles(FileSet):
    """Expression of a lot and its donor. arms: only with an annotation; panel: only with a reference panel."""

    differential: str
    markers: str
    enrichment: str
    levels: str
    quality: str
    components: str
    arms: str | None
    panel: PanelFiles | None


@dataclass(frozen=True, kw_only=True)
class LotFiles(FileSet):
    """All that the record of a lot is made from. data: what was found of the files of each sample; references: checksums of the
    files of the settings; own: other files of the user's that are of this lot alone; quality: what the tools reported of its
    samples; earlier: records of the lots it was grown from; kinetics: its clones over these."""

    dna: CopyNumberFiles
    rna: ExpressionFiles | None
    alleles: AlleleFiles | None
    variants: VariantFiles | None
    mitochondria: MitochondrialFiles | None
    foreign: ForeignFiles | None
    metrics: str
    verdict: str
    recurrent: str
    references: str
    data: tuple[str, ...]
    own: tuple[str, ...]
    quality: tuple[str, ...]
    earlier: tuple[str, ...]
    kinetics: str | None
    descent: str | None


@dataclass(frozen=True, kw_only=True)
class StudyFiles(FileSet):
    """Expression across lots."""

    components: str
    distances: str
    scores: str
    sets: str


@dataclass(frozen=True, kw_only=True)
class OverviewFiles(FileSet):
    """All that the page of all lots is made from. study: from three RNA samples on; pairs: with a panel of SNPs; lineages: clones
    over families of lots with sisters."""

    reports: tuple[str, ...]
    study: StudyFiles | None
    pairs: str | None
    lineages: tuple[str, ...] = ()
