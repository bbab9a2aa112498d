import json
import os

import pytest
from tests.places.factory import CITIES, small_earth

from geocairn.clues import within
from geocairn.clues.clue import Tier
from geocairn.clues.within import MEND, within_clue, within_sha256
from geocairn.errors import BadConfig, UnknownName

EARTH = small_earth()


def names_inside(words):
    clue = within_clue(str(words), EARTH)
    assert (clue.kind, clue.text, clue.tier, clue.box_px) == ("within", str(words), Tier.CERTAIN, None)
    assert EARTH.weight[EARTH.leaves] @ clue.ratio == pytest.approx(1, rel=1e-5)
    assert len(set(clue.ratio[clue.ratio > 0].tolist())) == 1, "a limit says nothing of where inside it is"
    return [leaf.chain[-1] for leaf, ratio in zip(CITIES, clue.ratio, strict=True) if ratio > 0]


def supported(words):
    return EARTH.ids[within_clue(str(words), EARTH).supports]


@pytest.mark.parametrize(
    ("words", "inside"),
    [
        ("FR", ["Paris", "Versailles", "Lyon"]),
        ("fr", ["Paris", "Versailles", "Lyon"]),
        ("JP,MC", ["Tokyo", "Kyoto", "Monaco"]),
        (" jp , mc ", ["Tokyo", "Kyoto", "Monaco"]),
        ("FR/11", ["Paris", "Versailles"]),
        ("FR/11,FR", ["Paris", "Versailles", "Lyon"]),
        ("US/TX/Lamar/Paris", ["Paris"]),
        ("circle:48.85,2.35,5", ["Paris"]),
        ("circle:48.85,2.35,30", ["Paris", "Versailles"]),
        ("circle:48.85,-357.65,30", ["Paris", "Versailles"]),
        ("circle:-17.5,-179.5,250", ["Suva", "Taveuni"]),
        ("circle:-89,77,200", ["South Pole"]),
        ("circle:0,0,20015.5", [leaf.chain[-1] for leaf in CITIES]),
        ("circle:48.8,2.2,0.001", ["Versailles"]),
    ],
)
def test_countries_places_and_circles(words, inside):
    assert names_inside(words) == inside


@pytest.mark.parametrize(
    ("words", "place"),
    [("FR", "FR"), ("FR/11", "FR/11"), ("JP,MC", "JP"), ("US,MC", "US"), ("circle:48.85,2.35,5", "FR/11/Paris/Paris"), ("circle:48.85,2.35,30", "FR/11")],
)
def test_it_supports_the_smallest_place_around_it_or_else_its_heaviest_country(words, place):
    assert supported(words) == place


@pytest.mark.parametrize("words", ["DE", "de", "DE/09", "FR,DE"])
def test_a_country_that_the_bundle_has_no_place_in_is_still_a_country(words):
    with pytest.raises(UnknownName, match=r"DE \(Germany\) has no place in this bundle; its level country holds [A-Z]{2}, .*FR") as refused:
        within_clue(words, EARTH)
    assert "\n" not in str(refused.value)


def test_of_many_countries_a_few_are_told(monkeypatch):
    monkeypatch.setattr(within, "MAX_TOLD", 2)
    first, second, *others = (EARTH.ids[place] for place in EARTH.places_of(0))
    with pytest.raises(UnknownName, match=rf"its level country holds {first}, {second} and {len(others)} more$"):
        within_clue("DE", EARTH)


BOX = [[[2.0, 48.0], [3.0, 48.0], [3.0, 49.0], [2.0, 49.0], [2.0, 48.0]]]
HOLE = [[2.3, 48.84], [2.3, 48.86], [2.4, 48.86], [2.4, 48.84], [2.3, 48.84]]
AROUND_FIJI = [
    [[[177.0, -19.0], [180.0, -19.0], [180.0, -16.0], [177.0, -16.0], [177.0, -19.0]]],
    [[[-180.0, -19.0], [-179.0, -19.0], [-179.0, -16.0], [-180.0, -16.0], [-180.0, -19.0]]],
]
POLYGON = {"type": "Polygon", "coordinates": BOX}
LINE = {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}


def feature(geometry):
    return {"type": "Feature", "properties": {}, "geometry": geometry}


def collection(*features):
    return {"type": "FeatureCollection", "features": list(features)}


