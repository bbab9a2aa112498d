"""The `geocairn` command: its sub-commands, and what becomes of errors."""

import os
import sys
from typing import NoReturn, cast

import typer

from geocairn.cli.bundle import bundle
from geocairn.cli.calibrate import calibrate
from geocairn.cli.data import data
from geocairn.cli.demo import demo
from geocairn.cli.doctor import doctor
from geocairn.cli.evaluate import evaluate
from geocairn.cli.features import features
from geocairn.cli.locate import locate
from geocairn.cli.places import places
from geocairn.cli.train import train
from geocairn.errors import GeocairnError

INTERRUPTED = 130
# click's UsageError, the parent of BadParameter, which typer exports under no name of its own.
WrongUsage = cast(type[typer.BadParameter], typer.BadParameter.mro()[1])

app = typer.Typer(
    name="geocairn",
    help="Where on Earth was this photo taken, how sure are we, and why? Offline; nothing leaves this machine.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(locate)
app.command()(evaluate)
app.command()(calibrate)
app.add_typer(places, name="places")
app.add_typer(data, name="data")
app.add_typer(features, name="features")
app.command()(train)
app.add_typer(bundle, name="bundle")
app.command()(demo)
app.command()(doctor)


def _version(show: bool) -> None:
    if show:
        from geocairn import __version__

        typer.echo(f"geocairn {__version__}")
        raise typer.Exit


@app.callback()
def options(version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version and stop.")) -> None:
    """Where on Earth was this photo taken, how sure are we, and why? Offline; nothing leaves this machine."""


def main() -> None:
    """Run the command; an error that Geocairn raises on purpose, or wrong usage, is one line and exit code 2."""
    try:
        code = app(prog_name="geocairn", standalone_mode=False)
        if code == INTERRUPTED:
            typer.echo("geocairn: interrupted", err=True)
        sys.exit(code)
    except GeocairnError as error:
        _end(str(error))
    except WrongUsage as error:
        words = error.format_message()
        where = error.ctx.command_path if error.ctx is not None else "geocairn"
        # Of a command without arguments the message is its whole help.
        _end(words if "\n" in words else f"{words.rstrip('.')}; see `{where} --help`")
    except BrokenPipeError:
        # The reader of our output went away, as `head` does; nothing is left to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _end(f"{error.filename or 'output'}: {error.strerror or error}; make room, or choose another place")


def _end(words: str) -> NoReturn:
    typer.echo(words if "\n" in words else f"geocairn: {words}", err=True)
    sys.exit(2)
