"""Figures of the documentation are those of the committed tables of benchmarks/, rounded as they are printed."""

import csv
from collections.abc import Callable, Iterable
from math import floor
from pathlib import Path

import pytest
from scipy.special import chdtri

from karyolot.contracts.settings import SmallVariants
from karyolot.dna.variant_limits import forecast

ROOT = Path(__file__).parents[2]
Row = dict[str, str]


def rows(table: str, **of: str) -> list[Row]:
    """Rows of a table of benchmarks/ whose columns have these values."""
    with (ROOT / "benchmarks" / f"{table}.tsv").open(encoding="utf-8", newline="") as lines:
        found = [row for row in csv.DictReader(lines, delimiter="\t") if of.items() <= row.items()]
    assert found, f"{table}.tsv has no row of {of}"
    return found


def values(found: Iterable[Row], column: str = "value") -> list[float]:
    return [float(row[column]) for row in found if row[column]]


def pooled(found: list[Row]) -> float:
    """Proportion over several rows of `n` tries each."""
    counts = values(found, "n")
    return sum(n * value for n, value in zip(counts, values(found), strict=True)) / sum(counts)


def percent(value: float) -> str:
    """In percent; halves are rounded up."""
    return str(floor(100 * value + 0.5 + 1e-9))


def contamination(sites: str, what: str) -> list[float]:
    found = rows("identity", part="contamination", depth="5")
    return values(row for row in found if f", {sites} sites: {what}" in row["case"])


def held(sites: str) -> str:
    found = contamination(sites, "interval holds")
    return percent(sum(found) / len(found))


def of_contamination() -> str:
    first, second = (contamination(sites, "mean |error|, points") for sites in ("10000", "40000"))
    largest = max(contamination("10000", "largest error, points"))
    return (
        f"mean error {min(first):.2f} to {max(first):.2f} percentage points with 10,000 SNPs (at most {largest:.1f} in"
        f" {40 * len(first)} lots), {min(second):.2f} to {max(second):.2f} with 40,000; the 95% interval covered the truth in"
        f" {held('10000')}% and {held('40000')}% of"
    )


def of_identity() -> str:
    persons = ("same person", "full sibling", "unrelated")
    wrong = [row for person in persons for row in rows("identity", part="identity", case=f"{person}: wrong")]
    assert sum(values(wrong)) == 0 and {row["tries"] for row in wrong} == {"1000"}, "none is misclassified"
    same, sibling, other = (
        values(rows("identity", part="identity", case=f"{person}: not enough", depth="0.1"))[0] for person in persons
    )
    return f"undecided at 0.1x: {100 * same:.1f}%, {percent(sibling)}% and {percent(other)}% of these"


def of_limits() -> str:
    power = rows("copy_number", question="power", measure="power at the printed limit", method="karyolot")
    sizes = {row["size"]: [one for one in power if one["size"] == row["size"]] for row in power}
    by_size = [pooled(found) for size, found in sizes.items() if size.endswith("Mb")]
    tries = {size: sum(map(int, values(found, "n"))) for size, found in sizes.items()}
    assert len({tries[size] for size in sizes if size.endswith("Mb")}) == 1
    arm, recurrent, chromosome = (
        f"{percent(pooled(sizes[name]))}% ({tries[name]}" for name in ("arm", "recurrent", "chromosome")
    )
    return (
        f"{percent(min(by_size))} to {percent(max(by_size))}% ({tries['5 Mb']} each; at least {percent(min(values(power)))}%"
        f" in each setting), arms {arm}), recurrent regions"
        f" {recurrent}), whole chromosomes {chromosome};"
    )


def poisson(count: int, lots: int) -> str:
    """Exact 95 % interval of a rate (Garwood 1936)."""
    return f"{chdtri(2 * count, 0.975) / 2 / lots:.3f} to {chdtri(2 * count + 2, 0.025) / 2 / lots:.3f}"


