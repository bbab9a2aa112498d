"""Names of a store's photos: the index finds what a dict finds, and no table passes that does not name each row once."""

import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.data.photo_names import PhotoNames, read_photo_names
from geocairn.errors import BadFeatures

TWINS = ("img223754276", "img15751267252")  # of one checksum
names = st.sampled_from(TWINS) | st.text("ab/é", max_size=4)


@given(st.lists(names, unique=True), st.lists(names))
def test_names_are_found_as_a_dict_finds_them(held, asked):
    row_of = {name: row for row, name in enumerate(held)}
    index = PhotoNames.of(pa.array(held, pa.string()))
    assert index.rows_of(asked).tolist() == [row_of.get(name, -1) for name in asked]
    assert index.repeated() is None


@given(st.lists(names))
def test_a_repeated_name_is_told(held):
    repeated = PhotoNames.of(pa.array(held, pa.string())).repeated()
    assert (repeated is None) == (len(set(held)) == len(held))
    assert repeated is None or held.count(repeated) > 1


def test_names_of_one_checksum_are_told_apart():
    first, second = TWINS
    assert zlib.crc32(first.encode()) == zlib.crc32(second.encode())
    assert PhotoNames.of(pa.array(["a", second, first])).rows_of([first, second, "b"]).tolist() == [2, 1, -1]
    assert PhotoNames.of(pa.array([second])).rows_of([first]).tolist() == [-1]
    assert PhotoNames.of(pa.array([first, second, first])).repeated() == first


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"photo": list("abcd")}, "names 4 where the store has 3 rows"),
        ({"photo": list("ab")}, "names 2 where the store has 3 rows"),
        ({"photo": ["a", None, "c"]}, "names 2 where the store has 3 rows"),
        ({"photo": [1, 2, 3]}, "names 3 of int64 where the store has 3 rows"),
        ({"photo": ["a", "b", "a"]}, "names 'a' twice"),
        ({"name": list("abc")}, "with a column 'photo'"),
    ],
)
def test_a_table_that_does_not_name_every_row_once_is_refused(tmp_path, table, said):
    pq.write_table(pa.table(table), tmp_path / "photos.parquet")
    with pytest.raises(BadFeatures, match=said) as refused:
        read_photo_names(tmp_path / "photos.parquet", 3)
    assert "into a new folder" in str(refused.value)


def test_damaged_tables_are_refused_in_one_line(tmp_path):
    file = tmp_path / "photos.parquet"
    pq.write_table(pa.table({"photo": list("abc")}), file, compression="none", use_dictionary=False, write_statistics=False)
    whole = file.read_bytes()
    assert read_photo_names(file, 3).names.to_pylist() == list("abc")
    for damaged in (b"", b"PAR1", whole[:-9], whole.replace(b"\1\0\0\0b", b"\1\0\0\0\xff")):
        assert damaged != whole
        file.write_bytes(damaged)
        with pytest.raises(BadFeatures, match="not readable as Parquet") as refused:
            read_photo_names(file, 3)
        assert "\n" not in str(refused.value)
