"""What is written beside the features where it is asked for: tokens, which add nothing to them, and maps of classes, which do."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from geocairn.synth.draws import numbers_for
from geocairn.synth.earth import Earth
from geocairn.synth.photos import BLOCK, Photos, features

Array = NDArray[np.float64]


def tokens(earth: Earth, photos: Photos, rows: range) -> Array:
    """(len(rows), tokens * token_dim) tokens of consecutive photos: fixed linear views of the feature, and noise."""
    settings = earth.settings
    n_numbers = settings.tokens * settings.token_dim
    views = numbers_for("tokens", settings.seed).standard_normal((settings.feature_dim, n_numbers)) / np.sqrt(settings.feature_dim)
    noise = _by_blocks(rows, lambda block: numbers_for("token noise", settings.seed, block).standard_normal((BLOCK, n_numbers)))
    return np.asarray(features(earth, photos, rows) @ views + settings.token_noise * noise)


def class_maps(earth: Earth, photos: Photos, rows: range) -> NDArray[np.int64]:
    """(len(rows), map_side ** 2) classes of the maps' cells, row by row, of consecutive photos."""
    settings = earth.settings
    uniform = _by_blocks(rows, lambda block: numbers_for("maps", settings.seed, block).random((BLOCK, settings.map_side**2)))
    running = np.cumsum(earth.map_shares, axis=1)
    region = earth.region_of_city[photos.city[rows.start : rows.stop]]
    # The shares of region r run from r to r + 1, so that one search serves all regions.
    edges = (running / running[:, -1:] + np.arange(len(running))[:, None]).ravel()
    found = np.searchsorted(edges, (uniform + region[:, None]).ravel(), side="right").reshape(uniform.shape) - region[:, None] * settings.map_classes
    return np.asarray(np.clip(found, 0, settings.map_classes - 1))


def _by_blocks(rows: range, draw: Callable[[int], Array]) -> Array:
    """What is drawn by blocks, for consecutive rows."""
    blocks = range(rows.start // BLOCK, -(-rows.stop // BLOCK))
    return np.concatenate([draw(block) for block in blocks])[rows.start - blocks.start * BLOCK :][: len(rows)]