def of_stable_lots() -> str:
    own = rows("copy_number", question="null", method="karyolot", measure="false calls per genome")
    false = {track: sum(round(float(row["value"]) * int(row["n"])) for row in own if row["track"] == track)
             for track in ("matched", "r = 0.8", "none")}  # fmt: skip
    lots = sum(int(row["n"]) for row in own)
    assert max(values(own)) <= 0.05 and len({row["n"] for row in own}) == 1 and len(own) == 12
    return (
        f"{own[0]['n']} women and {own[0]['n']} men each at 1x and at 5x: {false['matched']} in {lots // 3} genomes with a timing"
        f" track of the same cells, {false['r = 0.8']} in {lots // 3} with that of other cells, {false['none']} in {lots // 3}"
        f" without a track: {sum(false.values()) / lots:.3f} per genome (exact 95% interval"
        f" {poisson(sum(false.values()), lots)}; nominal: at most 0.05), with each track at most"
        f" {poisson(max(false.values()), lots // 3)[-5:]}, and {min(values(own)):.0f} to {max(values(own)):.3f} in the 12 groups"
        f" of sex, coverage and track (upper limits {min(values(own, 'high')):.3f} to {max(values(own, 'high')):.3f})"
    )


def of_rearranged_lots() -> str:
    own = {method: rows("copy_number", question="rearranged", method=method, measure="sensitivity")
           for method in ("karyolot", "DNAcopy")}  # fmt: skip
    few, all_, alternating = (
        [value for row, value in zip(own["karyolot"], values(own["karyolot"]), strict=True)
         if (row["layout"], row["fraction"]) == which and row["amount"] != "2"]
        for which in (("scattered", "0.2"), ("scattered", "1"), ("alternating, Mb", "0.3"))
    )  # fmt: skip
    scattered = [values(row for row in found if row["layout"] == "scattered") for found in own.values()]
    less = max(peer - mine for mine, peer in zip(*scattered, strict=True))
    right = rows("copy_number", question="rearranged", measure="Q05c right")
    assert less <= 0.05 and set(values(right)) == {1.0} and percent(min(all_)) == "100"
    return (
        f"changes of 3 to 40 Mb in 20% of cells: {percent(min(few))} to {percent(max(few))}%, at each fraction at most"
        f" {percent(less)} percentage point below DNAcopy; in all cells: 100%. Q05c is right in all"
        f" {sum(values(right, 'n')):.0f} lots. Arms that alternate every 5 to 20 Mb between loss, normal and gain in 30% of"
        f" cells: {percent(min(alternating))} to {percent(max(alternating))}%"
    )


def cost(method: str) -> tuple[float, float, float]:
    """CPU seconds, the same over DNAcopy's on 60,000 bins, and peak memory in MB."""
    found = [values(rows("copy_number", question="cost", method=f"karyolot, {method}", measure=measure))[0]
             for measure in ("CPU s", "CPU over DNAcopy", "peak MB")]  # fmt: skip
    return found[0], found[1], found[2]


def of_cost() -> str:
    methods = (
        "counts to calls", "with planting", "with planting, counts of 1 kb", "with planting, bins of 1 kb"
    )  # fmt: skip
    first, second, third, fourth = (f"{times:.2g} ({seconds:.2g} s, {memory / 1000:.1f} GB)"
                                    for seconds, times, memory in map(cost, methods))  # fmt: skip
    return (
        f"CPU time over that of DNAcopy on 60,000 bins: {first}; {second} with limits verified by spike-ins; with 3 million"
        f" counts per kilobase, analysed in bins of 50 kb, {third}, in bins of 1 kb {fourth}"
    )


def of_the_speed() -> str:
    seconds, times, _ = cost("with planting")
    assert times < 1 / 3
    joined, narrow = (cost(f"with planting, {name} of 1 kb")[0] for name in ("counts", "bins"))
    return (
        f"60,000 bins take {seconds:.1f} s of CPU time, less than a third of what DNAcopy takes to segment them. Counts of"
        f" 3 million bins of 1 kb take {joined:.1f} s, since they are joined to bins of 50 kb; analysed as they are,"
        f" {narrow:.0f} s"
    )


def of_the_growth() -> str:
    calls, verified = (
        float(
            rows("copy_number", question="bins", method=f"karyolot, {name}", measure="exponent of the last step")[0][
                "value"
            ]
        )
        for name in ("counts to calls", "with planting")
    )
    last = [int(row["size"].split()[0]) for row in rows("copy_number", question="bins", measure="CPU s")][-3::2]
    assert max(calls, verified) <= 1.05
    return (
        f"to the power of {calls:.2f} from counts to calls, and of {verified:.2f} with limits verified by spike-ins,"
        f" between {last[0]:,} and {last[1]:,} bins"
    )


