import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.geo.sphere import distance_km
from geocairn.places.borders import load_borders

BORDERS = load_borders()
AUSTRALIA_KM2 = 7.6e6


@pytest.mark.parametrize(
    ("place", "lat", "lon", "code"),
    [
        ("Paris", 48.85, 2.35, "FR"),
        ("Lesotho, a hole of South Africa", -29.5, 28.3, "LS"),
        ("Pristina", 42.66, 21.16, "XK"),
        ("Hargeisa", 9.56, 44.06, "SO"),
        ("Cayenne, inland", 4.5, -52.8, "GF"),
        ("Reunion", -21.12, 55.53, "RE"),
        ("Svalbard", 78.6, 16.3, "SJ"),
        ("Northern Cyprus, inland", 35.25, 33.6, "CY"),
        ("Windhoek", -22.56, 17.08, "NA"),
        ("Chukotka, east of the antimeridian", 66.8, -178.0, "RU"),
        ("South Pole", -90.0, 0.0, "AQ"),
        ("South Pole, another longitude", -90.0, -180.0, "AQ"),
        ("Gulf of Guinea", 0.0, 0.0, ""),
        ("North Pole", 90.0, 0.0, ""),
    ],
)
def test_points_lie_in_their_country(place, lat, lon, code):
    assert BORDERS.country([[lat, lon]]).tolist() == [code]
    assert BORDERS.is_on_land([[lat, lon]]).tolist() == [code != ""]


@pytest.mark.parametrize(
    ("place", "lat", "lon", "code"),
    [("off Brest", 48.3, -6.0, "FR"), ("east of Taveuni, across the antimeridian", -16.9, -179.0, "FJ"), ("off Lisbon", 38.6, -10.2, "PT")],
)
def test_at_sea_the_nearest_coast_tells_the_country(place, lat, lon, code):
    assert BORDERS.country([[lat, lon]]).tolist() == [""]
    assert BORDERS.nearest_country([[lat, lon]]).tolist() == [code]


@pytest.mark.parametrize(
    ("place", "lat", "lon", "is_island"),
    [
        ("Paris", 48.85, 2.35, False),
        ("Cape Town, one land with Eurasia", -33.9, 18.6, False),
        ("Lima, one land with North America", -12.05, -76.9, False),
        ("Melbourne", -37.7, 145.0, False),
        ("Vladivostok", 43.2, 132.0, False),
        ("Anadyr, west of the antimeridian", 64.73, 177.3, False),
        ("Chukotka, east of the antimeridian", 66.8, -178.0, False),
        ("London", 51.5, -0.1, True),
        ("Reykjavik", 64.1, -21.8, True),
        ("Hobart", -42.8, 147.2, True),
        ("Nuuk, Greenland", 64.3, -51.0, True),
    ],
)
def test_islands_are_smaller_than_australia(place, lat, lon, is_island):
    assert (BORDERS.landmass_km2([[lat, lon]])[0] < AUSTRALIA_KM2) == is_island


def test_landmasses_have_their_areas():
    found = BORDERS.landmass_km2([[51.5, -0.1], [65.0, -18.0], [-25.0, 135.0], [-19.0, 47.0]])
    np.testing.assert_allclose(found, [209_331, 102_000, 7.59e6, 587_000], rtol=0.05)  # Great Britain, Iceland, Australia, Madagascar, in any encyclopaedia


@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=1, max_size=40))
def test_inside_is_nearest_and_order_does_not_matter(points):
    inside, nearest = BORDERS.country(points), BORDERS.nearest_country(points)
    on_land = BORDERS.is_on_land(points)
    assert (inside[on_land] == nearest[on_land]).all()
    assert (inside[~on_land] == "").all()
    assert BORDERS.country(points[::-1]).tolist() == inside.tolist()[::-1]


def test_the_nearest_coast_is_the_nearest_of_all_rings():
    points = np.array([[48.3, -6.0], [-30.0, -150.0], [75.0, -170.0], [-16.9, -179.0]])
    vertices = [(ring[:, ::-1], code) for ring, code in zip(BORDERS.rings_deg(), _codes(), strict=True)]
    for point, code in zip(points, BORDERS.nearest_country(points), strict=True):
        near = min(vertices, key=lambda pair, point=point: distance_km(pair[0], point).min())
        assert near[1] == code


def _codes():
    from geocairn.places.outlines import load_outlines

    return load_outlines().country.tolist()


def test_no_points_are_no_countries():
    assert BORDERS.country(np.zeros((0, 2))).shape == (0,)
    assert BORDERS.landmass_km2(np.zeros((0, 2))).shape == (0,)
