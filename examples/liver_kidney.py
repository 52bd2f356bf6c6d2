"""A study of real public data: RNA of human liver and kidney, as if the kidney were a lot and the liver its donor.

    python examples/liver_kidney.py Marioni.RData STUDY
    karyolot run STUDY

Marioni et al. 2008 (Genome Research 18:1509) sequenced one kidney and one liver in five lanes each. Bioconductor's package
NOISeq ships the counts of 5,088 genes on chromosomes 1 to 4 (Artistic-2.0): on Debian `apt-get download r-bioc-noiseq` and
`dpkg-deb -x`, elsewhere NOISeq's source archive; the file is data/Marioni.RData. The package rdata of the lock reads it.
The lanes are technical replicates, so p values are too small; ranks and fold changes are what is expected.
"""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

import rdata
import yaml

LIVER = {
    "ENSG00000163631": "ALB",
    "ENSG00000171560": "FGA",
    "ENSG00000171564": "FGB",
    "ENSG00000171557": "FGG",
    "ENSG00000091513": "TF",
    "ENSG00000158874": "APOA2",
    "ENSG00000084674": "APOB",
}
"""What hepatocytes secrete, of genes on these chromosomes: expected to be lower in the kidney."""
SET = "liver secretion"


def write(text: Iterable[Iterable[str]], path: Path) -> None:
    """Write a tab-separated table."""
    path.write_text("".join("\t".join(row) + "\n" for row in text), encoding="utf-8")


def main(source: Path, study: Path) -> None:
    """Write the study."""
    config = study / "config"
    config.mkdir(parents=True)
    counts = study / "counts.tsv"
    held = rdata.read_rda(source)
    table = held["mycounts"]
    names = [LIVER.get(gene, gene) for gene in table.index]
    lengths = held["mylength"].to_series()[table.index].astype(int)
    table.insert(0, "length", lengths)
    table.insert(0, "gene_name", names)
    table.to_csv(counts, sep="\t", index_label="gene_id")
    samples = [("sample_id", "assay", "lot_id", "donor_id", "counts", "seq_run")]
    for lane in table.columns[2:]:
        owner = ("kidney", "") if "Kidney" in lane else ("", "donor")
        samples.append((lane, "rnaseq", *owner, counts.name, lane[:2]))
    write(samples, config / "samples.tsv")
    write([("lot_id", "donor_id", "passage"), ("kidney", "donor", "1")], config / "lots.tsv")
    write([("donor_id", "sex"), ("donor", "M")], config / "donors.tsv")
    reason = "secreted by hepatocytes"
    markers = [(name, "mature hepatocyte", "down", "Marioni 2008", reason) for name in LIVER.values()]
    write([("gene_name", "group", "expected", "source", "reason"), *markers], config / "markers.tsv")
    write([(SET, "example", *LIVER.values())], config / "liver.gmt")
    write([("set_name", "axis", "informational"), (SET, "LIVER", "no")], config / "axes.tsv")
    digest = hashlib.sha256((config / "liver.gmt").read_bytes()).hexdigest()
    settings = {
        "notice": "Kidney and liver of Marioni 2008; no lot.",
        "expression": {"markers": "config/markers.tsv"},
        "pathways": {
            "gene_sets": [],
            "own_gene_sets": [{"path": "config/liver.gmt", "sha256": digest, "licence": "public gene names"}],
            "axes": "config/axes.tsv",
        },
    }
    (config / "config.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
