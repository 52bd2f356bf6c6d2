"""Verdicts in a terminal: a table of all lots, and why one of them has its verdict. Draws; computes nothing.

Colour and symbol only repeat a word. rich honours NO_COLOR, and writes no colour into a file or pipe.
"""

from collections.abc import Mapping, Sequence
from typing import IO, Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from karyolot.commands.explain import Line
from karyolot.commands.run import Failure
from karyolot.commands.verify import Finding
from karyolot.contracts.ledger import Entry
from karyolot.contracts.problems import escaped
from karyolot.report.two_sites import LEAST, Comparison
from karyolot.report.words import OUTCOMES, bins_of, number, percent, plural, quantity, unseen

STYLES = {
    "PASS": "bold blue",
    "FAIL": "bold red",
    "FAIL_IDENTITY": "bold red",
    "REVIEW": "bold yellow",
    "INDETERMINATE": "bold yellow",
    "NOT_ASSESSED": "yellow",
    "INFO": "",
}
UNBROKEN = 10_000
"""Columns of a file or pipe: every lot stays on one line, for grep."""


def console(file: IO[str]) -> Console:
    """A terminal that takes text as it is: no markup, no emoji, nothing highlighted."""
    width = None if file.isatty() else UNBROKEN
    return Console(file=file, width=width, markup=False, emoji=False, highlight=False)


def plain(text: object) -> Text:
    """Text of a record or a log, with what a terminal would obey escaped."""
    return Text("\n".join(map(escaped, str(text).splitlines())))


def word(outcome: str, mark: str = "") -> Text:
    symbol, name = OUTCOMES.get(outcome, ("?", outcome))
    return Text(f"{symbol} {name}{f' {mark}' if mark else ''}", STYLES.get(outcome, ""))


def print_table(lines: Sequence[Line], out: Console) -> None:
    """One row per lot with a report."""
    if not lines:
        out.print("no lot has a report")
        return
    table = Table(box=box.SIMPLE_HEAD if out.is_terminal else None, pad_edge=False, show_edge=False)
    for name in ("lot", "passage", "verdict", "first reason", "report"):
        folds = name in ("first reason", "report")
        table.add_column(name, justify="right" if name == "passage" else "left", overflow="fold", no_wrap=not folds)
    for row in lines:
        passage = "not recorded" if row.passage is None else f"{row.passage:g}"
        verdict = word(row.outcome, row.mark)
        table.add_row(plain(row.lot_id), passage, verdict, plain(row.first_reason), plain(row.report))
    out.print(table)
    passed = [noun for row in lines if row.outcome == "PASS" for noun in row.not_seen]
    if passed:
        out.print()
        out.print(plain(unseen(passed)))


def print_explanation(facts: Mapping[str, Any], out: Console) -> None:
    """facts: as `explain.explanation` gives them."""
    passage = "not recorded" if facts["passage"] is None else f"{facts['passage']:g}"
    out.print(Text.assemble(plain(facts["lot_id"]), "  ", word(facts["outcome"], facts["mark"])), style="bold")
    out.print(plain(f"passage {passage}, donor {facts['donor_id']}"))
    if facts["notice"]:
        out.print(plain(facts["notice"]))
    _block(out, *filter(None, (facts["headline"], facts["claim_arms"], facts["claim"], facts["claim_variants"])))
    weakened = [f"  {one['name']}: {one['own']} (shipped: {one['shipped']})" for one in facts["weakened"]]
    if weakened:
        _block(out, "Weakened against the shipped criteria and settings:", *weakened)
    if facts["actions"]:
        _block(out, "Next:", *(f"  {number}. {text}" for number, text in enumerate(facts["actions"], 1)))
    if facts["first_reason"] != facts["headline"]:
        _block(out, f"First reason: {facts['first_reason']}")
    if facts["not_passed"]:
        _block(out, f"Criteria not passed ({facts['acceptance']}):")
    else:
        _block(out, f"Every criterion passed ({facts['acceptance']}).")
    for result in facts["not_passed"]:
        _criterion(result, out)
    _block(out, "Limit of detection", facts["limit_of_detection"])
    _block(out, facts["cannot_detect"])
    _block(out, f"Report {facts['report_id']}: {facts['report']}")


