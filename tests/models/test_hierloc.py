import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tests.models.small_hierloc import BATCH, D_IMG, GEOMETRIES, SIZES, batch, config, levels, merged, model, trained

from geocairn.errors import BadConfig, BadFeatures
from geocairn.models.entity_features import LevelFeatures
from geocairn.models.geometry import pairwise_squared_distance
from geocairn.models.hierloc import HierLoc
from geocairn.train.left_out import own_photos


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("anchor", ["manifold", "tangent"])
@pytest.mark.parametrize("encoder", ["shared", "per_level"])
@pytest.mark.parametrize("prototypes", [1, 3])
def test_every_parameter_has_a_gradient_on_the_first_step(geometry, anchor, encoder, prototypes):
    found = model(
        prototypes=prototypes,
        geometry=geometry,
        entities={"anchor": anchor, "encoder": encoder},
        loss={"geo": {"is_learned": True}, "prototypes": "soft"},
    )
    found.loss(*batch()).total.backward()
    for name, parameter in found.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert (parameter.grad != 0).any(), name
        if "anchors" in name:
            assert (parameter.grad[:, 1:] != 0).any(-1).all(), name  # each entity learns from each photo


OURS = {
    "image": {"skip": True, "sharpness": True},
    "entities": {"skip": True, "inherit": True, "prior": True, "leave_out": "photos", "shrink_photos": [2.0, 5.0, 9.0]},
}


@pytest.mark.parametrize("anchor", ["manifold", "none"])
def test_what_is_ours_has_a_gradient_on_the_first_step(anchor):
    found = model(**merged(OURS, {"entities": {"anchor": anchor}}))
    found.loss(*batch()).total.backward()
    assert {"sharpness.length.weight", "image_head.skip.weight", "entities.log_shrink"} <= {name for name, _ in found.named_parameters()}
    for name, parameter in found.named_parameters():
        assert parameter.grad is not None, name
        assert (parameter.grad != 0).any(), name


def test_what_is_ours_is_kept_for_inference():
    found = model(**OURS).eval()
    small = HierLoc.for_inference(found.config, list(SIZES), found.inference_state())
    with torch.no_grad():
        for one, two in zip(found.level_log_scores(batch()[0]), small.level_log_scores(batch()[0]), strict=True):
            assert one.equal(two)


def test_a_prior_is_added_to_scores_before_they_are_made_probabilities():
    plain, weighed = model().eval(), model(entities={"prior": True}).eval()
    with torch.no_grad():
        for index, (one, two) in enumerate(zip(plain.level_log_scores(batch()[0]), weighed.level_log_scores(batch()[0]), strict=True)):
            torch.testing.assert_close(two, (one + weighed.entities.log_prior(index)).log_softmax(-1), rtol=1e-5, atol=1e-5)


