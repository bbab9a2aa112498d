import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial import SphericalVoronoi

from geocairn.geo.sphere import EARTH_AREA_KM2, EARTH_RADIUS_KM, distance_km_from_units, latlon_from_unit, unit_from_latlon
from geocairn.places import territory
from geocairn.places.territory import build_territories, empty_points, outline

# Neighbours on both sides of the antimeridian (Fiji, Chukotka), on it, near the poles, crowded, and far from everybody.
PLACES = [
    *[(-18.14, 178.44), (-16.85, 179.97), (-17.8, 177.42), (-16.78, -179.95), (-17.6, -179.4)],
    *[(66.0, 180.0), (65.6, 178.6), (66.3, -179.1), (64.7, 177.5), (65.5, -172.0)],
    *[(48.85, 2.35), (48.80, 2.13), (48.9, 2.3), (48.86, 2.36), (45.76, 4.84)],
    *[(78.22, 15.65), (78.06, 14.2), (-77.85, 166.67), (-21.2, -175.2), (0.0, 0.0)],
]
UNITS = unit_from_latlon(PLACES)
NORTH, SOUTH = unit_from_latlon([(89.6, 40.0)]), unit_from_latlon([(-89.9, -120.0)])
WITH_POLES = np.concatenate([UNITS, NORTH, SOUTH])


