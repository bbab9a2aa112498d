"""`geocairn evaluate`: a bundle, a file of predictions or an oracle against a manifest."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def evaluate(
    manifest: Annotated[Path, typer.Argument(help="Manifest (.parquet or .csv) with photo, lat_deg, lon_deg.", show_default=False)],
    bundle: Annotated[str | None, typer.Option(help="Bundle that is to place the manifest's photos: clues, prior or a folder.")] = None,
    predictions: Annotated[Path | None, typer.Option(help="File of predictions (.csv, .parquet or .jsonl) to score instead.")] = None,
    oracle: Annotated[
        Path | None,
        typer.Option(metavar="DIR|FILE", help="Score the best that a hierarchy (its folder) or a gallery of coordinates (.csv, .parquet, .npy) could answer."),
    ] = None,
    oracle_level: Annotated[str | None, typer.Option(metavar="NAME", help="Level of the oracle's hierarchy; its finest by default.")] = None,
    photos: Annotated[Path | None, typer.Option(help="Folder that the photos are relative to; the manifest's by default.")] = None,
    encoder: Annotated[str | None, typer.Option(metavar="NAME|DIR", help="Where the bundle's image encoder lies now, if not where it was.")] = None,
    protocol: Annotated[str, typer.Option(help="Evaluation protocol: geoestimation, geodecoder, pigeon, osv5m or geoclip.")] = "geoestimation",
    group_by: Annotated[str | None, typer.Option(metavar="COLUMN", help="Also a table by this column of the manifest.")] = None,
    against: Annotated[Path | None, typer.Option(metavar="FILE", help="Compare with a second file of predictions, photo by photo.")] = None,
    decide: Annotated[Literal["mode", "geoscore", "median"], typer.Option(help="Rule by which a bundle chooses its first candidate.")] = "mode",
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for report.json, report.md, predictions.csv and plots.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes of a bundle.")] = 1,
) -> None:
    """Score a bundle, a file of predictions, or the best that places could answer, against the true places."""
    from geocairn.cli.progress import counted, tell_step
    from geocairn.evaluate.failures import failure_lines
    from geocairn.evaluate.leak import leak_words
    from geocairn.evaluate.markdown import report_markdown
    from geocairn.evaluate.run import run_evaluation
    from geocairn.evaluate.settings import EvaluationSettings
    from geocairn.manifest import left_out_words

    settings = EvaluationSettings.parse(
        "command line",
        {
            "bundle": bundle,
            "predictions": predictions,
            "oracle": oracle,
            "oracle_level": oracle_level,
            "photos": photos,
            "encoder": encoder,
            "protocol": protocol,
            "group_by": group_by,
            "against": against,
            "decide": decide,
            "jobs": jobs,
        },
    )
    report = run_evaluation(manifest, settings, out=out, watch=counted, tell=tell_step)
    typer.echo(report_markdown(report, []))
    left_out = left_out_words(report.manifest.rejected, report.manifest.n_rows)
    for line in (*filter(None, [leak_words(report), left_out and f"{manifest}: {left_out}"]), *failure_lines(report)):
        typer.echo(f"geocairn: {line}", err=True)
    if report.n_failed:
        raise typer.Exit(1)
