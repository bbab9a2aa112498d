"""Which photos a step of training takes out of the means of entities: a batch's own, or all that their authors took in the same places."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geocairn.errors import BadManifest
from geocairn.models.entity_features import LeftOut
from geocairn.train.entity_means import feature_blocks
from geocairn.train.rows import Rows


def own_photos(features: Tensor, labels: Tensor) -> list[LeftOut]:
    """The photos of a batch alone.

    Args:
        features: (B, F).
        labels: (B, L) entities, negative where not known.

    Returns:
        For each level its labelled photos.
    """
    found = []
    for places in labels.T:
        known = places >= 0
        found.append(LeftOut(places[known], features[known], torch.ones_like(places[known])))
    return found


@dataclass(frozen=True)
class AuthorSums:
    """What each author took in each place.

    Attributes:
        pair: (N, L) int64 for each photo and level which author and place it belongs to; -1 where the place is not known.
        sums: for each level, for each such pair the place, the sum of features and the number of photos.
    """

    pair: NDArray[np.int64]
    sums: Sequence[LeftOut]

    @classmethod
    def of(cls, rows: Rows) -> Self:
        """Sums over all rows, kept in memory: (pairs, F) float32 for each level. A photo of nobody known is the only one of its author.

        Raises:
            BadManifest: none of the rows names an author.
            BadFeatures: some are not finite.
        """
        if (rows.author < 0).all():
            raise BadManifest("model.entities.leave_out = 'authors': no training row names one; give them in a column 'author', or set it to 'photos'")
        author = np.where(rows.author >= 0, rows.author, rows.author.max() + 1 + np.arange(len(rows)))
        pair = np.full(rows.labels.shape, -1, dtype=np.int64)
        entities, totals = [], []
        for level, places in enumerate(rows.labels.T):
            known = np.flatnonzero(places >= 0)
            each, pair[known, level] = np.unique(np.stack([places[known], author[known]]), axis=1, return_inverse=True)
            entities.append(torch.from_numpy(each[0].copy()))
            totals.append(torch.zeros((each.shape[1], rows.features.meta.header.dim)))
        for block, features in feature_blocks(rows):
            for level, total in enumerate(totals):
                known = np.flatnonzero(pair[block, level] >= 0)
                total.index_add_(0, torch.from_numpy(pair[block[known], level]), features[torch.from_numpy(known)].float())
        counts = [np.bincount(of_level[of_level >= 0], minlength=len(total)) for of_level, total in zip(pair.T, totals, strict=True)]
        sums = [LeftOut(entity, total, torch.from_numpy(count)) for entity, total, count in zip(entities, totals, counts, strict=True)]
        return cls(pair, sums)

    def left_out(self, rows: NDArray[np.int64], device: torch.device) -> list[LeftOut]:
        """For each level all photos by the authors of the given rows in the rows' places, each once."""
        found = []
        for level, sums in enumerate(self.sums):
            pairs = np.unique(self.pair[rows, level])
            here = torch.from_numpy(pairs[pairs >= 0])
            found.append(LeftOut(*(part[here].to(device) for part in sums)))
        return found
