"""What the training photos say of each city and region, and the learnable limit that follows: no model can know more than they do."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geocairn.synth.earth import Earth
from geocairn.synth.extras import class_maps
from geocairn.synth.photos import Photos, blocks_of, latents
from geocairn.synth.settings import SPLITS
from geocairn.systems.map_likelihood import MapModel
from geocairn.systems.place_likelihood import PlaceModel
from geocairn.systems.tree_messages import leaf_posteriors

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Observed:
    """Likelihood of the cities' effects, exp(-precision x^2 / 2 + linear x) by dimension: both (C, D)."""

    precision: Array
    linear: Array


def observe_training(earth: Earth, photos: Photos) -> Observed:
    """Add up what all training photos say of their cities' effects, each through the dimensions that its scene shows."""
    precision, linear = np.zeros_like(earth.model.mean), np.zeros_like(earth.model.mean)
    for block, rows in _training_rows(photos):
        city, scene, sharpness = photos.city[rows], photos.scene[rows], photos.sharpness[rows]
        place = latents(earth, photos, block)[rows - block.start, : earth.settings.place_dim]
        weight = earth.model.gate[earth.model.gate_of_scene[scene]] / earth.model.sigma[sharpness, None] ** 2
        of_city = _sums_by(city, len(precision))
        precision += of_city @ weight
        linear += of_city @ (weight * (place - earth.climate[city]))
    return Observed(precision, linear)


def learnable_model(earth: Earth, observed: Observed) -> PlaceModel:
    """What can be known of the generator from training photos: each city's mean with its uncertainty, all else exactly."""
    variances = np.array(earth.settings.level_variance)
    effect, variance = leaf_posteriors(earth.hierarchy, variances, precision=observed.precision, linear=observed.linear)
    known = earth.model
    return PlaceModel(earth.climate + effect, variance, known.gate, known.gate_of_scene, known.sharpness, known.sigma, known.scene_scale)


def learnable_maps(earth: Earth, photos: Photos) -> MapModel:
    """What can be known of the regions' classes from training maps: a Dirichlet posterior of each."""
    counts = np.zeros_like(earth.map_shares)
    for block, rows in _training_rows(photos):
        cells = class_maps(earth, photos, block)[rows - block.start]
        region = np.repeat(earth.region_of_city[photos.city[rows]], cells.shape[1])
        np.add.at(counts, (region, cells.ravel()), 1.0)
    return MapModel(None, earth.map_prior + counts, earth.region_of_city)


def _training_rows(photos: Photos) -> Iterator[tuple[range, NDArray[np.int64]]]:
    """The blocks of photos, and the rows in each that are training photos."""
    is_training = photos.split == SPLITS.index("train")
    return ((block, block.start + np.flatnonzero(is_training[block.start : block.stop])) for block in blocks_of(len(photos)))


def _sums_by(group: NDArray[np.int64], n_groups: int) -> sparse.csr_array:
    """(n_groups, N) matrix that adds up rows by group."""
    return sparse.csr_array((np.ones(len(group)), (group, np.arange(len(group)))), shape=(n_groups, len(group)))
