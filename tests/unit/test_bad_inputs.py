"""Bad inputs, one per row: what is wrong, where it is told, in which words, and that nothing is left behind.

Rows of CHECKED are found before any job: `karyolot check` ends with exit code 2. Rows of READ pass as far as the check
looks, and stop the rule that reads them with exit code 1. `test_check.py` has more of the first kind.
"""

import gzip
import io
import json
import re
import runpy
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pandas as pd
import pysam
import pytest
import yaml

from karyolot.commands import cli
from karyolot.contracts.copy_number import Bins
from karyolot.contracts.results import BinFiles
from karyolot.inputs import stream
from karyolot.io.tables import write_table
from karyolot.plan import params as runtime
from karyolot.plan.provenance import code_digest
from planted_inputs import BIN, CONTIGS, GENES, Inputs, bam, counts, matrix, reads, wig

Break = Callable[[Inputs], Any]
DONORS, LOTS, SAMPLES, CONFIG = "config/donors.tsv", "config/lots.tsv", "config/samples.tsv", "config/config.yaml"
READS = reads(2, 1)
ZIPPED = gzip.compress(READS, mtime=0)
CANARY = "$(touch canary)"
LOT_ROWS = "lot_id\tdonor_id\tpassage\nL1\tD1\t4\nL2\tD2\t5\nL3\tD1\t8\n"
TAG = "name: !!python/object/apply:os.system ['touch canary']\n"


def flipped(data: bytes, place: int) -> bytes:
    """`data` with one byte changed; place counts from the end when negative."""
    damaged = bytearray(data)
    damaged[place] ^= 0x55
    return bytes(damaged)


def put(name: str, content: str | bytes) -> Break:
    return lambda inputs: inputs.put(name, content)


def fastq(content: bytes) -> Break:
    return put("reads/c_1.fq.gz", content)


def sheet(name: str, content: str | bytes) -> Break:
    def breaking(inputs: Inputs) -> None:
        inputs.sheets.add(name)
        inputs.put(f"config/{name}.tsv", content)

    return breaking


def lot(row: int, column: str, value: str) -> Break:
    return lambda inputs: inputs.lots[row].update({column: value})


def path(value: str) -> Break:
    return lambda inputs: inputs.sample(4).update(fastq_1=value)


def setting(section: str, **values: Any) -> Break:
    return lambda inputs: inputs.config.setdefault(section, {}).update(values)


def config(text: str | bytes) -> Break:
    return lambda inputs: setattr(inputs, "raw", text if isinstance(text, bytes) else text.encode())


def sites(content: str | bytes) -> Break:
    def breaking(inputs: Inputs) -> None:
        inputs.put("reference/sites.vcf", content)
        inputs.config["identity"] = {"sites": "reference/sites.vcf"}

    return breaking


def linked(target: str) -> Break:
    def breaking(inputs: Inputs) -> None:
        (inputs.folder / "reads/link.fq.gz").symlink_to(target)
        inputs.sample(4)["fastq_1"] = "reads/link.fq.gz"

    return breaking


def unaligned(inputs: Inputs) -> None:
    with pysam.AlignmentFile(str(inputs.folder / "dna/L3.bam"), "wb", header={"HD": {"VN": "1.6"}}):
        pass


def cram_of_another_genome(inputs: Inputs) -> None:
    inputs.put("other.fa", ">chr7\n" + "ACGTN" * 1000 + "\n")
    bam(inputs.folder / "other.bam", {"chr7": 5000})
    other, cram = (str(inputs.folder / name) for name in ("other.fa", "dna/L3.cram"))
    pysam.view("-C", "-T", other, "-o", cram, str(inputs.folder / "other.bam"), catch_stdout=False)
    inputs.sample(5)["alignment"] = "dna/L3.cram"


def cram_without_its_genome(inputs: Inputs) -> None:
    cram, fasta, folder = (str(inputs.folder / name) for name in ("dna/L3.cram", "reference/genome.fa", "dna/L3.bam"))
    pysam.view("-C", "-T", fasta, "-o", cram, folder, catch_stdout=False)
    inputs.sample(5)["alignment"] = "dna/L3.cram"
    del inputs.config["reference"]["fasta"]


def limit_that_is_no_number(inputs: Inputs) -> None:
    acceptance = yaml.safe_load((inputs.folder / "reference/acceptance.yaml").read_text())
    acceptance["criteria"][0]["limits"][0]["value"] = float("nan")
    inputs.put("reference/acceptance.yaml", yaml.safe_dump(acceptance))


def counted(text: str) -> Break:
    """The first count of a donor's table."""
    return put("dna/D2.tsv", "\n".join(counts()).replace("\t10\n", f"\t{text}\n", 1))


def gene_count(text: str) -> Break:
    """A count of sample D1r2 in line 3 of the matrix."""
    lines = matrix()
    lines[2] = lines[2].replace("\t8\t", f"\t{text}\t")
    return put("rna/matrix.tsv", "\n".join(lines))


