"""A Guess: what is scored of one answer, whether it came from a bundle or from a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geocairn.answer.prediction import Prediction
from geocairn.answer.regions import area_to_leaf_km2


@dataclass(frozen=True)
class Label:
    """What a place is called: its id in the hierarchy (None where it is not known there) and its name."""

    id: str | None
    name: str


@dataclass(frozen=True)
class LevelGuess:
    """The place answered at one level; `p` is None where the file does not say it."""

    label: Label
    p: float | None


@dataclass(frozen=True)
class Spot:
    """A candidate; radius and p are None where the file does not say them."""

    lat_deg: float
    lon_deg: float
    radius_km: float | None
    p: float | None


@dataclass(frozen=True)
class RegionHit:
    """One credible region: what it claims, and whether the truth lies in it."""

    nominal: float
    mass: float
    is_hit: bool


@dataclass(frozen=True)
class Guess:
    """One photo's answer; without candidates the photo failed and counts as infinitely far.

    Attributes:
        candidates: best first.
        levels: the levels that the answer supports.
        likeliest: the most probable place of every level, told or not; empty where the source does not say it.
        regions: empty where the source does not say which places a region holds.
        clues: kind of each clue and the id of the place it supports.
        abstain: why no place is answered; None for an answer.
        error: why the photo could not be read; None where it could.
        area_to_truth_km2: what a search by falling posterior density goes through until it has the truth, infinite where it never has; None where the
            source does not say its posterior.
    """

    candidates: tuple[Spot, ...] = ()
    levels: Mapping[str, LevelGuess] = field(default_factory=dict)
    likeliest: Mapping[str, Label] = field(default_factory=dict)
    regions: tuple[RegionHit, ...] = ()
    clues: tuple[tuple[str, str], ...] = ()
    abstain: str | None = None
    error: str | None = None
    area_to_truth_km2: float | None = None

    @property
    def best(self) -> Spot | None:
        """The first candidate, by which the photo is scored; None where it failed."""
        return self.candidates[0] if self.candidates else None

    @property
    def is_failed(self) -> bool:
        """The photo has no answer at all, not even a marked one."""
        return not self.candidates

    @property
    def is_answered(self) -> bool:
        """A place is answered: neither failed nor abstained."""
        return bool(self.candidates) and self.abstain is None


ABSENT = Guess(error="no prediction for this photo")


def guess_from_prediction(prediction: Prediction, true_leaf: int, leaf_area_km2: NDArray[np.float32] | None = None) -> Guess:
    """What is scored of a prediction; its posterior and what its regions hold (up to a megabyte) are looked at here and let go.

    Args:
        prediction: of one photo.
        true_leaf: leaf of the prediction's hierarchy that the photo was taken in; -1 where it belongs to none, and then lies outside every region.
        leaf_area_km2: (L,) areas of the hierarchy's leaves; without them, or where the prediction does not carry its posterior, no area is said.
    """
    if prediction.error is not None:
        return Guess(error=prediction.error)
    return Guess(
        candidates=tuple(Spot(spot.lat_deg, spot.lon_deg, spot.radius_km, spot.p) for spot in prediction.candidates),
        levels={answer.level: LevelGuess(Label(answer.id, answer.name), answer.p) for answer in prediction.levels},
        likeliest={answer.level: Label(answer.id, answer.name) for answer in prediction.likeliest},
        regions=tuple(
            RegionHit(region.nominal, region.mass, bool((region.member_leaves() == true_leaf).any())) for region in prediction.regions if region.members
        ),
        clues=tuple((clue.kind, clue.supports) for clue in prediction.clues),
        abstain=prediction.abstain,
        area_to_truth_km2=area_to_leaf_km2(prediction.posterior(), leaf_area_km2, true_leaf) if prediction.leaf_mass and leaf_area_km2 is not None else None,
    )
