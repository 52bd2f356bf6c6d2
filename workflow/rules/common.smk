"""
INPUTS   config/config.yaml and the three sample tables it names
OUTPUTS  settings, study: checked; and the input functions of all rules, bound to them
STEPS    every problem of the inputs is reported here, before any job starts; the functions live in karyolot.paths
"""

from karyolot import check, paths
from karyolot.config import differences
from karyolot.runtime import stage

settings, study = check.load_or_stop(config, Path.cwd(), workflow.configfiles, contents=workflow.is_main_process)
shipped = paths.shipped
# With conda or a container the tools come from envs/; else they must be on PATH.
check.stop_without(paths.all_tools(study, settings), workflow.deployment_settings.deployment_method)


wildcard_constraints:
    lot=paths.one_of(list(study.lots)),
    sample=paths.one_of(list(study.samples)),
    unit=r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+",
