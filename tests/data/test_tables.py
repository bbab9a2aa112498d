import datetime
import decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data.factory import write_csv

from geocairn.data.tables import column_names, read_columns
from geocairn.errors import BadManifest

CELLS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=8))
def test_csv_cells_come_back_as_they_were(tmp_path_factory, rows):
    path = write_csv(tmp_path_factory.mktemp("csv") / "a.csv", ["x", "y"], rows)
    found = read_columns(path, {"photo": "x", "city": "y"})
    gone = ("", "NaN", "nan")
    assert list(zip(*(found.table[name].to_pylist() for name in ("photo", "city")), strict=True)) == [
        tuple(None if cell.strip() in gone else cell for cell in row) for row in rows
    ]  # fmt: skip
    assert found.row_numbers.tolist() == list(range(2, len(rows) + 2))


def test_namibia_is_no_missing_label(tmp_path):
    path = write_csv(tmp_path / "a.csv", ["photo", "country"], [("a", "NA"), ("b", "NaN"), ("c", "nan"), ("d", "")])
    assert read_columns(path, {"country": "country"}).table["country"].to_pylist() == ["NA", None, None, None]


def test_rows_of_the_wrong_length_are_refused_with_their_number(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfphoto,lat\r\na,1\r\nb\r\nc,2,3\r\nd,4\r\n")
    found = read_columns(path, {"photo": "photo"})
    assert found.table["photo"].to_pylist() == ["a", "d"]
    assert found.row_numbers.tolist() == [2, 5]
    assert found.refused.to_pylist() == [{"row": row, "photo": None, "reason": "wrong number of cells"} for row in (3, 4)]
    assert found.n_rows == 4


@pytest.mark.parametrize("text", ['photo,lat\na,1\n"b,2\nc,3\nd,4\n', 'photo,lat\na,1\nb,"2\nc,3\nd,4\n', 'photo,lat\n"a\nb",1\n'])
def test_a_quote_that_swallows_rows_is_refused(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(BadManifest, match=r"takes in the lines that follow|goes over several lines"):
        read_columns(path, {"photo": "photo", "lat_deg": "lat"})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        ("photo,lat\né,1\n".encode("latin-1"), "not UTF-8"),
        ("photo,lat\né,1\n".encode("utf-16"), "not UTF-8"),
        (b"photo;lat;lon\na;1;2\n", "separate the columns by commas"),
        (b"photo\tlat\na\t1\n", "separate the columns by commas"),
    ],
)
def test_files_that_are_no_csv_are_refused(tmp_path, data, words):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    with pytest.raises(BadManifest, match=words):
        column_names(path)


def test_latin_letters_far_down_are_refused_too(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"photo,lat\n" + b"a,1\n" * 50_000 + "é,1\n".encode("latin-1"))
    with pytest.raises(BadManifest, match=r"not UTF-8 \(byte 200010, line 50002: .*\); save it as CSV UTF-8"):
        read_columns(path, {"photo": "photo"})


def test_tabs_in_tsv(tmp_path):
    path = write_csv(tmp_path / "a.tsv", ["photo", "city"], [("a", "Lyon, France")], separator="\t")
    assert column_names(path) == ["photo", "city"]
    assert read_columns(path, {"city": "city"}).table["city"].to_pylist() == ["Lyon, France"]


def test_parquet_of_many_types(tmp_path):
    path = tmp_path / "a.parquet"
    columns = {
        "id": pa.array([7, 8]),
        "lat": pa.array([1.5, None], pa.float32()),
        "lon": pa.array([decimal.Decimal("2.5"), None]),
        "day": pa.array([datetime.date(2020, 1, 2), None]),
        "country": pa.array(["NA", "NaN"]).dictionary_encode(),
        "city": pa.nulls(2),
        "author": [7.5, float("nan")],
        "vector": pa.array([[1.0], [2.0]]),
    }
    pq.write_table(pa.table(columns), path)
    names = {"photo": "id", "lat_deg": "lat", "lon_deg": "lon", "captured_at": "day", "country": "country", "city": "city", "author": "author"}
    assert read_columns(path, names).table.to_pylist() == [
        {"photo": "7", "lat_deg": 1.5, "lon_deg": 2.5, "captured_at": "2020-01-02", "country": "NA", "city": None, "author": "7.5"},
        {"photo": "8", "lat_deg": None, "lon_deg": None, "captured_at": None, "country": None, "city": None, "author": None},
    ]
    with pytest.raises(BadManifest, match=r"column 'vector' holds list<.*>, which is neither text nor numbers; choose another for city"):
        read_columns(path, {"city": "vector"})
    with pytest.raises(BadManifest, match="column 'lat' holds photo names as decimal numbers"):
        read_columns(path, {"photo": "lat"})
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(BadManifest, match="cannot be read as Parquet"):
        column_names(path)
