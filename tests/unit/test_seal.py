"""Words under the seal: every sentence on a lot is in its record, so no page can say another thing under the same id."""

import json
import pkgutil
import re
import sys
from collections.abc import Callable
from functools import cache, wraps
from html import unescape
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

import planted
import planted_records
from karyolot.commands.explain import explanation
from karyolot.contracts.alleles import AlleleFacts, AlleleResults, Contamination, Identity, Kinship, RnaKinship
from karyolot.contracts.copy_number import CopyNumberResults, Karyotype, Match
from karyolot.contracts.expression import ExpressionResults
from karyolot.contracts.foreign import ForeignResults, ForeignSequences, Integrations
from karyolot.contracts.mitochondria import Heteroplasmies, MitochondrialDeletions, MitochondrialResults
from karyolot.contracts.record import Record
from karyolot.contracts.settings import CopyNumber
from karyolot.contracts.small_variants import SmallVariants, VariantLimits, VariantResults
from karyolot.dna.landmarks import landmarks
from karyolot.plan import params, provenance
from karyolot.report import text, words
from karyolot.report.record import assemble

MODULES = [import_module(f"{text.__name__}.{found.name}") for found in pkgutil.iter_modules(text.__path__)]
FUNCTIONS = [
    function
    for module in MODULES
    for function in vars(module).values()
    if isinstance(function, FunctionType) and function.__module__ == module.__name__
]
PUBLIC = [function for function in FUNCTIONS if not function.__name__.startswith("_")]
TEMPLATES = sorted((Path(text.__file__).parents[1] / "templates").glob("*.j2"))
LEAST, SHORTEST = 40, 12
"""Characters from which a run of text is a sentence, not a name, a number or a label; and of the parts it may be made of."""


@cache
def dna() -> CopyNumberResults:
    """A planted trisomy 8 in half of the cells."""
    bins = planted.genome(2_000_000)
    result = planted.run([planted.Event("chr8", 0, 146_000_000, 1, 0.5)], bins=bins)
    match = Match(
        declared_sex="F", lot_sex="F", donor_sex="F", lot_x=1.0, lot_y=0.0, donor_x=1.0, donor_y=0.0, variants=2, shared=2
    )  # fmt: skip
    variants = pd.DataFrame(columns=["chrom", "start", "end", "donor_log2", "lot_log2", "shared"])
    marks = landmarks(planted.ATLAS, ["chr8"], result.calls, variants)
    facts = (result.compared.facts, result.noise, match)
    return CopyNumberResults(
        result.compared.ratios, result.segmented.segments, result.calls, result.arms, result.lod, variants, marks,
        planted.ATLAS.recurrent, *facts, Karyotype(text="mos 47,XX,+8[50%]/46,XX (by depth; ploidy not measured)", withheld=""),
    )  # fmt: skip


def alleles() -> AlleleResults:
    kin: dict[str, Any] = {"result": "MATCH", "sites": 38_112, "log10_unrelated": 9412.0, "log10_sibling": 31.0}
    identity = Identity(
        kinship=Kinship(**kin), panel=40_000, lot_depth=30.2, donor_depth=31.0, frequencies="pair",
        contamination=Contamination(fraction=0.012, low=0.004, high=0.02, lod=0.008, sites=38_112, donor_known=0.99),
        rna=(RnaKinship(sample_id="L1-rna", role="lot", **kin),),
    )  # fmt: skip
    facts = AlleleFacts(
        sites=12_345, min_depth=10, centre=0.49, site_bias=0.03, overdispersion=0.004, windows=900, threshold=1e-5,
        size_mb=10.0, power=0.95, lod=0.2, reason="",
    )  # fmt: skip
    events = pd.DataFrame(
        columns=["chrom", "start", "end", "origin", "kind", "sites", "shift", "fraction", "fraction_low", "fraction_high",
                 "evidence", "log2", "log2_se"]
    )  # fmt: skip
    arms = pd.DataFrame(columns=["chrom", "start", "end", "arm", "sites", "shift", "p", "fraction_high", "evidence"])
    track = pd.DataFrame({"chrom": ["chr1"], "start": [1_000_000], "lot": [0.5], "donor": [0.5]})
    return AlleleResults(identity, events, facts, arms, track)


def rna() -> ExpressionResults:
    """Two markers, as expected; no replicates."""
    names, nothing = ["ALB", "KRT19"], [np.nan, np.nan]
    tested = {"base_mean": [900.0, 50.0], "log2fc": [-4.0, 3.0], "log2fc_shrunk": nothing, "padj": nothing}
    differential = pd.DataFrame({"gene_id": names, "gene_name": names, **tested})
    known = {name: [9.0, 70.0] for name in ("lot_tpm", "lot_tpm_low", "lot_tpm_high", "donor_tpm")}
    unknown = {name: [np.nan, np.nan] for name in ("log2fc_low", "log2fc_high", "padj")}
    markers = differential[["gene_name", "log2fc"]].assign(
        group=["mature", "progenitor"], expected=["down", "up"], met=["yes", "yes"], **known, **unknown
    )
    enrichment = pd.DataFrame(
        columns=["set_name", "axis", "informational", "used", "set_size", "nes", "padj", "leading_edge"]
    )
    return ExpressionResults(differential, markers, enrichment, 1, 1, 1, 1)


