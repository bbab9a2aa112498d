"""The named ways of scoring that the field uses; figures made under different ones must not be compared (docs/protocols.md)."""

from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, model_validator

from geocairn.config import Config
from geocairn.errors import UnknownName
from geocairn.geo.geodesic import geodesic_km
from geocairn.geo.sphere import EARTH_RADIUS_KM, Array, distance_km, geoscore
from geocairn.metrics import THRESHOLDS_KM

AdminMode = Literal["corrected", "osv5m_compat"]


class Protocol(Config):
    """How a distance is measured, when it counts as within a threshold, what a score is and when a place is right. Float64 throughout."""

    name: str
    source: str = Field(default="", description="where the rules were read")
    distance: Literal["sphere", "wgs84"] = Field(default="sphere", description="great circle, or geodesic on the ellipsoid WGS 84")
    earth_radius_km: float | None = Field(default=EARTH_RADIUS_KM, gt=0, description="radius of the sphere; null on the ellipsoid")
    inequality: Literal["<=", "<"] = Field(default="<=", description="whether a distance equal to the threshold is within it")
    thresholds_km: tuple[float, ...] = Field(
        default=THRESHOLDS_KM, min_length=1, description="street, city, region, country, continent: names of radii, not of admin levels"
    )
    round_score: bool = Field(default=False, description="each photo's GeoScore is rounded to a whole number before the mean")
    failures: Literal["wrong"] = Field(
        default="wrong", description="a photo without an answer counts as wrong: the only rule, stated because others drop such photos"
    )
    crops: str | None = Field(default=None, description="what published figures averaged; a word in the report, for crops are the bundle's affair")
    grouping: Literal["author", "photo"] = Field(default="author", description="what the bootstrap draws: photos of one author are no independent trials")
    country: Literal["place ids", "polygon"] = Field(
        default="place ids", description="a country is right by the place answered, or where the point answered lies in the true country's polygon"
    )
    admin: AdminMode = Field(default="corrected", description="rule of level_accuracy_pct, as evaluate/admin.py defines it")

    @model_validator(mode="after")
    def _radius_belongs_to_the_sphere(self) -> Self:
        if (self.distance == "sphere") != (self.earth_radius_km is not None):
            raise ValueError("a sphere needs earth_radius_km, and the ellipsoid has none: set it to null")
        return self

    @property
    def is_inclusive(self) -> bool:
        """A distance equal to the threshold is within it."""
        return self.inequality == "<="

    def distance_km(self, a: ArrayLike, b: ArrayLike) -> Array:
        """Distance between points in degrees, (..., 2) each; NaN where one is NaN."""
        if self.earth_radius_km is None:
            return geodesic_km(a, b)
        return np.asarray(distance_km(a, b) * (self.earth_radius_km / EARTH_RADIUS_KM))

    def geoscore(self, km: ArrayLike) -> Array:
        """GeoScore of distances; 0 for an infinite one."""
        return np.round(geoscore(km)) if self.round_score else geoscore(km)


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="geoestimation",
            source="Müller-Budack et al., ECCV 2018; evaluation code of GeoEstimation (there in float32)",
            crops="three crops, probabilities averaged (published figures); five crops, highest probability (later code)",
        ),
        Protocol(
            name="geodecoder",
            source="Clark et al., CVPR 2023; evaluation code GeoGuessNet (great circle of geopy)",
            earth_radius_km=6371.009,
            crops="ten crops, logits averaged",
        ),
        Protocol(
            name="pigeon",
            source="Haas et al., CVPR 2024; evaluation code of PIGEON",
            earth_radius_km=6378.137,
            inequality="<",
            thresholds_km=(1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 200.0, 750.0, 1000.0, 2500.0),
            round_score=True,
            country="polygon",
        ),
        Protocol(
            name="osv5m",
            source="Astruc et al., CVPR 2024; evaluation code of OSV-5M, which PLONK shares",
            inequality="<",
            admin="osv5m_compat",
        ),
        Protocol(
            name="geoclip",
            source="Vivanco Cepeda et al., NeurIPS 2023; evaluation code of GeoCLIP (geodesic of geopy)",
            distance="wgs84",
            earth_radius_km=None,
            crops="ten crops, logits averaged (its author, in the repository's issue 9)",
        ),
    )
}


def protocol_named(name: str) -> Protocol:
    """The protocol of this name.

    Raises:
        UnknownName: there is none; the message lists those there are.
    """
    if name not in PROTOCOLS:
        raise UnknownName(f"protocol {name!r}: there is {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
