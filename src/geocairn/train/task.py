"""What the engine trains: a model with a loss over rows and a validation; the engine knows nothing else of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypedDict

import torch
from torch import Tensor


class ParameterGroup(TypedDict):
    """Parameters that are stepped alike.

    kind: "manifold" for `geoopt.ManifoldParameter`s, which are stepped along their manifold; "euclidean" for all others.
    params: the parameters.
    lr_scale: their learning rate over the recipe's.
    weight_decay: whether the matrices among them decay; on manifolds nothing does.
    """

    kind: Literal["euclidean", "manifold"]
    params: Sequence[torch.nn.Parameter]
    lr_scale: float
    weight_decay: bool


class Task(Protocol):
    """A model that learns from numbered rows.

    All that is learned lives in `model`; all that is drawn comes from the generators of torch, numpy or random, so that a resumed run draws the same.
    """

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def model(self) -> torch.nn.Module:
        """What is trained; the same object all along."""

    @property
    def n_train(self) -> int:
        """How many training rows there are."""

    @property
    def unused(self) -> Sequence[str]:
        """What of the training rows it cannot use, and why, in words; nothing where it uses all."""

    @property
    def metric_names(self) -> Sequence[str]:
        """What `validate` will tell, known beforehand."""

    def parameter_groups(self) -> Sequence[ParameterGroup]:
        """Every parameter of the model that needs a gradient, in exactly one group."""

    def loss(self, rows: Tensor, step: int) -> tuple[Tensor, Mapping[str, float]]:
        """Mean loss of some training rows.

        Args:
            rows: (B,) int64 in [0, n_train), on the device of the model.
            step: optimiser steps done before this one.

        Returns:
            A scalar to descend on, the mean over the rows, and numbers worth a line in the log, by name.
        """

    def validate(self) -> Mapping[str, float]:
        """Metrics on the validation rows, by name; called in evaluation mode without gradients. What it draws does not change the training."""

    def state(self) -> Mapping[str, Any]:
        """What a checkpoint must keep besides the model: numbers, strings, lists, mappings and tensors; empty for most."""

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned."""

    def save_bundle(self, folder: Path) -> None:
        """Write the bundle of the model as it is now, in evaluation mode, to a folder that is not there yet, or holds an older bundle of the run."""
