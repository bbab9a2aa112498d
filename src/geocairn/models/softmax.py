"""Flat classification over all leaves of a hierarchy: the baseline that knows nothing of how places lie within each other or near each other."""

from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from geocairn.config import Config
from geocairn.models.entity_features import Standardise
from geocairn.models.limits import MOST_UNITS


class SoftmaxConfig(Config):
    """All settings of the model."""

    head: Literal["linear", "mlp"] = Field("mlp", description="linear: one layer; mlp: a hidden one with ReLU and dropout before it")
    hidden: int = Field(512, ge=1, le=MOST_UNITS, description="width of the hidden layer; without one it means nothing")
    dropout: float = Field(0.1, ge=0, lt=1, description="of the hidden layer, or of the features where there is none")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target that all leaves have alike")


class FlatSoftmax(nn.Module):
    """Standardised features -> logits of all leaves.

    Args:
        config: all settings.
        dim: numbers of a feature.
        log_share: (L,) log of the leaves' shares, where the biases begin: so the first answer is the prior.
        mean, std: (dim,) over the training photos; part of the state.
    """

    def __init__(self, config: SoftmaxConfig, dim: int, log_share: NDArray[np.float64], mean: NDArray[np.float32], std: NDArray[np.float32]) -> None:
        super().__init__()
        widths = [dim, *([config.hidden] if config.head == "mlp" else []), len(log_share)]
        self.config = config
        self.scaler = Standardise(dim, mean, std)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(nn.Linear(into, out) for into, out in pairwise(widths))
        last = self.layers[-1].get_parameter("bias")
        last.data.copy_(torch.from_numpy(log_share))

    def forward(self, features: Tensor) -> Tensor:
        """(B, dim) features -> (B, L) logits."""
        seen: Tensor = self.scaler(features)
        *inner, last = self.layers
        for layer in inner:
            seen = torch.relu(layer(seen))
        logits: Tensor = last(self.dropout(seen))
        return logits

    def loss(self, features: Tensor, leaf: Tensor) -> Tensor:
        """Mean cross-entropy of (B,) leaves, with the smoothing of the settings."""
        return nn.functional.cross_entropy(self(features).float(), leaf, label_smoothing=self.config.label_smoothing)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Weights and biases by layer, as the bundle keeps them."""
        return {f"layer{index}.{name}": value.detach().cpu().numpy() for index, layer in enumerate(self.layers) for name, value in layer.named_parameters()}
