"""What a run takes of the files that describe the genome, as plain columns: `dna` makes its tables of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from karyolot.inputs.formats import bins, fasta, gtf, intervals, layout, regions

TRACKS = {"mappability": intervals.MAPPABILITY, "replication_timing": intervals.TIMING}


def bin_sources(files: Mapping[str, str], bin_bp: int) -> dict[str, Any]:
    """All the grid of bins is made from, by the fields of `BinSources`.

    Parameters
    ----------
    files
        Path by what the file is, as `plan.files.named_sources` names them.
    bin_bp
        Width of the bins, bases.
    """
    facts = layout.read(files["layout"])
    sources: dict[str, Any] = {"layout": facts.layout, "cytobands": facts.bands}
    if "bins" in files:
        annotation = bins.read(files["bins"])
        ends: dict[str, int] = {}
        for name, end in zip(annotation["chrom"], annotation["end"].tolist(), strict=True):
            ends[name] = max(end, ends.get(name, 0))
        return sources | {"contigs": list(ends.items()), "annotation": annotation}
    contigs, composition = fasta.read(files["fasta"], bin_bp)
    sources |= {"contigs": contigs, "composition": composition}
    sources |= {name: intervals.by_contig(files[name], kind) for name, kind in TRACKS.items() if name in files}
    if "blacklist" in files:
        sources["blacklist"] = intervals.read(files["blacklist"], intervals.REGIONS)
    return sources


def places(layout_file: Path | str, recurrent: Path | str, annotations: Sequence[str]) -> dict[str, Any]:
    """Named regions of a genome, by the fields of `dna.atlas.Atlas`. annotations: the one GTF, or nothing."""
    genes: dict[str, list[Any]] = {"chrom": [], "start": [], "end": [], "gene_name": []}
    for path in annotations:
        for name, column in gtf.read(path, transcripts=False).spans.items():
            genes[name] += column
    facts = layout.read(layout_file)
    return {
        "cytobands": facts.bands,
        "recurrent": regions.read(recurrent),
        "genes": genes,
        "immune_receptors": facts.layout.immune_receptors,
    }
