"""Planted foreign reads: found at the printed limit, never by reads at one place or of low complexity, and where they join."""

import gzip
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest

from karyolot.contracts.criteria import check_metrics
from karyolot.contracts.foreign import ForeignResults, Hits, PanelSequence, Searched
from karyolot.contracts.metrics import MetricName, metrics_of
from karyolot.contracts.mitochondria import NuclearReads
from karyolot.contracts.problems import Fault, KaryolotError
from karyolot.contracts.record_extranuclear import ForeignRecord
from karyolot.contracts.results import ForeignFiles
from karyolot.contracts.settings import Config, Expression, Reference
from karyolot.contracts.sheets import Donor, Lot, Sample, Study
from karyolot.dna.foreign import expected_fragments, foreign_metrics, search
from karyolot.inputs.formats import foreign_panel
from karyolot.io.foreign import dust, read_searched
from karyolot.io.results import read_found, write_found
from karyolot.plan import foreign as plan
from karyolot.plan.commands import salmon_options
from karyolot.plan.files import trimmed_reads
from karyolot.plan.params import only_if
from karyolot.report.record import foreign_record
from karyolot.report.text.extranuclear import NOT_A_TEST
from karyolot.report.text.extranuclear import foreign as sentences

VIRUS = "".join(np.random.default_rng(1).choice(list("ACGT"), 3200))
PANEL = [
    PanelSequence("A.1", "HBV", "virus", VIRUS.encode()),
    PanelSequence("C.1", "phiX174", "control", VIRUS[::-1].encode()),
]
DEPTH = 0.1
"""Fragments per autosomal base: 30x."""


def hits(start: list[int], name: str = "A.1", host: list[tuple[str, int, bool]] | None = None) -> Hits:
    """A fragment for each start."""
    number = len(start)
    at = host or [("", 0, False)] * number
    begin = np.array(start, dtype=np.int64)
    return Hits(
        np.arange(number), np.array([name] * number, dtype=np.str_), begin, begin + 100, np.zeros(number, dtype=bool),
        np.array([each[0] for each in at], dtype=np.str_), np.array([each[1] for each in at], dtype=np.int64),
        np.array([each[2] for each in at], dtype=bool),
    )  # fmt: skip


def results(lot: Hits, donor: Hits | None = None, duplicates: float = 0.0, rna: Hits | None = None) -> ForeignResults:
    samples = [Searched("lot", "DNA", lot, DEPTH, duplicates), Searched("donor", "DNA", donor or hits([]), DEPTH, 0.0)]
    samples += [Searched("lot", "RNA", rna, None, None)] if rna is not None else []
    return search(samples, PANEL, ["HCV"])


def row(found: ForeignResults, group: str = "HBV", role: str = "lot", assay: str = "DNA") -> dict[str, object]:
    table = found.sequences
    (one,) = table[(table["group"] == group) & (table["role"] == role) & (table["assay"] == assay)].to_dict("records")
    return one


def of_many(lots: list[Hits]) -> pd.DataFrame:
    """Rows of the virus in the DNA of each lot, in one search."""
    table = search([Searched("lot", "DNA", lot, DEPTH, 0.0) for lot in lots], PANEL, []).sequences
    return table[table["group"] == "HBV"]


def test_the_printed_limit_is_found_with_95_percent_power() -> None:
    """Of 500 lots at the limit, 460 to 490 but for 1 in 300 runs."""
    rng, length = np.random.default_rng(2), len(VIRUS)
    limit = float(str(row(results(hits([])))["lod"]))
    assert limit == pytest.approx(expected_fragments() / (length * DEPTH / 2))
    each = limit * length * DEPTH / 2
    lots = [hits(rng.integers(0, length, rng.poisson(each)).tolist()) for _ in range(500)]
    assert 460 <= of_many(lots)["finding"].eq("found").sum() <= 490


