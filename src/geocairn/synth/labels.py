"""What manifests say of a synthetic photo: its place in words, where a label is missing, and the hierarchy that the training rows' labels give."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geocairn.coordinates import coordinates_sha256
from geocairn.places.geonames import ATTRIBUTION
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.members import PlaceTable, Standing, hierarchy_of_members
from geocairn.synth.draws import numbers_for
from geocairn.synth.earth import Earth
from geocairn.synth.photos import Photos
from geocairn.synth.settings import SPLITS

if TYPE_CHECKING:
    import pyarrow as pa


def labelled_places(earth: Earth, photos: Photos) -> NDArray[np.int64]:
    """(N, levels) place of the Earth's hierarchy that each photo is labelled with at each level; -1 where it has none there, or the label is missing."""
    levels = range(len(earth.hierarchy.level_names))
    places = np.stack([earth.hierarchy.ancestor_of_leaves(level)[photos.city] for level in levels], axis=1).astype(np.int64)
    is_missing = numbers_for("missing", earth.settings.seed).random(places.shape) < earth.settings.missing
    is_missing[:, 0] = False
    is_missing[photos.split != SPLITS.index("train")] = False
    return np.where(is_missing, -1, places)


def manifest_table(earth: Earth, photos: Photos, labelled: NDArray[np.int64], split: str) -> "pa.Table":
    """The manifest of one split: a country by its code, other places by names that no other place of the level bears in the country."""
    import pyarrow as pa

    rows = photos.of_split(split)
    hierarchy, latlon_deg = earth.hierarchy, earth.sites.latlon_deg[photos.site[rows]]
    columns = {
        "photo": pa.array(photos.names, pa.string()).take(pa.array(rows)),
        "lat_deg": pa.array(latlon_deg[:, 0]),
        "lon_deg": pa.array(latlon_deg[:, 1]),
    }
    for level, name in enumerate(hierarchy.level_names):
        words = pa.array((hierarchy.ids if level == 0 else hierarchy.names).to_list(), pa.string())
        columns[name] = words.take(pa.array(np.where(labelled[rows, level] < 0, 0, labelled[rows, level]), mask=labelled[rows, level] < 0))
    columns["author"] = pa.array([f"author-{author:06d}" for author in photos.author[rows].tolist()], pa.string())
    columns["scene16"] = pa.array(photos.scene[rows].astype(str).tolist(), pa.string())
    columns["split"] = pa.array([split] * len(rows), pa.string())
    return pa.table(columns)


def hierarchy_of_training(earth: Earth, photos: Photos, labelled: NDArray[np.int64]) -> Hierarchy:
    """The hierarchy that the labels and coordinates of the training rows give: places that a row is labelled with, each counting its rows.

    A place lies in the finest of its ancestors that some row is labelled with, so labels that are missing here and there tear no place in two. Ids and names
    are those of the Earth's hierarchy.
    """
    rows = photos.of_split("train")
    whole, here = earth.hierarchy, labelled[rows]
    latlon_deg = earth.sites.latlon_deg[photos.site[rows]]
    known = np.unique(here[here >= 0])
    order = known[np.lexsort((whole.level[known], whole.leaf_start[known]))]
    position = np.full(len(whole) + 1, -1, dtype=np.int64)
    position[order] = np.arange(len(order))
    table = PlaceTable(
        level_names=whole.level_names,
        level=whole.level[order].astype(np.int64),
        parent=np.array([_known_parent(whole, place, position) for place in order.tolist()], dtype=np.int64),
        ids=[whole.ids[place] for place in order.tolist()],
        names=[whole.names[place] for place in order.tolist()],
    )
    finest = np.maximum.reduce(np.where(here >= 0, here, -1), axis=1)
    meta = {"builder": "entities", "source_sha256": coordinates_sha256(latlon_deg), "split": "train", "attribution": ATTRIBUTION}
    return hierarchy_of_members(Standing(table, position[finest]), latlon_deg, meta={**meta, "settings": earth.settings.model_dump(mode="json")})


def _known_parent(whole: Hierarchy, place: int, position: NDArray[np.int64]) -> int:
    above = int(whole.parent[place])
    while above >= 0 and position[above] < 0:
        above = int(whole.parent[above])
    return int(position[above]) if above >= 0 else -1