FILES = {
    "a geometry": (POLYGON, ["Paris", "Versailles"]),
    "a feature": (feature(POLYGON), ["Paris", "Versailles"]),
    "a collection": (collection(feature(POLYGON), feature({"type": "Polygon", "coordinates": [[[7, 43], [8, 43], [8, 44], [7, 44], [7, 43]]]})), None),
    "points and lines are passed over": (collection(feature(LINE), feature(POLYGON), feature(None)), ["Paris", "Versailles"]),
    "a hole": ({"type": "Polygon", "coordinates": [*BOX, HOLE]}, ["Versailles"]),
    "across the antimeridian": ({"type": "MultiPolygon", "coordinates": AROUND_FIJI}, ["Suva", "Taveuni"]),
    "clockwise": ({"type": "Polygon", "coordinates": [BOX[0][::-1]]}, ["Paris", "Versailles"]),
    "with heights": ({"type": "Polygon", "coordinates": [[[lon, lat, 100.0] for lon, lat in BOX[0]]]}, ["Paris", "Versailles"]),
    "crossing itself": ({"type": "Polygon", "coordinates": [[[2, 48], [3, 49], [3, 48], [2, 49], [2, 48]]]}, ["Versailles"]),
    "a village of its own": ({"type": "Polygon", "coordinates": [[[135.0, 35.2], [135.1, 35.2], [135.1, 35.3], [135.0, 35.2]]]}, ["Kyoto"]),
    "beyond 180 degrees": ({"type": "Polygon", "coordinates": [[[177, -19], [183, -19], [183, -16], [177, -16], [177, -19]]]}, ["Suva", "Taveuni"]),
    "beyond -180 degrees": ({"type": "Polygon", "coordinates": [[[-183, -19], [-177, -19], [-177, -16], [-183, -16], [-183, -19]]]}, ["Suva", "Taveuni"]),
}