@pytest.mark.parametrize("copies", [0.1, 1.0, 10.0])
def test_copies_lie_in_their_interval(copies: float) -> None:
    """Of 100 intervals of 95 %, fewer than 88 in 1 of 300 runs."""
    rng = np.random.default_rng(3)
    numbers = rng.poisson(copies * len(VIRUS) * DEPTH / 2, 100)
    found = of_many([hits(rng.integers(0, len(VIRUS), number).tolist()) for number in numbers])
    assert found["copies_low"].le(copies).mul(found["copies_high"].ge(copies)).sum() >= 88
    twice = row(results(hits(rng.integers(0, len(VIRUS), 200).tolist()), duplicates=0.5))
    assert twice["copies"] == pytest.approx(100 / (len(VIRUS) * DEPTH / 2))


@pytest.mark.parametrize(
    ("starts", "finding"),
    [
        ([], "none"),
        ([100] * 500, "trace"),  # one start
        (list(range(300)), "trace"),  # one place
        ([100, 900], "trace"),  # two fragments
        ([100, 900, 1700], "found"),
        ([*range(90), *range(400, 490), *range(800, 890)], "trace"),  # 270 fragments would reach all ten parts
    ],
)
def test_fragments_must_spread_over_the_sequence(starts: list[int], finding: str) -> None:
    assert row(results(hits(starts)))["finding"] == finding


def test_the_control_and_the_donor_are_not_counted_as_found_in_the_lot() -> None:
    spread = [100, 900, 1700, 2500]
    metrics = check_metrics(foreign_metrics(results(hits(spread, "C.1"), hits(spread))))
    assert metrics.keys() == metrics_of("foreign")
    assert metrics[MetricName.FOREIGN_FOUND].value == 0 and "HCV" in metrics[MetricName.FOREIGN_FOUND].detail
    rna = foreign_metrics(results(hits([]), rna=hits(spread)))[MetricName.FOREIGN_FOUND]
    assert rna.value == 1 and "4 fragments (RNA)" in rna.detail and rna.about == ("HBV",)


def test_a_junction_is_a_candidate_when_two_fragments_show_it_and_one_is_split() -> None:
    at = [
        ("chr5", 1_295_000, True),
        ("chr5", 1_294_700, False),
        ("chr8", 9_000, False),
        ("chr8", 9_100, False),
        ("chr9", 7, True),
    ]
    table = results(hits([0, 800, 1600, 2400, 3000], host=at)).integrations
    (one,) = table.to_dict("records")
    assert (one["chrom"], one["start"], one["end"], one["fragments"], one["split"]) == (
        "chr5",
        1_295_000,
        1_295_001,
        2,
        1,
    )


def test_three_mates_of_different_starts_are_a_candidate_without_a_split_read() -> None:
    """Reads of 50 bases are too short to be split between virus and host."""
    at = [("chr5", 1_294_700, False), ("chr5", 1_294_800, False), ("chr5", 1_295_100, False)]
    at += [("chr8", 9_000, False)] * 3  # copies of one fragment
    found = results(hits([0, 800, 1600, 2400, 3000, 3100], host=at))
    (one,) = found.integrations.to_dict("records")
    assert (one["chrom"], one["start"], one["end"], one["fragments"], one["split"]) == (
        "chr5",
        1_294_700,
        1_295_101,
        3,
        0,
    )
    assert "HBV near chr5:1,294,701 (lot, 3 fragments, by mates alone)" in " ".join(sentences(found))


