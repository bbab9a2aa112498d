"""Words and bars on standard error while work goes on."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from geocairn.train.engine import Watch

Item = TypeVar("Item")
# Fewer photos than this are done before a bar has told anything.
BAR_FROM = 6


def tell(words: str) -> None:
    """Say on standard error what happens."""
    typer.echo(f"geocairn: {words}", err=True)


def tell_step(step: str) -> None:
    """Say on standard error which step of first-time work begins."""
    tell(f"first run, once only: {step}")


def counted(items: Iterable[Item], total: int) -> Iterator[Item]:
    """The items; on a terminal, for more than a few, with a bar on standard error that tells how long it will take."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if total < BAR_FROM or not console.is_terminal:
        yield from items
        return
    columns = (TextColumn("photos"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("photos", total=total)
        for item in items:
            yield item
            bar.advance(task)


@contextmanager
def steps_watched() -> Iterator["Watch"]:
    """On a terminal, a bar on standard error for the steps of a training, with the loss and the time that is left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step, loss, steps: None
        return
    columns = (TextColumn("steps"), BarColumn(), MofNCompleteColumn(), TextColumn("loss {task.fields[loss]:.4g}"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("steps", total=None, loss=float("nan"))
        yield lambda step, loss, steps: bar.update(task, completed=step, total=steps, loss=loss)
