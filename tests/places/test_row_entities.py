import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.places.factory import small_earth

from geocairn.coordinates import coordinates_sha256
from geocairn.errors import BadConfig, BadCoordinate, BadHierarchy, BadManifest, BadOutput
from geocairn.manifest import read_manifest
from geocairn.places.files import arrays_sha256, load_hierarchy
from geocairn.places.hierarchy import check_hierarchy
from geocairn.places.origin import check_not_built_from, photo_fingerprints
from geocairn.places.row_entities import EntitySettings, build_row_entities
from geocairn.places.summary import describe_hierarchy

ROWS = """photo,lat_deg,lon_deg,country,region,subregion,city,split
a,-22.56,17.08,NA,Khomas,,Windhoek,train
b,-22.57,17.09,NA,Khomas,nan,Windhoek,train
c,48.85,2.35,FR,11,Paris,Paris,train
d,48.80,2.13,FR,11,NaN,Versailles,train
e,-16.8,179.99,FJ,,,Taveuni,train
f,-16.8,-179.99,FJ,,,Taveuni,train
g,-90,12,AQ,,,,train
h,1,1,,nowhere,,,train
i,48.9,2.4,FR,11,,,train
j,48.85,2.35,FR,11,Paris,Paris,test
k,48.85,2.36,FR,11,Paris,Paris,val
"""


def write(folder, text=ROWS, name="rows.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def build(folder, text=ROWS, **asked):
    return build_row_entities(write(folder, text), folder / "places", EntitySettings(**asked), cities=small_earth())


def test_what_is_built(tmp_path):
    hierarchy = build(tmp_path)
    check_hierarchy(hierarchy)
    assert hierarchy.ids.to_list() == [
        *["AQ", "FJ", "FR", "NA"],
        *["FR/11", "NA/Khomas"],
        "FR/11/Paris",
        *["FJ///Taveuni", "FR/11//Versailles", "FR/11/Paris/Paris", "NA/Khomas//Windhoek"],
    ]
    # One of the three in FR/11 is in no city.
    assert hierarchy.count.tolist() == [1, 2, 3, 2, 3, 2, 1, 2, 1, 1, 2]
    assert hierarchy.meta["rejected"] == {"split test": 1, "split val": 1, "no country": 1}
    assert (hierarchy.meta["n_rows"], hierarchy.meta["n_rows_above_leaves"], hierarchy.meta["split"]) == (8, 1, "train")
    assert hierarchy.weight[hierarchy.index_of("NA")] == pytest.approx(2 / 7)  # of the rows at leaves
    assert arrays_sha256(load_hierarchy(tmp_path / "places/hierarchy.npz")) == arrays_sha256(hierarchy)


def test_it_says_what_it_was_built_from(tmp_path):
    hierarchy = build(tmp_path)
    latlon = np.array([[float(cell) for cell in line.split(",")[1:3]] for line in ROWS.splitlines()[1:] if line[0] in "abcdefgi"])
    assert hierarchy.meta["source_sha256"] == coordinates_sha256(latlon)
    assert np.load(tmp_path / "places/rows.npy").tolist() == photo_fingerprints("abcdefgi").tolist()
    assert hierarchy.meta["settings"] == {"labels": "columns", "polygons": False, "fill_missing": False, "split": "auto", "min_radius_km": 1.0}
    assert hierarchy.meta["split"] == "train"
    assert json.loads((tmp_path / "places/hierarchy.json").read_text())["builder"] == "entities"


def test_test_rows_are_used_only_when_named_and_then_told(tmp_path):
    assert describe_hierarchy(build(tmp_path))["split"] == "train"
    hierarchy = build(tmp_path, split="test")
    assert (hierarchy.meta["n_rows"], describe_hierarchy(hierarchy)["split"]) == (1, "test")
    test = read_manifest(write(tmp_path, "photo,lat_deg,lon_deg\nj,48.85,2.35\nz,0,0\n", "test.csv"))
    with pytest.raises(BadHierarchy, match="1 of the 2 photos"):
        check_not_built_from(tmp_path / "places", test)
    build(tmp_path)
    check_not_built_from(tmp_path / "places", test)


def test_a_manifest_of_test_rows_is_refused(tmp_path):
    with pytest.raises(BadManifest, match=r"no row can be used \(split test: 2\)") as caught:
        build(tmp_path, "photo,lat_deg,lon_deg,country,split\na,1,1,FR,test\nb,1,1,FR,test\n")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "places").exists()


