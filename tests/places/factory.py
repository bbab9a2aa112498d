"""Small hierarchies: drawn at random, with levels missing here and there, and one of a dozen real cities."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from hypothesis import strategies as st

from geocairn.geo.sphere import distance_km_from_units, mean_on_sphere, unit_from_latlon
from geocairn.places.hierarchy import Hierarchy, Strings

LEVELS = ("country", "region", "subregion", "city")


@dataclass(frozen=True)
class Leaf:
    """One city: the names of what it lies in, coarse to fine, None where it has no place of that level."""

    chain: tuple[str | None, ...]
    lat_deg: float
    lon_deg: float
    weight: float
    area_km2: float = 400.0


def hierarchy_of(leaves: Sequence[Leaf]) -> Hierarchy:
    """The hierarchy of the leaves, which stand in depth-first order; built row by row, with nothing of the code under test but the types.

    An id is the way down to the place, `FR/11/Paris`. Weights are scaled to sum to 1.
    """
    weight = np.array([leaf.weight for leaf in leaves]) / sum(leaf.weight for leaf in leaves)
    area = np.array([leaf.area_km2 for leaf in leaves])
    unit = unit_from_latlon([(leaf.lat_deg, leaf.lon_deg) for leaf in leaves])
    ways = [["/".join(name for name in leaf.chain[: level + 1] if name) if leaf.chain[level] else None for level in range(len(LEVELS))] for leaf in leaves]
    rows: list[tuple[int, str, str, list[int]]] = []
    for level in range(len(LEVELS)):
        for way, members in groupby(range(len(leaves)), key=lambda index, level=level: ways[index][level]):
            if way is not None:
                inside = list(members)
                rows.append((level, way, str(leaves[inside[0]].chain[level]), inside))
    index = {way: place for place, (_, way, _, _) in enumerate(rows)}
    above = [[way for way in ways[inside[0]][:level] if way is not None] for level, _, _, inside in rows]
    return Hierarchy(
        level_names=LEVELS,
        level=np.array([level for level, _, _, _ in rows], dtype=np.int8),
        parent=np.array([index[ways_above[-1]] if ways_above else -1 for ways_above in above], dtype=np.int32),
        unit=np.stack([mean_on_sphere(unit[inside], weight[inside]) if len(inside) > 1 else unit[inside[0]] for _, _, _, inside in rows]),
        radius_km=np.array([_reach_km(unit[inside], weight[inside], area[inside]) for _, _, _, inside in rows], dtype=np.float32),
        count=np.ones(len(rows), dtype=np.int64),
        weight=np.array([weight[inside].sum() for _, _, _, inside in rows]),
        area_km2=np.array([area[inside].sum() for _, _, _, inside in rows]).astype(np.float32),
        leaf_start=np.array([inside[0] for _, _, _, inside in rows], dtype=np.int32),
        leaf_stop=np.array([inside[-1] + 1 for _, _, _, inside in rows], dtype=np.int32),
        ids=Strings.of(list(index)),
        names=Strings.of([name for _, _, name, _ in rows]),
        meta={"builder": "by hand", "count_of": "people", "source_sha256": "0" * 64, "attribution": "nobody"},
    )


def _reach_km(unit: np.ndarray, weight: np.ndarray, area_km2: np.ndarray) -> float:
    """Radius of the disc around the middle that holds the discs of all leaves."""
    disc_km = np.sqrt(area_km2 / np.pi)
    return float(disc_km[0] if len(unit) == 1 else (distance_km_from_units(unit, mean_on_sphere(unit, weight)) + disc_km).max())


@st.composite
def hierarchies(draw: st.DrawFn, max_leaves: int = 14) -> Hierarchy:
    """Hierarchies of a few leaves anywhere on Earth, with levels missing at random."""
    n = draw(st.integers(1, max_leaves))
    numbers = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    chains = sorted(
        (f"C{numbers.integers(3)}", f"R{numbers.integers(3)}" if numbers.random() < 0.7 else "", f"S{numbers.integers(3)}" if numbers.random() < 0.5 else "")
        for _ in range(n)
    )
    points = np.degrees(np.stack([np.arcsin(numbers.uniform(-1, 1, n)), numbers.uniform(-np.pi, np.pi, n)], axis=1))
    weights = numbers.dirichlet(np.full(n, 0.5)) + 1e-6
    areas = numbers.uniform(1, 1e4, n)
    return hierarchy_of(
        [
            Leaf((*(name or None for name in chain), f"c{index}"), *point, weight, area)
            for index, (chain, point, weight, area) in enumerate(zip(chains, points.tolist(), weights.tolist(), areas.tolist(), strict=True))
        ]
    )


def leaf_masses(hierarchy: Hierarchy, seed: int) -> np.ndarray:
    """A posterior over the leaves; some leaves hold nothing."""
    numbers = np.random.default_rng(seed)
    mass = numbers.dirichlet(np.full(hierarchy.n_leaves, 0.6))
    mass[numbers.random(hierarchy.n_leaves) < 0.2] = 0
    return mass / mass.sum() if mass.sum() > 0 else np.full(hierarchy.n_leaves, 1 / hierarchy.n_leaves)


CITIES = (
    Leaf(("AQ", None, None, "South Pole"), -90.0, 0.0, 0.2),
    Leaf(("FJ", "01", None, "Suva"), -18.14, 178.44, 0.5),
    Leaf(("FJ", "02", None, "Taveuni"), -16.85, 179.97, 0.3),
    Leaf(("FR", "11", "Paris", "Paris"), 48.85, 2.35, 5.0),
    Leaf(("FR", "11", "Yvelines", "Versailles"), 48.80, 2.13, 1.0),
    Leaf(("FR", "84", "Rhône", "Lyon"), 45.76, 4.84, 2.0),
    Leaf(("JP", "13", None, "Tokyo"), 35.69, 139.69, 4.0),
    Leaf(("JP", "26", None, "Kyoto"), 35.01, 135.77, 2.0),
    Leaf(("MC", None, None, "Monaco"), 43.73, 7.42, 1.0),
    Leaf(("US", "NY", None, "New York"), 40.71, -74.01, 6.0),
    Leaf(("US", "TX", "Lamar", "Paris"), 33.66, -95.56, 0.2),
)


def small_earth() -> Hierarchy:
    """Eleven cities of six countries, from the South Pole to the antimeridian."""
    return hierarchy_of(CITIES)
