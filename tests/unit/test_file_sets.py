"""Sets of files as inputs of rules: what goes in comes out, absence is stated, and a wrong name is an error."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snakemake.iocontainers import InputFiles

from karyolot.contracts.results import (
    AlleleFiles,
    BinFiles,
    ComparisonFiles,
    FileSet,
    LotFiles,
    OverviewFiles,
    PanelFiles,
    QualityFiles,
)
from karyolot.contracts.settings import Config, Expression, Identity, Reference
from karyolot.contracts.sheets import Donor, Lot, Sample, Study
from karyolot.plan import files
from karyolot.plan.samples import rna_replicates


def as_snakemake_gives(named: Mapping[str, Any]) -> InputFiles:
    """Inputs as a script sees them: a list whose parts have names."""
    made = InputFiles()
    for name, value in named.items():
        start = len(made)
        made.extend([value] if isinstance(value, str) else value)
        made._set_name(name, start, end=None if isinstance(value, str) else len(made))
    return made


FULL = LotFiles(
    dna=files.DNA.at(lot="L1"),
    rna=files.RNA.at(lot="L1"),
    alleles=files.LOT_ALLELES.at(lot="L1"),
    variants=files.VARIANTS.at(lot="L1"),
    mitochondria=files.MITOCHONDRIA.at(lot="L1"),
    kinetics=files.KINETICS.format(lot="L1"),
    descent=files.DESCENT.format(lot="L1"),
    foreign=files.FOREIGN.at(lot="L1"),
    metrics="m",
    verdict="v",
    references="p",
    data=("d",),
    own=(),
    recurrent="w",
    earlier=("a", "b"),
    quality=("q",),
)


@st.composite
def lots(draw: st.DrawFn) -> LotFiles:
    """Sets of files of lots with RNA, a reference panel, alleles, variants, ancestors, or without."""
    some = {
        name: draw(st.booleans())
        for name in ("rna", "panel", "arms", "alleles", "variants", "mitochondria", "kinetics", "foreign")
    }
    rna = files.RNA.at(lot="L1")
    parts = {
        "dna": files.DNA.at(lot="L1"),
        "rna": type(rna)(**{**vars(rna), "panel": rna.panel if some["panel"] else None,
                            "arms": rna.arms if some["arms"] else None}) if some["rna"] else None,
        "alleles": files.LOT_ALLELES.at(lot="L1") if some["alleles"] else None,
        "variants": files.VARIANTS.at(lot="L1") if some["variants"] else None,
        "foreign": files.FOREIGN.at(lot="L1") if some["foreign"] else None,
        "kinetics": files.KINETICS.format(lot="L1") if some["kinetics"] else None,
        "descent": files.DESCENT.format(lot="L1") if some["kinetics"] else None,
        "mitochondria": files.MITOCHONDRIA.at(lot="L1") if some["mitochondria"] else None,
    }  # fmt: skip
    lists = {
        name: tuple(draw(st.lists(st.sampled_from("xyz"), max_size=3)))
        for name in ("earlier", "data", "own", "quality")
    }
    return LotFiles(
        **parts,
        **lists,
        metrics="m",
        verdict="v",
        references="p",
        recurrent="w",
    )


@given(lots())
def test_a_set_comes_back_from_the_inputs_of_a_rule(own: LotFiles) -> None:
    named = LotFiles.inputs(own)
    assert LotFiles.given(as_snakemake_gives(named)) == LotFiles.given(named) == own
    assert named.keys() == LotFiles.inputs(FULL).keys(), "a lot without RNA has the same names, and no files"


def test_replicates_are_cultures_that_share_no_library() -> None:
    """L1: two samples of one library, one of another; the donor: two samples, one of them on two lanes."""
    cells = [
        ("A", "L1", "k1"),
        ("B", "L1", "k1"),
        ("C", "L1", None),
        ("P", None, None),
        ("P", None, None),
        ("Q", None, "k9"),
    ]
    rows: dict[str, tuple[Sample, ...]] = {}
    for name, lot, library in cells:
        row = Sample(sample_id=name, assay="rnaseq", lot_id=lot, donor_id=None if lot else "D", library_id=library)
        rows[name] = (*rows.get(name, ()), row)
    study = Study(
        donors={"D": Donor(donor_id="D", sex="F")}, lots={"L1": Lot(lot_id="L1", donor_id="D", passage=3)}, samples=rows
    )
    numbers = {"lot_samples": 3, "lot_cultures": 2, "donor_samples": 2, "donor_cultures": 2}
    assert rna_replicates(study, "L1") == numbers


def test_names_are_those_of_fields_and_the_wildcards_are_filled_in() -> None:
    named = LotFiles.inputs(FULL)
    assert named["alleles_events"] == "results/L1/alleles/events.parquet"
    assert named["rna_panel_comparison_table"] == "results/L1/rna/panel.parquet"
    assert named["earlier"] == ["a", "b"]
    assert not any("{" in str(files) for files in named.values())


@pytest.mark.parametrize("kind", [LotFiles, OverviewFiles, QualityFiles, BinFiles, AlleleFiles, PanelFiles])
def test_a_name_that_is_misspelled_left_out_or_too_many_is_an_error(kind: type[FileSet]) -> None:
    named = dict.fromkeys(kind.inputs(None), "f")
    last = list(named)[-1]
    with pytest.raises(ValueError, match=f"{kind.__name__}: no input {last}, an unknown input {last}x"):
        kind.given({f"{name}x" if name == last else name: path for name, path in named.items()})
    with pytest.raises(ValueError, match=f"{kind.__name__}: no input {last}$"):
        kind.given({name: path for name, path in named.items() if name != last})
    with pytest.raises(ValueError, match=f"{kind.__name__}: an unknown input more$"):
        kind.given(named | {"more": "f"})


def test_a_file_that_must_be_there_may_not_be_empty() -> None:
    with pytest.raises(ValueError, match="LotFiles: the input verdict is empty"):
        LotFiles.given(LotFiles.inputs(FULL) | {"verdict": []})
    with pytest.raises(ValueError, match="AlleleFiles: the input alleles_track is empty"):
        LotFiles.given(LotFiles.inputs(FULL) | {"alleles_track": []})


def test_a_set_among_other_inputs_is_there_or_states_its_absence() -> None:
    others = {"calls": "c", "noise": "n"}
    there, absent = (AlleleFiles.inputs(files, "alleles_") for files in (FULL.alleles, None))
    assert AlleleFiles.given_among(as_snakemake_gives(others | there), "alleles_") == FULL.alleles
    assert AlleleFiles.given_among(as_snakemake_gives(others | absent), "alleles_") is None
    for wrong in (others, others | ComparisonFiles.inputs(None, "alleles_")):
        with pytest.raises(ValueError, match="AlleleFiles: no input alleles_"):
            AlleleFiles.given_among(wrong, "alleles_")


def study(rna: int = 0, lots: int = 1) -> Study:
    """One donor and its lots with WGS reads, and `rna` RNA samples of each."""
    names = [f"L{number}" for number in range(1, lots + 1)]
    owners = [("D1", {"donor_id": "D1"}), *((name, {"lot_id": name}) for name in names)]
    rows = [Sample(sample_id=name, assay="wgs", alignment=f"{name}.bam", **who) for name, who in owners]
    rows += [
        Sample(sample_id=f"{name}r{n}", assay="rnaseq", counts="m.tsv", **who)
        for name, who in owners
        for n in range(rna)
    ]
    return Study(
        donors={"D1": Donor(donor_id="D1", sex="F")},
        lots={name: Lot(lot_id=name, donor_id="D1", passage=1) for name in names},
        samples={row.sample_id: (row,) for row in rows},
    )


def test_a_lot_has_what_was_configured_and_measured() -> None:
    bare = files.lot_files(study(), Config(reference=Reference(fasta="g.fa")), "L1")
    assert (bare.rna, bare.alleles, bare.variants) == (None, None, None) and bare.dna == files.DNA.at(lot="L1")
    assert bare.mitochondria == files.MITOCHONDRIA.at(lot="L1")
    assert files.lot_files(study(), Config(), "L1").mitochondria is None
    rich = Config(
        reference=Reference(fasta="g.fa", gtf="g.gtf"),
        identity=Identity(sites="s.vcf"),
        expression=Expression(panel="panel.json"),
    )
    full = files.lot_files(study(1), rich, "L1")
    assert full.alleles == files.LOT_ALLELES.at(lot="L1") and full.variants == files.VARIANTS.at(lot="L1")
    assert full.rna == files.RNA.at(lot="L1") and len(full.quality) == 4
    without = files.lot_files(study(1), rich.model_copy(update={"expression": Expression()}), "L1").rna
    assert without is not None and without.panel is None and without.arms is not None


def test_the_overview_compares_samples_from_three_of_two_lots_on() -> None:
    config = Config(reference=Reference(fasta="g.fa"))
    tables = ["components", "distances", "scores", "sets"]
    for found, there in ((study(2), False), (study(0, lots=2), False), (study(1, lots=2), True)):
        given = OverviewFiles.given(files.overview_inputs(found, config))
        assert given.reports[0] == "results/L1/report.json" and given.pairs is None
        assert given.study == (files.STUDY if there else None)
        targets = files.study_targets(found)
        assert [getattr(files.STUDY, name) in targets for name in tables] == [there] * 4
        assert (files.STUDY_DIFFERENTIAL in targets) == there, "of one lot its own table says the same"


def test_ready_bins_leave_no_use_for_a_genome() -> None:
    ready = BinFiles.given(files.bin_inputs(Reference(bins="b.tsv", fasta="g.fa", mappability="m.bedgraph")))
    assert ready.present().keys() == {"layout", "bins"}
    made = BinFiles.given(files.bin_inputs(Reference(fasta="g.fa", mappability="m.bedgraph")))
    assert made.present() == {"layout": made.layout, "fasta": files.FASTA, "mappability": "m.bedgraph"}


def test_a_count_matrix_is_verified_once_for_each_checksum_it_is_said_to_have() -> None:
    def rna(name: str, matrix: str, checksum: str | None = None) -> Sample:
        return Sample(sample_id=name, assay="rnaseq", donor_id="D1", counts=matrix, sha256_1=checksum)

    rows = [rna("a", "m.tsv"), rna("b", "m.tsv"), rna("c", "other.tsv"), rna("d", "m.tsv", "0" * 64)]
    shared = study().model_copy(update={"samples": {row.sample_id: (row,) for row in rows}})
    facts = [files.verified_units(shared, row.sample_id)[0].split("/")[2] for row in rows]
    assert facts == ["a", "a", "c", "d"]
