import math
import operator
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from geocairn.errors import BadConfig, BadFeatures
from geocairn.geo.sphere import distance_km, latlon_from_unit, unit_from_latlon
from geocairn.models.geometry import Euclidean, Geometry, Hyperbolic, Spherical, pairwise_squared_distance
from geocairn.models.losses import (
    GeoWeight,
    GeoWeightConfig,
    Level,
    LossConfig,
    Temperature,
    TemperatureConfig,
    entity_logits,
    geo_infonce,
    great_circle_km,
    log_weight,
)

D, CURV = 4, 0.8
KERNELS = {"laplace": lambda x: math.exp(-x), "gaussian": lambda x: math.exp(-x * x / 2), "inverse": lambda x: 1 / (1 + x), "none": lambda x: 0.0}


def units(n: int, seed: int) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.as_tensor(unit_from_latlon(np.stack([rng.uniform(40, 50, n), rng.uniform(0, 20, n)], axis=1)))


def case(geometry: Geometry, n: int = 30, prototypes: int = 1, batch: int = 6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, Level]:
    torch.manual_seed(0)
    images, points = geometry.exp(torch.randn(batch, D) * 0.4), geometry.exp(torch.randn(n, prototypes, D) * 0.4)
    labels = torch.randint(0, n, (batch,))
    return images, labels, units(batch, 1), Level(points, None, None, units(n, 2), torch.tensor(0.3), 0)


def settings(kernel: str = "laplace", strength: float = 1.0, **other) -> tuple[GeoWeight, LossConfig]:
    config = LossConfig(geo=GeoWeightConfig(kernel=kernel, strength=strength, scale_km=(300.0,)), level_weight=(1.0,), **other)
    return GeoWeight(config.geo), config


def slow_square(geometry: Geometry, x: list[float], y: list[float]) -> float:
    """Squared distance of two points, each number in plain float64; points are taken as lying on their space, whatever float32 left of it."""
    if isinstance(geometry, Euclidean):
        return math.dist(x, y) ** 2
    if isinstance(geometry, Spherical):
        cosine = math.fsum(map(operator.mul, x, y)) / (math.hypot(*x) * math.hypot(*y))
        return math.acos(min(1.0, cosine)) ** 2 / CURV
    product = math.hypot(CURV**-0.5, *x[1:]) * math.hypot(CURV**-0.5, *y[1:]) - math.fsum(map(operator.mul, x[1:], y[1:]))
    return math.acosh(max(1.0, CURV * product)) ** 2 / CURV


