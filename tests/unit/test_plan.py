"""`karyolot plan`: a forecast is what a run of that depth measures, and its inverse is enough, not too much."""

import io
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from karyolot.commands import cli, terminal
from karyolot.commands.plan import plan
from karyolot.contracts.copy_number import Arms, Match, Noise
from karyolot.contracts.criteria import Acceptance
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.provenance import ConfigDifference
from karyolot.contracts.record import QcFigure, Record
from karyolot.contracts.settings import Config, CopyNumber, Identity
from karyolot.dna.alleles import AGREES, shift_by, sites_needed
from karyolot.dna.forecast import (
    CLAIMED,
    COUNTED,
    MAD_VARIANCE,
    Forecast,
    Libraries,
    Unreachable,
    depth_needed,
    forecast,
    libraries_of,
    panel_needed,
    poisson_variance,
    rounded_up,
    shared_by,
    shared_in,
    smallest,
    times_deeper,
    typical,
)
from karyolot.dna.summary import copy_number_metrics
from karyolot.inputs.formats.yaml import read as read_yaml
from karyolot.io.files import write_model
from karyolot.io.record import write_report
from karyolot.io.tables import write_table
from karyolot.plan.resources import NEEDS, of_genome
from planted import LAYOUT, RESOURCES, Result, run
from planted_records import passing

SETTINGS = CopyNumber()
BIN = 50_000
GENOME = 3_088_269_832
ARMS = {"chr1p": 120e6, "chr18p": 14e6, "chr21q": 33e6}
LIBRARIES = Libraries(COUNTED, typical, ARMS, 2.7e9, 80, 249_000_000, GENOME)


def at(
    lot: float, donor: float | None = None, own: CopyNumber = SETTINGS, libraries: Libraries = LIBRARIES
) -> Forecast:
    return forecast(libraries.density(lot), libraries.density(lot if donor is None else donor), libraries, own, BIN)


def of_claim(found: Forecast) -> float:
    return found.of_size(5)


# what a run measures


@cache
def planted(per_bin: float, seed: int = 1, donor: float | None = None) -> Result:
    """A stable lot on bins of 500 kb with waves of 1 %."""
    return run((), "F", per_bin, seed, donor_per_bin=donor)


def seen_in(result: Result) -> Libraries:
    facts = result.compared.facts
    variance = poisson_variance(facts.lot_median or 0, facts.donor_median or 0)
    shared = shared_in(result.noise, variance, facts.analysis_bin_bp)
    return libraries_of(result.arms, facts.analysis_bin_bp, GENOME, COUNTED, shared)


def of_lot(result: Result) -> dict[tuple[float, str], float]:
    return {(row.size_bp / 1e6, row.type): row.fraction for row in result.lod.itertuples()}


def arm_limits(result: Result) -> dict[str, tuple[float, float]]:
    rows = result.arms[result.arms["scope"] == "arm"]
    return {
        row.name: (row.lod_gain, row.lod_loss) for row in rows.set_index("name", drop=False).itertuples(index=False)
    }


@pytest.mark.parametrize(("per_bin", "donor"), [(300, None), (5000, None), (20_000, 1000)])
def test_a_lots_own_noise_gives_its_own_limits(per_bin: float, donor: float | None) -> None:
    """Same formula, same noise, same depth: what differs is the median bin against the mean."""
    result = planted(per_bin, 1, donor)
    facts = result.compared.facts
    densities = [count / facts.analysis_bin_bp for count in (facts.lot_median, facts.donor_median) if count]
    found = forecast(*densities, seen_in(result), SETTINGS, 500_000)
    assert found.analysis_bin_bp == facts.analysis_bin_bp
    for (size, type_), limit in of_lot(result).items():
        forecast_limit = found.at(size)[("gain", "loss").index(type_)]
        assert (np.isnan(limit) and np.isnan(forecast_limit)) or forecast_limit == pytest.approx(limit, rel=0.05), size
    measured = arm_limits(result)
    for arm, both in found.arms.items():
        assert both == pytest.approx(measured[arm], rel=0.05), arm


