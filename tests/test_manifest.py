"""Manifests: what is read, what is counted out, what is refused and in which words."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.errors import BadCoordinate, BadManifest, GeocairnError
from geocairn.manifest import file_sha256, read_manifest, read_photo_names, read_photos, read_table

GOOD = "photo,lat_deg,lon_deg,author,country\na.jpg,35.7,139.7,x,JP\nb.jpg,-22.56,17.08,x,NA\nc.jpg,48.85,2.35,,\n"


def write(folder, text, name="m.csv"):
    path = Path(folder) / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.fixture
def good(tmp_path):
    return read_manifest(write(tmp_path, GOOD))


def test_photos_places_and_labels_are_read(good):
    assert good.photos == ("a.jpg", "b.jpg", "c.jpg")
    assert good.latlon_deg.tolist() == [[35.7, 139.7], [-22.56, 17.08], [48.85, 2.35]]
    assert (len(good), good.n_rows, dict(good.rejected)) == (3, 3, {})
    assert good.sha256 == hashlib.sha256(GOOD.encode()).hexdigest() == file_sha256(good.path)


def test_namibia_is_not_a_missing_value(good):
    assert good.column("country") == ("JP", "NA", None)


def test_a_photo_without_an_author_is_the_only_one_of_its_own(good, tmp_path):
    assert good.author_codes().tolist() == [0, 0, 1]
    assert good.has_authors
    alone = read_manifest(write(tmp_path, "photo,lat_deg,lon_deg\na,1,2\nb,1,2\n"))
    assert alone.author_codes().tolist() == [0, 1]
    assert not alone.has_authors
    grouped = read_manifest(write(tmp_path, "photo,lat_deg,lon_deg,author_group\na,1,2,x\nb,1,2,x\n"))
    assert grouped.author_codes().tolist() == [0, 0]


@pytest.mark.parametrize("stored", [pa.array, lambda cells: pa.array(cells, pa.float32()), lambda cells: pa.array(cells).dictionary_encode()])
def test_a_number_that_is_none_is_an_empty_cell(tmp_path, stored):
    author = stored([7.5, float("nan"), float("nan"), None])
    pq.write_table(pa.table({"photo": list("abcd"), "lat_deg": [1.0] * 4, "lon_deg": [2.0] * 4, "author": author}), tmp_path / "m.parquet")
    manifest = read_manifest(tmp_path / "m.parquet")
    assert manifest.column("author") == ("7.5", None, None, None)
    assert manifest.author_codes().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["author", "author_group", "photo", "lat_deg", "country"])
def test_a_column_that_matters_is_not_passed_over_where_it_cannot_be_read(tmp_path, name):
    columns = {"photo": ["a"], "lat_deg": [1.0], "lon_deg": [2.0]}
    pq.write_table(pa.table({**columns, name: [{"id": 7}]}), tmp_path / "m.parquet")
    with pytest.raises(BadManifest, match=rf"m.parquet: column '{name}' holds struct<id: int64>, where text or numbers are needed; convert it$"):
        read_manifest(tmp_path / "m.parquet")


def test_photos_lie_beside_the_manifest_or_where_said(good, tmp_path):
    assert good.photo_paths() == [tmp_path / name for name in ("a.jpg", "b.jpg", "c.jpg")]
    (tmp_path / "photos").mkdir()
    assert good.photo_paths(tmp_path / "photos")[0] == tmp_path / "photos" / "a.jpg"
    absolute = read_manifest(write(tmp_path, "photo,lat_deg,lon_deg\n/elsewhere/a.jpg,1,2\n"))
    assert absolute.photo_paths(tmp_path) == [Path("/elsewhere/a.jpg")]
    with pytest.raises(BadManifest, match=r"nowhere: not a folder; give --photos"):
        good.photo_paths(tmp_path / "nowhere")


def test_parquet_says_the_same_as_csv(good, tmp_path):
    columns = {"photo": list(good.photos), "lat_deg": good.latlon_deg[:, 0], "lon_deg": good.latlon_deg[:, 1], "author": ["x", "x", None]}
    table = pa.table({**columns, "country": pa.array(["JP", "NA", ""]).dictionary_encode(), "pixels": [b"1", b"2", b"3"], "vector": [[1.0], [2.0], []]})
    pq.write_table(table, tmp_path / "m.parquet")
    read = read_manifest(tmp_path / "m.parquet")
    assert read.photos == good.photos
    assert (read.latlon_deg == good.latlon_deg).all()
    assert dict(read.columns) == dict(good.columns)


@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=1, max_size=5))
def test_coordinates_survive_to_the_last_bit(tmp_path_factory, points):
    rows = "".join(f"{index},{lat!r},{lon!r}\n" for index, (lat, lon) in enumerate(points))
    path = write(tmp_path_factory.mktemp("bits"), "photo,lat_deg,lon_deg\n" + rows)
    assert read_manifest(path).latlon_deg.tolist() == [list(point) for point in points]


def test_columns_stand_in_any_order_and_quotes_byte_order_marks_and_windows_lines_are_understood(tmp_path):
    path = write(tmp_path, b'\xef\xbb\xbflon_deg, photo ,lat_deg\r\n2.35,"a, ""b"".jpg",48.85\r\n\r\n')
    manifest = read_manifest(path)
    assert manifest.photos == ('a, "b".jpg',)
    assert manifest.latlon_deg.tolist() == [[48.85, 2.35]]


def test_rows_that_cannot_be_used_are_counted_by_reason(tmp_path):
    rows = "a,1,2\n,1,2\nb,,2\nc,nan,2\nd,1,NA\na,1.0,2\n"
    manifest = read_manifest(write(tmp_path, "photo,lat_deg,lon_deg\n" + rows))
    assert manifest.photos == ("a",)
    assert manifest.n_rows == 6
    assert manifest.rejected == {"no photo": 1, "no coordinates": 3, "repeats an earlier row": 1}


def test_photos_of_unknown_place_need_no_coordinates_and_heed_none(tmp_path):
    path = write(tmp_path, "photo\na\nb\n")
    read = read_photos(path)
    assert (read.photos, read.n_rows, read.rejected, read.sha256) == (("a", "b"), 2, {}, file_sha256(path))
    assert read.photo_paths() == [tmp_path / "a", tmp_path / "b"]
    odd = write(tmp_path, "photo,lat_deg,lon_deg\na,abc,2\n,1,2\nb,95,361\nc,nan,\na,3,inf\n")
    assert (read_photos(odd).photos, read_photos(odd).rejected) == (("a", "b", "c"), {"no photo": 1, "repeats an earlier row": 1})
    assert read_photo_names(odd) == ["a", "", "b", "c", "a"]


@pytest.mark.parametrize(
    ("text", "words"), [("photo\n", "it has no rows"), ('photo,x\n,1\n"",2\n', "none of its 2 rows names a photo"), ("name\na\n", "no column 'photo'")]
)
def test_a_table_that_names_no_photo_is_refused(tmp_path, text, words):
    for read in (read_photos, read_photo_names):
        with pytest.raises(BadManifest, match=rf"m\.csv: {words}"):
            read(write(tmp_path, text))


def test_swapped_columns_are_named(tmp_path):
    with pytest.raises(BadCoordinate, match=r"row 3: latitude 139.7 is outside .* swapped\? \(longitude is 35.7\)"):
        read_manifest(write(tmp_path, "photo,lat_deg,lon_deg\na,35.7,139.7\nb,139.7,35.7\n"))


REFUSALS = {
    "a missing column": ("photo,lat,lon_deg\na,1,2\n", BadManifest, r"no column 'lat_deg'; its columns are 'photo', 'lat', 'lon_deg'; rename them, or make"),
    "semicolons": ("photo;lat_deg;lon_deg\na;1;2\n", BadManifest, r"no column 'photo'; its columns are .*; separate the columns by commas"),
    "an empty file": ("", BadManifest, r"it is empty; the first line of a CSV names its columns$"),
    "a header alone": ("photo,lat_deg,lon_deg\n", BadManifest, r"no row can be used \(it has no rows\)"),
    "no usable row": ("photo,lat_deg,lon_deg\na,,\n", BadManifest, r"no row can be used \(no coordinates: 1\)"),
    "two places": ("photo,lat_deg,lon_deg\na,1,2\nb,1,2\na,1,3\n", BadManifest, r"row 4: photo 'a' has another place in row 2"),
    "words for a number": ("photo,lat_deg,lon_deg\na,north,2\n", BadCoordinate, r"row 2: lat_deg 'north' is not a number"),
    "a decimal comma": (
        'photo,lat_deg,lon_deg\na,"48,85",2\n',
        BadCoordinate,
        r"row 2: lat_deg '48,85' is not a number; write decimal degrees with a point",
    ),
    "the sky": ("photo,lat_deg,lon_deg\na,inf,2\n", BadCoordinate, r"row 2: latitude inf \(.*\) is outside"),
    "a number without end": (f"photo,lat_deg,lon_deg\na,{'1' * 10_000},2\n", BadCoordinate, r"row 2: latitude inf \(a number too long to be a degree, or"),
    "a long way round": ("photo,lat_deg,lon_deg\na,1,190\n", BadCoordinate, r"row 2: longitude 190.0 is outside \[-180, 180\]; subtract 360"),
    "a cell too many": (
        "photo,lat_deg,lon_deg\na,1,2\nb,c,1,2\n",
        BadManifest,
        r"row 3: 4 cells where the header has 3; quote cells that hold commas",
    ),
    "a cell too few": ("photo,lat_deg,lon_deg\na,1\n", BadManifest, r"row 2: 2 cells where the header has 3"),
    "a column twice": ("photo,lat_deg,lat_deg,lon_deg\na,1,1,2\n", BadManifest, r"two columns are called 'lat_deg'"),
    "another encoding": (b"photo,lat_deg,lon_deg\n\xe9,1,2\n", BadManifest, r"not UTF-8 \(byte 22, line 2: .*\); save it as CSV UTF-8"),
    "another encoding far down": (b"photo,lat_deg,lon_deg\n" + b"a,1,2\n" * 9000 + b"\xe9,1,2\n", BadManifest, r"not UTF-8 \(byte 54022, line 9002"),
    "an endless cell": ('photo,lat_deg,lon_deg\n"' + "a" * 200_000 + '",1,2\n', BadManifest, r"cannot be read as CSV"),
}


@pytest.mark.parametrize(("text", "error", "words"), REFUSALS.values(), ids=REFUSALS)
def test_refusals_are_one_line(text, error, words, tmp_path):
    with pytest.raises(error, match=words) as refusal:
        read_manifest(write(tmp_path, text))
    assert "\n" not in str(refusal.value)
    assert ("`geocairn data import` leaves such rows out" in str(refusal.value)) == (error is BadCoordinate)
    assert str(refusal.value).startswith(str(tmp_path))


def test_files_that_are_no_tables_are_refused(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    for path, words in {
        tmp_path / "none.csv": "no such file",
        tmp_path / "folder.csv": "not a plain file",
        write(tmp_path, "x", "m.xlsx"): "a table is a .csv or .parquet file",
        write(tmp_path, "PAR1 but not really", "m.parquet"): "cannot be read as Parquet",
    }.items():
        with pytest.raises(BadManifest, match=words) as refusal:
            read_manifest(path)
        assert "\n" not in str(refusal.value)


def test_a_row_is_counted_as_a_spreadsheet_counts_it_and_in_parquet_from_one(tmp_path):
    assert list(read_table(write(tmp_path, GOOD)).rows) == [2, 3, 4]
    pq.write_table(pa.table({"photo": ["a", "b"], "lat_deg": [1.0, 91.0], "lon_deg": [1.0, 1.0]}), tmp_path / "m.parquet")
    with pytest.raises(BadCoordinate, match=r"row 2: latitude 91\.0"):
        read_manifest(tmp_path / "m.parquet")


def test_an_unknown_column_is_answered_with_those_there_are(good):
    with pytest.raises(GeocairnError, match=r"no column 'continent'; its columns are 'author', 'country'"):
        good.column("continent")
    with pytest.raises(BadManifest, match=r"'lat_deg' is each photo's own, none to group by; its other columns are 'author', 'country'$"):
        good.column("lat_deg")


def test_a_manifest_without_other_columns_is_not_called_empty(tmp_path):
    with pytest.raises(BadManifest, match=r"no column 'mood'; its columns are none"):
        read_manifest(write(tmp_path, "photo,lat_deg,lon_deg\na,1,2\n")).column("mood")
