"""The command line: start a study, add lots, check, run, explain. Each command only calls plain functions.

Exit codes: 0 done (a verdict may be FAIL), 1 pipeline error, 2 input error. What a command needs is imported when it runs.
"""

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from karyolot.commands.cli_records import Directory
from karyolot.commands.cli_records import app as records_app
from karyolot.commands.cli_references import references_app
from karyolot.contracts.problems import OF_THE_MACHINE, KaryolotError, summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from karyolot.commands.add_lot import Addition, Cells

app = typer.Typer(
    help="Genomic stability, identity and cell type of lots of reprogrammed liver cells, from sequencing.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

panel_app = typer.Typer(help="The frozen reference panel of accepted lots.", no_args_is_help=True)
app.add_typer(panel_app, name="panel")
app.add_typer(records_app)
app.add_typer(references_app, name="references")


def _show_version(asked: bool) -> None:
    if asked:
        from karyolot import __version__
        from karyolot.io.shipped import PROJECT
        from karyolot.plan.provenance import git_state

        commit, differs = git_state()
        changes = " with uncommitted changes" if differs else ""
        print(f"karyolot {__version__} from {PROJECT}, commit {commit or 'unknown'}{changes}")
        raise typer.Exit


@app.callback()
def karyolot(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Version, folder and commit of the code.", is_eager=True, callback=_show_version
        ),
    ] = False,
) -> None:
    pass


DATA = "FILE (BAM, CRAM, counts) or FILE,FILE (mates); repeat"


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="Folder of the new study; created if missing.")],
) -> None:
    """Make a working directory: DIR/config with the settings and the three sheets to fill in."""
    from karyolot.commands.init import init as make

    files = make(directory)
    print(f"made {files[0].parent}: {', '.join(path.name for path in files)}")
    print(
        "next: karyolot references or paths of the genome in config.yaml; karyolot add-lot for each lot; karyolot check"
    )


@app.command("add-lot")
def add_lot(
    lot: Annotated[str, typer.Argument(help="Name of the lot, and of its folder in results/.")],
    donor: Annotated[str, typer.Option(help="Its donor; a new one needs --sex and --donor-wgs.")],
    passage: Annotated[str, typer.Option(help="Passages since reprogramming.")],
    directory: Directory = Path(),
    wgs: Annotated[list[str] | None, typer.Option(help=f"Whole genome: {DATA} for more lanes.")] = None,
    rna: Annotated[list[str] | None, typer.Option(help=f"RNA: [SAMPLE=]{DATA} for each replicate.")] = None,
    sex: Annotated[str, typer.Option(help="New donor: F or M, by record.")] = "",
    age: Annotated[str, typer.Option(help="New donor: years at collection.")] = "",
    donor_wgs: Annotated[list[str] | None, typer.Option(help="Hepatocytes of a new donor, as --wgs.")] = None,
    donor_rna: Annotated[list[str] | None, typer.Option(help="Hepatocytes of the donor, as --rna.")] = None,
    pdl: Annotated[str, typer.Option(help="Population doublings since reprogramming.")] = "",
    bank: Annotated[str, typer.Option(help="PCB, MCB, DP or CONTROL (a control lot of each batch).")] = "",
    parent: Annotated[str, typer.Option(help="The lot this one was grown from.")] = "",
    thaw_state: Annotated[str, typer.Option(help="fresh or thawed.")] = "",
    cryo_protocol: Annotated[str, typer.Option(help="How the lot was frozen.")] = "",
    medium_lot: Annotated[str, typer.Option(help="Lot of the culture medium.")] = "",
    platelet_lysate_lot: Annotated[str, typer.Option(help="Lot of the platelet lysate.")] = "",
    collection_date: Annotated[str, typer.Option(help="Year-month-day.")] = "",
    platform: Annotated[str, typer.Option(help="Sequencer of the files named here.")] = "",
    seq_run: Annotated[str, typer.Option(help="Sequencing run of the files named here.")] = "",
    library_kit: Annotated[str, typer.Option(help="Library kit of the files named here.")] = "",
    strandedness: Annotated[str, typer.Option(help="Of the RNA: unstranded, forward or reverse.")] = "",
) -> None:
    """Add a lot to the sheets, with checksums of its files; nothing is written unless the check finds no error."""
    from karyolot.commands import add_lot as intake

    lots = _filled(
        lot_id=lot,
        donor_id=donor,
        passage=passage,
        pdl=pdl,
        bank=bank,
        parent_lot_id=parent,
        thaw_state=thaw_state,
        cryo_protocol=cryo_protocol,
        medium_lot=medium_lot,
        platelet_lysate_lot=platelet_lysate_lot,
        collection_date=collection_date,
    )
    donors = [_filled(donor_id=donor, sex=sex, age=age)] if sex or age else []
    of_run = _filled(platform=platform, seq_run=seq_run, library_kit=library_kit)
    of_rna = of_run | _filled(strandedness=strandedness)
    samples = [
        *intake.rows_of({"donor_id": donor}, "wgs", donor_wgs or (), of_run),
        *intake.rows_of({"donor_id": donor}, "rnaseq", donor_rna or (), of_rna),
        *intake.rows_of({"lot_id": lot}, "wgs", wgs or (), of_run),
        *intake.rows_of({"lot_id": lot}, "rnaseq", rna or (), of_rna),
    ]
    _print_added(_added(directory, donors, samples, lots), lot)


