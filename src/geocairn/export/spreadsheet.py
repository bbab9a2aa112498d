"""CSV for spreadsheets and pandas: one row per photo."""

import csv
from collections.abc import Iterable
from typing import TextIO

from geocairn.answer.prediction import Prediction
from geocairn.export.text import decimal, spreadsheet_text

LEVEL_COLUMNS = ("country", "region", "subregion", "city")
COLUMNS = ("photo", "lat_deg", "lon_deg", "radius_km", "p", *LEVEL_COLUMNS, "abstain", "error")


def write_csv(predictions: Iterable[Prediction], stream: TextIO) -> None:
    """Write one row per photo: the first candidate's point, the names of the levels that the answer supports, and what went wrong.

    Cells of text that a spreadsheet would run as a formula get a leading apostrophe; numbers stay numbers. What is not there is empty.
    """
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for prediction in predictions:
        writer.writerow(_row(prediction))


def _row(prediction: Prediction) -> list[str]:
    best = prediction.best
    numbers = [decimal(value) for value in (best.lat_deg, best.lon_deg, best.radius_km, best.p)] if best else [""] * 4
    names = {answer.level: answer.name for answer in prediction.levels}
    words = [names.get(level, "") for level in LEVEL_COLUMNS] + [prediction.abstain or "", prediction.error or ""]
    return [spreadsheet_text(prediction.photo), *numbers, *map(spreadsheet_text, words)]
