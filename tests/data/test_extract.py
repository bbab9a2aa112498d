"""From photos to a feature store: equal bytes however it is done, a row for every photo, and nothing done twice."""

import json
import multiprocessing
import shutil
import time

import numpy as np
import pytest
import torch
from tests.models.tiny import save_tiny
from tests.photo.corpus import scene

from geocairn.data import extract
from geocairn.data.extract import ERRORS, PARTS, ExtractSettings, extract_features
from geocairn.data.feature_store import open_store
from geocairn.errors import BadFeatures, BadManifest
from geocairn.manifest import read_photos
from geocairn.models.encoders import load_encoder
from geocairn.models.preprocess import Preprocessing
from geocairn.photo.read import PhotoLimits, read_photo

GOOD = 9


@pytest.fixture(scope="session")
def encoder(tmp_path_factory):
    return load_encoder(str(save_tiny(tmp_path_factory.mktemp("encoder"), "clip")), device="cpu")


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """A manifest of good photos, two that cannot be read and one that is not there, and their folder."""
    folder = tmp_path_factory.mktemp("photos")
    for index in range(GOOD):
        image = scene(index, 40 + 7 * index, 60 - 5 * index)
        (image.convert("L") if index == 3 else image).save(folder / f"p{index}.png")
    (folder / "text.jpg").write_text("no photo")
    (folder / "cut.png").write_bytes((folder / "p0.png").read_bytes()[:400])
    names = ["p0.png", "text.jpg", *(f"p{index}.png" for index in range(1, GOOD)), "cut.png", "gone.png"]
    (folder / "m.csv").write_text("photo,lat_deg,lon_deg\n" + "".join(f"{name},1,{index}\n" for index, name in enumerate(names)) + ",7,7\n")
    return folder / "m.csv"


class Reading:
    """Reads photos in this process, in place of the workers, and counts them; `fatal` photos end the run the first time."""

    def __init__(self, monkeypatch, fatal=()):
        self.read = []
        self.fatal = set(fatal)
        monkeypatch.setattr(extract, "in_order", self)

    def __call__(self, setup, items, *, jobs, batch_size, on_loss):
        work = setup()
        for item in items:
            if item.name in self.fatal:
                self.fatal.remove(item.name)
                raise KeyboardInterrupt
            self.read.append(item.name)
            yield work(item)


def run(manifest, out, encoder, **settings):
    errors = []
    extracted = extract_features(read_photos(manifest), out, encoder, ExtractSettings(**settings), tell_error=errors.append)
    return extracted, errors


def small_files(monkeypatch):
    """Shards of 4 rows, and parts of 2."""
    write_shards = extract.write_shards
    monkeypatch.setattr(extract, "ROWS_PER_PART", 2)
    monkeypatch.setattr(extract, "write_shards", lambda *given, **options: write_shards(*given, **options, rows_per_shard=4))


def no_children():
    deadline = time.monotonic() + 30
    while multiprocessing.active_children() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not multiprocessing.active_children()


def files(folder):
    """Bytes of all files of a store but the notes, which tell of versions and devices."""
    found = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "meta.json"}
    return found | {"meta": {key: value for key, value in json.loads((folder / "meta.json").read_text()).items() if key != "notes"}}


@pytest.fixture
def whole(photos, tmp_path, encoder, monkeypatch):
    with monkeypatch.context() as patch:
        Reading(patch)
        run(photos, tmp_path / "whole", encoder)
    return tmp_path / "whole"


def test_rows_are_the_features_of_the_photos_one_by_one(whole, photos, encoder):
    store = open_store(whole, verify=True)
    assert store.meta.header.encoder == encoder.identity
    assert Preprocessing.model_validate_json(store.meta.header.preprocessing) == encoder.preprocessing
    for row, name in enumerate(store.photos.to_pylist()):
        found = store.read(np.array([row]))[0]
        if name.startswith("p"):
            pixels = encoder.preprocessing.pixels(read_photo(photos.parent / name).image)
            np.testing.assert_array_equal(found, encoder.features(torch.from_numpy(pixels[None])).numpy()[0].astype(np.float16))
        else:
            assert np.isnan(found).all()


