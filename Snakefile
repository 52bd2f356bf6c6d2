"""karyolot: raw reads of a lot of reprogrammed liver cells in, a genomic-stability report per lot out.

snakemake --cores 8 --workflow-profile workflow/profiles/local            all lots
snakemake --cores 8 ... results/LOT-7/report.html                         one lot
snakemake --cores 8 ... copy_number                                       copy number only
"""

import os
import shlex
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")
# `karyolot` is the code beside this Snakefile, here and in every script; no installed copy can be taken instead.
sys.path.insert(0, str(Path(workflow.basedir) / "workflow"))
# Linear algebra of many small matrices is several times slower when its threads fight over the cores of the jobs.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
# Without a path htslib would look for the reference of a CRAM in the network.
os.environ.update(REF_PATH="none")
# Snakemake pastes this path into a shell command; a project in a folder with a space would not run otherwise.
sys.executable = shlex.quote(sys.executable)


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"


# The first rule is what is made when nothing is asked for; no `default_target`, which would hold for a workflow that
# uses this one as a module, too.
rule all:
    input:
        files.lot_targets(study),
        files.study_targets(study),
        files.run_targets(study, settings),


include: "workflow/rules/reference.smk"
include: "workflow/rules/reads.smk"
include: "workflow/rules/alignment.smk"
include: "workflow/rules/copy_number.smk"
include: "workflow/rules/identity.smk"
include: "workflow/rules/small_variants.smk"
include: "workflow/rules/expression.smk"
include: "workflow/rules/pathways.smk"
include: "workflow/rules/verdict.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/run_quality.smk"
