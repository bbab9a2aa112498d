"""A tree of clusters over any vectors: spherical k-means, each cluster cut into finer ones, so that a finer cluster lies in exactly one coarser one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, field_validator

from geocairn.config import Config
from geocairn.errors import BadHierarchy, MissingExtra

_CHUNK = 2**24


class TreeSettings(Config):
    """How vectors are cut into clusters."""

    branches: tuple[int, ...] = Field((32, 32), min_length=1, max_length=16, description="clusters that one is cut into on average, level by level")
    seed: int = Field(0, ge=0, lt=2**31)
    n_iterations: int = Field(20, ge=1, le=1000, description="of k-means, for each cut")
    max_points_per_cluster: int = Field(1024, ge=1, lt=2**31, description="a cut with more vectors than this per cluster learns from a sample of them")

    @field_validator("branches")
    @classmethod
    def _at_least_one(cls, branches: tuple[int, ...]) -> tuple[int, ...]:
        if any(n < 1 for n in branches):
            raise ValueError("a cluster is cut into at least 1")
        return branches


@dataclass(frozen=True)
class Tree:
    """N vectors in L levels of clusters, coarse to fine; clusters of one parent have consecutive numbers, in the order of their parents.

    Attributes:
        labels: (N, L) int32, the cluster of each vector at each level.
        centroids: per level (K, d) float32 unit vectors. Among the clusters of its parent a vector is in the one whose centroid is nearest.
        parents: per level (K,) int32, the cluster of the level above that each lies in; -1 at the first.
    """

    labels: NDArray[np.int32]
    centroids: list[NDArray[np.float32]]
    parents: list[NDArray[np.int32]]


def spherical_tree(vectors: ArrayLike, settings: TreeSettings) -> Tree:
    """Cut vectors into a tree of clusters by their directions.

    Args:
        vectors: (N, d) finite numbers, none of them a zero vector; lengths do not matter.
        settings: level l has `branches[0] * ... * branches[l]` clusters, none empty: a cluster has as many finer ones as is its share of the vectors.

    Returns:
        The tree: the same for the same seed, and for any order of the rows. Equal vectors are in the same clusters and weigh as many as they are.

    Raises:
        BadHierarchy: vectors that have no direction, or fewer different ones than clusters.
        MissingExtra: faiss is not installed.
    """
    rows = _unit_rows(vectors)
    # Sorted: so the order of the rows does not show.
    distinct, which, count = _distinct(rows)
    n_clusters = np.cumprod(np.array(settings.branches, dtype=object))
    if n_clusters[-1] > len(distinct):
        raise BadHierarchy(f"{n_clusters[-1]} clusters of {len(distinct)} different vectors; choose fewer branches than {settings.branches}")
    labels, centroids, parents = [np.zeros(len(distinct), dtype=np.int32)], [], []
    for n in n_clusters.tolist():
        label, centroid, parent = _cut_all(distinct, count, labels[-1], n, settings)
        labels.append(label)
        centroids.append(centroid)
        parents.append(parent)
    return Tree(np.stack(labels[1:], axis=1)[which], centroids, [np.full(len(parents[0]), -1, dtype=np.int32), *parents[1:]])


def _cut_all(
    distinct: NDArray[np.float32], count: NDArray[np.int64], above: NDArray[np.int32], n: int, settings: TreeSettings
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int32]]:
    """Cut the clusters `above` into `n` in all: labels, centroids and parents."""
    order = np.argsort(above, kind="stable")
    stops = np.cumsum(np.bincount(above))
    starts = np.concatenate([[0], stops[:-1]])
    shares = _shares(n, np.bincount(above, count).astype(np.int64), stops - starts)
    label, centroids = np.empty(len(distinct), dtype=np.int32), np.empty((n, distinct.shape[1]), dtype=np.float32)
    first = 0
    for start, stop, k in zip(starts.tolist(), stops.tolist(), shares.tolist(), strict=True):
        members = order[start:stop]
        inside, centroids[first : first + k] = _cut(distinct[members], count[members], k, settings)
        label[members] = first + inside
        first += k
    return label, centroids, np.repeat(np.arange(len(shares), dtype=np.int32), shares)


def _shares(n: int, size: NDArray[np.int64], n_distinct: NDArray[np.int64]) -> NDArray[np.int64]:
    """`n` shared out by size, each cluster getting one at least and no more than it has different vectors; what is left goes where the quotient is largest."""
    shares: NDArray[np.int64] = np.clip(n * size // size.sum(), 1, n_distinct)
    while shares.sum() != n:
        step = 1 if shares.sum() < n else -1
        can = shares < n_distinct if step > 0 else shares > 1
        # By size per cluster, as seats are given to parties (Jefferson's method), in one go as far as each can take one.
        quotient = np.where(can, size / (shares + (step > 0)) * step, -np.inf)
        chosen = np.argsort(-quotient, kind="stable")[: min(abs(n - int(shares.sum())), int(can.sum()))]
        shares[chosen] += step
    return shares


def _cut(vectors: NDArray[np.float32], count: NDArray[np.int64], k: int, settings: TreeSettings) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Cut different vectors into `k` clusters, none empty: labels and centroids."""
    if k == len(vectors):
        return np.arange(k), vectors
    centroids = _k_means(vectors, count, k, settings)
    pinned: dict[int, int] = {}
    while True:
        label, nearness = _nearest(vectors, centroids)
        label[list(pinned)] = list(pinned.values())
        empty = np.flatnonzero(np.bincount(label, minlength=k) == 0)
        if not len(empty):
            return label, centroids
        # An empty cluster moves to the vector that is worst off and keeps it, so that each moves but once.
        nearness[list(pinned)] = np.inf
        worst = np.argsort(nearness, kind="stable")[: len(empty)]
        centroids[empty] = vectors[worst]
        pinned |= dict(zip(worst.tolist(), empty.tolist(), strict=True))


