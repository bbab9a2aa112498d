"""All rows of an import, each with the reason why it is left out, if it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from geocairn.data.found import FIELDS, NO_PHOTO, Found, refusals
from geocairn.data.info_lists import NO_LABEL
from geocairn.data.people import author_groups, names_shared_without_users, names_without_users, users_in_names
from geocairn.data.positions import PROBLEMS, positions_from_cells
from geocairn.geo.sphere import distance_km

NO_PLACE = PROBLEMS[1]
REPEATS, ANOTHER_PLACE = "repeats an earlier row", "the same photo at another place"
NUL_IN_NAME = "NUL byte in the photo's name"
NOT_LISTED, NO_PICTURE = "not in the list of addresses", "no picture"
REASONS = (*PROBLEMS, NO_PHOTO, NUL_IN_NAME, REPEATS, ANOTHER_PLACE, NOT_LISTED, NO_PICTURE)
# What sets are known to hold; every other reason is damage.
HARMLESS = (NO_PLACE, "null island (0, 0)", "no position in the photo", NO_LABEL, REPEATS, NOT_LISTED, NO_PICTURE)
SAME_PLACE_KM = 0.02  # lists round coordinates to five or six digits


@dataclass
class Rows:
    """Rows of all sources.

    Attributes:
        table: N rows of the columns found, without lat_deg and lon_deg.
        latlon_deg: (N, 2) float64 degrees as read.
        source, number: (N,) index of the source and number of the row in it.
        reason: (N,) int8 index into `REASONS`; 0 is kept.
    """

    table: pa.Table
    latlon_deg: NDArray[np.float64]
    source: NDArray[np.int64]
    number: NDArray[np.int64]
    reason: NDArray[np.int8]

    @property
    def is_kept(self) -> NDArray[np.bool_]:
        """(N,) no reason has been found to leave the row out."""
        return np.asarray(self.reason == 0)

    def reject(self, rows: ArrayLike, reason: str) -> None:
        """Leave out rows (mask or indices) that are still kept."""
        chosen = np.zeros(len(self.reason), dtype=bool)
        chosen[np.asarray(rows)] = True
        self.reason[chosen & self.is_kept] = REASONS.index(reason)


def gather_rows(found: Sequence[Found]) -> Rows:
    """Rows of all sources with places, one after the other; those without a photo or without a place on Earth are left out."""
    placed = [(index, one) for index, one in enumerate(found) if one.has_places]
    positions = [positions_from_cells(one.table["lat_deg"], one.table["lon_deg"]) for _, one in placed]
    rows = Rows(
        pa.concat_tables([one.table.drop_columns(["lat_deg", "lon_deg"]) for _, one in placed], promote_options="default").combine_chunks(),
        np.concatenate([latlon for latlon, _ in positions]),
        np.concatenate([np.full(len(one.row_numbers), index) for index, one in placed]),
        np.concatenate([one.row_numbers for _, one in placed]),
        np.concatenate([problem for _, problem in positions]),
    )
    rows.reject(rows.table["photo"].is_null().to_numpy(), NO_PHOTO)
    # No file can have such a name.
    rows.reject(pc.fill_null(pc.match_substring(rows.table["photo"], "\0"), fill_value=False).to_numpy(), NUL_IN_NAME)
    return rows


def hide_people(rows: Rows, salt: str, *, keep_photo_ids: bool) -> tuple[int, pa.Array]:
    """Put salted groups in the place of authors (where none is given, of the user number in the photo's name) and take user numbers out of names.

    Returns:
        The number of names that changed, and the names that photos would have come to share.
    """
    names = rows.table["photo"]
    users = users_in_names(names)
    authors = pc.coalesce(rows.table["author"].combine_chunks(), users) if "author" in rows.table.column_names else users
    columns = {name: rows.table[name] for name in rows.table.column_names}
    shared = names_shared_without_users(names)
    columns["photo"], n_changed = (names, 0) if keep_photo_ids else names_without_users(names, salt, shared)
    rows.table = pa.table(columns | {"author": author_groups(authors, salt)})
    return n_changed, shared


def reject_repeats(rows: Rows) -> None:
    """Keep each photo once; leave out every row of a photo that has two places, for nobody knows which is true."""
    kept = np.flatnonzero(rows.is_kept)
    codes = pc.dictionary_encode(rows.table["photo"].combine_chunks().take(kept)).indices.to_numpy()
    first = np.empty(codes.max(initial=-1) + 1, dtype=np.int64)
    first[codes[::-1]] = kept[::-1]  # of several assignments the last one holds: the photo's first row
    again = kept[first[codes] != kept]
    origin = first[codes][first[codes] != kept]
    is_elsewhere = distance_km(rows.latlon_deg[again], rows.latlon_deg[origin]) > SAME_PLACE_KM
    torn = np.isin(first[codes], origin[is_elsewhere])
    rows.reject(kept[torn], ANOTHER_PLACE)
    rows.reject(again, REPEATS)


def reject_unlisted(rows: Rows, lists: Sequence[Found]) -> pa.Array:
    """Leave out rows that a list of names alone does not have.

    Returns:
        Names of the lists, each once, that no row has.
    """
    listed = pa.concat_tables([one.table.select(["photo"]) for one in lists])["photo"].combine_chunks().unique()
    names = rows.table["photo"].combine_chunks()
    rows.reject(~pc.is_in(names, listed).to_numpy(zero_copy_only=False), NOT_LISTED)
    return listed.filter(pc.invert(pc.is_in(listed, names)))


def rejected_rows(found: Sequence[Found], rows: Rows, unplaced: pa.Array) -> pa.Table:
    """source (index), row, photo and reason of every row left out, in the order of the sources.

    Args:
        unplaced: names of lists without places that no row has; their row is 0.
    """
    left_out = np.flatnonzero(~rows.is_kept)
    reasons = pa.array(REASONS).take(pa.array(rows.reason[left_out]))
    judged = pa.table({"row": rows.number[left_out], "photo": rows.table["photo"].combine_chunks().take(pa.array(left_out)), "reason": reasons})
    first_list = next((index for index, one in enumerate(found) if not one.has_places), 0)
    parts = [(one.refused, np.full(one.refused.num_rows, index)) for index, one in enumerate(found)]
    parts += [(judged, rows.source[left_out]), (refusals([0] * len(unplaced), unplaced.to_pylist(), NO_PLACE), np.full(len(unplaced), first_list))]
    tables = [table.append_column("source", pa.array(source, pa.int64())) for table, source in parts]
    return pa.concat_tables(tables).sort_by([("source", "ascending"), ("row", "ascending"), ("photo", "ascending")]).combine_chunks()


def manifest_table(rows: Rows) -> pa.Table:
    """The kept rows: photo, lat_deg, lon_deg, then the columns that have a label in any row, canonical ones first."""
    kept = pa.array(rows.is_kept)
    table = rows.table.filter(kept).combine_chunks()
    latlon = rows.latlon_deg[rows.is_kept]
    columns = {"photo": table["photo"], "lat_deg": pa.array(latlon[:, 0]), "lon_deg": pa.array(latlon[:, 1])}
    others = [name for name in FIELDS[3:] if name in table.column_names] + [name for name in table.column_names if name not in FIELDS]
    columns |= {name: table[name] for name in others if table[name].null_count < table.num_rows}
    return pa.table({name: cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells for name, cells in columns.items()})
