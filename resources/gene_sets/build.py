"""Rebuild go.gmt and sources.tsv from Gene Ontology as Debian packages it.

    apt-get download r-bioc-org.hs.eg.db r-bioc-go.db
    for deb in *.deb; do dpkg -x "$deb" unpacked; done
    python3 build.py unpacked/usr/lib/R/site-library/{org.Hs.eg.db/extdata/org.Hs.eg,GO.db/extdata/GO}.sqlite

Which terms: the rows of axes.tsv whose name starts with 'GO:'. A set is the term with all its descendants. Annotations
without a curator behind them (evidence IEA) or without content (ND) are left out.
"""

import hashlib
import sqlite3
import sys
from pathlib import Path

HERE = Path(__file__).parent
GENES = """
    SELECT DISTINCT symbol FROM go_bp_all JOIN gene_info USING (_id)
    WHERE go_id = ? AND evidence NOT IN ('IEA', 'ND') ORDER BY symbol
"""


def main(human: Path, ontology: Path) -> None:
    """human: org.Hs.eg.sqlite (genes and their annotations). ontology: GO.sqlite (names of the terms)."""
    genes_of, terms = sqlite3.connect(human), sqlite3.connect(ontology)
    dates = dict(genes_of.execute("SELECT name, value FROM metadata"))
    wanted = [line.split("\t")[0] for line in (HERE / "axes.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    lines = []
    for name in (name for name in wanted if name.startswith("GO:")):
        go_id, term = name.split(" ", 1)
        if terms.execute("SELECT term FROM go_term WHERE go_id = ?", (go_id,)).fetchone() != (term,):
            sys.exit(f"axes.tsv calls {go_id} '{term}', which is not its name in this release of GO")
        symbols = [row[0] for row in genes_of.execute(GENES, (go_id,))]
        lines.append("\t".join([name, f"https://amigo.geneontology.org/amigo/term/{go_id}", *symbols]))
    (HERE / "go.gmt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    sources = [
        ("file", "version", "licence", "source", "sha256"),
        (
            "go.gmt",
            f"GO {dates['GOSOURCEDATE']}, annotations {dates['GOEGSOURCEDATE']}",
            "CC BY 4.0",
            "Gene Ontology Consortium, through Debian's r-bioc-org.hs.eg.db and r-bioc-go.db",
            _sha256("go.gmt"),
        ),
        (
            "yap_taz.gmt",
            "1",
            "BSD-3-Clause",
            "a list of gene names after Wang 2018, Cell Reports 25:1304",
            _sha256("yap_taz.gmt"),
        ),
    ]
    (HERE / "sources.tsv").write_text("\n".join("\t".join(row) for row in sources) + "\n", encoding="utf-8")


def _sha256(name: str) -> str:
    return hashlib.sha256((HERE / name).read_bytes()).hexdigest()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
