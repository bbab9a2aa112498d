"""`geocairn data import`: a public data set as a manifest."""

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from geocairn.data.import_report import ImportReport


def import_command(
    name: Annotated[
        str,
        typer.Argument(
            help="im2gps, im2gps3k, yfcc4k, yfcc26k, gws15k, mp16, mp16-pro, osv5m; or csv, parquet, folder (photos with positions), webdataset.",
            show_default=False,
        ),
    ],
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="The set's lists, and archives of its pictures.", show_default=False)],
    out: Annotated[Path, typer.Option(metavar="FILE.parquet", help="Manifest to write; the report appears beside it.", show_default=False)],
    images: Annotated[list[Path] | None, typer.Option(help="Folder or archive (.zip, .tar, .msg) with the pictures; may be repeated.")] = None,
    require_images: Annotated[bool, typer.Option("--require-images", help="Leave out photos without a picture.")] = False,
    salt: Annotated[str | None, typer.Option(help="Secret that makes groups out of authors; a random one by default.", show_default=False)] = None,
    photo_column: Annotated[str | None, typer.Option(metavar="NAME", help="Column with the photo's name.")] = None,
    lat_column: Annotated[str | None, typer.Option(metavar="NAME", help="Column with the latitude.")] = None,
    lon_column: Annotated[str | None, typer.Option(metavar="NAME", help="Column with the longitude.")] = None,
    author_column: Annotated[str | None, typer.Option(metavar="NAME", help="Column with the author.")] = None,
    column: Annotated[list[str] | None, typer.Option(metavar="FIELD=NAME", help="Column for another field, as city=town; nothing after = is none.")] = None,
    keep: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Further column to keep as it is; may be repeated.")] = None,
    keep_photo_ids: Annotated[bool, typer.Option("--keep-photo-ids", help="Leave Flickr user numbers in photo names: personal data.")] = False,
    trust_coordinates: Annotated[bool, typer.Option("--trust-coordinates", help="Import even where latitude and longitude look swapped.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Read a public data set, or your own list, and write its manifest and a report."""
    from geocairn.data.import_settings import ImportSettings
    from geocairn.data.importing import import_dataset

    named = {"photo": photo_column, "lat_deg": lat_column, "lon_deg": lon_column, "author": author_column}
    settings = ImportSettings.parse(
        "command line",
        {
            "images": images or [],
            "require_images": require_images,
            "salt": salt,
            "columns": _pairs(column or []) | {field: chosen for field, chosen in named.items() if chosen is not None},
            "keep": keep or [],
            "keep_photo_ids": keep_photo_ids,
            "trust_coordinates": trust_coordinates,
        },
    )
    report = import_dataset(name, sources, out, settings)
    for line in report.unreadable:
        typer.echo(f"geocairn: {line}", err=True)
    typer.echo(json_text.dumps(report.to_dict(), ensure_ascii=False) if json else _words(report))
    if report.is_damaged:
        raise typer.Exit(1)


def _pairs(columns: list[str]) -> dict[str, str]:
    pairs = [words.partition("=") for words in columns]
    bad = next((words for words, (_, equals, _) in zip(columns, pairs, strict=True) if not equals), None)
    if bad is not None:
        raise typer.BadParameter(f"{bad!r}: write FIELD=NAME, such as city=town", param_hint="--column")
    return {field: chosen for field, _, chosen in pairs}


def _words(report: "ImportReport") -> str:
    expected = f" of {report.n_expected}" if report.n_expected is not None else ""
    lines = [
        f"{report.manifest}: {report.n}{expected} photos of {report.dataset}, from {report.n_rows} rows",
        f"  places: {report.n_places} different; {report.n_shared} photos share theirs",
        f"  authors: {report.n_authors}" + (f" ({report.authors})" if report.n_authors else ""),
        *(f"  left out, {reason}: {n}" for reason, n in report.rejected.items()),
    ]
    if report.pictures is not None:
        lines.append("  pictures: " + ", ".join(f"{n} {what.removeprefix('n_')}" for what, n in report.pictures.items()))
    return "\n".join([*lines, f"  licence: {report.licence}", *(f"  note: {note}" for note in report.notes)])
