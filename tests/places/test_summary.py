import numpy as np
import pytest
from tests.places.factory import small_earth
from tests.places.points import photo_like_points

from geocairn.errors import UnknownName
from geocairn.geo.s2 import ids_from_tokens, level_of
from geocairn.places.cell_hierarchy import hierarchy_of_cells
from geocairn.places.cells import CellSettings
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


def test_rows_are_counted_where_places_count_rows():
    cells = hierarchy_of_cells(photo_like_points(900), CellSettings(t_min=5, t_max=(200, 20)), meta={"source_sha256": "1" * 64})
    described = describe_hierarchy(cells)
    for level, counts, (name, places) in zip(described["levels"], described["counts"], cells_by_level(cells), strict=True):
        count = cells.count[places]
        assert level == {"name": name, "n_places": len(places), "n_rows": count.sum()}
        s2_levels = level_of(ids_from_tokens([cells.names[place] for place in places]))
        assert counts == {
            "level": name,
            "of": "rows",
            "min": count.min(),
            "median": np.median(count),
            "max": count.max(),
            "s2_min": s2_levels.min(),
            "s2_max": s2_levels.max(),
        }
    assert described["levels"][1]["n_rows"] < described["levels"][0]["n_rows"] < 900 + 400


def cells_by_level(cells):
    return [(name, list(cells.places_of(name))) for name in cells.level_names]


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
