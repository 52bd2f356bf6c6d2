"""`karyolot references` from an address to a study that runs: against a server of this machine, with the tiny genome."""

import gzip
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

from faulty_server import Server, serving
from karyolot.commands import references
from karyolot.contracts.problems import Fault, KaryolotError
from karyolot.contracts.results import BinFiles
from karyolot.dna.bins import assemble_bins, sources_of
from karyolot.inputs.formats import layout, manifest
from karyolot.inputs.formats.bins import read as read_bins
from karyolot.inputs.reference import bin_sources
from karyolot.io.download import Terms
from karyolot.io.files import sha256
from karyolot.io.shipped import RESOURCES

SETTINGS = {
    "genome.fa.gz": "reference.fasta",
    "genes.gtf": "reference.gtf",
    "timing.bedgraph": "reference.replication_timing",
    "blacklist.bed": "reference.blacklist",
    "foreign.fa": "reference.foreign",
    "snps.vcf": "identity.sites",
}
BIN_BP = 100


@pytest.fixture(scope="module")
def site(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the files a server has, and of the layout of their genome."""
    folder = tmp_path_factory.mktemp("site")
    of = study / "reference"
    (folder / "genome.fa.gz").write_bytes(gzip.compress((of / "genome.fa").read_bytes(), mtime=0))
    for name, target in (
        ("genes.gtf", "genes.gtf"),
        ("replication_timing.bedgraph", "timing.bedgraph"),
        ("snps.vcf", "snps.vcf"),
    ):
        shutil.copy(of / name, folder / target)
    (folder / "foreign.fa").write_text(f">own_virus\n{'ACGTTGCA' * 40}\n", encoding="utf-8")
    (folder / "blacklist.bed").write_text("chr1\t1000\t1450\n", encoding="utf-8")
    shutil.copytree(of, folder / "genomes")
    (folder / "genomes" / "genome.yaml").rename(folder / "genomes" / "GRCh38.yaml")
    return folder


@pytest.fixture
def server(site: Path) -> Iterator[Server]:
    with serving() as running:
        running.files = {name: (site / name).read_bytes() for name in SETTINGS}
        yield running


Place = Callable[..., references.Order]


@pytest.fixture
def place(server: Server, site: Path, tmp_path: Path) -> Place:
    """The order of all files; `without`: those whose checksum the manifest does not know."""

    def listed(*without: str) -> references.Order:
        rows = []
        for name, setting in SETTINGS.items():
            known = "" if name in without else f"sha256:{sha256(site / name)}"
            rows.append(manifest.Source("GRCh38", name, setting, f"{server.root}/{name}", known, None, "made here"))
        table = tmp_path / "site" / "list.tsv"
        shutil.copytree(site / "genomes", table.parent / "genomes", dirs_exist_ok=True)
        table.write_text(manifest.written(rows), encoding="utf-8")
        return references.order("GRCh38", tmp_path / "refs", table)

    return listed


def fetched(wanted: references.Order) -> list[manifest.Source]:
    return references.fetch(wanted, lambda _: None, Terms(timeout=5, wait=lambda _: None))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_sizes_are_stated_before_anything_is_fetched(place: Place, server: Server, tmp_path: Path) -> None:
    shown = str(place("genes.gtf"))
    assert "NO CHECKSUM" in shown and shown.count("sha256") == 5 and "to fetch: " in shown
    assert f"{len(server.files['genome.fa.gz']) / 1e6:.1f} MB" in shown
    assert not server.asked and not (tmp_path / "refs").exists()
    server.sized = False
    assert "and 6 of unknown size" in str(place())


def test_files_are_fetched_once_prepared_and_recorded(place: Place, server: Server, site: Path, tmp_path: Path) -> None:
    done = fetched(place("genes.gtf", "genome.fa.gz"))
    folder = tmp_path / "refs"
    assert names(folder) == {*SETTINGS, "genome.fa.gz.fai", "genome.fa.gz.gzi", references.MANIFEST}
    text = gzip.decompress((folder / "genome.fa.gz").read_bytes())
    assert (
        text == gzip.decompress((site / "genome.fa.gz").read_bytes()) and text != (site / "genome.fa.gz").read_bytes()
    )
    assert {source.file: source.checksum for source in done} == {
        name: f"sha256:{sha256(site / name)}" for name in SETTINGS
    }
    assert list(manifest.records(folder / references.MANIFEST)) == done
    server.asked.clear()
    again = references.order("GRCh38", folder)
    assert again.manifest == folder / references.MANIFEST and again.present == set(SETTINGS)
    assert fetched(again) == done and not server.asked
    given = place("genes.gtf", "genome.fa.gz")
    assert fetched(given) == done and "NO CHECKSUM" not in str(given), (
        "what the first call recorded of a table without checksums"
    )


def test_a_site_accepts_only_what_it_recorded(place: Place, server: Server, tmp_path: Path) -> None:
    fetched(place("genes.gtf"))
    folder = tmp_path / "refs"
    (folder / "genes.gtf").unlink()
    server.files["genes.gtf"] += b"# another release\n"
    with pytest.raises(KaryolotError, match=r"genes\.gtf: sha256 is .*; the file was discarded"):
        fetched(references.order("GRCh38", folder))
    assert "genes.gtf" not in names(folder)
    with pytest.raises(KaryolotError, match=r"genes\.gtf: sha256 is .*; the file was discarded"):
        fetched(place("genes.gtf"))


def test_a_table_of_another_release_does_not_take_the_file_that_is_there(
    place: Place, site: Path, tmp_path: Path
) -> None:
    table = place().manifest
    fetched(place())
    text = table.read_text(encoding="utf-8")
    table.write_text(text.replace(sha256(site / "genes.gtf"), "0" * 64), encoding="utf-8")
    with pytest.raises(KaryolotError, match=r"genes\.gtf was fetched with sha256:\w+, and .*list\.tsv lists sha256:0"):
        references.order("GRCh38", tmp_path / "refs", table)
    (tmp_path / "refs" / "genes.gtf").unlink()
    assert "genes.gtf" not in references.order("GRCh38", tmp_path / "refs", table).present


def test_a_changed_or_strange_file_is_never_used_or_written_over(place: Place, tmp_path: Path) -> None:
    fetched(place())
    genes = tmp_path / "refs" / "genes.gtf"
    genes.write_text("# edited\n", encoding="utf-8")
    with pytest.raises(KaryolotError, match="was changed since it was fetched; move it away"):
        place()
    (tmp_path / "refs" / references.MANIFEST).unlink()
    with pytest.raises(KaryolotError, match=r"exists, and .* does not list it; move it away"):
        place()
    assert genes.read_text(encoding="utf-8") == "# edited\n"


def test_a_cut_download_is_resumed_by_the_next_call(place: Place, server: Server, tmp_path: Path) -> None:
    wanted = place()
    half = len(server.files["genome.fa.gz"]) // 2
    server.drop, server.ranges = half, False
    with pytest.raises(KaryolotError, match="run the same command again to resume"):
        fetched(wanted)
    assert (tmp_path / "refs" / "genome.fa.gz.download.part").stat().st_size == half
    server.drop, server.ranges = 1 << 40, True
    fetched(place())
    assert f"bytes={half}-" in server.asked


@pytest.mark.parametrize(
    ("file", "body", "said"),
    [
        ("genome.fa.gz", b"<html>log in</html>", "does not start with >"),
        ("genome.fa.gz", gzip.compress(b">chr1\nACGT\n", mtime=0), r"contigs of the layout .* are not in it"),
        ("genes.gtf", b"<html>log in</html>", "GTF"),
        ("timing.bedgraph", b"NC_1\t0\t100\t0.5\n", "none of its contigs"),
        ("snps.vcf", b"<html>log in</html>", "is neither VCF"),
        ("foreign.fa", b">X02763.1\nACGTACGTACGT\n", "has 12 bases, and the record 3,221"),
    ],
)
def test_what_is_not_the_file_is_discarded(
    place: Place, server: Server, tmp_path: Path, file: str, body: bytes, said: str
) -> None:
    """Without a checksum, a page that asks for a login must not become a reference."""
    server.files[file] = body
    with pytest.raises(KaryolotError, match=f"what it holds does not fit {SETTINGS[file]} and was discarded.*{said}"):
        fetched(place(file))
    left = names(tmp_path / "refs") - {references.MANIFEST}
    assert not [name for name in left if name.startswith(file)]


def test_a_disk_that_is_too_small_is_reported_before_the_first_byte(place: Place, server: Server) -> None:
    wanted = place()
    huge = replace(wanted, bytes={**wanted.bytes, "genome.fa.gz": 1 << 60})
    with pytest.raises(KaryolotError, match=r"are free, and .* are needed; name another folder"):
        fetched(huge)
    assert not server.asked


def test_an_address_that_is_gone(place: Place, server: Server) -> None:
    wanted = place()
    server.answers = [404]
    with pytest.raises(KaryolotError, match="the server answers 404"):
        fetched(wanted)


def test_written_bins_are_the_bins_of_genome_and_tracks(place: Place, tmp_path: Path) -> None:
    """Exactly: a study that names the table has the results of one that names genome and tracks."""
    wanted = place()
    table = references.bins_of(fetched(wanted), wanted, BIN_BP)
    folder = tmp_path / "refs"
    files = BinFiles(
        layout=str(wanted.layout),
        fasta=str(folder / "genome.fa.gz"),
        replication_timing=str(folder / "timing.bedgraph"),
        blacklist=str(folder / "blacklist.bed"),
    )
    direct = assemble_bins(sources_of(bin_sources(files.present(), BIN_BP)), BIN_BP)
    ready = BinFiles(layout=str(wanted.layout), bins=str(table))
    pd.testing.assert_frame_equal(
        assemble_bins(sources_of(bin_sources(ready.present(), BIN_BP)), BIN_BP), direct, check_exact=True
    )
    assert direct["gap"].between(0.01, 0.99).any() and direct["replication_timing"].notna().any()
    assert "mappability" not in read_bins(table), "a track that was not given is not a column"
    assert sha256(folder / "genome.fa.gz") in gzip.decompress(table.read_bytes()).decode()


def test_the_settings_are_written_into_a_study(place: Place, tmp_path: Path) -> None:
    wanted = place()
    done = fetched(wanted)
    sections = references.settings_of(done, wanted, references.bins_of(done, wanted, BIN_BP), BIN_BP)
    config = tmp_path / "study" / "config" / "config.yaml"
    config.parent.mkdir(parents=True)
    shutil.copy(RESOURCES.parent / "config" / "config.yaml", config)
    with config.open("a", encoding="utf-8") as out:
        out.write("notice: Validation.\nidentity: {min_depth: 12}\n# end\n")
    references.write_settings(tmp_path / "study", sections)
    written = yaml.safe_load(config.read_text(encoding="utf-8"))
    assert written["reference"] == sections["reference"] and written["notice"] == "Validation."
    assert written["identity"] == {"min_depth": 12, "sites": str(tmp_path / "refs" / "snps.vcf")}
    assert config.read_text(encoding="utf-8").rstrip().endswith("# end\n\ncounting:\n  bin_bp: 100")
    references.write_settings(tmp_path / "study", sections)
    for clash in ("reference: {fasta: other.fa}\n", "reference:\n  mappability: track.wig\n"):
        config.write_text(clash, encoding="utf-8")
        with pytest.raises(KaryolotError, match="already; delete it, or copy the settings by hand"):
            references.write_settings(tmp_path / "study", sections)
        assert config.read_text(encoding="utf-8") == clash


def test_the_command_fetches_writes_and_the_study_passes_the_check(place: Place, study: Path, tmp_path: Path) -> None:
    table = place("genes.gtf").manifest
    copy = tmp_path / "copy"
    shutil.copytree(study, copy)
    config = yaml.safe_load((copy / "config" / "config.yaml").read_text(encoding="utf-8"))
    for section in ("reference", "identity", "counting"):
        config[section] = {}
    (copy / "config" / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "karyolot", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    options = ("--out", "refs", "--study", "copy", "--manifest", str(table), "--bin-bp", "1000")
    done = run("references", "GRCh38", *options)
    assert done.returncode == 0, done.stderr
    assert "NO CHECKSUM WAS KNOWN" in done.stderr and "genes.gtf" in done.stderr.split("!!!")[-1]
    checked = run("check", "--directory", "copy")
    assert checked.returncode == 0, checked.stderr


def test_a_site_writes_its_bins_once(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "bins.tsv.gz"
    assert references.bins_of_study(study, out) == BIN_BP
    assert set(read_bins(out)) == {"chrom", "start", "end", "gc", "gap", "replication_timing"}
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text("notice: x\n", encoding="utf-8")
    with pytest.raises(KaryolotError, match=r"reference\.fasta is not given"):
        references.bins_of_study(tmp_path, out)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("file", "../x"),
        ("file", ".x"),
        ("setting", "acceptance"),
        ("address", "ftp://x/y"),
        ("checksum", "md5:12"),
        ("bytes", "1 GB"),
    ],
)
def test_a_manifest_is_refused_with_its_line(tmp_path: Path, column: str, value: str) -> None:
    good = manifest.Source("g", "a.fa", "reference.fasta", "https://x/y", "", 5, "s")
    table = tmp_path / "m.tsv"
    table.write_text(manifest.written([good]), encoding="utf-8")
    assert list(manifest.records(table)) == [good]
    row = ("g", "a.fa", "reference.fasta", "https://x/y", "", "5", "s", "")
    cells = dict(zip((*manifest.COLUMNS, "prepared"), row, strict=True))
    cells[column] = value
    table.write_text("\t".join(cells) + "\n" + "\t".join(cells.values()) + "\n", encoding="utf-8")
    with pytest.raises(Fault, match=f"column {column}") as fault:
        list(manifest.records(table))
    assert fault.value.line == 2
    table.write_text(manifest.written([good, good]), encoding="utf-8")
    with pytest.raises(Fault, match="twice"):
        list(manifest.records(table))


def test_the_shipped_manifest_and_its_layouts_fit() -> None:
    sources = list(manifest.records(RESOURCES / references.MANIFEST))
    assert {source.genome for source in sources} == {"GRCh38", "T2T-CHM13"}
    for genome in ("GRCh38", "T2T-CHM13"):
        facts = layout.look(RESOURCES / "genomes" / f"{genome}.yaml")
        assert len(facts.layout.autosomes) == 22 and len(facts.ends) == 24
        for region in (*facts.layout.x_par, *facts.layout.y_par):
            assert region.end <= facts.ends[region.chrom.removeprefix("chr")]
    with pytest.raises(KaryolotError, match=r"lists no genome 'GRCh37'; it has GRCh38, T2T-CHM13\. Give a table"):
        references.order("GRCh37", Path("nowhere"))
