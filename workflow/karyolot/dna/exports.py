"""Copy-number results in the formats other programs read: SEG, VCF 4.4, BED, bedGraph. Each function returns the text."""

from collections.abc import Sequence

import pandas as pd

from karyolot.contracts.cells import fraction_of_cells, share, tetraploid

VCF_HEADER = """##fileformat=VCFv4.4
##source=karyolot
##ALT=<ID=DUP,Description="Gain of the lot against its donor">
##ALT=<ID=DEL,Description="Loss of the lot against its donor">
##INFO=<ID=END,Number=1,Type=Integer,Description="End position">
##INFO=<ID=SVTYPE,Number=1,Type=String,Description="DUP or DEL">
##INFO=<ID=SVLEN,Number=A,Type=Integer,Description="Length in bases">
##INFO=<ID=SVCLAIM,Number=A,Type=String,Description="D: claimed from depth alone, not from a breakpoint">
##INFO=<ID=CIPOS,Number=.,Type=Integer,Description="Uncertainty of POS: one bin">
##INFO=<ID=CIEND,Number=.,Type=Integer,Description="Uncertainty of END: one bin">
##INFO=<ID=NAME,Number=1,Type=String,Description="Common name of the change, spaces as underscores">
##INFO=<ID=ORIGIN,Number=1,Type=String,Description="acquired, enriched, or lost (the donor's own change)">
##FORMAT=<ID=CN,Number=1,Type=Float,Description="Copies, mean over all cells">
##FORMAT=<ID=CNF,Number=1,Type=Float,Description="Fraction of cells if one copy changed: of {cells}">
##FORMAT=<ID=CICNF,Number=2,Type=Float,Description="95% confidence interval of CNF">
##FORMAT=<ID=CNF4,Number=1,Type=Float,Description="CNF in tetraploid cells; missing where the DNA content was measured">
##FORMAT=<ID=LODF,Number=1,Type=Float,Description="Smallest CNF at which a change of this size is called">
"""
COLOURS = {"gain": "197,90,17", "loss": "31,87,163"}
"""itemRgb of BED: orange gains and blue losses, as in the report."""


def documents(
    ratios: pd.DataFrame, segments: pd.DataFrame, calls: pd.DataFrame, sample: str, sets: float | None = None
) -> dict[str, str]:
    """Format -> text of a lot's copy number. Tables: schema LogRatios, Segments, Calls; sample: its name there; sets: of
    chromosomes in its cells, None = not measured."""
    lengths = ratios.groupby("chrom", sort=False)["end"].max()
    contigs = [(str(name), int(length)) for name, length in lengths.items()]
    return {
        "seg": seg(segments, sample, sets),
        "vcf": vcf(calls, contigs, sample, int((ratios["end"] - ratios["start"]).max()), sets),
        "bed": bed(calls),
        "bedgraph": bedgraph(ratios),
    }


def seg(segments: pd.DataFrame, sample: str, sets: float | None = None) -> str:
    """IGV's SEG: sample, contig, 1-based start, end, bins, log2, and behind it the cell fractions of a one-copy change in cells
    of the measured DNA content or else diploid, and in tetraploid ones. segments: schema Segments; sets: as `documents`."""
    header = "ID\tchrom\tloc.start\tloc.end\tnum.mark\tseg.mean\tcell.fraction\ttetraploid.fraction"
    rows = []
    for row in segments.to_dict("records"):
        fraction = float(fraction_of_cells(row["mean"], max(row["copies"], 1), sets))
        place = f"{sample}\t{row['chrom']}\t{row['start'] + 1}\t{row['end']}\t{row['bins']}"
        rows.append(f"{place}\t{row['log2']:.4f}\t{fraction:.4f}\t{_number(tetraploid(fraction, sets), 4, 'NA')}")
    return "\n".join([header, *rows]) + "\n"


def _number(value: float | None, decimals: int, missing: str) -> str:
    return missing if value is None or pd.isna(value) else f"{value:.{decimals}f}"


def vcf(
    calls: pd.DataFrame, contigs: Sequence[tuple[str, int]], sample: str, bin_bp: int, sets: float | None = None
) -> str:
    """VCF 4.4 of the calls (schema Calls): symbolic alleles claimed from depth; POS is the base before the change."""
    content = (
        "diploid cells, the DNA content was not measured" if sets is None else f"cells with a DNA content of {sets:g}n"
    )
    lines = [VCF_HEADER.rstrip("\n").format(cells=content)]
    lines += [f"##contig=<ID={name},length={length}>" for name, length in contigs]
    lines.append(f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{sample}")
    for row in calls.to_dict("records"):
        kind = "DUP" if row["type"] == "gain" else "DEL"
        # The base before the change; a change from the first base on is written at 1 (POS 0 means a telomere).
        position = max(row["start"], 1)
        info = (
            f"END={row['end']};SVTYPE={kind};SVLEN={row['end'] - position};SVCLAIM=D;CIPOS=-{bin_bp},{bin_bp};"
            f"CIEND=-{bin_bp},{bin_bp};ORIGIN={row['origin']};"
            f"NAME={row['name'].replace(' ', '_')}"
        )
        value = f"{row['lot_copies']:.3f}:{row['fraction']:.3f}:{row['fraction_low']:.3f},{row['fraction_high']:.3f}"
        value += f":{_number(row['tetraploid'], 3, '.')}:{row['limit']:.3f}"
        place = f"{row['chrom']}\t{position}\t{row['id']}\tN\t<{kind}>"
        lines.append(f"{place}\t.\tPASS\t{info}\tCN:CNF:CICNF:CNF4:LODF\t{value}")
    return "\n".join(lines) + "\n"


def bed(calls: pd.DataFrame) -> str:
    """BED9 of the calls: name is the type and cell fraction, score the fraction in thousandths."""
    lines = []
    for row in calls.to_dict("records"):
        score = min(1000, round(1000 * row["fraction"]))
        place = f"{row['chrom']}\t{row['start']}\t{row['end']}"
        lines.append(
            f"{place}\t{row['type']}_{share(row['fraction'])}\t{score}\t.\t{row['start']}\t{row['end']}\t{COLOURS[row['type']]}"
        )
    return "".join(f"{line}\n" for line in lines)


def bedgraph(ratios: pd.DataFrame) -> str:
    """bedGraph of the log2 ratio of every used bin (schema LogRatios)."""
    used = ratios[ratios["mask"].isna()]
    lines = ['track type=bedGraph name="log2 lot/donor"']
    lines += [f"{row.chrom}\t{row.start}\t{row.end}\t{row.log2:.4f}" for row in used.itertuples()]
    return "\n".join(lines) + "\n"
