"""The Report: every figure of an evaluation and what it was made from. Null stands for what is infinite or cannot be said."""

from math import isfinite
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from geocairn.evaluate.protocol import Protocol

Interval = tuple[float | None, float | None]
_DECIMALS = 6  # more would let the last bits of a sum differ between machines


class Record(BaseModel):
    """Base of the report's parts: frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ManifestRecord(Record):
    """What the truths were read from."""

    file: str
    sha256: str
    n_rows: int
    rejected: dict[str, int] = Field(description="rows left out, by reason")
    labels: dict[str, str] = Field(description="for each level, whether the true places are the manifest's or those nearest to its coordinates")


class SystemRecord(Record):
    """What was evaluated: a bundle, a file of predictions, or the best that places could answer."""

    bundle: str | None
    predictions: str | None = Field(description="name of the file")
    oracle: str | None = Field(default=None, description="name of the hierarchy or gallery whose best possible answers these are, and the level")
    sha256: str = Field(description="of the bundle, file or hierarchy")
    settings_sha256: str | None = Field(description="of the bundle's settings; null for a file")
    hierarchy_sha256: str | None = Field(description="of the places that truths and answers were compared in")
    version: str
    n_leaked: int = Field(default=0, description="photos of the manifest that the bundle's places are built from, as it declares: above 0 no honest test")


class FailureReason(Record):
    """How many photos failed for one reason."""

    n: int
    example: str = Field(description="the first of them")
    reason: str


class BootstrapRecord(Record):
    """How the intervals were made."""

    by: Literal["author", "photo"] = Field(description="photo, where the manifest names no author: then the intervals are too narrow")
    n_groups: int
    n_resamples: int
    seed: int


class Intervals(Record):
    """95 % intervals by author bootstrap, under the names of the figures that they belong to."""

    within_pct: dict[str, Interval]
    median_km: Interval
    mean_km: Interval
    geoscore: Interval
    level_accuracy_pct: dict[str, Interval]


class Share(Record):
    """How many of n are right."""

    n: int
    right: int
    pct: float | None
    wilson95_pct: Interval


class SupportedLevel(Share):
    """The places that answers name at one level, among photos whose true place is known."""

    mean_p: float | None = Field(description="mean of the probabilities claimed: an honest answer is right as often")


class CoverageRecord(Record):
    """How often truths lie in sets, against the probability that the sets claim to hold."""

    n: int
    mean_mass: float
    inside: float
    difference: float = Field(description="inside - mean_mass")
    standard_error: float | None = Field(description="of the difference, by author bootstrap")


class RegionCoverage(CoverageRecord):
    """Coverage of the credible regions of one nominal probability."""

    nominal: float


class ReliabilityBin(Record):
    """Candidates whose probability lies in [low, high), the last bin's in [low, 1]."""

    low: float
    high: float
    n: int
    mean_p: float
    inside: float = Field(description="share of them that have the truth within their radius")
    wilson95: Interval


class CandidateReliability(Record):
    """Whether `p` of a candidate is the probability that the truth lies within its radius."""

    first: CoverageRecord
    all: CoverageRecord
    bins: list[ReliabilityBin] = Field(description="of all candidates")


class CurvePoint(Record):
    """Answering only where the country's probability is at least `min_p`."""

    min_p: float
    answered_pct: float = Field(description="of all photos")
    n: int
    right: int
    precision_pct: float
    wilson95_pct: Interval


class ClueCount(Record):
    """How often a kind of clue fired, and how often the place it supports holds the photo."""

    n_photos: int
    n_clues: int
    n_judged: int = Field(description="clues whose place is known and whose photo lies in some place")
    right: int
    right_pct: float | None
    wilson95_pct: Interval
    country_right: int = Field(description="judged clues that lie in the right country")


class GroupIntervals(Record):
    """95 % intervals of a group's figures by author bootstrap; ends are null where fewer than five authors took its photos."""

    geoscore: Interval
    within_pct: dict[str, Interval] = Field(description="of the thresholds 25 and 750 km, where the protocol has them")


