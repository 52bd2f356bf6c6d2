"""Commands on finished lots: seal, verify, decide, sign, exchange. A part of the command line in `cli`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()
Directory = Annotated[Path, typer.Option(help="Working directory, which relative paths start from.")]


@app.command()
def seal(
    lots: Annotated[list[str], typer.Argument(help="Finished lots.")],
    directory: Directory = Path(),
    name: Annotated[str, typer.Option(help="Who seals.", show_default="the login")] = "",
    config: Annotated[Path | None, typer.Option(help="Default: config/config.yaml in the working directory.")] = None,
) -> None:
    """Seal lots: manifest beside the results, files read-only, an entry in the ledger. No run changes them afterwards."""
    from karyolot.commands.seal import seal as close

    for lot in lots:
        manifest, new = close(directory, lot, name, config)
        words = "sealed" if new else f"was sealed {manifest.sealed_at}, and is unchanged"
        print(
            f"{lot} revision {manifest.revision} {words}: {len(manifest.files)} files, record {manifest.record_sha256}"
        )


@app.command()
def verify(
    target: Annotated[str, typer.Argument(help="A lot, or a report: .json, .html, .pdf.", show_default="all")] = "",
    directory: Directory = Path(),
    machine: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Compare the ledger, sealed lots and reports with what was recorded. Exit code 1 if anything differs."""
    import json
    from dataclasses import asdict

    from karyolot.commands import terminal
    from karyolot.commands.verify import verify as compare

    findings = list(compare(directory, target))
    if machine:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        terminal.print_verified(findings, terminal.console(sys.stdout))
    if any(finding.faults for finding in findings):
        raise typer.Exit(1)


@app.command("ledger")
def show_ledger(
    lot: Annotated[str, typer.Argument(help="Only entries on this lot.", show_default="all")] = "",
    directory: Directory = Path(),
    machine: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Print who did what and when in a study: runs, inputs, reports, decisions, seals and revisions."""
    import json
    from dataclasses import asdict

    from karyolot.commands import terminal
    from karyolot.io import ledger

    entries = [entry for entry in ledger.read(directory) if lot in ("", entry.facts.get("lot"))]
    if machine:
        print(json.dumps([asdict(entry) for entry in entries], indent=1, ensure_ascii=False))
    else:
        terminal.print_ledger(entries, terminal.console(sys.stdout))
