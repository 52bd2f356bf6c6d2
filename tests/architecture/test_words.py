"""The English that users and contributors read: terms of the field, plain verbs, no figures of speech for data.

The test covers the documents, the acceptance criteria, the templates, `run`, the comments of the rules, and in the Python code of
the workflow every docstring and every string of more than one word. Code spans are names and are skipped. A violation is reported
with file, line, word and the usual term. `python tests/architecture/test_words.py` lists them without pytest.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("*.md", "docs/**/*.md", "config/*.md", "config/defaults.yaml", "benchmarks/*.md", "resources/**/*.md",
             "resources/*.yaml", ".github/**/*.md", "run")  # fmt: skip
TEMPLATES = ("workflow/karyolot/report/templates/*.j2",)
RULES = ("workflow/Snakefile", "workflow/rules/*.smk", "workflow/profiles/*/config.yaml")
PYTHON = ("workflow/**/*.py",)

WORDS = {
    "told|tells?|telling|untold": "reported, distinguished, determined",
    "thin(ner|ly|nest)?": "shallow, low-coverage",
    "mend(s|ed|ing)?": "fix, correct",
    "anew": "again",
    "(?<!in )(?<!decimal )(?<!takes )places?": "locus, region, interval, position",
    "(stands?|stood|standing)(?! (in )?for)": "is, occurs",
    "(is|are|was|were) led on": "is extrapolated",
    "asked|asks": "requested, required, evaluated",
    "silent": "not informative, not expressed",
    "carv(e|es|ed|ing)": "partition",
    "stretch(es)?": "segment, window, region",
    "witness(es)?": "evidence, baseline",
    "speaks?|spoke|spoken": "is informative, supports",
    "said|says?|saying": "reported, states, shows",
    "hands|handed": "passes",
    "strangers?": "unrelated person",
    "plant(s|ed|ing)?": "spike-in, simulated",
    "watched": "recurrent",
    "shares? of|(the|a|any|every|this|which|whose|its|smallest|largest|allele) shares?": "fraction, proportion",
    "held against|hold against|holds against": "compared with",
    "promises|promised|a promise": "states",
    "(is|are|was|were|not|read|reads|left|comes|come|stay|stays) whole(?! (bins|windows|numbers|arms|chromosomes))": "complete",
    "(mis)?spelt": "spelled",
    "(a person|nobody|somebody) looks": "manual review",
    "limits? (is|are|was) (kept|broken)|keeps (the|its) limit|broken limit": "met, not met",
    "growth waves?": "replication-timing bias",
    "foreign human|another human|other human": "another person, cross-individual contamination",
    "alleles (moved|move|are alike)": "allelic imbalance",
    r"contracts?(?!\.|\s+(manufactur|research))": "schema",
    "hang together|tangled": "correlated, confounded",
    "taken out for|taken out of": "removed, corrected",
}  # fmt: skip
"""What must not stand in prose -> the usual term. Patterns of whole words, in any case."""

PHRASES = (
    # Documents.
    "is led on from", "none was told wrongly", "shows 0.03 and 0.01 false ones", "the donor was born with cancels",
    "are taken out in one joint fit", "share that was called stands", "too thin to say anything", "never reads as good",
    "shows by its sex", "can be shown to a person", "tells every problem", "makes its HTML and PDF anew",
    "it cannot judge, so the lots", "Only two tables of counts at hand", "most often for lack of it", "small jobs travel",
    "Lots of other directories", "The run stands still", "make half a file pass", "it goes on where a connection broke",
    "share nothing that is written", "A workflow of your own can hold", "What is known of its errors",
    "at most 4 points fewer than an oracle", "One word leads through", "one process of pytest for each core",
    "may not know each other", "twenty killed runs", "takes any one browser for enough", "handed pairs on in a changing order",
    "nothing was fetched from them here",
    # Messages and docstrings.
    "told by a run, not by the check", "flow cytometry of what is not said", "is not held against a number",
    "the row names no data", "cannot be told apart", "say the same of a gene", "by which the tools know",
    "contigs are spelt otherwise", "mend it and run again", "keeps no accounts", "wait for ever for jobs",
    "The output is not whole", "not a record this version reads", "what breaks off is taken up", "the company it is in",
    "a noisy witness", "have been told", "ranks among samples are a coin", "holds reads of the person of",
    # Acceptance criteria.
    "Reads whole and unchanged", "judged as if it were the lot", "RNA and DNA are other tubes", "leaves a PASS undecided",
    "so a mixed pattern proves nothing", "What is not seen cannot be stable", "is the normal one can no longer be told",
    "Change by depth that the alleles contradict", "Change where false calls are common", "share of plants found",
    "Beyond it nobody has looked", "Other cells of the liver in the lot", "was made otherwise than written down",
    "so no number is wrong; manual review",
    # Report, overview and verdict.
    "not allowed to speak", "the data cannot carry them", "would have shown it from", "nothing is known of them",
    "moved its alleles without a called change", "would be told from none", "It is asked twice", "a rise is none of a change",
    "which level is normal is uncertain", "this was taken out", "by depth alone", "to know what spread is normal",
    "The lot does not look like its donor", "These data cannot decide", "instead, if anybody in the sheets",
    "the noise of the ratio cannot be measured", "so nothing is claimed", "A smaller share can be present",
    "the donor shows nothing there", "expression is silent", "the limit is kept", "the worse of the two",
    "Reads of another human", "By its SNPs the lot is", "Lot is its donor's by SNPs", "is the donor's by SNPs",
    "does not say it of", "both tracks are shown as evidence", "as counting alone explains", "meets resting hepatocytes",
    "Fraction of cells hold if", "without p values the direction is open", "takes its genes for independent",
    "they show the spread of the experiment", "are not as the sheets say", "could not be told",
    "in brackets whose each sample is", "see the calls", "called with 95% power; see", "one would have been called with",
)  # fmt: skip
"""Fragments of sentences that were replaced for being figurative or unclear. They must not come back."""


class Violation(NamedTuple):
    file: str
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: '{self.word}' ({self.instead})"


Prose = Iterator[tuple[int, str]]
"""First line and text of pieces of prose."""


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def document(text: str) -> Prose:
    """All but code spans, code blocks and addresses; lines keep their numbers."""
    text = re.sub(r"^```.*?^```", _blank, text, flags=re.M | re.S)
    yield 1, re.sub(r"`[^`\n]*`|\]\([^)]*\)|https?://\S+|10\.\d{4}/\S+", _blank, text)


def template(text: str) -> Prose:
    """Text and strings of several words; neither names in Jinja expressions nor classes."""
    text = re.sub(
        r"\{[{%].*?[%}]\}", lambda found: " ".join(re.findall(r'"[^"]* [^"]*"|\n', found[0])), text, flags=re.S
    )
    return document(re.sub(r'\b(class|id)="[^"]*"', _blank, text))


def comments(text: str) -> Prose:
    """Comments, and strings of several words."""
    for number, line in enumerate(text.splitlines(), 1):
        yield number, " ".join(re.findall(r"#.*|\"[^\"]* [^\"]*\"", line))


def python(text: str) -> Prose:
    """Docstrings and strings of several words, f-strings with their values left out."""
    tree = ast.parse(text)
    within = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            within |= {id(value) for value in node.values}
            parts = (str(value.value) if isinstance(value, ast.Constant) else "0" for value in node.values)
            yield node.lineno, _unquoted("".join(parts))
    for node in ast.walk(tree):
        single = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in within
        if single and re.search(r"\s", str(node.value)):
            yield node.lineno, _unquoted(str(node.value))


def _unquoted(text: str) -> str:
    """Without code spans, and without the names of parameters: 'place: of the bin', or alone on a line as in numpydoc."""
    names = r"[a-z_]+(, [a-z_]+)*"
    return re.sub(rf"`[^`\n]*`|^ {{4,8}}{names}$|(?<![\w)] )(?<!\w){names}:(?= )", _blank, text, flags=re.M)


READERS = ((DOCUMENTS, document), (TEMPLATES, template), (RULES, comments), (PYTHON, python))


@cache
def prose() -> tuple[tuple[str, int, str], ...]:
    """(file, line, text) of all prose of the project."""
    return tuple(
        (path.relative_to(ROOT).as_posix(), line, text)
        for patterns, reader in READERS
        for path in sorted({path for pattern in patterns for path in ROOT.glob(pattern)})
        for line, text in reader(path.read_text(encoding="utf-8"))
    )


def violations(pieces: tuple[tuple[str, int, str], ...]) -> list[Violation]:
    found = set()
    words = {re.compile(rf"(?<![\w.-])(?:{word})(?![\w-])", re.IGNORECASE): instead for word, instead in WORDS.items()}
    spaced = [(phrase, re.compile(r"\s+".join(map(re.escape, phrase.split())), re.IGNORECASE)) for phrase in PHRASES]
    for file, line, text in pieces:
        for pattern, instead in words.items():
            for hit in pattern.finditer(text):
                found.add(Violation(file, line + text.count("\n", 0, hit.start()), hit[0], instead))
        for phrase, sentence in spaced:
            for hit in sentence.finditer(text):
                found.add(Violation(file, line + text.count("\n", 0, hit.start()), phrase, "a replaced sentence"))
    return sorted(found)


def test_prose_uses_the_terms_of_the_field() -> None:
    found = violations(prose())
    assert not found, "\n".join(["", *map(str, found)])


@pytest.mark.parametrize(
    ("reader", "text", "line", "word"),
    [
        (document, "Fine.\n\nThe sheet\ntells it.\n", 4, "tells"),
        (document, "A `told` span, and ```told```.\n", None, ""),
        (comments, "rule a: # it is told\n", 1, "told"),
        (python, 'def f(told):\n    """Fine.\n\n    The shares of cells.\n    """\n', 4, "The shares"),
        (python, 'raise Fault(f"{name} stands twice")\n', 1, "stands"),
        (python, 'row["told"] = share * 2\n', None, ""),
        (python, 'def f():\n    """A bin. asked, place: of it; told by name."""\n', 2, "told"),
        (template, '<p class="thin">{{ row|place }} {{ "is told" if asked }}</p>\n', 1, "told"),
        (document, "The report says so.\n", 1, "says"),
        (python, 'message = "no limit of detection, so nothing\\nis claimed"\n', 1, "so nothing is claimed"),
    ],
)  # fmt: skip
def test_a_word_that_comes_back_is_found_with_its_line(reader: object, text: str, line: int | None, word: str) -> None:
    found = violations(tuple(("file", number, part) for number, part in reader(text)))  # type: ignore[operator]
    assert [(one.line, one.word.strip()) for one in found] == ([(line, word)] if line else [])


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_replaced_sentence_is_found_across_lines(phrase: str) -> None:
    broken = phrase.replace(" ", "\n    ", 1)
    assert phrase in {one.word for one in violations((("file", 1, f"Before {broken} after."),))}


if __name__ == "__main__":
    print(*violations(prose()), sep="\n")
