"""Files of another format than the one expected: named by what they are, with the command that converts them."""

from karyolot.contracts.problems import Fault

BIG_WIG = ("a bigWig file", "convert it: bigWigToBedGraph IN.bw OUT.bedgraph")
BIG_BED = ("a bigBed file", "convert it: bigBedToBed IN.bb OUT.bed")
READS = "count its fragments per bin (bedtools coverage -counts); in a study, give it in the column alignment"
TEXT = "save it as tab-separated text"
UNZIP = "unzip it; save a spreadsheet as tab-separated text"
R_DATA = ("an R data file", r"export it in R: write.table(x, file, sep = '\t', quote = FALSE, row.names = FALSE)")
BINARY = {
    b"\x26\xfc\x8f\x88": BIG_WIG,
    b"\x88\x8f\xfc\x26": BIG_WIG,
    b"\xeb\xf2\x89\x87": BIG_BED,
    b"\x87\x89\xf2\xeb": BIG_BED,
    b"BAM\x01": ("a BAM file", READS),
    b"BCF\x02": ("a BCF file", "convert it: bcftools view -Oz -o OUT.vcf.gz IN.bcf"),
    b"CRAM": ("a CRAM file", READS),
    b"PK\x03\x04": ("a spreadsheet or a zip archive", UNZIP),
    b"\xd0\xcf\x11\xe0": ("an old Excel file", TEXT),
    b"%PDF": ("a PDF", TEXT),
    b"\x89HDF": ("an HDF5 file", "export it as tab-separated text"),
    b"PAR1": ("a parquet file", "export it as tab-separated text"),
    b"RDX": R_DATA,
    b"X\n\x00\x00": R_DATA,
    b"BZh": ("compressed with bzip2, which the tools do not read", "bunzip2 -c FILE | gzip > FILE.gz"),
    b"\xfd7zXZ": ("compressed with xz, which the tools do not read", "xz -dc FILE | gzip > FILE.gz"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd, which the tools do not read", "zstd -dc FILE | gzip > FILE.gz"),
}
"""First bytes -> format, and how to convert it."""
TEXTS = {
    "##fileformat=VCF": ("VCF", "name a table of intervals"),
    "##gff": ("GFF", "name a table of intervals"),
    ">": ("FASTA", "name a table of intervals"),
    "@": ("FASTQ or SAM", "name a table of intervals"),
    "{": ("JSON", "export it as tab-separated text"),
    "<": ("HTML or XML: a web page was saved instead of the file", "fetch it again"),
    "ID\tchrom\tloc.start": ("a SEG file of segments", "name the table of bins it was made from"),
}
"""The same of the first line of a text file that is no table of intervals."""


def refuse_binary(head: bytes) -> None:
    """Raise a Fault when the first bytes of a file, gunzipped if need be, are those of a binary format."""
    for magic, (name, remedy) in BINARY.items():
        if head.startswith(magic):
            raise Fault("E28", f"is {name}", remedy)


def refuse_text(line: str, number: int) -> None:
    """Raise a Fault when the first line of a text file is that of a format without intervals."""
    for start, (name, remedy) in TEXTS.items():
        if line.startswith(start):
            raise Fault("E28", f"is {name}", remedy, number)
