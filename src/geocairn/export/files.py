"""Predictions as files: one writer per format."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from geocairn.answer.geojson import feature_collection
from geocairn.answer.prediction import Prediction
from geocairn.errors import UnknownName
from geocairn.export.markup import write_gpx, write_kml
from geocairn.export.rows import append_row
from geocairn.export.spreadsheet import write_csv
from geocairn.export.target import cannot_write, check_target, writing
from geocairn.export.text import encodable_tree


def write_json(predictions: Iterable[Prediction], stream: TextIO) -> None:
    """Write one JSON array of predictions, for one photo too."""
    _write_array((_indented(prediction.to_dict()) for prediction in predictions), stream)
    stream.write("\n")


def write_jsonl(predictions: Iterable[Prediction], stream: TextIO) -> None:
    """Write one prediction a line, each as soon as it is ready."""
    for prediction in predictions:
        append_row(stream, prediction)


def write_geojson(predictions: Iterable[Prediction], stream: TextIO) -> None:
    """Write one FeatureCollection, a feature a line; `geocairn.answer.geojson.feature_collection` says what is in it.

    Photo by photo, since the outlines of many photos would not fit into memory.
    """
    errors: list[dict[str, str]] = []

    def features() -> Iterator[str]:
        for prediction in predictions:
            collection = feature_collection([prediction])
            errors.extend(collection["errors"])
            yield from map(_compact, collection["features"])

    stream.write('{"type": "FeatureCollection", "features": ')
    _write_array(features(), stream)
    stream.write(f', "errors": {_compact(errors)}}}\n')


WRITERS: dict[str, Callable[[Iterable[Prediction], TextIO], None]] = {
    "json": write_json,
    "jsonl": write_jsonl,
    "geojson": write_geojson,
    "kml": write_kml,
    "csv": write_csv,
    "gpx": write_gpx,
}


def format_of(path: Path) -> str:
    """Name of the format that a file's suffix asks for.

    Raises:
        UnknownName: the suffix is none of the formats'; the message lists them.
    """
    name = path.suffix.lower().removeprefix(".")
    if name not in WRITERS:
        suffixes = ", ".join(f".{known}" for known in WRITERS)
        raise UnknownName(f"{path}: the suffix {path.suffix!r} is no format; use one of {suffixes}, or say --format")
    return name


def write_predictions(predictions: Iterable[Prediction], out: Path | TextIO, format: str) -> None:
    """Write predictions in their order.

    Args:
        predictions: consumed once.
        out: a file, replaced if it is there, or an open text stream. The file appears when it is complete or not at all; JSONL alone is written
            row by row, so that an interrupted run leaves a readable file.
        format: json, jsonl, geojson, kml, csv or gpx.

    Raises:
        UnknownName: no such format; the message lists them.
        BadOutput: `out` cannot be written.
    """
    if format not in WRITERS:
        raise UnknownName(f"format {format!r}: use one of {', '.join(WRITERS)}")
    if not isinstance(out, Path):
        WRITERS[format](predictions, out)
    elif format == "jsonl":
        with open_rows(out) as stream:
            write_jsonl(predictions, stream)
    else:
        with writing(out) as stream:
            WRITERS[format](predictions, stream)


@contextmanager
def open_rows(out: Path, *, resume: bool = False) -> Iterator[TextIO]:
    """Open a JSONL file for `append_row`: emptied, or with `resume` at its end.

    Raises:
        BadOutput: the file cannot be written, or the disk is full.
    """
    check_target(out)
    try:
        with out.open("a" if resume else "w", encoding="utf-8", newline="") as stream:
            yield stream
    except OSError as error:
        raise cannot_write(out, error) from None


def _write_array(texts: Iterable[str], stream: TextIO) -> None:
    stream.write("[")
    between = "\n"
    for text in texts:
        stream.write(between + text)
        between = ",\n"
    stream.write("\n]")


def _indented(values: object) -> str:
    return json.dumps(encodable_tree(values), ensure_ascii=False, allow_nan=False, indent=2)


def _compact(values: object) -> str:
    return json.dumps(encodable_tree(values), ensure_ascii=False, allow_nan=False)
