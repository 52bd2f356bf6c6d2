"""Is a lot of the line of its declared parent lot? Markers are simulated without the model's kernel."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

import planted_records
from karyolot.contracts.descent import Descent
from karyolot.contracts.kinetics import Clone, CloneFraction, Kinetics
from karyolot.contracts.mitochondria import MitochondrialFacts, MitochondrialResults
from karyolot.contracts.small_variants import VariantLimits, VariantResults
from karyolot.dna.descent import MOST, NEEDED, compare_parent, descent_metrics

BASE = planted_records.kinetics()


def clone(parent: float, own: float, sd: float = 0.02, recurrent: bool = False, name: str = "Gain of 3p") -> Clone:
    """A clone called in the parent, with the same error in both lots."""

    def seen(lot: str, fraction: float, passage: float) -> CloneFraction:
        low, high = max(fraction - 1.96 * sd, 0.0), fraction + 1.96 * sd
        return CloneFraction(
            lot_id=lot, passage=passage, fraction=fraction, low=low, high=high, called=fraction > 4 * sd
        )

    update = {"name": name, "recurrent": recurrent, "fractions": (seen("P", parent, 3), seen("L", own, 5))}
    return BASE.clones[0].model_copy(update=update)


def line(*clones: Clone) -> Kinetics:
    return BASE.model_copy(update={"lots": ("P", "L"), "passages": (3.0, 5.0), "clones": clones, "left_out": ()})


def compared(*clones: Clone, **given: object) -> Descent:
    return compare_parent(line(*clones), "P", **given)  # type: ignore[arg-type]


def test_a_lot_without_the_clone_of_all_cells_of_its_parent_is_contradicted() -> None:
    found = compared(clone(1.0, 0.0))
    assert found.result == "CONTRADICTS" and found.log10_ratio == -MOST
    assert descent_metrics(found).popitem()[1].value == "CONTRADICTS"


def test_a_shared_private_clone_matches_and_a_recurrent_one_is_not_enough() -> None:
    assert compared(clone(0.25, 0.3)).result == "MATCHES PARENT"
    found = compared(clone(0.25, 0.3, recurrent=True))
    assert found.result == "NOT ENOUGH" and 0 < found.log10_ratio < NEEDED
    metric = descent_metrics(found).popitem()[1]
    assert metric.value is None and metric.reason


def test_a_small_clone_that_is_gone_is_not_enough() -> None:
    """A bottleneck loses it."""
    found = compared(clone(0.1, 0.0))
    assert found.result == "NOT ENOUGH" and found.log10_ratio < 0


def test_a_change_that_only_the_lot_has_is_no_evidence() -> None:
    found = compared(clone(0.0, 0.6))
    assert found.result == "NOT ENOUGH" and found.markers == () and "shows no clone" in found.reason


def test_markers_of_one_clone_count_once() -> None:
    two = compared(clone(0.3, 0.35, name="A"), clone(0.31, 0.34, name="B"))
    assert [marker.counted for marker in two.markers] == [True, False]
    assert two.log10_ratio == max(marker.log10_ratio for marker in two.markers)
    apart = compared(clone(0.3, 0.35, name="A"), clone(0.8, 0.85, name="B"))
    assert all(marker.counted for marker in apart.markers)


def test_a_parent_that_was_not_compared_leaves_it_open() -> None:
    found = compare_parent(line(clone(1, 0)), "Q")
    assert found.parent is None and found.result == "NOT ENOUGH" and "Q has no verdict" in found.reason


def variants(alt: int | None, depth: int = 60) -> VariantResults:
    """One private variant at `alt` of `depth` reads, None = not shown."""
    row = {
        "chrom": "chr17", "start": 7_674_000, "end": 7_674_001, "ref": "G", "alt": "A", "gene": "TP53", "origin": "acquired",
        "artefact": "", "p": 0.0, "donor_lod": 0.1, "donor_ref": 60, "donor_alt": 0,
    }  # fmt: skip
    rows = [] if alt is None else [{**row, "lot_alt": alt, "lot_ref": depth - alt}]
    facts = planted_records.SMALL_VARIANTS.facts.model_copy(update={"lot_depth": depth, "donor_depth": depth})
    return VariantResults(pd.DataFrame(rows, columns=[*row, "lot_alt", "lot_ref"]), VariantLimits.frame([]), facts)


def test_private_variants_count_by_what_their_reads_carry() -> None:
    kept = compared(variants=(variants(30), variants(28)))
    gone = compared(variants=(variants(30), variants(None)))
    shallow = compared(variants=(variants(30), variants(None, 5)))
    assert kept.log10_ratio > 0.3 and kept.result == "NOT ENOUGH", "other lots of the donor often have it too"
    assert gone.result == "CONTRADICTS", "in all cells of the parent, in no read of 60"
    assert shallow.markers == (), "too few reads to say so"


def mitochondria(lot: float | None, donor: float = 0.0) -> MitochondrialResults:
    """An allele at this fraction of the lot's mitochondrial genomes, None = not listed."""
    row = {"start": 3_242, "ref": "A", "alt": "G", "donor": donor, "finding": "shift"}
    rows = [] if lot is None else [{**row, "lot": lot, "lot_low": max(lot - 0.01, 0), "lot_high": lot + 0.01}]
    facts = MitochondrialFacts(reason="", contig="chrM", lod=0.02)
    return MitochondrialResults(pd.DataFrame(rows, columns=[*row, "lot", "lot_low", "lot_high"]), pd.DataFrame(), facts)