DRIVERS = {"driver_gene": "driver SNV", "driver_hotspot": "at a hotspot", "driver_indel": "driver indel"}
"""Limits of mutations in a plan -> heading of their column."""


def _mutation(name: str, row: Mapping[str, Any]) -> str:
    """A limit of driver mutations; 'none' where not even one in all cells is detected."""
    return "none" if row[name] is None else percent(row[name])


def print_plan(facts: Mapping[str, Any], out: Console) -> None:
    """facts: as `plan.plan` gives them."""
    arms = "" if facts["arms"] is None else f", and of any whole arm in {percent(facts['arms'])}"
    out.print(
        plain(
            f"To call a gain or loss of {facts['claim_mb']:g} Mb or larger in {percent(facts['fraction'])} of cells{arms}, with"
            f" {facts['power']:.0%} power ({facts['genome']}):"
        )
    )
    if facts["reason"]:
        _block(out, f"No depth is enough. {facts['reason'][0].upper()}{facts['reason'][1:]}.")
    else:
        _planned(facts, out)
    donor = "lot and donor" if facts["donor_depth"] is None else f"lot, with the donor at {facts['donor_depth']:g}x"
    _block(out, f"Smallest detectable cell fractions (gain / loss) at other depths of {donor}")
    sizes = [f"{row['size_mb']:g} Mb" for row in facts["depths"][0]["limits"]]
    rows = [
        [
            f"{row['lot']:g}x",
            *map(_limits, row["limits"]),
            _limits(row["any_arm"]),
            *(_mutation(name, row) for name in DRIVERS),
        ]
        for row in facts["depths"]
    ]
    _columns(["depth", *sizes, "any arm", *DRIVERS.values()], rows, out)
    _block(out, "Assumptions", *facts["assumptions"])


def _planned(facts: Mapping[str, Any], out: Console) -> None:
    """Reads, limits of detection and panel at the depth that is enough."""
    rows = [
        [
            who,
            f"{sample['depth']:g}x",
            f"{number(sample['read_pairs'] / 1e6)} million",
            f"{number(sample['reads_gb'])} GB",
            number(sample["cpu_hours"]),
            f"{number(sample['disk_gb'])} GB",
        ]
        for who, sample in (("lot", facts["lot"]), ("donor", facts["donor"]))
    ]
    out.print()
    _columns(["", "depth", "read pairs", "reads", "CPU hours", "disk while it runs"], rows, out)
    found = facts["analysis"]
    _block(
        out,
        f"Analysis: {found['bins']:,} usable bins of {bins_of(found['bin_bp'])}, with {number(found['lot_fragments'])} fragments"
        f" of the lot and {number(found['donor_fragments'])} of the donor.",
    )
    _block(out, "Limits of detection at this depth: smallest detectable cell fractions (gain / loss)")
    limits = [[f"{row['size_mb']:g} Mb", _limits(row)] for row in found["limits"]]
    if found["best_arm"] is not None:
        limits += [[f"arm {row['arm']}", _limits(row)] for row in (found["best_arm"], found["worst_arm"])]
    _columns(["", "gain / loss"], limits, out)
    if found["blind_arms"]:
        out.print(plain(f"Arms not assessable at this depth: {', '.join(found['blind_arms'])}."))
    panel = facts["panel"]
    needed = (
        f"needs a panel of about {panel['snps']:,} SNPs."
        if panel["snps"] is not None
        else f"not available: {panel['reason']}."
    )
    _block(
        out,
        f"Allele evidence for a change of {facts['claim_mb']:g} Mb in {percent(facts['fraction'])} of cells {needed}",
    )


def _limits(row: Mapping[str, Any]) -> str:
    return " / ".join("none" if row[name] is None else percent(row[name]) for name in ("gain", "loss"))


def _columns(names: Sequence[str], rows: Sequence[Sequence[str]], out: Console) -> None:
    table = Table(box=None, pad_edge=False, show_edge=False)
    for index, name in enumerate(names):
        table.add_column(name, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(plain, row))
    out.print(table)


def _criterion(result: Mapping[str, Any], out: Console) -> None:
    decided = " (decided)" if result["decided"] else ""
    title = Text.assemble("  ", word(result["outcome"]), "  ", plain(f"{result['id']} {result['title']}{decided}"))
    out.print(title)
    lines = [
        f"measured {quantity(result['value'], result['unit'])}; limit {result['limit']}",
        result["explanation"],
        f"Reason: {result['reason']} ({result['source']})",
    ]
    for line in lines:
        out.print(Padding(plain(line), (0, 0, 0, 6), expand=False))


