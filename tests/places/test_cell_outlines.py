import numpy as np
import pytest
import shapely

from geocairn.geo import s2
from geocairn.places.cell_outlines import cell_rings_deg, within_map

WORLD = shapely.box(-180, -90, 180, 90)


def all_cells(level):
    ids = s2.ids_from_tokens(["1", "3", "5", "7", "9", "b"])
    for _ in range(level):
        ids = s2.children(ids).ravel()
    return ids


@pytest.mark.parametrize("level", range(5))
def test_the_cells_of_a_level_tile_the_map_without_gap_or_overlap(level):
    rings, owner = within_map(cell_rings_deg(all_cells(level)))
    shapes = [shapely.intersection(shapely.Polygon(ring), WORLD) for ring in rings]
    assert all(shape.is_valid for shape in shapes)
    assert abs(sum(shape.area for shape in shapes) - WORLD.area) < 1e-6
    assert abs(shapely.union_all(shapes).area - WORLD.area) < 1e-6
    assert sorted(set(owner.tolist())) == list(range(6 * 4**level))


@pytest.mark.parametrize("level", [0, 1, 2, 5, 12])
def test_an_outline_holds_the_points_of_its_cell_and_no_others(level):
    numbers = np.random.default_rng(level)
    points = np.column_stack([np.degrees(np.arcsin(numbers.uniform(-1, 1, 300))), numbers.uniform(-180, 180, 300)])
    ids = s2.parents(s2.leaf_ids(points), level)
    rings, owner = within_map(cell_rings_deg(ids))
    lat, lon = points.T
    inside = np.zeros((300, 300), dtype=bool)
    for ring, of in zip(rings, owner.tolist(), strict=True):
        inside[of] |= shapely.contains_xy(shapely.Polygon(ring), lon, lat)
    same = ids[:, None] == ids[None, :]
    # Straight steps cut off what is beyond the great circle by some metres.
    assert (inside != same).mean() < 1e-3
    assert inside.diagonal().mean() > 0.99


def test_leaf_cells_have_outlines():
    (ring,) = cell_rings_deg(s2.leaf_ids(np.array([[48.8566, 2.3522]])))
    assert ring.shape == (4, 2)
    assert np.abs(ring - [2.3522, 48.8566]).max() < 1e-6
