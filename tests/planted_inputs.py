"""A small study on disk that is right in every respect, to be broken one way at a time."""

import gzip
import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pysam
import yaml

from karyolot.contracts.problems import Problem
from karyolot.inputs import check
from karyolot.io.shipped import RESOURCES

Row = dict[str, str]
GENES = ["ALB", "HNF4A", "SOX9", "KRT19", "AFP", "MYC"]
CONTIGS = {"chr1": 5000, "chrX": 3000, "chrY": 2000}
BIN = 500
DRIVER_COLUMNS = "gene\tscope\trole\ttranscript\treason\tsource"
LEAST_CRITERIA = ("C02", "C05", "Q02b", "Q04a", "Q04b", "Q05a", "Q05d", "Q05e", "Q06")
"""Without which no lot can pass."""
RNA = ["D1r1", "D1r2", "L1r1", "L1r2", "D2r1", "D2r2", "L2r1", "L2r2"]


def reads(seed: int, mate: int, count: int = 20, length: int = 60, quality: str = "#,:F") -> bytes:
    """FASTQ records; files of the same seed are mates."""
    rng, names = random.Random(f"{seed} {mate}"), random.Random(seed)
    records = []
    for _ in range(count):
        bases = "".join(rng.choices("ACGT", k=length))
        qualities = "".join(rng.choices(quality, k=length))
        records.append(f"@run:{seed}:{names.randrange(10**9)} {mate}:N:0:ACGT\n{bases}\n+\n{qualities}\n")
    return "".join(records).encode()


def bam(
    path: Path, contigs: dict[str, int] = CONTIGS, paired: bool = True, records: int = 4, sample: str = "L3w"
) -> None:
    header = {"HD": {"VN": "1.6"}, "SQ": [{"SN": name, "LN": length} for name, length in contigs.items()]}
    header["RG"] = [{"ID": "a", "SM": sample}]  # type: ignore[assignment]
    with pysam.AlignmentFile(str(path), "wb", header=header) as handle:
        for number in range(records):
            read = pysam.AlignedSegment(handle.header)
            read.query_name, read.query_sequence = f"r{number}", "ACGT" * 10
            read.reference_id, read.reference_start, read.cigarstring = 0, 100 + number, "40M"
            read.flag = (0x83 if number % 2 else 0x43) if paired else 0
            handle.write(read)


def counts(scale: int = 10, contigs: dict[str, int] = CONTIGS, width: int = BIN) -> list[str]:
    return [
        f"{name}\t{start}\t{min(start + width, length)}\t{scale + start % 7}"
        for name, length in contigs.items()
        for start in range(0, length, width)
    ]


