"""The example of real data makes a study that passes the check; tests/workflow/test_clone.py makes it of the real file."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
LANES = ("R1L1Kidney", "R1L2Liver", "R2L2Kidney", "R2L3Liver")


def test_the_study_of_liver_and_kidney_passes_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sys.path.insert(0, str(ROOT / "examples"))
    try:
        import liver_kidney
    finally:
        sys.path.remove(str(ROOT / "examples"))
    genes = [f"ENSG{number:011d}" for number in range(200)] + list(liver_kidney.LIVER)
    counts = {
        lane: [20 + number * factor % 97 for number in range(len(genes))]
        for lane, factor in zip(LANES, (3, 5, 7, 11), strict=True)
    }
    held = {"mycounts": pd.DataFrame(counts, genes), "mylength": pd.Series(1500.5, genes).to_xarray()}
    monkeypatch.setattr("rdata.read_rda", lambda _: held)
    liver_kidney.main(tmp_path / "Marioni.RData", tmp_path / "study")
    command = [sys.executable, "-m", "karyolot", "check", "--directory", str(tmp_path / "study")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "no sample is WGS" in done.stderr, done.stderr
    page = (ROOT / "docs" / "public-data.md").read_text(encoding="utf-8")
    assert all(f"| {gene} |" in page for gene in liver_kidney.LIVER.values())