def test_sentences_name_what_was_found_and_what_was_not_searched() -> None:
    at = [("chr5", 1_295_000, True)] * 2 + [("", 0, False)] * 2
    found = results(hits([100, 900, 1700, 2500], host=at))
    said = " ".join(sentences(found))
    for words in ("Found in the lot: HBV", "None of 1 foreign sequence was found in the donor", "HBV at chr5:1,295,001",
                  "the panel lacks them: HCV", "RNA was not searched", NOT_A_TEST):  # fmt: skip
        assert words in said, words
    record = foreign_record(found)
    assert ForeignRecord.model_validate_json(record.model_dump_json()) == record
    assert "chance" in " ".join(sentences(results(hits([5] * 9))))


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    found = results(hits([1, 2]), rna=hits([]))
    files = ForeignFiles(
        sequences=str(tmp_path / "a.parquet"), integrations=str(tmp_path / "b.parquet"), facts=str(tmp_path / "c.json")
    )
    write_found(found, files.named())
    again = read_found(ForeignResults, files)
    assert again is not None and again.facts == found.facts and read_found(ForeignResults, None) is None
    pd.testing.assert_frame_equal(again.sequences, found.sequences)


# Reads


def test_low_complexity_is_told_from_other_bases() -> None:
    rng = np.random.default_rng(5)
    others = [
        "".join(rng.choice(list("ACGT"), 60, p=p)) for p in ([0.25] * 4, [0.35, 0.15, 0.15, 0.35]) for _ in range(50)
    ]
    assert max(dust(bases.encode()) for bases in others) < 2.0
    repeats = ("A", "AT", "CAG", "TTAGGG", "GATA")
    assert min(dust((unit * 60)[:60].encode()) for unit in repeats) > 2.0


COMPLEMENT = str.maketrans("ACGT", "TGCA")
HOST = "".join(np.random.default_rng(6).choice(list("ACGT"), 30_000))


def pairs(sequence: str, number: int, rng: np.random.Generator, name: str) -> list[tuple[str, str, str]]:
    length = np.clip(rng.normal(300, 40, number).astype(int), 120, 500)
    made = []
    for size in length.tolist():
        at = int(rng.integers(0, len(sequence) - size + 1))
        whole = sequence[at : at + size]
        whole = whole.translate(COMPLEMENT)[::-1] if rng.random() < 0.5 else whole
        made.append((f"{name}{len(made)}", whole[:100], whole[-100:].translate(COMPLEMENT)[::-1]))
    return made


def fastq(fragments: list[tuple[str, str, str]]) -> str:
    return "".join(f"@{name}\n{read}\n+\n{'I' * 100}\n" for name, *mates in fragments for read in mates)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> list[Searched]:
    """A lot with free and integrated virus, of which one base in twenty differs from the panel's; repeats; a clean donor."""
    folder = tmp_path_factory.mktemp("foreign")
    fasta = folder / "genome.fa"
    fasta.write_text(f">chr1\n{HOST}\n")
    pysam.faidx(str(fasta))
    subprocess.run(["bwa", "index", str(fasta)], check=True, capture_output=True)
    rng = np.random.default_rng(7)
    strain = list(VIRUS)
    for at in range(10, len(strain), 20):
        strain[at] = strain[at].translate(COMPLEMENT)
    joined = HOST[14_000:15_000] + "".join(strain[1000:2500]) + HOST[15_000:16_000]
    repeats = [
        (f"repeat{n}", (unit * 100)[:100], (unit * 100)[:100]) for n, unit in enumerate(("TTAGGG", "AT", "A", "CAG"))
    ]
    lot = (
        pairs(HOST, 1500, rng, "host")
        + pairs("".join(strain), 40, rng, "free")
        + pairs(joined, 80, rng, "joined")
        + repeats
    )
    panel = folder / "panel.fa"
    low = "TTAGGG" * 200 + "AT" * 200 + "A" * 300 + "CAG" * 200
    panel.write_text(f">A.1 virus\n{VIRUS}\n>B.1\n{low}{VIRUS[::-1]}\n")
    commands = []
    for name, reads in (("lot", lot), ("donor", pairs(HOST, 1500, rng, "host"))):
        (folder / f"{name}.fq").write_text(fastq(reads))
        with (folder / f"{name}.sam").open("w") as sam:
            subprocess.run(
                ["bwa", "mem", "-p", str(fasta), str(folder / f"{name}.fq")], stdout=sam, stderr=-3, check=True
            )
        pysam.sort(
            "-O", "cram", "--reference", str(fasta), "-o", str(folder / f"{name}.cram"), str(folder / f"{name}.sam")
        )
        source = plan._dna(f"{name}.DNA", name).replace(plan.FASTA, str(fasta))
        source = source.replace(plan.ALIGNED["dna"].format(sample=name), str(folder / f"{name}.cram"))
        commands.append(f"{source} | {plan.MAP.format(panel=panel)}")
    out = folder / "hits.paf"
    whole = f"set -euo pipefail; {{ {' && '.join(commands)}; }} > {out} && echo '# end' >> {out}"
    subprocess.run(["bash", "-c", whole], check=True, capture_output=True)
    held = [PanelSequence(*each) for each in foreign_panel.read(panel)]
    nuclear = dict.fromkeys(("lot", "donor"), NuclearReads(1500 / len(HOST), 0, 3000))
    roles = [{"role": role, "assay": "DNA"} for role in ("lot", "donor")]
    found = read_searched(out, held, roles, nuclear)
    out.write_text(out.read_text().replace("# end", ""))
    with pytest.raises(KaryolotError, match="truncated"):
        read_searched(out, held, roles, nuclear)
    return found


