"""OpenStreetView-5M: `train.csv` and `test.csv`. Its pictures lie in zips, which need not be unpacked to be listed."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from geocairn.data.columns import Names, known_columns
from geocairn.data.found import Found
from geocairn.data.import_settings import ImportSettings
from geocairn.data.tables import column_names, read_columns

OSV_NAMES: Names = {
    "photo": ("id",),
    "lat_deg": ("latitude",),
    "lon_deg": ("longitude",),
    "country": ("country",),
    "region": ("region",),
    "subregion": ("sub_region",),
    "city": ("city",),
    "author": ("creator_id", "creator_username"),
    "sequence": ("sequence",),
    "captured_at": ("captured_at",),
}
# Kept under their own names: the keys that say which of two equally named places is meant, and what results are grouped by.
OWN_COLUMNS = (
    *(f"unique_{level}" for level in ("country", "region", "sub-region", "city")),
    *("land_cover", "climate", "soil", "road_index", "drive_side", "dist_sea"),
)


def read_osv5m(path: Path, settings: ImportSettings) -> Found:
    """Read a list of OSV-5M: photos are named `<id>.jpg`, and the file's name says the split. NaN is a missing label; the country NA is Namibia.

    Raises:
        BadManifest, UnknownName: as `read_columns` and `known_columns` say.
    """
    names = column_names(path)
    columns = {name: name for name in OWN_COLUMNS if name in names} | known_columns(path, names, settings, OSV_NAMES)
    found = read_columns(path, columns)
    table = found.table.set_column(
        found.table.column_names.index("photo"), "photo", pc.binary_join_element_wise(pc.cast(found.table["photo"], pa.string()), pa.scalar(".jpg"), "")
    )
    split = next((split for split in ("train", "val", "test") if path.stem.startswith(split)), None)
    table = table if split is None or "split" in columns else table.append_column("split", pa.repeat(pa.scalar(split), table.num_rows))
    return Found(path, table, found.row_numbers, found.refused)
