import numpy as np
import pytest
from numpy.testing import assert_allclose

from geocairn.geo.sphere import distance_km_from_units, unit_from_latlon
from geocairn.places.entities import LEVELS, build_entities, sort_cities
from geocairn.places.geonames import City, Country
from geocairn.places.hierarchy import check_hierarchy
from geocairn.places.prior import PhotoPrior

COUNTRIES = {code: Country(code, name, "EU", "", 1.0, "", (), "") for code, name in {"FR": "France", "MC": "Monaco", "AD": "Andorra"}.items()}


def city(number, name, lat, lon, people, country, code="", region="", subregion=""):
    return City(number, name, (), lat, lon, people, country, code, region, subregion)


CITIES = [
    city(9, "Paris", 48.85, 2.35, 2_000_000, "FR", "11", "Île-de-France", "Paris"),
    city(3, "Versailles", 48.80, 2.13, 85_000, "FR", "11", "Île-de-France", "Yvelines"),
    city(5, "Chevreuse", 48.70, 2.03, 5_000, "FR", "11", "Île-de-France", "Yvelines"),
    city(2, "Paris-nowhere", 48.9, 2.5, 10, "FR", "11", "Île-de-France"),
    city(4, "Lyon", 45.76, 4.84, 500_000, "FR", "84", "Auvergne-Rhône-Alpes", "Rhône"),
    city(1, "Monaco", 43.73, 7.42, 32_000, "MC"),
    city(7, "Yvelines", 45.0, 4.0, 100, "FR", "84", "Auvergne-Rhône-Alpes", "Yvelines"),
]
AREA_KM2 = np.array([10.0, 40, 50, 60, 30, 2, 80])


@pytest.fixture(scope="module")
def built():
    cities = sort_cities(CITIES)
    area = np.array([AREA_KM2[CITIES.index(found)] for found in cities])
    return build_entities(cities, COUNTRIES, area_km2=area, prior=PhotoPrior(), meta={"source_sha256": "0"})


def test_it_obeys_the_laws_of_a_hierarchy(built):
    check_hierarchy(built)
    assert built.level_names == LEVELS


def test_ids_are_the_way_down(built):
    assert built.ids.to_list() == [
        *["FR", "MC"],
        *["FR/11", "FR/84"],
        *["FR/11/Paris", "FR/11/Yvelines", "FR/84/Rhône", "FR/84/Yvelines"],
        *["FR/11/2", "FR/11/Paris/9", "FR/11/Yvelines/3", "FR/11/Yvelines/5", "FR/84/Rhône/4", "FR/84/Yvelines/7", "MC/1"],
    ]
    assert built.names[built.index_of("FR/11")] == "Île-de-France"
    assert [built.ids[place] for place in built.chain(built.index_of("FR/11/2"))] == ["FR", "FR/11", "FR/11/2"]
    assert [built.ids[place] for place in built.chain(built.index_of("MC/1"))] == ["MC", "MC/1"]


def test_people_and_land_add_up(built):
    assert built.count[built.index_of("FR")] == 2_590_110
    assert built.count[built.index_of("FR/11/Yvelines")] == 90_000
    assert built.area_km2[built.index_of("FR/11")] == pytest.approx(160)
    assert built.area_km2[built.index_of("MC")] == 2


def test_a_citys_radius_is_that_of_a_disc_of_its_territory(built):
    assert built.radius_km[built.index_of("FR/11/Paris/9")] == pytest.approx(np.sqrt(10 / np.pi))


def test_a_region_holds_nine_tenths_of_its_photos_within_its_radius_of_the_middle_of_them(built):
    region = built.index_of("FR/11")
    leaves = slice(int(built.leaf_start[region]), int(built.leaf_stop[region]))
    unit, weight = built.unit[built.leaves[leaves]], built.weight[built.leaves[leaves]]
    middle = weight @ unit
    assert_allclose(built.unit[region], middle / np.linalg.norm(middle))
    reach = distance_km_from_units(unit, built.unit[region]) + built.radius_km[built.leaves[leaves]]
    within = weight[reach <= built.radius_km[region] + 1e-3].sum()
    assert within >= 0.9 * weight.sum()
    assert weight[reach < built.radius_km[region] - 1e-3].sum() < 0.9 * weight.sum()


def test_cities_stand_where_they_lie(built):
    assert_allclose(built.unit[built.index_of("FR/84/Rhône/4")], unit_from_latlon([45.76, 4.84]))


def test_the_whole_earth_obeys_the_laws(atlas):
    hierarchy = atlas.hierarchy
    check_hierarchy(hierarchy)
    assert len(hierarchy.country_index) > 240
    for place_id, name in {"FR/11": "Ile-de-France", "US/NY": "New York", "NA": "Namibia", "XK": "Kosovo", "GB/ENG": "England"}.items():
        assert hierarchy.names[hierarchy.index_of(place_id)] == name
    assert "GeoNames" in hierarchy.meta["attribution"]
    assert hierarchy.area_km2[hierarchy.leaves].sum() < 5.1e8
