"""Small tasks that need no data: a regression with dropout, and places on a hyperboloid that move to where they belong."""

import random
import shutil
import warnings
from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import save
from tests.systems.bundles_made import bundle_at, replace_listed

from geocairn.answer.decide import Calibration
from geocairn.config import Config
from geocairn.models import lorentz
from geocairn.systems.bundle import WEIGHTS
from geocairn.train.recipe import Recipe
from geocairn.train.settings import TrainSettings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import geoopt


class ToyModel(Config):
    """Settings of a toy."""

    dim: int = Field(4, ge=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    name: str = "toy"
    widths: tuple[int, ...] = (3, 2)


class ToyRecipe(Recipe):
    """A recipe of a toy."""

    system: str = "toy"
    model: ToyModel = ToyModel()


class Regression:
    """Learns a linear map through a layer with dropout; also draws from numpy and python, as augmentations do."""

    name, metric_names = "regression", ("loss", "fit")

    def __init__(self, recipe: ToyRecipe, n_train: int = 40) -> None:
        draw = torch.Generator().manual_seed(7)
        self.inputs = torch.randn(n_train, 5, generator=draw)
        self.targets = self.inputs @ torch.randn(5, 1, generator=draw) + 1
        self.n_train = n_train
        dim = recipe.model.dim
        self.model = torch.nn.Sequential(torch.nn.Linear(5, dim), torch.nn.Dropout(recipe.model.dropout), torch.nn.Linear(dim, 1))
        self.n_losses, self.saved_by = 0, []

    unused = ()

    def parameter_groups(self):
        last = list(self.model[2].parameters())
        first = list(self.model[0].parameters())
        return [
            {"kind": "euclidean", "params": first, "lr_scale": 1.0, "weight_decay": True},
            {"kind": "euclidean", "params": last, "lr_scale": 0.5, "weight_decay": False},
        ]

    def loss(self, rows, step):
        self.n_losses += 1
        noise = float(np.random.normal()) * 1e-3 + random.random() * 1e-3
        error = (self.model(self.inputs[rows]) - self.targets[rows]).square().mean() + noise
        return error, {"square": float(error.detach()), "step": float(step)}

    def validate(self):
        torch.rand(3)  # must not change the training
        error = (self.model(self.inputs) - self.targets).square().mean()
        return {"loss": float(error), "fit": -float(error)}

    def state(self):
        return {"n_losses": self.n_losses, "memory": torch.tensor([float(self.n_losses)])}

    def load_state(self, state):
        assert float(state["memory"]) == state["n_losses"]
        self.n_losses = state["n_losses"]

    def save_bundle(self, folder: Path):
        assert not self.model.training
        toy_bundle(folder, save(dict(self.model.state_dict())))


class Places(Regression):
    """Points of the hyperboloid that learn to lie where tangents say, with a learned scale in flat space."""

    name, metric_names = "places", ("loss",)

    def __init__(self, recipe: ToyRecipe, n_train: int = 40) -> None:
        draw = torch.Generator().manual_seed(3)
        dim = recipe.model.dim
        self.n_train = n_train
        self.wanted = lorentz.exp_origin(torch.randn(n_train, dim, generator=draw), 1.0)
        start = lorentz.exp_origin(0.01 * torch.randn(n_train, dim), 1.0)
        self.model = torch.nn.ParameterDict({"scale": torch.nn.Parameter(torch.ones(1))})
        self.model["points"] = geoopt.ManifoldParameter(start, manifold=geoopt.Lorentz(k=1.0))
        self.n_losses = 0

    def parameter_groups(self):
        return [
            {"kind": "manifold", "params": [self.model["points"]], "lr_scale": 2.0, "weight_decay": True},
            {"kind": "euclidean", "params": [self.model["scale"]], "lr_scale": 1.0, "weight_decay": True},
        ]

    def loss(self, rows, step):
        self.n_losses += 1
        gap = lorentz.distance(self.model["points"][rows], self.wanted[rows], 1.0)
        return gap.square().mean() + (self.model["scale"] - 2).square().sum(), {}

    def validate(self):
        return {"loss": float(lorentz.distance(self.model["points"], self.wanted, 1.0).square().mean())}


def toy_bundle(folder: Path, weights: bytes) -> None:
    """A whole bundle, but for its weights, which no system reads; never calibrated."""
    shutil.rmtree(folder, ignore_errors=True)
    replace_listed(bundle_at(folder), WEIGHTS, weights)
    replace_listed(folder, "calibration.json", Calibration().model_dump_json().encode())


def recipe(train=None, **model) -> ToyRecipe:
    """A recipe of a run of 20 steps that keeps and logs often."""
    given = {"epochs": 5, "batch_size": 10, "lr": 0.02, "log_every": 1, "device": "cpu"} | (train or {})
    return ToyRecipe(train=TrainSettings.parse("test", given), model=ToyModel(**model))


def weights(run: Path) -> dict[str, torch.Tensor]:
    """The last checkpoint's model."""
    last = sorted((run / "checkpoints").glob("*.pt"))[-1]
    return torch.load(last, weights_only=True)["model"]


def same(one, other) -> bool:
    """Whether two models are equal bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
