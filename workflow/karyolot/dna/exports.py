"""Copy-number results in the formats other programs read: SEG, VCF 4.4, BED, bedGraph. Each function returns the text."""

from collections.abc import Sequence

import pandas as pd

from karyolot.dna.bins import contig_key

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
##INFO=<ID=ORIGIN,Number=1,Type=String,Description="acquired, enriched, or lost (the donor's own change)">
##FORMAT=<ID=CN,Number=1,Type=Float,Description="Copies, mean over all cells">
##FORMAT=<ID=CNF,Number=1,Type=Float,Description="Share of cells if one copy changed">
##FORMAT=<ID=CICNF,Number=2,Type=Float,Description="95 % interval of CNF">
"""
COLOURS = {"gain": "197,90,17", "loss": "31,87,163"}
"""itemRgb of BED: orange gains and blue losses, as in the report."""


def documents(ratios: pd.DataFrame, segments: pd.DataFrame, calls: pd.DataFrame, sample: str) -> dict[str, str]:
    """Format -> text of a lot's copy number. Tables: contracts LogRatios, Segments, Calls; sample: its name there."""
    lengths = ratios.groupby("chrom", sort=False)["end"].max()
    contigs = [(str(name), int(length)) for name, length in lengths.items()]
    return {
        "seg": seg(segments, sample),
        "vcf": vcf(calls, contigs, sample, int((ratios["end"] - ratios["start"]).max())),
        "bed": bed(calls),
        "bedgraph": bedgraph(ratios),
    }


def seg(segments: pd.DataFrame, sample: str) -> str:
    """IGV's SEG: sample, contig, 1-based start, end, bins, log2. segments: contract Segments."""
    header = "ID\tchrom\tloc.start\tloc.end\tnum.mark\tseg.mean"
    rows = [
        f"{sample}\t{row['chrom']}\t{row['start'] + 1}\t{row['end']}\t{row['bins']}\t{row['log2']:.4f}"
        for row in segments.to_dict("records")
    ]
    return "\n".join([header, *rows]) + "\n"


def vcf(calls: pd.DataFrame, contigs: Sequence[tuple[str, int]], sample: str, bin_bp: int) -> str:
    """VCF 4.4 of the calls (contract Calls): symbolic alleles claimed from depth; POS is the base before the change."""
    lines = [VCF_HEADER.rstrip("\n")]
    lines += [f"##contig=<ID={name},length={length}>" for name, length in contigs]
    lines.append(f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{sample}")
    for number, row in enumerate(calls.to_dict("records"), start=1):
        kind = "DUP" if row["type"] == "gain" else "DEL"
        # The base before the change; a change from the first base on is written at 1 (POS 0 means a telomere).
        position = max(row["start"], 1)
        info = (
            f"END={row['end']};SVTYPE={kind};SVLEN={row['end'] - position};SVCLAIM=D;CIPOS=-{bin_bp},{bin_bp};"
            f"CIEND=-{bin_bp},{bin_bp};ORIGIN={row['origin']}"
        )
        value = f"{row['lot_copies']:.3f}:{row['fraction']:.3f}:{row['fraction_low']:.3f},{row['fraction_high']:.3f}"
        lines.append(f"{row['chrom']}\t{position}\tE{number}\tN\t<{kind}>\t.\tPASS\t{info}\tCN:CNF:CICNF\t{value}")
    return "\n".join(lines) + "\n"


def bed(calls: pd.DataFrame) -> str:
    """BED9 of the calls: name is the type and share of cells, score the share in thousandths."""
    lines = []
    for row in calls.to_dict("records"):
        score = min(1000, round(1000 * row["fraction"]))
        place = f"{row['chrom']}\t{row['start']}\t{row['end']}"
        lines.append(
            f"{place}\t{row['type']}_{row['fraction']:.0%}\t{score}\t.\t{row['start']}\t{row['end']}\t{COLOURS[row['type']]}"
        )
    return "".join(f"{line}\n" for line in lines)


def bedgraph(ratios: pd.DataFrame) -> str:
    """bedGraph of the log2 ratio of every used bin (contract LogRatios)."""
    used = ratios[ratios["mask"].isna()]
    lines = ['track type=bedGraph name="log2 lot/donor"']
    lines += [f"{row.chrom}\t{row.start}\t{row.end}\t{row.log2:.4f}" for row in used.itertuples()]
    return "\n".join(lines) + "\n"


def karyotype(calls: pd.DataFrame, sex: str) -> str:
    """An ISCN-like string of what depth shows: '46,XX', 'mos 47,XX,+8[60%]/46,XX', '46,XY,dup(20)(q11.21q11.23)'.

    Not a karyotype: whole chromosomes are counted from calls alone, ploidy and balanced changes are invisible, and shares
    of cells stand in brackets where cytogenetics counts cells. calls: contract Calls; the donor's own are left out.
    """
    own = calls[calls["origin"] != "lost"]
    normal = f"46,X{'X' if sex == 'F' else 'Y'}"
    if own.empty:
        return normal
    number, parts, mosaic = 46, [], False
    for row in own.to_dict("records"):
        name = contig_key(row["chrom"])
        share = "" if row["class"] != "sub-clonal" else f"[{row['fraction']:.0%}]"
        mosaic |= bool(share)
        if row["arm"] == row["chrom"]:
            sign = "+" if row["type"] == "gain" else "-"
            number += 1 if sign == "+" else -1
            parts.append(f"{sign}{name}{share}")
        else:
            kind = "dup" if row["type"] == "gain" else "del"
            bands = row["bands"].removeprefix(name).replace("-", "")
            # A duplication has two ends, also where both lie in one band.
            bands = bands * 2 if kind == "dup" and "-" not in row["bands"] else bands
            parts.append(f"{kind}({name})({bands or '?'}){share}")
    text = f"{number},{normal.split(',')[1]},{','.join(parts)}"
    return f"mos {text}/{normal}" if mosaic else text
