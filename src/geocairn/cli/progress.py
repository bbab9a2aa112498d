"""Words and bars on standard error while work goes on."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
# Fewer photos than this are done before a bar has told anything.
BAR_FROM = 6


@contextmanager
def announced() -> Iterator[Callable[[str], None]]:
    """A function that shows a step of first-time work on standard error; a spinner on a terminal, a line elsewhere."""
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("loading places") if console.is_terminal else _nothing() as status:

        def say(step: str) -> None:
            words = f"first run, once only: {step}"
            if status is None:
                console.print(words, highlight=False)
            else:
                status.update(words)

        yield say


@contextmanager
def _nothing() -> Iterator[None]:
    yield None


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
