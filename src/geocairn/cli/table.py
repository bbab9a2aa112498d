"""Answers as a table for people."""

from collections.abc import Callable, Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from geocairn.answer.prediction import Prediction
from geocairn.export.words import abstention_line, kilometres, percent
from geocairn.photo.read import one_line

N_REASONS = 3
MAX_REASON_CHARS = 40


def print_table(predictions: Iterable[Prediction], name_of: Callable[[str], str]) -> None:
    """Print one row per photo on standard output: the answer, how sure it is, and the most telling clues.

    Args:
        name_of: from the id of a place to its name.
    """
    table = Table(title="Where the photos were taken: estimates, not facts")
    for heading in ("photo", "answer", "why"):
        table.add_column(heading, overflow="fold")
    for prediction in predictions:
        name = one_line(prediction.photo.rsplit("/", 1)[-1])
        table.add_row(escape(name), escape("\n".join(map(one_line, _answer(prediction)))), escape("\n".join(map(one_line, _reasons(prediction, name_of)))))
    Console().print(table)


def _answer(prediction: Prediction) -> list[str]:
    """Supported levels or the abstention, then the first candidate."""
    if prediction.error is not None:
        return ["not read"]
    told = abstention_line(prediction) or " > ".join(f"{level.name} {percent(level.p)}" for level in prediction.levels)
    best = prediction.best
    if best is None or prediction.abstain is not None:
        return [told]
    return [told, f"{percent(best.p)} within {kilometres(best.radius_km)} of {best.lat_deg:g}, {best.lon_deg:g}"]


def _reasons(prediction: Prediction, name_of: Callable[[str], str]) -> list[str]:
    if prediction.error is not None:
        return [prediction.error]
    telling = sorted(prediction.clues, key=lambda clue: -abs(clue.log_odds))[:N_REASONS]
    return [f"{clue.kind} '{_shortened(clue.text)}': {name_of(clue.supports).split(',')[0]}" for clue in telling]


def _shortened(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= MAX_REASON_CHARS else f"{words[: MAX_REASON_CHARS - 3]}..."
