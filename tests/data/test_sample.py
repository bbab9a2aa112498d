from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.data.sample import SampleSettings, draw_sample, points_around, sample_earth, sample_table, write_sample
from geocairn.errors import BadConfig, BadOutput
from geocairn.geo.sphere import distance_km
from geocairn.manifest import read_manifest
from geocairn.places.entities import LEVELS
from geocairn.places.geonames import City, Country, read_cities, read_countries

AREAS_KM2 = {"AA": 6000.0, "BB": 3000.0, "CC": 1000.0, "DD": 0.0, "EE": 500.0}
N_CITIES = {"AA": 2, "BB": 5, "CC": 1, "DD": 1}


def small_countries():
    return {code: Country(code, code, "", "", area, "", (), "") for code, area in AREAS_KM2.items()}


def small_cities():
    """Two cities in the largest country, five, one; one without an area; none in the last."""
    places = [(code, number) for code, n in N_CITIES.items() for number in range(n)]
    return [City(10 * row, f"{code}{number}", (), 10.0 * number, 20.0 * row, 1000, code, "", "", "") for row, (code, number) in enumerate(places)]


def small_sample(**settings):
    return draw_sample(SampleSettings(**settings), small_cities(), small_countries())


@pytest.fixture(scope="module")
def earth():
    """Draws from GeoNames' cities, which are read once."""
    cities = read_cities(15000)
    return lambda **settings: draw_sample(SampleSettings(**settings), cities, read_countries())


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 500), st.integers(0, 10**6))
def test_points_lie_within_the_radius_wherever_the_centre_is(lat, lon, radius_km, seed):
    points = points_around(np.tile([lat, lon], (20, 1)), radius_km, np.random.default_rng(seed).random((20, 2)))
    assert np.isfinite(points).all()
    assert (np.abs(points) <= (90, 180)).all()
    assert distance_km(points, [lat, lon]).max() <= radius_km * (1 + 1e-9) + 1e-6


@pytest.mark.parametrize("centre_deg", [(0.0, 0.0), (90.0, 0.0), (-90.0, 77.0), (47.0, 180.0), (89.99, -180.0)])
def test_points_are_uniform_in_area(centre_deg):
    n, radius_km = 40_000, 700.0
    points = points_around(np.tile(centre_deg, (n, 1)), radius_km, np.random.default_rng(5).random((n, 2)))
    # Rings of equal area on the sphere: 1 - cos(angle) in equal steps.
    share = (1 - np.cos(distance_km(points, centre_deg) / 6371)) / (1 - np.cos(radius_km / 6371))
    counts = np.histogram(share, bins=20, range=(0, 1))[0]
    assert counts.sum() == n
    assert ((counts - n / 20) ** 2 / (n / 20)).sum() < 43.8  # chi-square with 19 degrees of freedom exceeds it once in a thousand


def test_directions_are_uniform():
    n = 40_000
    points = points_around(np.tile([60.0, 180.0], (n, 1)), 5.0, np.random.default_rng(6).random((n, 2)))
    north, east = points[:, 0] - 60, ((points[:, 1] % 360) - 180) * np.cos(np.radians(60))
    counts = np.histogram(np.arctan2(east, north), bins=12, range=(-np.pi, np.pi))[0]
    assert ((counts - n / 12) ** 2 / (n / 12)).sum() < 31.3  # 11 degrees of freedom


def test_a_radius_of_nought_is_the_centre():
    drawn = small_sample(n=50, radius_km=0)
    assert np.allclose(drawn.latlon_deg, [(drawn.cities[city].lat_deg, drawn.cities[city].lon_deg) for city in drawn.city])


def test_countries_are_drawn_by_area_and_cities_alike():
    drawn = small_sample(n=60_000, seed=3)
    share = {code: count / 60_000 for code, count in Counter(drawn.country.tolist()).items()}
    assert share == pytest.approx({"AA": 0.6, "BB": 0.3, "CC": 0.1}, abs=0.01)
    cities = np.bincount(drawn.city) / 60_000
    assert cities == pytest.approx([0.3] * 2 + [0.06] * 5 + [0.1], abs=0.005)