def _added(directory: Path, donors: "Sequence[Cells]", samples: "Sequence[Cells]", lot: "Cells") -> "Addition":
    """Write the rows of a lot; raises KaryolotError with every problem, and what was not done."""
    from karyolot.commands import add_lot as intake

    try:
        intake.propose(directory, donors, samples, [lot])  # before hours of checksums
        files = intake.data_files(samples, directory)
        print(f"checksums of {len(files)} files, {sum(map(_size, files)) / 1e9:.1f} GB", file=sys.stderr)
        addition = intake.propose(directory, donors, intake.with_checksums(samples, directory), [lot])
        intake.write(addition)
        return addition
    except KaryolotError as error:
        texts = [
            str(error),
            intake.named_from_here(samples, directory),
            f"lot {lot['lot_id']!a} was not added: no sheet was changed",
        ]
        raise KaryolotError("\n".join(filter(None, texts))) from error


def _print_added(addition: "Addition", lot: str) -> None:
    for problem in addition.warnings:
        print(problem, file=sys.stderr)
    for column in addition.dropped:
        print(f"{addition.paths['samples']} has no column {column}, so no checksum is recorded", file=sys.stderr)
    counts = ", ".join(f"{len(rows)} to {addition.paths[name]}" for name, rows in addition.rows.items())
    print(f"lot {lot} added, rows: {counts}")


def _filled(**cells: str) -> dict[str, str]:
    return {column: text.strip() for column, text in cells.items() if text.strip()}


def _size(path: Path) -> int:
    return path.stat().st_size


@app.command()
def check(
    config: Annotated[Path | None, typer.Option(help="Default: config/config.yaml in the working directory.")] = None,
    directory: Directory = Path(),
) -> None:
    """Report every problem of configuration, tables and files at once. Exit code 2 if there is an error."""
    from karyolot.inputs import check as checks
    from karyolot.io.shipped import SETTINGS

    path = config or directory / SETTINGS
    _, draft, problems = checks.examine(checks.read_settings(path), directory, [path])
    for problem in problems:
        print(problem, file=sys.stderr)
    samples = len({entry.row.sample_id for entry in draft.samples})
    print(f"{summary(problems)} in {len(draft.donors)} donors, {len(draft.lots)} lots, {samples} samples")
    if any(not problem.warning for problem in problems):
        raise typer.Exit(2)


@app.command(epilog="Options after -- are passed to Snakemake: karyolot run my-study -- --cores 8 -n")
def run(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="Working directory.")] = Path(),
    revise: Annotated[list[str] | None, typer.Option(help="Sealed lot to make a new revision of; repeat.")] = None,
    reason: Annotated[str, typer.Option(help="Reason, with --revise; printed in the report of the new revision.")] = "",
    name: Annotated[str, typer.Option(help="Who revises.", show_default="the login")] = "",
    keep_sealed: Annotated[bool, typer.Option("--keep-sealed", help="Leave sealed lots as they are.")] = False,
) -> None:
    """Print the plain snakemake command, run it, and show the verdict of every lot. Exit code 1 if a rule failed."""
    import shlex

    from karyolot.commands import run as launch
    from karyolot.commands.seal import keep, revise_all

    words: list[str] = context.obj or []
    launch.stop_unfit(directory, words)
    if revise:
        revise_all(directory, revise, reason, name, looking=launch.only_looks(words))
    line = launch.command(directory, words, terminal=sys.stderr.isatty())
    kept = keep(directory) if keep_sealed else {}
    print(shlex.join([*(f"{key}={value}" for key, value in kept.items()), *line]), file=sys.stderr, flush=True)
    earlier = launch.logs(directory)
    code = launch.run(line, kept)
    if code == launch.DONE and not launch.only_looks(words):
        from karyolot.commands import terminal
        from karyolot.commands.explain import table_of
        from karyolot.io.record import lots_with_records, read_record

        records = [read_record(directory, lot) for lot in lots_with_records(directory)]
        terminal.print_table(table_of(records, directory), terminal.console(sys.stdout))
    elif code == launch.PIPELINE_ERROR:
        from karyolot.commands import terminal

        terminal.print_failure(launch.failure(directory, earlier), terminal.console(sys.stderr))
    raise typer.Exit(code)


