"""How reads are searched for foreign sequences: which samples of a lot, and the command line. Pure functions."""

import shlex
from typing import Any

from karyolot.contracts.settings import Config, Reference
from karyolot.contracts.sheets import Study
from karyolot.plan.files import ALIGNED, FASTA, given, paired, trimmed_reads
from karyolot.plan.samples import expressed_samples, wgs_pair

UNMAPPED = "results/samples/{sample}/rna/unmapped.fq.gz"
FEWEST_CLIPPED = 20
"""Bases of a read that its alignment to the host leaves out, from which on it is searched: it may go on in a virus."""
MAP = "minimap2 -x sr -k 15 -w 5 -f 100,100 -c --secondary=no -t 1 {panel} -"
"""Seeds of 15 bases find genotypes that differ in 10 % of the bases. Those that occur more than 100 times are left out: they
are of telomeres and other repeats of a herpesvirus, and reads of human telomeres would take a thousand times as long. Without
secondary alignments, of which there are many among genotypes."""
UNUSED = 0x100 | 0x200 | 0x400 | 0x800
"""Flags of secondary, failed, duplicate and supplementary records."""


def reads(study: Study, lot: str) -> dict[str, list[str]]:
    """What is searched of a lot and its donor: reads on the host, and of RNA those that salmon could not map."""
    return paired(study, lot) | {"rna": [UNMAPPED.format(sample=sample) for sample in expressed_samples(study, lot)]}


def samples_of(study: Study, lot: str) -> list[dict[str, str]]:
    """Samples as `contracts.foreign.Searched` distinguishes them, lot before donor, DNA before RNA; RNA replicates together."""
    roles = [role for role, own in _expressed(study, lot).items() if own]
    return [{"role": role, "assay": "DNA"} for role in ("lot", "donor")] + [
        {"role": role, "assay": "RNA"} for role in roles
    ]


def _expressed(study: Study, lot: str) -> dict[str, list[str]]:
    samples = expressed_samples(study, lot)
    return {
        role: [name for name in samples if bool(study.samples[name][0].lot_id) is is_lot]
        for role, is_lot in (("lot", True), ("donor", False))
    }


def command(study: Study, settings: Config, lot: str) -> str:
    """Bash that prints the alignments of all samples of a lot to the panel; the names of reads begin with ROLE.ASSAY."""
    panel = shlex.quote(given(settings.reference.foreign)[0])
    donor, own = wgs_pair(study, lot)
    sources = [_dna(f"{role}.DNA", sample) for role, sample in (("lot", own), ("donor", donor))]
    sources += [_rna(f"{role}.RNA", name) for role, names in _expressed(study, lot).items() for name in names]
    return "{ " + " && ".join(f"{source} | {MAP.format(panel=panel)}" for source in sources) + "; }"


def _dna(tag: str, sample: str) -> str:
    """FASTQ of the reads that the host explains in part or not at all; names as `io.foreign` reads them."""
    chosen = f"-F {UNUSED} --reference {FASTA} -e 'flag.unmap || sclen >= {FEWEST_CLIPPED}'"
    mate, lone, alone = "int($2/64)%2 ? 1 : 2", "int($2/4)%2", "int($2/4)%2 && int($2/8)%2"
    names = f'"{tag}," $1, {mate}, ({alone}) ? "*" : $3, $4, ({lone}) ? "*" : $6, $10, $11'
    program = rf'{{ printf "@%s,%s,%s,%s,%s\n%s\n+\n%s\n", {names} }}'
    return f"samtools view {chosen} {ALIGNED['dna'].format(sample=sample)} | awk -F'\\t' {shlex.quote(program)}"


def _rna(tag: str, sample: str) -> str:
    """The reads that `keep_unmapped` kept, tagged."""
    return f"gzip -cd {UNMAPPED.format(sample=sample)} | sed '1~4s/^@/@{tag},/'"


def keep_unmapped(reference: Reference, study: Study, sample: str, output: Any) -> str:
    """Bash of `quantify_transcripts` that keeps the reads that salmon mapped neither to a transcript nor to a decoy, where a
    panel is given; names as `io.foreign` reads them, without their tag."""
    if reference.foreign is None:
        return "true"
    named, kept = f"{output.quant}.part/aux_info/unmapped_names.txt", f"{output.quant}.part/unmapped.fq.gz"
    program = (
        'FILENAME == ARGV[1] { if ($2 == "u") { sub("/[12]$", "", $1); kept[$1] }; next } '
        'FNR % 4 == 1 { name = substr($1, 2); sub("/[12]$", "", name); shown = (name in kept); '
        '$0 = "@" name "," mate ",*,0,*" } shown'
    )
    mates = (1, 2) if study.samples[sample][0].fastq_2 is not None else (1,)
    each = " && ".join(
        f"awk -v mate={mate} {shlex.quote(program)} {named} <(gzip -cd {trimmed_reads(sample, mate)})" for mate in mates
    )
    return f"({each}) | gzip -n -1 > {kept} && mv {kept} {output.unmapped}"
