"""The commands `karyolot references ...`. `karyolot.commands.references` does the work."""

import sys
from pathlib import Path
from typing import Annotated

import typer

references_app = typer.Typer(
    help="Reference files of a genome: fetched, prepared and named in the settings.", no_args_is_help=True
)


@references_app.command(
    "GRCh37", help="Fetch and prepare GRCh37 by a table of your own, --manifest: no files are listed."
)
@references_app.command("T2T-CHM13", help="Fetch and prepare T2T-CHM13: genome and genes.")
@references_app.command("GRCh38", help="Fetch and prepare GRCh38: genome, genes, tracks, and SNPs.")
def references(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Folder of the files; run the command again to resume.")],
    study: Annotated[Path | None, typer.Option(help="Study whose config/config.yaml will name the files.")] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="Table of other addresses, as resources/references.tsv.")
    ] = None,
    bin_bp: Annotated[int, typer.Option(help="Width of the bins, as counting.bin_bp.", min=1000)] = 50_000,
    sizes: Annotated[bool, typer.Option("--sizes", help="Print the sizes and stop.")] = False,
) -> None:
    from karyolot.commands import references as commands
    from karyolot.io.download import Terms

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    wanted = commands.order(context.info_name or "", out, manifest)
    say(str(wanted))
    if sizes:
        return
    done = commands.fetch(wanted, say, Terms(progress=_show_bytes))
    say("writing the bin annotation")
    sections = commands.settings_of(done, wanted, commands.bins_of(done, wanted, bin_bp), bin_bp)
    listed = wanted.folder / commands.MANIFEST
    known = {source.file for source in wanted.sources if source.checksum}
    if unknown := [source for source in done if source.file not in known]:
        say(
            "\n!!! NO CHECKSUM WAS KNOWN for the files below: nothing shows that they are the files their providers published."
        )
        say("!!! Compare these values with the provider's, and keep them: later calls accept only these files.")
        for source in unknown:
            say(f"    {source.file:<26} {source.checksum}")
    say(f"\nchecksums of all files: {listed}")
    if study is None:
        say("settings for config.yaml:")
        print(commands.as_yaml(sections), end="")
    else:
        print(f"settings written to {commands.write_settings(study, sections)}")


def _show_bytes(received: int, expected: int | None) -> None:
    if sys.stderr.isatty():
        of = f" of {expected / 1e6:.0f}" if expected else ""
        end = "\n" if received == expected else "\r"
        print(f"  {received / 1e6:.0f}{of} MB", end=end, file=sys.stderr, flush=True)


@references_app.command("bins")
def reference_bins(
    out: Annotated[Path, typer.Option(help="Table to write: NAME.tsv.gz.")],
    study: Annotated[Path, typer.Option(help="Study whose settings name the genome and its tracks.")] = Path(),
) -> None:
    """Write the bin annotation of a genome and its tracks once, for all studies of a site."""
    from karyolot.commands.references import bins_of_study

    width = bins_of_study(study, out)
    print(f"{out}: bins of {width} bases")
    print(f"set reference.bins: {out}; counting.bin_bp: {width}; leave out the tracks and the blacklist")