@app.command()
def report(lot: Annotated[str, typer.Argument(help="A finished lot.")], directory: Directory = Path()) -> None:
    """Regenerate the HTML and PDF of a lot from its record, results/LOT/report.json."""
    from karyolot.commands.report import render_again

    for path in render_again(directory, lot):
        print(path)


@app.command()
def explain(
    lot: Annotated[str, typer.Argument(help="A finished lot.")],
    directory: Directory = Path(),
    machine: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Why a lot has its verdict: criteria not passed, the limit of detection, and what cannot be detected."""
    import json

    from karyolot.commands import terminal
    from karyolot.commands.explain import explanation
    from karyolot.io.record import read_record

    facts = explanation(read_record(directory, lot), directory)
    if machine:
        print(json.dumps(facts, indent=1, allow_nan=False))
    else:
        terminal.print_explanation(facts, terminal.console(sys.stdout))


@app.command()
def defaults(
    write: Annotated[
        bool, typer.Option("--write", help="Write the files of the project that are generated from the models.")
    ] = False,
) -> None:
    """Print every setting with its default and meaning."""
    from karyolot.commands import defaults as generated

    if not write:
        print(generated.defaults_yaml(), end="")
        return
    from karyolot.io.files import write_text
    from karyolot.io.shipped import IN_WHEEL, PROJECT

    if PROJECT == IN_WHEEL:
        raise KaryolotError("--write regenerates files of a checkout of karyolot; this is an installed package")
    texts = {name: (PROJECT / name).read_text(encoding="utf-8") for name in generated.SOURCES}
    for name, text in generated.documents(texts).items():
        write_text(text, PROJECT / name)


@app.command()
def call(
    lot: Annotated[Path, typer.Argument(help="Counts per bin of the lot: a table, bedGraph or WIG.")],
    donor: Annotated[Path, typer.Argument(help="Counts per bin of its donor's hepatocytes, on the same bins.")],
    out: Annotated[Path, typer.Option(help="Folder the results are written to.")],
    sex: Annotated[Literal["F", "M"], typer.Option(help="Of the donor, by record.")],
    genome: Annotated[str, typer.Option(help="Assembly: GRCh38, GRCh37 or T2T-CHM13.")] = "GRCh38",
    gc: Annotated[Path | None, typer.Option(help="GC per bin: bedGraph or WIG.")] = None,
    fasta: Annotated[Path | None, typer.Option(help="Genome FASTA, instead of --gc.")] = None,
    mappability: Annotated[Path | None, typer.Option(help="bedGraph or WIG, 0..1.")] = None,
    rt: Annotated[Path | None, typer.Option(help="Replication timing, bedGraph or WIG; high = early.")] = None,
) -> None:
    """Compare two count tables: segments, calls, arms and limits of detection, without Snakemake."""
    from karyolot.commands.call import call as compare
    from karyolot.contracts.metrics import MetricName

    summary = compare(lot, donor, out, genome=genome, sex=sex, gc=gc, fasta=fasta, mappability=mappability, rt=rt)
    for warning in summary["warnings"]:
        print(warning, file=sys.stderr)
    limit = summary["metrics"][MetricName.CN_LOD]
    bound = limit["reason"] if limit["value"] is None else limit["detail"]
    found = summary["computational_karyotype"] or f"no karyotype ({summary['karyotype_withheld']})"
    print(f"{found}; {bound}; results in {out}")


@app.command()
def plan(
    claim: Annotated[float, typer.Option(help="Size of the gain or loss to be called, Mb, at most 20.")],
    fraction: Annotated[float, typer.Option(help="Cell fraction in which it must be detected: 0.1 is 10 %.")],
    genome: Annotated[str, typer.Option(help="Assembly: GRCh38, GRCh37 or T2T-CHM13.", show_default="GRCh38")] = "",
    arms: Annotated[float | None, typer.Option(help="Cell fraction of a gain or loss of any whole arm.")] = None,
    like: Annotated[
        str, typer.Option(help="DIRECTORY:LOT: a finished lot whose noise and usable reads are taken.")
    ] = "",
    donor_depth: Annotated[
        float | None,
        typer.Option(help="Mean coverage of the donor, if already sequenced.", show_default="as the lot"),
    ] = None,
    machine: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Before sequencing: the depth of lot and donor that a limit of detection needs, and what other depths give."""
    import json

    from karyolot.commands import terminal
    from karyolot.commands.plan import plan as forecast

    facts = forecast(claim, fraction, genome=genome, arms=arms, like=like, donor_depth=donor_depth)
    if machine:
        print(json.dumps(facts, indent=1, allow_nan=False))
    else:
        terminal.print_plan(facts, terminal.console(sys.stdout))


@panel_app.command()
def freeze(
    lots: Annotated[str, typer.Option(help="Accepted lots of this run, separated by commas.")],
    version: Annotated[
        str, typer.Option(help="Version of the panel, such as 1.0; printed in every report that uses it.")
    ],
    out: Annotated[Path, typer.Option(help="File to write; never overwritten by another panel.")],
    directory: Annotated[Path, typer.Option(help="Working directory of the finished run.")] = Path(),
    markers: Annotated[str, typer.Option(help="Marker table, as in expression.markers.")] = "shipped:markers.tsv",
    reason: Annotated[
        str, typer.Option(help="Why it holds lots that did not PASS; printed in every report that uses it.")
    ] = "",
) -> None:
    """Freeze accepted lots of a finished run as the reference panel that new lots are compared with."""
    from karyolot.commands.freeze import freeze_panel
    from karyolot.contracts.panel import FULL_LOTS, MIN_LOTS, tier

    panel = freeze_panel(lots.split(","), version, out, directory, markers, reason)
    limits = {"too few": "no limits yet", "provisional": "limits are provisional", "full": "limits are full"}
    print(
        f"panel {panel.version}: lots {len(panel.lots)}, donors {len(panel.donors)}, genes {len(panel.gene_ids)};"
        f" {limits[tier(len(panel.lots))]} ({MIN_LOTS} and {FULL_LOTS} lots needed); sha256 {panel.sha256}"
    )


@app.command()
def fetch(
    url: Annotated[str, typer.Argument(help="Address of a genome, an annotation, a track: https:// or http://.")],
    out: Annotated[Path, typer.Argument(help="File to make.")],
    sha256: Annotated[str, typer.Option(help="As published by the provider, or of an earlier download.")] = "",
    md5: Annotated[str, typer.Option(help="If only this is published (GENCODE, UCSC).")] = "",
) -> None:
    """Download a reference file; run the command again to resume. No run ever downloads anything."""
    from karyolot.io import download
    from karyolot.io.files import sha256 as sha256_of

    if bool(sha256) == bool(md5):
        raise KaryolotError(
            "karyolot fetch needs one of --sha256 and --md5: an unchecked reference would be in every lot"
        )
    checksum = download.Checksum("sha256" if sha256 else "md5", (sha256 or md5).strip().lower())
    new = download.fetch(url, out, checksum)
    print(f"{out} {'fetched' if new else 'was there'}, sha256 {sha256_of(out)}")


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to make; it must not exist, or be empty.")],
    size: Annotated[Literal["demo", "tiny"], typer.Option(help="tiny is for tests.")] = "demo",
) -> None:
    """Make a working directory with a miniature human study: reads, reference, sample sheets, and the simulated truth."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise KaryolotError(f"{out} exists and is not an empty folder; name another, or delete it")
    from karyolot.simulate.example import write_example

    write_example(out, size)


def main() -> None:
    """Run the command line; a fault of the inputs is one message on stderr and exit code 2."""
    words = sys.argv[1:]
    passed_on: list[str] = []
    if words[:1] == ["run"] and "--" in words:
        # Cut here, as the parser would take the first word after -- for the working directory.
        place = words.index("--")
        words, passed_on = words[:place], words[place + 1 :]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 gets ? for a check mark
    try:
        app(words, obj=passed_on)
    except KaryolotError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.errno not in OF_THE_MACHINE:
            raise
        name = f"{error.filename}: " if error.filename else ""
        print(f"{name}{error.strerror}; free space or change permissions, or use a copy", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
