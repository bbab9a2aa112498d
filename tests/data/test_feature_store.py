"""Feature stores: what was written is read, and what is not whole is refused in one line."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.data.stores import HEADER, PHOTOS, ROWS, computed, flip

from geocairn.data import feature_store
from geocairn.data.feature_store import META, FeatureStore, StoreHeader, open_store, store_faults
from geocairn.data.feature_writer import write_store
from geocairn.errors import BadFeatures
from geocairn.manifest import file_sha256


@pytest.fixture
def store(tmp_path) -> FeatureStore:
    return write_store(tmp_path / "features", HEADER, PHOTOS, computed, rows_per_shard=10)


def test_rows_come_back_in_any_order_whatever_the_shards(store, tmp_path):
    asked = np.array([22, 0, 9, 10, 9])
    whole = write_store(tmp_path / "whole", HEADER, PHOTOS, computed)
    assert len(open_store(store.folder, verify=True)) == 23
    np.testing.assert_array_equal(open_store(store.folder).read(asked), ROWS[asked])
    np.testing.assert_array_equal(whole.read(asked), ROWS[asked])
    assert whole.meta.key == store.meta.key != StoreHeader(encoder="tiles", dim=5).key


def test_photos_are_found_by_name(store):
    assert store.rows_of(["p22", "nobody", "p0", "p22"]).tolist() == [22, -1, 0, 22]
    assert store.rows_of([]).tolist() == []


def test_every_part_of_a_header_changes_the_key():
    other = {"encoder": "x", "preprocessing": "crop", "manifest_sha256": "1", "dim": 6, "dtype": "uint8"}
    assert set(other) == set(StoreHeader.model_fields)
    assert len({HEADER.key, *(HEADER.model_copy(update={name: value}).key for name, value in other.items())}) == len(other) + 1


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-7])


def _as_float32(path):
    np.save(path, np.load(path).astype(np.float32))


def _pickle(path):
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("damage", "said"), [(lambda path: path.unlink(), "missing"), (_truncate, "truncated"), (_as_float32, "holds float32"), (_pickle, "truncated or no .npy")]
)
def test_damaged_shards_are_refused(store, damage, said):
    damage(store.folder / store.meta.shards[1].file)
    with pytest.raises(BadFeatures, match=said) as refused:
        open_store(store.folder)
    assert "\n" not in str(refused.value)


def test_a_flipped_bit_is_found_when_asked(store):
    flip(store.folder / store.meta.shards[1].file)
    open_store(store.folder)
    with pytest.raises(BadFeatures, match="sha256 differs"):
        open_store(store.folder, verify=True)


def test_every_damaged_file_is_told_once(store):
    assert list(store_faults(store.folder)) == []
    first, second, third = (store.folder / shard.file for shard in store.meta.shards)
    flip(first)
    second.unlink()
    _truncate(third)
    flip(store.folder / "photos.parquet")
    differs = "these are not the bytes that were written (sha256 differs); extract the features anew, into a new folder"
    assert list(store_faults(store.folder)) == [
        *(f"{path}: {differs}" for path in (store.folder / "photos.parquet", first)),
        f"{second}: missing; extract the features anew, into a new folder",
        f"{third}: {differs}",
    ]


def test_a_store_that_lists_other_shapes_or_nothing_is_faulty(store):
    meta = json.loads((store.folder / META).read_text())
    (store.folder / META).write_text(json.dumps(meta | {"shards": meta["shards"][1:]}))
    assert [fault.split(": ")[1] for fault in store_faults(store.folder)] == [
        "its key or number of rows does not fit what it lists; extract the features anew, into a new folder"
    ]
    for shard, rows in zip(meta["shards"], (9, 11, 3), strict=True):
        shard["rows"] = rows
    (store.folder / META).write_text(json.dumps(meta))
    assert ["holds float16 (10, 5) where float16" in fault for fault in store_faults(store.folder)] == [True, True]
    (store.folder / META).unlink()
    with pytest.raises(BadFeatures, match="no such file"):
        list(store_faults(store.folder))


def _may_not(*_, **__):
    raise PermissionError(13, "Permission denied")


def test_what_may_not_be_read_is_told_as_such(store, monkeypatch):
    shard = store.folder / store.meta.shards[0].file
    for where, name, path in ((Path, "read_bytes", store.folder / META), (np, "load", shard), (feature_store, "file_sha256", store.folder / "photos.parquet")):
        with monkeypatch.context() as patch:
            patch.setattr(where, name, _may_not)
            with pytest.raises(BadFeatures) as refused:
                open_store(store.folder)
        assert str(refused.value) == f"{path}: cannot be read (Permission denied); change its permissions or those of its folder"
    (store.folder / META).unlink()
    (store.folder / META).mkdir()
    with pytest.raises(BadFeatures, match=r"meta.json: cannot be read \(Is a directory\); look at it"):
        open_store(store.folder)


def test_other_names_are_refused(store):
    flip(store.folder / "photos.parquet")
    with pytest.raises(BadFeatures, match="sha256 differs"):
        open_store(store.folder)


@pytest.mark.parametrize(
    ("names", "said"),
    [([*PHOTOS, "p23"], "names 24 where the store has 23 rows"), (["p0", *PHOTOS[:-1]], "names 'p0' twice"), (None, "not readable as Parquet")],
)
def test_names_that_do_not_fit_the_rows_are_refused_whatever_meta_says(store, names, said):
    file = store.folder / "photos.parquet"
    if names is None:
        file.write_text("p0")
    else:
        pq.write_table(pa.table({"photo": names}), file)
    meta = json.loads((store.folder / META).read_text())
    (store.folder / META).write_text(json.dumps(meta | {"photos_sha256": file_sha256(file)}))
    with pytest.raises(BadFeatures, match=said) as refused:
        open_store(store.folder)
    assert list(store_faults(store.folder)) == [str(refused.value)]


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"format": "other"}', "\x00"])
def test_damaged_meta_is_refused(store, text):
    (store.folder / META).write_text(text)
    with pytest.raises(BadFeatures) as refused:
        open_store(store.folder)
    assert "\n" not in str(refused.value)


def test_a_key_that_does_not_fit_is_refused(store):
    meta = json.loads((store.folder / META).read_text())
    meta["header"]["encoder"] = "another"
    (store.folder / META).write_text(json.dumps(meta))
    with pytest.raises(BadFeatures, match="key or number of rows"):
        open_store(store.folder)


def test_rows_outside_are_refused(store):
    for row in (-1, 23):
        with pytest.raises(BadFeatures, match=f"row {row} is asked for"):
            store.read(np.array([0, row]))