def _k_means(vectors: NDArray[np.float32], count: NDArray[np.int64], k: int, settings: TreeSettings) -> NDArray[np.float32]:
    if k == 1:
        mean = count @ vectors.astype(np.float64)
        length = np.linalg.norm(mean)
        return (mean / length if length > 1e-9 * count.sum() else vectors[:1]).reshape(1, -1).astype(np.float32)
    numbers = np.random.default_rng(settings.seed)
    n_learned_from = k * settings.max_points_per_cluster
    if len(vectors) > n_learned_from:
        sample = np.sort(numbers.choice(len(vectors), n_learned_from, replace=False))
        vectors, count = vectors[sample], count[sample]
    with _one_thread() as faiss:
        options = {"spherical": True, "min_points_per_centroid": 1, "max_points_per_centroid": len(vectors)}
        kmeans = faiss.Kmeans(vectors.shape[1], k, niter=settings.n_iterations, seed=settings.seed, **options)
        kmeans.train(vectors, weights=count.astype(np.float32), init_centroids=_spread(vectors, count, k, numbers))
    centroids = np.array(kmeans.centroids, dtype=np.float64)
    length = np.linalg.norm(centroids, axis=1, keepdims=True)
    # Vectors that cancel out have no mean; any of them stands for it.
    return np.where(length > 0.5, centroids / np.maximum(length, 0.5), vectors[:1]).astype(np.float32)


def _spread(vectors: NDArray[np.float32], count: NDArray[np.int64], k: int, numbers: np.random.Generator) -> NDArray[np.float32]:
    """`k` of the vectors to begin with, each drawn by its squared distance from those drawn before (k-means++, Arthur and Vassilvitskii 2007)."""
    wide = vectors.astype(np.float64)
    chosen, nearest = [int(numbers.choice(len(wide), p=count / count.sum()))], np.full(len(wide), np.inf)
    while len(chosen) < k:
        nearest = np.minimum(nearest, ((wide - wide[chosen[-1]]) ** 2).sum(1))
        odds = np.cumsum(nearest * count)
        drawn = int(np.searchsorted(odds, numbers.random() * odds[-1], side="right"))
        chosen.append(min(drawn, len(wide) - 1))  # the product may be rounded up to the last
    return vectors[chosen]


@contextmanager
def _one_thread() -> Iterator[Any]:
    """faiss on one thread: with more, sums differ in the last bit from machine to machine."""
    try:
        import faiss
    except ImportError:
        raise MissingExtra("clusters need the package faiss; mend: pip install geocairn[search]") from None
    n_threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield faiss
    finally:
        faiss.omp_set_num_threads(n_threads)


def _nearest(vectors: NDArray[np.float32], centroids: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(N,) index of the nearest centroid, the first of equals, and its cosine: in float64, for cosines in float32 take points 2 km apart on Earth for one."""
    wide = centroids.astype(np.float64)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    label, nearness = np.empty(len(vectors), dtype=np.int64), np.empty(len(vectors))
    step = max(1, _CHUNK // max(len(centroids), vectors.shape[1]))
    for at in range(0, len(vectors), step):
        cosine = vectors[at : at + step].astype(np.float64) @ wide.T
        label[at : at + step] = cosine.argmax(1)
        nearness[at : at + step] = cosine.max(1)
    return label, nearness


def _unit_rows(vectors: ArrayLike) -> NDArray[np.float32]:
    rows = np.asarray(vectors)
    if rows.ndim != 2 or rows.dtype.kind not in "fiu" or not rows.size:
        raise BadHierarchy(f"vectors are {rows.dtype} of shape {rows.shape}; give numbers of shape (N, d), one vector a row")
    units = np.empty(rows.shape, dtype=np.float32)
    step = max(1, _CHUNK // rows.shape[1])
    for at in range(0, len(rows), step):
        wide = rows[at : at + step].astype(np.float64)
        longest = np.abs(wide).max(1, keepdims=True)
        without = np.flatnonzero(~((longest > 0) & np.isfinite(longest)))
        if len(without):
            raise BadHierarchy(f"vector {at + int(without[0])}, from 0, is nought or not finite and so has no direction; leave such rows out")
        wide /= longest  # first, for squares of very long and very short vectors are beyond numbers
        units[at : at + step] = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    return units + np.float32(0)  # so that -0.0 and 0.0 are one


def _distinct(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """The different rows, sorted by their bytes; for each row which of them it is; how often each occurs."""
    rows = np.ascontiguousarray(rows)
    keys, which, count = np.unique(rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel(), return_inverse=True, return_counts=True)
    return np.ascontiguousarray(keys).view(np.float32).reshape(len(keys), -1), which, count
