"""What the training part of the first run found, as tables for people."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from geocairn.demo.training import TrainingDemo
from geocairn.demo.words import SAMPLE_HEADINGS, STATEMENT, SYSTEM_HEADINGS, SYSTEMS, sample_rows, system_rows
from geocairn.photo.read import one_line


def print_training_demo(demo: TrainingDemo) -> None:
    """Print both tables and what they are worth on standard output."""
    console = Console()
    title = f"{demo.n_test} test photos of a synthetic Earth, {demo.n_train} training photos"
    console.print(_table(title, SYSTEM_HEADINGS, system_rows(demo.reports), first_left=1))
    console.print("\n".join(f"{name}: {what}" for name, what in SYSTEMS.items()), markup=False, highlight=False)
    console.print(_table(f"{len(demo.samples)} of the test photos, evenly spread over them", SAMPLE_HEADINGS, sample_rows(demo.samples), first_left=2))
    console.print(STATEMENT, markup=False, highlight=False)


def _table(title: str, headings: Iterable[str], rows: Iterable[Sequence[str]], *, first_left: int) -> Table:
    """A table whose columns after the first few are numbers."""
    table = Table(title=title)
    for index, heading in enumerate(headings):
        table.add_column(heading, overflow="fold", justify="left" if index < first_left else "right")
    for row in rows:
        table.add_row(*(escape(one_line(cell)) for cell in row))
    return table
