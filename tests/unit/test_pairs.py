"""What the overview says of the identity of every pair of samples: planted pairs in, sentences out."""

import time
from dataclasses import replace
from pathlib import Path

import planted_records
from karyolot.contracts.alleles import Pairs
from karyolot.contracts.results import OverviewFiles
from karyolot.contracts.settings import Config, Identity, Reference
from karyolot.contracts.sheets import Donor, Lot, Sample, Study
from karyolot.io.results import read_pairs
from karyolot.io.tables import write_table
from karyolot.plan import files
from karyolot.report.overview import overview_row
from karyolot.report.study_text import MOST, pair_findings
from planted_pairs import planted

SHEET = {"D1-wgs": "D1", "L1-wgs": "D1", "L3-wgs": "D1", "L3-rna": "D1", "D2-wgs": "D2", "L2-wgs": "D2", "D3-wgs": "D3"}


def test_what_is_as_the_sheets_say_takes_one_sentence() -> None:
    assert pair_findings(planted(SHEET)).summary == "All 21 sample pairs agree with the sample sheet."
    thin = pair_findings(planted(SHEET, untold={"D3-wgs"}))
    assert thin.summary == "All 15 sample pairs agree with the sample sheet; 6 are undetermined."
    assert (thin.findings, thin.more) == ((), "")
    nobody = pair_findings(planted(SHEET, untold=set(SHEET)))
    assert nobody.summary == "None of 21 sample pairs could be determined: too few reads at the sites."
    two = pair_findings(planted({"D1-wgs": "D1", "L1-wgs": "D1"}))
    assert two.summary == "The one sample pair agrees with the sample sheet."


def test_a_swapped_tube_is_one_finding_that_says_whose_it_is() -> None:
    found = pair_findings(planted(SHEET, truth={"L3-wgs": "D2"}))
    assert found.summary == "5 of 21 sample pairs contradict the sample sheet."
    assert found.findings == (
        "L3-wgs of D1 matches D2-wgs and L2-wgs (D2), and does not match D1-wgs, L1-wgs and L3-rna (D1).",
    )


def test_tubes_swapped_together_are_named_one_by_one_and_do_not_blame_each_other() -> None:
    found = pair_findings(planted(SHEET, truth={"L3-wgs": "D2", "L3-rna": "D2"}))
    assert found.findings == (
        "L3-wgs of D1 matches D2-wgs and L2-wgs (D2), and does not match D1-wgs and L1-wgs (D1).",
        "L3-rna of D1 matches D2-wgs and L2-wgs (D2), and does not match D1-wgs and L1-wgs (D1).",
    )


def test_a_lot_of_nobody_in_the_sheets_only_does_not_match() -> None:
    alone = pair_findings(planted({"D1-wgs": "D1", "L1-wgs": "D1"}, truth={"L1-wgs": "X"}))
    assert alone.summary == "1 of 1 sample pair contradicts the sample sheet."
    assert alone.findings == ("L1-wgs of D1 does not match D1-wgs (D1).",), "of the two, the lot is named"


def test_the_source_of_foreign_reads_is_named_with_its_share_in_either_direction() -> None:
    found = pair_findings(planted(SHEET, held={("L1-wgs", "L2-wgs"): 0.031, ("L2-wgs", "L1-wgs"): 0.0002}))
    assert found.summary == (
        "All 21 sample pairs agree with the sample sheet; 2 samples contain reads of another donor of the sample sheet."
    )
    assert found.findings == (
        "L1-wgs (donor D1) contains 3.1% reads from donor D2 (best match L2-wgs).",
        "L2-wgs (donor D2) contains below 0.1% reads from donor D1 (best match L1-wgs).",
    )


