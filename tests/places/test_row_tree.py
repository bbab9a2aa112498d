import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.places.points import photo_like_points

from geocairn.coordinates import coordinates_sha256
from geocairn.errors import BadHierarchy, BadManifest
from geocairn.geo.sphere import mean_on_sphere, unit_from_latlon
from geocairn.places.files import arrays_sha256, load_hierarchy
from geocairn.places.hierarchy import check_hierarchy
from geocairn.places.origin import photo_fingerprints
from geocairn.places.row_tree import build_row_tree
from geocairn.places.tree import TreeSettings

CUT = TreeSettings(branches=(3, 4, 2))


@pytest.fixture
def points(tmp_path):
    """A file of points as photos lie."""
    latlon = photo_like_points(600)
    np.save(tmp_path / "points.npy", latlon)
    return latlon


def test_leaves_are_the_finest_clusters_and_stand_in_the_middle_of_their_rows(tmp_path, points):
    hierarchy = build_row_tree(tmp_path / "points.npy", tmp_path / "places", CUT)
    check_hierarchy(hierarchy)
    assert hierarchy.level_names == ("cluster1", "cluster2", "cluster3")
    assert [len(hierarchy.places_of(level)) for level in range(3)] == [3, 12, 24]
    with np.load(tmp_path / "places/tree.npz") as stored:
        labels = stored["labels"]
        assert [stored[f"parents_{level}"].shape for level in range(3)] == [(3,), (12,), (24,)]
        assert stored["centroids_2"].shape == (24, 3)
    unit = unit_from_latlon(points)
    for level in range(3):
        for place in hierarchy.places_of(level):
            leaves = slice(int(hierarchy.leaf_start[place]), int(hierarchy.leaf_stop[place]))
            rows = np.isin(labels[:, 2], np.arange(hierarchy.n_leaves)[leaves])
            assert hierarchy.count[place] == rows.sum()
            assert len(np.unique(labels[rows, level])) == 1
            assert_allclose(hierarchy.unit[place], mean_on_sphere(unit[rows]), atol=1e-6)
    assert (hierarchy.meta["builder"], hierarchy.meta["source_sha256"]) == ("tree", coordinates_sha256(points))


def test_an_id_is_the_way_down(tmp_path, points):
    hierarchy = build_row_tree(tmp_path / "points.npy", tmp_path / "places", CUT)
    for place in range(len(hierarchy)):
        way = hierarchy.ids[place].split("/")
        assert [hierarchy.ids[above] for above in hierarchy.chain(place)] == ["/".join(way[: level + 1]) for level in range(len(way))]
        siblings = np.flatnonzero(hierarchy.parent == hierarchy.parent[place]) if len(way) > 1 else hierarchy.places_of(0)
        assert way[-1] == str(list(siblings).index(place))


def test_one_level(tmp_path, points):
    hierarchy = build_row_tree(tmp_path / "points.npy", tmp_path / "places", TreeSettings(branches=(5,)))
    check_hierarchy(hierarchy)
    assert hierarchy.ids.to_list() == ["0", "1", "2", "3", "4"]


def test_vectors_instead_of_coordinates(tmp_path, points):
    vectors = np.eye(2, dtype=np.float16)[np.arange(len(points)) % 2]
    np.save(tmp_path / "vectors.npy", vectors)
    hierarchy = build_row_tree(tmp_path / "points.npy", tmp_path / "places", TreeSettings(branches=(2,)), vectors=tmp_path / "vectors.npy")
    assert sorted(hierarchy.count.tolist()) == sorted(np.bincount(np.arange(len(points)) % 2).tolist())
    assert hierarchy.meta["clustered"] == "vectors"


def test_vectors_follow_the_rows_that_are_used(tmp_path):
    (tmp_path / "rows.csv").write_text("photo,lat_deg,lon_deg,split\na,1,1,train\nb,2,2,test\nc,,,train\nd,3,3,train\n")
    np.save(tmp_path / "vectors.npy", np.array([[1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 1, 0]]))
    hierarchy = build_row_tree(tmp_path / "rows.csv", tmp_path / "places", TreeSettings(branches=(2,)), vectors=tmp_path / "vectors.npy")
    assert_allclose(np.sort(hierarchy.unit, axis=0), np.sort(unit_from_latlon([[1, 1], [3, 3]]), axis=0), atol=1e-9)
    assert hierarchy.meta["rejected"] == {"split test": 1, "no coordinates": 1}
    assert np.load(tmp_path / "places/rows.npy").tolist() == photo_fingerprints("ad").tolist()


def test_rows_without_names_leave_no_origin_of_an_earlier_build(tmp_path, points):
    (tmp_path / "places").mkdir()
    (tmp_path / "places/rows.npy").write_bytes(b"")
    build_row_tree(tmp_path / "points.npy", tmp_path / "places", CUT)
    assert not (tmp_path / "places/rows.npy").exists()


def test_the_order_of_the_rows_does_not_show(tmp_path, points):
    order = np.random.default_rng(1).permutation(len(points))
    np.save(tmp_path / "shuffled.npy", points[order])
    one, other = (build_row_tree(tmp_path / f"{name}.npy", tmp_path / name, CUT) for name in ("points", "shuffled"))
    assert arrays_sha256(one) == arrays_sha256(other) == arrays_sha256(load_hierarchy(tmp_path / "points/hierarchy.npz"))
    with np.load(tmp_path / "points/tree.npz") as a, np.load(tmp_path / "shuffled/tree.npz") as b:
        assert_array_equal(a["labels"][order], b["labels"])


@pytest.mark.parametrize(
    ("stored", "words"),
    [(np.ones((3, 2)), r"shape \(3, 2\), but .* has \d+ rows"), (np.ones(600), "shape"), (np.array([[None]]), "not a readable"), (None, "no such file")],
)
def test_vectors_that_do_not_match_are_refused(tmp_path, points, stored, words):
    if stored is not None:
        np.save(tmp_path / "vectors.npy", stored, allow_pickle=True)
    with pytest.raises(BadHierarchy, match=words) as caught:
        build_row_tree(tmp_path / "points.npy", tmp_path / "places", CUT, vectors=tmp_path / "vectors.npy")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "places").exists()


def test_bytes_that_are_no_vectors_are_refused(tmp_path, points):
    for content in (b"", b"\x93NUMPY\x01\x00v\x00", b"PK\x03\x04"):
        (tmp_path / "vectors.npy").write_bytes(content)
        with pytest.raises(BadHierarchy, match=r"vectors\.npy"):
            build_row_tree(tmp_path / "points.npy", tmp_path / "places", CUT, vectors=tmp_path / "vectors.npy")


def test_rows_of_another_split_alone_are_refused(tmp_path):
    (tmp_path / "rows.csv").write_text("photo,lat_deg,lon_deg,split\na,1,1,test\n")
    with pytest.raises(BadManifest, match="split test: 1"):
        build_row_tree(tmp_path / "rows.csv", tmp_path / "places", TreeSettings(branches=(1,)))