def of_fractions() -> str:
    found = {
        size: rows("copy_number", question="coverage", measure="interval holds the truth", size=size)
        for size in ("5 Mb", "20 Mb", "arm")
    }
    five, twenty, arms = (percent(pooled(own)) for own in found.values())
    tries = {sum(map(int, values(own, "n"))) for own in found.values()}
    least, most = min(tries), max(tries)
    each = f"{least}" if least == most else f"{least} to {most}"
    every = [float(row["value"]) for own in found.values() for row in own]
    return (
        f"the 95% interval covers the truth in {five}% (5 Mb), {twenty}% (20 Mb) and {arms}% (arms) of {each} each, and in"
        f" {100 * min(every):.1f} to {100 * max(every):.1f}% in each of {len(every)} settings"
    )


def of_tetraploid_lots() -> str:
    held, errors = (
        rows("copy_number", question="tetraploid", measure=measure)
        for measure in ("interval holds the truth", "|fraction error|")
    )
    tries = sum(map(int, values(held, "n")))
    inside = f"{pooled(held) * tries:.0f} of {tries}"
    return f"mean error {100 * pooled(errors):.1f} percentage points, in its 95% interval in {inside}"


def of_expression() -> str:
    own, r = (values(rows("expression", engine=engine), "cpu_s")[:3] for engine in ("karyolot", "R DESeq2"))
    ratios = [mine / other for mine, other in zip(own, r, strict=True)]
    return f"in {min(ratios):.2f} to {max(ratios):.2f} of its CPU time"


def of_gene_sets() -> str:
    found = values(rows("gene_sets", method="CAMERA"), "p_below_0.05")
    mean, least, most = sum(found) / len(found), 100 * min(found), 100 * max(found)
    return f"{percent(mean)}% of 1,800 simulated sets have p < 0.05 ({least:.1f} to {most:.1f}% by"


def of_hepatitis_b() -> str:
    deep, shallow, deep_apart, shallow_apart = (
        percent(
            values(rows("extranuclear", what="foreign sequence found", setting=f"HBV, at the limit, {one}"), "share")[0]
        )
        for one in ("100x", "30x", "a strain 5 % apart, 100x", "a strain 5 % apart, 30x")
    )
    return f"found in {deep} and {shallow}% of 2,000 lots (100x, 30x), a strain 5% apart in {deep_apart} and {shallow_apart}%"


def tries(found: Iterable[Row]) -> tuple[int, int]:
    """Successes and tries over rows of a `share` of `draws`."""
    counts = [(float(row["share"]) * int(row["draws"]), int(row["draws"])) for row in found]
    return round(sum(hits for hits, _ in counts)), sum(draws for _, draws in counts)


def of_deletions() -> str:
    found = rows("extranuclear", part="deletions")
    listed, number = tries(
        row for row in found if row["what"] == "deletion listed" and "the printed limit" in row["setting"]
    )
    named = "interval holds the fraction of the deletion"
    held, intervals = tries(row for row in found if row["what"] == named and "bases in 2%" not in row["setting"])
    false, clean = tries(row for row in found if row["what"] == "lots with a false deletion")
    assert false == 0
    return (
        f"at the printed limit {listed} of {number} were listed (nominal: 95%); the 95% interval held the fractions (at the"
        f" limit, or 5% and more) in {percent(held / intervals)}% of {intervals}; none of {clean} clean lots showed one"
    )


def of_indels() -> str:
    own = rows("variants", part="indel power")
    found, number = (sum(int(row[name]) for row in own) for name in ("found", "n"))
    each = {(row["lot"], row["read"]): 0 for row in own}
    for row in own:
        each[row["lot"], row["read"]] += int(row["found"])
    least, most = (percent(calls * len(each) / number) for calls in (min(each.values()), max(each.values())))
    return (
        f"{found} of {number} were called ({percent(found / number)}%; {least} to {most}% of {number // len(each)} in each of"
        f" {len(each)} settings of depth and length of the reads)"
    )