def test_what_is_beyond_a_page_is_counted() -> None:
    """All lots of one person: no finding is more than a few names, and none is lost."""
    sheet = {f"{letter}{n:02d}-wgs": f"P{n:02d}" for n in range(30) for letter in "PL"}
    found = pair_findings(
        planted(sheet, truth={f"L{n:02d}-wgs": "everyone" for n in range(30)}, held={("L01-wgs", "P07-wgs"): 0.1})
    )
    assert found.summary.startswith("465 of 1,770 sample pairs contradict the sample sheet; 1 sample contains")
    assert len(found.findings) == MOST
    assert found.findings[0] == (
        "L00-wgs of P00 matches L01-wgs (P01), L02-wgs (P02), L03-wgs (P03) and samples of 26 more donors,"
        " and does not match P00-wgs (P00)."
    )
    # 20 of 30 lots are told with all of their pairs: what is left are 10 lots among each other, and with their donors.
    assert found.more == "Not listed: 55 pairs and 1 source of foreign reads."


def test_the_overview_has_the_section_only_with_a_table() -> None:
    rows = [overview_row(make()) for make in planted_records.ALL.values()]
    without, told = (
        planted_records.overview(rows),
        planted_records.overview(rows, pairs=planted(SHEET, truth={"L3-wgs": "D2"})),
    )
    assert "Identity" not in without and "study/identity.tsv" not in without
    assert '<div class="body" id="identity">' in told and '<a href="study/identity.tsv">' in told
    assert "<li>L3-wgs of D1 matches D2-wgs and L2-wgs (D2), and does not match" in told
    assert (
        "<li>"
        not in planted_records.overview([], pairs=planted(SHEET)).split('id="identity"')[1].split("</details>")[0]
    )


def test_the_table_is_asked_for_when_a_panel_is_given_and_by_the_overview_alone(tmp_path: Path) -> None:
    given = Sample(sample_id="L1-wgs", lot_id="L1", assay="wgs", alignment="L1.bam")
    donor = Sample(sample_id="D1-wgs", donor_id="D1", assay="wgs", alignment="D1.bam")
    study = Study(
        donors={"D1": Donor(donor_id="D1", sex="F")},
        lots={"L1": Lot(lot_id="L1", donor_id="D1", passage=1)},
        samples={row.sample_id: (row,) for row in (donor, given)},
    )
    reference = Reference(fasta="genome.fa")
    with_panel = Config(reference=reference, identity=Identity(sites="sites.vcf"))
    found = OverviewFiles.given(files.overview_inputs(study, with_panel))
    assert found.pairs == "results/study/identity.parquet"
    without = OverviewFiles.given(files.overview_inputs(study, Config(reference=reference)))
    assert without.pairs is None
    assert "study" not in str(files.lot_files(study, with_panel, "L1"))
    write_table(planted(SHEET), tmp_path / "pairs.parquet", Pairs)
    read = read_pairs(replace(found, pairs=str(tmp_path / "pairs.parquet")))
    assert read is not None and read.equals(planted(SHEET))
    assert read_pairs(without) is None


def test_names_in_the_pairs_cannot_act() -> None:
    evil = "<script>document.title=1</script>"
    html = planted_records.overview([], pairs=planted({evil: "D1", "L1-wgs": "D1"}, truth={evil: "D2"}))
    assert evil not in html and "&lt;script&gt;document" in html


def test_three_hundred_lots_are_told_soon_and_shortly() -> None:
    """All pairs of 330 samples, 150 lots swapped: the section is 20 sentences, and not a second's work (it takes 0.1)."""
    sheet = {f"D{n:02d}": f"D{n:02d}" for n in range(30)} | {f"L{n:03d}": f"D{n // 10:02d}" for n in range(300)}
    pairs = planted(sheet, truth={f"L{n:03d}": f"D{(n // 10 + 1) % 30:02d}" for n in range(0, 300, 2)})
    start = time.process_time()
    html = planted_records.overview([], pairs=pairs)
    assert time.process_time() - start < 3
    assert len(html) - len(planted_records.overview([])) < 8_000


def test_the_report_of_a_swapped_lot_says_where_to_look_when_snps_were_compared() -> None:
    said = "All pairs of samples are compared under Identity in overview.html."
    swapped = planted_records.swapped()
    alleles = planted_records.alleles(swapped.copy_number, (), reason="identity by SNPs: MISMATCH")
    assert said in planted_records.html(planted_records.reworded(swapped, alleles=alleles))
    assert said not in planted_records.html(swapped)
    assert said not in planted_records.html(planted_records.reworded(planted_records.passing(), alleles=alleles))