@pytest.mark.parametrize("per_bin", [600, 20_000])
def test_the_noise_of_one_lot_foretells_lots_of_other_depths(per_bin: float) -> None:
    """Mean limits of four lots, within two standard errors of the one lot's noise (relative: half of that of a variance)."""
    density = per_bin / 500_000
    one = planted(5000, 9)
    found = forecast(density, density, seen_in(one), SETTINGS, 500_000)
    lots = [of_lot(planted(per_bin, seed)) for seed in range(2, 6)]
    for size in (5.0, 10.0, 20.0):
        measured = np.mean([max(lot[size, "gain"], lot[size, "loss"]) for lot in lots])
        error = np.sqrt(MAD_VARIANCE * size * 2 / one.noise.bins) / 2
        assert found.of_size(size) == pytest.approx(measured, rel=0.05 + 2 * error), size


def test_a_shallow_lot_does_not_promise_a_quiet_deep_one() -> None:
    """At 60 fragments a bin waves of 1 % are invisible; the typical noise stands in for them. A deep lot that is quiet is
    planned with its own noise."""
    shared = seen_in(planted(60)).shared
    assert (shared([1e6, 5e6, 20e6]) >= typical([1e6, 5e6, 20e6]) * (1 - 1e-9)).all()
    quiet = seen_in(run((), "F", 200_000, 1, waves=0.0)).shared
    assert quiet(5e6) < typical(5e6) / 3


