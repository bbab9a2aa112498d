"""A folder of data with manifests and features -> the hierarchy of its training rows, and the rows as the models see them."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator
from torch import Tensor

from geocairn.config import Config
from geocairn.coordinates import Coordinates, read_coordinates
from geocairn.data.feature_store import FeatureStore
from geocairn.data.parquet_file import write_parquet
from geocairn.errors import BadConfig, BadFeatures, BadHierarchy, BadManifest
from geocairn.geo.sphere import unit_from_latlon
from geocairn.manifest import AUTHOR_COLUMNS, left_out_words, read_manifest
from geocairn.models.encoders import Device, Precision, encoder_identity
from geocairn.places.files import load_hierarchy
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.origin import HIERARCHY_FILES, add_to_origin, n_shared_photos
from geocairn.places.row_entities import LABEL_COLUMNS, EntitySettings, build_row_entities, stand_rows
from geocairn.systems.bundle import plain_folder_name
from geocairn.train.recipe import AnyRecipe, Recipe
from geocairn.train.row_labels import places_of_rows, places_of_standing
from geocairn.train.used import files_used, store_used

if TYPE_CHECKING:
    import pyarrow as pa

MANIFESTS = ("train.parquet", "val.parquet")
KEPT_APART = ("val.parquet", "test.parquet")
_BLOCK = 4096


class DataSettings(Config):
    """Where the rows are: `train.parquet` and `val.parquet`, with a feature store beside them or photos that are to be encoded."""

    dir: Path
    store: str = Field("features", min_length=1, description="folder of the feature store")
    photos: int = Field(0, ge=0, description="the first so many training rows that can be used; 0: all")
    validation_photos: int = Field(2000, ge=1, description="at most so many validation rows, the first ones, are scored each time")

    encoder: str | None = Field(None, min_length=1, description="folder or name of an image encoder: the run extracts the photos' features itself")
    photos_dir: Path | None = Field(None, description="encoder: folder that the photos are relative to; the manifests' own by default")
    jobs: int = Field(1, ge=1, description="encoder: processes that decode photos")
    precision: Precision = Field("float32", description="encoder: of its weights and arithmetic")

    _plain = field_validator("store")(plain_folder_name)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        def is_set(name: str) -> bool:
            return bool(getattr(self, name) != type(self).model_fields[name].default)

        if self.encoder is not None and is_set("store"):
            raise ValueError(f"data.store = {self.store!r} names features that are there, data.encoder makes the run's own; leave one of them out")
        unused = next((name for name in ("photos_dir", "jobs", "precision") if self.encoder is None and is_set(name)), None)
        if unused is not None:
            raise ValueError(f"data.{unused} is for photos, which are looked at where data.encoder is given; give it, or leave this out")
        return self


class PlacesSettings(Config):
    """Which hierarchy is built from the training rows."""

    source: Literal["data", "rows"] = Field(
        "data", description="the hierarchy beside the manifests, which must count the training rows; or built from them here"
    )
    rows: EntitySettings = EntitySettings()


class LabelledRecipe(AnyRecipe):
    """A recipe of a system that learns from the features of labelled rows."""

    data: DataSettings
    places: PlacesSettings = PlacesSettings()

    def data_used(self) -> Mapping[str, str]:
        """Manifests, feature store or encoder, and the hierarchy where it is not built from them."""
        data = self.data
        check_data_folder(data.dir)
        files = files_used(data.dir, ("train.parquet", "val.parquet", *(HIERARCHY_FILES[:1] if self.places.source == "data" else ())))
        if data.encoder is None:
            return {**files, **store_used(data.dir / data.store)}
        return {**files, "data.encoder": encoder_identity(data.encoder, precision=data.precision)}

    def rows_left_out(self) -> Iterator[str]:
        """Of each manifest that is there how many, and why.

        Raises:
            BadManifest, BadCoordinate: one cannot be used at all.
        """
        for path in filter(Path.is_file, (self.data.dir / name for name in self.photos_used())):
            table = read_coordinates(path)
            left_out = left_out_words(table.rejected, table.n_rows)
            if left_out:
                yield f"{table.path}: {left_out}"

    def makes_features(self) -> bool:
        """Where it names an encoder."""
        return self.data.encoder is not None

    def photos_used(self) -> Mapping[str, int]:
        """Of each manifest whose features are looked at how many photos, the first ones; 0: all."""
        return {"train.parquet": self.data.photos, "val.parquet": self.data.validation_photos}

    @property
    def encoder_device(self) -> Device:
        """Where photos are encoded."""
        return "auto"


class RowsRecipe(LabelledRecipe, Recipe):
    """The same of a system that learns step by step."""

    @property
    def encoder_device(self) -> Device:
        """Where it learns."""
        return self.train.device


@dataclass(frozen=True)
class Rows:
    """Rows of a manifest as the model sees them.

    Attributes:
        features: the store; `row` says which of its rows each photo has.
        row: (N,) int64.
        labels: (N, L) index of the place among those of its level; -1 not known, -2 known but not among the places.
        unit: (N, 3) float64 where the photos were taken.
        author: (N,) number of who took each; -1 not known.
    """

    features: FeatureStore
    row: NDArray[np.int64]
    labels: NDArray[np.int64]
    unit: NDArray[np.float64]
    author: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.row)

    def read(self, rows: NDArray[np.int64]) -> Tensor:
        """(B, F) float32 features."""
        return torch.from_numpy(self.features.read(self.row[rows]).astype(np.float32))


def build_places(recipe: LabelledRecipe, out: Path) -> Hierarchy:
    """The hierarchy of the training rows, kept in `out`, the run's folder `places`.

    Raises:
        BadConfig: no folder of data.
        BadManifest: the hierarchy beside the manifests was not built from training rows alone, or its files are missing; `train.parquet` holds rows of
            another split.
        BadHierarchy: photos of `val.parquet` or `test.parquet` are among its rows or those of `train.parquet`, whatever either says of itself.
    """
    photos = _training_photos(recipe.data)
    hierarchy = _built_places(recipe, out)
    add_to_origin(out, photos)
    for path in filter(Path.is_file, (recipe.data.dir / name for name in KEPT_APART)):
        manifest = read_manifest(path)
        n_shared = n_shared_photos(out, manifest)
        if n_shared:
            said = f"{n_shared} of its {len(manifest)} photos are trained on, or places were built from them"
            raise BadHierarchy(f"{path}: {said}; leave them out of one or the other")
    return hierarchy


def check_data_folder(folder: Path) -> None:
    """Say of a folder of data that is not there that it is not, before the first file in it is missed.

    Raises:
        BadConfig: naming the setting.
    """
    if not folder.is_dir():
        raise BadConfig(f"data.dir = {str(folder)!r}: no such folder; name the one that holds {' and '.join(MANIFESTS)}")


def _training_photos(data: DataSettings) -> Sequence[str]:
    """The photos that are trained on.

    Raises:
        BadConfig: no folder of data, or without manifests.
        BadManifest: rows without names, or of another split.
    """
    check_data_folder(data.dir)
    for name in MANIFESTS:
        if not (data.dir / name).is_file():
            raise BadConfig(f"data.dir = {str(data.dir)!r}: holds no file {name}; name the folder that holds {' and '.join(MANIFESTS)}")
    table = read_coordinates(data.dir / "train.parquet", columns=("split",))
    splits = table.columns.get("split")
    n_of = {} if splits is None else {split: int((splits.codes == code).sum()) for code, split in enumerate(splits.values)}
    for split, n in n_of.items():
        if n and split != "train":
            raise BadManifest(f"{table.path}: {n} of {len(table)} rows are of the split {split!r}; leave them out of it, or mend their split")
    return photo_names(table)[: data.photos or None]


def _built_places(recipe: LabelledRecipe, out: Path) -> Hierarchy:
    data = recipe.data.dir
    if recipe.places.source == "rows":
        with _manifest_of_first(data / "train.parquet", recipe.data.photos) as manifest:
            return build_row_entities(manifest, out, recipe.places.rows)
    hierarchy = load_hierarchy(data / "hierarchy.npz")
    if hierarchy.meta.get("count_of") != "rows" or hierarchy.meta.get("split") != "train":
        raise BadManifest(f"{data / 'hierarchy.npz'}: was not built from training rows alone; build it from them, or set places.source to rows")
    out.mkdir(parents=True, exist_ok=True)
    for name in HIERARCHY_FILES:
        try:
            shutil.copyfile(data / name, out / name)
        except FileNotFoundError:
            raise BadManifest(f"{data / name}: no such file; build the hierarchy anew") from None
    return hierarchy


@contextmanager
def _manifest_of_first(manifest: Path, n: int) -> Iterator[Path]:
    """A manifest of the first n rows that can be used, or the manifest itself where n is 0."""
    if n == 0:
        yield manifest
        return
    with TemporaryDirectory(prefix="geocairn-places-") as folder:
        first = Path(folder) / f"{manifest.stem}-first-{n}.parquet"
        write_parquet(first_rows(manifest, n), first)
        yield first


def first_rows(manifest: Path, n: int) -> "pa.Table":
    """The first n rows of a Parquet manifest that can be used, with all columns: those that `read_rows` gives a task; all rows where n is 0.

    Raises:
        BadManifest: n > 0, and it is missing or cannot be read.
        OSError, pyarrow.ArrowException: the same of all rows.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kept = read_coordinates(manifest).rows[:n] if n else None
    table = pq.ParquetFile(manifest).read()
    return table if kept is None else table.take(pa.array(kept))


