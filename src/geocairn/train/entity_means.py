"""What entities look like before training: the mean features of their photos, or several means of groups of them (prototypes)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from geocairn.config import Config
from geocairn.errors import BadFeatures
from geocairn.systems.leaf_scorer import Scaling
from geocairn.train.rows import Rows

_BLOCK = 65536


class PrototypeSettings(Config):
    """Into how many groups an entity's photos are cut, each with a mean of its own."""

    per_entity: int = Field(1, ge=1, le=64, description="at most so many; 1 is the mean of all photos")
    min_photos: int = Field(16, ge=1, description="an entity has a prototype for each so many photos, one at least: of a photo or two it would be no mean")
    max_photos: int = Field(2048, ge=64, description="prototypes of an entity with more photos are learned from so many of them, drawn by the seed")
    n_iterations: int = Field(20, ge=1, le=1000, description="of k-means, fewer where nothing moves")


@dataclass(frozen=True)
class EntityMeans:
    """The n entities of one level.

    Attributes:
        image: (n, F) float32 mean features of the photos labelled so, NaN where there is none; or (n, P, F) of groups of them, an entity's first, NaN after.
        count: (n,) int64 photos.
    """

    image: NDArray[np.float32]
    count: NDArray[np.int64]


def entity_means(parts: Sequence[Rows], n_entities: Sequence[int]) -> list[EntityMeans]:
    """Mean features of the rows labelled with each entity.

    Args:
        parts: rows of one store and one hierarchy.
        n_entities: of each level.

    Returns:
        For each level (n, F) means.

    Raises:
        BadFeatures: some features are not finite.
    """
    dim = parts[0].features.meta.header.dim
    sums = [torch.zeros((n, dim), dtype=torch.float64) for n in n_entities]
    counts = [np.zeros(n, dtype=np.int64) for n in n_entities]
    for rows in parts:
        for block, features in feature_blocks(rows):
            for level, place in enumerate(rows.labels[block].T):
                known = np.flatnonzero(place >= 0)
                sums[level].index_add_(0, torch.from_numpy(place[known]), features[torch.from_numpy(known)])
                counts[level] += np.bincount(place[known], minlength=len(counts[level]))
    with np.errstate(invalid="ignore"):
        return [EntityMeans((total.numpy() / count[:, None]).astype(np.float32), count) for total, count in zip(sums, counts, strict=True)]


def entity_prototypes(means: EntityMeans, parts: Sequence[Rows], level: int, scaling: Scaling, settings: PrototypeSettings, *, seed: int) -> EntityMeans:
    """Cut the photos of each entity of a level into groups by k-means on standardised features.

    Args:
        means: of the level, from `entity_means` of the same rows.
        parts: rows of one store and one hierarchy.
        level: index.
        scaling: by which features are standardised.
        seed: the same seed gives the same groups.

    Returns:
        (n, P, F): each prototype is the mean of those photos, of all or of `max_photos` drawn, that are nearer to it than to the entity's others. Equal
        photos are in one group, so an entity may have fewer; one that is not to be cut keeps its mean.
    """
    wanted = np.minimum(settings.per_entity, means.count // settings.min_photos)
    image = np.full((len(means.count), settings.per_entity, means.image.shape[1]), np.nan, dtype=np.float32)
    image[:, 0] = means.image
    part, row, entity = _members(parts, level, wanted > 1, settings.max_photos, seed)
    numbers = np.random.default_rng((seed, level))
    for chunk in _whole_entities(entity, max(_BLOCK, settings.max_photos)):
        features = np.empty((chunk.stop - chunk.start, image.shape[2]), dtype=np.float32)
        for index, rows in enumerate(parts):
            here = np.flatnonzero(part[chunk] == index)
            features[here] = rows.read(row[chunk][here]).numpy()
        here, first = np.unique(entity[chunk], return_index=True)
        image[here] = _grouped_k_means(scaling(features), features, first, wanted[here], settings, numbers)
    return EntityMeans(image, means.count)


def feature_blocks(rows: Rows) -> Iterator[tuple[NDArray[np.int64], torch.Tensor]]:
    """Consecutive rows and their (B, F) float64 features."""
    for start in range(0, len(rows), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(rows)))
        features = rows.read(block).double()
        n_faulty = int((~features.isfinite()).any(dim=1).sum())
        if n_faulty:
            raise BadFeatures(f"{rows.features.folder}: {n_faulty} photos that entities are made of have no finite features; leave them out")
        yield block, features