VCF = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
# What is wrong; how to make it so; code, file, line and column (of the configuration: the key); words.
CHECKED: list[tuple[str, Break, str, str, int | None, str | None, str]] = [
    # reads
    ("gzip cut in its header", fastq(ZIPPED[:6]), "E28", SAMPLES, 4, "fastq_1", "damaged or truncated"),
    ("gzip cut in its last bytes", fastq(ZIPPED[:-3]), "E28", SAMPLES, 4, "fastq_1", "damaged or truncated"),
    ("gzip with another CRC", fastq(flipped(ZIPPED, -8)), "E28", SAMPLES, 4, "fastq_1", "CRC check failed"),
    ("gzip damaged inside", fastq(flipped(ZIPPED, len(ZIPPED) // 2)), "E28", SAMPLES, 4, "fastq_1", "damaged or truncated"),
    ("gzip and then a web page", fastq(ZIPPED + b"<html>"), "E28", SAMPLES, 4, "fastq_1", "damaged or truncated"),
    ("a web page", fastq(b"<html>404"), "E28", SAMPLES, 4, "fastq_1", "is not a gzip file"),
    ("a zip file", fastq(b"PK\3\4" + bytes(99)), "E28", SAMPLES, 4, "fastq_1", "is not a gzip file"),
    ("FASTQ in UTF-16", fastq(gzip.compress(READS.decode().encode("utf-16"))), "E28", SAMPLES, 4, "fastq_1",
     "is not FASTQ: it does not start with @"),
    ("sequences over two lines", fastq(gzip.compress(b"@a\nAC\nGT\n+\nFF\nFF\n@b\nA\n+\nF\n@c\nA\n+\nF\n")), "E28",
     SAMPLES, 4, "fastq_1", "a read has four lines"),
    ("bases that are zero bytes", fastq(gzip.compress(READS.replace(b"A", b"\0"))), "E28", SAMPLES, 4, "fastq_1",
     "which is not a base"),
    ("qualities with a space", fastq(gzip.compress(reads(2, 1, quality=" !"))), "E28", SAMPLES, 4, "fastq_1",
     "a quality is the character ' ', and qualities are ! to ~"),
    ("qualities beyond ASCII", fastq(gzip.compress(READS.replace(b"F", b"\xff"))), "E28", SAMPLES, 4, "fastq_1",
     "a quality is the character 'ÿ'"),
    ("reads of no bytes", fastq(b""), "E02", SAMPLES, 4, "fastq_1", "is empty (0 bytes)"),
    # alignments
    ("BAM of no bytes", put("dna/L3.bam", b""), "E02", SAMPLES, 5, "alignment", "is empty (0 bytes)"),
    ("BAM without its end", lambda inputs: inputs.put("dna/L3.bam", (inputs.folder / "dna/L3.bam").read_bytes()[:-28]),
     "E28", SAMPLES, 5, "alignment", "the marker at the end of a complete file"),
    ("BAM of another assembly", lambda inputs: bam(inputs.folder / "dna/L3.bam", CONTIGS | {"chr1": 5001}), "E14",
     SAMPLES, 5, "alignment", "another assembly: chr1 has 5001 bases"),
    ("CRAM without its genome", cram_without_its_genome, "E27", CONFIG, None, "reference.fasta", "need the genome"),
    ("BAM without contigs", unaligned, "E28", SAMPLES, 5, "alignment", "the reads are not aligned"),
    ("BAM damaged in its first block", lambda inputs: inputs.put("dna/L3.bam", flipped(
        (inputs.folder / "dna/L3.bam").read_bytes(), -70)), "E28", SAMPLES, 5, "alignment", "not a readable BAM"),
    ("CRAM of another genome", cram_of_another_genome, "E14", SAMPLES, 5, "alignment", "not in the reference (chr7)"),
    # counts per bin
    ("count below zero", counted("-3"), "E28", SAMPLES, 6, "counts", "the count -3 is negative"),
    ("count of forty digits", counted("9" * 40), "E28", SAMPLES, 6, "counts", "larger than any run of a sequencer"),
    ("count of five thousand digits", counted("9" * 5000), "E28", SAMPLES, 6, "counts", "larger than any run of a sequencer"),
    ("count of 1e30", counted("1e30"), "E28", SAMPLES, 6, "counts", "larger than any run of a sequencer"),
    ("count of infinity", counted("inf"), "E28", SAMPLES, 6, "counts", "'inf' is not a number"),
    ("count that is NaN", counted("nan"), "E28", SAMPLES, 6, "counts", "'nan' is not a number"),
    ("count as Python writes it", counted("1_0"), "E28", SAMPLES, 6, "counts", "'1_0' is not a number"),
    ("count with a zero byte", counted("1\0"), "E28", SAMPLES, 6, "counts", "UTF-8 text: it holds a zero byte"),
    ("count with a comma", counted("1,000"), "E28", SAMPLES, 6, "counts", "'1,000' is not a number"),
    ("counts that are all zero", put("dna/D2.tsv", "\n".join(row.rpartition("\t")[0] + "\t0" for row in counts())),
     "E28", SAMPLES, 6, "counts", "every count is 0"),
    ("counts separated by commas", put("dna/D2.tsv", "\n".join(counts()).replace("\t", ",")), "E28", SAMPLES, 6,
     "counts", "is separated by commas"),
    ("counts in UTF-16", put("dna/D2.tsv", "\n".join(counts()).encode("utf-16")), "E28", SAMPLES, 6, "counts",
     "is not UTF-8 text"),
    ("a bigWig file", put("dna/D2.tsv", b"\x26\xfc\x8f\x88" + bytes(range(256))), "E28", SAMPLES, 6, "counts",
     "is a bigWig file"),
    ("bin of five thousand digits", put("dna/D2.tsv", "\n".join([*counts(), f"chrY\t2000\t{'9' * 5000}\t3"])), "E28",
     SAMPLES, 6, "counts", "line 21 of the file: is not a table of counts"),
    ("WIG cut short", put("dna/L2.wig.gz", gzip.compress(wig().encode())[:-12]), "E28", SAMPLES, 7, "counts",
     "damaged or truncated"),
    ("WIG with another CRC", put("dna/L2.wig.gz", flipped(gzip.compress(wig().encode()), -6)), "E28", SAMPLES, 7,
     "counts", "CRC check failed"),
    ("WIG without widths", put("dna/L2.wig.gz", gzip.compress(b"variableStep chrom=1\n1 5\n")), "E28", SAMPLES,
     7, "counts", "a variableStep line without span"),
    ("WIG that starts at 0", put("dna/L2.wig.gz", gzip.compress(b"fixedStep chrom=1 start=0 step=500\n5\n")), "E28",
     SAMPLES, 7, "counts", "start, step and span of a WIG file are 1 or more"),
    # matrices of gene counts
    ("gene count below zero", gene_count("-8"), "E28", SAMPLES, 9, "counts", "line 3 of the file: the count -8 is neg"),
    ("gene count of forty digits", gene_count("9" * 40), "E28", SAMPLES, 9, "counts", "larger than any run"),
    ("gene count of infinity", gene_count("inf"), "E28", SAMPLES, 9, "counts", "'inf' is not a number"),
    ("gene count left out", gene_count(""), "E28", SAMPLES, 9, "counts", "'' is not a number"),
    ("gene count in other digits", gene_count("٨"), "E28", SAMPLES, 9, "counts", "is not a number"),
    ("sample of zeros", put("rna/matrix.tsv", "\n".join([matrix()[0], *(
        "\t".join([*row.split("\t")[:2], "0", *row.split("\t")[3:]]) for row in matrix()[1:])])), "E28", SAMPLES, 8,
     "counts", "every count of D1r1 is 0"),
    ("matrix that is a spreadsheet", put("rna/matrix.tsv", b"PK\3\4\x14\0" + bytes(range(256)) * 3), "E28", SAMPLES, 8,
     "counts", "is a spreadsheet or a zip archive"),
    # sheets
    ("sheet of no bytes", sheet("lots", ""), "E16", LOTS, None, None, "the sheet is empty"),
    ("sheet that is a spreadsheet", sheet("samples", b"PK\3\4\x14\0\6\0" + bytes(range(256))), "E16", SAMPLES, None,
     None, "is a spreadsheet or a zip archive, not text"),
    ("sheet that is an old spreadsheet", sheet("samples", b"\xd0\xcf\x11\xe0" + bytes(99)), "E16", SAMPLES, None, None,
     "is an old Excel file"),
    ("sheet that is zipped", sheet("lots", gzip.compress(LOT_ROWS.encode())), "E16", LOTS, None, None, "a gzip file"),
    ("sheet that is a web page", sheet("lots", "<html>Sign in</html>\n"), "E16", LOTS, 1, "lot_id", "is missing"),
    ("sheet that is a folder", setting("sheets", donors="config"), "E02", "config", None, None, "is a folder"),
    ("sheet that is a device", setting("sheets", donors="/dev/zero"), "E02", "/dev/zero", None, None,
     "is not a regular file"),
    ("sheets exchanged", setting("sheets", donors=LOTS, lots=DONORS), "E16", DONORS, 1, "sex", "unknown column"),
    ("sheet in UTF-16, cut in a character", sheet("lots", LOT_ROWS.encode("utf-16")[:-1]), "E16", LOTS, 4, None,
     "not UTF-16 text"),
    # cells
    ("id twice", lot(1, "lot_id", "L1"), "E01", LOTS, 3, "lot_id", "is already in line 2"),
    ("ids that differ by case", lot(1, "lot_id", "l1"), "E01", LOTS, 3, "lot_id", "some file systems do not distinguish"),
    ("id that Excel took for a date", lot(1, "lot_id", "2-Mar"), "E16", LOTS, 3, "lot_id", "a spreadsheet has probably"),
    ("passage as Python writes it", lot(1, "passage", "1_0"), "E09", LOTS, 3, "passage", "not a number"),
    ("passage with an exponent", lot(1, "passage", "1e3"), "E09", LOTS, 3, "passage", "not a whole number"),
    ("passage in other digits", lot(1, "passage", "٥"), "E09", LOTS, 3, "passage", "not a whole number"),
    ("doublings with a comma", lot(0, "pdl", "6,5"), "E09", LOTS, 2, "pdl", "not a number"),
    ("doublings without end", lot(0, "pdl", "inf"), "E09", LOTS, 2, "pdl", "not a number"),
    ("day as a number of Excel", lot(0, "collection_date", "45000"), "E17", LOTS, 2, "collection_date", "year-month"),
    ("day of month 13", lot(0, "collection_date", "2031-13-01"), "E17", LOTS, 2, "collection_date", "no such day"),
    ("bank in small letters", lot(0, "bank", "mcb"), "E17", LOTS, 2, "bank", "did you mean MCB?"),
    ("text of 300 characters", lot(0, "medium_lot", "x" * 300), "E17", LOTS, 2, "medium_lot", "longer than 200"),
    ("id with a command", lot(1, "lot_id", CANARY), "E16", LOTS, 3, "lot_id", "an id must not hold ' ' '$' '(' ')'"),
    ("id with a wildcard", lot(1, "lot_id", "{lot}"), "E16", LOTS, 3, "lot_id", "an id must not hold '{' '}'"),
    ("id that leads out", lot(1, "lot_id", ".."), "E16", LOTS, 3, "lot_id", "an id must not hold '.'"),
    ("id with a letter that looks Latin", lot(1, "lot_id", "Lа2"), "E16", LOTS, 3, "lot_id", "must not hold 'а'"),
    ("id with a line separator", lot(1, "lot_id", "L\u20282"), "E16", LOTS, 3, "lot_id", "line separator"),
    # paths
    ("path with a space", path("reads/c 1.fq.gz"), "E26", SAMPLES, 4, "fastq_1", "the path holds ' '"),
    ("path with a quote", path("reads/c'1.fq.gz"), "E26", SAMPLES, 4, "fastq_1", 'the path holds "\'"'),
    ("path with double quotes", path('reads/c"1.fq.gz'), "E26", SAMPLES, 4, "fastq_1", "the path holds '\"'"),
    ("path with a command", path(f"reads/{CANARY}.fq.gz"), "E26", SAMPLES, 4, "fastq_1", "the path holds ' ' '$'"),
    ("path with backquotes", path("`touch canary`"), "E26", SAMPLES, 4, "fastq_1", "'`'"),
    ("path that is a pipe", path("|touch canary"), "E26", SAMPLES, 4, "fastq_1", "'|'"),
    ("path that redirects", path(">canary"), "E26", SAMPLES, 4, "fastq_1", "'>'"),
    ("path with a second command", path("a;touch canary"), "E26", SAMPLES, 4, "fastq_1", "';'"),
    ("path with a pattern", path("reads/*.fq.gz"), "E26", SAMPLES, 4, "fastq_1", "'*'"),
    ("path with a wildcard", path("reads/{sample}.fq.gz"), "E26", SAMPLES, 4, "fastq_1", "'{' '}'"),
    ("path with a backslash", path("reads\\c_1.fq.gz"), "E26", SAMPLES, 4, "fastq_1", "'\\\\'"),
    ("path with a line break", path('"reads/c\n_1.fq.gz"'), "E16", SAMPLES, 4, None, "line breaks and tabs in a cell"),
    ("path with a zero byte", path("reads/c\0"), "E16", SAMPLES, 4, "fastq_1", "invisible character"),
    ("path written backwards", path("reads/\u202egz.qf"), "E16", SAMPLES, 4, "fastq_1", "right-to-left override"),
    ("path from the home folder", path("~/c_1.fq.gz"), "E26", SAMPLES, 4, "fastq_1", "starts with ~"),
    ("path of 300 characters", path("x" * 300), "E02", SAMPLES, 4, "fastq_1", "File name too long"),
    ("path of a folder", path("reads/c_1.fq.gz/"), "E26", SAMPLES, 4, "fastq_1", "the path ends with /"),
    ("path into our own folder", path("reads/../results/x.fq.gz"), "E26", SAMPLES, 4, "fastq_1", "is written by the"),
    ("path out of the tree, to nothing", path("../../../nowhere.fq.gz"), "E02", SAMPLES, 4, "fastq_1", "not exist"),
    ("link out of the tree, to another kind", linked("/etc/passwd"), "E28", SAMPLES, 4, "fastq_1", "not a gzip file"),
    ("link to itself", linked("link.fq.gz"), "E02", SAMPLES, 4, "fastq_1", "Too many levels of symbolic links"),
    # settings
    ("setting of another kind", setting("counting", bin_bp=[1]), "E17", CONFIG, 8, "counting.bin_bp", "not a whole"),
    ("setting with an exponent", setting("counting", bin_bp="1e4"), "E17", CONFIG, 8, "counting.bin_bp", "not a whol"),
    ("setting of twenty digits", setting("counting", bin_bp=10**20), "E17", CONFIG, 8, "counting.bin_bp", "at most"),
    ("setting without end", setting("copy_number", min_log2=float("inf")), "E17", CONFIG, 24, "copy_number.min_log2",
     "not a number"),
    ("setting that is a command", config("counting: !!python/object/apply:os.system ['touch canary']\n"), "", CONFIG, 1,
     None, "is not YAML (could not determine a constructor"),
    ("settings indented by tabs", config("counting:\n\tbin_bp: 5\n"), "", CONFIG, 2, None, "indent with spaces"),
    ("settings in UTF-16", config("notice: x\n".encode("utf-16")), "", CONFIG, None, None, "write it as UTF-8 text"),
    ("settings in Latin-1", config(b"notice: 'gek\xfchlt'\n"), "", CONFIG, None, None, "write it as UTF-8 text"),
    ("settings with a zero byte", config("notice: a\0b\n"), "", CONFIG, None, None, "special characters are not allo"),
    ("settings nested without end", config("a: &a [*a]\n"), "", CONFIG, 1, None, "recursive"),
    ("settings nested too deep", config("a: " + "[" * 3000), "", CONFIG, None, None, "is not YAML"),
    # references
    ("genome with an empty contig", put("reference/genome.fa", ">chr1\n>chrX\nA\n>chrY\nA\n"), "E28", CONFIG, 3,
     "reference.fasta", "the contig 'chr1' has no bases"),
    ("genome with a nameless contig", put("reference/genome.fa", "> \nA\n>chrX\nA\n"), "E28", CONFIG, 3,
     "reference.fasta", "a contig has no name"),
    ("genome cut short", lambda inputs: (inputs.put("g.fa.gz", gzip.compress(
        (inputs.folder / "reference/genome.fa").read_bytes())[:-5]), inputs.config["reference"].update(fasta="g.fa.gz")),
     "E28", CONFIG, 3, "reference.fasta", "damaged or truncated"),
    ("annotation of nothing", put("reference/genes.gtf", "# nothing\n"), "E28", CONFIG, 4, "reference.gtf",
     "holds no annotation"),
    ("annotation from end to start", put("reference/genes.gtf", Inputs.gtf(GENES).replace("\t1\t90", "\t90\t1")), "E28",
     CONFIG, 4, "reference.gtf", "line 1 of the file: 90-1 is not an interval"),
    ("annotation of two spellings", put("reference/genes.gtf", Inputs.gtf(GENES) + Inputs.gtf(GENES, "1")), "E14",
     CONFIG, 4, "reference.gtf", "contig names do not match"),
    ("annotation with a huge number", put("reference/genes.gtf", Inputs.gtf(GENES).replace("90\t", "9" * 5000 + "\t")),
     "E28", CONFIG, 4, "reference.gtf", "is not GTF"),
    ("blacklist from end to start", put("reference/blacklist.bed", "chr1\t90\t10\n"), "E28", CONFIG, 6,
     "reference.blacklist", "90-10 is not an interval"),
    ("blacklist before the start", put("reference/blacklist.bed", "chr1\t-5\t10\n"), "E28", CONFIG, 6,
     "reference.blacklist", "-5-10 is not an interval"),
    ("blacklist with a word", put("reference/blacklist.bed", "chr1\t1\t9\nchr1\tten\t90\n"), "E28", CONFIG, 6,
     "reference.blacklist", "line 2 of the file: is not BED"),
    ("blacklist of two columns", put("reference/blacklist.bed", "chr1\t10\n"), "E28", CONFIG, 6, "reference.blacklist",
     "is not BED"),
    ("blacklist of nothing", put("reference/blacklist.bed", "# none\n"), "E28", CONFIG, 6, "reference.blacklist",
     "holds no interval"),
    ("mappability that is NaN", put("reference/mappability.bedgraph", "1\t0\t2000\tnan\n"), "E28", CONFIG, 5,
     "reference.mappability", "holds no value: all are missing"),
    ("cytobands of another kind", put("reference/bands.txt", "chr1\tx\ty\n"), "E28", CONFIG, 2, "reference.layout",
     "its cytobands 'bands.txt': line 1 of the file: is not a table of chrom, start, end, band"),
    ("layout that is a command", put("reference/layout.yaml", TAG), "E18", CONFIG, 2, "reference.layout", "not YAML"),
    ("criteria that are a command", put("reference/acceptance.yaml", TAG), "E18", CONFIG, 22, "acceptance", "not YAML"),
    ("criterion without a number", limit_that_is_no_number, "E18", CONFIG, 22, "acceptance", "C02.limits.0.value.float is not"),
    ("gene set twice", put("reference/sets.gmt", "WNT set\th\tAFP\tMYC\n" * 2), "E01", CONFIG, 16,
     "pathways.own_gene_sets.0.path", "line 2 of the file: the gene set 'WNT set' occurs twice"),
    ("gene sets of nothing", put("reference/sets.gmt", "\n"), "E28", CONFIG, 16, "pathways.own_gene_sets.0.path",
     "holds no gene set"),
    ("gene sets cut short", put("reference/sets.gmt", gzip.compress(b"WNT set\th\tAFP\tMYC\n")[:-4]), "E28", CONFIG, 16,
     "pathways.own_gene_sets.0.path", "damaged or truncated"),
    ("axes with other columns", put("reference/axes.tsv", "set\taxis\n"), "E16", CONFIG, 13, "pathways.axes",
     "has no column set_name and informational"),
    ("panel that is a text", sites("hello\n"), "E28", CONFIG, 24, "identity.sites", "neither VCF with its header nor"),
    ("panel of nothing", sites(VCF), "E28", CONFIG, 24, "identity.sites", "holds no site"),
    ("panel with a word", sites(VCF + "chr1\tx\t.\tA\tC\n"), "E28", CONFIG, 24, "identity.sites", "line 3 of the file"),
    ("panel from 0 on", sites(VCF + "chr1\t0\t.\tA\tC\n"), "E28", CONFIG, 24, "identity.sites", "line 3 of the file"),
    ("panel cut short", sites(gzip.compress(VCF.encode())[:-5]), "E28", CONFIG, 24, "identity.sites", "truncated"),
    ("panel of another genome", sites(VCF + "chr77\t5\t.\tA\tC\n"), "E14", CONFIG, 24, "identity.sites",
     "none of its contigs (chr77) is in the reference (chr1"),
]  # fmt: skip
# Rows that break more than one thing, each of which is told.
MORE = {
    "criterion without a number",
    "sheet that is a web page",
    "sheets exchanged",
    "sheet in UTF-16, cut in a character",
    "path with a line break",
    "ids that differ by case",
    "id twice",
}


def tree(folder: Path) -> dict[Path, int]:
    """All files but what the check remembers of those that it found good."""
    return {found: found.lstat().st_mtime_ns for found in folder.rglob("*") if ".snakemake" not in found.parts}


@pytest.mark.parametrize(
    ("name", "breaking", "code", "file", "line", "column", "words"), CHECKED, ids=[row[0] for row in CHECKED]
)
def test_it_is_told_before_any_job(
    name: str, breaking: Break, code: str, file: str, line: int | None, column: str | None, words: str,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    inputs = Inputs(tmp_path)
    breaking(inputs)
    inputs.write()
    inputs.put(CONFIG, getattr(inputs, "raw", None) or (tmp_path / CONFIG).read_bytes())
    before = tree(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["karyolot", "check"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    told = capsys.readouterr().err
    assert ended.value.code == 2
    place = file + (f", line {line}" if line else "") + (f", {column}" if column else "")
    start = rf"{code} error: {place}" if code else place
    (found,) = (part for part in told.split("\nE") if part.lstrip("E").startswith(start.lstrip("E")) and words in part)
    assert "-> " in found or not code
    assert told.count(" error: ") == (1 if code else 0) or name in MORE, told
    assert "Traceback" not in told
    assert tree(tmp_path) == before, "something was written, or a command was obeyed"


def unsorted(inputs: Inputs) -> None:
    """Reads in any order: the import puts them in order."""
    name = str(inputs.folder / "dna/L3.bam")
    with pysam.AlignmentFile(name) as handle:
        header, records = handle.header, list(handle)
    with pysam.AlignmentFile(name, "wb", header=header) as handle:
        for record in reversed(records):
            handle.write(record)


def elsewhere(inputs: Inputs) -> None:
    """Reads beside the study, reached by a link and by a path with `..`."""
    outside = inputs.folder.parent / f"{inputs.folder.name}-reads"
    outside.mkdir()
    for mate in (1, 2):
        (inputs.folder / f"reads/c_{mate}.fq.gz").rename(outside / f"c_{mate}.fq.gz")
    (inputs.folder / "reads/link.fq.gz").symlink_to(outside / "c_1.fq.gz")
    inputs.sample(4).update(fastq_1="reads/link.fq.gz", fastq_2=f"../{outside.name}/c_2.fq.gz")


def sheet_of_windows(inputs: Inputs) -> None:
    inputs.write()
    inputs.sheets.add("lots")
    text = (inputs.folder / LOTS).read_text()
    inputs.put(LOTS, text.replace("\n", "\r\n").encode("utf-16"))


@pytest.mark.parametrize("unusual", [unsorted, elsewhere, sheet_of_windows])
def test_what_looks_odd_but_can_be_read_is_taken(
    unusual: Break, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study").mkdir()
    inputs = Inputs(tmp_path / "study")
    unusual(inputs)
    inputs.write()
    monkeypatch.chdir(inputs.folder)
    monkeypatch.setattr(sys, "argv", ["karyolot", "check"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code in (0, None), capsys.readouterr().err


# What only the rule that reads the whole file can find.


class Job:
    """The script of one rule, run as Snakemake runs it, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inputs: dict[str, Any] = {}
        self.params: dict[str, Any] = {}

    def put(self, name: str, content: str | bytes) -> str:
        (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    def run(self, rule: str) -> tuple[int | str | None, str]:
        """Exit code and log."""
        if rule == "quantify_transcripts":
            return self.verified()
        outputs = {name: f"results/{name}.{kind}" for name, kind in OUTPUTS[rule].items()}
        params = {"settings": {}, "code": code_digest(runtime.SCRIPTS / f"{rule}.py"), **self.params}
        fake = SimpleNamespace(
            rule=rule, log=[f"{rule}.log"], input=Named(self.inputs), output=Named(outputs), params=Named(params)
        )
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(runtime.SCRIPTS / f"{rule}.py"), {"snakemake": fake})
        return ended.value.code, (self.folder / f"{rule}.log").read_text()

    def verified(self) -> tuple[int | str | None, str]:
        """The same of the program that verifies reads in front of a tool."""
        lanes = [{"paths": self.inputs["reads"], "sha256": self.params["sha256"], "group": "L"}]
        argv, log = ["stream", "results/facts.json", json.dumps(lanes)], io.StringIO()
        with patch.object(sys, "argv", argv), redirect_stderr(log), pytest.raises(SystemExit) as ended:
            stream.main()
        return ended.value.code, log.getvalue()


class Named(dict[str, Any]):
    __getattr__ = dict.__getitem__


OUTPUTS = {
    "quantify_transcripts": {"facts": "json"}, "verify_data": {"facts": "json"}, "import_counts": {"counts": "parquet"},
    "count_fragments": {"counts": "parquet"}, "make_bins": {"bins": "parquet"}, "prepare_sites": {"sites": "parquet"},
    "map_transcripts": {"transcripts": "tsv", "genes": "tsv"}, "analyse_expression": {"expression": "h5ad"},
}  # fmt: skip
READ: list[tuple[str, str, Callable[[Job], Any], str]] = []


def read_by(rule: str, words: str) -> Callable[[Callable[[Job], Any]], Callable[[Job], Any]]:
    def register(breaking: Callable[[Job], Any]) -> Callable[[Job], Any]:
        READ.append((breaking.__name__, rule, breaking, words))
        return breaking

    return register


MANY = [reads(7, mate, count=10_200, length=30) for mate in (1, 2)]
"""Far beyond what the check looks at."""


def mates(job: Job, first: bytes, second: bytes, *, zipped: bool = True) -> None:
    pair = [gzip.compress(text, 1, mtime=0) if zipped else text for text in (first, second)]
    job.inputs["reads"] = [job.put(f"r_{n}.fq{'.gz' * zipped}", data) for n, data in enumerate(pair, 1)]
    job.params["sha256"] = [None, None]


def damaged(job: Job, harm: Callable[[bytes], bytes]) -> None:
    """The second mates' file, harmed after it was zipped."""
    mates(job, *MANY)
    job.put("r_2.fq.gz", harm((job.folder / "r_2.fq.gz").read_bytes()))


def records(text: bytes) -> list[bytes]:
    lines = text.splitlines(keepends=True)
    return [b"".join(lines[start : start + 4]) for start in range(0, len(lines), 4)]


for share in (0.25, 0.5, 0.9):

    def cut(job: Job, share: float = share) -> None:
        damaged(job, lambda data: data[: int(len(data) * share)])

    cut.__name__ = f"gzip_cut_at_{share:.0%}"
    read_by("quantify_transcripts", r"r_2\.fq\.gz.*(damaged or truncated|not a complete FASTQ file).*fetch it again")(
        cut
    )


@read_by("quantify_transcripts", r"r_2\.fq\.gz.*(damaged or truncated|not a complete FASTQ file).*fetch it again")
def gzip_without_its_last_byte(job: Job) -> None:
    damaged(job, lambda data: data[:-1])


@read_by("quantify_transcripts", r"r_2\.fq\.gz.*(damaged or truncated|not a complete FASTQ file).*fetch it again")
def gzip_with_another_crc(job: Job) -> None:
    damaged(job, lambda data: flipped(data, -8))


@read_by("quantify_transcripts", r"r_2\.fq\.gz.*(damaged or truncated|not a complete FASTQ file).*fetch it again")
def gzip_damaged_in_the_middle(job: Job) -> None:
    damaged(job, lambda data: flipped(data, len(data) // 2))


@read_by("quantify_transcripts", r"r_2\.fq\.gz.*(damaged or truncated|not a complete FASTQ file).*fetch it again")
def gzip_whose_second_member_is_cut(job: Job) -> None:
    damaged(job, lambda data: data + gzip.compress(reads(8, 2))[:-20])


@read_by("quantify_transcripts", r"r_2\.fq\.gz.*(damaged or truncated|not a complete FASTQ file).*fetch it again")
def gzip_and_then_something_else(job: Job) -> None:
    damaged(job, lambda data: data + b"<html>")


@read_by("quantify_transcripts", r"r_2\.fq\.gz: ends before its mate file r_1\.fq\.gz.*fetch both again")
def one_mate_missing_at_the_end(job: Job) -> None:
    mates(job, MANY[0], b"".join(records(MANY[1])[:-1]))


@read_by("quantify_transcripts", "mates are not in the same order .*pair the files again")
def one_mate_missing_in_the_middle(job: Job) -> None:
    second = records(MANY[1])
    mates(job, MANY[0], b"".join(second[:10_100] + second[10_101:]))


@read_by("quantify_transcripts", "mates are not in the same order .*pair the files again")
def two_mates_exchanged_in_the_middle(job: Job) -> None:
    second = records(MANY[1])
    second[10_100], second[10_101] = second[10_101], second[10_100]
    mates(job, MANY[0], b"".join(second))


@read_by("quantify_transcripts", "is named as mate 2.*exchange fastq_1 and fastq_2")
def mates_exchanged_behind_the_beginning(job: Job) -> None:
    first, second = map(records, MANY)
    mates(job, b"".join(first[:60] + second[60:]), b"".join(second[:60] + first[60:]))


@read_by("quantify_transcripts", "not a complete FASTQ file .*fetch it again")
def a_read_without_its_qualities(job: Job) -> None:
    second = records(MANY[1])
    second[10_100] = second[10_100].rpartition(b"+")[0] + b"+\n\n"
    mates(job, MANY[0], b"".join(second))


@read_by("quantify_transcripts", "(not a complete FASTQ file|damaged) .*fetch it again")
def a_byte_that_is_no_character(job: Job) -> None:
    second = records(MANY[1])
    second[10_100] = second[10_100].replace(b"A", b"\xff", 1)
    mates(job, MANY[0], b"".join(second))


@read_by("quantify_transcripts", "a quality is the character ' ', and qualities are ! to ~")
def qualities_with_a_space(job: Job) -> None:
    second = records(MANY[1])
    second[5_000] = second[5_000].replace(b"#", b" ")
    mates(job, MANY[0], b"".join(second))


@read_by("quantify_transcripts", "qualities look like the old Phred.64 code .*convert the file to Phred.33")
def qualities_of_the_old_code(job: Job) -> None:
    mates(job, reads(7, 1, quality="Bhgf"), reads(7, 2, quality="Bhgf"))


@read_by("quantify_transcripts", "not a complete FASTQ file .*fetch it again")
def text_cut_in_a_read(job: Job) -> None:
    mates(job, MANY[0], MANY[1][:-30], zipped=False)


@read_by(
    "quantify_transcripts", "sha256 is .*, the sample sheet states 0{64}; the file was changed or its copy is damaged"
)
def reads_of_another_checksum(job: Job) -> None:
    mates(job, *MANY)
    job.params["sha256"] = [None, "0" * 64]


@read_by("verify_data", "a.bam: sha256 is .*, the sample sheet states 0{64}; .*fetch it again")
def alignment_of_another_checksum(job: Job) -> None:
    job.inputs["data"] = job.put("a.bam", b"BAM")
    job.params["sha256"] = "0" * 64


def grid(job: Job) -> str:
    """A table of bins, schema Bins."""
    rows = [line.split("\t")[:3] for line in counts()]
    bins = pd.DataFrame(rows, columns=["chrom", "start", "end"]).astype({"start": "int64", "end": "int64"})
    region = bins["chrom"].map({"chr1": "autosome", "chrX": "X", "chrY": "Y"})
    bins = bins.assign(
        arm=bins["chrom"], region=region, gc=0.4, gap=0.0, mappability=1.0, replication_timing=float("nan")
    )
    write_table(bins, job.folder / "bins.parquet", Bins)
    return "bins.parquet"


def table(job: Job, lines: list[str] | bytes) -> None:
    job.inputs = {
        "bins": grid(job), "table": job.put("t.tsv", lines if isinstance(lines, bytes) else "\n".join(lines))
    }  # fmt: skip


@read_by("import_counts", "t.tsv, line 3: the count -3 is negative; give raw counts")
def counts_below_zero(job: Job) -> None:
    table(job, [line.replace("\t1000\t1500\t16", "\t1000\t1500\t-3") for line in counts()])


@read_by("import_counts", "t.tsv, line 3: the count '1e30' is larger than any run of a sequencer gives")
def counts_beyond_reason(job: Job) -> None:
    table(job, [line.replace("\t1000\t1500\t16", "\t1000\t1500\t1e30") for line in counts()])


@read_by("import_counts", "t.tsv, line 10: chr1:4500-5000 overlaps the interval before it .chr1:4000-4750.")
def counts_across_bins(job: Job) -> None:
    table(job, [line.replace("\t4000\t4500", "\t4000\t4750") for line in counts()])


@read_by("import_counts", "t.tsv, line 2: chr1:0-500 occurs twice")
def counts_of_a_bin_twice(job: Job) -> None:
    table(job, [counts()[0], *counts()])


@read_by("import_counts", "t.tsv, line 4: is not a table of counts")
def counts_with_a_place_as_python_writes_it(job: Job) -> None:
    table(job, [line.replace("\t1500\t2000", "\t1_500\t2000") for line in counts()])


@read_by("import_counts", "t.tsv: the gzip file is damaged or truncated .*fetch it again")
def counts_cut_short(job: Job) -> None:
    table(job, gzip.compress("\n".join(counts()).encode())[:-9])


@read_by("import_counts", "t.tsv: the gzip file is damaged or truncated .*fetch it again")
def counts_damaged_inside(job: Job) -> None:
    data = gzip.compress("\n".join(counts()).encode(), mtime=0)
    table(job, flipped(data, len(data) // 2))


@read_by("import_counts", "t.tsv, line 1: is not UTF-8 text.*save it as UTF-8")
def counts_in_utf16(job: Job) -> None:
    table(job, "\n".join(counts()).encode("utf-16"))


def cram(job: Job) -> bytes:
    """A sorted, indexed CRAM; returns its bytes."""
    job.put("g.fa", "".join(f">{name}\n{'ACGTN' * (n // 5)}\n" for name, n in CONTIGS.items()))
    bam(job.folder / "a.bam", records=3000)
    pysam.view("-C", "-T", "g.fa", "-o", "a.cram", "a.bam", catch_stdout=False)
    pysam.index("a.cram")
    job.inputs = {"bins": grid(job), "cram": "a.cram", "index": "a.cram.crai", "fasta": "g.fa"}
    job.params["settings"] = {"bin_bp": BIN, "min_mapq": 0}
    return (job.folder / "a.cram").read_bytes()


@read_by("count_fragments", "a.cram: .*(damaged|truncated|not a readable).*make it again")
def alignment_cut_short(job: Job) -> None:
    data = cram(job)
    job.put("a.cram", data[: len(data) // 2])


@read_by("count_fragments", "a.cram: .*(damaged|truncated|not a readable).*make it again")
def alignment_damaged_inside(job: Job) -> None:
    data = cram(job)
    job.put("a.cram", data[: len(data) // 2] + bytes(200) + data[len(data) // 2 + 200 :])


@read_by("count_fragments", "a.cram: no fragment of 3000 mapped reads could be counted: 3000 are a proper pair")
def alignment_of_first_mates_alone(job: Job) -> None:
    cram(job)


def genome(job: Job) -> dict[str, str]:
    inputs = Inputs(job.folder / "study")
    fasta, layout = (f"study/reference/{name}" for name in ("genome.fa", "layout.yaml"))
    pysam.faidx(str(inputs.folder / "reference/genome.fa"))
    return {"fasta": fasta, "layout": layout}


def tracks(job: Job, name: str, lines: list[str]) -> None:
    path = job.put(f"{name}.bed", "\n".join([*LONG, *lines]))
    job.inputs = BinFiles.inputs(BinFiles(**genome(job), **{name: path}))
    job.params["settings"] = {"bin_bp": BIN}


LONG = [f"scaffold{n // 4000}\t{n % 4000}\t{n % 4000 + 1}\t0.5" for n in range(10_050)]


@read_by("make_bins", "mappability.bed, line 10051: is not bedGraph .*: 'high' is not a number")
def mappability_with_a_word_far_down(job: Job) -> None:
    tracks(job, "mappability", ["chr1\t1\t2\thigh"])


@read_by("make_bins", "blacklist.bed, line 10051: 9-3 is not an interval")
def blacklist_from_end_to_start_far_down(job: Job) -> None:
    tracks(job, "blacklist", ["chr1\t9\t3"])


@read_by(
    "make_bins", "mappability.bed, line 10051: the value 50 is not between 0 and 1: the scale seems to be 0 to 100"
)
def mappability_in_percent_far_down(job: Job) -> None:
    tracks(job, "mappability", ["chr1\t4500\t4999\t50"])


@read_by("prepare_sites", "p.vcf, line 3: is not a line of VCF")
def panel_with_a_word(job: Job) -> None:
    job.inputs = {**genome(job), "panel": [job.put("p.vcf", VCF + "chr1\tx\t.\tA\tC\n")]}


@read_by("prepare_sites", "p.vcf: holds no SNP with two alleles")
def panel_of_insertions(job: Job) -> None:
    job.inputs = {**genome(job), "panel": [job.put("p.vcf", VCF + "chr1\t5\t.\tA\tACC\n")]}


@read_by("prepare_sites", "1 of 1 reference alleles are not the base of the genome; the panel is of another assembly")
def panel_of_another_assembly(job: Job) -> None:
    job.inputs = {**genome(job), "panel": [job.put("p.vcf", VCF + "chr1\t2\t.\tA\tC\n")]}


@read_by("map_transcripts", "g.gtf, line 1: is not GTF: start and end must be whole numbers .*'9O'")
def annotation_with_a_letter_in_a_number(job: Job) -> None:
    job.inputs = {"gtf": [job.put("g.gtf", Inputs.gtf(GENES).replace("\t90\t", "\t9O\t"))]}


@read_by("map_transcripts", "g.gtf, line 1: is not UTF-8 text; .*save it as UTF-8")
def annotation_in_latin1(job: Job) -> None:
    job.inputs = {"gtf": [job.put("g.gtf", Inputs.gtf(["Ümlaut"]).encode("latin-1"))]}


@read_by("map_transcripts", "transcript 'T0' belongs to two genes")
def annotation_with_a_transcript_of_two_genes(job: Job) -> None:
    job.inputs = {"gtf": [job.put("g.gtf", Inputs.gtf(GENES[:2]).replace('"T1"', '"T0"'))]}


def expression(job: Job, lines: list[str]) -> None:
    sample = {"donor": "D1", "sex": "F", "passage": 0, "path": job.put("m.tsv", "\n".join(lines)), "kind": "counts"}
    job.inputs = {"transcripts": [], "genes": []}
    job.params["samples"] = [
        sample | {"sample_id": "D1r1", "lot": "", "state": "hepatocyte"},
        sample | {"sample_id": "L1r1", "lot": "L1", "state": "lot", "passage": 4},
    ]
    job.params |= {"salmon": {}, "gtf": ""}


@read_by("analyse_expression", "m.tsv, line 3: the count -7 is negative; give raw counts")
def gene_count_below_zero(job: Job) -> None:
    expression(job, [line.replace("HNF4A\t7\t", "HNF4A\t-7\t") for line in matrix()])


@read_by("analyse_expression", "m.tsv, line 3: the count '9{40}' is larger than any run")
def gene_count_beyond_reason(job: Job) -> None:
    expression(job, [line.replace("HNF4A\t7\t", f"HNF4A\t{'9' * 40}\t") for line in matrix()])


@read_by("analyse_expression", "m.tsv, line 3: the row has 9 cells and the header 10")
def matrix_with_a_short_row(job: Job) -> None:
    expression(job, [line.rpartition("\t")[0] if "HNF4A" in line else line for line in matrix()])


@read_by("analyse_expression", "m.tsv: every count of D1r1 is 0")
def matrix_with_a_sample_of_zeros(job: Job) -> None:
    zeros = [line.split("\t") for line in matrix()[1:]]
    expression(job, [matrix()[0], *("\t".join([*row[:2], "0", *row[3:]]) for row in zeros)])


@pytest.mark.parametrize(("name", "rule", "breaking", "words"), READ, ids=[row[0] for row in READ])
def test_it_stops_the_rule_that_reads_it(
    name: str, rule: str, breaking: Callable[[Job], Any], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    job = Job(tmp_path)
    breaking(job)
    code, log = job.run(rule)
    assert code == 1
    assert "Traceback" not in log, log[-2000:]
    assert re.search(words, log), log
    left = list((tmp_path / "results").rglob("*")) if (tmp_path / "results").exists() else []
    assert left == []


def test_the_table_is_long() -> None:
    assert len(CHECKED) >= 60 and len(READ) >= 30
    assert len({row[0] for row in (*CHECKED, *READ)}) == len(CHECKED) + len(READ)
