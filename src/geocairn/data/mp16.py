"""MP-16: lists with coordinates, as GeoEstimation, EMP-16 and MP16-Pro have them, and the list of addresses, which has none."""

from pathlib import Path

import pyarrow as pa

from geocairn.data.columns import META_NAMES
from geocairn.data.found import NO_PHOTO, Found, found_from_columns, refusals, without_missing_words
from geocairn.data.import_settings import ImportSettings
from geocairn.data.tables import column_names, read_csv_text, table_reader


def read_mp16_table(path: Path, settings: ImportSettings) -> Found:
    """Read a list with a header, or one of `image_id,url` without: then only the photos' names, to which another list must give the places.

    Raises:
        BadManifest, UnknownName: as `read_columns` and `known_columns` say.
    """
    first = column_names(path)
    if path.suffix.lower() == ".parquet" or not (len(first) == 2 and first[1].lower().startswith("http")):
        return table_reader(META_NAMES)(path, settings)
    table, refused = read_csv_text(path, separator=",", names=["photo"], all_names=["photo", "url"])
    found = found_from_columns(path, pa.table({"photo": without_missing_words(table["photo"])}), refused=refused)
    is_named = found.table["photo"].is_valid().to_numpy()
    nameless = refusals(found.row_numbers[~is_named], [None] * int((~is_named).sum()), NO_PHOTO)
    return Found(path, found.table.filter(pa.array(is_named)), found.row_numbers[is_named], pa.concat_tables([refused, nameless]))
