"""`geocairn data`: data sets as manifests."""

import typer

from geocairn.cli.data_lorenz import lorenz
from geocairn.cli.data_sample import sample

data = typer.Typer(help="Data sets as manifests.", no_args_is_help=True, rich_markup_mode=None)


@data.callback()
def _group() -> None:
    """Data sets as manifests."""


data.command()(sample)
data.command()(lorenz)