def test_countries_without_city_or_area_are_told():
    assert small_sample(n=1).left_out == {"DD": "no area", "EE": "no city"}


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 50), st.sampled_from([None, 60]))
def test_a_shorter_sample_is_the_beginning_of_a_longer(a, b, seed, max_per_city):
    short, long = (small_sample(n=n, seed=seed, max_per_city=max_per_city) for n in sorted([a, b]))
    assert np.array_equal(short.latlon_deg, long.latlon_deg[: len(short)])
    assert np.array_equal(short.city, long.city[: len(short)])


def test_each_setting_changes_the_sample():
    plain = small_sample(n=100)
    for changed in ({"seed": 1}, {"radius_km": 6.0}, {"max_per_city": 14}):
        assert not np.array_equal(small_sample(n=100, **changed).latlon_deg, plain.latlon_deg), changed
    assert len(small_sample(n=101)) == 101
    assert len(sample_earth(SampleSettings(n=1, min_population=5000)).cities) > 60_000


def test_cities_hold_no_more_than_the_limit():
    drawn = small_sample(n=38, max_per_city=5)
    assert np.bincount(drawn.city).max() == 5
    assert drawn.n_draws > 38


def test_a_limit_that_leaves_no_room_is_refused():
    with pytest.raises(BadConfig, match=r"--max-per-city 2: \d+ draws found room for 16 of 17 photos in 8 cities; raise it"):
        small_sample(n=17, max_per_city=2)


def test_no_city_at_all_is_refused():
    with pytest.raises(BadConfig, match="no city to draw from"):
        draw_sample(SampleSettings(n=1), [city for city in small_cities() if city.country == "DD"], small_countries())


@pytest.mark.parametrize(
    "bad", [{"n": 0}, {"n": 1.5}, {"seed": -1}, {"radius_km": -1}, {"radius_km": float("nan")}, {"max_per_city": 0}, {"min_population": 2}]
)
def test_settings_out_of_range_are_refused(bad):
    with pytest.raises(BadConfig, match=next(iter(bad))):
        SampleSettings.parse("test", bad)


def test_a_written_sample_is_a_manifest_and_always_the_same(tmp_path):
    for name in ("a.parquet", "b.parquet"):
        write_sample(sample_earth(SampleSettings(n=300)), tmp_path / name)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    manifest = read_manifest(tmp_path / "a.parquet")
    assert manifest.photos[:2] == ("gws-000001", "gws-000002")
    assert (len(manifest), manifest.rejected) == (300, {})
    assert set(manifest.columns) == {*LEVELS, "city_name"}
    assert b"GeoNames" in pq.read_schema(tmp_path / "a.parquet").metadata[b"geocairn"]


def test_labels_are_places_of_the_atlas_near_the_photo(atlas, earth):
    drawn = earth(n=400, seed=2)
    table = sample_table(drawn)
    for row in range(0, 400, 7):
        found = {level: table[level][row].as_py() for level in LEVELS}
        place = atlas.hierarchy.index_of(found["city"])
        chain = [atlas.hierarchy.ids[index] for index in atlas.hierarchy.chain(place)]
        assert chain == [place_id for place_id in found.values() if place_id is not None]
        assert atlas.hierarchy.names[place] == table["city_name"][row].as_py()
        unit = atlas.hierarchy.unit[place]
        assert np.degrees(np.arcsin(unit[2])) == pytest.approx(drawn.latlon_deg[row, 0], abs=5.001 / 111)


def test_the_earth_is_sampled_by_area(earth):
    drawn = earth(n=50_000)
    countries = read_countries()
    sampled = {city.country for city in drawn.cities}
    total = sum(countries[code].area_km2 for code in sampled)
    share = Counter(drawn.country.tolist())
    for code in ("RU", "CA", "BR", "GL", "NA"):
        assert share[code] / 50_000 == pytest.approx(countries[code].area_km2 / total, abs=0.003)
    assert "VA" not in sampled


@pytest.mark.parametrize("name", ["sample.csv", "sample", "folder.parquet"])
def test_a_target_that_cannot_be_is_refused(tmp_path, name):
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(BadOutput):
        write_sample(small_sample(n=1), tmp_path / name)