def test_photos_without_features_are_told_counted_and_listed(photos, tmp_path, encoder, monkeypatch):
    Reading(monkeypatch)
    extracted, errors = run(photos, tmp_path / "out", encoder)
    notes = extracted.store.meta.notes
    assert extracted.store.meta.n_nan == 3
    assert sum(extracted.failed.values()) == 3
    assert notes["failed"] == extracted.failed
    assert extracted.failed["does not exist"] == 1
    assert (notes["rows"], notes["rejected"]) == (GOOD + 4, {"no photo": 1})
    listed = [json.loads(line) for line in (tmp_path / "out" / notes["errors"]).read_text().splitlines()]
    assert [(told["row"], told["photo"]) for told in listed] == [(1, "text.jpg"), (GOOD + 1, "cut.png"), (GOOD + 2, "gone.png")]
    assert [told["error"] for told in listed] == errors
    assert all(told["photo"] in told["error"] and "\n" not in told["error"] for told in listed)
    assert not list((tmp_path / "out").glob("*parts*"))


@pytest.mark.parametrize("settings", [{"batch_size": 1}, {"batch_size": 3}, {"batch_size": 8}])
def test_the_batch_changes_no_byte(whole, photos, tmp_path, encoder, monkeypatch, settings):
    Reading(monkeypatch)
    run(photos, tmp_path / "out", encoder, **settings)
    assert files(tmp_path / "out") == files(whole)


def test_workers_change_no_byte(whole, photos, tmp_path, encoder):
    run(photos, tmp_path / "out", encoder, jobs=2, batch_size=2)
    assert files(tmp_path / "out") == files(whole)
    assert no_children()
    with pytest.raises(RuntimeError, match="StopIteration"):  # an encoder that fails ends the run, and no process outlives it
        run(photos, tmp_path / "other", Odd([]))
    assert no_children()


@pytest.mark.parametrize("rows_per_part", [2, 5, 1024])
def test_an_interrupted_run_goes_on_where_it_was(whole, photos, tmp_path, encoder, monkeypatch, rows_per_part):
    monkeypatch.setattr(extract, "ROWS_PER_PART", rows_per_part)
    reading = Reading(monkeypatch, fatal=["p4.png", "cut.png"])
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run(photos, tmp_path / "out", encoder)
        with pytest.raises(BadFeatures, match="no such file"):
            open_store(tmp_path / "out")
    extracted, _ = run(photos, tmp_path / "out", encoder)
    assert files(tmp_path / "out") == files(whole)
    assert sum(extracted.failed.values()) == 3
    # No more than the photos of the part that was torn are read again, once for each interruption.
    assert len(reading.read) - len(set(reading.read)) <= 2 * (rows_per_part - 1)
    reading.read.clear()
    assert run(photos, tmp_path / "out", encoder)[0].failed == extracted.failed
    assert reading.read == []


def test_shards_lose_their_parts_when_they_are_written(whole, photos, tmp_path, encoder, monkeypatch):
    small_files(monkeypatch)
    reading = Reading(monkeypatch, fatal=["p5.png"])
    with pytest.raises(KeyboardInterrupt):
        run(photos, tmp_path / "out", encoder)
    assert sorted(path.name for path in (tmp_path / "out").glob("rows-*")) == ["rows-000000000-000000004.npy"]
    assert sorted(path.name for path in (tmp_path / "out" / PARTS).glob("*.npz")) == ["000000004.npz"]
    extracted, _ = run(photos, tmp_path / "out", encoder)
    assert sorted(set(reading.read)) == sorted(reading.read)
    np.testing.assert_array_equal(extracted.store.read(np.arange(GOOD + 3)), open_store(whole).read(np.arange(GOOD + 3)))
    assert (tmp_path / "out" / ERRORS).read_bytes() == (whole / ERRORS).read_bytes()


