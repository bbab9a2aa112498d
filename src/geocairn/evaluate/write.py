"""The files of an evaluation: report.json, report.md, predictions.csv and plots. Equal inputs give equal bytes."""

import csv
from collections.abc import Collection, Iterable
from pathlib import Path

from geocairn.cells import spreadsheet_cell
from geocairn.errors import BadOutput
from geocairn.evaluate.guess import Label
from geocairn.evaluate.markdown import report_markdown
from geocairn.evaluate.plots import PLOTS
from geocairn.evaluate.predictions_file import LEVELS
from geocairn.evaluate.score import Evaluation
from geocairn.storage import appearing_at_once, check_result_folder, check_spares

PREDICTIONS = "predictions.csv"
# What tells that a folder is a report's. Predictions do not: they may be the user's own.
MARKS = ("report.md", "report.json")
FILES = (*MARKS, PREDICTIONS, *(f"{name}.png" for name in PLOTS))
# The first eleven columns are those of a file of predictions, so that the file can be evaluated, or compared with, in its turn.
COLUMNS = (
    *("photo", "lat_deg", "lon_deg", "radius_km", "p", *LEVELS, "abstain", "error"),
    *("true_lat_deg", "true_lon_deg", "true_country", "scored_country", "country_right", "country_p", "km", "geoscore"),
)


def write_evaluation(out: Path, evaluation: Evaluation) -> None:
    """Write the folder `out`: report.md first, which marks it as a report's, and report.json last, so a folder with it is whole.

    A plot that has nothing to show is left out, and one of an earlier evaluation removed.

    Raises:
        BadOutput: the folder cannot be written.
    """
    figures = {name: figure for name, draw in PLOTS.items() if (figure := draw(evaluation)) is not None}
    with appearing_at_once(out / "report.md") as draft:
        draft.write_text(report_markdown(evaluation.report, list(figures)), encoding="utf-8")
    with appearing_at_once(out / PREDICTIONS) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_rows(evaluation))
    for name in PLOTS:
        if name not in figures:
            (out / f"{name}.png").unlink(missing_ok=True)
            continue
        with appearing_at_once(out / f"{name}.png") as draft:
            figures[name].savefig(draft, dpi=120, metadata={"Software": None})
    with appearing_at_once(out / "report.json") as draft:
        draft.write_text(evaluation.report.model_dump_json(indent=1) + "\n", encoding="utf-8")


def prepare_folder(out: Path, sources: Collection[Path]) -> None:
    """Make the folder, so that one that cannot take a report is known before the work and not after it.

    Args:
        out: missing, empty, or with an older report, which is replaced.
        sources: files that are read.

    Raises:
        BadOutput: the folder cannot be made, holds other things alone, or a source lies in it under a name that would be written over.
    """
    check_result_folder(out, MARKS, "report", sources)
    for name in FILES:
        check_spares(out / name, sources)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadOutput(f"{out}: cannot be a folder for the report ({error.strerror}); name another") from None


def _rows(evaluation: Evaluation) -> Iterable[list[str]]:
    truth, scores = evaluation.truth, evaluation.scores
    for row, guess in enumerate(evaluation.guesses):
        best, country = guess.best, guess.levels.get("country")
        numbers = [best.lat_deg, best.lon_deg, best.radius_km, best.p] if best else [None] * 4
        # Only what the answer names: what is scored where it stops short is told apart, as scored_country.
        named = [_word(guess.levels[level].label if level in guess.levels else None) for level in LEVELS]
        right = scores.right["country"][row]
        yield [
            spreadsheet_cell(evaluation.manifest.photos[row]),
            *map(_decimal, numbers),
            *(spreadsheet_cell(word) for word in (*named, guess.abstain or "", guess.error or "")),
            *map(_decimal, truth.latlon_deg[row]),
            *(spreadsheet_cell(_word(labels["country"][row])) for labels in (truth.labels, scores.labels)),
            "" if right != right else str(int(right)),
            _decimal(country.p if country else None),
            _decimal(scores.km[row] if best else None),
            _decimal(scores.geoscore[row]),
        ]


def _word(label: Label | None) -> str:
    """A place as a file of predictions names it: by its id, where it has one."""
    return "" if label is None else label.id or label.name


def _decimal(value: float | None) -> str:
    return "" if value is None else repr(float(value))