def test_an_image_that_tells_little_stays_near_the_origin():
    found = model(image={"sharpness": True}, geometry="euclidean", attention={"is_on": False}).eval()
    plain = model(geometry="euclidean", attention={"is_on": False}).eval()
    plain.load_state_dict({name: value for name, value in found.state_dict().items() if not name.startswith("sharpness")})
    features = batch()[0]
    with torch.no_grad():
        for bias, factor in ((0.0, 1.0), (-1.0, math.exp(-4 * math.tanh(0.25))), (1e6, math.exp(4))):
            for parameter in found.sharpness.parameters():
                parameter.zero_()
            found.sharpness.length.bias.fill_(bias)
            torch.testing.assert_close(found(features), factor * plain(features), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("anchor", ["manifold", "tangent"])
def test_it_learns_what_it_is_shown(geometry, anchor):
    found = model(geometry=geometry, entities={"anchor": anchor})
    losses = trained(found)
    assert losses[-1] < 0.5 * losses[0]
    scores = found.eval().level_log_scores(batch()[0])
    assert (scores[2].argmax(-1) == batch()[1][:, 2]).float().mean() >= 0.75


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("prototypes", [1, 3])
def test_scores_are_log_probabilities_of_squared_distances_over_tau(geometry, prototypes):
    found = model(prototypes=prototypes, geometry=geometry, curv=0.7).eval()
    with torch.no_grad():
        features = batch()[0]
        scores, points = found.level_log_scores(features), found(features)
        for level, (n, score) in enumerate(zip(SIZES.values(), scores, strict=True)):
            assert score.shape == (BATCH, n)
            torch.testing.assert_close(score.exp().sum(-1), torch.ones(BATCH))
            each = pairwise_squared_distance(found.geometry, points, found.entity_points(level))
            owner = found.entity_owner(level)
            nearest = torch.stack([each[:, owner == entity].amin(-1) for entity in range(n)], dim=1)
            torch.testing.assert_close(score, (-nearest / found.tau(level)).log_softmax(-1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("prototypes", [1, 3])
def test_what_is_kept_of_entities_and_a_model_for_inference_score_the_same(geometry, prototypes):
    features = levels(prototypes)
    if prototypes > 1:
        features[2].image[4, 1:] = np.nan
    found = model(features=features, geometry=geometry).eval()
    with torch.no_grad():
        plain, rows = found.level_log_scores(batch()[0]), found.entity_owner(2)
        found.cache_entities()
        kept = found.level_log_scores(batch()[0])
        state = found.inference_state()
        small = HierLoc.for_inference(found.config, list(SIZES), state)
        light = small.level_log_scores(batch()[0])
    for one, two, three in zip(plain, kept, light, strict=True):
        assert one.equal(two)
        torch.testing.assert_close(one, three, rtol=0, atol=0)
    assert not [name for name in state if "image_0" in name or "anchors" in name]
    assert len(rows) == len(small.entity_points(2)) == (20 if prototypes == 1 else 58)
    assert rows.equal(small.entity_owner(2))


def test_what_is_kept_of_entities_is_dropped_when_it_would_grow_old():
    found = model().eval()
    found.cache_entities()
    before = found.entity_points(2)
    found.train()
    trained(found, 2)
    assert not found.eval().entity_points(2).equal(before)
    found.cache_entities()
    other = model(entities={"anchor_std": 0.5})
    found.load_state_dict(other.state_dict())
    assert found.entity_points(2).equal(other.eval().entity_points(2))
    found.cache_entities()
    assert found.double().entity_points(2).dtype == torch.float64


def test_the_state_goes_out_and_comes_back():
    first = model()
    trained(first, 3)
    torch.manual_seed(99)
    second = HierLoc(config(), D_IMG, levels())
    assert not second.eval()(batch()[0]).equal(first.eval()(batch()[0]))
    second.load_state_dict(first.state_dict(), strict=True)
    assert second(batch()[0]).equal(first(batch()[0]))
    assert len(second.manifold_parameters()) == 3
    assert not [name for name in first.state_dict() if name.endswith(("image_0", "text_0", "place_0", "unit_0"))]


def test_two_runs_are_equal_bit_for_bit():
    runs = []
    for _ in range(2):
        found = model(image={"dropout": 0.2}, entities={"dropout": 0.2}, attention={"dropout": 0.2})
        torch.manual_seed(7)
        runs.append((trained(found, 5), [parameter.detach().clone() for parameter in found.parameters()]))
    assert runs[0][0] == runs[1][0]
    assert all(one.equal(two) for one, two in zip(runs[0][1], runs[1][1], strict=True))


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_geometry_stays_in_float32_under_autocast(geometry):
    found = model(geometry=geometry)
    plain = found.loss(*batch()).total.item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        points, loss = found(batch()[0]), found.loss(*batch())
        scores = found.level_log_scores(batch()[0])
    loss.total.backward()
    assert points.dtype == loss.total.dtype == scores[0].dtype == found.entity_points(0).dtype == torch.float32
    assert loss.total.item() == pytest.approx(plain, rel=0.02)
    if geometry == "hyperbolic":
        on = -(points[:, 0] ** 2) + (points[:, 1:] ** 2).sum(-1)
        torch.testing.assert_close(on, torch.full_like(on, -1.0), rtol=1e-5, atol=0)


def test_labels_that_are_missing_count_nothing():
    features, labels, place = batch()
    found = model()
    labels[3:, 2] = -1
    loss = found.loss(features, labels, place)
    few = found.loss(features[:3], labels[:3], place[:3])
    torch.testing.assert_close(loss.values["loss/city"], few.values["loss/city"])
    assert loss.values["loss/country"] != few.values["loss/country"]
    labels[:, 2] = -1
    without = found.loss(features, labels, place)
    assert without.values["loss/city"] == 0
    torch.testing.assert_close(without.total.detach(), without.values["loss/country"] + without.values["loss/region"])
    nothing = found.loss(features, torch.full_like(labels, -1), place)
    nothing.total.backward()
    assert nothing.total == 0
    assert all(parameter.grad is None or (parameter.grad == 0).all() for parameter in found.parameters())


@pytest.mark.parametrize("prototypes", [1, 3])
def test_levels_with_one_entity_and_with_none_work(prototypes):
    sizes = {"country": 1, "region": 0, "city": 5}
    found = model(features=levels(prototypes, sizes))
    features, labels, place = batch({"country": 1, "region": 1, "city": 5})
    labels[:, 1] = -1
    loss = found.loss(features, labels, place)
    loss.total.backward()
    assert loss.values["loss/country"] == loss.values["loss/region"] == 0
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in found.parameters())
    scores = found.eval().level_log_scores(features)
    assert (scores[0] == 0).all()
    assert [score.shape[1] for score in scores] == [1, 0, 5]
    small = HierLoc.for_inference(found.config, list(sizes), found.inference_state())
    assert small.level_log_scores(features)[2].equal(scores[2])


def test_a_broken_feature_breaks_its_row_alone():
    found = model().eval()
    features = batch()[0]
    whole = found.level_log_scores(features)
    features[2, 5] = math.nan
    broken, others = found.level_log_scores(features), torch.arange(BATCH) != 2
    for before, after in zip(whole, broken, strict=True):
        assert after[2].isnan().all()
        torch.testing.assert_close(after[others], before[others], rtol=1e-6, atol=1e-6)
    assert found.loss(features, *batch()[1:]).total.isnan()


def test_no_features_and_no_known_places_are_no_obstacle():
    features = levels(2)
    features[1].image[0] = np.nan
    features[1].text[1] = np.nan
    features[1].latlon_deg[2] = np.nan
    found = model(prototypes=2, features=features)
    loss = found.loss(*batch())
    loss.total.backward()
    assert loss.total.isfinite()
    assert all(parameter.grad.isfinite().all() for parameter in found.parameters() if parameter.grad is not None)
    assert len(found.entity_points(1)) == 13  # the entity without a photo keeps one embedding


def test_features_are_standardised_the_same_for_images_and_entities():
    features = batch()[0]
    plain = model().eval()
    mean, std = torch.full((D_IMG,), 5.0), torch.full((D_IMG,), 3.0)
    moved = [LevelFeatures(level.name, level.latlon_deg, np.asarray(level.image) * 3 + 5, level.text) for level in levels()]
    torch.manual_seed(3)
    scaled = HierLoc(config(), D_IMG, moved, feature_mean=mean, feature_std=std).eval()
    torch.testing.assert_close(scaled(features * 3 + 5), plain(features), rtol=1e-4, atol=1e-5)
    constant = HierLoc(config(), D_IMG, moved, feature_std=torch.zeros(D_IMG))
    assert constant(features).isfinite().all()


def test_attention_trains_entities_only_if_asked():
    changes = {"loss": {"level_weight": [0.0, 0.0, 1.0]}}
    for trains, expected in ((False, False), (True, True)):
        found = model(attention={"trains_entities": trains}, **changes)
        found.loss(*batch()).total.backward()
        assert bool((found.entities.anchors[0].grad != 0).any()) is expected


def test_the_log_of_a_step_names_every_part():
    values = model().loss(*batch()).values
    per_level = {f"{what}/{name}" for what in ("loss", "tau", "lambda", "sigma_km") for name in SIZES}
    assert set(values) == per_level | {"alpha/image", "alpha/entities"}
    assert values["sigma_km/region"].item() == pytest.approx(300)
    assert values["alpha/image"].item() == pytest.approx(1 / 4)
    assert not any(value.requires_grad for value in values.values())


def test_the_loss_is_the_sum_of_the_levels_by_their_weights():
    loss = model(loss={"level_weight": [0.3, 2.0, 0.7]}).loss(*batch())
    parts = [float(loss.values[f"loss/{name}"]) for name in SIZES]
    assert min(parts) > 0
    assert loss.total.item() == pytest.approx(0.3 * parts[0] + 2.0 * parts[1] + 0.7 * parts[2], rel=1e-6)


def test_all_features_may_be_off():
    found = model(
        features=[LevelFeatures(level.name, level.latlon_deg) for level in levels()], entities={"use_image": False, "use_text": False, "use_location": False}
    )
    losses = trained(found, 5)
    assert losses[-1] < losses[0]


def test_photos_are_left_out_in_training_alone():
    found = model(entities={"leave_out": "photos"})
    features, labels, unit = batch()
    left_out = own_photos(features, labels)
    training = found.loss(features, labels, unit, left_out).total.item()
    assert (
        found.eval().loss(features, labels, unit, left_out).total.item()
        == pytest.approx(model().loss(*batch()).total.item(), rel=1e-6)
        != pytest.approx(training, rel=1e-4)
    )


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValidationError, match=r"attention\.heads 5 must divide dim 16"):
        config(attention={"heads": 5})
    with pytest.raises(BadConfig, match=r"loss\.level_weight has 4 values for 3 levels"):
        model(loss={"level_weight": [1.0] * 4})
    with pytest.raises(BadConfig, match="names 'county', which is no level; levels: country, region, city"):
        model(entities={"no_image_at": ["county"]})
    good = levels()
    with pytest.raises(BadFeatures, match="level city has no text embeddings"):
        model(features=[*good[:2], LevelFeatures("city", good[2].latlon_deg, good[2].image)])
    with pytest.raises(BadFeatures, match="level city has no image features"):
        model(features=[*good[:2], LevelFeatures("city", good[2].latlon_deg, None, good[2].text)])
    with pytest.raises(BadFeatures, match="level city has no counts of photos"):
        model(features=[*good[:2], LevelFeatures("city", good[2].latlon_deg, good[2].image, good[2].text)], entities={"leave_out": "photos"})
    with pytest.raises(BadFeatures, match="level city: 19 text embeddings for 20 entities"):
        model(features=[*good[:2], LevelFeatures("city", good[2].latlon_deg, good[2].image, good[2].text[1:])])
    with pytest.raises(BadFeatures, match=r"levels disagree on the width of their features: \[5, 6\]"):
        model(features=[*good[:2], LevelFeatures("city", good[2].latlon_deg, good[2].image, good[2].text[:, 1:])])
    with pytest.raises(BadFeatures, match=r"features have shape \(2, 11\), expected \(photos, 10\)"):
        model()(torch.zeros(2, 11))
    with pytest.raises(BadFeatures, match=r"mean of the features has shape \(3,\)"):
        HierLoc(config(), D_IMG, good, feature_mean=[0.0] * 3)


def test_a_state_of_other_settings_is_refused():
    state = model().inference_state()
    with pytest.raises(BadFeatures, match="the weights do not fit the settings"):
        HierLoc.for_inference(config(image={"hidden": 8}), list(SIZES), state)
    with pytest.raises(BadFeatures, match="the weights do not fit the settings"):
        HierLoc.for_inference(config(), [*SIZES, "street"], state)
    for name, tensor, words in (
        ("tangent_2", state["entities.tangent_2"][..., :8], r"has shape \(20, 1, 8\), expected \(entities, prototypes, 16\)"),
        ("tangent_2", state["entities.tangent_2"][:, :0], r"has shape \(20, 0, 16\)"),
        ("log_prior_2", torch.zeros(5), r"has shape \(5,\), expected \(20,\)"),
        ("present_2", torch.ones(20, 2, dtype=torch.bool), r"has shape \(20, 2\), expected \(20, 1\)"),
        ("present_2", torch.arange(20)[:, None] > 0, "without its first prototype"),
    ):
        with pytest.raises(BadFeatures, match=words):
            HierLoc.for_inference(config(), list(SIZES), {**state, f"entities.{name}": tensor})
    with pytest.raises(BadFeatures, match="cannot be trained"):
        HierLoc.for_inference(config(), list(SIZES), state).loss(*batch())
