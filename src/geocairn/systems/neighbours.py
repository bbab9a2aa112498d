"""Nearest neighbours over training features as a system: the photos that look most alike vote for where they were taken; one neighbour is plain retrieval."""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geocairn.config import Config
from geocairn.errors import BadBundle
from geocairn.places.hierarchy import Hierarchy
from geocairn.search.flat import nearest_places
from geocairn.search.index import EntityIndex
from geocairn.search.space import Space
from geocairn.systems.bundle import Bundle
from geocairn.systems.leaf_scorer import ScaledLeafScorer, parsed_settings

KIND = "neighbours"
Metric = Literal["euclidean", "cosine"]
Weights = Literal["equal", "distance"]
_PLANE = Space(metric="euclidean")


class NeighbourSettings(Config):
    """How neighbours are found, and how their votes count."""

    metric: Metric = Field("euclidean", description="of standardised features; cosine: of their directions alone")
    k: int = Field(10, ge=1, description="neighbours; 1: plain retrieval")
    weights: Weights = Field("distance", description="equal: every neighbour counts alike; distance: by exp(-d2 / temperature)")
    temperature: float = Field(0.1, gt=0, description="in units of the squared distance that two random photos have on average; equal weights need none")
    smoothing: float = Field(0.1, gt=0, lt=1, description="share of the votes that spreads over the places around; no place is impossible")


@dataclass(frozen=True)
class Nearest:
    """The training photos that are nearest to each of B photos.

    Attributes:
        place: (B, k) int64 the finest place that each one is known to show; -1 where there are fewer than k photos.
        distance2: (B, k) float64 squared distances, nearest first, 1 on average between two random photos; infinite where there is none.
    """

    place: NDArray[np.int64]
    distance2: NDArray[np.float64]


@dataclass(frozen=True)
class Gallery:
    """Training photos as vectors, each with the finest place that it is known to show."""

    index: EntityIndex
    place: NDArray[np.int64]

    @classmethod
    def of(cls, vectors: NDArray[np.float16], place: NDArray[np.integer]) -> Self:
        """The gallery of (N, F) vectors that `gallery_vectors` made, and (N,) place indices."""
        return cls(EntityIndex.without_tree(vectors, _PLANE), np.asarray(place, dtype=np.int64))

    def nearest(self, vectors: NDArray[np.float16], k: int) -> Nearest:
        """The k nearest photos of each of (B, F) vectors; of equally near ones the first. A row does not depend on the others.

        Raises:
            MissingExtra: faiss is not installed.
        """
        found = nearest_places(vectors.astype(np.float32), self.index, 0, top=k)
        return Nearest(np.where(found.places >= 0, self.place[found.places], -1), found.scores)


def gallery_vectors(standardised: NDArray[np.float32], metric: Metric) -> NDArray[np.float16]:
    """Vectors whose squared Euclidean distance is the metric's, scaled so that it is 1 between two random photos.

    Args:
        standardised: (B, F) features with mean 0 and spread 1.
    """
    length: NDArray[np.float32] | float = np.sqrt(standardised.shape[1])
    if metric == "cosine":
        length = np.linalg.norm(standardised, axis=1, keepdims=True)
    return np.asarray(standardised / np.maximum(np.sqrt(2) * length, np.float32(1e-12)), dtype=np.float16)


def vote(nearest: Nearest, hierarchy: Hierarchy, settings: NeighbourSettings) -> NDArray[np.float64]:
    """What the neighbours say of each leaf.

    A photo whose finest known place is no leaf votes for all leaves below it, by their training counts.

    Returns:
        (B, L) probabilities, each row summing to 1, before smoothing.
    """
    place, distance2 = nearest.place[:, : settings.k], nearest.distance2[:, : settings.k]
    scale = settings.temperature if settings.weights == "distance" else np.inf
    is_there = place >= 0
    weight = np.where(is_there, np.exp(-np.where(is_there, distance2 - distance2[:, :1], 0.0) / scale), 0.0)
    weight /= weight.sum(axis=1, keepdims=True)
    row = np.repeat(np.arange(len(place)), place.shape[1])
    cell = row * len(hierarchy) + np.maximum(place, 0).ravel()
    of_places = np.bincount(cell, weight.ravel(), minlength=len(place) * len(hierarchy)).reshape(len(place), len(hierarchy))
    of_leaves = np.zeros((len(place), hierarchy.n_leaves))
    for level in range(len(hierarchy.level_names)):
        above = hierarchy.ancestor_of_leaves(level)
        inside = above >= 0
        of_leaves[:, inside] += of_places[:, above[inside]] * (hierarchy.weight[hierarchy.leaves[inside]] / hierarchy.weight[above[inside]])
    return of_leaves


def smoothed_log(votes: NDArray[np.float64], hierarchy: Hierarchy, smoothing: float) -> NDArray[np.float64]:
    """(B, L) log-probabilities: the votes, but for a share of each.

    One part of the share follows the training counts of the whole Earth, and one for each level but the finest those within the place of that level: what is
    taken from a city mostly stays in its country, so the likeliest country hardly changes.
    """
    weight = hierarchy.weight[hierarchy.leaves]
    running = np.concatenate([np.zeros((len(votes), 1)), np.cumsum(votes, axis=1)], axis=1)
    spread = np.tile(weight, (len(votes), 1))
    for level in range(len(hierarchy.level_names) - 1):
        above = hierarchy.ancestor_of_leaves(level)
        inside = above >= 0
        place = above[inside]
        of_places = running[:, hierarchy.leaf_stop[place]] - running[:, hierarchy.leaf_start[place]]
        spread[:, inside] += of_places * (weight[inside] / hierarchy.weight[place])
        spread[:, ~inside] += votes[:, ~inside]
    return np.asarray(np.log((1 - smoothing) * votes + smoothing / len(hierarchy.level_names) * spread))


class NeighboursSystem(ScaledLeafScorer):
    """Nearest neighbours."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.settings = parsed_settings(bundle, NeighbourSettings)
        vectors, place = self.array("vectors", 2, np.float16), self.array("place", 1, np.int32)
        if vectors.shape != (len(place), self.dim) or not len(place) or place.min() < 0 or place.max() >= len(self.hierarchy):
            raise BadBundle(f"{bundle.folder}: vectors of shape {vectors.shape} and {len(place)} places do not fit its {self.dim} features; train it anew")
        self.check_all_read()
        self._gallery = Gallery.of(vectors, place)

    def log_scores_of_block(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """(B, L) log-probabilities; NaN of features so far from all others that fp16 does not hold them."""
        vectors = gallery_vectors(self.scaling(features), self.settings.metric)
        is_whole = np.isfinite(vectors).all(axis=1, keepdims=True)
        nearest = self._gallery.nearest(np.where(is_whole, vectors, np.float16(0)), self.settings.k)
        return np.where(is_whole, smoothed_log(vote(nearest, self.hierarchy, self.settings), self.hierarchy, self.settings.smoothing), np.nan)
