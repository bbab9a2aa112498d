"""Which column of a list is the photo, the latitude, the author: by its usual names, or as the user says."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from geocairn.data.found import FIELDS
from geocairn.data.import_settings import ImportSettings
from geocairn.errors import BadManifest, UnknownName

Names = Mapping[str, tuple[str, ...]]

# Compared without case, and with "-" and " " read as "_".
USUAL_NAMES: Names = {
    "photo": ("photo", "image", "img", "image_id", "img_id", "photo_id", "id", "filename", "file_name", "file", "path", "image_path", "key"),
    "lat_deg": ("lat_deg", "latitude", "lat", "gps_latitude"),
    "lon_deg": ("lon_deg", "longitude", "lon", "lng", "long", "gps_longitude"),
    "country": ("country", "country_code", "cc"),
    "region": ("region", "state", "admin1"),
    "subregion": ("subregion", "sub_region", "county", "admin2"),
    "city": ("city", "town"),
    "author": ("author", "author_id", "author_group", "user", "user_id", "owner", "owner_id", "creator_id", "uploader"),
    "sequence": ("sequence", "sequence_id"),
    "album": ("album", "album_id"),
    "captured_at": ("captured_at", "taken_at", "date_taken", "datetime"),
    "scene3": ("scene3", "s3_label"),
    "scene16": ("scene16", "s16_label"),
    "scene365": ("scene365", "s365_label"),
    "split": ("split",),
}
# The lists of GeoEstimation and of those who took them over, and of MP16-Pro, which adds an address to each photo.
META_NAMES: Names = {
    "photo": ("img_id",),
    "lat_deg": ("lat",),
    "lon_deg": ("lon",),
    "country": ("country_code", "country"),
    "region": ("state", "region"),
    "subregion": ("county",),
    "city": ("city",),
    "author": ("author",),
    "scene3": ("s3_label",),
    "scene16": ("s16_label",),
    "scene365": ("s365_label",),
}


def recognised_columns(path: Path, names: Sequence[str], settings: ImportSettings) -> dict[str, str]:
    """Columns of a list of unknown origin: canonical name -> name in the file. The canonical name wins; else two usual names for one thing are refused.

    Raises:
        UnknownName: a column that the settings name is not there, or is none of a manifest.
        BadManifest: no photo, latitude or longitude is recognised, or one is ambiguous; the message lists the columns.
    """
    chosen = _told_columns(path, names, settings)
    for field in FIELDS:
        matching = _matching(names, USUAL_NAMES[field])
        exact = [name for name in matching if name == field]
        if field not in settings.columns and (exact or matching):
            _check_differ(path, exact or matching)
            if len(exact or matching) > 1:
                raise BadManifest(f"{path}: {_listed(matching)} could each be the {field}; choose with {_flag(field)}")
            chosen[field] = (exact or matching)[0]
    return _complete(path, names, chosen)


def known_columns(path: Path, names: Sequence[str], settings: ImportSettings, known: Names) -> dict[str, str]:
    """Columns of a list of known make: the first of its names for each thing that the file has.

    Raises:
        UnknownName: a column that the settings name is not there, or is none of a manifest.
        BadManifest: no photo, latitude or longitude; the message lists the columns.
    """
    chosen = _told_columns(path, names, settings)
    for field, candidates in known.items():
        by_rank = [name for candidate in candidates for name in _matching(names, (candidate,))]
        if field not in settings.columns and by_rank:
            chosen[field] = by_rank[0]
    return _complete(path, names, chosen)


def usual_name(name: str) -> str:
    """A column's name without case, spaces around it and kinds of dash."""
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def _matching(names: Sequence[str], candidates: Sequence[str]) -> list[str]:
    return [name for name in names if usual_name(name) in candidates]


def _told_columns(path: Path, names: Sequence[str], settings: ImportSettings) -> dict[str, str]:
    for field, name in settings.columns.items():
        if field not in FIELDS:
            raise UnknownName(f"--column {field}={name}: a manifest has no column {field!r}; it has {', '.join(FIELDS)} (keep others with --keep)")
        if name and name not in names:
            raise UnknownName(f"{path}: no column {name!r} for {field}; its columns are {_listed(names)}")
    for name in settings.keep:
        if name not in names or name in FIELDS:
            why = "is a column of every manifest; name it with --column" if name in FIELDS else f"is not among its columns {_listed(names)}"
            raise UnknownName(f"{path}: --keep {name}: it {why}")
    return {field: name for field, name in settings.columns.items() if name} | {name: name for name in settings.keep}


def _complete(path: Path, names: Sequence[str], chosen: dict[str, str]) -> dict[str, str]:
    for field in ("photo", "lat_deg", "lon_deg"):
        if field not in chosen:
            raise BadManifest(f"{path}: no column is the {field}; its columns are {_listed(names)}; choose with {_flag(field)}")
    taken = [name for field, name in chosen.items() if field in FIELDS]
    twice = next((name for name in taken if taken.count(name) > 1), None)
    if twice is not None:
        raise BadManifest(f"{path}: column {twice!r} is meant to be {' and '.join(field for field in FIELDS if chosen.get(field) == twice)}; choose one")
    _check_differ(path, [name for name in names if name in chosen.values()])
    return chosen


def _check_differ(path: Path, names: Sequence[str]) -> None:
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise BadManifest(f"{path}: two columns are called {repeated!r}; rename one")


def _flag(field: str) -> str:
    flags = {"photo": "--photo-column", "lat_deg": "--lat-column", "lon_deg": "--lon-column", "author": "--author-column"}
    return f"{flags[field]} NAME" if field in flags else f"--column {field}=NAME"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names)) or "none"