def slow_loss(geometry, images, labels, here, level, kernel, strength, scale_km) -> list[float]:
    """Equation 4 as it is printed, pair by pair."""
    losses = []
    shares = [1.0] * len(level.points) if level.log_prior is None else level.log_prior.double().exp().tolist()
    for image, label, place in zip(images.tolist(), labels.tolist(), here, strict=True):
        terms = []
        for index, (prototypes, there, share) in enumerate(zip(level.points.tolist(), level.unit, shares, strict=True)):
            square = min(slow_square(geometry, image, point) for point in prototypes)
            angle = math.acos(max(-1.0, min(1.0, float(place @ there))))
            w = 1.0 if index == label else 1 + strength * KERNELS[kernel](6371 * angle / scale_km)
            terms.append(w * share * math.exp(-square / float(level.tau)))
        losses.append(-math.log(terms[label] / sum(terms)))
    return losses


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("strength", [0.5, 3.0])
@pytest.mark.parametrize("prototypes", [1, 3])
@pytest.mark.parametrize("pairs", [2**20, 40])
def test_the_float32_loss_equals_a_slow_float64_reference(kernel, strength, prototypes, pairs):
    geometry = Hyperbolic(CURV)
    images, labels, here, level = case(geometry, prototypes=prototypes)
    weight, config = settings(kernel, strength, pairs_at_once=pairs)
    found = geo_infonce(geometry, images, labels, here, level, weight, config=config)
    np.testing.assert_allclose(found.numpy(), slow_loss(geometry, images, labels, here, level, kernel, strength, 300.0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("geometry", [Hyperbolic(CURV), Euclidean(), Spherical(CURV)], ids=lambda geometry: type(geometry).__name__)
@pytest.mark.parametrize("pairs", [2**20, 40])
def test_twins_and_a_prior_equal_the_slow_reference(geometry, pairs):
    images, labels, here, level = case(geometry)
    weight, config = settings(pairs_at_once=pairs)
    for prior in (None, torch.linspace(-6.0, 0.0, len(level.points)).log_softmax(-1)):
        weighed = replace(level, log_prior=prior)
        found = geo_infonce(geometry, images, labels, here, weighed, weight, config=config)
        np.testing.assert_allclose(found.numpy(), slow_loss(geometry, images, labels, here, weighed, "laplace", 1.0, 300.0), rtol=1e-5, atol=1e-5)


# How many times longer a step across is than its tangent's, at a distance from the origin.
STRETCH = {"Hyperbolic": lambda r: math.sinh(r) / r, "Euclidean": lambda r: 1.0, "Spherical": lambda r: math.sin(r) / r}


@pytest.mark.parametrize("tau", [0.3, 0.02, 0.002])
@pytest.mark.parametrize(
    ("geometry", "radius"),
    [*((Hyperbolic(), radius) for radius in (1.0, 2.0, 3.0, 4.0, 5.0)), (Euclidean(), 1.0), (Euclidean(), 5.0), (Spherical(), 1.0), (Spherical(), 2.0)],
    ids=lambda value: value if isinstance(value, float) else type(value).__name__,
)
def test_entities_that_lie_close_together_far_out_keep_their_loss_and_gradient_in_float32(geometry, radius, tau):
    torch.manual_seed(0)
    n, batch, dim = 1000, 16, 128
    step = math.sqrt(3 * tau) / STRETCH[type(geometry).__name__](radius)  # squared distances are a few tau: there is something to confuse
    centre, around, image = (torch.nn.functional.normalize(torch.randn(count, dim), dim=-1) for count in (1, n, batch))
    together = radius * centre + step * image, radius * centre + step * around
    labels, here, unit = torch.randint(0, n, (batch,)), units(batch, 1), units(n, 2)
    weight, config = settings()
    found = []
    for dtype in (torch.float32, torch.float64):
        tangents = [tangent.to(dtype).requires_grad_() for tangent in together]
        images, entities = map(geometry.exp, tangents)
        level = Level(entities[:, None], None, None, unit, torch.tensor(tau, dtype=dtype), 0)
        loss = geo_infonce(geometry, images, labels, here, level, weight, config=config)
        found.append([loss.detach().double(), *(gradient.double() for gradient in torch.autograd.grad(loss.sum(), tangents))])
    narrow, wide = found
    torch.testing.assert_close(narrow[0], wide[0], rtol=1e-5, atol=0)
    for one, two in zip(narrow[1:], wide[1:], strict=True):
        assert float((one - two).norm() / two.norm()) < 1e-4


@pytest.mark.parametrize("geometry", [Hyperbolic(CURV), Euclidean(), Spherical(CURV)], ids=lambda geometry: type(geometry).__name__)
@pytest.mark.parametrize("pairs", [2**20, 40])
def test_without_weights_it_is_plain_cross_entropy(geometry, pairs):
    images, labels, here, level = case(geometry)
    weight, config = settings(strength=0.0, pairs_at_once=pairs)
    square = pairwise_squared_distance(geometry, images, level.points[:, 0])
    expected = torch.nn.functional.cross_entropy(-square / level.tau, labels, reduction="none")
    torch.testing.assert_close(geo_infonce(geometry, images, labels, here, level, weight, config=config), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("prototypes", [1, 2])
@pytest.mark.parametrize("score", ["nearest", "soft"])
def test_the_loss_in_turns_has_the_same_value_and_gradients(prototypes, score):
    images, labels, here, level = case(Hyperbolic(CURV), n=101, prototypes=prototypes)
    images.requires_grad_(), level.points.requires_grad_(), level.tau.requires_grad_()
    found = []
    for pairs in (2**20, 70, 1):
        weight, config = settings(pairs_at_once=pairs, prototypes=score)
        value = geo_infonce(Hyperbolic(CURV), images, labels, here, level, weight, config=config).sum()
        found.append([value, *torch.autograd.grad(value, [images, level.points, level.tau])])
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], rtol=1e-4, atol=1e-5)


def test_nearer_negatives_weigh_more_and_the_positive_weighs_one():
    images, labels, here, level = case(Hyperbolic(CURV))
    plain, weighted, farther = (
        geo_infonce(Hyperbolic(CURV), images, labels, place, level, settings(strength=strength)[0], config=settings()[1])
        for strength, place in ((0.0, here), (1.0, here), (1.0, -here))
    )
    assert (weighted > plain).all()
    assert (weighted > farther).all()
    torch.testing.assert_close(farther, plain, rtol=1e-4, atol=1e-4)
    alone = Level(level.points[:1], None, None, level.unit[:1], level.tau, 0)
    only = geo_infonce(Hyperbolic(CURV), images, torch.zeros_like(labels), here, alone, settings(strength=5.0)[0], config=settings()[1])
    assert (only == 0).all()


@given(st.sampled_from(sorted(KERNELS)), st.floats(0, 20_016), st.floats(0, 50), st.floats(0.1, 1e4))
def test_weights_lie_between_one_and_one_plus_lambda(kernel, km, strength, scale_km):
    found = float(log_weight(torch.tensor(km, dtype=torch.float64), kernel, torch.tensor(strength), torch.tensor(scale_km)))
    assert -1e-6 <= found <= math.log1p(strength) + 1e-5
    assert found == pytest.approx(math.log1p(strength * KERNELS[kernel](km / scale_km)), abs=1e-4)


def test_an_unknown_place_weighs_one():
    nothing = torch.full((1, 3), math.nan, dtype=torch.float64)
    weight, _ = settings(strength=2.0)
    assert weight(0, nothing, units(4, 3)).tolist() == [[0.0] * 4]
    assert weight(0, units(1, 4), nothing).tolist() == [[0.0]]


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180))
def test_distances_on_earth_equal_those_of_the_sphere(lat, lon, other_lat, other_lon):
    a, b = torch.as_tensor(unit_from_latlon([[lat, lon]])), torch.as_tensor(unit_from_latlon([[other_lat, other_lon]]))
    expected = float(distance_km([lat, lon], [other_lat, other_lon]))
    assert float(great_circle_km(a, b)) == pytest.approx(expected, rel=1e-6, abs=1e-3 if expected < 19_000 else 3.0)


