"""Everything that can be wrong with the inputs and be known before compute, reported in one pass.

Reads files, writes none. Codes are listed in `contracts.problems.CODES`.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from karyolot.contracts.criteria import Acceptance
from karyolot.contracts.minimum import uncovered
from karyolot.contracts.problems import Fault, InputProblems, KaryolotError, Problem
from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import Study
from karyolot.inputs import comparisons, expression, genome, rows, sequencing
from karyolot.inputs.files import CONFIG, Files, unsafe_paths
from karyolot.inputs.formats import yaml
from karyolot.inputs.study import Draft, parse_config, parse_study


def read_settings(path: Path) -> dict[str, Any]:
    """config.yaml as it is written; raises KaryolotError when there is none, or when it holds no settings."""
    try:
        raw = yaml.load(path)
    except Fault as fault:
        raise fault.named(str(path)) from fault
    if not isinstance(raw, dict):
        raise KaryolotError(f"{path}: holds no settings; see config/defaults.yaml for what can be set")
    return raw


def load(
    raw: Mapping[str, Any], workdir: Path, configfiles: Sequence[str | Path] = (), *, contents: bool = True
) -> tuple[Config, Study]:
    """The checked configuration and study.

    configfiles: where `raw` was read from, to name lines. contents=False checks the configuration and the tables, and
    looks into no other file: for the jobs of a run that was checked when it was started.
    Prints warnings to stderr; raises InputProblems, warnings included, when there is any error.
    """
    config, draft, problems = examine(raw, workdir, configfiles, contents=contents)
    if any(not problem.warning for problem in problems):
        raise InputProblems(problems)
    if contents:
        sys.stderr.writelines(f"{problem}\n" for problem in problems)
    return config, draft.study()


def load_or_stop(
    raw: Mapping[str, Any], workdir: Path, configfiles: Sequence[str | Path] = (), *, contents: bool = True
) -> tuple[Config, Study]:
    """`load`, or the problems on stderr and exit code 2: Snakemake would add its own traceback to an error."""
    try:
        return load(raw, workdir, configfiles, contents=contents)
    except KaryolotError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None


def examine(
    raw: Mapping[str, Any], workdir: Path, configfiles: Sequence[str | Path] = (), *, contents: bool = True
) -> tuple[Config, Draft, list[Problem]]:
    """What `load` finds, without raising: problems sorted by file and line."""
    config, of_config = parse_config(raw, CONFIG)
    draft, of_tables = parse_study(config, workdir, CONFIG)
    problems = of_config + of_tables
    if contents:
        for path in configfiles:
            try:
                yaml.load(Path(path))
            except Fault as fault:
                problems.append(Problem(fault.code, str(path), fault.message, fault.remedy, fault.line))
    faulty = {problem.column or "" for problem in of_config}
    faulty |= {f"{(problem.column or '').rpartition('.')[0]}.{problem.meant}" for problem in of_config if problem.meant}
    if any("gene_sets" in key for key in faulty):
        faulty.add("pathways.axes")  # names the sets of files that were not read
    found = check(config, draft, workdir, contents=contents)
    # A setting that could not be read stands at its default now, which is not the user's choice to be blamed for.
    problems += [problem for problem in found if problem.file != CONFIG or problem.column not in faulty]
    problems = [_located(problem, configfiles) for problem in problems]
    return config, draft, sorted(problems, key=lambda problem: problem.order)


def _located(problem: Problem, configfiles: Sequence[str | Path]) -> Problem:
    """A problem of the configuration with the file and line of its setting."""
    if problem.file != CONFIG or not configfiles:
        return problem
    for path in configfiles:
        if problem.column and (line := yaml.line_of(Path(path), _parts(problem.column))):
            return replace(problem, file=str(path), line=line)
    # The setting is not there: to be added, or left at a default, or given with --config.
    return replace(problem, file=str(configfiles[0]))


def _parts(key: str) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in key.split(".")]


def check(config: Config, draft: Draft, workdir: Path, *, contents: bool = True) -> list[Problem]:
    """All that is wrong between the rows of the tables, the settings and (with `contents`) the files they name."""
    problems = list(rows.problems(draft))
    # Where it is not sure what belongs to whom, nothing is said to be missing.
    doubtful = any(entry.bad & rows.IDS for entry in draft.rows) or any(
        problem.code in {"E11", "E24"} or (problem.code == "E01" and problem.column in rows.IDS) for problem in problems
    )
    problems += comparisons.comparisons(draft, config, doubtful)
    problems += comparisons.needs(config, draft)
    problems += unsafe_paths(draft, config)
    if contents:
        problems += _in_files(Files(config, draft, workdir))
    return problems


def _in_files(files: Files) -> list[Problem]:
    """All that is wrong with the files that settings and rows name, by themselves and with each other."""
    uses = files.files_of_samples()
    files.same_data(uses)
    files.files_of_settings()
    contigs = genome.reference(files)
    genome.tracks(files, contigs)
    files.report("identity.sites", partial(sequencing.panel, files, contigs))
    genes = expression.annotation(files, contigs)
    genome.driver_panel(files, genes)
    sequencing.reads(files, uses, contigs)
    sequencing.calls(files, contigs)
    for use in uses:
        if use.column == "counts" and use.entry.row.assay == "wgs":
            files.report_row(use, genome.counts(files, use, contigs))
    sequencing.alleles(files, uses, contigs)
    genome.compare_with_donors(files, uses)
    sources = expression.gene_sources(files, uses, genes)
    files.report("expression.markers", partial(expression.markers, files, sources))
    files.report("expression.panel", partial(expression.panel, sources))
    expression.gene_sets(files, sources)
    files.report("acceptance", partial(acceptance, files))
    files.remembered.save()
    return files.found


def acceptance(files: Files, file: Path) -> Iterator[Fault]:
    """What is wrong with the acceptance document."""
    document, faults = files.look(yaml.look, file, Acceptance)
    yield from faults
    if document is None:
        return
    ids = [criterion.id for criterion in document.criteria]
    for name in (name for name in dict.fromkeys(ids) if ids.count(name) > 1):
        yield Fault("E01", f"the criterion {name} occurs twice", "give each its own id")
    for topic in uncovered(document):
        remedy = "copy the criterion from the shipped document, with its limits and required: true"
        yield Fault("W18", f"does not cover {topic}: no lot can pass with it", remedy)
