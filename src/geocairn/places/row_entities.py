"""The entity builder for training rows: labels or coordinates of a manifest -> the hierarchy country > region > subregion > city."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from geocairn.config import Config
from geocairn.coordinates import Coded, Coordinates, coordinates_sha256
from geocairn.errors import BadManifest
from geocairn.places.atlas import load_atlas
from geocairn.places.borders import load_borders
from geocairn.places.entities import LEVELS
from geocairn.places.files import save_hierarchy
from geocairn.places.geonames import ATTRIBUTION
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.labels import OSV5M_COLUMNS, OSV5M_KEYS, chain_of_keys, chain_of_names, filled_labels, stand_by_labels
from geocairn.places.members import MIN_RADIUS_KM, Standing, hierarchy_of_members
from geocairn.places.origin import save_origin
from geocairn.places.reverse import stand_in_cities
from geocairn.places.stage import AUTO_SPLIT, TREE_FILE, check_places_folder, read_split

LABEL_COLUMNS = {"columns": LEVELS, "osv5m": (*OSV5M_KEYS, *OSV5M_COLUMNS), "coordinates": ()}
"""Columns that each kind of labels is read from."""
_ATTRIBUTION = {"columns": "", "osv5m": "OSV-5M (https://huggingface.co/datasets/osv5m/osv5m), CC BY-SA 4.0", "coordinates": ATTRIBUTION}


class EntitySettings(Config):
    """How entities are made of training rows."""

    labels: Literal["columns", "osv5m", "coordinates"] = Field(
        "columns", description="country, region, subregion and city; the columns of OSV-5M; or the nearest city of GeoNames"
    )
    polygons: bool = Field(False, description="with labels = coordinates: the nearest city of the country whose polygon holds the row")
    fill_missing: bool = Field(
        False, description="with labels = columns: a coarser label that a row lacks is that of the rows of its country with the same finer one, if they agree"
    )
    split: str = Field(
        AUTO_SPLIT, min_length=1, description="only rows of this split are used; auto: train where there is a column split, else every row; all: every row"
    )
    min_radius_km: float = Field(MIN_RADIUS_KM, gt=0, description="least radius of a place: one photo says where it is, not that it is a point")

    @model_validator(mode="after")
    def _polygons_need_coordinates(self) -> Self:
        if self.polygons and self.labels != "coordinates":
            raise ValueError(
                f"--polygons (in a recipe places.rows.polygons) goes with the labels coordinates, not with {self.labels}; leave it out or choose those"
            )
        return self

    @model_validator(mode="after")
    def _filling_needs_columns(self) -> Self:
        if self.fill_missing and self.labels != "columns":
            raise ValueError(f"fill_missing goes with labels = columns alone, not with {self.labels}; set it to false")
        return self


def build_row_entities(manifest: Path, out: Path, settings: EntitySettings, *, cities: Hierarchy | None = None) -> Hierarchy:
    """Build the hierarchy of a manifest's rows into the folder `out`: `hierarchy.npz`, `hierarchy.json` and `rows.npy`.

    Args:
        manifest: `.csv` or `.parquet` with photo, lat_deg, lon_deg, and the labels that the settings ask for.
        out: folder, made where it is missing.
        settings: which labels and rows are used.
        cities: where labels = coordinates; those of GeoNames by default.

    Raises:
        BadManifest: no column of labels, no photo names, no row of the split, or no row with a country.
        BadCoordinate: a coordinate that is no number or not on Earth.
        BadOutput: the folder cannot be written, or holds other things than places.
    """
    check_places_folder(out, [manifest])
    rows, split = _read_rows(manifest, settings)
    standing = stand_rows(rows, settings, cities=cities)
    used = standing.place >= 0
    rejected = Counter(rows.rejected) + Counter(standing.rejected)
    if not used.any():
        reasons = ", ".join(f"{reason}: {count}" for reason, count in rejected.items())
        raise BadManifest(f"{manifest}: no row has a country ({reasons}); label the rows, or build with --labels coordinates (in a recipe places.rows.labels)")
    meta = {
        "builder": "entities",
        "source_sha256": coordinates_sha256(rows.latlon_deg[used]),
        "split": split,
        "rejected": dict(sorted(rejected.items())),
        "attribution": _ATTRIBUTION[settings.labels],
        "settings": settings.model_dump(mode="json"),
    }
    hierarchy = hierarchy_of_members(standing, rows.latlon_deg, min_radius_km=settings.min_radius_km, meta=meta)
    # What another build left here is no part of these places.
    (out / TREE_FILE).unlink(missing_ok=True)
    save_origin(out, (photo for photo, is_used in zip(rows.photos or (), used.tolist(), strict=True) if is_used))
    save_hierarchy(hierarchy, out / "hierarchy.npz")
    return hierarchy


def _read_rows(manifest: Path, settings: EntitySettings) -> tuple[Coordinates, str | None]:
    rows, split = read_split(manifest, settings.split, columns=LABEL_COLUMNS[settings.labels])
    if rows.photos is None:
        raise BadManifest(f"{manifest}: no column 'photo'; without names nobody could tell later whether test photos are among the rows")
    return rows, split


def stand_rows(rows: Coordinates, settings: EntitySettings, *, cities: Hierarchy | None = None) -> Standing:
    """Where rows stand by their labels or coordinates.

    Args:
        rows: read with `LABEL_COLUMNS[settings.labels]`.
        cities: where labels = coordinates; those of GeoNames by default.

    Raises:
        BadManifest: no column of labels.
    """
    if settings.labels == "coordinates":
        country_of = load_borders().country if settings.polygons else None
        return stand_in_cities(load_atlas().hierarchy if cities is None else cities, rows.latlon_deg, country_of=country_of)
    if settings.labels == "columns":
        # A manifest may go no farther than countries.
        cells = _cells(rows, LEVELS, needed=LEVELS[:1])
        return stand_by_labels(filled_labels(cells) if settings.fill_missing else cells, chain_of_names)
    if OSV5M_KEYS[0] in rows.columns:
        return stand_by_labels(_cells(rows, OSV5M_KEYS, needed=OSV5M_KEYS), chain_of_keys)
    return stand_by_labels(_cells(rows, OSV5M_COLUMNS, needed=OSV5M_COLUMNS), chain_of_names)


def _cells(rows: Coordinates, names: Sequence[str], *, needed: Sequence[str]) -> list[Coded]:
    absent = [name for name in needed if name not in rows.columns]
    if absent:
        read_from = f"labels are read from the columns {', '.join(names)}"
        raise BadManifest(f"{rows.path}: no column {absent[0]!r}; {read_from}; build with other --labels (in a recipe places.rows.labels)")
    empty = Coded(np.full(len(rows), -1), ())
    return [rows.columns.get(name, empty) for name in names]
