"""`geocairn data`: data sets as manifests."""

import typer

from geocairn.cli.data_import import import_command
from geocairn.cli.data_lorenz import lorenz
from geocairn.cli.data_sample import sample
from geocairn.cli.data_split import split
from geocairn.cli.data_synth import synth

data = typer.Typer(help="Data sets as manifests.", no_args_is_help=True, rich_markup_mode=None)


@data.callback()
def _group() -> None:
    """Data sets as manifests."""


data.command("import")(import_command)
data.command()(sample)
data.command()(lorenz)
data.command()(split)
data.command()(synth)
