"""`geocairn features`: what frozen encoders see in photos."""

from pathlib import Path
from typing import Annotated, Literal

import typer

features = typer.Typer(help="Features of photos by frozen encoders.", no_args_is_help=True, rich_markup_mode=None)


@features.callback()
def _group() -> None:
    """Features of photos by frozen encoders."""


@features.command()
def extract(
    manifest: Annotated[Path, typer.Argument(help="Manifest (.parquet or .csv) with a column photo.", show_default=False)],
    encoder: Annotated[str, typer.Option(metavar="NAME|DIR", help="Folder of an encoder, or a name that is fetched from the hub.", show_default=False)],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the feature store; an interrupted run there goes on.", show_default=False)],
    photos: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder that the photos are relative to; the manifest's by default.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Photos that go to the encoder at a time; changes speed and memory alone.")] = 64,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that decode photos.")] = 1,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where the encoder runs.")] = "auto",
    precision: Annotated[Literal["float32", "bfloat16", "float16"], typer.Option(help="Of the encoder's weights and arithmetic.")] = "float32",
) -> None:
    """Write what a frozen encoder sees in each photo of a manifest to a feature store."""
    from geocairn.cli.progress import counted
    from geocairn.data.extract import ExtractSettings, extract_features
    from geocairn.errors import MissingExtra
    from geocairn.manifest import left_out_words, read_photos

    try:
        from geocairn.models.encoders import load_encoder
    except ModuleNotFoundError:
        raise MissingExtra("features extract: encoders need torch and transformers; pip install geocairn[encoders]") from None
    settings = ExtractSettings.parse("command line", {"photos": photos, "batch_size": batch_size, "jobs": jobs})
    rows = read_photos(manifest)  # one that cannot be used is told before an encoder is fetched
    network = load_encoder(encoder, device=device, precision=precision)
    extracted = extract_features(rows, out, network, settings, watch=counted, tell_error=lambda error: typer.echo(f"geocairn: {error}", err=True))
    meta = extracted.store.meta
    typer.echo(f"{out}: {meta.n} photos, {meta.header.dim} numbers each, by {network.identity}")
    for reason, count in extracted.failed.items():
        typer.echo(f"without features: {count} ({reason})")
    left_out = left_out_words(rows.rejected, rows.n_rows)
    if left_out is not None:
        typer.echo(f"geocairn: {manifest}: {left_out}", err=True)
    if extracted.failed:
        raise typer.Exit(1)


@features.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a feature store.", show_default=False)],
) -> None:
    """Read a feature store through: list each faulty file with the rule it breaks, and exit 1 where there is one."""
    from geocairn.data.feature_store import store_faults

    n_faults = 0
    for fault in store_faults(folder):
        typer.echo(fault)
        n_faults += 1
    if n_faults:
        typer.echo(f"geocairn: {folder}: faults: {n_faults}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{folder}: whole")