def _block(out: Console, *lines: str) -> None:
    out.print()
    for line in lines:
        out.print(plain(line))


def print_failure(failure: Failure, out: Console) -> None:
    """The end of the failing rule's log, then one sentence on what to do."""
    out.print()
    if failure.rule:
        out.print(plain(f"Rule {failure.rule} failed" + (f"; the end of {failure.log}:" if failure.log else ".")))
    for line in failure.tail:
        out.print(Padding(plain(line), (0, 0, 0, 2), expand=False))
    out.print(plain(failure.hint), style="bold")


def print_verified(findings: Sequence[Finding], out: Console) -> None:
    """One line per thing that was verified; below it the differences, the first one first."""
    for finding in findings:
        mark, style = ("differs", "bold red") if finding.faults else ("verified", "bold blue")
        out.print(Text.assemble((mark, style), f": {escaped(finding.what)}"), soft_wrap=True)
        for line in (*finding.faults, *finding.notes):
            out.print(plain(f"    {line}"), soft_wrap=True)
    wrong = sum(bool(finding.faults) for finding in findings)
    out.print(f"{wrong} of {len(findings)} differ from what was recorded" if wrong else "no differences found")


MANY = ("results", "figures")
"""Facts of an entry of which the number is printed; --json prints all."""


def print_ledger(entries: Sequence[Entry], whole: Sequence[Entry], out: IO[str]) -> None:
    """One line per entry, its facts below it; at the end the extent of the whole ledger.

    Plain text: a ledger has tens of thousands of lines.
    """
    for entry in entries:
        lot = f" {entry.facts['lot']}" if "lot" in entry.facts else ""
        said = f"{entry.number} {entry.at} {entry.kind.replace('_', ' ')}{lot}, {entry.user} on {entry.host}"
        facts = [
            f"    {key.replace('_', ' ')}: {f'{len(value)} files' if key in MANY else _fact(value)}"
            for key, value in entry.facts.items()
            if key != "lot" and value not in ("", None, {}, [])
        ]
        out.writelines(f"{escaped(line)}\n" for line in (said, *facts))
    shown = f"{len(entries)} of " if len(entries) < len(whole) else ""
    last = f", last sha256 {whole[-1].sha256}" if whole else ""
    out.write(f"{shown}{plural(len(whole), 'entry', 'entries')}, chain complete{last}\n")


def _fact(value: Any) -> str:
    """A fact of the ledger on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_fact(held)}" for key, held in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def print_comparison(found: Comparison, out: Console) -> None:
    """What differs between two records, and the limits of agreement."""
    for name, record in (("A", found.a), ("B", found.b)):
        out.print(plain(f"{name}: {record}"))
    table = Table(box=box.SIMPLE_HEAD if out.is_terminal else None, pad_edge=False, show_edge=False)
    for head in ("", "A", "B"):
        table.add_column(head, overflow="fold")
    rows = [one for one in (*found.outcomes, *found.values) if one.differs]
    for one in (*rows, *found.events):
        table.add_row(plain(one.name), _cell(one.a), _cell(one.b))
    out.print(table)
    same = sum(not one.differs for one in found.outcomes)
    out.print(f"outcomes alike: {same} of {len(found.outcomes)}")
    for limits in found.limits:
        if limits.bias is None:
            out.print(f"{limits.what}: {limits.pairs} pairs, limits of agreement not set (fewer than {LEAST})")
            continue
        low, high = limits.low_interval, limits.high_interval
        assert low and high and limits.low is not None and limits.high is not None
        out.print(
            f"{limits.what} ({limits.unit}, B minus A): {limits.pairs} pairs, bias {limits.bias:.3g}, limits of agreement"
            f" {limits.low:.3g} (95% CI {low[0]:.3g} to {low[1]:.3g}) to {limits.high:.3g} ({high[0]:.3g} to {high[1]:.3g})"
        )


def _cell(value: str | float | bool | None) -> Text:
    if value is None:
        return Text("none")
    return plain(f"{value:.4g}" if isinstance(value, float) else value)
