"""The limits: exact against a dense solve, and as honest as they say."""

import numpy as np
import pytest

from geocairn.synth.extras import class_maps
from geocairn.synth.photos import features, latents
from geocairn.synth.training import learnable_maps, learnable_model, observe_training
from geocairn.systems.map_likelihood import MapModel

NOMINAL = (0.5, 0.8, 0.95)


def test_training_photos_are_added_up_each_through_its_gate(earth, photos):
    observed = observe_training(earth, photos)
    precision, linear = np.zeros_like(observed.precision), np.zeros_like(observed.linear)
    latent = latents(earth, photos, range(len(photos)))
    for row in photos.of_split("train").tolist():
        city, gate = photos.city[row], earth.model.gate[earth.model.gate_of_scene[photos.scene[row]]]
        weight = gate / earth.settings.sigma[photos.sharpness[row]] ** 2
        precision[city] += weight
        linear[city] += weight * (latent[row, :64] - earth.climate[city])
    np.testing.assert_allclose(observed.precision, precision, rtol=1e-10)
    np.testing.assert_allclose(observed.linear, linear, rtol=1e-8, atol=1e-8)


def test_what_is_learned_nears_the_truth_as_its_variance_says(draw):
    earth, photos = draw(photos=20_000)
    learned = learnable_model(earth, observe_training(earth, photos))
    off = (earth.model.mean - learned.mean) / np.sqrt(learned.variance)
    # 64 dimensions of 120 cities, of which those of a country err together.
    assert (off**2).mean() == pytest.approx(1, abs=0.15)
    counts = np.bincount(photos.city[photos.of_split("train")], minlength=len(earth.share))
    is_shown = earth.model.gate.any(axis=0)
    assert learned.variance[counts > 500][:, is_shown].max() < 0.07 < learned.variance[counts == 0].min()
    np.testing.assert_allclose(learned.variance[:, ~is_shown], 4.06)


def test_maps_are_counted_by_region(draw):
    earth, photos = draw(photos=600, map_side=4)
    learned = learnable_maps(earth, photos)
    train = photos.of_split("train")
    cells = class_maps(earth, photos, range(600))[train]
    assert (learned.concentration - earth.map_prior).sum() == pytest.approx(len(train) * 16)
    region = int(np.bincount(earth.region_of_city[photos.city[train]]).argmax())
    counts = np.bincount(cells[earth.region_of_city[photos.city[train]] == region].ravel(), minlength=150)
    np.testing.assert_allclose(learned.concentration[region] - earth.map_prior[region], counts, atol=1e-8)


def posteriors(earth, photos, model, rows, maps=None):
    latent = earth.warp.latent_from_feature(features(earth, photos, range(len(photos)))[rows])
    scores = model.log_likelihood(latent) + np.log(earth.share)
    if maps is not None:
        scores += maps.log_likelihood(class_maps(earth, photos, range(len(photos)))[rows])
    mass = np.exp(scores - scores.max(axis=1, keepdims=True))
    return mass / mass.sum(axis=1, keepdims=True)


def hits_and_masses(mass, truth):
    """For each nominal share, whether the smallest set of cities that reaches it holds the truth, and what it holds."""
    order = np.argsort(-mass, axis=1)
    held = np.cumsum(np.take_along_axis(mass, order, axis=1), axis=1)
    rank = np.argmax(order == truth[:, None], axis=1)
    for nominal in NOMINAL:
        last = (held < nominal - 1e-12).sum(axis=1)
        yield rank <= last, held[np.arange(len(mass)), np.minimum(last, mass.shape[1] - 1)]


@pytest.mark.parametrize("limit", ["bayes", "learnable", "bayes with maps", "learnable with maps"])
def test_regions_hold_the_truth_as_often_as_their_mass_says(draw, limit):
    """Over several Earths, for what is learned of one errs for all its photos alike."""
    gaps = []
    for seed in range(6):
        earth, photos = draw(seed=seed, photos=3000, val_share=0.1, test_share=0.3)
        rows = photos.of_split("test")
        model = learnable_model(earth, observe_training(earth, photos)) if limit.startswith("learnable") else earth.model
        maps = None
        if limit.endswith("maps"):
            maps = learnable_maps(earth, photos) if limit.startswith("learnable") else MapModel(earth.map_shares, None, earth.region_of_city)
        mass = posteriors(earth, photos, model, rows, maps)
        gaps.append([(hit.astype(float) - held).mean() for hit, held in hits_and_masses(mass, photos.city[rows])])
    gaps = np.array(gaps)
    # 5,400 photos: a standard error of half a per cent at most for Bayes, and what Earths differ by for the learnable limit.
    error = np.maximum(gaps.std(axis=0, ddof=1) / np.sqrt(len(gaps)), 0.004)
    assert (np.abs(gaps.mean(axis=0)) < 3.5 * error).all(), gaps.mean(axis=0)
    assert (error < 0.012).all()


@pytest.mark.parametrize("limit", ["bayes", "learnable"])
def test_classes_that_a_region_has_no_share_of_leave_every_photo_its_place(draw, limit):
    """Regions so unlike that most shares are 0 as far as numbers go."""
    earth, photos = draw(photos=600, map_side=8, map_concentration=1.0, test_share=0.3)
    assert (earth.map_shares == 0).mean() > 0.5
    maps = learnable_maps(earth, photos) if limit == "learnable" else MapModel(earth.map_shares, None, earth.region_of_city)
    rows = photos.of_split("test")
    mass = posteriors(earth, photos, earth.model, rows, maps)
    assert np.isfinite(mass).all()
    assert (mass[np.arange(len(rows)), photos.city[rows]] > 0).all()


def test_limits_stand_in_their_order(draw):
    earth, photos = draw(photos=20_000, test_share=0.2)
    rows = photos.of_split("test")
    truth = photos.city[rows]
    right = {
        "bayes": posteriors(earth, photos, earth.model, rows),
        "learnable": posteriors(earth, photos, learnable_model(earth, observe_training(earth, photos)), rows),
        "prior": np.tile(earth.share, (len(rows), 1)),
    }
    accuracy = {name: (mass.argmax(axis=1) == truth).mean() for name, mass in right.items()}
    log_score = {name: np.log(mass[np.arange(len(rows)), truth]).mean() for name, mass in right.items()}
    assert accuracy["bayes"] > accuracy["learnable"] - 0.005 > accuracy["prior"] + 0.2
    assert log_score["bayes"] > log_score["learnable"] > log_score["prior"] + 0.5


def test_maps_add_what_features_do_not_say(draw):
    earth, photos = draw(photos=20_000, test_share=0.2)
    rows = photos.of_split("test")
    truth = photos.city[rows]
    maps = MapModel(earth.map_shares, None, earth.region_of_city)
    without, with_maps = (posteriors(earth, photos, earth.model, rows, maps=given)[np.arange(len(rows)), truth] for given in (None, maps))
    assert np.log(with_maps).mean() > np.log(without).mean() + 0.01