def test_an_entity_is_as_far_as_its_nearest_prototype_or_a_mean_of_their_likelihoods():
    square, tau = torch.tensor([[[0.2, 0.6, 9.0], [0.5, 0.1, 0.3]]]), torch.tensor(0.2)
    present = torch.tensor([[True, True, False], [True, True, True]])
    torch.testing.assert_close(entity_logits(square, tau, present, "nearest"), torch.tensor([[-1.0, -0.5]]))
    soft = [math.log((math.exp(-1) + math.exp(-3)) / 2), math.log((math.exp(-2.5) + math.exp(-0.5) + math.exp(-1.5)) / 3)]
    torch.testing.assert_close(entity_logits(square, tau, present, "soft"), torch.tensor([soft]))
    torch.testing.assert_close(entity_logits(square, tau, None, "soft")[:, 1:], torch.tensor([soft[1:]]))
    same = torch.full((1, 1, 3), 0.4)
    torch.testing.assert_close(entity_logits(same, tau, None, "soft"), entity_logits(same[..., :1], tau, None, "soft"))


def test_the_temperature_stays_within_its_bounds_whatever_is_learned():
    config = TemperatureConfig(first=0.2, lowest=0.05, highest=3.0)
    tau = Temperature(config, 2)
    assert tau(1).item() == pytest.approx(0.2)
    for push, bound in ((1e3, 3.0), (-1e3, 0.05)):
        tau.raw.data.fill_(push)
        assert tau(0).item() == pytest.approx(bound)
    assert len(Temperature(config.model_copy(update={"is_shared": True}), 2).raw) == 1
    fixed = Temperature(config.model_copy(update={"is_learned": False}), 2)
    assert not list(fixed.parameters())
    assert not fixed.state_dict()


