"""The example of real data makes a study that passes the check; a stand-in reads the file, which needs R and a download."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LANES = ("R1L1Kidney", "R1L2Liver", "R2L2Kidney", "R2L3Liver")
RSCRIPT = """#!{python}
import sys
genes = [f"ENSG{{number:011d}}" for number in range(200)] + {liver}
with open(sys.argv[-1], "w") as out:
    out.write("\\t".join(("gene_id", "length", *{lanes})) + "\\n")
    for place, gene in enumerate(genes):
        counts = [str(20 + (place * factor) % 97) for factor in (3, 5, 7, 11)]
        out.write("\\t".join((gene, "1500", *counts)) + "\\n")
"""


def test_the_study_of_liver_and_kidney_passes_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sys.path.insert(0, str(ROOT / "examples"))
    try:
        import liver_kidney
    finally:
        sys.path.remove(str(ROOT / "examples"))
    stand_in = tmp_path / "Rscript"
    text = RSCRIPT.format(python=sys.executable, liver=list(liver_kidney.LIVER), lanes=LANES)
    stand_in.write_text(text, encoding="utf-8")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    liver_kidney.main(tmp_path / "Marioni.RData", tmp_path / "study")
    command = [sys.executable, "-m", "karyolot", "check", "--directory", str(tmp_path / "study")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "no sample is WGS" in done.stderr, done.stderr
    page = (ROOT / "docs" / "public-data.md").read_text(encoding="utf-8")
    assert all(f"| {gene} |" in page for gene in liver_kidney.LIVER.values())