def extranuclear() -> tuple[MitochondrialResults, ForeignResults]:
    own, foreign = planted_records.MITOCHONDRIA, planted_records.FOREIGN
    more = {"chrom": "chrM", "p": 1e-9}
    return (
        MitochondrialResults(
            Heteroplasmies.frame([row.model_dump() | more | {"end": row.start + 1} for row in own.alleles]),
            MitochondrialDeletions.frame([row.model_dump() | more for row in own.deletions]),
            own.facts,
        ),
        ForeignResults(
            ForeignSequences.frame([row.model_dump() for row in foreign.sequences]),
            Integrations.frame([row.model_dump() for row in foreign.integrations]),
            foreign.facts,
        ),
    )


def assembled() -> Record:
    """A record made from results, as a run makes it."""
    base = planted_records.passing()
    row = {
        "chrom": "chr8", "start": 900, "end": 901, "ref": "C", "alt": "T", "lot_ref": 20, "lot_alt": 9, "donor_ref": 30,
        "donor_alt": 0, "gene": "MYC", "role": "own", "hotspot": "", "consequence": "missense", "change": "P59L",
        "finding": "own", "origin": "acquired", "artefact": "", "pattern": "", "p": 1e-9, "enriched_p": 1e-3,
        "donor_lod": 0.15, "fraction": 0.62, "fraction_low": 0.3, "fraction_high": 1.0, "caller": "karyolot",
    } | dict.fromkeys(("rna_lot_alt", "rna_lot_depth", "rna_donor_alt", "rna_donor_depth"), 0)  # fmt: skip
    facts = planted_records.SMALL_VARIANTS.facts.model_copy(update={"licence": "made here"})
    found = VariantResults(SmallVariants.frame([row]), VariantLimits.frame([]), facts)
    return assemble(
        base.lot, "", base.verdict, dna(), rna(), base.qc, base.provenance, CopyNumber(), alleles(),
        planted_records.IMPORTED, found, *extranuclear(), earlier=[planted_records.failing()],
    )  # fmt: skip


def made() -> list[str]:
    """Digests of a record from results, and of records with other results worded again."""
    worded = [planted_records.reworded(planted_records.ALL[name]()) for name in ("fail", "pass", "indeterminate")]
    return [record.digest() for record in (assembled(), *worded)]


@cache
def before() -> list[str]:
    return made()


def replace(monkeypatch: pytest.MonkeyPatch, function: FunctionType, other: Callable[..., Any]) -> None:
    """Replace a function wherever a module of ours holds it, under whatever name."""
    for module in [module for name, module in sys.modules.items() if name.startswith("karyolot.")]:
        for name in [name for name, held in vars(module).items() if held is function]:
            monkeypatch.setattr(module, name, other)


def changed(value: Any) -> Any:
    """A text, or texts in any container, in other words."""
    if isinstance(value, str):
        return f"{value} In other words." if value else value
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: changed(getattr(value, name)) for name in type(value).model_fields})
    if isinstance(value, dict):
        return {key: changed(held) for key, held in value.items()}
    return type(value)(map(changed, value)) if isinstance(value, (tuple, list)) else value


def named(function: FunctionType) -> str:
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


def test_the_functions_that_speak_are_found() -> None:
    assert {"copy_number.findings", "expression.markers", "notes.of_sets", "passages.trend", "report.speak"} <= set(
        map(named, PUBLIC)
    )
    assert len(PUBLIC) > 30


@pytest.mark.parametrize("function", PUBLIC, ids=named)
def test_another_sentence_makes_another_record(function: FunctionType, monkeypatch: pytest.MonkeyPatch) -> None:
    @wraps(function)
    def reworded(*given: Any, **named: Any) -> Any:
        return changed(function(*given, **named))

    known = before()
    replace(monkeypatch, function, reworded)
    assert made() != known


@pytest.mark.parametrize("function", FUNCTIONS, ids=named)
def test_no_page_asks_what_a_record_says(function: FunctionType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a public function that speaks nor a part of one: the page is the same without it."""
    known = pages()

    def silent(*given: Any, **named: Any) -> Any:
        raise AssertionError("a page was about to make a sentence of its own")

    replace(monkeypatch, function, silent)
    assert pages.__wrapped__() == known
    assert explanation(planted_records.failing(), Path("here"))["limit_of_detection"]


@cache
def pages() -> list[str]:
    return [planted_records.html(record) for record in (planted_records.failing(), planted_records.passing())]


class Runs(HTMLParser):
    """Runs of text of a page, and the texts of its attributes for readers who do not see it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.hidden = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden = tag in ("style", "script")
        self.found += [value for name, value in attrs if name in ("aria-label", "title", "alt") and value]

    def handle_endtag(self, tag: str) -> None:
        self.hidden = False

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.found.append(data)


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, (dict, list)):
        return [text for held in (value.values() if isinstance(value, dict) else value) for text in strings(held)]
    return []


def tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


@cache
def static() -> frozenset[str]:
    """Text of the templates between what they fill in."""
    sources = [re.sub(r"{#.*?#}", "", path.read_text(encoding="utf-8"), flags=re.S) for path in TEMPLATES]
    sources += [" ".join(re.findall(r'(?:aria-label|title)="([^"]*)"', source)) for source in sources]
    parts = [part for source in sources for part in re.split(r"{%.*?%}|{{.*?}}|<[^>]*>", source, flags=re.S)]
    quoted = [part for source in sources for part in re.findall(r'"([^"{}<>]*)"', source)]
    return frozenset(tidy(unescape(part)) for part in parts + quoted)


@pytest.mark.parametrize("case", planted_records.ALL)
def test_every_sentence_of_a_page_is_the_records_or_the_same_for_all_lots(case: str) -> None:
    """Word for word: a long run of text is made of strings of the record and of text of the templates, with nothing between."""
    record = planted_records.ALL[case]()
    known = sorted(set(map(tidy, strings(json.loads(record.model_dump_json())))) | static(), key=len, reverse=True)
    copies = record.copy_number
    lists = {words.genes_short(row.genes) for row in (*copies.calls, *copies.recurrent)}  # of a cell, as a number is
    lists |= {words.masked(row.masked) for row in copies.arms}
    for row in record.expression.sets if record.expression else ():
        lists |= {row.set_name.replace("_", " "), words.listed(row.leading_edge)}
    lists |= {str(planted_records.CODE.commit), record.digest()}
    foreign = []
    for run in map(tidy, Runs(planted_records.html(record)).found):
        left = run
        for part in known:
            if len(left) >= LEAST and len(part) >= SHORTEST:
                left = tidy(left.replace(part, " "))
        if len(left) >= LEAST and run not in lists:
            foreign.append(run)
    assert not foreign


def test_a_reworded_sentence_makes_the_record_again_and_says_by_which_code() -> None:
    """The pages follow from the record, which names the code behind its words."""
    behind = {}
    for rule in ("assemble_report", "render_report"):
        paths = provenance._imports_of(params.SCRIPTS / f"{rule}.py")[0]
        behind[rule] = {path.relative_to(provenance.PACKAGE).as_posix() for path in paths}
    spoken = {f"report/text/{module.__name__.rpartition('.')[2]}.py" for module in MODULES}
    assert spoken <= behind["assemble_report"]
    assert not spoken & behind["render_report"]
    template = "report/templates/report.html.j2"
    assert template in behind["render_report"] and template not in behind["assemble_report"]


def test_the_page_names_what_rendered_it_beside_what_made_the_results() -> None:
    html = planted_records.html(planted_records.failing())
    facts = dict(re.findall(r"<dt>([^<]*)</dt><dd>(.*?)</dd>", html))
    assert "karyolot 0.2.0 (<code>b7d1e04</code>)" in facts["Page rendered by"]
    assert "karyolot 0.1.0 (<code>3fe2a1c</code>)" in facts["Results made by"]
    other = planted_records.CODE.model_copy(update={"karyolot_version": "0.3.0", "commit": None})
    assert planted_records.html(planted_records.failing(), other) != html
    assert planted_records.failing().report_id in planted_records.html(planted_records.failing(), other)


def test_sentences_that_rest_on_results_alone() -> None:
    said = assembled().text.findings
    assert said.copy_number == (
        "1 change of the lot against its donor was called.",
        "Of 2 germline copy-number variants of the donor, 2 are in the lot.",
    )
    assert said.alleles[0].startswith(
        "SNP genotypes confirm the declared donor. At 38,112 sites covered in both, 'the same"
    )
    assert (
        said.alleles[1]
        == "Allele frequencies are not stated for all sites; their spectrum was fitted to these two samples."
    )
    assert said.alleles[2].startswith(
        "SNP genotypes of RNA: L1-rna matches the donor (38,112 sites, more than 10¹⁰⁰ times more"
    )
    mixed, balance = said.alleles[3:]
    assert mixed.startswith("Contamination by another person: 1.2% (95% CI 0.4% to 2.0%); detection limit 0.8%. Pooled")
    assert balance.startswith(
        "No region of allelic imbalance without a copy-number call was found (12,345 heterozygous sites);"
    )
    assert (
        "a 10 Mb copy-neutral loss of heterozygosity is detectable in at least 20% of diploid or 40% of tetraploid cells."
        in balance
    )
    assert said.small_variants[0] == "No acquired or enriched mutation was called in the driver panel."
    assert "1 acquired or enriched variant in 12 genes of the site's list (made here)." in said.small_variants
    assert said.small_variants[-1] == "Too shallow for a limit in lot or donor: KEAP1."
    assert said.expression[0] == "2 of 2 judged markers behave as expected of a progenitor lot."
    assert said.expression[-1].endswith("come from one lot and one donor and reflect technical variation only.")
    assert re.match(r"Noise over \d+ bins is \d\.\d\d times that of counting alone;", said.limits[1])
    assert said.limits[-1].startswith("Ploidy was not measured.")