def of_callers(part: str) -> str:
    """Mutations called by cell fraction, and other calls, of each caller on the same reads."""
    own, said = rows("variants", part=part), []
    callers = {
        "karyolot": "karyolot (counts of bcftools)",
        "bcftools": "bcftools call, quality 20",
        "freebayes": "freebayes, pooled, quality 20",
        "freebayes, any quality": "freebayes, pooled, any quality",
    }
    assert callers.keys() == {row["caller"] for row in own}
    for caller, name in callers.items():
        held = [row for row in own if row["caller"] == caller]
        by_fraction = {row["fraction"]: [one for one in held if one["fraction"] == row["fraction"]] for row in held}
        calls = [f"{sum(values(found, 'found')):.0f}" for found in by_fraction.values()]
        calls[0] += f" of {sum(values(by_fraction[held[0]['fraction']], 'n')):.0f}" * (caller == "karyolot")
        said.append(f"| {name} | {' | '.join(calls)} | {sum(values(held, 'false')):.0f} |")
    return " ".join(said)


def of_substitutions_by_callers() -> str:
    return of_callers("sensitivity")


def of_indels_by_callers() -> str:
    return of_callers("indels")


def of_null_lots() -> str:
    own = rows("variants", part="null")
    found, lots = (sum(int(row[name]) for row in own) for name in ("found", "n"))
    assert found <= 0.05 * lots
    return f"{found} of {lots} lots without a mutation showed any call"


def of_power() -> str:
    own = rows("variants", part="power")
    assert len(own) >= 18 and {row["n"] for row in own} == {"120"}
    least, most = (percent(one(values(own, "rate"))) for one in (min, max))
    return f"{least} to {most}% of 120 substitutions were called in each of {len(own)} settings"


def of_forecasts_of_indels() -> str:
    """Printed limits of lots without errors of length over the forecast of `karyolot plan`."""
    ratios = []
    for row in rows("variants", part="indel power", read="150", kind="insertion"):
        expected = forecast(float(row["lot"]), float(row["donor"]), SmallVariants()).indel
        assert expected is not None
        ratios.append(float(row["fraction"]) / expected)
    assert len(ratios) == 3 and max(ratios) < 1
    return f"print limits {percent(1 - max(ratios))} to {percent(1 - min(ratios))}% below this forecast"


def of_counted_reads() -> str:
    """The part of the reads with an indel that is counted, by spike-ins and in genomes with the indel, by length of the reads."""
    own, said = rows("variants", part="recovery"), []
    for read in dict.fromkeys(row["read"] for row in own):
        held = [row for row in own if row["read"] == read]
        number = sum(int(row["n"]) for row in held)
        true = sum(int(row["found"]) for row in held) / number
        spiked = sum(float(row["measured"]) * int(row["n"]) for row in held) / number
        said.append(f"{percent(spiked)}% and {percent(true)}% (reads of {read})")
    return "; ".join(said)


def of_the_demo() -> str:
    cost = {row["rule"]: float(row["all_cpu_minutes"]) for row in rows("resources", kind="demo")}
    own = ("locate_drivers", "call_variants", "classify_variants", "analyse_mitochondria")
    taken, named = sum(cost[rule] for rule in own), ", ".join(f"`{rule}`" for rule in own)
    return (
        f"({named}) take {percent(taken / (sum(cost.values()) - taken))}% of the CPU time of all other jobs of the demo"
    )


def of_a_human_genome() -> str:
    trisomy, loss = (
        [percent(float(row[column])) for column in ("fraction", "low", "high")]
        for what in ("trisomy 8 in 40 %", "10 Mb loss in 100 %")
        for row in rows("human", kind="truth", what=what)
    )
    return (
        f"was called at {trisomy[0]}% ({trisomy[1]}-{trisomy[2]}%), a 10 Mb loss in all cells at {loss[0]}%"
        f" ({loss[1]}-{loss[2]}%)"
    )


def of_forecasts() -> str:
    found = [row for row in rows("plan") if row["forecast"] and row["printed"]]
    ratios = [a / b for a, b in zip(values(found, "forecast"), values(found, "printed"), strict=True)]
    errors = [abs(ratio - 1) for ratio in ratios]
    assert max(errors) < 0.1
    mean = 100 * sum(errors) / len(errors)
    return f"by {mean:.1f}% on average and by {100 * max(errors):.1f}% at most; none of {len(errors)} was"


