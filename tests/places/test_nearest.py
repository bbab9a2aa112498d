import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.places.factory import CITIES, small_earth

from geocairn.geo.sphere import distance_km, latlon_from_unit
from geocairn.places.nearest import NearestPlace
from geocairn.places.territory import EMPTY_KM

CENTRES = np.array([(leaf.lat_deg, leaf.lon_deg) for leaf in CITIES])
NEAREST = NearestPlace(small_earth())


@settings(max_examples=200)
@given(st.sampled_from(range(len(CITIES))), st.floats(-0.45, 0.45), st.floats(-0.45, 0.45))
def test_close_by_it_is_the_nearest_leaf_of_all(leaf, north, east):
    """Nothing of the wilderness begins within half of its distance, so brute force over the leaves decides."""
    lat = CENTRES[leaf, 0] + north
    point = [min(max(lat, -90), 90), CENTRES[leaf, 1] + east]
    assert NEAREST.leaf([point])[0] == np.argmin(distance_km(CENTRES, point))


@settings(max_examples=200)
@given(st.floats(-90, 90), st.floats(-540, 540))
def test_beyond_the_reach_of_every_leaf_it_is_nowhere(lat, lon):
    found = int(NEAREST.leaf([(lat, lon)])[0])
    km = distance_km(CENTRES, [lat, lon])
    assert found in (-1, int(np.argmin(km)))
    assert found == -1 or km.min() < 2 * EMPTY_KM
    assert found == NEAREST.leaf([(lat, lon + 360)])[0] or km.min() > EMPTY_KM / 2


@pytest.mark.parametrize(
    ("point", "name"),
    [((-90.0, 123.0), "South Pole"), ((-89.7, -170.0), "South Pole"), ((-16.85, -179.9), "Taveuni"), ((-16.85, 180.1), "Taveuni"), ((48.86, 2.36), "Paris")],
)
def test_poles_and_the_antimeridian(point, name):
    assert CITIES[NEAREST.leaf([point])[0]].chain[-1] == name


@pytest.mark.parametrize("point", [(-40.0, -120.0), (30.0, -45.0), (90.0, 0.0), (0.0, 180.0)])
def test_mid_ocean_is_nowhere(point):
    assert NEAREST.leaf([point]).tolist() == [-1]


def test_each_leaf_of_the_whole_earth_lies_in_its_own_territory(atlas):
    hierarchy = atlas.hierarchy
    leaves = np.arange(0, hierarchy.n_leaves, 37)
    assert np.array_equal(atlas.nearest.leaf(latlon_from_unit(hierarchy.unit[hierarchy.leaves[leaves]])), leaves)
    assert atlas.nearest.leaf([(-48.88, -123.39)]).tolist() == [-1]  # the point of the ocean farthest from any land
