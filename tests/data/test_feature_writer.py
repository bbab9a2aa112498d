"""Feature stores as they are written: interrupted runs go on wherever they were stopped, finished stores stay as they are, and no damage is vouched for."""

import json

import numpy as np
import pytest
from tests.data.stores import HEADER, PHOTOS, ROWS, computed, flip

from geocairn.data import feature_writer
from geocairn.data.feature_store import META, FeatureStore, open_store
from geocairn.data.feature_writer import STARTED, write_shards, write_store
from geocairn.errors import BadFeatures


@pytest.fixture
def store(tmp_path) -> FeatureStore:
    return write_store(tmp_path / "features", HEADER, PHOTOS, computed, rows_per_shard=10)


@pytest.fixture
def torn(tmp_path):
    """A store whose last shard is missing."""

    def breaking(rows: range) -> np.ndarray:
        if rows.start == 20:
            raise KeyboardInterrupt
        return computed(rows)

    with pytest.raises(KeyboardInterrupt):
        write_store(tmp_path / "torn", HEADER, PHOTOS, breaking, rows_per_shard=10)
    return tmp_path / "torn"


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def gone_on(folder):
    """Write on; the first rows of the shards that are asked for."""
    asked = []
    write_store(folder, HEADER, PHOTOS, lambda rows: asked.append(rows.start) or computed(rows), rows_per_shard=10)
    return asked


def refused(*_, **__):
    raise AssertionError("nothing is to be computed or noted")


def test_an_interrupted_run_goes_on_where_it_was(tmp_path):
    asked = []

    def breaking(rows: range) -> np.ndarray:
        asked.append(rows.start)
        if rows.start == 10 and asked.count(10) == 1:
            raise KeyboardInterrupt
        return computed(rows)

    with pytest.raises(KeyboardInterrupt):
        write_store(tmp_path / "f", HEADER, PHOTOS, breaking, rows_per_shard=10)
    with pytest.raises(BadFeatures, match="no such file"):
        open_store(tmp_path / "f")
    resumed = write_store(tmp_path / "f", HEADER, PHOTOS, breaking, rows_per_shard=10)
    assert asked == [0, 10, 10, 20]
    np.testing.assert_array_equal(resumed.read(np.arange(23)), ROWS)


def test_shards_of_another_encoder_or_of_other_photos_are_not_continued(store):
    with pytest.raises(BadFeatures, match="other photos or of another encoder"):
        write_store(store.folder, HEADER.model_copy(update={"encoder": "y"}), PHOTOS, computed)
    with pytest.raises(BadFeatures, match="other photos or of another encoder"):
        write_store(store.folder, HEADER, PHOTOS[::-1], computed)


def test_photos_without_features_are_counted(tmp_path):
    def torn(rows: range) -> np.ndarray:
        features = computed(rows)
        features[2] = np.nan
        return features

    assert write_store(tmp_path / "f", HEADER, PHOTOS, torn, rows_per_shard=10).meta.n_nan == 3
    assert write_store(tmp_path / "g", HEADER, PHOTOS, computed).meta.n_nan == 0


def test_classes_are_kept_as_bytes(tmp_path):
    classes = np.arange(23 * 5).reshape(23, 5)
    header = HEADER.model_copy(update={"dtype": "uint8"})
    kept = write_store(tmp_path / "f", header, PHOTOS, lambda rows: classes[rows.start : rows.stop])
    np.testing.assert_array_equal(kept.read(np.arange(23)), classes)
    with pytest.raises(BadFeatures, match="beyond 255"):
        write_store(tmp_path / "g", header, PHOTOS, lambda rows: classes[rows.start : rows.stop] + 200)


@pytest.mark.parametrize(
    ("features", "said"), [(np.full((23, 5), 70000.0), "115 numbers are beyond 65504"), (np.full((23, 5), np.inf), "beyond"), (np.zeros((23, 4)), r"\(23, 4\)")]
)
def test_what_does_not_fit_is_refused(tmp_path, features, said):
    with pytest.raises(BadFeatures, match=said):
        write_store(tmp_path / "f", HEADER, PHOTOS, lambda rows: features)


def test_photos_are_named_once(tmp_path):
    for photos in (["a", "a"], []):
        with pytest.raises(BadFeatures, match="name each photo once"):
            write_store(tmp_path / "f", HEADER, photos, computed)