def test_learned_weights_collapse_as_the_gradient_of_a_weight_foretells():
    images, labels, here, level = case(Hyperbolic(CURV))
    config = LossConfig(geo=GeoWeightConfig(is_learned=True, scale_km=(300.0,)), level_weight=(1.0,))
    weight = GeoWeight(config.geo)
    steps = torch.optim.SGD(weight.parameters(), lr=1.0)
    for _ in range(50):
        steps.zero_grad()
        geo_infonce(Hyperbolic(CURV), images, labels, here, level, weight, config=config).sum().backward()
        steps.step()
    assert 0 < weight.strength(0).item() < 0.5
    assert 0 < weight.scale_km(0).item() < 300


def test_a_label_beyond_the_entities_is_refused():
    images, labels, here, level = case(Hyperbolic(CURV))
    weight, config = settings()
    with pytest.raises(BadFeatures, match="a label names entity 30 of a level with 30 entities"):
        geo_infonce(Hyperbolic(CURV), images, torch.full_like(labels, 30), here, level, weight, config=config)


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ValidationError, match="must be above 0"):
        GeoWeightConfig(scale_km=(100.0, 0.0))
    with pytest.raises(ValidationError, match="begin above 0"):
        GeoWeightConfig(is_learned=True, strength=0)
    with pytest.raises(ValidationError, match="must lie between"):
        TemperatureConfig(first=20.0)
    with pytest.raises(ValidationError, match="must not be below 0"):
        LossConfig(level_weight=(-1.0,))
    with pytest.raises(BadConfig, match=r"loss\.geo\.scale_km has 4 values for 2 levels \(country, city\)"):
        LossConfig().check_levels(("country", "city"))


@pytest.mark.parametrize("kernel", ["gaussian", "inverse", "laplace"])
@pytest.mark.parametrize("scale_km", [10.0, 50.0, 1000.0, 30_000.0])
def test_weights_of_pairs_that_are_passed_over_are_those_of_the_formula(kernel, scale_km):
    weight = GeoWeight(GeoWeightConfig(kernel=kernel, strength=3.0, scale_km=(scale_km,), is_learned=True))
    rng = np.random.default_rng(5)
    middle = np.array([[0.3, -0.8, 0.5]])
    there = torch.as_tensor(unit_from_latlon(np.stack([rng.uniform(-90, 90, 400), rng.uniform(-180, 180, 400)], axis=1)))
    cluster = torch.as_tensor(middle + rng.normal(size=(200, 3)) * np.geomspace(1e-7, 1, 200)[:, None])
    there = torch.cat([there, cluster / cluster.norm(dim=1, keepdim=True)])
    here = there[::7]
    km = torch.as_tensor(distance_km(latlon_from_unit(here.numpy())[:, None], latlon_from_unit(there.numpy())[None]))
    expected = log_weight(km, kernel, weight.strength(0), weight.scale_km(0)).float()
    found = weight(0, here, there)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=2e-4)
    for one, two in zip(
        torch.autograd.grad(found.sum(), list(weight.parameters())), torch.autograd.grad(expected.sum(), list(weight.parameters())), strict=True
    ):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-5)
