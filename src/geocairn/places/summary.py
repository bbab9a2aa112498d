"""A hierarchy or one of its places in a few figures."""

from typing import Any

import numpy as np

from geocairn.geo.s2 import ids_from_tokens, level_of
from geocairn.geo.sphere import latlon_from_unit
from geocairn.places.hierarchy import Hierarchy

N_CHILDREN = 20


def describe_hierarchy(hierarchy: Hierarchy) -> dict[str, Any]:
    """Builder, source and size of each level, coarse to fine, and how what its places count is spread.

    `n_rows` of a level is the number of input rows that have a place there: of rows counted by the places, else of leaves.
    """
    levels = [
        {"name": name, "n_places": len(hierarchy.places_of(level)), "n_rows": _rows_with_a_place(hierarchy, level)}
        for level, name in enumerate(hierarchy.level_names)
    ]
    return {
        "builder": hierarchy.meta.get("builder", ""),
        "source_sha256": hierarchy.meta.get("source_sha256", ""),
        "attribution": hierarchy.meta.get("attribution", ""),
        # Of places built from rows: how many, and of which split, for test rows among them are a leak.
        **{key: hierarchy.meta[key] for key in ("n_rows", "split") if hierarchy.meta.get(key)},
        "levels": levels,
        "counts": [_counts(hierarchy, level) for level in range(len(levels))],
    }


def _rows_with_a_place(hierarchy: Hierarchy, level: int) -> int:
    if hierarchy.meta.get("count_of") == "rows":
        places = hierarchy.places_of(level)
        return int(hierarchy.count[places.start : places.stop].sum())
    return int(np.count_nonzero(hierarchy.ancestor_of_leaves(level) >= 0))


def _counts(hierarchy: Hierarchy, level: int) -> dict[str, Any]:
    """Smallest, middle and largest count of a level's places; of S2 cells also the levels that S2 gives them."""
    places = hierarchy.places_of(level)
    count = hierarchy.count[places.start : places.stop]
    told: dict[str, Any] = {"level": hierarchy.level_names[level], "of": str(hierarchy.meta.get("count_of", ""))}
    if len(count):
        told |= {"min": int(count.min()), "median": float(np.median(count)), "max": int(count.max())}
    if hierarchy.meta.get("builder") == "s2" and len(count):
        s2_levels = level_of(ids_from_tokens([hierarchy.names[place] for place in places]))
        told |= {"s2_min": int(s2_levels.min()), "s2_max": int(s2_levels.max())}
    return told


def describe_place(hierarchy: Hierarchy, place_id: str) -> dict[str, Any]:
    """One place: what it lies in, where, how large, and the most photographed places right below it.

    Raises:
        UnknownName: no place has that id.
    """
    place = hierarchy.index_of(place_id)
    lat, lon = latlon_from_unit(hierarchy.unit[place]).round(4).tolist()
    children = np.flatnonzero(hierarchy.parent == place)
    children = children[np.argsort(-hierarchy.weight[children], kind="stable")][:N_CHILDREN]
    return {
        "id": place_id,
        "name": hierarchy.names[place],
        "level": hierarchy.level_names[hierarchy.level[place]],
        "chain": [hierarchy.names[above] for above in hierarchy.chain(place)],
        "lat_deg": lat,
        "lon_deg": lon,
        "radius_km": round(float(hierarchy.radius_km[place]), 1),
        "area_km2": round(float(hierarchy.area_km2[place]), 1),
        str(hierarchy.meta["count_of"]): int(hierarchy.count[place]),
        "prior_share": float(f"{hierarchy.weight[place]:.3g}"),
        "n_leaves": int(hierarchy.leaf_stop[place] - hierarchy.leaf_start[place]),
        "children": [
            {"id": hierarchy.ids[child], "name": hierarchy.names[child], "prior_share": float(f"{hierarchy.weight[child]:.3g}")} for child in children.tolist()
        ],
    }
