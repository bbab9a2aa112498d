"""The named ways of scoring that the field uses; figures made under different ones must not be compared."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from geocairn.config import Config
from geocairn.errors import UnknownName
from geocairn.geo.sphere import EARTH_RADIUS_KM, Array, distance_km
from geocairn.metrics import THRESHOLDS_KM


class Protocol(Config):
    """How a distance is measured and when it counts as within a threshold."""

    name: str
    distance: Literal["sphere"] = "sphere"
    earth_radius_km: float = Field(default=EARTH_RADIUS_KM, gt=0, description="radius of the sphere; the choice moves published figures by a photo or two")
    inequality: Literal["<=", "<"] = Field(default="<=", description="whether a distance equal to the threshold is within it")
    thresholds_km: tuple[float, ...] = Field(
        default=THRESHOLDS_KM, min_length=1, description="street, city, region, country, continent: names of radii, not of admin levels"
    )

    @property
    def is_inclusive(self) -> bool:
        """A distance equal to the threshold is within it."""
        return self.inequality == "<="

    def distance_km(self, a: ArrayLike, b: ArrayLike) -> Array:
        """Distance between points in degrees, (..., 2) each; NaN where one is NaN. Float64 throughout."""
        return np.asarray(distance_km(a, b) * (self.earth_radius_km / EARTH_RADIUS_KM))


PROTOCOLS = {"geoestimation": Protocol(name="geoestimation")}


def protocol_named(name: str) -> Protocol:
    """The protocol of this name.

    Raises:
        UnknownName: there is none; the message lists those there are.
    """
    if name not in PROTOCOLS:
        raise UnknownName(f"protocol {name!r}: there is {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
