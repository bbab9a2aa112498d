import pytest
from tests.places.factory import small_earth

from geocairn.errors import UnknownName
from geocairn.places.summary import describe_hierarchy, describe_place


def test_a_hierarchy_in_a_few_figures():
    described = describe_hierarchy(small_earth())
    assert described["builder"] == "by hand"
    assert described["source_sha256"] == "0" * 64
    assert described["levels"] == [
        {"name": "country", "n_places": 6, "n_rows": 11},
        {"name": "region", "n_places": 8, "n_rows": 9},
        {"name": "subregion", "n_places": 4, "n_rows": 4},
        {"name": "city", "n_places": 11, "n_rows": 11},
    ]


def test_a_place_in_a_few_figures():
    paris = describe_place(small_earth(), "FR/11")
    assert paris["chain"] == ["FR", "11"]
    assert paris["level"] == "region"
    assert paris["n_leaves"] == 2
    assert [child["id"] for child in paris["children"]] == ["FR/11/Paris", "FR/11/Yvelines"]
    assert describe_place(small_earth(), "MC/Monaco")["children"] == []


def test_an_unknown_place_is_refused():
    with pytest.raises(UnknownName, match="place 'FR/12'"):
        describe_place(small_earth(), "FR/12")