def test_photos_counted_twice_count_once(tmp_path):
    hierarchy = build(tmp_path, "photo,lat_deg,lon_deg,country\na,1,1,FR\na,1,1,FR\nb,1,1,FR\n")
    assert (hierarchy.count.tolist(), hierarchy.meta["rejected"]) == ([2], {"repeats an earlier row": 1})


@pytest.mark.parametrize(
    ("text", "error", "words"),
    {
        "no labels": ("photo,lat_deg,lon_deg\na,1,1\n", BadManifest, "no column 'country'; labels are read from the columns country, region, subregion, city"),
        "no photos": ("lat_deg,lon_deg,country\n1,1,FR\n", BadManifest, "no column 'photo'"),
        "no coordinates": ("photo,country\na,FR\n", BadManifest, "no column 'lat_deg'"),
        "all without a country": ("photo,lat_deg,lon_deg,country\na,1,1,\nb,1,1,NaN\nc,,,FR\n", BadManifest, r"no coordinates: 1, no country: 2"),
        "no rows": ("photo,lat_deg,lon_deg,country\n", BadManifest, "no rows"),
        "empty": ("", BadManifest, "rows.csv"),
        "swapped": ("photo,lat_deg,lon_deg,country\na,139.7,35.7,JP\n", BadCoordinate, "row 2: latitude 139.7 .* swapped"),
        "two places": ("photo,lat_deg,lon_deg,country\na,1,1,FR\na,1,2,FR\n", BadManifest, "has another place in row 2"),
    }.values(),
)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path, text, error, words):
    with pytest.raises(error, match=words) as caught:
        build(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "places").exists()


def test_a_split_without_a_column_is_refused(tmp_path):
    with pytest.raises(BadManifest, match="no column 'split'"):
        build(tmp_path, "photo,lat_deg,lon_deg,country\na,1,1,FR\n", split="test")
    assert build(tmp_path, "photo,lat_deg,lon_deg,country\na,1,1,FR\n").meta["split"] is None


def test_polygons_are_for_coordinates():
    with pytest.raises(BadConfig, match=r"--polygons \(in a recipe places\.rows\.polygons\) goes with the labels coordinates, not with columns; leave it out"):
        EntitySettings.parse("here", {"polygons": True})
    for bad in ({"labels": "x"}, {"min_radius_km": 0}, {"split": ""}, {"colour": 1}):
        with pytest.raises(BadConfig):
            EntitySettings.parse("here", bad)


def test_a_smallest_radius(tmp_path):
    assert build(tmp_path).radius_km.min() == 1
    assert build(tmp_path, min_radius_km=30).radius_km.min() == 30


OSV5M = """photo,lat_deg,lon_deg,country,region,sub-region,city,unique_country,unique_region,unique_sub-region,unique_city
1,-43.95,-176.56,NZ,Chatham Islands,NaN,Waitangi,NZ,Chatham Islands_NZ,NaN,Waitangi_NaN_Chatham Islands_NZ
2,-22.56,17.08,NMB,Khomas,NaN,Windhoek,NaN,Khomas_NA,NaN,Windhoek_NaN_Khomas_NA
3,48.85,2.35,FR,Ile-de-France,Paris_15,Paris,FR,Ile-de-France_FR,Paris_15_Ile-de-France_FR,Paris_Paris_15_Ile-de-France_FR
4,48.85,2.35,FR,Ile-de-France,Paris_15,Paris,FR,Ile-de-France_FR,Paris_15_Bretagne_FR,Paris_Paris_15_Bretagne_FR
"""
OSV5M_IDS = [
    *["FR", "NA", "NZ", "FR/Ile-de-France", "NA/Khomas", "NZ/Chatham Islands", "FR/Ile-de-France/Paris_15"],
    *["FR/Ile-de-France/Paris_15/Paris", "NA/Khomas//Windhoek", "NZ/Chatham Islands//Waitangi"],
]


