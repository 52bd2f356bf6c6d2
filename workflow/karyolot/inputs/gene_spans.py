"""Where the genes of an annotation lie."""

import re
from pathlib import Path
from typing import Any

from karyolot.contracts.problems import Fault
from karyolot.inputs.formats.text import lines, named, whole_number

NAME = re.compile(r'gene_name "([^"]+)"')


def read_genes(gtf: Path | str | list[str]) -> dict[str, Any]:
    """Columns chrom, start, end (0-based half-open) and gene_name of a GTF: the span of all rows that name a gene.

    An empty list (a rule's optional input that is not given) has no genes.
    """
    spans: dict[tuple[str, str], tuple[int, int]] = {}
    for path in gtf if isinstance(gtf, list) else [gtf]:
        with named(path):
            for line, text in lines(Path(path)):
                found = NAME.search(text)
                if found is None or text.startswith("#"):
                    continue
                fields = text.split("\t", 5)
                try:
                    start, end = whole_number(fields[3]) - 1, whole_number(fields[4])
                except (IndexError, ValueError) as error:
                    raise Fault("E28", f"start and end are not numbers ({error})", "correct the line", line) from error
                low, high = spans.get((fields[0], found[1]), (start, end))
                spans[fields[0], found[1]] = min(low, start), max(high, end)
    return {
        "chrom": [chrom for chrom, _ in spans],
        "start": [start for start, _ in spans.values()],
        "end": [end for _, end in spans.values()],
        "gene_name": [name for _, name in spans],
    }
