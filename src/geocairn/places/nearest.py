"""From coordinates to the leaf in whose territory they lie."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from geocairn.geo.sphere import unit_from_latlon
from geocairn.places.hierarchy import Hierarchy
from geocairn.places.territory import empty_points


class NearestPlace:
    """A k-d tree over the leaves of a hierarchy, on unit vectors: right at the poles and across the antimeridian."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        units = hierarchy.unit[hierarchy.leaves]
        self._n_leaves = len(units)
        self._tree = cKDTree(np.concatenate([units, empty_points(units)]))

    def leaf(self, latlon_deg: ArrayLike) -> NDArray[np.int64]:
        """The leaf in whose territory each point lies.

        Args:
            latlon_deg: (N, 2) latitude and longitude in degrees.

        Returns:
            (N,) int64 leaf indices; -1 for points that belong to no territory (open ocean, wilderness).
        """
        _, nearest = self._tree.query(unit_from_latlon(latlon_deg))
        return np.where(nearest < self._n_leaves, nearest, -1)