def random_units(numbers, n):
    vectors = numbers.normal(size=(n, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Outlines of the places above, and the areas."""
    path = tmp_path_factory.mktemp("territory") / "territory.npz"
    return path, build_territories(WITH_POLES, path)


def slow_areas_km2(units):
    """Areas by another library's spherical Voronoi diagram of the same points."""
    return SphericalVoronoi(units, 1.0).calculate_areas() * EARTH_RADIUS_KM**2


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_areas_are_those_of_another_librarys_diagram_and_cover_the_earth(tmp_path_factory, seed, n):
    units = random_units(np.random.default_rng(seed), n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(territory, "EMPTY_KM", 1500.0)
        areas = build_territories(units, tmp_path_factory.mktemp("t") / "territory.npz")
        empty = empty_points(units)
    slow = slow_areas_km2(np.concatenate([units, empty]))
    assert_allclose(areas, slow[:n], rtol=1e-6)
    assert_allclose(areas.sum() + slow[n:].sum(), EARTH_AREA_KM2, rtol=1e-9)


def test_crowded_and_remote_leaves_have_the_areas_of_another_librarys_diagram(drawn):
    slow = slow_areas_km2(np.concatenate([WITH_POLES, empty_points(WITH_POLES)]))
    assert_allclose(drawn[1], slow[: len(WITH_POLES)], rtol=1e-6)
    assert_allclose(slow.sum(), EARTH_AREA_KM2, rtol=1e-9)


def test_no_territory_reaches_far_beyond_the_empty_distance(drawn):
    with np.load(drawn[0]) as stored:
        corners, corner, offset = unit_from_latlon(stored["corners_deg"][:, ::-1]), stored["corner"], stored["offset"]
    for leaf in range(len(WITH_POLES)):
        assert distance_km_from_units(corners[corner[offset[leaf] : offset[leaf + 1]]], WITH_POLES[leaf]).max() < 2 * territory.EMPTY_KM


def test_empty_points_keep_their_distance_and_leave_no_gap():
    numbers = np.random.default_rng(5)
    units = random_units(numbers, 300)
    empty = empty_points(units)
    nearest_leaf = distance_km_from_units(empty[:, None], units[None]).min(axis=1)
    assert nearest_leaf.min() >= territory.EMPTY_KM * (1 - 1e-9)
    everywhere = random_units(numbers, 500)
    everybody = np.concatenate([units, empty])
    nearest = np.arccos(np.clip(everywhere @ everybody.T, -1, 1)).min(axis=1) * EARTH_RADIUS_KM
    assert nearest.max() < 2 * territory.EMPTY_KM


def on_earth(shape):
    west, south, east, north = shape.bounds
    return -180 <= west <= east <= 180 and -90 <= south <= north <= 90


@pytest.mark.parametrize("leaf", range(len(PLACES)))
def test_an_outline_is_valid_and_holds_the_points_nearest_to_its_leaf(drawn, leaf):
    shape = outline(drawn[0], np.array([leaf]))
    assert shape.is_valid
    assert not shape.is_empty
    assert on_earth(shape)
    numbers = np.random.default_rng(leaf)
    near = WITH_POLES[leaf] + np.sqrt(drawn[1][leaf]) / EARTH_RADIUS_KM * numbers.normal(size=(4000, 3))
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    everybody = np.concatenate([WITH_POLES, empty_points(WITH_POLES)])
    close = everybody[distance_km_from_units(everybody, WITH_POLES[leaf]) < 1500]
    distance = np.sort(distance_km_from_units(near[:, None], close[None]), axis=1)
    mine = distance_km_from_units(near, WITH_POLES[leaf])
    # A straight line on the map is no great circle: points within a few kilometres of an edge may fall on either side, the more the nearer to a pole.
    latlon = latlon_from_unit(near)
    clear = np.abs(np.where(mine <= distance[:, 0], distance[:, 1] - mine, mine - distance[:, 0])) > slack_km(latlon[:, 0])
    inside = shapely.contains_xy(shape, latlon[:, 1], latlon[:, 0])
    assert np.array_equal(inside[clear], (mine <= distance[:, 0])[clear])
    assert (mine <= distance[:, 0])[clear].any()


def slack_km(lat_deg):
    """Twice the sagitta of a 160 km edge that runs along a parallel"""
    return 0.05 + 2 * 160**2 * np.tan(np.radians(np.abs(lat_deg))) / (8 * EARTH_RADIUS_KM)


def equal_area_km2(shape):
    """Area of a shape in degrees, by a projection that keeps areas (Lambert's cylinder)."""
    lambert = shapely.transform(
        shapely.segmentize(shape, 0.05), lambda xy: np.stack([np.radians(xy[:, 0]) * EARTH_RADIUS_KM, np.sin(np.radians(xy[:, 1])) * EARTH_RADIUS_KM], axis=1)
    )
    return lambert.area


def test_the_area_of_an_outline_is_the_territorys(drawn):
    for leaf, area in enumerate(drawn[1][: len(PLACES)]):
        assert equal_area_km2(outline(drawn[0], np.array([leaf]))) == pytest.approx(area, rel=0.03), PLACES[leaf]


def test_two_leaves_never_overlap_and_together_leave_no_seam(drawn):
    shapes = [outline(drawn[0], np.array([leaf])) for leaf in range(len(WITH_POLES))]
    tree = shapely.STRtree(shapes)
    for one, other in tree.query(shapes).T:
        if one != other:
            assert shapes[one].intersection(shapes[other]).area < 1e-9
    crowd = np.arange(10, 14)
    union = outline(drawn[0], crowd)
    assert len(union.geoms) == 1
    assert not union.geoms[0].interiors
    assert union.area == pytest.approx(sum(shapes[leaf].area for leaf in crowd), rel=1e-9)


def test_outlines_are_cut_at_the_antimeridian(drawn):
    fiji = outline(drawn[0], np.arange(5))
    assert fiji.is_valid
    assert {part.bounds[0] < 0 for part in fiji.geoms} == {True, False}
    assert all(part.bounds[2] - part.bounds[0] < 180 for part in fiji.geoms)
    assert max(part.bounds[2] for part in fiji.geoms) == 180
    assert min(part.bounds[0] for part in fiji.geoms) == -180


@pytest.mark.parametrize(("leaf", "pole"), [(len(PLACES), 90.0), (len(PLACES) + 1, -90.0)])
def test_a_leaf_around_a_pole_is_drawn_up_to_the_pole(drawn, leaf, pole):
    shape = outline(drawn[0], np.array([leaf]))
    assert shape.is_valid
    assert shapely.box(-180, 89.9 if pole > 0 else -90, 180, 90 if pole > 0 else -89.9).difference(shape).area < 1e-9
    assert shape.bounds[0] == -180
    assert shape.bounds[2] == 180
    assert pole in (shape.bounds[1], shape.bounds[3])


def test_corners_run_counter_clockwise(drawn):
    with np.load(drawn[0]) as stored:
        corners, corner, offset = unit_from_latlon(stored["corners_deg"][:, ::-1]), stored["corner"], stored["offset"]
    for leaf in range(len(WITH_POLES)):
        ring = corners[corner[offset[leaf] : offset[leaf + 1]]]
        assert (np.cross(ring, np.roll(ring, -1, axis=0)) @ WITH_POLES[leaf] > 0).all()


def test_no_leaves_have_an_empty_outline(drawn):
    assert outline(drawn[0], np.array([], dtype=np.int64)).is_empty


def test_outlines_of_whole_countries_are_valid_and_hold_their_leaves(atlas):
    hierarchy = atlas.hierarchy
    latlon = latlon_from_unit(hierarchy.unit[hierarchy.leaves])
    for code in ("FJ", "FR", "KI", "MC", "NA", "XK"):
        place = hierarchy.index_of(code)
        leaves = np.arange(hierarchy.leaf_start[place], hierarchy.leaf_stop[place])
        shape = outline(atlas.territory, leaves)
        assert shape.is_valid, code
        assert on_earth(shape), code
        assert shapely.contains_xy(shape, latlon[leaves, 1], latlon[leaves, 0]).all(), code
        assert equal_area_km2(shape) == pytest.approx(float(hierarchy.area_km2[place]), rel=0.01), code