def test_a_folder_with_other_files_or_a_file_is_refused(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(BadFeatures, match="holds other files"):
        write_store(tmp_path, HEADER, PHOTOS, computed)
    with pytest.raises(BadFeatures, match="is a file"):
        write_store(tmp_path / "letter.txt", HEADER, PHOTOS, computed)


@pytest.mark.parametrize("missing", [[0, 20], [0, 10, 20], [20], [10, 20]])
def test_exactly_the_shards_that_are_missing_are_asked_for(store, torn, missing):
    for start in missing:
        (torn / f"rows-{start:09d}-{min(start + 10, 23):09d}.npy").unlink(missing_ok=True)
    assert gone_on(torn) == missing
    assert files(torn) == files(store.folder)


def test_shards_are_asked_for_when_the_one_before_is_written(tmp_path):
    def compute(wanted):
        for rows in wanted:
            yield computed(rows)
            assert (tmp_path / f"f/rows-{rows.start:09d}-{rows.stop:09d}.npy").is_file()
        after.append(wanted)

    after = []
    write_shards(tmp_path / "f", HEADER, PHOTOS, compute, rows_per_shard=10)
    assert after == [[range(10), range(10, 20), range(20, 23)]]


def test_what_an_interrupted_run_has_left_is_taken_only_as_it_was_written(store, torn):
    flip(torn / "rows-000000010-000000020.npy")
    feature_writer._write_names(torn / "photos.parquet", PHOTOS[::-1])
    assert gone_on(torn) == [10, 20]
    assert files(torn) == files(store.folder)


def test_a_finished_store_stays_as_it_is(store):
    before = {path.name: path.stat().st_mtime_ns for path in store.folder.iterdir()}
    again = write_shards(store.folder, HEADER, PHOTOS, refused, notes=refused)
    np.testing.assert_array_equal(again.read(np.arange(23)), ROWS)
    assert {path.name: path.stat().st_mtime_ns for path in store.folder.iterdir()} == before


def _reverse_names(folder):
    feature_writer._write_names(folder / "photos.parquet", PHOTOS[::-1])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: flip(folder / "rows-000000010-000000020.npy"), "sha256 differs"),
        (lambda folder: (folder / "rows-000000010-000000020.npy").unlink(), "missing"),
        (_reverse_names, "sha256 differs"),
        (lambda folder: (folder / "photos.parquet").unlink(), "missing"),
        (lambda folder: (folder / META).write_text("{"), "not readable as JSON"),
    ],
)
def test_a_damaged_finished_store_is_refused_and_not_vouched_for(store, damage, said):
    damage(store.folder)
    before = files(store.folder)
    with pytest.raises(BadFeatures, match=f"{said}.*; extract the features anew, into a new folder$"):
        write_shards(store.folder, HEADER, PHOTOS, refused, notes=refused)
    assert files(store.folder) == before


def test_a_run_killed_at_its_very_start_goes_on(store, tmp_path, monkeypatch):
    folder = tmp_path / "f"
    folder.mkdir()
    draft = folder / ".started.json.0123456789abcdef.json"
    draft.write_text("{")
    for name in ("_write_names", "write_json"):
        with monkeypatch.context() as patch:
            patch.setattr(feature_writer, name, _interrupted)
            with pytest.raises(KeyboardInterrupt):
                gone_on(folder)
    assert gone_on(folder) == [0, 10, 20]
    draft.unlink()
    assert files(folder) == files(store.folder)


def _interrupted(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, "\x00", None])
def test_a_damaged_start_is_one_line(torn, text):
    (torn / STARTED).unlink()
    (torn / STARTED).mkdir() if text is None else (torn / STARTED).write_text(text)
    with pytest.raises(BadFeatures, match=r"started\.json: ") as found:
        gone_on(torn)
    assert "\n" not in str(found.value)
    assert ("look at it" if text is None else "into a new folder") in str(found.value)


def test_a_start_tells_whose_shards_are_there(torn):
    started = json.loads((torn / STARTED).read_text())
    assert [shard["rows"] for shard in started["shards"]] == [10, 10]
    for change in ({"names_sha256": "0"}, {"header": started["header"] | {"encoder": "y"}}):
        (torn / STARTED).write_text(json.dumps(started | change))
        with pytest.raises(BadFeatures, match="other photos or of another encoder"):
            gone_on(torn)