def of_forecasts_from_a_lot() -> str:
    found = [row for row in rows("plan") if row["like"] and row["printed"]]
    ratios = [a / b for a, b in zip(values(found, "like"), values(found, "printed"), strict=True)]
    low = 100 * (1 - sum(ratios) / len(ratios))
    beyond = sum(values(found, "like_beyond"))
    deep = [row for row in found if max(float(row["lot_depth"]), float(row["donor_depth"])) >= 10]
    assert sum(values(deep, "like_beyond")) == beyond
    return (
        f"from each of six lots at 5x, forecasts were {low:.1f}% too low on average; {beyond:.0f} of {6 * len(found)} were"
        f" more than 10% off"
    )


def of_sarek() -> str:
    sarek, own = (sum(values(rows("sarek", pipeline=name), "cpu_hours_30x")) for name in ("sarek", "karyolot"))
    return f"| together | {sarek:.0f} | {own:.1f} |"


def of_sarek_with_bwa() -> str:
    hours = {(row["pipeline"], row["part"]): float(row["cpu_hours_30x"]) for row in rows("sarek")}
    own = sum(value for (name, _), value in hours.items() if name == "karyolot")
    return f"with bwa in karyolot as well, {own - hours['karyolot', 'bwa-mem3'] + hours['sarek', 'bwa']:.0f} hours"


def of_starts() -> str:
    found = {row["what"]: row for row in rows("starts", lots="500")}
    planned = [found[what] for what in ("plan, nothing changed", "plan of one more lot")]
    seconds, most = (max(float(row[name]) for row in planned) for name in ("cpu_s", "max_mb"))
    return (
        f"takes at most {seconds:.0f} CPU seconds and {most:.0f} MB to find that nothing changed, or to plan one more lot;"
        f" its tables are read once, in {float(found['check, first']['cpu_s']):.0f} seconds"
    )


def of_counting() -> str:
    last = {row["what"]: row for row in rows("human", kind="door")}
    own = last["count_fragments, CRAM"]
    peer = float(last["samtools view -c, CRAM, the columns that are counted"]["cpu_s"])
    times, started = float(own["cpu_s"]) / peer, (float(own["cpu_s"]) + float(own["start_s"])) / peer
    part = float(own["cpu_s"]) / float(last["mosdepth -n -x, CRAM"]["cpu_s"])
    assert times < 1.5
    return (
        f"Of {float(own['reads']) / 1e6:.1f} million reads, counting the fragments of a CRAM takes {times:.1f} times the CPU of"
        f" `samtools view -c` on the same columns ({started:.1f} times with the start of Python) and {percent(part)}% of that of"
        " `mosdepth`"
    )


def of_pairs() -> str:
    found = {row["what"]: row for row in rows("pairs", samples="1000")}
    return (
        f"{float(found['one more lot']['cpu_s']):.0f} CPU seconds among 1,000 samples at 80,000 SNPs, where comparing all pairs"
        f" takes {float(found['all pairs']['cpu_s']):.0f} and {float(found['all pairs']['max_mb']):.0f} MB"
    )


PAGES: dict[Callable[[], str], str] = {
    of_starts: "cluster.md",
    of_counting: "cluster.md",
    of_pairs: "cluster.md",
    of_forecasts: "depth.md",
    of_forecasts_from_a_lot: "depth.md",
    of_forecasts_of_indels: "depth.md",
    of_the_demo: "../benchmarks/README.md",
    of_the_growth: "../benchmarks/README.md",
    of_the_speed: "../README.md",
    of_sarek: "comparison.md",
    of_sarek_with_bwa: "comparison.md",
}
"""What is not on the page of accuracy."""
FIGURES = [
    of_identity, of_contamination, of_stable_lots, of_rearranged_lots, of_cost,
    of_limits, of_fractions, of_tetraploid_lots, of_expression, of_gene_sets, of_hepatitis_b, of_deletions, of_indels,
    of_counted_reads, of_substitutions_by_callers, of_indels_by_callers, of_null_lots, of_power, of_a_human_genome,
    *PAGES,
]  # fmt: skip


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.__name__)
def test_the_page_states_what_the_table_holds(figure: Callable[[], str]) -> None:
    page = (ROOT / "docs" / PAGES.get(figure, "accuracy.md")).read_text(encoding="utf-8")
    assert figure() in " ".join(page.split())