class GroupRow(Record):
    """The main figures of the photos that share a value: failed photos count as wrong."""

    value: str | None
    n: int
    n_failed: int
    within_pct: dict[str, float]
    median_km: float | None
    geoscore: float
    country_pct: float | None
    ci95: GroupIntervals


class AreaPoint(Record):
    """Share of all photos whose true place is reached within an area."""

    area_km2: float
    recall_pct: float
    ci95: Interval = Field(description="by author bootstrap")


class RecallVsArea(Record):
    """Recall as a function of the area that must be searched until the truth is in it (Bianco, Eigen and Gormish, arXiv 2407.13862)."""

    method: Literal["posterior", "point"] = Field(
        description="posterior: a bundle's places by falling density, up to and with the true one; point: the cap around the first candidate"
    )
    points: list[AreaPoint]
    area_km2_at_recall: dict[str, float | None] = Field(description="least area that reaches 25, 50 and 75 % of the photos; null where no area does")


class DifferenceRecord(Record):
    """This system's figure less the other's, over the same photos."""

    difference: float
    ci95: Interval
    is_below_zero: bool = Field(description="beyond the noise of a paired bootstrap by author")
    is_above_zero: bool


class Against(Record):
    """A paired comparison with another file of predictions."""

    predictions: str
    sha256: str
    n_failed: int
    failures: list[FailureReason] = Field(description="the commonest reasons, at most ten")
    within_pct: dict[str, DifferenceRecord]
    geoscore: DifferenceRecord
    country_pct: DifferenceRecord | None


class Report(Record):
    """All figures of one evaluation. Distances and scores are of the first candidate, abstained photos included; a failed photo is infinitely far."""

    manifest: ManifestRecord
    system: SystemRecord
    protocol: str
    distance: Literal["sphere", "wgs84"]
    earth_radius_km: float | None = Field(description="null for the ellipsoid")
    inequality: Literal["<=", "<"]
    rules: Protocol = Field(description="every setting of the protocol")
    decide: str = Field(description="rule by which a bundle chose its points; a file's points are scored as they stand, which is called mode")
    bootstrap: BootstrapRecord
    n: int
    n_failed: int = Field(description="photos without a prediction or with an error")
    failures: list[FailureReason] = Field(description="the commonest reasons, at most ten")
    n_abstained: int = Field(description="marked as no answer; a file that never says so has none")
    n_answered: int
    answered_pct: float
    within_pct: dict[str, float]
    median_km: float | None = Field(description="null where half of the photos failed: the median is then infinite")
    mean_km: float | None = Field(description="over the n_mean photos that have an answer")
    n_mean: int
    geoscore: float
    level_accuracy_pct: dict[str, float] = Field(description="by the protocol's rules; the country, and levels that the manifest labels")
    n_labelled: dict[str, int] = Field(description="photos that the accuracy is of: those with a label, and all where the rule leaves none out")
    level_accuracy_by_mode: dict[str, dict[str, Share]] = Field(
        description="corrected and osv5m_compat, where the labels are names or the protocol asks for the latter; else empty"
    )
    ci95: Intervals
    answered_country: Share
    supported_levels: dict[str, SupportedLevel]
    regions: list[RegionCoverage] = Field(description="of all photos; empty where the predictions do not say what their regions hold")
    regions_of_answered: list[RegionCoverage]
    candidates: CandidateReliability | None
    coverage_precision: list[CurvePoint]
    clues: dict[str, ClueCount]
    group_by: str | None
    groups: list[GroupRow]
    tables: dict[str, list[GroupRow]] = Field(description="by what is true of the photos: continent, country, island, photo_density, training_count, scenes")
    recall_vs_area: RecallVsArea
    against: Against | None
    notes: list[str]


def number(value: float) -> float | None:
    """The value as it stands in a report: rounded; None where it is infinite or NaN."""
    return round(float(value), _DECIMALS) + 0.0 if isfinite(value) else None


def interval(low: float, high: float) -> Interval:
    """Both ends as they stand in a report."""
    return number(low), number(high)


def finite(value: float) -> float:
    """A figure that is always finite, as it stands in a report."""
    return round(float(value), _DECIMALS) + 0.0
