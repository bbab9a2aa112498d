"""The places of a synthetic Earth."""

from collections import Counter

import numpy as np
import pytest
from scipy.spatial import cKDTree

from geocairn.errors import BadConfig
from geocairn.geo.sphere import chord_from_km
from geocairn.places.hierarchy import check_hierarchy
from geocairn.synth.places import draw_places
from geocairn.synth.settings import SynthSettings


def test_cities_lie_apart_and_the_hierarchy_keeps_its_laws(draw):
    earth, _ = draw(cities=1500)
    check_hierarchy(earth.hierarchy)
    unit = earth.hierarchy.unit[earth.hierarchy.leaves]
    assert len(unit) == len(earth.cities) == 1500
    pairs = cKDTree(unit).query_pairs(float(chord_from_km(8.0)))
    assert not pairs
    closest = cKDTree(unit).query(unit, k=2)[0][:, 1].min()
    assert closest < float(chord_from_km(30.0))


def test_leaves_are_the_cities_in_their_order(earth):
    ids = [earth.hierarchy.ids[leaf] for leaf in earth.hierarchy.leaves.tolist()]
    assert [place_id.rsplit("/", 1)[1] for place_id in ids] == [str(city.geonameid) for city in earth.cities]
    assert earth.share.sum() == pytest.approx(1)


def test_names_are_unique_within_a_country_and_level(draw):
    earth, _ = draw(cities=1500)
    hierarchy = earth.hierarchy
    country = [hierarchy.chain(place)[0] for place in range(len(hierarchy))]
    borne = Counter((int(hierarchy.level[place]), country[place], hierarchy.names[place].casefold()) for place in range(len(hierarchy)))
    assert max(borne.values()) == 1


def test_a_city_of_a_region_has_a_subregion_that_is_a_cell_where_geonames_has_none(draw):
    earth, _ = draw(cities=1500)
    cells = [city for city in earth.cities if city.subregion and city.subregion[-1] in "EW" and any(sign in city.subregion for sign in ("N ", "S "))]
    assert all(city.subregion for city in earth.cities if city.region_code)
    assert 0.3 < len(cells) / len(earth.cities) < 0.7
    for city in cells[:50]:
        south, west = city.subregion.rsplit(" ", 2)[1:]
        lat = float(south[:-1]) * (-1 if south[-1] == "S" else 1)
        lon = float(west[:-1]) * (-1 if west[-1] == "W" else 1)
        assert lat <= city.lat_deg < lat + 1.5
        assert lon <= city.lon_deg < lon + 1.5


def test_unseen_cities_are_small_and_hold_their_share(draw):
    earth, _ = draw(cities=1500, unseen_max=1e-3, unseen_share=0.02)
    assert earth.share[earth.is_unseen].max() < 1e-3
    assert 0.019 < earth.share[earth.is_unseen].sum() <= 0.02
    assert not draw(unseen_share=0.0)[0].is_unseen.any()


def test_large_cities_are_drawn_more_often_and_draw_more_photos(draw):
    earth, _ = draw(cities=1500)
    population = np.array([city.population for city in earth.cities])
    even, _ = draw(cities=1500, city_power=0.0)
    assert np.median(population) > 1.3 * np.median([city.population for city in even.cities])
    assert np.corrcoef(np.log(population), np.log(earth.share))[0, 1] == pytest.approx(0.8 / np.hypot(0.8, 1.2 / np.log(population).std()), abs=0.05)


def test_more_cities_than_there_are_is_refused():
    with pytest.raises(BadConfig, match=r"cities = 90000: GeoNames has only \d+ with people that lie 8 km apart; ask for fewer"):
        draw_places(SynthSettings(cities=90_000))
