"""Optimisers of a task's parameters, stepped together: AdamW or SGD in flat space, our own Riemannian kin on hyperboloids, geoopt's on other manifolds."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.nn import Parameter
from torch.optim import Optimizer

from geocairn.errors import MissingExtra
from geocairn.train.lorentz_descent import LorentzAdam, LorentzSGD
from geocairn.train.settings import TrainSettings
from geocairn.train.task import ParameterGroup

# Steps after which points and momenta on geoopt's manifolds are put back where rounding has moved them off.
STABILISE_EVERY = 10


def build_optimisers(groups: Sequence[ParameterGroup], settings: TrainSettings) -> list[Optimizer]:
    """One optimiser for all parameters in flat space, one for those on hyperboloids, one for those on other manifolds; none where there are none.

    Raises:
        MissingExtra: there are parameters on manifolds, and geoopt is not installed.
    """
    flat = [part for group in groups if group["kind"] == "euclidean" for part in _by_decay(group, settings)]
    curved = [group for group in groups if group["kind"] == "manifold" and group["params"]]
    made = [_flat_optimiser(flat, settings)] if flat else []
    if curved:
        geoopt = _geoopt()
        lorentz, other = (
            [_options(params, group, 0.0) for group in curved if (params := [p for p in group["params"] if _is_on(p, geoopt.Lorentz) == is_lorentz])]
            for is_lorentz in (True, False)
        )
        made += [_lorentz_optimiser(lorentz, settings)] if lorentz else []
        made += [_geoopt_optimiser(geoopt.optim, other, settings)] if other else []
    return made


def set_rates(optimisers: Sequence[Optimizer], lr: float) -> None:
    """Give every group the learning rate `lr` times its own scale."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = lr * group["lr_scale"]


def load_optimiser(optimiser: Optimizer, kept: Mapping[str, Any]) -> None:
    """Take up what `state_dict` gave, exactly.

    Raises:
        ValueError: it is of other parameters.
    """
    optimiser.load_state_dict(dict(kept))
    params = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    for index, values in kept["state"].items():
        # Adam makes a float32 tensor of a count of steps that is a plain number in its Riemannian kin, which corrects its bias differently then.
        optimiser.state[params[index]].update({name: value for name, value in values.items() if not isinstance(value, torch.Tensor)})


def check_groups(model: torch.nn.Module, groups: Sequence[ParameterGroup]) -> None:
    """Check that every parameter that needs a gradient is in exactly one group.

    Raises:
        ValueError: naming the first that is not; a fault of the task, not of whoever trains it.
    """
    grouped = [id(parameter) for group in groups for parameter in group["params"]]
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and grouped.count(id(parameter)) != 1:
            raise ValueError(f"parameter {name} is in {grouped.count(id(parameter))} groups of the task, not in one")


def _by_decay(group: ParameterGroup, settings: TrainSettings) -> Iterator[dict[str, Any]]:
    for is_matrix in (True, False):
        params = [parameter for parameter in group["params"] if (parameter.ndim >= 2) == is_matrix]
        if params:
            yield _options(params, group, settings.weight_decay if is_matrix and group["weight_decay"] else 0.0)


def _options(params: list[Parameter], group: ParameterGroup, weight_decay: float) -> dict[str, Any]:
    return {"params": params, "lr_scale": group["lr_scale"], "weight_decay": weight_decay}


def _flat_optimiser(groups: list[dict[str, Any]], settings: TrainSettings) -> Optimizer:
    if settings.optimiser == "adam":
        return torch.optim.AdamW(groups, **_adam(settings))
    return torch.optim.SGD(groups, **_sgd(settings))


def _lorentz_optimiser(groups: list[dict[str, Any]], settings: TrainSettings) -> Optimizer:
    if settings.optimiser == "adam":
        return LorentzAdam(groups, **_adam(settings))
    return LorentzSGD(groups, **_sgd(settings))


def _geoopt_optimiser(optim: Any, groups: list[dict[str, Any]], settings: TrainSettings) -> Optimizer:
    made: Optimizer = (
        optim.RiemannianAdam(groups, stabilize=STABILISE_EVERY, **_adam(settings))
        if settings.optimiser == "adam"
        else optim.RiemannianSGD(groups, stabilize=STABILISE_EVERY, **_sgd(settings))
    )
    return made


def _is_on(parameter: Any, manifold: type) -> bool:
    return isinstance(getattr(parameter, "manifold", None), manifold)


def _adam(settings: TrainSettings) -> Mapping[str, Any]:
    return {"lr": settings.lr, "betas": settings.betas, "eps": settings.eps}


def _sgd(settings: TrainSettings) -> Mapping[str, Any]:
    return {"lr": settings.lr, "momentum": settings.momentum}


def _geoopt() -> Any:
    try:
        with warnings.catch_warnings():
            # It compiles small functions by a means that torch has announced to drop.
            warnings.simplefilter("ignore", DeprecationWarning)
            import geoopt
    except ModuleNotFoundError:
        raise MissingExtra("parameters on a manifold need the package geoopt; mend: pip install geocairn[train]") from None
    return geoopt
