"""Optimisers: what each group is stepped by, held to steps worked out by hand."""

import builtins
import math

import pytest
import torch
from geoopt import Lorentz, ManifoldParameter, Sphere
from torch.nn import Parameter

from geocairn.errors import MissingExtra
from geocairn.models import lorentz
from geocairn.train.optimise import build_optimisers, check_groups, load_optimiser, set_rates
from geocairn.train.settings import TrainSettings


def flat(*params, decay=True, scale=1.0):
    return {"kind": "euclidean", "params": list(params), "lr_scale": scale, "weight_decay": decay}


def curved(*params, scale=1.0):
    return {"kind": "manifold", "params": list(params), "lr_scale": scale, "weight_decay": True}


def stepped(groups, lr, **settings):
    """Take one step with gradients that are there."""
    optimisers = build_optimisers(groups, TrainSettings(**settings))
    set_rates(optimisers, lr)
    for optimiser in optimisers:
        optimiser.step()
    return optimisers


def parameter(values, gradient):
    made = Parameter(torch.tensor(values))
    made.grad = torch.tensor(gradient)
    return made


def test_only_matrices_of_groups_that_decay_decay():
    matrix, vector, spared = parameter([[2.0]], [[0.0]]), parameter([2.0], [0.0]), parameter([[2.0]], [[0.0]])
    stepped([flat(matrix, vector), flat(spared, decay=False)], 0.5, weight_decay=0.1)
    assert matrix.item() == pytest.approx(2 * (1 - 0.5 * 0.1))
    assert (vector.item(), spared.item()) == (2.0, 2.0)


def test_adam_steps_by_the_rate_times_the_scale_of_the_group():
    one, half = parameter([1.0], [0.3]), parameter([1.0], [-7.0])
    stepped([flat(one), flat(half, scale=0.5)], 0.01)
    assert (one.item(), half.item()) == (pytest.approx(0.99), pytest.approx(1.005))


def test_momentum_carries_a_step_on():
    moved = parameter([0.0], [1.0])
    (optimiser,) = stepped([flat(moved)], 0.1, optimiser="sgd", momentum=0.5)
    optimiser.step()
    assert moved.item() == pytest.approx(-0.1 - 0.15)


@pytest.mark.parametrize(("optimiser", "length"), [("adam", 0.01), ("sgd", 0.01 * 3)])
def test_points_move_along_the_manifold_by_the_length_of_the_step(optimiser, length):
    origin = ManifoldParameter(torch.tensor([[1.0, 0.0, 0.0]]), manifold=Lorentz())
    origin.grad = torch.tensor([[5.0, -3.0, 0.0]])
    before = origin.detach().clone().as_subclass(torch.Tensor)
    made = stepped([curved(origin)], 0.01, optimiser=optimiser)
    after = origin.detach().as_subclass(torch.Tensor)
    assert [type(one).__name__ for one in made] == [{"adam": "LorentzAdam", "sgd": "LorentzSGD"}[optimiser]]
    assert float(lorentz.distance(before, after, 1.0)[0]) == pytest.approx(length, rel=1e-3)
    assert after[0, 0] == pytest.approx(math.sqrt(1 + after[0, 1] ** 2))
    assert after[0, 1] > 0


@pytest.mark.parametrize(("optimiser", "name"), [("adam", "RiemannianAdam"), ("sgd", "RiemannianSGD")])
def test_other_manifolds_are_stepped_by_geoopt(optimiser, name):
    point = ManifoldParameter(torch.tensor([[1.0, 0.0, 0.0]]), manifold=Sphere())
    point.grad = torch.tensor([[0.0, -3.0, 0.0]])
    hyperbolic = ManifoldParameter(torch.tensor([[1.0, 0.0]]), manifold=Lorentz())
    made = stepped([curved(point, hyperbolic)], 0.01, optimiser=optimiser)
    assert [type(one).__name__ for one in made][1:] == [name]
    assert point[0, 1] > 0.005
    assert float(point.detach().square().sum()) == pytest.approx(1)
    # Without a gradient a point stays.
    assert hyperbolic.tolist() == [[1.0, 0.0]]


def test_kinds_without_parameters_have_no_optimiser():
    assert [type(one).__name__ for one in build_optimisers([flat(Parameter(torch.ones(1))), curved()], TrainSettings())] == ["AdamW"]
    assert build_optimisers([], TrainSettings()) == []


@pytest.mark.parametrize("times", [0, 2])
def test_a_parameter_must_be_in_one_group(times):
    model = torch.nn.Linear(2, 2)
    groups = [flat(model.weight), *[flat(model.bias)] * times]
    with pytest.raises(ValueError, match=rf"parameter bias is in {times} groups of the task, not in one"):
        check_groups(model, groups)
    check_groups(model, [flat(model.weight), flat(model.bias)])
    model.bias.requires_grad_(False)
    check_groups(model, [flat(model.weight)])


def test_a_state_is_taken_up_with_its_plain_numbers():
    def made():
        point = ManifoldParameter(torch.tensor([[1.0, 0.0]]), manifold=Lorentz())
        point.grad = torch.tensor([[0.0, 1.0]])
        return point

    point, again = made(), made()
    (one,) = stepped([curved(point)], 0.1)
    (two,) = build_optimisers([curved(again)], TrainSettings())
    load_optimiser(two, one.state_dict())
    assert (two.state[again]["step"], type(two.state[again]["step"])) == (1, int)
    with pytest.raises(ValueError, match="different number of parameter groups"):
        load_optimiser(two, {"state": {}, "param_groups": []})


def test_geoopt_is_asked_for_where_it_is_needed(monkeypatch):
    whole = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", lambda name, *rest: (_ for _ in ()).throw(ModuleNotFoundError) if name == "geoopt" else whole(name, *rest))
    build_optimisers([flat(Parameter(torch.ones(1)))], TrainSettings())
    with pytest.raises(MissingExtra, match=r"pip install geocairn\[train\]"):
        build_optimisers([curved(Parameter(torch.ones(1)))], TrainSettings())