def test_the_keys_of_osv5m(tmp_path):
    hierarchy = build(tmp_path, OSV5M, labels="osv5m")
    assert hierarchy.ids.to_list() == OSV5M_IDS
    assert hierarchy.meta["rejected"] == {"a key that does not end with the key above it": 1}
    assert "OSV-5M" in hierarchy.meta["attribution"]


def test_the_names_of_osv5m(tmp_path):
    hierarchy = build(tmp_path, "\n".join(",".join(line.split(",")[:7]) for line in OSV5M.splitlines()), labels="osv5m")
    assert hierarchy.ids.to_list() == OSV5M_IDS
    assert hierarchy.meta["rejected"] == {}


def test_countries_alone(tmp_path):
    assert build(tmp_path, "photo,lat_deg,lon_deg,country\na,1,1,FR\nb,2,2,NA\n").ids.to_list() == ["FR", "NA"]


def test_half_the_keys_of_osv5m_are_refused(tmp_path):
    with pytest.raises(BadManifest, match="no column 'unique_region'"):
        build(tmp_path, "photo,lat_deg,lon_deg,country,unique_country\na,1,1,FR,FR\n", labels="osv5m")


def test_coordinates_alone(tmp_path):
    hierarchy = build(tmp_path, labels="coordinates")
    assert "FJ/02/Taveuni" in hierarchy.ids.to_list()
    assert hierarchy.count[hierarchy.index_of("FJ/02/Taveuni")] == 2
    assert hierarchy.meta["n_rows"] == 9
    assert "GeoNames" in hierarchy.meta["attribution"]


def test_a_row_across_the_border_takes_a_city_of_its_country_where_polygons_are_asked(tmp_path):
    rows = "photo,lat_deg,lon_deg\na,44.3,6.8\n"  # in France, nearer to Monaco than to Lyon
    assert build(tmp_path, rows, labels="coordinates").ids.to_list() == ["MC", "MC/Monaco"]
    assert build(tmp_path, rows, labels="coordinates", polygons=True).ids.to_list()[-1] == "FR/84/Rhône/Lyon"


def test_parquet_and_csv_build_the_same(tmp_path):
    table = pa.table({name: [line.split(",")[column] for line in ROWS.splitlines()[1:]] for column, name in enumerate(ROWS.splitlines()[0].split(","))})
    for name in ("lat_deg", "lon_deg"):
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.float64()))
    pq.write_table(table, tmp_path / "rows.parquet")
    other = build_row_entities(tmp_path / "rows.parquet", tmp_path / "other", EntitySettings())
    assert arrays_sha256(other) == arrays_sha256(build(tmp_path))


def test_a_label_that_is_no_text_is_refused(tmp_path):
    pq.write_table(pa.table({"photo": ["a"], "lat_deg": [1.0], "lon_deg": [1.0], "country": [["FR"]]}), tmp_path / "rows.parquet")
    with pytest.raises(BadManifest, match="column 'country' holds list"):
        build_row_entities(tmp_path / "rows.parquet", tmp_path / "places", EntitySettings())


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "places").write_text("")
    with pytest.raises(BadOutput):
        build(tmp_path)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_show(tmp_path, random):
    head, *lines = ROWS.splitlines()
    random.shuffle(lines)
    shutil.rmtree(tmp_path / "places", ignore_errors=True)
    hierarchy = build(tmp_path, "\n".join([head, *lines]))
    files = [(tmp_path / "places" / name).read_bytes() for name in ("hierarchy.json", "rows.npy")]
    again = build(tmp_path)
    assert arrays_sha256(hierarchy) == arrays_sha256(again)
    assert files == [(tmp_path / "places" / name).read_bytes() for name in ("hierarchy.json", "rows.npy")]
