"""The command line: check the inputs before a run, show the defaults, make the embedded example."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from karyolot.contracts.problems import KaryolotError, summary

app = typer.Typer(
    help="Is this lot of reprogrammed liver cells genomically stable, and how sure can we be?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

panel_app = typer.Typer(help="The frozen reference panel of accepted lots.", no_args_is_help=True)
app.add_typer(panel_app, name="panel")


@app.command()
def check(
    config: Annotated[Path | None, typer.Option(help="Default: config/config.yaml in the working directory.")] = None,
    directory: Annotated[Path, typer.Option(help="Working directory, which relative paths start from.")] = Path(),
) -> None:
    """Report every problem of configuration, tables and files at once. Exit code 2 if there is an error."""
    from karyolot import check as checks
    from karyolot.io import probe

    path = config or directory / "config" / "config.yaml"
    try:
        raw = probe.read_yaml(path)
    except probe.Fault as fault:
        line = "" if fault.line is None else f", line {fault.line}"
        raise KaryolotError(f"{path}{line}: {fault}") from fault
    if not isinstance(raw, dict):
        raise KaryolotError(f"{path}: holds no settings; see config/defaults.yaml for what can be set")
    _, draft, problems = checks.examine(raw, directory, [path])
    for problem in problems:
        print(problem, file=sys.stderr)
    samples = len({entry.row.sample_id for entry in draft.samples})
    print(f"{summary(problems)} in {len(draft.donors)} donors, {len(draft.lots)} lots, {samples} samples")
    if any(not problem.warning for problem in problems):
        raise typer.Exit(2)


@app.command()
def defaults(
    write: Annotated[
        bool, typer.Option("--write", help="Write the files generated from the models to config/.")
    ] = False,
) -> None:
    """Print every setting with its default and meaning."""
    from karyolot import defaults as generated

    if not write:
        print(generated.defaults_yaml(), end="")
        return
    from karyolot.config import PROJECT
    from karyolot.io.files import write_text

    folder = PROJECT / "config"
    for name, text in generated.documents((folder / "README.md").read_text(encoding="utf-8")).items():
        write_text(text, folder / name)


@app.command()
def call(
    lot: Annotated[Path, typer.Argument(help="Counts per bin of the lot: TSV, bedGraph or fixed-step WIG.")],
    donor: Annotated[Path, typer.Argument(help="Counts per bin of its donor's hepatocytes, on the same bins.")],
    out: Annotated[Path, typer.Option(help="Folder the results are written to.")],
    sex: Annotated[Literal["F", "M"], typer.Option(help="Of the donor, by record.")],
    genome: Annotated[str, typer.Option(help="Assembly: GRCh38 or GRCh37.")] = "GRCh38",
    gc: Annotated[Path | None, typer.Option(help="GC per bin: bedGraph or WIG.")] = None,
    fasta: Annotated[Path | None, typer.Option(help="Genome FASTA with its .fai, instead of --gc.")] = None,
    mappability: Annotated[Path | None, typer.Option(help="bedGraph or WIG, 0..1.")] = None,
    rt: Annotated[Path | None, typer.Option(help="Replication timing, bedGraph or WIG; high = early.")] = None,
) -> None:
    """Compare two count tables: segments, calls, arms and limits of detection, without Snakemake."""
    from karyolot.call import call as compare

    summary = compare(lot, donor, out, genome=genome, sex=sex, gc=gc, fasta=fasta, mappability=mappability, rt=rt)
    limit = summary["metrics"]["cn.lod"]
    bound = limit["reason"] if limit["value"] is None else f"limit of detection {limit['value']:.0%} of cells"
    print(f"{summary['computational_karyotype']} (computational); {bound}; results in {out}")


@panel_app.command()
def freeze(
    lots: Annotated[str, typer.Option(help="Accepted lots of this run, separated by commas.")],
    version: Annotated[str, typer.Option(help="Of the panel, like 1.0: stands in every report that uses it.")],
    out: Annotated[Path, typer.Option(help="File to write; never overwritten by another panel.")],
    directory: Annotated[Path, typer.Option(help="Working directory of the finished run.")] = Path(),
    markers: Annotated[str, typer.Option(help="Marker table, as in expression.markers.")] = "shipped:markers.tsv",
) -> None:
    """Freeze accepted lots of a finished run as the reference panel that new lots are compared with."""
    from karyolot.contracts.panel import FULL_LOTS, MIN_LOTS, tier
    from karyolot.freeze import freeze_panel

    panel = freeze_panel(lots.split(","), version, out, directory, markers)
    limits = {"too few": "no limits yet", "provisional": "limits are provisional", "full": "limits are full"}
    print(
        f"panel {panel.version}: lots {len(panel.lots)}, donors {len(panel.donors)}, genes {len(panel.gene_ids)};"
        f" {limits[tier(len(panel.lots))]} ({MIN_LOTS} and {FULL_LOTS} lots needed); sha256 {panel.sha256}"
    )


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to make; it must not exist, or be empty.")],
    size: Annotated[Literal["demo", "tiny"], typer.Option(help="tiny is for tests.")] = "demo",
) -> None:
    """Make a working directory with a miniature human study: reads, reference, tables, and the truth planted in it."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise KaryolotError(f"{out} exists and is not an empty folder; name another, or delete it")
    from karyolot.simulate.example import write_example

    write_example(out, size)


def main() -> None:
    """Run the command line; a fault of the inputs is one message on stderr and exit code 2."""
    try:
        app()
    except KaryolotError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
