"""Commands on finished lots: seal, verify, decide, sign, exchange. A part of the command line in `cli`."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer()
Directory = Annotated[Path, typer.Option(help="Working directory, base of relative paths.")]


@app.command()
def seal(
    lots: Annotated[list[str], typer.Argument(help="Finished lots.")],
    directory: Directory = Path(),
    name: Annotated[str, typer.Option(help="Who seals.", show_default="the login")] = "",
    config: Annotated[Path | None, typer.Option(help="Default: config/config.yaml in the working directory.")] = None,
) -> None:
    """Seal lots: manifest next to the results, files read-only, an entry in the ledger. No run changes them afterwards."""
    from karyolot.commands.seal import mark_of
    from karyolot.commands.seal import seal as close

    for lot in lots:
        manifest, new = close(directory, lot, name, config)
        words = "sealed" if new else f"was sealed {manifest.sealed_at}, and is unchanged"
        print(
            f"{lot} revision {manifest.revision} {words}: {len(manifest.files)} files, record {manifest.record_sha256}"
        )
        if mark := mark_of(manifest):
            print(f"{lot}: {mark}: its report keeps this mark", file=sys.stderr)


@app.command()
def verify(
    target: Annotated[
        str,
        typer.Argument(
            help="A lot, a report (.json, .html, .pdf), or a sha256 that `ledger` printed.", show_default="all"
        ),
    ] = "",
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
    """Print the ledger of a study, with names and times: runs, inputs, reports, decisions, seals and revisions."""
    import json
    from dataclasses import asdict

    from karyolot.commands import terminal
    from karyolot.contracts.problems import KaryolotError
    from karyolot.io import ledger

    whole = ledger.read(directory)
    entries = [entry for entry in whole if lot in ("", entry.facts.get("lot"))]
    if lot and not entries:
        raise KaryolotError(f"the ledger of {directory} has no entry on {lot!r}")
    if machine:
        print(json.dumps([asdict(entry) for entry in entries], indent=1, ensure_ascii=False))
    else:
        terminal.print_ledger(entries, whole, sys.stdout)


@app.command()
def decide(
    lot: Annotated[str, typer.Argument(help="A finished lot.", show_default=False)] = "",
    criterion: Annotated[str, typer.Argument(help="Id of a criterion that is not met: C04.", show_default=False)] = "",
    decision: Annotated[str, typer.Option(help="accept, reject or retest.")] = "",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    name: Annotated[str, typer.Option(help="Who decides.")] = "",
    deviation: Annotated[str, typer.Option(help="Number of a deviation or CAPA.")] = "",
    state: Annotated[str, typer.Option(help="Of the deviation or CAPA: open or closed.")] = "",
    sheet: Annotated[
        Path | None,
        typer.Option(
            help="Many decisions: a table with the columns lot_id, criterion, decision,"
            " reason, decided_by, deviation, state."
        ),
    ] = None,
    directory: Directory = Path(),
) -> None:
    """Record decisions on findings: in the ledger and on the report, next to the computed verdict."""
    from karyolot.commands import decide as decisions
    from karyolot.contracts.problems import KaryolotError

    if bool(sheet) == bool(lot or criterion):
        raise KaryolotError("name a lot and a criterion, or give --sheet")
    cells = {"lot_id": lot, "criterion": criterion, "decision": decision, "reason": reason, "decided_by": name}
    rows = decisions.rows_of(sheet) if sheet else [decisions.row(**cells, deviation=deviation, state=state)]
    for name_of_lot, held in decisions.decide(directory, rows, str(sheet or "")).items():
        print(f"{name_of_lot}: {held.sentence if held else 'no decision'}")
    print("overview.html shows it after the next run; the report of a sealed lot stays as it is", file=sys.stderr)


@app.command()
def sign(
    report: Annotated[Path, typer.Argument(help="The sealed report.pdf, or its copy with earlier signatures.")],
    certificate: Annotated[Path, typer.Option(help="PKCS#12 file (.p12, .pfx) with the private key.")],
    role: Annotated[Literal["prepared", "reviewed", "qa"], typer.Option(help="Role of the signature.")],
    name: Annotated[str, typer.Option(help="Who signs.")],
    directory: Directory = Path(),
    password_file: Annotated[
        Path | None,
        typer.Option(help="File whose first line is the password.", show_default="prompted in the terminal"),
    ] = None,
) -> None:
    """Sign the report of a sealed lot (PAdES), offline: the signed copy is signed/LOT/REVISION/report.pdf."""
    from karyolot.commands.sign import sign as put
    from karyolot.io.files import read_bytes

    if password_file is None:
        password = typer.prompt(f"Password of {certificate}", hide_input=True, default="", show_default=False).encode()
    else:
        password = read_bytes(password_file).split(b"\n")[0].rstrip(b"\r")
    print(put(directory, report, certificate, password, role, name))


@app.command()
def qualify(
    directory: Directory = Path(),
    lot: Annotated[
        str, typer.Option(help="Whose reads are used.", show_default="the finished lot with the fewest calls")
    ] = "",
    name: Annotated[str, typer.Option(help="Who qualifies.", show_default="the login")] = "",
    accept: Annotated[
        str, typer.Option(help="Why a program with other bytes under the same version is right: a security update.")
    ] = "",
    config: Annotated[Path | None, typer.Option(help="Default: config/config.yaml in the working directory.")] = None,
) -> None:
    """Qualify this installation on a finished lot: spike known changes into its reads, and write an IQ/OQ/PQ report. Exit code 1
    if a check fails."""
    from karyolot.commands.qualify import qualify as run

    made, folder = run(directory, lot, name, config, accept)
    for check in made.checks:
        print(f"{check.outcome:8} {check.id} {check.title}: {check.found or check.reason}")
    for one in made.differences:
        print(f"changed  {one.what}: {one.before} -> {one.now}")
    print(f"{made.outcome}: {folder}")
    if made.outcome == "FAIL":
        raise typer.Exit(1)


@app.command()
def export(
    lots: Annotated[list[str] | None, typer.Argument(help="Sealed lots.", show_default="all")] = None,
    directory: Directory = Path(),
    out: Annotated[Path, typer.Option(help="Folder of the crates; with --registry, the file.")] = Path("exported"),
    licence: Annotated[str, typer.Option(help="Terms of the results, in the crate.")] = "Not stated by the site.",
    registry: Annotated[
        bool, typer.Option("--registry", help="De-identified rows instead: no reads, genotypes, names.")
    ] = False,
    salt: Annotated[Path | None, typer.Option(help="With --registry: file with a secret of 16 bytes or more.")] = None,
) -> None:
    """Export sealed lots: each as a Workflow Run RO-Crate (a folder), or all as rows for a registry."""
    from karyolot.commands import export as exports
    from karyolot.contracts.ledger import sealed_lots
    from karyolot.contracts.problems import KaryolotError
    from karyolot.io import ledger

    if registry:
        if salt is None:
            raise KaryolotError("--registry needs --salt: a file with a secret that stays at the site")
        print(f"{out}: {exports.export_registry(directory, lots or (), out, salt)} lots")
        return
    for lot in lots or sealed_lots(ledger.read(directory)):
        print(exports.export_crate(directory, lot, out / lot, licence))


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(help="report.json of a reference lot.")],
    b: Annotated[Path, typer.Argument(help="report.json of the same lot from another site.")],
    machine: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Compare two sites' records of one lot: outcomes, values, changes, and limits of agreement (B minus A)."""
    import json
    from dataclasses import asdict

    from karyolot.commands import terminal
    from karyolot.io.record import read_report
    from karyolot.report.two_sites import compare as held_side_by_side

    found = held_side_by_side(*(read_report(path, in_its_folder=False) for path in (a, b)))
    if machine:
        print(json.dumps(asdict(found), indent=1))
    else:
        terminal.print_comparison(found, terminal.console(sys.stdout))