def test_rows_keep_to_their_photos_whichever_shards_are_missing(whole, photos, tmp_path, encoder, monkeypatch):
    small_files(monkeypatch)
    Reading(monkeypatch, fatal=["gone.png"])
    with pytest.raises(KeyboardInterrupt):
        run(photos, tmp_path / "out", encoder)
    (tmp_path / "out/rows-000000000-000000004.npy").unlink()
    extracted, _ = run(photos, tmp_path / "out", encoder)
    np.testing.assert_array_equal(extracted.store.read(np.arange(GOOD + 3)), open_store(whole).read(np.arange(GOOD + 3)))
    assert (tmp_path / "out" / ERRORS).read_bytes() == (whole / ERRORS).read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda part: part.write_bytes(part.read_bytes()[:-30]),
        lambda part: part.write_bytes(part.read_bytes().replace(np.load(part)["features"].tobytes(), bytes(np.load(part)["features"].nbytes))),
        lambda part: np.savez(part, features=np.zeros((1, 1))),
        lambda part: part.with_suffix(".jsonl").write_text(""),
        lambda part: part.with_suffix(".jsonl").write_text("{}\n"),
        lambda part: part.with_suffix(".jsonl").unlink(),
    ],
)
def test_a_damaged_part_is_made_again(whole, photos, tmp_path, encoder, monkeypatch, damage):
    monkeypatch.setattr(extract, "ROWS_PER_PART", 5)
    reading = Reading(monkeypatch, fatal=["p5.png"])
    with pytest.raises(KeyboardInterrupt):
        run(photos, tmp_path / "out", encoder)
    assert reading.read == ["p0.png", "text.jpg", "p1.png", "p2.png", "p3.png", "p4.png"]
    damage(tmp_path / "out" / PARTS / "000000000.npz")
    reading.read.clear()
    run(photos, tmp_path / "out", encoder)
    assert len(reading.read) == GOOD + 3
    assert files(tmp_path / "out") == files(whole)


def test_a_photo_that_ends_its_worker_costs_only_itself():
    assert extract._reason(extract._lost(extract.Path("a/b.jpg")), extract.Path("a/b.jpg")) == "reading it ended the worker process"


class Odd:
    """An encoder whose features of some photos are not finite or too large."""

    name, identity, dim, device, precision = "odd", "odd", 2, "cpu", "float32"
    preprocessing = Preprocessing(resize_px=(8, 8))

    def __init__(self, values):
        self.values = iter(values)

    def features(self, pixels):
        return torch.tensor([[1.0, next(self.values)] for _ in pixels])


def test_features_that_are_no_numbers_are_errors_of_their_rows(photos, tmp_path, monkeypatch):
    Reading(monkeypatch)
    extracted, errors = run(photos, tmp_path / "out", Odd([1.0, float("nan"), float("inf"), -65505.0, 65504.0, 1.0, 1.0, 1.0, 1.0]))
    assert extracted.failed["its features are not finite"] == 2
    assert extracted.failed["its features are beyond what fpN holds"] == 1
    assert extracted.store.meta.n_nan == 6
    assert sum("p1.png" in error for error in errors) == 1
    assert extracted.store.read(np.array([5]))[0].tolist() == [1.0, 65504.0]


def test_a_run_stopped_while_it_cleaned_up_leaves_nothing_behind(whole, photos, encoder, monkeypatch):
    reading = Reading(monkeypatch)
    before = files(whole)
    (whole / ".parts-done").mkdir()
    (whole / ".parts-done/000000000.npz").write_bytes(b"")
    run(photos, whole, encoder)
    assert files(whole) == before
    assert reading.read == []


