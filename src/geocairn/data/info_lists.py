"""The lists that OSV-5M's loaders read for Im2GPS, Im2GPS3k (`info.json`) and YFCC4k (`info.txt`)."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from geocairn.data.found import Found, found_from_columns, plain_text, refusals, without_missing_words
from geocairn.data.import_settings import ImportSettings
from geocairn.data.tables import read_csv_text
from geocairn.errors import BadManifest

NO_LABEL = "no label"
NOT_LABELLED_SO = "label does not say latitude and longitude"
_LAT_AT, _LON_AT = -4, -3
_ID_COLUMN, _USER_COLUMN, _LON_COLUMN, _LAT_COLUMN = 1, 3, 12, 13
_FLICKR_USER = r"^[0-9]+@N[0-9]{2}$"


def read_info_json(path: Path, _: ImportSettings) -> Found:
    """Read `{file: [strings]}`: "latitude: 48.85" is the fourth string from the end, "longitude: 2.35" the third; an empty list is a photo without label.

    Raises:
        BadManifest: not JSON of this shape.
    """
    pairs = _pairs_of_json(path)
    labels = [(_value(strings, _LAT_AT, "latitude"), _value(strings, _LON_AT, "longitude")) for _, strings in pairs]
    good = [row for row, (lat, lon) in enumerate(labels) if lat is not None and lon is not None]
    unlabelled = [row for row, (_, strings) in enumerate(pairs) if not strings]
    odd = sorted(set(range(len(pairs))) - set(good) - set(unlabelled))
    refused = [refusals([row + 1 for row in rows], [pairs[row][0] for row in rows], why) for rows, why in ((unlabelled, NO_LABEL), (odd, NOT_LABELLED_SO))]
    columns = {"photo": [pairs[row][0] for row in good], "lat_deg": [labels[row][0] for row in good], "lon_deg": [labels[row][1] for row in good]}
    table = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
    return found_from_columns(path, table, refused=pa.concat_tables(refused))


def read_info_txt(path: Path, _: ImportSettings) -> Found:
    """Read a tab-separated list in the columns of YFCC100M: 1 is the photo's number, 12 the longitude, 13 the latitude, counted from 0.

    Column 3 is the author where it holds Flickr's user number.

    Raises:
        BadManifest: empty, not UTF-8, or with too few columns.
    """
    n_columns = _n_tabbed(path)
    if n_columns <= _LAT_COLUMN:
        raise BadManifest(f"{path}: {n_columns} columns; a list of YFCC has at least {_LAT_COLUMN + 1}, separated by tabs")
    names = [str(column) for column in range(n_columns)]
    wanted = [names[column] for column in (_ID_COLUMN, _USER_COLUMN, _LON_COLUMN, _LAT_COLUMN)]
    table, refused = read_csv_text(path, separator="\t", names=wanted, all_names=names, has_quotes=False)
    photo, user, lon, lat = (without_missing_words(table[name]) for name in wanted)
    author = pc.if_else(pc.match_substring_regex(user, _FLICKR_USER), user, pa.scalar(None, pa.string()))
    file_name = pc.binary_join_element_wise(photo, pa.scalar(".jpg"), "")
    return found_from_columns(path, pa.table({"photo": file_name, "lat_deg": lat, "lon_deg": lon, "author": author}), refused=refused)


def _pairs_of_json(path: Path) -> list[tuple[str, list[Any]]]:
    try:
        # Pairs, not a dict: a file named twice must be seen to be.
        pairs = json.loads(path.read_bytes(), object_pairs_hook=tuple)
    except UnicodeDecodeError as error:
        raise BadManifest(f"{path}: not UTF-8 (byte {error.start}: {error.reason}); save it as UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise BadManifest(f"{path}: not JSON ({error})") from None
    if not isinstance(pairs, tuple) or not all(isinstance(strings, list) for _, strings in pairs):
        raise BadManifest(f"{path}: not a list of labels; it is one object, from each file's name to a list of strings")
    return [(plain_text(name), strings) for name, strings in pairs]


def _value(strings: list[Any], at: int, what: str) -> str | None:
    """What follows "latitude:" in a label; None where the label does not say so."""
    if len(strings) < -_LAT_AT or not isinstance(strings[at], str):
        return None
    label, colon, value = strings[at].partition(":")
    return plain_text(value.strip()) if colon and label.strip().lower() == what else None


def _n_tabbed(path: Path) -> int:
    with path.open("rb") as file:
        first = file.readline()
    return first.rstrip(b"\r\n").count(b"\t") + 1 if first.strip() else 0
