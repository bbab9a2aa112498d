"""The flat baseline as a system: features of a photo -> a linear map or a perceptron -> softmax over all leaves at once."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geocairn.config import Config
from geocairn.errors import BadBundle
from geocairn.systems.bundle import Bundle
from geocairn.systems.leaf_scorer import ScaledLeafScorer, parsed_settings

KIND = "softmax"


class SoftmaxSettings(Config):
    """What the bundle says besides its weights."""

    layers: int = Field(ge=1, description="linear layers, with ReLU between them")


class SoftmaxSystem(ScaledLeafScorer):
    """A trained flat softmax; a leaf's log-score is its log-probability."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        settings = parsed_settings(bundle, SoftmaxSettings)
        self._layers = [(self.array(f"layer{layer}.weight", 2), self.array(f"layer{layer}.bias", 1)) for layer in range(settings.layers)]
        widths = [self.dim, *(len(bias) for _, bias in self._layers)]
        shapes = [weight.shape for weight, _ in self._layers]
        if widths[-1] != self.hierarchy.n_leaves or shapes != [(out, into) for into, out in pairwise(widths)]:
            raise BadBundle(f"{bundle.folder}: layers of {shapes} do not lead from {self.dim} features to {self.hierarchy.n_leaves} leaves; train it anew")
        self.check_all_read()

    def log_scores_of_block(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """(B, L) log-probabilities."""
        seen = self.scaling(features)
        for weight, bias in self._layers[:-1]:
            seen = np.maximum(_times(seen, weight) + bias, 0)
        weight, bias = self._layers[-1]
        logits = (_times(seen, weight) + bias).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        return np.asarray(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))


def _times(rows: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """(B, out) rows times a layer's weights, row by row: in one product of matrices the last bits of a row would depend on where it stands."""
    return np.asarray((rows[:, None, :] @ weight.T)[:, 0])
