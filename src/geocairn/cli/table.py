"""Answers as a table for people."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from geocairn.answer.prediction import Prediction
from geocairn.photo.read import one_line


def print_table(predictions: Iterable[Prediction]) -> None:
    """Print one row per photo on standard output, and one line of caution under them."""
    table = Table(title="Where the photos were taken: estimates, not facts")
    for heading in ("photo", "place", "sure", "first candidate", "why"):
        table.add_column(heading, overflow="fold")
    for prediction in predictions:
        table.add_row(*(escape(one_line(cell) if cell else "") for cell in _cells(prediction)))
    Console().print(table)


def _cells(prediction: Prediction) -> tuple[str, str, str, str, str]:
    name = prediction.photo.rsplit("/", 1)[-1]
    if prediction.error is not None:
        return name, "", "", "", f"error: {prediction.error}"
    return name, _place(prediction), _sure(prediction), _candidate(prediction), _reasons(prediction)


def _place(prediction: Prediction) -> str:
    return " > ".join(level.name for level in prediction.levels) or "no answer"


def _sure(prediction: Prediction) -> str:
    return " > ".join(f"{level.p:.0%}" for level in prediction.levels)


def _candidate(prediction: Prediction) -> str:
    best = prediction.best
    return f"{best.lat_deg:g}, {best.lon_deg:g} within {best.radius_km:g} km: {best.p:.0%}" if best else ""


def _reasons(prediction: Prediction) -> str:
    reasons = [f"{clue.kind} {clue.text!r} -> {clue.supports}" for clue in sorted(prediction.clues, key=lambda clue: -abs(clue.log_odds))[:3]]
    return "; ".join(([prediction.abstain] if prediction.abstain else []) + reasons)
