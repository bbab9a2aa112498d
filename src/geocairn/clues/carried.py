"""Clues carried from the places they were read over to another hierarchy's: words are read over the atlas, and a trained bundle has places of its own."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geocairn.clues.clue import Clue, ratio_from_frequency
from geocairn.places.hierarchy import Hierarchy

# A clue favours a place where it is at least half as strong as anywhere in there for this share of the photos.
EVEN_SHARE = 0.9


class Carrier:
    """From the leaves of one hierarchy to those of another.

    Each leaf of the first lies in the nearest leaf of the second, of its own country where that is there. Words are as likely in a leaf of the second as in
    the photos of all leaves of its country that lie in it, and where none does as in the leaf that is nearest to it. Leaves of countries that the second
    does not know make their words likelier in the leaf they lie in and no others less likely: else one at the border of a large unknown country would be of
    no place any more.
    """

    def __init__(self, source: Hierarchy, target: Hierarchy) -> None:
        self._source, self._target = source, target
        self._weight = source.weight[source.leaves]
        self._into = nearest_leaves(source, target)
        self._nearest = nearest_leaves(target, source)
        theirs = _country_codes(target)[self._into]
        self._is_own = (theirs == _country_codes(source)) | (theirs == "")
        self._own = self._sums(self._weight * self._is_own)
        self._all = self._sums(self._weight)

    def carried(self, clue: Clue) -> Clue | None:
        """The clue over the second hierarchy; None where it is of no place that is there."""
        mass = self._weight * clue.ratio
        own, foreign = self._sums(mass * self._is_own), self._sums(mass * ~self._is_own)
        frequency = np.where(self._own > 0, own / np.where(self._own > 0, self._own, 1), clue.ratio[self._nearest])
        frequency += foreign / np.where(self._all > 0, self._all, 1)
        if not frequency.any():
            return None
        ratio = ratio_from_frequency(self._target, frequency)
        level = self._source.level_names[self._source.level[clue.supports]]
        return replace(clue, ratio=ratio, supports=favoured_place(self._target, ratio, level))

    def _sums(self, of_leaves: NDArray[np.floating]) -> NDArray[np.float64]:
        """Of the leaves of the first hierarchy that lie in each of the second."""
        return np.asarray(np.bincount(self._into, of_leaves, minlength=self._target.n_leaves), dtype=np.float64)


def nearest_leaves(of: Hierarchy, among: Hierarchy) -> NDArray[np.int64]:
    """(L,) for each leaf of the first hierarchy the nearest leaf of the second, in the same country where the second has that."""
    own, theirs = _country_codes(of), _country_codes(among)
    found = np.asarray(cKDTree(among.leaf_unit).query(of.leaf_unit)[1], dtype=np.int64)
    for code in sorted(({*own} & {*theirs}) - {""}):
        here, there = np.flatnonzero(own == code), np.flatnonzero(theirs == code)
        found[here] = there[cKDTree(among.leaf_unit[there]).query(of.leaf_unit[here])[1]]
    return found


def favoured_place(hierarchy: Hierarchy, ratio: NDArray[np.float32], level: str) -> int:
    """The place that a clue favours most: of a level where there is one, else the largest that it favours as a whole.

    Args:
        ratio: (L,) how much likelier the words are in each leaf; not all zero.
        level: of what the words speak.

    Returns:
        Index of the place; without such a level, from the top down the child with most of the posterior, until the clue is even there.
    """
    weight = hierarchy.weight[hierarchy.leaves]
    mass = hierarchy.sum_leaves(weight * ratio)
    places = hierarchy.places_of(level) if level in hierarchy.level_names else range(0)
    if places and mass[places.start : places.stop].any():
        return places.start + int(np.argmax(mass[places.start : places.stop]))
    within = np.flatnonzero(hierarchy.parent < 0)
    while True:
        place = int(within[np.argmax(mass[within])])
        leaves = slice(int(hierarchy.leaf_start[place]), int(hierarchy.leaf_stop[place]))
        is_strong = ratio[leaves] >= ratio[leaves].max() / 2
        within = np.flatnonzero(hierarchy.parent == place)
        if not len(within) or weight[leaves][is_strong].sum() >= EVEN_SHARE * weight[leaves].sum():
            return place


def _country_codes(hierarchy: Hierarchy) -> NDArray[np.str_]:
    """(L,) code of each leaf's country; empty for a leaf without one."""
    if "country" not in hierarchy.level_names:
        return np.full(hierarchy.n_leaves, "")
    codes = np.array(["", *(hierarchy.ids[place] for place in hierarchy.places_of("country"))])
    country = hierarchy.ancestor_of_leaves(hierarchy.level_index("country"))
    return np.asarray(codes[np.where(country >= 0, country - hierarchy.places_of("country").start + 1, 0)])
