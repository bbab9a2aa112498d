"""The limits as systems: they answer from features alone, each row by itself."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from tests.places.factory import small_earth
from tests.systems.bundles_made import change_arrays, replace_listed

from geocairn.errors import BadBundle, BadFeatures, BadPhoto
from geocairn.photo.read import read_photo
from geocairn.systems.bundle import load_bundle
from geocairn.systems.bundle_check import bundle_faults
from geocairn.systems.bundles import load_system
from geocairn.systems.limits import ConstantSystem, LimitSystem, save_limit
from geocairn.systems.map_likelihood import MapModel
from geocairn.systems.place_likelihood import PlaceModel
from geocairn.systems.system import FeatureSystem
from geocairn.systems.warp import Warp

N = small_earth().n_leaves
WARP = Warp.drawn(np.random.default_rng(0), 28, 0.5)


def model(n_cities=N):
    numbers = np.random.default_rng(1)
    gate = np.stack([numbers.permutation(8) < 5 for _ in range(3)])
    scenes = np.array([0] * 6 + [1] * 4 + [2] * 6)
    return PlaceModel(3 * numbers.normal(size=(n_cities, 8)), None, gate, scenes, np.array([0.3, 0.4, 0.3]), np.array([1.8, 3.0, 7.0]), 3.0)


def maps():
    return MapModel(np.random.default_rng(2).dirichlet(np.ones(5), 4), None, np.arange(N) % 4)


MODELS = (WARP, model(), None)


def saved(folder, models=MODELS, stores=(("features", "tiles"),)):
    return save_limit(folder, "limit", hierarchy=small_earth(), stores=dict(stores), card="# A limit\n", models=models)


@pytest.fixture(scope="module")
def limit(tmp_path_factory):
    return load_system(str(saved(tmp_path_factory.mktemp("bundle") / "b")))


@pytest.fixture
def rows():
    return np.random.default_rng(3).normal(scale=3, size=(37, 28))


def test_scores_are_the_prior_and_the_likelihood_of_the_unwarped(limit, rows):
    expected = model().log_likelihood(WARP.latent_from_feature(rows)) + small_earth().log_leaf_weight
    np.testing.assert_allclose(limit.log_scores(rows), expected, rtol=1e-10)
    evidence = limit.evidence_of_features(rows)
    assert len(evidence) == 37
    assert evidence[5].scores[:-1] == (None, None, None)
    np.testing.assert_array_equal(evidence[5].scores[-1], limit.log_scores(rows)[5])


def test_maps_multiply(tmp_path, limit, rows):
    with_maps = load_system(str(saved(tmp_path / "b", (WARP, model(), maps()), (("features", "tiles"), ("maps", "cells")))))
    cells = np.random.default_rng(4).integers(5, size=(37, 9))
    np.testing.assert_allclose(with_maps.log_scores(np.hstack([rows, cells])), limit.log_scores(rows) + maps().log_likelihood(cells), rtol=1e-10)


@pytest.mark.parametrize("size", [1, 5, 16])
def test_batches_change_nothing(limit, rows, size):
    together = limit.log_scores(rows)
    parts = [limit.log_scores(rows[start : start + size]) for start in range(0, 37, size)]
    np.testing.assert_allclose(np.concatenate(parts), together, rtol=1e-12)
    assert limit.log_scores(rows[:0]).shape == (0, N)


def test_a_limit_takes_features_and_says_so_of_photos(limit):
    assert isinstance(limit, FeatureSystem)
    assert limit.stores == {"features": "tiles"}
    photo = read_photo(Image.new("RGB", (8, 8)), name="p.png")
    with pytest.raises(BadPhoto, match=r"p.png: the bundle 'limit' takes features, not photos"):
        limit.evidence(photo)
    assert not limit.looks_at_photos


def test_a_hint_is_carried_to_the_places_of_a_limit(limit, atlas):
    (clue,) = limit.hint_clues("Kyoto")
    # Words that name a city and its region speak of the region.
    assert (clue.kind, limit.hierarchy.ids[clue.supports]) == ("hint", "JP/26")
    assert limit.hierarchy.names[limit.hierarchy.leaves[int(clue.ratio.argmax())]] == "Kyoto"


@pytest.mark.parametrize(
    ("features", "said"),
    [(np.zeros((2, 27)), r"\(2, 27\).*takes 28"), (np.zeros((2, 29)), "takes 28"), (np.zeros(28), "takes 28"), (np.full((3, 28), np.nan), "3 of 3 rows")],
)
def test_features_that_do_not_fit_are_refused(limit, features, said):
    with pytest.raises(BadFeatures, match=said):
        limit.log_scores(features)


def test_the_prior_says_the_same_of_everything(tmp_path, rows):
    prior = load_system(str(saved(tmp_path / "b", None)))
    assert isinstance(prior, ConstantSystem)
    assert not isinstance(prior, LimitSystem)
    np.testing.assert_array_equal(prior.evidence_of_features(rows)[3].scores[-1], small_earth().log_leaf_weight)
    assert prior.evidence(read_photo(Image.new("RGB", (8, 8)), name="p.png")) is prior.evidence_of_features(rows)[0]


def test_a_bundle_without_its_arrays_or_of_other_cities_is_refused(tmp_path):
    saved(tmp_path / "other", (WARP, model(N - 1), None))
    with pytest.raises(BadBundle, match=f"{N - 1} means for {N} cities"):
        load_system(str(tmp_path / "other"))
    prior = load_bundle(saved(tmp_path / "prior", None))
    with pytest.raises(BadBundle, match=r"model.safetensors: missing"):
        LimitSystem(prior)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda arrays: arrays.update(gate=arrays["gate"].astype(np.int8)), "its array 'gate' is int8 of shape"),
        (lambda arrays: arrays.update(sigma=arrays["sigma"].astype(np.float32)), "its array 'sigma' is float32 of shape"),
        (lambda arrays: arrays.update(mean=arrays["mean"] * np.nan), "its array 'mean' is not finite"),
        (lambda arrays: arrays.update(means=np.zeros(2)), "its array 'means' is not known to the kind 'synthetic-limit'; take it out"),
        (lambda arrays: arrays.pop("sigma"), "holds no array 'sigma'"),
    ],
)
def test_arrays_are_those_of_the_models(tmp_path, change, said):
    folder = saved(tmp_path / "b", (WARP, model(), maps()))
    change_arrays(folder, change)
    with pytest.raises(BadBundle, match=said):
        load_system(str(folder))


def put(name, value):
    """A change of one array: another, or numbers put into it."""
    return lambda arrays: arrays.update({name: np.asarray(value(arrays[name].copy()))})


def with_first(number):
    def change(array):
        array.ravel()[0] = number
        return array

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("rotation", lambda array: array[:5]), r"its array 'rotation' is of shape \(5, 28\), not \(5, 5\)"),
        (put("rotation", lambda array: array[0, 0]), r"its array 'rotation' is of shape \(\), not \(F, F\)"),
        (put("rotation", lambda array: array[:0, :0]), r"its array 'rotation' is of shape \(0, 0\)"),
        (put("rotation", lambda array: array[:27, :27]), "its array 'rotation' turns 27 numbers, which have no two halves"),
        (put("rotation", lambda array: 2 * array), "its array 'rotation' is no rotation"),
        (put("inner", lambda array: array[:2]), r"its array 'inner' is of shape \(2, 14, 14\), not \(3, 14, 14\)"),
        (put("outer", lambda array: array[:, :3]), "its array 'outer' is of shape"),
        (put("strength", lambda array: np.full(4, array)), r"its array 'strength' is of shape \(4,\), not \(\)"),
        (put("strength", lambda array: -array), "its array 'strength' holds -0.5, and all of it must be at least 0"),
        (put("gate", lambda array: array[:, :3]), r"its array 'gate' is of shape \(3, 3\), not \(3, 8\)"),
        (put("gate_of_scene", with_first(3)), "its array 'gate_of_scene' holds 3, and all of it must be from 0 to 2"),
        (put("gate_of_scene", with_first(-1)), "its array 'gate_of_scene' holds -1"),
        (put("gate_of_scene", lambda array: np.tile(array, 2)), "8 numbers of the place and 32 of the scene, but features of 28"),
        (put("sharpness", with_first(0)), "its array 'sharpness' holds 0, and all of it must be above 0"),
        (put("sharpness", lambda array: 2 * array), "its array 'sharpness' holds probabilities that do not sum to 1"),
        (put("sharpness", lambda array: array[:2]), r"its array 'sigma' is of shape \(3,\), not \(2,\)"),
        (put("sigma", with_first(0)), "its array 'sigma' holds 0, and all of it must be above 0"),
        (put("sigma", with_first(-1)), "its array 'sigma' holds -1"),
        (put("scene_scale", lambda array: array[None]), "its array 'scene_scale' is of shape"),
        (put("scene_scale", lambda array: 0 * array), "its array 'scene_scale' holds 0"),
        (lambda arrays: arrays.update(variance=-np.ones_like(arrays["mean"])), "its array 'variance' holds -1, and all of it must be at least 0"),
        (lambda arrays: arrays.update(variance=np.ones((N, 3))), "its array 'variance' is of shape"),
        (put("map_region_of_city", lambda array: array[:3]), f"3 map_region_of_city for {N} cities"),
        (put("map_region_of_city", with_first(4)), "its array 'map_region_of_city' holds 4, and all of it must be from 0 to 3"),
        (put("map_region_of_city", with_first(-1)), "its array 'map_region_of_city' holds -1"),
        (put("map_shares", with_first(-0.1)), "its array 'map_shares' holds -0.1"),
        (put("map_shares", lambda array: array / 2), "its array 'map_shares' holds probabilities that do not sum to 1"),
        (put("map_shares", lambda array: array[0]), "its array 'map_shares' is of shape"),
        (lambda arrays: arrays.pop("map_region_of_city"), "holds no array 'map_region_of_city'"),
        (lambda arrays: arrays.pop("map_shares"), "holds no array 'map_shares'"),
        (
            lambda arrays: arrays.update(map_concentration=np.ones((4, 5))),
            "its arrays 'map_shares' and 'map_concentration' are two ways to say one thing, of which it holds both",
        ),
        (lambda arrays: arrays.update(map_concentration=-arrays.pop("map_shares")), "its array 'map_concentration' holds -"),
        (lambda arrays: arrays.update(map_concentration=0 * arrays.pop("map_shares")), "its array 'map_concentration, summed by region' holds 0"),
    ],
)
def test_arrays_that_would_crash_or_say_nothing_are_a_fault_of_the_bundle(tmp_path, change, said):
    folder = saved(tmp_path / "b", (WARP, model(), maps()), (("features", "tiles"), ("maps", "cells")))
    change_arrays(folder, change)
    (fault,) = bundle_faults(folder)
    assert re.search(f"^{re.escape(str(folder))}.*: {said}.*; make the data set anew$", str(fault))


@pytest.mark.parametrize("strange", [5, 255, -1, 0.5, 1e30])
def test_maps_of_other_classes_are_refused(tmp_path, rows, strange):
    with_maps = load_system(str(saved(tmp_path / "b", (WARP, model(), maps()), (("features", "tiles"), ("maps", "cells")))))
    cells = np.full((37, 9), 4.0)
    assert np.isfinite(with_maps.log_scores(np.hstack([rows, cells]))).all()
    assert with_maps.log_scores(np.hstack([rows, cells])[:0]).shape == (0, N)
    cells[7, 3] = strange
    with pytest.raises(BadFeatures, match="1 of 37 maps hold cells that are none of the classes 0 to 4 of the bundle; write them anew"):
        with_maps.log_scores(np.hstack([rows, cells]))


def test_a_limit_that_names_no_store_is_refused(tmp_path):
    with pytest.raises(BadBundle, match=r"config\.json: stores = \{\}: the kind 'synthetic-limit' takes features"):
        load_system(str(saved(tmp_path / "b", stores=())))


def test_a_row_beyond_all_numbers_is_not_finite_and_the_others_are_as_ever(limit, rows):
    # Warnings are errors in these tests: no arithmetic complains.
    found = limit.log_scores(np.vstack([rows[:2], np.full((1, 28), 1e200)]))
    assert np.isnan(found[2]).all()
    np.testing.assert_allclose(found[:2], limit.log_scores(rows[:2]), rtol=1e-12)


@pytest.mark.parametrize("models", [MODELS, None], ids=["limit", "prior"])
def test_settings_that_nobody_reads_are_refused(tmp_path, models):
    folder = saved(tmp_path / "b", models)
    config = json.loads((folder / "config.json").read_text())
    replace_listed(folder, "config.json", json.dumps(config | {"system": {"colour": "red"}}).encode())
    with pytest.raises(BadBundle, match=r"config\.json: system\.colour: the kind '.*' has no settings; take it out$"):
        load_system(str(folder))