def test_heteroplasmies_of_the_parent_alone_are_evidence() -> None:
    kept = compared(mitochondria=(mitochondria(0.3), mitochondria(0.33)))
    gone = compared(mitochondria=(mitochondria(0.9), mitochondria(None)))
    shared = compared(mitochondria=(mitochondria(0.3, donor=0.25), mitochondria(0.28, donor=0.25)))
    assert kept.log10_ratio > 1 and kept.markers[0].name == "m.3243A>G"
    assert gone.result == "CONTRADICTS"
    assert abs(shared.log10_ratio) < 1, "the donor has it too, so another lot has it as well"
    assert compared(mitochondria=(mitochondria(0.3), None)).markers == ()


@pytest.mark.parametrize("grown", [True, False])
def test_wrong_decisions_are_rare(grown: bool) -> None:
    """Lots with up to three clones: grown from the parent by selection with noise, or another lot of the donor with clones of its
    own that now and then are the same."""
    generator = np.random.default_rng(3)
    results = []
    for _ in range(150):
        made = []
        for number in range(generator.integers(1, 4)):
            parent = generator.uniform(0.1, 1.0)
            if grown:
                moved = expit(logit(min(parent, 0.999)) + 2 * generator.normal(0, 0.2))
                own = 0.0 if parent < 0.3 and generator.random() < 0.03 else moved
            else:
                own = generator.uniform(0, 1) if generator.random() < 0.01 else 0.0
            sd = generator.uniform(0.01, 0.05)
            seen = [max(true + generator.normal(0, sd), 0) for true in (parent, own)]
            made.append(clone(*seen, sd=sd, name=str(number)))
        results.append(compared(*made).result)
    wrong = results.count("CONTRADICTS" if grown else "MATCHES PARENT")
    right = results.count("MATCHES PARENT" if grown else "CONTRADICTS")
    assert wrong <= 3, "two in 100 by far"
    assert right >= 30, "clones of this size decide now and then"


def test_the_report_says_what_the_markers_carry() -> None:
    html = planted_records.html(planted_records.passing())
    assert (
        "Descent from HLP-2031-02: not enough evidence (likelihood ratio 10⁰·⁹, 10² or 10⁻² needed), by gain of 1q"
        " (8.0% there, 14% here)." in html
    )