def test_a_strain_of_the_virus_is_found_and_repeats_are_not(searched: list[Searched]) -> None:
    held = [
        PanelSequence("A.1", "HBV", "virus", VIRUS.encode()),
        PanelSequence("B.1", "B", "other", VIRUS.encode() * 2),
    ]
    table = search(searched, held, []).sequences.set_index(["role", "group"])
    assert table["finding"].to_dict() == {
        ("lot", "HBV"): "found", ("lot", "B"): "none", ("donor", "HBV"): "none", ("donor", "B"): "none",
    }  # fmt: skip
    found = table.loc[("lot", "HBV")]
    assert found["breadth"] > 0.8
    # 40 fragments of the free virus, and of the joined piece 1,500 of 3,500 bases.
    expected = (40 + 80 * 1500 / 3500) / (len(VIRUS) * 0.05 / 2)
    assert found["copies_low"] < expected < found["copies_high"]


def test_the_locus_where_the_virus_joins_the_host_is_named(searched: list[Searched]) -> None:
    held = [PanelSequence("A.1", "HBV", "virus", VIRUS.encode())]
    (one,) = search(searched, held, []).integrations.to_dict("records")
    assert one["role"] == "lot" and one["chrom"] == "chr1" and one["fragments"] > one["split"] > 0
    assert one["start"] - 5 <= 15_000 <= one["end"] + 5


# Panel and plan


def panel_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "panel.fa"
    path.write_text(text)
    return path


def test_the_list_names_each_accession_once_with_what_it_is() -> None:
    known = foreign_panel.known()
    assert len({row["accession"] for row in known.values()}) == len(known) and all(
        row["source"] for row in known.values()
    )
    assert {row["kind"] for row in known.values()} == {"virus", "mycoplasma", "animal", "control"}
    assert sum(row["kind"] == "mycoplasma" for row in known.values()) == 7
    assert sum(row["group"] == "HBV" for row in known.values()) == 8


