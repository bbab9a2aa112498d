"""The Prediction: what Geocairn answers about one photo, and its JSON."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """Base of the parts of a prediction: frozen, and refusing unknown keys when read back."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LevelAnswer(Answer):
    """The place of one level that the answer supports."""

    level: str = Field(description="country, region, subregion or city")
    id: str = Field(description="id of the place; a country's is its ISO 3166 alpha-2 code")
    name: str
    p: float = Field(ge=0, le=1, description="probability that the photo was taken in this place")


class Candidate(Answer):
    """One hypothesis about where the photo was taken; no two candidates lie within each other's radius."""

    rank: int = Field(ge=1)
    lat_deg: float = Field(ge=-90, le=90)
    lon_deg: float = Field(ge=-180, le=180)
    radius_km: float = Field(gt=0)
    p: float = Field(ge=0, le=1, description="probability that the photo was taken within radius_km of the point")
    chain: list[str] = Field(description="names of the place at the point and of what it lies in, coarse to fine")


class Region(Answer):
    """A credible region: the smallest set of whole places that holds at least the nominal probability."""

    nominal: float = Field(gt=0, lt=1)
    mass: float = Field(ge=0, le=1, description="the probability that the set really holds: whole places overshoot the nominal")
    area_km2: float = Field(ge=0)
    members: bytes = Field(
        default=b"", exclude=True, repr=False, description="bit i says whether leaf i of the hierarchy is in the region; not part of the JSON"
    )
    territory: str = Field(default="", exclude=True, repr=False, description="file with the outlines of the hierarchy's leaves; not part of the JSON")

    def member_leaves(self) -> NDArray[np.int64]:
        """Indices of the hierarchy's leaves in the region; empty for a prediction read back from JSON."""
        return np.flatnonzero(np.unpackbits(np.frombuffer(self.members, dtype=np.uint8)))


class ClueRecord(Answer):
    """One reason: what was read, where, and what it speaks for."""

    kind: str = Field(description="toponym, language, script, phone, domain, currency, postal_code, street_word, hint, metadata, within, together")
    text: str = Field(description="the words read, as they stand in the photo or hint")
    box_px: list[float] | None = Field(description="left, top, right, bottom in pixels of the upright photo; null where the clue has no place in it")
    supports: str = Field(description="id of the place that the clue favours most")
    log_odds: float = Field(description="by how much the clue alone raises the log odds of that place over its prior")


class Claim(Answer):
    """Where and when the file itself says it was taken: a claim, never part of the answer unless asked for."""

    source: str
    lat_deg: float | None
    lon_deg: float | None
    distance_km: float | None = Field(description="distance from the first candidate")
    captured_at: str | None = Field(default=None, description="local time of the camera, ISO 8601, without a zone unless the file has one")


class Provenance(Answer):
    """What made the answer: enough to make it again."""

    bundle: str
    bundle_sha256: str
    version: str
    settings_sha256: str
    calibrated: bool = Field(default=True, description="false where the bundle was never calibrated")
    seconds: float | None


class Prediction(Answer):
    """Where one photo was taken, how sure that is, and why. With `error` set, levels, candidates, regions and clues are empty and claimed is null."""

    photo: str
    sha256: str | None
    error: str | None
    abstain: str | None = Field(description="why no place is answered; candidates are then wide and say little")
    levels: list[LevelAnswer]
    candidates: list[Candidate]
    regions: list[Region]
    clues: list[ClueRecord]
    claimed: Claim | None
    provenance: Provenance
    likeliest: list[LevelAnswer] = Field(
        default_factory=list,
        exclude=True,
        repr=False,
        description="the most probable place of every level, however improbable; scored, never told, not part of the JSON",
    )
    leaf_mass: bytes = Field(
        default=b"", exclude=True, repr=False, description="float32 posterior over the hierarchy's leaves, where a Locator keeps it; not part of the JSON"
    )

    @property
    def best(self) -> Candidate | None:
        """The first candidate; None for a photo that could not be read."""
        return self.candidates[0] if self.candidates else None

    def posterior(self) -> NDArray[np.float32]:
        """(L,) probabilities of the hierarchy's leaves; empty where the Locator did not keep them and for a prediction read back from JSON."""
        return np.frombuffer(self.leaf_mass, dtype=np.float32)

    def to_dict(self) -> dict[str, Any]:
        """The prediction as plain dicts and lists, in the order of the schema."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        """The prediction as one line of JSON."""
        return self.model_dump_json()

    def to_geojson(self) -> dict[str, Any]:
        """The prediction as a GeoJSON FeatureCollection (RFC 7946): one Point per candidate, one MultiPolygon per credible region."""
        from geocairn.answer.geojson import feature_collection

        return feature_collection([self])
