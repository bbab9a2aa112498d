"""What systems demand of their arrays, and rows whose arithmetic leaves the finite."""

import numpy as np
import pytest
from tests.places.factory import small_earth
from tests.systems.bundles_made import bundle_at, change_arrays

from geocairn.answer.decide import Calibration
from geocairn.answer.posterior import leaf_posterior
from geocairn.errors import BadBundle, GeocairnError
from geocairn.places.origin import ROWS_FILE, photo_fingerprints
from geocairn.systems.bundle import BundleConfig, save_bundle
from geocairn.systems.bundles import load_system
from geocairn.systems.leaf_scorer import Scaling, save_leaf_scorer
from geocairn.systems.limits import PRIOR_KIND
from geocairn.systems.neighbours import KIND as NEIGHBOURS
from geocairn.systems.strictly import HIGHEST_SCORE, without_broken_rows

N = small_earth().n_leaves


@pytest.fixture
def folder(tmp_path):
    return bundle_at(tmp_path / "b")


def broken(folder, change) -> str:
    change_arrays(folder, change)
    with pytest.raises(BadBundle) as refused:
        load_system(str(folder))
    assert "\n" not in str(refused.value)
    assert str(refused.value).count(str(folder)) == 1
    return str(refused.value).removeprefix(f"{folder}/model.safetensors: ")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda arrays: arrays.pop("layer0.bias"), "holds no array 'layer0.bias'; train it anew"),
        (lambda arrays: arrays.update({"layer0.bias": np.zeros(N)}), f"its array 'layer0.bias' is float64 of shape ({N},), not float32 of 1 dimensions"),
        (lambda arrays: arrays.update({"layer0.bias": np.full(N, np.inf, dtype=np.float32)}), "its array 'layer0.bias' is not finite"),
        (lambda arrays: arrays.update({"feature_std": np.array([0, 0, 0], dtype=np.float32)}), "its array 'feature_std' is 0 throughout"),
        (lambda arrays: arrays.update({"feature_std": np.array([1, 1, -1], dtype=np.float32)}), "its array 'feature_std' is a spread, but -1 is among"),
        (lambda arrays: arrays.update({"layer1.bias": np.zeros(N)}), "its array 'layer1.bias' is not known to the kind 'softmax'; take it out"),
    ],
)
def test_arrays_are_those_that_the_system_knows(folder, change, said):
    assert broken(folder, change).startswith(said)


def test_a_feature_that_never_varied_is_whole(folder):
    change_arrays(folder, lambda arrays: arrays.update(feature_std=np.array([1, 0, 2], dtype=np.float32)))
    assert np.isfinite(load_system(str(folder)).log_scores(np.ones((1, 3)))).all()


def test_means_and_spreads_are_of_the_same_features(folder):
    change_arrays(folder, lambda arrays: arrays.update(feature_std=np.ones(1, dtype=np.float32)))
    with pytest.raises(BadBundle, match="3 means and 1 spreads of features do not fit each other"):
        load_system(str(folder))


def test_the_prior_reads_no_arrays(tmp_path):
    config = BundleConfig(kind=PRIOR_KIND, name="p")
    save_bundle(tmp_path / "p", config, hierarchy=small_earth(), calibration=Calibration(), card="", arrays={"weights": np.zeros(1)})
    with pytest.raises(BadBundle, match=r"its array 'weights' is not known to the kind 'constant'"):
        load_system(str(tmp_path / "p"))


def neighbours(folder):
    (folder.parent / ROWS_FILE).write_bytes(b"")
    np.save(folder.parent / ROWS_FILE, photo_fingerprints(["a"]))
    scaling = Scaling(np.zeros(3, dtype=np.float32), np.ones(3, dtype=np.float32))
    arrays = {"vectors": np.eye(3, dtype=np.float16), "place": np.arange(3, dtype=np.int32)}
    config = BundleConfig(kind=NEIGHBOURS, name="n", stores={"features": "an encoder"})
    return save_leaf_scorer(folder, config, scaling=scaling, arrays=arrays, hierarchy=small_earth(), rows_file=folder.parent / ROWS_FILE, card="")


@pytest.mark.parametrize("kind", ["weights", "features", "neighbours"])
def test_a_row_that_leaves_the_finite_says_so_and_the_others_are_as_ever(folder, tmp_path, kind):
    if kind == "neighbours":
        folder = neighbours(tmp_path / "n")
    system = load_system(str(folder))
    features = np.array([[0.5, 1, 2], [3e38, -3e38, 3e38]], dtype=np.float32)
    if kind == "weights":
        change_arrays(folder, lambda arrays: arrays.update({"layer0.weight": arrays["layer0.weight"] / 33 * np.float32(3e38)}))
        system, features[1] = load_system(str(folder)), [900, 0, 900]
    # Warnings are errors in these tests: no arithmetic complains.
    scores = system.log_scores(features)
    assert np.isnan(scores[1]).all()
    if kind != "weights":
        assert scores[0].tolist() == system.log_scores(features[:1])[0].tolist()
        assert np.isfinite(scores[0]).all()
    broken = system.evidence_of_features(features)[1]
    with pytest.raises(GeocairnError, match="its scores are not finite, so that they say nothing of where it was taken"):
        leaf_posterior(system.hierarchy, broken.scores, [], system.reliability)


def test_rows_without_a_best_place_are_broken_and_excluded_places_are_not():
    rows = [[0, -np.inf, -5], [0, np.nan, 0], [-np.inf] * 3, [np.inf, 0, 0], [-2 * HIGHEST_SCORE, 0, 0], [-HIGHEST_SCORE / 2, 0, 0]]
    assert np.isnan(without_broken_rows(np.array(rows))).all(axis=1).tolist() == [False, True, True, True, True, False]
    assert without_broken_rows(np.array(rows))[0].tolist() == rows[0]


@pytest.mark.parametrize("name", ["../../etc", "..", ".", "", "a/b", "/etc", "a\\b", "C:", "a\nb"])
def test_stores_lie_beside_the_manifest(name):
    with pytest.raises(ValueError, match="is no plain name of a folder beside the manifest"):
        BundleConfig(kind="softmax", name="n", stores={name: "an encoder"})
