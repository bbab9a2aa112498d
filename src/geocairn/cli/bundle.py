"""`geocairn bundle`: trained systems in folders."""

import json as json_text
from pathlib import Path
from typing import Annotated, Any

import typer

bundle = typer.Typer(help="Bundles: trained systems in folders.", no_args_is_help=True, rich_markup_mode=None)

SHORT = 12
Name = Annotated[str, typer.Argument(metavar="BUNDLE", help="Folder of a bundle.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@bundle.callback()
def _group() -> None:
    """Bundles: trained systems in folders."""


@bundle.command("list")
def list_(
    folders: Annotated[list[Path] | None, typer.Argument(metavar="[DIR]...", help="Folders that are bundles or hold bundles.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """List the bundles that ship with the package, and those in folders."""
    from geocairn.cli.progress import tell_step
    from geocairn.errors import GeocairnError
    from geocairn.systems.bundle_words import bundles_in, summarise_bundle
    from geocairn.systems.bundles import SHIPPED

    # Named twice, or alone and with the folder that holds it, a bundle is listed once.
    rows: list[dict[str, Any]] = []
    for name in [*SHIPPED, *bundles_in(folders or ())]:
        try:
            rows.append(summarise_bundle(name, tell_step))
        except GeocairnError as error:
            rows.append({"bundle": name, "error": str(error)})
            typer.echo(f"geocairn: {error}", err=True)
    if json:
        typer.echo(json_text.dumps(rows, ensure_ascii=False))
    else:
        _print_rows([row for row in rows if "error" not in row])
    if any("error" in row for row in rows):
        raise typer.Exit(1)


@bundle.command()
def show(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="Folder of a bundle, or the name of a shipped one.", show_default=False)],
    json: Json = False,
) -> None:
    """Show a bundle's settings, places, calibration, files and card."""
    from geocairn.cli.progress import tell_step
    from geocairn.systems.bundle_words import describe_bundle

    described = describe_bundle(bundle, tell_step)
    if json:
        typer.echo(json_text.dumps(described, ensure_ascii=False))
        return
    for key, value in described.items():
        if isinstance(value, dict):
            typer.echo(f"{key}:")
            for inner, words in value.items():
                typer.echo(f"  {inner}: {words}")
        elif key == "files":
            typer.echo("files:")
            for file in value:
                typer.echo(f"  {file['file']}  {file['bytes']} bytes  {file['sha256']}")
        else:
            typer.echo(f"{key}: {', '.join(value) if isinstance(value, list) else value}")


@bundle.command()
def verify(bundle: Name) -> None:
    """Look for faults: list each faulty file with the rule it breaks, and exit 1 where there is one."""
    from geocairn.systems.bundle_check import bundle_faults
    from geocairn.systems.transfer import bundle_folder

    faults = bundle_faults(bundle_folder(bundle))
    for fault in faults:
        typer.echo(str(fault))
    if faults:
        typer.echo(f"geocairn: {bundle}: faults: {len(faults)}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{bundle}: whole")


@bundle.command()
def export(
    bundle: Name,
    out: Annotated[Path, typer.Option(metavar="FILE.tar|.zip|DIR", help="File or folder to write; an earlier export is replaced.", show_default=False)],
) -> None:
    """Write a bundle as one file, the same bytes each time, or as a folder."""
    from geocairn.systems.transfer import export_bundle

    typer.echo(export_bundle(bundle, out))


@bundle.command()
def pull(
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="A folder, a .tar or .zip file, a file: or https: address, or hub:OWNER/NAME.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write; an older bundle there is replaced.", show_default=False)],
    sha256: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="Refuse any other bundle: its sha256 as `bundle show` tells it, or that of the file pulled.", show_default=False),
    ] = None,
) -> None:
    """Fetch a bundle; its folder appears once it is found whole."""
    from geocairn.systems.transfer import pull_bundle

    typer.echo(f"{out}: whole, sha256 {pull_bundle(source, out, sha256=sha256)}")


def _print_rows(rows: list[dict[str, Any]]) -> None:
    """One line per bundle, in columns: a name is never cut, however narrow the terminal."""
    lines = [("bundle", "name", "kind", "takes", "calibrated", "sha256", "places")]
    for row in rows:
        places = ", ".join(f"{n} {level}" for level, n in row["places"].items())
        calibrated = "yes" if row["calibrated"] else "no"
        lines.append((row["bundle"], row["name"], row["kind"], ", ".join(row["takes"]), calibrated, row["sha256"][:SHORT], places))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