def wig(scale: int = 9) -> str:
    lines = []
    for name, length in CONTIGS.items():
        lines += [f"fixedStep chrom={name.removeprefix('chr')} start=1 step={BIN} span={BIN}"]
        lines += [str(scale + number % 5) for number in range(length // BIN)]
    return "\n".join(lines) + "\n"


def matrix(genes: list[str] = GENES, samples: Sequence[str] = RNA) -> list[str]:
    rows = [
        "\t".join([f"ENSG{n}.1", gene, *(str(n * 7 + k) for k in range(len(samples)))]) for n, gene in enumerate(genes)
    ]
    return ["\t".join(["gene_id", "gene_name", *samples]), *rows]


class Inputs:
    """A small study that is right in every respect, until a test breaks it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sheets: set[str] = set()
        """Tables whose text a test has put itself."""
        self.config: dict[str, Any] = {
            "reference": {
                "layout": "reference/layout.yaml",
                "fasta": "reference/genome.fa",
                "gtf": "reference/genes.gtf",
                "mappability": "reference/mappability.bedgraph",
                "blacklist": "reference/blacklist.bed",
            },
            "counting": {"bin_bp": BIN},
            "expression": {"markers": "reference/markers.tsv"},
            "pathways": {"gene_sets": [], "axes": "reference/axes.tsv", "min_size": 2},
            "small_variants": {"drivers": "reference/drivers.tsv", "hotspots": "reference/hotspots.tsv"},
            "acceptance": "reference/acceptance.yaml",
        }
        self.donors: list[Row] = [{"donor_id": "D1", "sex": "F", "age": "34"}, {"donor_id": "D2", "sex": "M"}]
        self.lots: list[Row] = [
            {"lot_id": "L1", "donor_id": "D1", "passage": "4", "pdl": "6.5", "collection_date": "2031-02-28"},
            {"lot_id": "L2", "donor_id": "D2", "passage": "5"},
            {"lot_id": "L3", "donor_id": "D1", "passage": "8", "pdl": "9", "parent_lot_id": "L1"},
        ]
        wgs = {"assay": "wgs"}
        rna = {"assay": "rnaseq", "counts": "rna/matrix.tsv"}
        self.samples: list[Row] = [
            wgs | {"sample_id": "D1w", "donor_id": "D1", "lane": "1", **self.pair("a")},  # line 2
            wgs | {"sample_id": "D1w", "donor_id": "D1", "lane": "2", **self.pair("b")},
            wgs | {"sample_id": "L1w", "lot_id": "L1", **self.pair("c")},
            wgs | {"sample_id": "L3w", "lot_id": "L3", "alignment": "dna/L3.bam"},
            wgs | {"sample_id": "D2w", "donor_id": "D2", "counts": "dna/D2.tsv"},  # line 6
            wgs | {"sample_id": "L2w", "lot_id": "L2", "counts": "dna/L2.wig.gz"},
            rna | {"sample_id": "D1r1", "donor_id": "D1"},  # line 8
            rna | {"sample_id": "D1r2", "donor_id": "D1"},
            rna | {"sample_id": "L1r1", "lot_id": "L1"},
            rna | {"sample_id": "L1r2", "lot_id": "L1"},
            rna | {"sample_id": "D2r1", "donor_id": "D2"},  # line 12
            rna | {"sample_id": "D2r2", "donor_id": "D2"},
            rna | {"sample_id": "L2r1", "lot_id": "L2"},
            rna | {"sample_id": "L2r2", "lot_id": "L2"},
        ]
        for seed, name in enumerate("abcdefghijkl"):
            for mate in (1, 2):
                self.put(f"reads/{name}_{mate}.fq.gz", gzip.compress(reads(seed, mate), mtime=0))
        (folder / "dna").mkdir()
        bam(folder / "dna/L3.bam")
        self.put("dna/D2.tsv", "\n".join(["chrom\tstart\tend\tcount", *counts()]))
        self.put("dna/L2.wig.gz", gzip.compress(wig().encode()))
        self.put("rna/matrix.tsv", "\n".join(matrix()))
        self.put(
            "reference/genome.fa",
            "".join(f">{name} x\n{'ACGTN' * (n // 5)}\n" for name, n in {**CONTIGS, "MT": 50}.items()),
        )
        layout = {
            "name": "mini",
            "autosomes": ["1"],
            "x": "chrX",
            "y": "chrY",
            "cytobands": "bands.txt",
            "source": "test",
        }
        layout["x_par"] = [{"chrom": "X", "start": 0, "end": 400}]
        self.put("reference/layout.yaml", yaml.safe_dump(layout))
        self.put("reference/bands.txt", "".join(f"{name}\t0\t{end}\tp1\tgneg\n" for name, end in CONTIGS.items()))
        self.put("reference/genes.gtf", self.gtf(GENES))
        self.put("reference/drivers.tsv", f"{DRIVER_COLUMNS}\nAFP\tcoding\tdriver\t\treason\tdoi 10.1038/s\n")
        self.put(
            "reference/hotspots.tsv", "gene\tposition\treference\tchanges\tsource\nAFP\tp.1\tT\tI\tdoi 10.1038/s\n"
        )
        self.put("reference/mappability.bedgraph", "track type=bedGraph\n1\t0\t2000\t0.9\n1\t2000\t5000\t1\n")
        self.put("reference/blacklist.bed", "chr1\t10\t90\n")
        markers = [f"{gene}\tliver\tup\tsource\treason" for gene in GENES[:4]]
        self.put("reference/markers.tsv", "\n".join(["gene_name\tgroup\texpected\tsource\treason", *markers]))
        self.put("reference/sets.gmt", "WNT set\thttp\tAFP\tMYC\tTP53\nother\thttp\tTP53\tAFP\n")
        self.put("reference/axes.tsv", "set_name\taxis\tinformational\nWNT set\tWNT\tno\n")
        shipped = yaml.safe_load((RESOURCES / "acceptance.yaml").read_text(encoding="utf-8"))["criteria"]
        least = sorted((row for row in shipped if row["id"] in LEAST_CRITERIA), key=lambda row: row["id"])
        self.put("reference/acceptance.yaml", yaml.safe_dump({"name": "n", "version": "1", "criteria": least}))

    @staticmethod
    def pair(name: str) -> Row:
        return {"fastq_1": f"reads/{name}_1.fq.gz", "fastq_2": f"reads/{name}_2.fq.gz"}

    @staticmethod
    def gtf(genes: list[str], contig: str = "chr1") -> str:
        lines = []
        for number, gene in enumerate(genes):
            name = f'gene_id "ENSG{number}.1"; gene_name "{gene}";'
            lines += [f"{contig}\tx\tgene\t{number * 100 + 1}\t{number * 100 + 90}\t.\t+\t.\t{name}\n"]
            exon = f'{name} transcript_id "T{number}";'
            for feature in ("exon", "CDS"):
                lines += [f"{contig}\tx\t{feature}\t{number * 100 + 1}\t{number * 100 + 90}\t.\t+\t.\t{exon}\n"]
        return "".join(lines)

    def put(self, name: str, content: str | bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        if path.suffix == ".gmt":  # own gene sets are pinned
            pin = {"path": name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "licence": "CC0"}
            self.config["pathways"]["own_gene_sets"] = [pin]

    def reads(self, name: str, content: bytes) -> None:
        self.put(f"reads/{name}.fq.gz", gzip.compress(content))

    def rna_from_reads(self) -> None:
        """All RNA as FASTQ files instead of a matrix."""
        for row, name in zip(self.samples[6:], "defghijk", strict=True):
            del row["counts"]
            row.update(self.pair(name))

    def sample(self, line: int) -> Row:
        """The row of samples.tsv that stands in this line."""
        return self.samples[line - 2]

    def write(self) -> Path:
        """Write the configuration and the sheets; returns the path of the configuration."""
        path = self.folder / "config/config.yaml"
        self.put("config/config.yaml", yaml.safe_dump(self.config, sort_keys=False))
        for name, rows in (("donors", self.donors), ("lots", self.lots), ("samples", self.samples)):
            columns = list(dict.fromkeys(column for row in rows for column in row))
            lines = ["\t".join(columns), *("\t".join(row.get(column, "") for column in columns) for row in rows)]
            if name not in self.sheets:
                self.put(f"config/{name}.tsv", "\n".join(lines) + "\n")
        return path

    def examine(self) -> list[Problem]:
        path = self.write()
        return check.examine(yaml.safe_load(path.read_bytes()), self.folder, [path])[2]
