"""Rows of stores beside a manifest: joined, and told where they lack."""

import numpy as np
import pytest

from geocairn.data.feature_rows import manifest_named, rows_beside
from geocairn.data.feature_store import StoreHeader
from geocairn.data.feature_writer import write_store
from geocairn.errors import BadFeatures, BadManifest

PHOTOS = ["a", "b", "c"]
WANTED = {"features": "tiles", "maps": "cells"}


def store(folder, rows, encoder, photos=PHOTOS):
    rows = np.asarray(rows, dtype=np.float64)
    write_store(folder, StoreHeader(encoder=encoder, dim=rows.shape[1]), photos, lambda wanted: rows[wanted.start : wanted.stop])


@pytest.fixture
def manifest(tmp_path):
    store(tmp_path / "features", [[1, 2], [3, np.nan], [5, 6]], "tiles")
    store(tmp_path / "maps", [[7], [8]], "cells", ["c", "a"])
    (tmp_path / "m.csv").write_text("photo,lat_deg,lon_deg\n")
    return tmp_path / "m.csv"


def test_rows_are_joined_in_the_order_of_the_stores(manifest):
    joined, faults = rows_beside(manifest, WANTED).read(["c", "a"])
    assert joined.tolist() == [[5, 6, 7], [1, 2, 8]]
    assert faults == [None, None]


def test_why_a_photo_has_no_features_is_told(manifest):
    _, faults = rows_beside(manifest, WANTED).read(["b", "x", "a"])
    assert faults[0] == "b: has no features in " + str(manifest.parent / "maps") + "; extract them"
    assert faults[1].startswith("x: has no features in")
    assert faults[2] is None
    _, faults = rows_beside(manifest, {"features": "tiles"}).read(["b"])
    assert faults == ["b: its features are not finite; extract them anew"]
    joined, faults = rows_beside(manifest, WANTED).read([])
    assert (joined.shape, faults) == ((0, 3), [])


def test_without_stores_there_are_no_rows(tmp_path, manifest):
    assert rows_beside(tmp_path / "elsewhere/m.csv", WANTED) is None
    assert rows_beside(manifest, {}) is None


def test_other_encoders_and_missing_stores_are_refused(manifest):
    with pytest.raises(BadFeatures, match="made by 'tiles', but the bundle takes features of 'clip'"):
        rows_beside(manifest, {"features": "clip"})
    with pytest.raises(BadFeatures, match=r"tokens/meta.json: no such file"):
        rows_beside(manifest, {"features": "tiles", "tokens": "words"})


def test_a_manifest_is_told_from_photos(manifest, tmp_path):
    assert manifest_named([str(manifest)]) == manifest
    (tmp_path / "p.jpg").write_bytes(b"")
    for paths in ([str(manifest), str(tmp_path / "p.jpg")], [str(tmp_path / "p.jpg")], [str(tmp_path / "none.csv")], [str(tmp_path)], ["-"], []):
        assert manifest_named(paths) is None
    with pytest.raises(BadManifest, match=r"m.csv: is a second manifest; name one manifest at a time$"):
        manifest_named([str(manifest), str(manifest)])
