"""The pages: what they say is what the record says, and nothing in them can act."""

import base64
import hashlib
import json
import math
import os
import re
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import planted_records
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.provenance import UNKNOWN
from karyolot.contracts.record import Record
from karyolot.contracts.record_dna import BinTrack
from karyolot.report import groups, words
from karyolot.report.overview import overview_row
from karyolot.report.text import expression as on_expression
from planted_pairs import planted

CASES = ["fail", "pass", "indeterminate", "identity"]
VOID = {"meta", "br", "input", "img", "link", "hr"}


class Page(HTMLParser):
    """Elements in order, as (tag, attributes, text inside)."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[tuple[str, list[str]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        text: list[str] = []
        self.elements.append((tag, dict(attrs), text))
        if tag not in VOID:
            self._open.append((tag, text))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        for _, text in self._open:
            text.append(data)

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attributes, tidy("".join(text))) for name, attributes, text in self.elements if name == tag]

    def one(self, id_: str) -> str:
        (found,) = ("".join(text) for _, attributes, text in self.elements if attributes.get("id") == id_)
        return tidy(found)

    @property
    def text(self) -> str:
        return tidy("".join(self.elements[0][2]))


def tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def page(case: str) -> Page:
    return Page(planted_records.html(planted_records.ALL[case]()))


def criteria_rows(html: str) -> dict[str, list[str]]:
    """Cells of every criterion, by its id."""
    rows = re.findall(r'<tr id="criterion-(\w+)".*?</tr>', html, re.S)
    found = {}
    for id_ in rows:
        (row,) = re.findall(rf'<tr id="criterion-{id_}".*?</tr>', html, re.S)
        found[id_] = [tidy("".join(text)) for tag, _, text in Page(row).elements if tag in ("th", "td")]
    return found


@pytest.mark.parametrize("case", CASES)
def test_the_verdict_and_every_criterion_are_those_of_the_record(case: str) -> None:
    record = planted_records.ALL[case]()
    html = planted_records.html(record)
    assert Page(html).one("verdict") == f"Verdict: {words.OUTCOMES[record.verdict.outcome][1]}"
    rows = criteria_rows(html)
    assert set(rows) == {result.id for result in record.verdict.criteria} and len(rows) == len(record.verdict.criteria)
    for result in record.verdict.criteria:
        outcome, criterion, value, allowed, required, _ = rows[result.id]
        assert outcome == words.OUTCOMES[result.outcome][1]
        assert criterion == tidy(f"{result.id} {result.title}{result.explanation}")
        assert value == ("not assessed" if result.value is None else words.measured(result.value, result.unit))
        assert allowed == words.limit(result.limit, result.unit)
        assert required == ("required" if result.required else "not required")
        assert tidy(f"{result.title}. {result.reason}") in Page(html).one(f"reason-{result.id}")


@pytest.mark.parametrize("case", CASES)
def test_criteria_stand_by_section_the_gravest_first_and_those_met_folded(case: str) -> None:
    record = planted_records.ALL[case]()
    html = planted_records.html(record)
    for name, results in groups.by_section(record.verdict.criteria).items():
        section = html.split(f'<div class="body" id="{name}">')[1].split('<div class="body"')[0]
        ids = re.findall(r'<tr id="criterion-(\w+)"', section)
        assert ids == [result.id for result in results]
        met = [result.id for result in results if result.outcome in ("PASS", "INFO")]
        folded = re.findall(r'<tr id="criterion-(\w+)"', section.rsplit('class="fold"', 1)[-1]) if met else []
        assert folded == met
        head = html.split(f'id="{name}"')[0].rsplit("<details", 1)[1]
        assert ("open" in head.split(">")[0]) == any(result.outcome in groups.OPEN for result in results) or (
            record.text.front.sections[name].outcome == "INDETERMINATE" or name in ("copy-number", "cell-type")
        )


@pytest.mark.parametrize("case", CASES)
def test_an_event_counts_for_as_many_criteria_as_say_so(case: str) -> None:
    """A criterion on calls leads to the rows of exactly as many events as it counted."""
    record = planted_records.ALL[case]()
    for result in record.verdict.criteria:
        if result.metric.startswith("cn.acquired") and isinstance(result.value, int):
            assert len(record.text.front.evidence.get(result.id, ())) == result.value, result.id


def test_the_planted_changes_stand_in_the_event_table() -> None:
    text = page("fail").one("E1")
    assert "E1 Trisomy 8" in text
    assert "chr8:1-145,130,000" in text
    assert "97%" in text
    assert "94% to 100%" in text
    assert "more than one copy" in text
    text = page("fail").one("E2")
    assert "E2 Gain of 20q11.21" in text
    assert "chr20:31,000,001-33,500,000" in text
    assert "+0.26" in text
    assert "2.4" in text
    assert "BCL2L1" in text
    assert "not called" in text
    assert "80%" in text, "if every cell is tetraploid"
    assert 'id="E1"' not in planted_records.html(planted_records.passing())


def test_expression_stands_beside_each_call_and_calls_itself_weak() -> None:
    assert "Expression supports it (+0.46, z 6.5; weak evidence)." in page("fail").one("E1")
    assert "Expression neither supports nor contradicts it (+0.06, z 0.6; weak evidence)." in page("fail").one("E2")
    assert "2 of 43 arms differ (|z| at least 2.5): 8p +0.46 and 8q +0.46" in page("fail").text
    assert "interpret it together with copy number, never instead" in page("fail").text
    failing = planted_records.failing()
    calls = tuple(call.model_copy(update={"expression": None}) for call in failing.copy_number.calls)
    copies = failing.copy_number.model_copy(update={"calls": calls})
    unasked = planted_records.reworded(failing, copy_number=copies)
    assert "weak evidence)" not in planted_records.html(unasked)


def test_allele_fractions_are_drawn_and_listed_for_every_arm_where_they_were_assessed() -> None:
    failing = page("fail")
    assert (
        "support it: 95% of diploid cells (tetraploid: more than one copy), 95% CI 91% to 99%, 612 heterozygous sites."
        in failing.one("E1")
    )
    weak = "neither support nor contradict it: 31% of diploid or 62% of tetraploid cells, 95% CI 0.0% to 52%, 44 heterozygous"
    assert weak in failing.one("E2")
    drawings = [attributes.get("class") or "" for attributes, _ in failing.all("svg")]
    assert [name for name in drawings if "shares" in name] == ["genome donor-shares", "genome lot-shares"]
    assert "The alleles of every arm (48 rows, 3 imbalanced)" in failing.text
    (body,) = re.findall(
        r"The alleles of every arm.*?<tbody>(.*?)</tbody>", planted_records.html(planted_records.failing()), re.S
    )
    lines = [re.sub(r"<[^>]+>", " ", line.replace("<wbr>", "")).split() for line in body.strip().splitlines()]
    rows = {line[0]: " ".join(line[1:]) for line in lines}
    assert rows["4q"] == "chr4:50,000,001-190,210,000 312 0.2 0.18 to 0.22 2e−40 44% ! imbalanced"
    assert rows["4p"].endswith("balanced") and rows["13p"].endswith("not available ? too few")
    bare = page("indeterminate")
    assert "Allele fractions were not assessed: 41 heterozygous sites" in bare.text
    assert "shares" not in "".join(str(a.get("class")) for a, _ in bare.all("svg")) and "every arm (48" not in bare.text
    assert [text[:9] for _, text in page("identity").all("figcaption")] == [f"Figure {n}." for n in range(1, 8)]
    unclear = planted_records.LOSS_4Q.model_copy(update={"kind": "unclear", "start": 20_000_000})
    record = planted_records.failing()
    assert record.alleles is not None
    alleles = record.alleles.model_copy(update={"events": (unclear,), "lod": None})
    said = Page(planted_records.html(planted_records.reworded(record, alleles=alleles))).all("figcaption")[3][1]
    assert (
        "1 event, unclear 4 in 40% of diploid cells if copy-neutral. Copy-neutral events of 10 Mb are not detectable."
        in said
    )


def test_captions_follow_the_record() -> None:
    failing = planted_records.failing()
    figures = [text for _, text in Page(planted_records.html(failing)).all("figcaption")]
    assert [caption[:9] for caption in figures] == [f"Figure {number}." for number in range(1, 10)]
    assert (
        figures[0].startswith("Figure 1. Copy number against donor D-014, bins of 500 kb.") and "47,XY,+8" in figures[0]
    )
    reading = page("fail").text
    assert (
        "against the donor: trisomy 8 in 97% of diploid cells (tetraploid: more than one copy) and gain of 20q11.21"
        in reading
    )
    assert "no gains and no losses" in reading
    assert "log2(3/2) = +0.585 and log2(1/2) = −1" in reading
    assert "(1 above, 2 below)" in reading
    assert "Dotted on X and Y" in reading
    assert "2 acquired" in figures[2]
    assert "3 of 43 assessable arms carry a called change: 8p, 8q and 20q." in figures[1]
    assert (
        "Allele fractions of 12,345 heterozygous sites: 1 event, copy-neutral 4q in 40% of diploid cells."
        " Allele fractions support 1 of 2" in figures[3]
    )
    drawn = len(failing.alleles.track.start) if failing.alleles else 0
    assert f"{drawn:,} sites are drawn" in figures[3] and "Hatched: no such site (X and Y)" in figures[3]
    assert "not as expected: TGFB1" in figures[4]
    assert "lies nearer to the accepted lots" in figures[5]
    assert "4 of 5 gene sets" in figures[6]
    assert (
        "twofold up in every sample of the lot: 3 of 6 genes of ECM disassembly and 0 of 1 gene of HGF receptor"
        in figures[7]
    )

    one = failing.copy_number.model_copy(update={"calls": failing.copy_number.calls[1:], "published_gains": 3})
    first = Page(planted_records.html(planted_records.reworded(failing, copy_number=one))).text
    assert "1 change called" in first
    assert "risomy 8" not in first
    assert "3 gains and no losses" in first

    clean = [text for _, text in page("pass").all("figcaption")]
    text = page("pass").text
    assert "No change called against the donor's own hepatocytes." in text
    assert "Hatched: no usable bin (Y)" in text
    assert "Dotted" not in text
    assert "Triangles" not in text
    assert "0 of 41 assessable arms" in clean[1]
    assert "Allele fractions of 12,345 heterozygous sites: no events. Each point" in clean[4]

    blind = page("indeterminate").text
    assert "changes of 5 Mb are not detectable in these data" in blind


def test_missing_evidence_is_said_and_never_blank() -> None:
    thin = page("indeterminate")
    assert "RNA: not available" in thin.text
    assert "Not available: no such data were given for this lot." in thin.text
    assert "A change of 5 Mb cannot be assessed in this lot." in thin.text
    assert "not assessable" in thin.text
    failing = planted_records.failing()
    assert failing.expression is not None
    bare = failing.expression.model_copy(update={"markers": (), "sets": (), "heat": (), "arms": (), "panel": None})
    without = {
        "expression": bare,
        "alleles": None,
        "small_variants": None,
        "mitochondria": None,
        "foreign": None,
        "qc": (),
        "not_seen": (),
    }
    text = Page(planted_records.html(planted_records.reworded(failing, **without))).text
    for missing in (
        "Markers", "Gene sets", "Small variants", "Mitochondrial DNA", "Identity by SNPs", "Modules against accepted lots",
        "Heat map, sample by sample", "Expression along chromosome arms",
    ):  # fmt: skip
        assert f"{missing}: not available." in text
    assert "gtfnot available" in page("fail").text
    signatures, corner = 12, 2
    blank = [
        a for a, text in page("fail").all("td") + page("fail").all("dd") if not text and a.get("class") != "arm none"
    ]
    assert len([a for a in blank if a.get("class") != "draw"]) == signatures + corner


def test_without_replicates_no_p_value_and_no_direction_is_printed() -> None:
    failing = planted_records.failing()
    assert failing.expression is not None
    record = failing.expression
    targets = record.sets[0].model_copy(update={"axis": "YAP/TAZ targets", "nes": 2.2, "padj": 1e-6})
    markers = tuple(m.model_copy(update=dict.fromkeys(("padj", "log2fc_low", "log2fc_high"))) for m in record.markers)
    bare = record.model_copy(
        update={"p_values": False, "genes_up": None, "genes_down": None, "genes_tested": 0, "markers": markers,
                "sets": (*record.sets, targets), "lot_replicates": 1, "donor_replicates": 1, "lot_cultures": 1,
                "donor_cultures": 1, "panel": None}
    )  # fmt: skip
    html = planted_records.html(planted_records.reworded(failing, expression=bare))
    parsed = Page(html)
    caption = parsed.all("figcaption")[5][1]
    assert (
        "Highest score: ECM disassembly (NES +2.31), lowest: Hepatocyte function (−2.74). An indication only" in caption
    )
    assert "genes were ranked by fold change, and no set has a p value" in caption
    section = parsed.one("figure-5") + parsed.one("figure-6")
    assert not re.search(r"adj(usted|[.]) p|p <|significant|differ from", section, re.I)
    assert not [text for a, text in parsed.all("td") if (a.get("data-label") or "").lower() in ("adjusted p", "adj. p")]
    assert "indicates Hippo" not in parsed.text
    assert "without replicates the direction cannot be tested" in parsed.text
    assert "not significant" not in parsed.text
    assert 'class="gain open"' in html
    assert 'circle class="gain"' not in html


def test_a_p_value_of_a_set_never_stands_without_its_caveat() -> None:
    assert "which allows for correlated genes; it tests this lot against this donor, not lots against people." in page(
        "fail"
    ).one("figure-7")


def test_fold_changes_have_their_interval_and_say_what_it_is() -> None:
    figure = page("fail").one("figure-5")
    (marker,) = (m for m in planted_records.expression().markers if m.gene_name == "ALB")
    assert marker.log2fc_low is not None
    assert f"({words.log2(marker.log2fc_low)} to {words.log2(marker.log2fc_high)})" in figure
    assert "95% interval of the fold change, from the spread of 2 replicates of the lot and 2 of the donor" in figure
    assert "Adj. p: adjusted over all genes tested" in figure


def test_samples_of_one_culture_are_no_replicates_in_any_sentence() -> None:
    """Two samples that share a library: one replicate, though the heat map still shows both."""
    failing = planted_records.failing()
    assert failing.expression is not None
    one = failing.expression.model_copy(update={"lot_cultures": 1})
    figures = [on_expression.markers(one, 5), on_expression.heat(one, 6)]
    assert "mean of the lot (2 samples of 1 replicate)" in figures[0].reading
    assert "mean of the donor's hepatocytes (2 replicates)" in figures[0].reading
    assert "from the spread of 1 replicate of the lot and 2 of the donor" in figures[0].reading
    assert figures[1] == on_expression.heat(failing.expression, 6)


def test_what_changed_is_counted_once() -> None:
    assert page("fail").text.count("3,112") + page("fail").text.count("3112") == 1


def test_every_metric_has_the_section_that_shows_what_it_rests_on() -> None:
    assert {groups.section_of(name) for name in MetricName} == set(groups.SECTIONS)
    assert groups.section_of("identity.snp_match") == groups.section_of("rna.sex_as_declared") == "identity"
    assert groups.section_of("imported.karyotype_normal") == groups.section_of("dna.usable_bins") == "copy-number"
    assert groups.section_of("unheard.of") == "quality"


def test_a_withheld_stability_verdict_says_so() -> None:
    assert "No stability verdict." in page("identity").text
    assert "No stability verdict." not in page("fail").text


def test_draft_stands_on_the_page_only_when_the_code_was_changed() -> None:
    assert "DRAFT" in page("identity").text
    assert "DRAFT" not in page("pass").text
    unknown = planted_records.passing().provenance.model_copy(update={"dirty": None, "commit": None})
    text = Page(planted_records.html(planted_records.reworded(planted_records.passing(), provenance=unknown))).text
    assert "DRAFT" not in text
    assert "not a git checkout" in text


@pytest.mark.parametrize("unknown", [{"commit": None, "dirty": None}, {"dirty": None}, {"commit": None}])
def test_an_unknown_state_of_the_code_is_printed_where_draft_is(unknown: dict[str, None]) -> None:
    record = planted_records.passing()
    for made, said in (
        (record.provenance, "Results made by code"),
        (planted_records.CODE, "This page was rendered by code"),
    ):
        code = made.model_copy(update=unknown)
        results = made is record.provenance
        shown = planted_records.reworded(record, provenance=code) if results else record
        found = Page(planted_records.html(shown, planted_records.CODE if results else code))
        assert f"{UNKNOWN} {said} whose commit or changes could not be determined" in " ".join(found.text.split())
        assert re.search(f"<title>{UNKNOWN} ", planted_records.html(shown, planted_records.CODE if results else code))
    assert UNKNOWN not in page("pass").text
    assert UNKNOWN not in page("identity").text, "of a draft the state is known"
    row = overview_row(planted_records.reworded(record, provenance=record.provenance.model_copy(update=unknown)))
    assert UNKNOWN in planted_records.overview([row]) and UNKNOWN not in planted_records.overview(
        [overview_row(record)]
    )


@pytest.mark.parametrize("case", CASES)
def test_the_page_claims_no_safety_and_leaves_the_decision_to_the_reviewer(case: str) -> None:
    text = page(case).text
    assert not re.search(r"\bsafe\b|\bapproved\b", text)
    assert "the release decision is the reviewer's" in text


@pytest.mark.parametrize("case", CASES)
def test_the_page_is_whole_and_loads_nothing(case: str) -> None:
    html = planted_records.html(planted_records.ALL[case]())
    parsed = Page(html)
    assert len(html.encode()) <= 700_000
    assert not {tag for tag, _, _ in parsed.elements} & {
        "img",
        "link",
        "iframe",
        "object",
        "form",
        "image",
        "use",
    }
    ids = [attributes["id"] for _, attributes, _ in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes, _ in parsed.elements:
        assert not {name for name in attributes if name == "style" or name.startswith("on") or name == "src"}, tag
        href = attributes.get("href")
        beside = re.fullmatch(r"\.\./(?:[A-Za-z0-9%._~-]+/report|overview)\.html(?:#identity)?", href or "")
        assert href is None or beside or (href.startswith("#") and unquote(href[1:]) in ids), href
        for reference in (attributes.get("aria-labelledby") or "").split():
            assert reference in ids
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.S)
    data, script = re.findall(r"<script[^>]*>(.*?)</script>", html, re.S)
    assert [a for a, _ in parsed.all("script")] == [{"type": "application/json", "id": "zoom-data"}, {}]
    assert set(json.loads(data)["tracks"]) == {"ratio", "donor", "lot"}
    policy = next(a["content"] for a, _ in parsed.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    allowed = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{allowed[0]}'; script-src 'sha256-{allowed[1]}';"
        " base-uri 'none'; form-action 'none'"
    )
    assert "@import" not in style
    assert "url(" not in style


def test_hostile_text_adds_no_element_and_stays_text() -> None:
    hostile, plain = Page(planted_records.html(planted_records.hostile())), page("fail")

    def census(parsed: Page) -> set[tuple[str, tuple[str, ...]]]:
        return {(tag, tuple(sorted(attributes))) for tag, attributes, _ in parsed.elements}

    assert census(hostile) <= census(plain) | {("p", ("class", "role"))}
    assert "<script>document.title='owned'</script>\"'><img src=x onerror=alert(1)>" in hostile.text
    html = planted_records.html(planted_records.hostile())
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08]", html)
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.S)
    assert "owned" not in style or "<" not in style
    overview = planted_records.overview([overview_row(planted_records.hostile())])
    links = [a["href"] for a, _ in Page(overview).all("a") if not (a["href"] or "").startswith("#")]
    assert len(links) == 1
    assert not re.search("<script>document|[\u202a-\u202e]", overview)
    assert links[0] is not None
    assert re.fullmatch(r"[A-Za-z0-9%._~-]+/report\.html", links[0])


def test_the_same_record_gives_the_same_bytes_in_any_process() -> None:
    record = planted_records.failing()
    first = planted_records.html(record)
    assert planted_records.html(record) == first
    assert planted_records.html(Record.model_validate_json(record.model_dump_json(by_alias=True))) == first
    code = (
        "import hashlib, planted_records;"
        "print(hashlib.sha256(planted_records.html(planted_records.failing()).encode()).hexdigest())"
    )
    folders = [str(Path(planted_records.__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    folders.append(str(Path(words.__file__).parents[2]))
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(folders)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(first.encode()).hexdigest()


def test_a_genome_of_300000_bins_stays_small_and_fast() -> None:
    base = planted_records.passing()
    track, copies = base.copy_number.bins, 60
    fine = BinTrack(
        bin_bp=track.bin_bp // copies,
        chrom=[chrom for chrom in track.chrom for _ in range(copies)],
        start=[start + part * (track.bin_bp // copies) for start in track.start for part in range(copies)],
        log2=[value for value in track.log2 for _ in range(copies)],
        lot_log2=[value for value in track.lot_log2 for _ in range(copies)],
        donor_log2=[value for value in track.donor_log2 for _ in range(copies)],
    )
    assert len(fine.start) > 300_000
    record = planted_records.reworded(base, copy_number=base.copy_number.model_copy(update={"bins": fine}))
    begun = time.process_time()
    html = planted_records.html(record)
    assert time.process_time() - begun < 5
    assert len(html.encode()) < 2_000_000
    assert re.search(
        r"in the still figure each point the median of up to \d+ neighbouring bins, in the zoomable one of up to 3"
        r" \(3\d\d,\d\d\d bins in all",
        html,
    )


def test_the_report_id_is_the_hash_of_the_rest_of_the_record() -> None:
    record = planted_records.failing()
    rest = json.loads(record.model_dump_json(by_alias=True))
    assert rest.pop("report_id") == record.report_id
    assert [rest.pop(name) for name in ("made", "revision", "disposition", "persons")] == [None] * 4
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert record.report_id == hashlib.sha256(canonical.encode()).hexdigest()[:12]
    changed = record.model_copy(update={"notice": "validation run"}).sealed()
    assert changed.report_id != record.report_id
    assert record.report_id in Page(planted_records.html(record)).text


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_colours_keep_wcag_aa(mode: str) -> None:
    css = (Path(words.__file__).parent / "templates" / "style.css").read_text()
    blocks = re.findall(r":root \{([^}]*--ink[^}]*)\}", css)
    assert len(blocks) == 2
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", blocks[0]))
    if mode == "dark":
        colours |= dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", blocks[1]))
    text = [(ink, back) for ink in ("ink", "quiet", "link") for back in ("page", "panel", "stripe")]
    text += [(name, f"{name}-back") for name in ("good", "bad", "open", "look", "plain")]
    text += [("ink", f"{name}-back") for name in ("good", "bad", "open", "look", "plain")]
    text += [(name, "page") for name in ("good", "bad", "open", "look", "gain", "loss", "limit")]
    for ink, back in text:
        assert contrast(colours[ink], colours[back]) >= 4.5, (ink, back)
    for drawn in ("bin", "lot", "donor", "limit", "gain", "loss"):
        assert contrast(colours[drawn], colours["page"]) >= 3, drawn


@given(st.floats(-1e300, 1e300))
def test_a_printed_number_reads_back(value: float) -> None:
    text = words.number(value)
    read = float(text.replace("−", "-").replace(",", ""))
    assert math.isclose(read, value, rel_tol=6e-3)
    assert (read == 0) == (value == 0)
    assert "-" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "not available"),
        (True, "yes"),
        (False, "no"),
        (8.0, "8"),
        (0.0021, "0.0021"),
        (0.046, "0.046"),
        (2e-4, "2e−4"),
        (8.6e-28, "8.6e−28"),
        (-9.02, "−9.02"),
        (41_000.0, "41,000"),
        (0.998, "0.998"),
        (1234567, "1,234,567"),
        ("x", "x"),
    ],
)
def test_numbers_read_as_people_write_them(value: object, text: str) -> None:
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (9e-5, "fraction", "below 0.1%"),
        (4.2e-4, "fraction", "below 0.1%"),
        (0.0, "fraction", "0%"),
        (0.8908, "fraction", "89%"),
        (0.28, "cell fraction", "28% of cells"),
        (1, "calls", "1 call"),
        (2, "calls", "2 calls"),
        (93.5, "%, lowest", "93.5%, lowest"),
        (True, "", "yes"),
        (-4.2e-4, "SD inside the limit", "−4.2e−4 SD inside the limit"),
        (0.8, "fraction of genes", "80% of genes"),
        (None, "fraction", "not available"),
    ],
)
def test_a_measured_value_has_its_unit_and_a_fraction_is_in_per_cent(value: object, unit: str, text: str) -> None:
    assert words.measured(value, unit) == text


@pytest.mark.parametrize(
    ("given", "unit", "text"),
    [
        ("at least 0.8", "fraction", "at least 80%"),
        ("at most 0.2", "cell fraction", "at most 20% of cells"),
        ("at most 0", "calls", "none allowed"),
        ("at most 2", "calls", "at most 2 calls"),
        ("at least 90", "%, lowest", "at least 90%, lowest"),
        ("below 1", "TPM, highest", "below 1 TPM, highest"),
        ("at most 0.07", "log2 per SD, at least", "at most 0.07 log2 per SD, at least"),
        ("at least 0", "SD inside the limit", "at least 0 SD inside the limit"),
        ("MATCH", "", "MATCH"),
        ("yes", "", "yes"),
    ],
)
def test_a_limit_has_the_unit_of_its_criterion(given: str, unit: str, text: str) -> None:
    assert words.limit(given, unit) == text


def test_the_overview_lists_lots_by_gravity_with_finding_and_link() -> None:
    rows = [overview_row(make()) for make in planted_records.ALL.values()]
    html = planted_records.overview(rows)
    assert html == planted_records.overview(reversed(rows))
    parsed = Page(html)
    assert parsed.all("h1")[0][1] == "4 lots, 2 donors"
    assert [(a["href"], text) for a, text in parsed.all("a") if not (a["href"] or "").startswith("#")] == [
        (f"{lot}/report.html", lot) for lot in ("HLP-2031-09", "HLP-2031-07", "HLP-2031-05", "HLP-2031-04")
    ]
    for finding in ("not donor D-014", "Trisomy 8 97%; Gain of 20q11.21 40%", "too few reads", "no acquired change"):
        assert finding in parsed.text
    strips = [text for attributes, text in parsed.all("td") if attributes.get("class") == "arms-cell"]
    assert strips == ["not interpreted", "+8p +8q +20q", "none", "none"]
    pairs = planted(
        {"D-014-wgs": "D-014", "HLP-2031-09-wgs": "D-014", "D-009-wgs": "D-009"}, truth={"HLP-2031-09-wgs": "D-009"}
    )
    pairs = pairs.replace({"owner_a": {"HLP": "HLP-2031-09"}, "owner_b": {"HLP": "HLP-2031-09"}})
    assert "matches D-009, not D-014" in Page(planted_records.overview(rows, pairs=pairs)).text
    policies = [attributes["content"] for attributes, _ in parsed.all("meta") if "http-equiv" in attributes]
    assert policies[0] is not None
    assert policies[0].startswith("default-src 'none';")
    assert not {tag for tag, _, _ in parsed.elements} & {"img", "link", "iframe", "form"}


def test_the_overview_counts_arms_changed_in_more_than_one_lot() -> None:
    first = overview_row(planted_records.failing())
    second = first.model_copy(update={"lot_id": "HLP-2031-08", "passage": None})
    text = Page(planted_records.overview([second, first])).text
    assert "3 arms changed in more than one lot: 8p, 8q and 20q." in text
    assert re.search("8p220" + "1" + r".*HLP-2031-07, HLP-2031-08", text)
    assert text.index("HLP-2031-07") < text.index("HLP-2031-08")
    assert "No lot has a report yet." in Page(planted_records.overview([])).text


def test_the_range_a_panel_expects_is_drawn_where_it_is_known() -> None:
    record = planted_records.passing()
    expression = record.expression
    assert expression is not None
    assert not any(
        attributes.get("class") == "panel" for attributes, _ in Page(planted_records.html(record)).all("line")
    )
    first, *others = expression.markers
    update = {"markers": (first.model_copy(update={"panel_tpm_low": 1.0, "panel_tpm_high": 100.0}), *others)}
    html = planted_records.html(planted_records.reworded(record, expression=expression.model_copy(update=update)))
    (band,) = [attributes for attributes, _ in Page(html).all("line") if attributes.get("class") == "panel"]
    assert band["x1"] != band["x2"]


def test_informational_sets_are_told_apart() -> None:
    """Six planted sets; hepatocyte function alone is informational, and falls."""
    record = planted_records.failing()
    assert record.expression is not None
    finding = on_expression.pathways(record.expression, 7).finding
    assert finding.startswith("4 of 5 gene sets differ") and "Informational: down: Hepatocyte function." in finding
    assert planted_records.html(record).count('<span class="quiet">informational</span>') == 1
    none = [row.model_copy(update={"padj": 0.9}) for row in record.expression.sets]
    quiet = record.expression.model_copy(update={"sets": tuple(none)})
    assert on_expression.pathways(quiet, 7).finding.endswith("(adjusted p < 0.05). Informational: none differs.")
