"""Errors meant for the person who runs the pipeline: what is wrong, where, what is allowed, what to do."""

import errno
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

CODES: Mapping[str, str] = {
    "E01": "An id, or a library and lane of a sample, occurs twice. Ids differing only in case count as the same:"
    " some file systems do not distinguish them.",
    "E02": "A file is missing, unreadable, empty or a folder.",
    "E03": "The same data is used twice: same file, copy of a file, same checksum, or the same counts in another format.",
    "E04": "The two FASTQ files of a pair do not belong together.",
    "E05": "The sha256 of a file differs from the stated one (of sequencing data: found when it is read in the run).",
    "E06": "A lot has a WGS sample, and its donor has none to compare it with.",
    "E07": "A lot's parent belongs to another donor, or the lot is its own ancestor.",
    "E09": "Passage or population doublings are missing, negative, or below those of the parent lot.",
    "E10": "A lot is at passage 0: passage 0 is the donor's hepatocytes, which are not a lot.",
    "E11": "A sample belongs to a lot and a donor at once, or to neither.",
    "E13": "In the configured design two effects are fully confounded.",
    "E14": "Files use different assemblies or spellings of contigs (chr1 and 1), different bins or genes.",
    "E16": "A table is malformed: characters, encoding, separators, columns, spreadsheet damage.",
    "E17": "A cell or setting has a value that is not allowed.",
    "E18": "The configuration or the acceptance document has an unknown or missing entry.",
    "E19": "None of the marker genes, or too few genes of a gene set, are in the annotation.",
    "E23": "A column or cell looks like personal data. Ids here are pseudonyms.",
    "E24": "An id is used that its table does not define.",
    "E25": "The data of a sample, lot or donor is not given in exactly one way.",
    "E26": "A path cannot be passed to the tools safely.",
    "E27": "A setting that this study needs is not given.",
    "E28": "A file is damaged, or is not of the kind its column requires.",
    "E29": "A tool the study needs is not on PATH (reported by a run, not by the check of the inputs).",
    "E30": "The read groups (SM) of an alignment name another sample of the sheet.",
    "W04": "A lot and its donor were sequenced in different ways.",
    "W05": "A lot cannot be assessed in full.",
    "W12": "Fewer than 2 independent RNA cultures on one side of a comparison: effect sizes only, no p values.",
    "W13": "RNA of a lot and of its donor share no batch: the difference between them is confounded with the batch.",
    "W15": "Read length or strandedness differs within a comparison.",
    "W18": "The acceptance document does not cover what a PASS needs: no lot will be evaluated.",
    "W19": "Some marker genes are not annotated, have no length, or have no reads, and will not be assessed.",
    "W22": "A donor has less than half of its lot's fragments, and so limits what can be detected.",
    "W28": "A file can be read, and its content is unusual: check that it is the intended file.",
}
"""Every kind of problem that can be found before compute. The letter is the severity: E stops a run, W does not. A code
never changes its meaning, and the numbers of withdrawn codes are not used again."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input.

    `line` is 1-based as a text editor shows it (the header is line 1); None when the whole file is meant.
    `column` is a column of a table or a dotted key of the configuration. `column`, `value` are None when no single
    cell is at fault. `meant` is the allowed word nearest to the one found; None when there is none. `inner` is the line
    of another file that the cell or setting names, as the message states it; problems of one cell are in its order.
    """

    code: str
    file: str
    message: str
    remedy: str
    line: int | None = None
    column: str | None = None
    value: str | None = None
    meant: str | None = None
    inner: int | None = None

    @property
    def order(self) -> tuple[str | int, ...]:
        """By position: file, line, column, line within the file that a cell or setting names."""
        return self.file, self.line or 0, self.column or "", self.inner or 0, self.code, self.message

    @property
    def warning(self) -> bool:
        """Whether a run may start in spite of it, by the letter of the code."""
        return self.code.startswith("W")

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        if self.column is not None:
            place += f", {self.column}"
        if self.value is not None:
            place += f" = {quoted(self.value)}"
        kind = "warning" if self.warning else "error"
        texts = [
            f"{self.code} {kind}: {place}",
            f"    {self.message}{did_you_mean(self.meant)}",
            f"    -> {self.remedy}",
        ]
        return "\n".join(map(escaped, texts))


