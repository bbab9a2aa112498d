"""What every system gives: for a photo, log-scores over the levels of a hierarchy, clues over the same hierarchy, and whether it is a photo at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from geocairn.answer.decide import Calibration
from geocairn.answer.posterior import LevelScores
from geocairn.clues.clue import Clue, Tier
from geocairn.photo.read import Photo
from geocairn.places.hierarchy import Hierarchy


@dataclass(frozen=True)
class Evidence:
    """What a system has to say of one photo.

    Attributes:
        scores: per level of the hierarchy, log-scores of its places; None for a level that says nothing.
        clues: read from the pixels.
        not_photo: why the picture is no photograph of a place, in words; None where it may be one.
    """

    scores: LevelScores
    clues: tuple[Clue, ...] = ()
    not_photo: str | None = None


class System(Protocol):
    """A scorer of places with what its answers need."""

    name: str
    sha256: str
    hierarchy: Hierarchy
    territory: Path
    calibration: Calibration
    reliability: Mapping[Tier, float]

    def evidence(self, photo: Photo) -> Evidence:
        """Look at one photo."""
        ...

    def hint_clues(self, words: str) -> list[Clue]:
        """Read a user's words as text about the place."""
        ...


@runtime_checkable
class FeatureSystem(Protocol):
    """A system that also, or only, takes features of photos.

    Attributes:
        stores: feature stores beside a manifest whose rows it takes, joined in this order, and the encoder that must have made each.
        looks_at_photos: whether it also takes photos.
    """

    stores: Mapping[str, str]
    looks_at_photos: bool

    def evidence_of_features(self, features: NDArray[Any]) -> list[Evidence]:
        """Weigh (B, F) features, finite and of the width that the stores give; a row's evidence does not depend on the other rows.

        Raises:
            BadFeatures: of another width.
        """
        ...
