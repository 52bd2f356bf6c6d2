"""Which aligner made an alignment, by its header. Reads of lot and donor placed by different ones differ in repeats."""

import re

FAMILIES = {
    "bwa": "bwa", "bwa-mem2": "bwa", "bwa-mem3": "bwa", "pbrun fq2bam": "bwa", "minimap2": "minimap2", "bowtie2": "bowtie2",
    "hisat2": "hisat2", "star": "STAR", "novoalign": "novoalign", "strobealign": "strobealign", "dragen": "DRAGEN",
    "minibwa": "minibwa", "snap": "SNAP",
}  # fmt: skip
"""Program as a header names it, in lower case -> the family whose members align reads alike."""


def family_of(header: str) -> str | None:
    """The family of the aligner that the @PG lines of a header name; several joined by ' and '; None = none that is known."""
    names = re.findall(r"^@PG\t(?:.*\t)?(?:PN|ID):([^\t\n]+)", header, flags=re.MULTILINE)
    names += re.findall(r"^@PG\t(?:.*\t)?ID:([^\t\n]+)", header, flags=re.MULTILINE)
    plain = (re.sub(r"[.-]\d+$", "", name.lower()) for name in names)
    found = {FAMILIES[name] for name in plain if name in FAMILIES}
    found |= {"DRAGEN" for name in names if name.lower().startswith("dragen")}
    return " and ".join(sorted(found)) or None