def did_you_mean(word: str | None) -> str:
    """' (did you mean WORD?)', or '' for None."""
    return "" if word is None else f" (did you mean {word}?)"


ONE_LETTER = 0.9
"""Likeness (difflib) of a word to the one it was meant to be when a letter is wrong or missing."""


def nearest(word: str, allowed: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The allowed word most like `word`, whatever its case, hyphens and spaces; None when none is like it."""
    spelling = {_spelling(name): name for name in allowed}
    meant = _spelling(word)
    misspelled = get_close_matches(meant, spelling, n=1, cutoff=ONE_LETTER)
    # 'reverse stranded' is reverse, however like 'unstranded' it is spelled.
    named = [part for part in meant.split("_") if part in spelling]
    alike = get_close_matches(meant, spelling, n=1, cutoff=cutoff)
    found = misspelled or (named if len(named) == 1 else alike)
    return spelling[found[0]] if found else None


def _spelling(word: str) -> str:
    return re.sub(r"[\s_-]+", "_", word.strip()).casefold()


def escaped(text: str) -> str:
    """`text` with unprintable characters escaped: names come from files, and a terminal must not obey them."""
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)


def quoted(text: str, limit: int = 80) -> str:
    """`text` in quotes for a message: unprintable characters escaped (a terminal must not obey them), long text cut."""
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")


def some(names: Iterable[str], count: int = 4) -> str:
    """The first names, and whether there are more."""
    names = list(names)
    return ", ".join(names[:count]) + (" ..." if len(names) > count else "")


def summary(problems: Sequence[Problem]) -> str:
    """'2 errors and 1 warning', or 'no problems'."""
    errors = sum(not problem.warning for problem in problems)
    counts = [(errors, "error"), (len(problems) - errors, "warning")]
    parts = [f"{count} {noun}{'s' * (count > 1)}" for count, noun in counts if count]
    return " and ".join(parts) or "no problems"


OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
"""A full, read-only, foreign or broken disk: no bug of ours, and no fault of the inputs."""


class KaryolotError(Exception):
    """A fault in what the user gave or in the machine, in one sentence with its remedy; never a bug of ours.

    `message` and `remedy` are separate fields, so that no program has to split the sentence.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message}; {remedy}" if remedy else message)
        self.message, self.remedy = message, remedy


class Fault(KaryolotError):
    """What is wrong with one input file: a code, what it is, what to do, and the line where one is at fault.

    Parsers do not know how the user calls the file; `named` adds it for those who hand the fault on as a sentence, while
    the check makes a Problem of the setting or row that names the file.
    """

    def __init__(
        self, code: str, message: str, remedy: str, line: int | None = None, meant: str | None = None, file: str = ""
    ) -> None:
        self.code, self.line, self.meant, self.file = code, line, meant, file
        super().__init__(message, remedy)

    @property
    def located(self) -> str:
        """The message with the line of the file it is about."""
        return self.message if self.line is None else f"line {self.line} of the file: {self.message}"

    def named(self, file: str) -> "Fault":
        """The same fault, of the file of this name."""
        return Fault(self.code, self.message, self.remedy, self.line, self.meant, file)

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}: " if self.file and self.line else f"{self.file}: " if self.file else ""
        return escaped(f"{place}{self.message}{did_you_mean(self.meant)}; {self.remedy}")


class InputProblems(KaryolotError):
    """All problems found in the inputs, in one list, so that the user corrects them in one go."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems]
        super().__init__("\n".join([*lines, f"{summary(self.problems)} in the inputs; nothing was run"]))
