"""Words and bars on standard error while work goes on."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import typer

Item = TypeVar("Item")
# Fewer photos than this are done before a bar has told anything.
BAR_FROM = 6


def tell_step(step: str) -> None:
    """Say on standard error which step of first-time work begins."""
    typer.echo(f"geocairn: first run, once only: {step}", err=True)


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
