"""Calls of a variant caller on lot and donor together, and depths of the places searched."""

import pandas as pd
import pysam

from karyolot.contracts.problems import KaryolotError
from karyolot.io.files import PathLike, open_text

KEPT = {"PASS", "germline", "normal_artifact"}
"""Filters of calls that are read: by the last two Mutect2 marks what it saw in the donor as well (GATK's list of
FilterMutectCalls), which here makes a variant inherited or enriched."""


def read_called(path: PathLike, lot: str, donor: str) -> pd.DataFrame:
    """Contract CalledVariants of a VCF with the samples `lot` and `donor` and the reads of each allele (AD).

    One row per alternative allele; what the caller filtered out for another reason than the donor's
    reads (KEPT) is left out. Raises KaryolotError for another kind of file.
    """
    rows = []
    try:
        with pysam.VariantFile(str(path)) as handle:
            names = list(handle.header.samples)
            if missing := [name for name in (lot, donor) if name not in names]:
                raise KaryolotError(f"{path}: holds no sample {missing[0]} (it has {', '.join(names) or 'none'})")
            if "AD" not in handle.header.formats:
                raise KaryolotError(f"{path}: does not count the reads of each allele; call with the FORMAT field AD")
            for call in handle:
                if set(call.filter.keys()) - KEPT:
                    continue
                counts = [call.samples[name].get("AD") or () for name in (lot, donor)]
                for n, alt in enumerate(call.alts or (), start=1):
                    if alt.startswith(("<", "*")):
                        continue
                    ref_alt = [int(count[i] or 0) if i < len(count) else 0 for count in counts for i in (0, n)]
                    rows.append((call.chrom, call.start, call.start + len(str(call.ref)), call.ref, alt, *ref_alt))
    except (OSError, ValueError) as error:
        raise KaryolotError(f"{path}: not a readable VCF file ({error}); make it again") from error
    numbers = ["lot_ref", "lot_alt", "donor_ref", "donor_alt"]
    frame = pd.DataFrame(rows, columns=["chrom", "start", "end", "ref", "alt", *numbers])
    return frame.astype(
        dict.fromkeys(["start", "end", *numbers], "int64") | dict.fromkeys(["chrom", "ref", "alt"], str)
    )


def read_depths(path: PathLike) -> pd.DataFrame:
    """Contract GeneDepths from `samtools bedcov`: the columns of the user's BED, then the sums of depth of lot and donor."""
    rows = []
    with open_text(path) as handle:
        for fields in (line.rstrip("\n").split("\t") for line in handle):
            start, end = int(fields[1]), int(fields[2])
            gene = fields[3] if len(fields) > 5 else f"{fields[0]}:{start + 1}-{end}"
            rows.append((fields[0], start, end, gene, *(int(total) / (end - start) for total in fields[-2:])))
    if not rows:
        raise KaryolotError(f"{path}: the list of genes holds no place of this genome")
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "gene", "lot_depth", "donor_depth"])