def test_waves_average_out_as_they_do_in_numbers() -> None:
    """Variance of means of a simulated wave, 400,000 steps of 1/20 of its length."""
    generator = np.random.default_rng(3)
    step = np.exp(-1 / 20)
    wave = np.zeros(400_000)
    for i, shock in enumerate(generator.normal(0, 0.02 * np.sqrt(1 - step**2), len(wave))):
        wave[i] = step * wave[i - 1] + shock
    for length in (20, 100):
        means = wave[: len(wave) // length * length].reshape(-1, length).mean(axis=1)
        expected = float(shared_by([(20, 0.02)])(length)) * np.log(2) ** 2
        assert means.var() == pytest.approx(expected, rel=0.1)


# deeper is better


@settings(max_examples=40, deadline=None)
@given(
    depth=st.floats(0.05, 150),
    times=st.floats(1.01, 20),
    donor=st.floats(0.05, 150),
    size=st.sampled_from([1, 2, 5, 20]),
)
def test_deeper_is_never_worse(depth: float, times: float, donor: float, size: float) -> None:
    """On the same bins, but for 2 %: beside a deeper lot the donor, which a gain is spiked into, is more of the noise. Narrower
    bins mean more tests, which costs 2 % more."""

    def limits(lot: float, own: CopyNumber) -> tuple[float, float]:
        """No limit counts as 1."""
        found = at(lot, donor, own)
        return tuple(np.nan_to_num([found.of_size(size), found.of_any_arm()], nan=1.0))

    fixed = SETTINGS.model_copy(update={"analysis_bin_bp": 200_000})
    for own, cost in ((fixed, 1.02), (SETTINGS, 1.04)):
        both = zip(limits(depth * times, own), limits(depth, own), strict=True)
        assert all(deep <= cost * shallow for deep, shallow in both)


def test_a_shallow_donor_bounds_a_deep_lot() -> None:
    assert at(30, 0.4).of_size(5) > at(1).of_size(5) > at(30).of_size(5)
    assert at(30, 0.4).analysis_bin_bp == at(0.4).analysis_bin_bp


# the inverse


@settings(max_examples=40, deadline=None)
@given(fraction=st.floats(0.1, 1), size=st.sampled_from([5.0, 10.0, 20.0]))
def test_the_planned_depth_is_enough_and_not_too_much(fraction: float, size: float) -> None:
    own = SETTINGS.model_copy(update={"claim_mb": size})
    depth = depth_needed(lambda found: found.of_size(size), fraction, None, LIBRARIES, own, BIN)
    assert isinstance(depth, float)
    assert at(depth).of_size(size) <= fraction
    assert not at(depth * 0.75).of_size(size) <= fraction or depth <= 0.011


@pytest.mark.parametrize("fraction", [0.065, 0.08, 0.2])
def test_the_depth_for_arms_is_enough_for_the_worst_of_them(fraction: float) -> None:
    depth = depth_needed(Forecast.of_any_arm, fraction, None, LIBRARIES, SETTINGS, BIN)
    assert isinstance(depth, float) and max(map(max, at(depth).arms.values())) <= fraction


def test_smaller_changes_and_smaller_fractions_need_more_reads() -> None:
    depths = [depth_needed(of_claim, fraction, None, LIBRARIES, SETTINGS, BIN) for fraction in (0.5, 0.2, 0.12, 0.105)]
    assert all(isinstance(depth, float) for depth in depths) and depths == sorted(depths)
    sizes = [
        depth_needed(lambda it, mb=mb: it.of_size(mb), 0.2, None, LIBRARIES, SETTINGS, BIN) for mb in (20, 10, 5, 2)
    ]
    assert all(isinstance(depth, float) for depth in sizes) and sizes == sorted(sizes)


@pytest.mark.parametrize(
    ("limit", "fraction", "donor", "words"),
    [
        (of_claim, 0.02, None, "noise shared by neighbouring bins does not fall with depth"),
        (Forecast.of_any_arm, 0.05, None, r"no smaller effect than a gain in 5\.0% of cells is called \(copy_number\.min_log2\)"),
        (of_claim, 0.2, 0.1, "a donor at 0.1x is too shallow; with lot and donor alike, 1.1"),
        (lambda found: found.of_size(0.1), 0.9, None, "holds too few bins"),
    ],
)  # fmt: skip
def test_what_no_depth_gives_has_its_reason(limit: Any, fraction: float, donor: float | None, words: str) -> None:
    own = SETTINGS.model_copy(update={"lod_sizes_mb": (0.1, 5.0)})
    found = depth_needed(limit, fraction, donor, LIBRARIES, own, BIN)
    assert isinstance(found, Unreachable)
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(found.reason)


@pytest.mark.parametrize(
    ("target", "expected"), [(1 / 4, 4.0), (2.0, 1.0), (0.01, 100.0), (0.001, None), (np.nan, None)]
)
def test_bisection_finds_the_smallest_argument(target: float, expected: float | None) -> None:
    found = smallest(lambda x: 1 / x, target, 1, 100)
    assert found is expected if expected is None else found == pytest.approx(expected, rel=2e-3)


@given(st.floats(0.01, 1e7))
def test_rounding_up_keeps_two_digits_and_never_falls_short(value: float) -> None:
    assert value * (1 - 1e-9) <= rounded_up(value) <= value * 1.1
    assert float(f"{rounded_up(value):.2g}") == rounded_up(value)


# alleles


@pytest.mark.parametrize(("fraction", "kind"), [(0.3, "gain"), (0.5, "loss"), (1.0, "gain")])
def test_alleles_agree_with_a_change_at_that_many_sites(fraction: float, kind: str) -> None:
    """Binomial reads of 30 a site: at least 95 % power, less than 85 % with half of the sites (500 trials each)."""
    generator = np.random.default_rng(5)
    sites = sites_needed(fraction, kind, 30, 0.95)

    def power(number: int) -> float:
        sign = generator.choice([-1, 1], (500, number))
        alt = generator.binomial(30, 0.5 + sign * shift_by(fraction, kind)) / 30
        statistic = ((alt - 0.5) ** 2 / (0.25 / 30)).sum(axis=1)
        return float((statistic > chi2.isf(AGREES, number)).mean())

    assert power(sites) > 0.92
    assert sites <= 10 or power(sites // 2) < 0.85


def test_a_panel_grows_with_what_it_must_show() -> None:
    panels = [panel_needed(f, 5, (30, 30), LIBRARIES, 0.95, Identity()) for f in (1.0, 0.5, 0.3)]
    assert all(isinstance(snps, int) for snps in panels) and panels == sorted(panels)
    shallow = panel_needed(1.0, 5, (30, 1), LIBRARIES, 0.95, Identity())
    assert isinstance(shallow, Unreachable) and "identity.min_depth" in shallow.reason
    small = panel_needed(0.05, 5, (30, 30), LIBRARIES, 0.95, Identity())
    assert isinstance(small, Unreachable) and "more than there are" in small.reason


# more reads for a finished lot


def test_the_limit_aimed_at_is_that_of_the_shipped_criterion() -> None:
    criteria = read_yaml(RESOURCES / "acceptance.yaml", Acceptance).criteria
    (limit,) = next(criterion for criterion in criteria if criterion.metric == "cn.lod").limits
    assert limit.value == CLAIMED


@pytest.mark.parametrize(("per_bin", "donor"), [(500, 500), (40_000, 300)])
def test_so_many_more_reads_give_the_limit(per_bin: float, donor: float) -> None:
    first = planted(per_bin, 1, donor)
    limit = max(of_lot(first)[5.0, type_] for type_ in ("gain", "loss"))
    assert limit > CLAIMED
    deeper = times_deeper(first.compared.facts, first.noise, SETTINGS, limit)
    assert deeper is not None and deeper.who == ("lot and donor" if per_bin == donor else "donor")
    more = [per_bin * deeper.factor if "lot" in deeper.who else per_bin, donor * deeper.factor]
    reached = [
        max(of_lot(planted(more[0], seed, more[1]))[5.0, type_] for type_ in ("gain", "loss")) for seed in (1, 2, 3)
    ]
    assert CLAIMED * 0.85 < np.mean(reached) < CLAIMED * 1.08


def with_limit(limit: float | None, **facts: Any) -> Any:
    """cn.lod of a lot whose larger limit at 5 Mb is that."""
    result = planted(500)
    lod = result.lod.assign(spike_ins=200, found=190)
    lod.loc[lod["size_bp"] == 5_000_000, "fraction"] = np.nan if limit is None else limit
    comparison = result.compared.facts.model_copy(update=facts)
    match = Match(
        declared_sex="F", lot_sex="F", donor_sex="F", lot_x=1, lot_y=0, donor_x=1, donor_y=0, variants=0, shared=0
    )
    tables = result.calls, result.segmented.segments, result.arms
    return copy_number_metrics(*tables, lod, comparison, result.noise, match, SETTINGS, LAYOUT)[MetricName.CN_LOD]


def test_a_criterion_that_asks_for_more_reads_says_how_many() -> None:
    words = "times the reads of lot and donor are needed for a limit of 20%"
    assert re.search(
        rf"in 30% of diploid or 60% of tetraploid cells; about [23](\.\d)? {words}$", with_limit(0.3).detail
    )
    assert words in with_limit(None).reason
    assert "times the reads" not in with_limit(0.2).detail
    assert "times the reads" not in with_limit(0.3, lot_median=None).detail


def test_levels_taken_for_noise_are_not_cured_by_reads() -> None:
    result = planted(500)
    levels = result.noise.model_copy(update={"assessable": False})
    assert times_deeper(result.compared.facts, levels, SETTINGS, None) is None
    few = levels.model_copy(update={"bins": 50})
    assert times_deeper(result.compared.facts, few, SETTINGS, None) is not None


# the command


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"fraction": 0.0}, "--fraction 0: must be above 0 and at most 1; 10 % of cells is 0.1"),
        ({"fraction": 10.0}, "--fraction 10: must be above 0 and at most 1; 10 % of cells is 0.1"),
        ({"fraction": float("nan")}, "--fraction nan: must be"),
        ({"arms": 0.0}, "--arms 0: must be above 0 and at most 1"),
        ({"claim_mb": 25.0}, r"--claim 25: must be above 0 and at most 20 \(Mb\); changes of whole arms are planned with --arms"),
        ({"claim_mb": -1.0}, "--claim -1: must be above 0"),
        ({"donor_depth": 0.0}, "--donor-depth 0: must be above 0 and at most 1000; a mean coverage of 30x is 30"),
        ({"genome": "mm10"}, "--genome mm10: no layout of that name; there are GRCh37, GRCh38"),
        ({"genome": "GRCh38", "like": "a:b"}, "--genome has no effect together with --like"),
        ({"like": "L1"}, "--like L1: must be DIRECTORY:LOT; as in --like my-study:HLP-07"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(KaryolotError, match=words):
        plan(**({"claim_mb": 5.0, "fraction": 0.1} | arguments))


def shown(**arguments: Any) -> str:
    out = io.StringIO()
    terminal.print_plan(plan(**arguments), terminal.console(out))
    return out.getvalue()


@cache
def example() -> str:
    return shown(claim_mb=5.0, fraction=0.1)


def test_the_text_says_depth_limits_cost_and_assumptions() -> None:
    text = example()
    assert text.startswith("To call a gain or loss of 5 Mb or larger in 10% of cells, with 95% power (GRCh38):")
    lot, donor = (
        next(line.split() for line in text.splitlines() if line.startswith(who)) for who in ("lot ", "donor ")
    )
    assert lot[1:] == donor[1:]
    depth, pairs, hours = float(lot[1].removesuffix("x")), float(lot[2]), float(lot[6])
    assert lot[3] == "million" and pairs == pytest.approx(depth * GENOME / 300 / 1e6, rel=0.01)
    assert hours == pytest.approx(of_genome(pairs * 1e6, GENOME, Config())[0], rel=0.01)
    limits = next(line.split() for line in text.splitlines() if line.startswith("5 Mb"))
    assert limits[2:] == ["10%", "/", "10%"]
    assert "usable bins of 50 kb" in text and "Allele evidence for a change of 5 Mb in 10% of cells" in text
    table = text.partition("at other depths of lot and donor\n")[2].splitlines()
    assert table[0].split() == "depth 1 Mb 5 Mb 20 Mb any arm driver SNV at a hotspot driver indel".split()
    assert table[1].split()[-3:] == ["none"] * 3 and table[5].startswith("100x")
    assert [line.split()[0] for line in table[1:5]] == ["1x", "5x", "30x", "50x"]
    assert "Reads: 90% of the read pairs (2 x 150 bases) are counted; 92% of the bins are usable" in text
    assert "It has not been measured on replicate cultures." in text and "--like" in text


def test_a_claim_out_of_reach_is_said_and_the_table_remains() -> None:
    text = shown(claim_mb=5.0, fraction=0.1, arms=0.05)
    assert "No depth is enough. Whole arms: at 200x the limit of detection is still 6." in text
    assert "read pairs (2 x" in text and "\n50x " in text and "\nlot " not in text


def test_a_donor_that_is_sequenced_already_stays_as_it_is() -> None:
    facts = plan(5.0, 0.2, donor_depth=30.0, genome="GRCh37")
    assert facts["donor"]["depth"] == 30 and facts["lot"]["depth"] < 1
    assert all(row["donor"] == 30 for row in facts["depths"])
    assert facts["analysis"]["donor_fragments"] > 20 * facts["analysis"]["lot_fragments"]
    assert facts["panel"] == {"snps": None, "reason": facts["panel"]["reason"]} and facts["panel"]["reason"]


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Exit code of the command line."""
    monkeypatch.setattr("sys.argv", ["karyolot", *words])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


def test_the_command_prints_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(monkeypatch, "plan", "--claim", "5", "--fraction", "0.2", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["lot"]["depth"] == facts["donor"]["depth"] < 1.5
    assert (
        max(row[kind] for row in facts["analysis"]["limits"] if row["size_mb"] == 5 for kind in ("gain", "loss")) <= 0.2
    )


def test_the_command_refuses_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(monkeypatch, "plan", "--claim", "30", "--fraction", "0.2") == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and said.err.startswith("--claim 30: ")


# a finished lot


def finished(directory: Path, result: Result, noise: Noise | None = None, **changes: Any) -> Record:
    """A lot as a run leaves it, with what a plan reads of it."""
    record = passing().model_copy(update=changes).sealed()
    folder = directory / "results" / record.lot.lot_id
    write_report(record, folder / "report.json")
    write_table(result.arms, folder / "dna/arms.parquet", Arms)
    write_model(noise or result.noise, folder / "dna/noise.json")
    write_model(result.compared.facts, folder / "dna/comparison.json")
    return record


def test_a_plan_takes_noise_reads_and_settings_of_a_finished_lot(tmp_path: Path) -> None:
    result = planted(5000)
    qc = tuple(
        part.model_copy(update={"figures": (QcFigure(name="Reads in", value=40_000_000, unit="pairs or reads"),
                                            QcFigure(name="Duplicates", value=12.5, unit="%"))})
        for part in passing().qc
    )  # fmt: skip
    differences = (
        ConfigDifference(setting="counting.bin_bp", default=50_000, used=500_000),
        ConfigDifference(setting="copy_number.power", default=0.95, used=0.9),
        ConfigDifference(setting="report.multiqc", default=False, used=True),
    )
    provenance = passing().provenance.model_copy(update={"config_differences": differences})
    record = finished(tmp_path, result, qc=qc, provenance=provenance)
    facts = plan(10.0, 0.1, like=f"{tmp_path}:{record.lot.lot_id}")
    genome = sum(chromosome.length for chromosome in record.copy_number.chromosomes)
    medians = result.compared.facts.lot_median or 0, result.compared.facts.donor_median or 0
    counted = min(medians) / 500_000 * genome / 40_000_000
    assert facts["power"] == 0.9 and facts["genome"] == "GRCh38" and facts["analysis"]["bin_bp"] == 500_000
    assert f"Reads: {counted:.0%} of the read pairs of the " in facts["assumptions"][0]
    assert "12.5% are duplicates" in facts["assumptions"][0]
    assert facts["analysis"]["lot_fragments"] == pytest.approx(facts["lot"]["depth"] * counted / 300 * 500_000)
    assert f"Noise: that of {record.lot.lot_id}" in facts["assumptions"][1]
    assert "pair" not in facts["assumptions"][1], "the published pairs are not mentioned where the noise was measured"
    verification, mutations = facts["assumptions"][2:]
    assert verification.startswith("Verification: ") and mutations.startswith("Driver mutations: ")


def test_a_lot_that_came_as_counts_has_no_read_pairs(tmp_path: Path) -> None:
    record = finished(tmp_path, planted(5000), qc=())
    facts = plan(10.0, 0.2, like=f"{tmp_path}:{record.lot.lot_id}")
    assert "the number of read pairs is not recorded, so 90% of them are taken as counted" in facts["assumptions"][0]


def test_lots_that_cannot_be_taken_are_named(tmp_path: Path) -> None:
    result = planted(5000)
    record = finished(tmp_path, result)
    lot = record.lot.lot_id
    with pytest.raises(KaryolotError, match=rf"no record of a lot 'other'.*finished lots: {lot}"):
        plan(5.0, 0.2, like=f"{tmp_path}:other")
    finished(tmp_path, result, result.noise.model_copy(update={"assessable": False}))
    with pytest.raises(KaryolotError, match="the noise of that lot could not be measured; name another lot"):
        plan(5.0, 0.2, like=f"{tmp_path}:{lot}")
    (tmp_path / "results" / lot / "dna/noise.json").unlink()
    with pytest.raises(KaryolotError, match=r"noise\.json is not there; run the lot again"):
        plan(5.0, 0.2, like=f"{tmp_path}:{lot}")
    old = (ConfigDifference(setting="copy_number.power", default=0.95, used=0.5),)
    finished(tmp_path, result, provenance=record.provenance.model_copy(update={"config_differences": old}))
    with pytest.raises(KaryolotError, match=r"a setting this version refuses \(copy_number\.power"):
        plan(5.0, 0.2, like=f"{tmp_path}:{lot}")


def test_cost_is_that_of_the_rules() -> None:
    """310 million pairs of a human genome: what README's table says of 50 GB of reads."""
    hours, disk = of_genome(310e6, 3.1e9, Config())
    assert hours == pytest.approx(15 + 1, rel=0.05) and disk == pytest.approx(125, rel=0.02)
    assert of_genome(620e6, 3.1e9, Config())[0] == pytest.approx(2 * hours, rel=0.01)
    assert "align_reads.bwa-mem3" in NEEDS
