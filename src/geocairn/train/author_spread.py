"""How photos of one place differ by who took them: what no model should learn a place by, for nobody new takes photos as they did."""

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from geocairn.config import Config
from geocairn.errors import BadManifest
from geocairn.places.hierarchy import Hierarchy
from geocairn.systems.leaf_scorer import Scaling
from geocairn.train.leaves import deepest_places
from geocairn.train.rows import Rows

# So many photos of one author in one place are a mean; of fewer, their noise is most of what is seen.
_MIN_PHOTOS = 3


class AugmentSettings(Config):
    """How features of training photos are altered each time they are shown."""

    author_spread: float = Field(
        0.0, ge=0, description="add differences as between two authors in one place, times this: their photos cannot be told apart by who took them; 0: none"
    )
    max_photos: int = Field(200_000, ge=1000, description="the differences between authors are learned from so many photos, drawn by the seed")


def author_spread(rows: Rows, hierarchy: Hierarchy, scaling: Scaling, settings: AugmentSettings, *, seed: int) -> Tensor:
    """The spread of authors' mean features about the mean of their place, less what the photos' own noise adds to it.

    Args:
        rows: with authors.
        scaling: by which features are standardised.

    Returns:
        (F, F) float32 matrix A: A g of a standard normal g is a difference of standardised features that has this covariance, A A^T.

    Raises:
        BadManifest: too few places with photos of two authors, or none of the rows names one.
    """
    place = deepest_places(rows.labels, hierarchy)
    known = np.flatnonzero((rows.author >= 0) & (place >= 0))
    known = np.sort(np.random.default_rng((seed, 7)).permutation(known)[: settings.max_photos])
    pairs, pair, count = np.unique(np.stack([place[known], rows.author[known]]), axis=1, return_inverse=True, return_counts=True)
    often = count >= _MIN_PHOTOS
    n_authors = np.bincount(pairs[0, often]) if often.any() else np.zeros(1, dtype=np.int64)
    often &= n_authors[np.minimum(pairs[0], len(n_authors) - 1)] >= 2
    if often.sum() < 2:
        raise BadManifest(
            f"augment.author_spread = {settings.author_spread:g}: no place has two authors with {_MIN_PHOTOS} training photos each; "
            "give the rows' authors in a column 'author', or set it to 0"
        )
    features = torch.from_numpy(scaling(rows.read(known).numpy())).double()
    means = _means(features, pair.ravel(), len(count))
    about = features - means[torch.from_numpy(pair.ravel())]
    noise = about.T @ about / max(1, len(features) - len(count))
    of_place = np.unique(pairs[0, often], return_inverse=True)[1]
    apart = means[torch.from_numpy(often)]
    sizes = torch.from_numpy(np.bincount(of_place)).double()[torch.from_numpy(of_place)]
    # An author's distance from a mean of n authors is short by (n - 1) / n.
    apart = (apart - _means(apart, of_place, int(of_place.max()) + 1)[torch.from_numpy(of_place)]) * (sizes / (sizes - 1)).sqrt()[:, None]
    covariance = apart.T @ apart / len(apart) - noise * float(np.mean(1 / count[often]))
    values, vectors = torch.linalg.eigh(covariance)
    spread: Tensor = vectors * values.clamp_min(0).sqrt()
    return spread.float()


def _means(values: Tensor, group: NDArray[np.int64], n_groups: int) -> Tensor:
    """(n_groups, F) means of (N, F) values by group."""
    index = torch.from_numpy(group)
    total = torch.zeros((n_groups, values.shape[1]), dtype=values.dtype).index_add_(0, index, values)
    return total / torch.bincount(index, minlength=n_groups)[:, None]
