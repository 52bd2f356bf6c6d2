"""A file of the sample table that was replaced is verified again, also when its time stamp is older than every result."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from karyolot.plan.params import state_of
from planted_inputs import Inputs

SNAKEFILE = Path(__file__).parents[2] / "Snakefile"
UNITS = {"dna/L3.bam": "L3w", "dna/D2.tsv": "D2w"}
"""An alignment and a table of counts -> the sample each belongs to."""
OLD = 10**18
"""Nanoseconds: in 2001."""


def snakemake(directory: Path, *words: str) -> str:
    """What a run of the facts of UNITS prints."""
    facts = [f"results/samples/{sample}/reads/{sample}.L1.json" for sample in UNITS.values()]
    command = ["-m", "snakemake", "--snakefile", SNAKEFILE, "--directory", directory, *words, "--", *facts]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


def test_an_input_replaced_under_an_older_time_stamp_is_verified_again(tmp_path: Path) -> None:
    Inputs(tmp_path).write()
    assert "2 of 2 steps" in snakemake(tmp_path, "--cores", "1")
    assert "Nothing to be done" in snakemake(tmp_path, "--dry-run")
    for name in UNITS:
        os.utime(tmp_path / name, ns=(OLD, OLD))
    planned = snakemake(tmp_path, "--dry-run")
    for sample in UNITS.values():
        assert f"results/samples/{sample}/reads/{sample}.L1.json" in planned


def test_reads_are_aligned_again_as_well() -> None:
    """FASTQ files are verified in the pipe that aligns them, too long a job for this test: that rule is told their state."""
    rules = (SNAKEFILE.parent / "workflow" / "rules" / "alignment.smk").read_text(encoding="utf-8")
    (align,) = re.findall(r"^rule align_reads:\n(.*?)^rule ", rules, flags=re.M | re.S)
    assert "state=lambda wildcards: state_of(samples.lanes_of(study, wildcards.sample))" in align


@pytest.mark.parametrize("time", [OLD, OLD + 1, 2 * OLD])
def test_the_state_of_a_file_is_its_size_and_time(time: int, tmp_path: Path) -> None:
    path, absent = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"ACGT")
    os.utime(path, ns=(time, time))
    assert state_of(str(path)) == [(4, time)]
    assert state_of([str(path), str(absent)]) == [(4, time), (-1, -1)]