def test_a_panel_is_held_against_the_list(tmp_path: Path) -> None:
    control = "ACGT" * 1346 + "AC"
    facts = foreign_panel.look(panel_file(tmp_path, f">NC_001422.1 phiX\n{control}\n>own\nACGTT\n"))
    assert facts.names == ("NC_001422.1", "own")
    codes = [note.code for note in facts.notes]
    assert codes == ["W28", "W05"] and "'own'" in facts.notes[0].message and "HBV" in facts.notes[1].message
    held = foreign_panel.read(tmp_path / "panel.fa")
    assert [(name, group, kind, len(bases)) for name, group, kind, bases in held] == [
        ("NC_001422.1", "phiX174", "control", 5386), ("own", "own", "other", 5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (">NC_001422.1\nACGT\n", "E28", "has 4 bases, and the record 5,386"),
        (f">X02763.1\n{'ACGTT' * 644}A\n", "E05", "are not those of the record"),
        (">a\nACGT\n>a\nACGT\n", "E28", "occurs twice"),
        ("<html>\n", "E28", "not FASTA"),
    ],
)
def test_a_panel_that_is_not_what_it_says_is_refused(tmp_path: Path, text: str, code: str, words: str) -> None:
    with pytest.raises(Fault, match=words) as fault:
        foreign_panel.look(panel_file(tmp_path, text))
    assert fault.value.code == code


def study(rna: bool = True) -> Study:
    rows = [
        Sample(sample_id="D1", donor_id="D1", assay="wgs", alignment="D1.bam"),
        Sample(sample_id="L1", lot_id="L1", assay="wgs", alignment="L1.bam"),
    ]
    if rna:
        rows += [Sample(sample_id="L1r", lot_id="L1", assay="rnaseq", lane="L1", fastq_1="a.fq.gz", fastq_2="b.fq.gz")]
        rows += [Sample(sample_id="D1r", donor_id="D1", assay="rnaseq", counts="m.tsv")]
    return Study(
        donors={"D1": Donor(donor_id="D1", sex="F")},
        lots={"L1": Lot(lot_id="L1", donor_id="D1", passage=1)},
        samples={one.sample_id: (one,) for one in rows},
    )


def test_rna_is_searched_where_it_came_as_reads() -> None:
    settings = Config(reference=Reference(fasta="g.fa", foreign="f.fa"))
    assert [f"{s['role']}.{s['assay']}" for s in plan.samples_of(study(), "L1")] == ["lot.DNA", "donor.DNA", "lot.RNA"]
    assert "lot.RNA" in plan.command(study(), settings, "L1") and "RNA" not in plan.command(
        study(False), settings, "L1"
    )
    assert len(plan.reads(study(), "L1")["rna"]) == 1 and not plan.reads(study(False), "L1")["rna"]
    assert "--writeUnmappedNames" in salmon_options(Expression(), unmapped=True)
    assert only_if(None, unmapped=plan.UNMAPPED) == {} and only_if("f.fa", unmapped=1) == {"unmapped": 1}
    assert plan.keep_unmapped(Reference(), study(), "L1r", None) == "true"


def test_only_reads_of_rna_that_salmon_could_not_map_are_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (own,) = plan.reads(study(), "L1")["rna"]
    for mate in (1, 2):
        trimmed = Path(trimmed_reads("L1r", mate))
        trimmed.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(trimmed, "wt") as handle:
            handle.write("".join(f"@{name}/{mate} 1:N:0\nACGT\n+\nIIII\n" for name in ("a", "b", "c")))
    folder = tmp_path / "quant.part" / "aux_info"
    folder.mkdir(parents=True)
    output = type("Output", (), {"unmapped": own, "quant": str(tmp_path / "quant")})
    keep = plan.keep_unmapped(Reference(foreign="f.fa"), study(), "L1r", output)
    for listed, names in (("", ""), ("a u\nb m1\nc/1 u\n", "ac")):
        (folder / "unmapped_names.txt").write_text(listed)
        for command in (keep, plan._rna("lot.RNA", "L1r")):
            said = subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True).stdout
        reads = [f"@lot.RNA,{name},{mate},*,0,*\nACGT\n+\nIIII\n" for mate in (1, 2) for name in names]
        assert said == "".join(reads)


def test_the_documented_command_fetches_the_list(root: Path) -> None:
    accessions = ",".join(row["accession"] for row in foreign_panel.known().values())
    assert f"&id={accessions}" in (root / "config" / "README.md").read_text()