def _members(
    parts: Sequence[Rows], level: int, is_cut: NDArray[np.bool_], max_photos: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Part, row and entity of the photos of the entities that are cut, by entity; of one with more photos so many, drawn at random."""
    entity = np.concatenate([rows.labels[:, level] for rows in parts])
    part = np.repeat(np.arange(len(parts)), [len(rows) for rows in parts])
    row = np.concatenate([np.arange(len(rows)) for rows in parts])
    known = np.flatnonzero(entity >= 0)
    known = known[is_cut[entity[known]]]
    shuffled = np.random.default_rng((seed, level, 1)).permutation(known)
    order = shuffled[np.argsort(entity[shuffled], kind="stable")]
    rank = np.arange(len(order)) - np.searchsorted(entity[order], entity[order])
    order = np.sort(order[rank < max_photos])
    order = order[np.argsort(entity[order], kind="stable")]
    return part[order], row[order], entity[order]


def _whole_entities(entity: NDArray[np.int64], at_most: int) -> Iterator[slice]:
    """Slices of sorted entities with at most so many rows each, and no entity in two of them; none has more rows than that."""
    stops = np.append(np.flatnonzero(np.diff(entity)) + 1, len(entity)) if len(entity) else np.zeros(0, dtype=np.int64)
    start = 0
    while start < len(entity):
        stop = int(stops[np.searchsorted(stops, start + at_most, side="right") - 1])
        yield slice(start, stop)
        start = stop


def _grouped_k_means(
    points: NDArray[np.float32],
    features: NDArray[np.float32],
    first: NDArray[np.int64],
    wanted: NDArray[np.int64],
    settings: PrototypeSettings,
    numbers: np.random.Generator,
) -> NDArray[np.float32]:
    """k-means of many entities at once.

    Args:
        points: (N, F) standardised, by entity.
        features: (N, F) what is averaged in the end.
        first: (E,) first row of each entity.
        wanted: (E,) groups.

    Returns:
        (E, P, F) means of `features`, NaN after an entity's last group.
    """
    n = np.diff(np.append(first, len(points)))
    owner = np.repeat(np.arange(len(first)), n)
    centres, nearest = _spread(points, owner, first, wanted, settings.per_entity, numbers)
    for _ in range(settings.n_iterations):
        moved, _ = _means(points, owner, nearest, len(first), settings.per_entity)
        # A group that has lost all its photos stays where it was.
        centres = np.where(np.isnan(moved), centres, moved)
        before, nearest = nearest, _nearest(points, owner, centres)
        if (before == nearest).all():
            break
    means, count = _means(features, owner, nearest, len(first), settings.per_entity)
    order = np.argsort(count == 0, axis=1, kind="stable")
    return np.take_along_axis(means, order[:, :, None], axis=1)


def _spread(
    points: NDArray[np.float32], owner: NDArray[np.int64], first: NDArray[np.int64], wanted: NDArray[np.int64], n_groups: int, numbers: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Photos to begin with, each drawn by its squared distance from those drawn before (k-means++), NaN where an entity wants no more or has no other photos;
    and the nearest of them for each photo."""
    centres = np.full((len(first), n_groups, points.shape[1]), np.nan, dtype=np.float32)
    nearest = np.zeros(len(points), dtype=np.int64)
    square = np.ones(len(points))
    for group in range(n_groups):
        # The largest of w / Exp(1) is each with a chance by its w: one draw for all entities.
        odds = square / numbers.standard_exponential(len(points))
        best = np.maximum.reduceat(odds, first)
        drawn = np.flatnonzero((odds == best[owner]) & (best[owner] > 0) & (wanted[owner] > group))
        here, index = np.unique(owner[drawn], return_index=True)
        centres[here, group] = points[drawn[index]]
        distance = _square(points, centres[:, group], owner)
        is_nearer = distance < (square if group else np.inf)
        nearest[is_nearer] = group
        square = np.where(is_nearer, distance, square)
    return centres, nearest


def _nearest(points: NDArray[np.float32], owner: NDArray[np.int64], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    """(N,) the nearest of the entity's centres, the first of equals."""
    square = np.stack([_square(points, centres[:, group], owner) for group in range(centres.shape[1])])
    return np.asarray(np.nan_to_num(square, nan=np.inf).argmin(axis=0))


def _square(points: NDArray[np.float32], centres: NDArray[np.float32], owner: NDArray[np.int64]) -> NDArray[np.float32]:
    """(N,) squared distances of points from their entity's centre."""
    difference = points - centres[owner]
    return np.asarray(np.einsum("nf,nf->n", difference, difference))


def _means(
    values: NDArray[np.float32], owner: NDArray[np.int64], group: NDArray[np.int64], n_entities: int, n_groups: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(E, P, F) means and (E, P) numbers of the rows of each group of each entity; NaN where there are none."""
    slot = owner * n_groups + group
    count = np.bincount(slot, minlength=n_entities * n_groups)
    total = torch.zeros((len(count), values.shape[1]), dtype=torch.float64).index_add_(0, torch.from_numpy(slot), torch.from_numpy(values).double()).numpy()
    with np.errstate(invalid="ignore"):
        means = (total / count[:, None]).astype(np.float32)
    return means.reshape(n_entities, n_groups, -1), count.reshape(n_entities, n_groups)
