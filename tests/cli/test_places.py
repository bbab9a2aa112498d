import json

import pytest
from tests.places.factory import small_earth

from geocairn.places.files import save_hierarchy


def test_show_as_json_has_the_keys_of_the_contract(geocairn):
    described = json.loads(geocairn("places", "show", "--json").out)
    assert described["builder"] == "entities"
    assert len(described["source_sha256"]) == 64
    assert [level["name"] for level in described["levels"]] == ["country", "region", "subregion", "city"]
    assert all(set(level) == {"name", "n_places", "n_rows"} for level in described["levels"])
    assert "GeoNames" in described["attribution"]


def test_show_as_words(geocairn):
    ran = geocairn("places", "show")
    assert ran.code == 0
    assert "subregion" in ran.out


def test_show_a_place(geocairn):
    place = json.loads(geocairn("places", "show", "--place", "NA", "--json").out)
    assert (place["id"], place["name"], place["level"]) == ("NA", "Namibia", "country")
    assert "Namibia" in geocairn("places", "show", "--place", "NA").out
    assert geocairn.refused("places", "show", "--place", "XX").startswith("place 'XX': no place of this hierarchy has that id")


def test_show_a_folder(geocairn, tmp_path):
    save_hierarchy(small_earth(), tmp_path / "hierarchy.npz")
    assert json.loads(geocairn("places", "show", tmp_path, "--json").out)["levels"][0] == {"name": "country", "n_places": 6, "n_rows": 11}


@pytest.mark.parametrize("name", ["hierarchy.json", "hierarchy.npz"])
def test_a_damaged_folder_is_one_line(geocairn, tmp_path, name):
    save_hierarchy(small_earth(), tmp_path / "hierarchy.npz")
    (tmp_path / name).write_bytes(b"\0")
    assert geocairn.refused("places", "show", tmp_path).startswith(f"{tmp_path / name}: not ")
    assert "no such file" in geocairn.refused("places", "show", tmp_path / "absent")


def test_a_file_in_the_place_of_a_folder_is_one_line(geocairn, tmp_path):
    save_hierarchy(small_earth(), tmp_path / "hierarchy.npz")
    refused = geocairn.refused("places", "show", tmp_path / "hierarchy.npz")
    assert refused == f"{tmp_path / 'hierarchy.npz'}: is a file; name the folder that holds hierarchy.npz"


def test_bytes_that_are_no_arrays_bring_no_advice_to_load_pickles(geocairn, tmp_path):
    save_hierarchy(small_earth(), tmp_path / "hierarchy.npz")
    (tmp_path / "hierarchy.npz").write_text("no arrays")
    assert geocairn.refused("places", "show", tmp_path) == f"{tmp_path / 'hierarchy.npz'}: not a readable .npz; build it anew"
