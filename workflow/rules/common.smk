"""
INPUTS   config/config.yaml and the three sample tables it names
OUTPUTS  settings, study: checked; and the input functions of all rules, bound to them
STEPS    every problem of the inputs is reported here, before any job starts; the functions live in karyolot.plan
"""

from pathlib import Path

from karyolot.contracts.settings import SIGNED, Config
from karyolot.commands import audit
from karyolot.commands.run import hold_or_stop, share_memory, stop_too_large, stop_unable, stop_without
from karyolot.inputs import check, lists
from karyolot.inputs.study import differences
from karyolot.io.shipped import portable
from karyolot.plan import commands, expression, files, foreign, samples, variants
from karyolot.plan.params import only_if, programs, state_of, step
from karyolot.plan.provenance import code_state, signed
from karyolot.plan.resources import Needs

# Held until this process ends, however it ends.
locked = hold_or_stop(Path.cwd(), sys.argv[1:], main=workflow.is_main_process)
audit.prepare(Path.cwd(), sys.argv[1:], main=workflow.is_main_process)
settings, study = check.load_or_stop(config, Path.cwd(), workflow.configfiles, contents=workflow.is_main_process)
shipped = files.shipped
needs = Needs(study, settings)
# Pages of uncommitted or unknown code bear a mark: they are rendered again once the code is one known commit.
made_by = code_state()
# Every process of a run passes here, also on a node: its jobs inherit who runs it.
os.environ.update(signed({name: getattr(settings, name) for name in SIGNED}, os.environ))
# With conda or a container the tools come from envs/; else they must be on PATH.
stop_without(commands.all_tools(study, settings), workflow.deployment_settings.deployment_method)
stop_unable(commands.aligned_by(study, settings), sys.argv[1:], main=workflow.is_main_process)
# The Python of shell commands.
python = commands.python_of_jobs(workflow.deployment_settings.deployment_method)
memory_mb = share_memory(workflow)


onstart:
    stop_too_large(workflow.dag.needrun_jobs(), needs, memory_mb)
    audit.begin(Path.cwd(), workflow.dag, settings, workflow.configfiles)


onsuccess:
    audit.end(Path.cwd(), workflow.dag, "done")


onerror:
    audit.end(Path.cwd(), workflow.dag, "failed")


# Seconds of one process: also on a cluster they run where Snakemake does.
localrules:
    tabulate_verdicts,
    render_overview,


wildcard_constraints:
    lot=samples.one_of(audit.made(study.lots, os.environ)),
    sample=samples.one_of(list(study.samples)),
    unit=r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+",
