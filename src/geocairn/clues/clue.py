"""What every clue is: words that were read, and how much likelier they are in each place than on Earth at large."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geocairn.places.hierarchy import Hierarchy

Box = tuple[float, float, float, float]


class Tier(StrEnum):
    """How far a kind of clue is to be trusted: the probability that it speaks of the place where the photo was taken (clues/reliability.json)."""

    CERTAIN = "certain"
    STRONG = "strong"
    MEDIUM = "medium"
    WEAK = "weak"


@dataclass(frozen=True, eq=False)
class Clue:
    """One reason to prefer some places to others.

    Attributes:
        kind: the kind of clue, as `ClueRecord.kind` lists them.
        text: the words read, as they stand in the photo or hint.
        box_px: left, top, right, bottom in pixels of the upright photo; None where the clue has no place in it.
        tier: how far it is to be trusted.
        ratio: (L,) float32, how much likelier the words are in each leaf than on Earth at large, were the clue to be trusted; its mean under
            the hierarchy's leaf weights is 1.
        supports: index of the place that the clue favours most.
    """

    kind: str
    text: str
    box_px: Box | None
    tier: Tier
    ratio: NDArray[np.float32]
    supports: int

    def log_likelihood(self, reliability: Mapping[Tier, float]) -> NDArray[np.float64]:
        """(L,) log of (1 - r) + r * ratio: with probability r the clue tells the truth, else it says nothing."""
        r = reliability[self.tier]
        with np.errstate(divide="ignore"):
            return np.log((1 - r) + r * self.ratio.astype(np.float64))


def ratio_from_frequency(hierarchy: Hierarchy, frequency: NDArray[np.float64]) -> NDArray[np.float32]:
    """How much likelier something is in each leaf than on Earth at large.

    Args:
        frequency: (L,) non-negative, relative frequency with which it is seen in a photo of each leaf; not all zero.

    Returns:
        (L,) float32 with mean 1 under the leaf weights.
    """
    return (frequency / (hierarchy.weight[hierarchy.leaves] @ frequency)).astype(np.float32)


def country_clue(
    hierarchy: Hierarchy, frequency_by_country: Mapping[str, float], *, kind: str, text: str, tier: Tier, box_px: Box | None = None
) -> Clue | None:
    """A clue that tells countries apart and nothing finer.

    Args:
        frequency_by_country: ISO 3166 alpha-2 code -> relative frequency (any scale) of the sight in that country's photos; absent means never.

    Returns:
        The clue; None where no country named is in the hierarchy.
    """
    known = {hierarchy.country_index[code]: value for code, value in frequency_by_country.items() if code in hierarchy.country_index and value > 0}
    if not known:
        return None
    frequency = np.zeros(len(hierarchy))
    frequency[list(known)] = list(known.values())
    ratio = ratio_from_frequency(hierarchy, frequency[hierarchy.ancestor_of_leaves(0)])
    favoured = max(known, key=lambda place: (known[place] * hierarchy.weight[place], -place))
    return Clue(kind=kind, text=text, box_px=box_px, tier=tier, ratio=ratio, supports=favoured)


@cache
def shipped_reliability() -> dict[Tier, float]:
    """Probability that a clue of each tier tells the truth, as fitted by recipes/fit_reliability.sh."""
    return {Tier.CERTAIN: 1.0} | {Tier(name): entry["mean"] for name, entry in _fitted()["tiers"].items()}


@cache
def shipped_word_law() -> dict[str, dict[str, float]]:
    """How common in print the name of a place is: zipf = intercept + slope * log10(x).

    `english` for names of places in English-speaking countries and `foreign` for foreign languages, both by the share of photos that the place draws;
    `own` for other countries' own languages, by people + 1000.
    """
    return dict(_fitted()["word_law"])


def _fitted() -> dict[str, Any]:
    values: dict[str, Any] = json.loads(files("geocairn.clues").joinpath("reliability.json").read_text(encoding="utf-8"))
    return values
