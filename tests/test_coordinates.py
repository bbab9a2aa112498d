import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.coordinates import coordinates_sha256, read_coordinates
from geocairn.errors import BadCoordinate, BadManifest

POINTS = np.array([[48.85, 2.35], [-90.0, 180.0], [90.0, -180.0], [0.0, 0.0]])
DEGREES = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


def write(path, text):
    path.write_bytes(text.encode())
    return path


def write_parquet(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


def test_all_three_formats_give_the_same(tmp_path):
    lat, lon = POINTS.T.tolist()
    np.save(tmp_path / "a.npy", POINTS)
    paths = [
        tmp_path / "a.npy",
        write_parquet(tmp_path / "a.parquet", lat_deg=lat, lon_deg=lon),
        write(tmp_path / "a.csv", "lat_deg,lon_deg\n" + "".join(f"{a!r},{b!r}\n" for a, b in POINTS.tolist())),
    ]
    read = [read_coordinates(path) for path in paths]
    for coordinates in read:
        assert np.array_equal(coordinates.latlon_deg, POINTS)
        assert coordinates.sha256 == coordinates_sha256(POINTS)
        assert (coordinates.photos, coordinates.n_rows, coordinates.rejected, len(coordinates)) == (None, 4, {}, 4)


def test_columns_may_stand_anywhere_and_a_byte_order_mark_before_them(tmp_path):
    coordinates = read_coordinates(write(tmp_path / "a.csv", '\ufeffname,lon_deg, lat_deg ,photo\r\nx,2.5,48.5,"a\nb.jpg"\r\n\r\ny,3.5,49.5,"c, d.jpg"\r\n'))
    assert coordinates.latlon_deg.tolist() == [[48.5, 2.5], [49.5, 3.5]]
    assert coordinates.photos == ["a\nb.jpg", "c, d.jpg"]


@given(st.lists(DEGREES, min_size=1, max_size=20), st.randoms())
def test_the_hash_knows_the_rows_but_not_their_order(points, random):
    shuffled = random.sample(points, len(points))
    digest = coordinates_sha256(np.array(points))
    assert coordinates_sha256(np.array(shuffled)) == digest
    assert coordinates_sha256(np.array([*points, points[0]])) != digest
    moved = [(points[0][0], points[0][1] + 1), *points[1:]]
    assert coordinates_sha256(np.array(moved)) != digest
    assert len(digest) == 64


def test_the_hash_leaves_its_input_alone_and_does_not_tell_noughts_apart():
    points = np.array([[3.0, 0.0], [-0.0, 2.0]])
    assert coordinates_sha256(points) == coordinates_sha256(np.array([[0.0, 2.0], [3.0, -0.0]]))
    assert points.tolist() == [[3.0, 0.0], [0.0, 2.0]]
    assert coordinates_sha256(points[:, ::-1]) != coordinates_sha256(points)


ROWS = "photo,lat_deg,lon_deg,split\na,1,2,train\n,1,2,train\nb,,2,train\nc,3,nan,train\na,1,2,train\nd,4,5,test\ne,6,7,\n"


def test_rows_that_cannot_be_used_are_counted_by_reason(tmp_path):
    coordinates = read_coordinates(write(tmp_path / "a.csv", ROWS), split="train")
    assert coordinates.latlon_deg.tolist() == [[1.0, 2.0]]
    assert coordinates.rejected == {"split test": 1, "no split": 1, "no coordinates": 2, "no photo": 1, "repeats an earlier row": 1}
    assert coordinates.n_rows == 7 == len(coordinates) + sum(coordinates.rejected.values())


def test_without_a_split_all_rows_are_read(tmp_path):
    coordinates = read_coordinates(write(tmp_path / "a.csv", ROWS))
    assert coordinates.photos == ["a", "d", "e"]
    assert read_coordinates(write(tmp_path / "b.csv", "lat_deg,lon_deg\n1,2\n"), split="train").n_rows == 1


def test_the_same_spot_without_names_counts_as_often_as_it_stands(tmp_path):
    assert len(read_coordinates(write(tmp_path / "a.csv", "lat_deg,lon_deg\n1,2\n1,2\n"))) == 2


def test_parquet_columns_of_other_types_are_read(tmp_path):
    path = write_parquet(
        tmp_path / "a.parquet",
        lat_deg=pa.array(["1.5", None, "NaN"]),
        lon_deg=pa.array([1, 2, 3], pa.int16()),
        photo=pa.array([7, 8, 9]),
        split=pa.array(["train"] * 3).dictionary_encode(),
    )
    coordinates = read_coordinates(path, split="train")
    assert (coordinates.latlon_deg.tolist(), coordinates.photos) == ([[1.5, 1.0]], ["7"])
    assert coordinates.rejected == {"no coordinates": 2}


@pytest.mark.parametrize("stored", [pa.array, lambda cells: pa.array(cells, pa.float32()), lambda cells: pa.array(cells).dictionary_encode()])
def test_a_number_that_is_none_is_an_empty_cell(tmp_path, stored):
    author = stored([7.5, float("nan"), float("nan"), None])
    path = write_parquet(tmp_path / "a.parquet", photo=author, lat_deg=[1.0] * 4, lon_deg=[2.0] * 4, author=author)
    coordinates = read_coordinates(path, columns=("author",))
    assert (coordinates.photos, coordinates.rejected) == (["7.5"], {"no photo": 3})
    nameless = read_coordinates(write_parquet(tmp_path / "b.parquet", lat_deg=[1.0] * 4, lon_deg=[2.0] * 4, author=author), columns=("author",))
    assert nameless.columns["author"].codes.tolist() == [0, -1, -1, -1]
    assert list(nameless.columns["author"].values) == ["7.5"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lat_deg,lon_deg\n1,2\n\n91,3\n", r"row 4: latitude 91.0 is outside .* swapped\? \(longitude is 3.0\)"),
        ("lat_deg,lon_deg\n1,2\n1,200\n", r"row 3: longitude 200.0 is outside .* subtract 360"),
        ("lat_deg,lon_deg\n1,-inf\n", "row 2: longitude -inf"),
        (f"lat_deg,lon_deg\n1,2\n{'1' * 10_000},2\n", r"row 3: latitude inf \(a number too long to be a degree, or the word\) is outside"),
        ("lat_deg,lon_deg\n1,2\n\n\n1,east\n", "row 5: lon_deg 'east' is not a number"),
        ('photo,lat_deg,lon_deg\n"a\nb",1,2\nc,"48,5",2\n', "row 4: lat_deg '48,5' is not a number"),
    ],
)
def test_a_coordinate_off_earth_is_named_with_its_row(tmp_path, text, message):
    with pytest.raises(BadCoordinate, match=message):
        read_coordinates(write(tmp_path / "a.csv", text))