def test_another_encoder_manifest_or_preprocessing_is_refused(whole, photos, encoder, tmp_path, monkeypatch):
    Reading(monkeypatch)
    before = files(whole)
    other = Odd([1.0] * GOOD)
    changed = tmp_path / "m.csv"
    changed.write_text(photos.read_text().replace("p1.png,1", "p1.png,2"))
    for manifest, made_by in ((photos, other), (changed, encoder)):
        with pytest.raises(BadFeatures, match="holds features of other photos or of another encoder; name a new folder"):
            run(manifest, whole, made_by, photos=photos.parent)
    assert files(whole) == before


def test_limits_count_as_errors_of_rows(photos, tmp_path, encoder, monkeypatch):
    Reading(monkeypatch)
    extracted, _ = run(photos, tmp_path / "out", encoder, limits=PhotoLimits(max_pixels=2500))
    assert extracted.failed["is N x N"] == sum((40 + 7 * index) * (60 - 5 * index) > 2500 for index in range(GOOD)) > 0


def test_photos_are_looked_for_where_the_user_says(photos, tmp_path, encoder, monkeypatch):
    Reading(monkeypatch)
    shutil.copy(photos, tmp_path / "m.csv")
    with pytest.raises(BadManifest, match=r"p0\.png: does not exist, nor do the photos after it; give --photos"):
        run(tmp_path / "m.csv", tmp_path / "out", encoder)
    assert not (tmp_path / "out").exists()
    assert run(tmp_path / "m.csv", tmp_path / "out", encoder, photos=photos.parent)[0].store.meta.n == GOOD + 3


def test_a_list_of_errors_that_was_taken_away_is_missed(whole, photos, encoder, monkeypatch):
    Reading(monkeypatch)
    (whole / ERRORS).unlink()
    with pytest.raises(BadFeatures, match=r"errors\.jsonl: missing"):
        run(photos, whole, encoder)


def test_a_finished_store_says_what_its_own_run_noted(whole, photos, encoder, monkeypatch):
    Reading(monkeypatch)
    before = (whole / "meta.json").read_bytes()
    monkeypatch.setattr(extract, "version", lambda package: "99")
    assert run(photos, whole, encoder)[0].failed == json.loads(before)["notes"]["failed"]
    assert (whole / "meta.json").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[: text.index("\n") + 1], "tells of 1 photos, but 3 are without features"),
        (lambda text: text[:-4], "not readable as lines of JSON"),
        (lambda text: text.replace('"reason"', '"cause"'), "holds a line without a reason"),
    ],
)
def test_a_list_of_errors_that_does_not_fit_is_refused(whole, photos, encoder, monkeypatch, change, said):
    Reading(monkeypatch)
    (whole / ERRORS).write_text(change((whole / ERRORS).read_text()))
    with pytest.raises(BadFeatures, match=rf"errors\.jsonl: {said}.*; extract the features anew, into a new folder$") as refused:
        run(photos, whole, encoder)
    assert "\n" not in str(refused.value)


def test_errors_of_rows_that_are_there_are_never_left_out(photos, tmp_path, encoder, monkeypatch):
    small_files(monkeypatch)
    Reading(monkeypatch, fatal=["p5.png"])
    with pytest.raises(KeyboardInterrupt):
        run(photos, tmp_path / "out", encoder)
    (tmp_path / "out" / PARTS / "000000000.jsonl").unlink()
    with pytest.raises(BadFeatures, match=r"000000000\.jsonl: missing, though the rows are there"):
        run(photos, tmp_path / "out", encoder)
    assert not (tmp_path / "out/meta.json").exists()


def test_the_bar_is_told_how_many_are_left(photos, tmp_path, encoder, monkeypatch):
    monkeypatch.setattr(extract, "ROWS_PER_PART", 5)
    Reading(monkeypatch, fatal=["p6.png"])
    totals = []

    def watch(items, total):
        totals.append(total)
        return iter(items)

    with pytest.raises(KeyboardInterrupt):
        extract_features(read_photos(photos), tmp_path / "out", encoder, ExtractSettings(), watch=watch)
    extract_features(read_photos(photos), tmp_path / "out", encoder, ExtractSettings(), watch=watch)
    assert totals == [GOOD + 3, GOOD + 3 - 5]
