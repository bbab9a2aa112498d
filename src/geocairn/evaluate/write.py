"""The files of an evaluation: report.json, report.md, predictions.csv and plots. Equal inputs give equal bytes."""

import csv
from collections.abc import Iterable
from pathlib import Path

from geocairn.cells import spreadsheet_cell
from geocairn.errors import BadOutput
from geocairn.evaluate.guess import Label
from geocairn.evaluate.markdown import report_markdown
from geocairn.evaluate.plots import PLOTS
from geocairn.evaluate.predictions_file import LEVELS
from geocairn.evaluate.score import Evaluation
from geocairn.storage import appearing_at_once

# The first eleven columns are those of a file of predictions, so that the file can be evaluated, or compared with, in its turn.
COLUMNS = (
    *("photo", "lat_deg", "lon_deg", "radius_km", "p", *LEVELS, "abstain", "error"),
    *("true_lat_deg", "true_lon_deg", "true_country", "scored_country", "country_right", "country_p", "km", "geoscore"),
)


def write_evaluation(out: Path, evaluation: Evaluation) -> None:
    """Write the folder `out`; report.json appears last, so a folder with it is whole. A plot that has nothing to show is left out.

    Raises:
        BadOutput: the folder cannot be written.
    """
    with appearing_at_once(out / "predictions.csv") as draft, draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_rows(evaluation))
    plots = []
    for name, draw in PLOTS.items():
        figure = draw(evaluation)
        if figure is None:
            (out / f"{name}.png").unlink(missing_ok=True)  # of an earlier evaluation in this folder
            continue
        with appearing_at_once(out / f"{name}.png") as draft:
            figure.savefig(draft, dpi=120, metadata={"Software": None})
        plots.append(name)
    with appearing_at_once(out / "report.md") as draft:
        draft.write_text(report_markdown(evaluation.report, plots), encoding="utf-8")
    with appearing_at_once(out / "report.json") as draft:
        draft.write_text(evaluation.report.model_dump_json(indent=1) + "\n", encoding="utf-8")


def prepare_folder(out: Path) -> None:
    """Make the folder, so that one that cannot be made is known before the work and not after it.

    Raises:
        BadOutput: the folder cannot be made.
    """
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
