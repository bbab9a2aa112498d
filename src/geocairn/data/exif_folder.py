"""A folder of photos that say themselves where they were taken."""

from pathlib import Path

import pyarrow as pa

from geocairn.data.found import Found, found_from_columns, plain_text, refusals
from geocairn.data.import_settings import ImportSettings
from geocairn.errors import BadManifest, BadPhoto
from geocairn.photo.listing import list_photos
from geocairn.photo.read import PhotoLimits, one_line, read_photo

NO_POSITION = "no position in the photo"
UNREADABLE = "photo cannot be read"
# Enough to know that the pixels can be decoded, and quick.
_LIMITS = PhotoLimits(long_side_px=64)


def read_folder(path: Path, _: ImportSettings) -> Found:
    """Read the EXIF position and time of every photo in and below a folder; each is decoded, so that none is listed that cannot be read.

    Raises:
        BadManifest: not a folder, or one without photos.
    """
    if not path.is_dir():
        raise BadManifest(f"{path}: {'not a folder' if path.exists() else 'no such folder'}; name the folder of photos")
    photos = list(list_photos([str(path)]))
    if not photos:
        raise BadManifest(f"{path}: no photo in it or below it; name the folder of photos")
    columns: dict[str, list[str | float | None]] = {"photo": [], "lat_deg": [], "lon_deg": [], "captured_at": []}
    refused: list[tuple[int, str, str]] = []
    unreadable: list[str] = []
    for row, photo in enumerate(photos, start=1):
        name = plain_text(Path(photo).relative_to(path).as_posix())
        try:
            claim = read_photo(photo, _LIMITS).claim
        except BadPhoto as error:
            unreadable.append(str(error))
            refused.append((row, name, UNREADABLE))
            continue
        if claim is None or claim.lat_deg is None:
            refused.append((row, name, NO_POSITION))
            continue
        for column, cell in zip(columns.values(), (name, claim.lat_deg, claim.lon_deg, claim.captured_at), strict=True):
            column.append(cell)
    return _found(path, columns, refused, unreadable)


def _found(path: Path, columns: dict[str, list[str | float | None]], refused: list[tuple[int, str, str]], unreadable: list[str]) -> Found:
    kinds = {"photo": pa.string(), "lat_deg": pa.float64(), "lon_deg": pa.float64(), "captured_at": pa.string()}
    table = pa.table({name: pa.array(cells, kinds[name]) for name, cells in columns.items()})
    rows = [refusals([row], [one_line(name)], why) for row, name, why in refused]
    found = found_from_columns(path, table, refused=pa.concat_tables(rows) if rows else None)
    return Found(path, table, found.row_numbers, found.refused, unreadable=unreadable)