def read_validation(recipe: LabelledRecipe, hierarchy: Hierarchy, store: FeatureStore) -> Rows:
    """The rows of `val.parquet` that are scored; those without features, or of places without training rows, count as wrong.

    Raises:
        BadManifest: rows without names, or none of them shows a place that training rows show: nothing could be right.
        BadFeatures: photos that are not in the store, or all of them without finite features.
    """
    manifest = recipe.data.dir / "val.parquet"
    rows = read_rows(manifest, recipe, hierarchy, store, first=recipe.data.validation_photos)
    if not (rows.labels >= 0).any():
        raise BadManifest(f"{manifest}: none of {len(rows)} rows shows a place of the training rows; label some, or split anew")
    blocks = (np.arange(start, min(start + _BLOCK, len(rows))) for start in range(0, len(rows), _BLOCK))
    if not any(bool(rows.read(block).isfinite().all(dim=1).any()) for block in blocks):
        raise BadFeatures(f"{store.folder}: none of {len(rows)} photos of {manifest} has finite features; mend them, delete that folder and extract anew")
    return rows


def read_rows(manifest: Path, recipe: LabelledRecipe, hierarchy: Hierarchy, store: FeatureStore, *, first: int = 0) -> Rows:
    """The rows of a manifest with their features and labels.

    Args:
        first: only so many, the first ones; 0: all, but of `train.parquet` those that the recipe says.

    Raises:
        BadManifest: rows without names.
        BadFeatures: photos that are not in the store.
    """
    table = read_coordinates(manifest, columns=(*_label_columns(recipe.places, hierarchy), *AUTHOR_COLUMNS))
    keep = slice(0, (recipe.data.photos if manifest.name == "train.parquet" else first) or None)
    photos = photo_names(table)[keep]
    rows = store.rows_of(photos)
    if (rows < 0).any():
        missing = photos[int(np.flatnonzero(rows < 0)[0])]
        raise BadFeatures(f"{store.folder}: no features of {int((rows < 0).sum())} photos of {manifest}, such as {missing!r}; extract them")
    labels = _labels(table, recipe.places, hierarchy)[keep]
    return Rows(store, rows, labels, unit_from_latlon(table.latlon_deg[keep]), _authors(table)[keep])


def photo_names(table: Coordinates) -> Sequence[str]:
    """The photo of each row.

    Raises:
        BadManifest: rows without names.
    """
    if table.photos is None:
        raise BadManifest(f"{table.path}: no column 'photo'; features are found by the photos' names")
    return table.photos


def _authors(table: Coordinates) -> NDArray[np.int64]:
    known = next((table.columns[name].codes for name in AUTHOR_COLUMNS if name in table.columns), None)
    return np.full(len(table), -1, dtype=np.int64) if known is None else known


def _label_columns(places: PlacesSettings, hierarchy: Hierarchy) -> Sequence[str]:
    return LABEL_COLUMNS[places.rows.labels] if places.source == "rows" else hierarchy.level_names


def _labels(table: Coordinates, places: PlacesSettings, hierarchy: Hierarchy) -> NDArray[np.int64]:
    """By the rule that the places were built by, which tells apart what bears one name; by names where it fills in what rows do not say."""
    if places.source != "rows" or places.rows.fill_missing:
        return places_of_rows(table, hierarchy)
    return places_of_standing(stand_rows(table, places.rows), hierarchy)