def test_truth_values_are_no_degrees(tmp_path):
    with pytest.raises(BadCoordinate, match=r"row 2: lon_deg True is not a number"):
        read_coordinates(write_parquet(tmp_path / "a.parquet", lat_deg=[1.0, 2.0], lon_deg=pa.array([None, True])))


def test_a_row_of_an_array_counts_from_one(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1.0, 2.0], [1.0, 181.0]]))
    with pytest.raises(BadCoordinate, match=r"a.npy, row 2: longitude 181.0"):
        read_coordinates(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty; the first line of a CSV names its columns"),
        ("\n\n", "it is empty; the first line of a CSV names its columns"),
        ("lat_deg;lon_deg\n1;2\n", "no column 'lat_deg'; its columns are 'lat_deg;lon_deg'; separate the columns by commas"),
        ("lat_deg,lon_deg\n", r"no row can be used \(it has no rows\)"),
        ("lat,lon\n1,2\n", r"columns are 'lat', 'lon'; rename them, or make a manifest of it by `geocairn data import csv`$"),
        ("lat_deg,lon_deg,lat_deg\n1,2,1\n", "two columns are called 'lat_deg'"),
        ("lat_deg,lon_deg\n1,2,3\n", "cannot be read as CSV"),
        ("lat_deg,lon_deg\n,\n", r"no row can be used \(no coordinates: 1\)"),
        ("photo,lat_deg,lon_deg\na,1,2\na,1,3\n", "row 3: photo 'a' has another place in row 2"),
        ("lat_deg,lon_deg,split\n1,2,test\n1,2,val\n", r"no row can be used \(split test: 1, split val: 1\).* split"),
    ],
)
def test_files_that_cannot_be_used_are_refused_in_one_line(tmp_path, text, message):
    with pytest.raises(BadManifest, match=message) as caught:
        read_coordinates(write(tmp_path / "a.csv", text), split="train")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("array", [np.zeros(4), np.zeros((2, 3)), np.zeros((2, 2), dtype="U3"), np.array([[None, 1]], dtype=object)])
def test_arrays_of_another_shape_or_kind_are_refused(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(BadManifest, match=r"holds .* save an array of numbers of shape \(N, 2\)|not a readable .npy"):
        read_coordinates(tmp_path / "a.npy")


def test_what_is_no_such_file_is_refused(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    for name, message in [
        ("absent.csv", "no such file"),
        ("folder.csv", "not a plain file"),
        ("a.txt", "coordinates are read from .csv, .parquet, .npy files"),
    ]:
        with pytest.raises(BadManifest, match=message):
            read_coordinates(tmp_path / name)
    for name, message in [("a.npy", "not a readable .npy"), ("a.parquet", "cannot be read as Parquet"), ("a.csv", "not UTF-8")]:
        (tmp_path / name).write_bytes(b"\xff\xfe\x00junk")
        with pytest.raises(BadManifest, match=message):
            read_coordinates(tmp_path / name)
    with pytest.raises(BadManifest, match=r"a.npy: not a readable .npy; save it with numpy.save$"):
        read_coordinates(tmp_path / "a.npy")  # never advice to load pickles
    np.savez(tmp_path / "b.npz", a=POINTS)
    (tmp_path / "b.npz").rename(tmp_path / "b.npy")
    with pytest.raises(BadManifest, match="holds an archive of arrays"):
        read_coordinates(tmp_path / "b.npy")


def test_names_that_are_no_utf8_are_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"photo,lat_deg,lon_deg\n" + b"a,1,2\n" * 9000 + b"caf\xe9,1,2\n")
    with pytest.raises(BadManifest, match=r"a.csv: not UTF-8 \(byte 54025, line 9002: invalid continuation byte\); save it as CSV UTF-8"):
        read_coordinates(tmp_path / "a.csv")