def saved(tmp_path, content, name="area.geojson"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(("content", "inside"), FILES.values(), ids=FILES)
def test_polygons_of_whatever_top_level_type(tmp_path, content, inside):
    assert names_inside(saved(tmp_path, content)) == (inside or ["Paris", "Versailles", "Monaco"])


def test_a_byte_order_mark_and_a_suffix_in_capitals_are_fine(tmp_path):
    assert names_inside(saved(tmp_path, "\ufeff" + json.dumps(POLYGON), "AREA.JSON")) == ["Paris", "Versailles"]


def ring(*points):
    return {"type": "Polygon", "coordinates": [list(points)]}


REFUSED = {
    "empty": ("", "--within '': is empty; " + MEND),
    "blank": ("  ", "--within '': is empty; " + MEND),
    "an unknown code": ("XX", "--within 'XX': 'XX' is neither a country code nor a place id; " + MEND),
    "one unknown code of two": ("FR,QX", "--within 'FR,QX': 'QX' is neither a country code nor a place id; " + MEND),
    "an empty code": ("FR,", "--within 'FR,': '' is neither a country code nor a place id; " + MEND),
    "an unknown place": ("FR/99", "--within 'FR/99': 'FR/99' is neither a country code nor a place id; " + MEND),
    "a circle of two numbers": (
        "circle:48.85,2.35",
        "--within 'circle:48.85,2.35': a circle needs three numbers; write circle:LAT,LON,KM, such as circle:48.86,2.35,50",
    ),
    "a circle of words": (
        "circle:a,b,c",
        "--within 'circle:a,b,c': a circle needs three numbers; write circle:LAT,LON,KM, such as circle:48.86,2.35,50",
    ),
} | {
    f"circle {words}": (
        f"circle:{words}",
        f"--within 'circle:{words}': latitude must be in [-90, 90], longitude in [-360, 360] and the radius in (0, 20016) km",
    )
    for words in ("91,0,5", "0,361,5", "0,0,0", "0,0,-5", "0,0,99999", "nan,0,5", "0,nan,5", "0,0,nan", "0,0,inf")
}


@pytest.mark.parametrize(("words", "line"), REFUSED.values(), ids=REFUSED)
def test_words_that_cannot_be_used_are_one_line(words, line):
    with pytest.raises((BadConfig, UnknownName)) as caught:
        within_clue(words, EARTH)
    assert str(caught.value) == line


BAD_FILES = {
    "no JSON": ("{", "is not JSON; " + MEND),
    "too deep": ("[" * 100_000, "is not JSON; " + MEND),
    "a number": ("5", "holds no Polygon or MultiPolygon; " + MEND),
    "null": ("null", "holds no Polygon or MultiPolygon; " + MEND),
    "lines alone": (LINE, "holds no Polygon or MultiPolygon; " + MEND),
    "features that are none": ({"type": "FeatureCollection", "features": 3}, "holds no Polygon or MultiPolygon; " + MEND),
    "a list of features": ([feature(POLYGON)], "holds no Polygon or MultiPolygon; " + MEND),
    "a collection of geometries": ({"type": "GeometryCollection", "geometries": [POLYGON]}, "holds no Polygon or MultiPolygon; " + MEND),
    "no coordinates": ({"type": "Polygon"}, "a polygon cannot be read"),
    "null coordinates": ({"type": "Polygon", "coordinates": None}, "a polygon cannot be read"),
    "an empty polygon": ({"type": "Polygon", "coordinates": []}, "a polygon cannot be read"),
    "a ring of two": (ring([0, 0], [1, 1]), "a polygon cannot be read"),
    "a ring of words": (ring(["a", "b"], ["c", "d"], ["e", "f"], ["a", "b"]), "a polygon cannot be read"),
    "a flat polygon": (ring([0, 0], [1, 1], [2, 2], [0, 0]), "a polygon cannot be read"),
    "not a number": ('{"type": "Polygon", "coordinates": [[[NaN, 0], [1, 1], [0, 1], [NaN, 0]]]}', "a polygon cannot be read"),
    "latitude first": (
        ring([35, 139], [36, 139], [36, 140], [35, 139]),
        "coordinates reach 35 to 36 east and 139 to 140 north; GeoJSON writes longitude first, in degrees",
    ),
    "metres": (
        ring([4e5, 5e6], [4.1e5, 5e6], [4.1e5, 5.1e6], [4e5, 5e6]),
        "coordinates reach 400000 to 410000 east and 5e+06 to 5.1e+06 north; GeoJSON writes longitude first",
    ),
    "far east": (ring([400, 5], [410, 5], [410, 6], [400, 5]), "coordinates reach 400 to 410 east and 5 to 6 north; GeoJSON"),
}


@pytest.mark.parametrize(("content", "line"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_cannot_be_used_is_one_line(tmp_path, content, line):
    path = saved(tmp_path, content)
    with pytest.raises(BadConfig) as caught:
        within_clue(str(path), EARTH)
    assert str(caught.value).startswith(f"--within {path}: {line}")
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    for path, reason in ((tmp_path / "absent.geojson", "No such file or directory"), (tmp_path, "Is a directory")):
        words = f"{path}" if path.suffix else f"{path}/folder.json"
        if not path.suffix:
            (path / "folder.json").mkdir()
        with pytest.raises(BadConfig) as caught:
            within_clue(words, EARTH)
        assert str(caught.value) == f"--within {words}: cannot be read ({reason}); {MEND}"


def test_a_pipe_is_refused_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "area.json")
    with pytest.raises(BadConfig, match=r"cannot be read \(not a regular file\)"):
        within_clue(str(tmp_path / "area.json"), EARTH)


def test_the_hash_is_of_what_the_limit_says(tmp_path):
    one, two = saved(tmp_path, POLYGON, "one.geojson"), saved(tmp_path, POLYGON, "two.geojson")
    assert within_sha256(str(one)) == within_sha256(str(two))
    before = within_sha256(str(one))
    saved(tmp_path, LINE, "one.geojson")
    assert within_sha256(str(one)) != before
    assert len({within_sha256(words) for words in ("FR", "ES", "circle:1,2,3", str(tmp_path / "absent.json"))}) == 4


def test_a_limit_far_from_all_places_is_refused(atlas):
    """Nothing of GeoNames lies within, nor anywhere near."""
    with pytest.raises(BadConfig, match=r"no place lies in it, the nearest, .*, is \d+ km away"):
        within_clue("circle:-48.88,-123.39,1", atlas.hierarchy)


def test_na_is_namibia(atlas):
    namibia = within_clue("NA", atlas.hierarchy)
    assert atlas.hierarchy.names[namibia.supports] == "Namibia"
