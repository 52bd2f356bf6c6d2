"""FASTQ files of a sample in front of a tool: each file is read once, for its checksum, its verification and the tool.

    python -m karyolot.inputs.stream FACTS LANES [TOOL [ARGUMENT...]]

Without a tool the files are only verified. The tool reads pairs whose mates follow each other on its standard input. The name of
each read is followed by the read group of its lane, if it has one (a tab, `RG:Z:` and the library), and aligners copy it into the
records. FACTS is written when every read was verified and the tool succeeded. On a fault the tool is stopped, so nothing that
follows it in a pipe can pass for complete.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

from karyolot.contracts.problems import KaryolotError
from karyolot.inputs.formats import fastq
from karyolot.inputs.formats.text import named
from karyolot.io.files import write_sealed

TWO_COLOURS = ("NS", "NB", "NDX", "A0")
"""How names of reads begin that come from Illumina instruments in which G is the absence of a signal. fastp knows these, but
not where it reads from a pipe."""


def stream(lanes: Sequence[Mapping[str, Any]], out: IO[bytes] | None) -> dict[str, Any]:
    """Print the reads of all lanes (None: nowhere), and return `fastq.read`'s facts of them together, and the number of `lanes`.

    lanes: paths, sha256 (None where it is not known) and group of each.
    """
    found = [fastq.read(lane["paths"], lane["sha256"], out, lane["group"]) for lane in lanes]
    return {
        "lanes": len(found),
        "reads": sum(lane["reads"] for lane in found),
        "bases": sum(lane["bases"] for lane in found),
        "read_length_min": min(lane["read_length_min"] for lane in found),
        "read_length_max": max(lane["read_length_max"] for lane in found),
        "files": [file for lane in found for file in lane["files"]],
    }


def trims_g(lanes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the reads of a lane come from an instrument that reads G where there is no signal."""
    for path in (lane["paths"][0] for lane in lanes):
        with named(path):
            if any(read.name.startswith(TWO_COLOURS) for read in islice(fastq.records(Path(path)), 1)):
                return True
    return False


def main() -> None:
    """Run the tool on the reads of the lanes; exit code 1 with one sentence when a file is not what it must be."""
    facts, given, *tool = sys.argv[1:]
    lanes = json.loads(given)
    try:
        if not tool:
            return write_sealed(stream(lanes, None), facts)
        tool.append("--trim_poly_g" if trims_g(lanes) else "--disable_trim_poly_g")
        with subprocess.Popen(tool, stdin=subprocess.PIPE) as process:
            assert process.stdin is not None
            try:
                found = stream(lanes, process.stdin)
                process.stdin.close()
            except BrokenPipeError:  # the tool ended, and said why
                found = None
            except BaseException:
                process.kill()
                raise
            if process.wait() or found is None:
                raise SystemExit(process.returncode or 1)
        write_sealed(found, facts)
    except (KaryolotError, OSError) as fault:
        sys.stderr.write(f"{fault}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
