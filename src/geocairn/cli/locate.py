"""`geocairn locate`: photos in, answers out."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

Format = Literal["table", "json", "jsonl", "geojson", "kml", "csv", "gpx"]


def locate(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Photos, folders, globs, - for a list on standard input, or a manifest (.parquet or .csv with a column photo) with features/ beside it.",
            show_default=False,
        ),
    ],
    bundle: Annotated[str, typer.Option(help="What answers: clues (reads the photo's text), prior (where travel photos are taken), or a folder.")] = "clues",
    top: Annotated[int, typer.Option(min=1, max=100, help="At most so many candidates.")] = 5,
    within: Annotated[str | None, typer.Option(help="Hard limit: FR,ES or circle:LAT,LON,KM or a GeoJSON file of polygons.")] = None,
    hint: Annotated[str | None, typer.Option(help="Words about the place, read like text in the photo.")] = None,
    encoder: Annotated[str | None, typer.Option(metavar="NAME|DIR", help="Where the bundle's image encoder lies now, if not where it was.")] = None,
    together: Annotated[bool, typer.Option("--together", help="The photos are of one trip: answer for them jointly.")] = False,
    exif: Annotated[Literal["claim", "use", "ignore"], typer.Option(help="The position in the file: told apart, used as a clue, or ignored.")] = "claim",
    finest: Annotated[
        Literal["country", "region", "city", "exact"], typer.Option(help="The answer goes no finer; exact gives unrounded coordinates.")
    ] = "city",
    decide: Annotated[Literal["mode", "geoscore", "median"], typer.Option(help="Rule by which the first candidate is chosen, as in evaluate.")] = "mode",
    out: Annotated[Path | None, typer.Option(help="File to write; its suffix says the format.")] = None,
    format: Annotated[Format | None, typer.Option(help="Default: by --out's suffix, else a table on a terminal, JSONL elsewhere.")] = None,
    map: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Also draw all answers on one page that works from disk.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted --out FILE.jsonl: photos answered there are skipped.")] = False,
    max_bytes: Annotated[int, typer.Option(min=1, help="Largest photo file, in bytes.")] = 256 << 20,
    max_pixels: Annotated[int, typer.Option(min=1, max=178_956_970, help="Most pixels to decode of one photo.")] = 100_000_000,
    max_frames: Annotated[int, typer.Option(min=1, help="Most frames or pages that a file may declare; the first is read.")] = 10_000,
) -> None:
    """Say where photos were taken, how sure it is, and why."""
    from geocairn.cli.output import Output, check_output
    from geocairn.cli.progress import counted, tell_step
    from geocairn.data.feature_rows import manifest_named
    from geocairn.errors import BadConfig
    from geocairn.locate import LocateSettings, Locator
    from geocairn.manifest import read_photo_names
    from geocairn.photo.listing import list_photos
    from geocairn.photo.read import PhotoLimits

    output = check_output(Output(out=out, format=format, map=map, resume=resume, together=together))
    settings = LocateSettings.parse(
        "command line",
        {
            "bundle": bundle,
            "top": top,
            "within": within,
            "hint": hint,
            "encoder": encoder,
            "exif": exif,
            "finest": finest,
            "decide": decide,
            "limits": PhotoLimits(max_bytes=max_bytes, max_pixels=max_pixels, max_frames=max_frames),
        },
    )
    if decide != "mode" and finest in ("country", "region"):
        raise BadConfig(f"--decide {decide} --finest {finest}: whole places are ranked by their probability alone; leave one of them out")
    manifest = manifest_named(paths)
    if manifest is not None and together:
        raise BadConfig(f"--together {manifest}: a joint answer is for photos, not for features; leave it out")
    if manifest is not None and exif == "use":
        raise BadConfig(f"--exif use {manifest}: features tell nothing of what a file claims; leave it out, or name the photos")
    photos = read_photo_names(manifest) if manifest is not None else list(list_photos(paths, _lines_on_stdin()))
    if not photos:
        from geocairn.errors import BadPhoto

        raise BadPhoto(f"{' '.join(paths)[:200]}: no photos found there; name photos, folders that hold some, or - for a list on standard input")
    output.check_spares(photos if manifest is None else [str(manifest)])
    locator = Locator.load(bundle, settings, progress=tell_step)
    if manifest is None:
        locator.check_looks_at_photos()
    todo = output.without_done(photos, locator.system.sha256, locator.settings_sha256)
    if manifest is not None:
        predictions = locator.locate_rows(manifest, todo, jobs=jobs)
    else:
        predictions = iter(locator.locate_together(todo)) if together else locator.locate_many(todo, jobs=jobs)
    ended = output.write(counted(predictions, len(todo)), locator.name_of)
    if ended.interrupted:
        raise KeyboardInterrupt
    if ended.n_failed:
        raise typer.Exit(1)


def _lines_on_stdin() -> Iterator[str]:
    """Lines of standard input as paths are spelled, whatever bytes they hold; it is read when the first one is asked for."""
    yield from map(os.fsdecode, sys.stdin.buffer)
