"""The sentences of one lot's record: all the text of its report, made at assembly (`karyolot.report.text`).

'' and () = no text. The pages lay these texts out; they write no sentence of their own about a lot.
"""

from karyolot.contracts.criteria import Frozen
from karyolot.contracts.front import Front


class Caption(Frozen):
    """finding: what this lot's numbers show. reading: how to read the figure or table."""

    finding: str
    reading: str


class Figure(Caption):
    """The caption of a figure. number: on the page. names: of its drawings from top to bottom, for readers who do not see
    them."""

    number: int
    names: tuple[str, ...] = ()


class Note(Frozen):
    """A remark under a title of its own."""

    title: str
    text: str


class Findings(Frozen):
    """The leading sentences of each section, most important first; of a section without data none. limits: what bounds this
    lot's result."""

    copy_number: tuple[str, ...] = ()
    alleles: tuple[str, ...] = ()
    small_variants: tuple[str, ...] = ()
    mitochondria: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    expression: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()


class VerdictText(Frozen):
    """criteria: name and version of the acceptance document. first_reason: the first criterion that decided, one sentence.
    withheld: why the stability criteria do not count. elsewhere: where to look for the person the sample matches."""

    criteria: str
    first_reason: str
    withheld: Note | None
    elsewhere: str


class CallText(Frozen):
    """A called change; in the order of `copy_number.calls`.

    label: beside its mark in a drawing. change: its common name. cells: in how many cells, by ploidy. origin: what the donor
    shows there. caution: false calls are common there. expression, alleles: their evidence on the change.
    """

    label: str
    change: str
    cells: str
    origin: str
    caution: str
    expression: str
    alleles: str


class CopyNumberText(Frozen):
    """karyotype: the ISCN-like line, or why there is none. ratio, tracks, arms: figures. lod: the limits of detection.
    found_by: the tests that found each call. inherited, recurrent, every_arm: headings of the tables.
    """

    karyotype: str
    ratio: Figure
    tracks: Figure
    arms: Figure
    lod: Caption
    calls: tuple[CallText, ...]
    found_by: str
    inherited: str
    recurrent: str
    every_arm: str


class AlleleText(Frozen):
    """events: label of each event. fractions: the figure; None when none is drawn. every_arm: heading of the table. imbalance:
    when an arm counts as imbalanced."""

    events: tuple[str, ...]
    fractions: Figure | None
    every_arm: str
    imbalance: str


class CloneText(Frozen):
    """A clone; in the order of `kinetics.clones`. found: by which lots; donor: its limit there; growth: of the odds per passage;
    expected: the fraction at the passage ahead, '' = growth is not determined."""

    found: str
    donor: str
    growth: str
    expected: str


class KineticsText(Frozen):
    """Clones over the lots of a line. limit: of detection in all lots together; left_out: lots not used, and why."""

    heading: str
    limit: str
    left_out: str
    clones: tuple[CloneText, ...]
    reading: str


class EarlierText(Frozen):
    """The lots this one was grown from. figure: without a name when nothing is drawn. detectable: heading of the column of
    limits. kinetics: null = not evaluated. descent: is the lot of its parent lot; '' = not evaluated."""

    figure: Figure
    detectable: str
    kinetics: KineticsText | None = None
    descent: str = ""


class ExpressionText(Frozen):
    """markers, components, sets, heat, genes: figures; modules, arms: tables; None where there is none. components: the samples,
    among those of the panel where there is one. *_notes: against misreading. every_arm: heading of the table."""

    markers: Figure | None
    marker_notes: tuple[Note, ...]
    modules: Caption | None
    components: Figure | None
    genes: Figure | None
    sets: Figure | None
    set_notes: tuple[Note, ...]
    heat: Figure | None
    arms: Caption | None
    every_arm: str


class Text(Frozen):
    """All text of a report, by section.

    title: lot and verdict. front: page 1. draft: why the results are not to be decided on. unrecorded: facts the sample sheet
    leaves out.
    mitochondria: how to read its tables, '' = none.
    alleles, earlier, expression: None where the section has no data. absent: what is not available and why, by section or
    part. not_seen: what read depth cannot detect. sign_off: what the decision rests on.
    """

    title: str
    front: Front
    draft: str
    unrecorded: str
    verdict: VerdictText
    findings: Findings
    copy_number: CopyNumberText
    alleles: AlleleText | None
    earlier: EarlierText | None
    expression: ExpressionText | None
    mitochondria: str
    absent: dict[str, str]
    not_seen: str
    sign_off: str
