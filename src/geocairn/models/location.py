"""SphereM+: what a place's latitude and longitude look like at many scales, and the small network that reads it."""

from math import log, pi

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from geocairn.config import Config
from geocairn.models.limits import MOST_UNITS

NUMBERS_PER_FREQUENCY = 8


class LocationConfig(Config):
    """Scales of the location code and size of the network after it."""

    n_frequencies: int = Field(64, ge=1, le=MOST_UNITS)
    max_radius_rad: float = Field(1.0, gt=0, description="the slowest frequency is one over it")
    min_radius_rad: float = Field(1e-3, gt=0, description="the fastest frequency is one over it; 0.001 rad are 6.4 km")
    hidden: int = Field(256, ge=1, le=MOST_UNITS)
    width: int = Field(128, ge=1, le=MOST_UNITS, description="numbers that the code of a place ends as")
    dropout: float = Field(0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _radii_are_ordered(self) -> "LocationConfig":
        if self.min_radius_rad > self.max_radius_rad:
            raise ValueError(f"min_radius_rad {self.min_radius_rad} is above max_radius_rad {self.max_radius_rad}; exchange them")
        return self


def frequencies(config: LocationConfig) -> Tensor:
    """One over radii that grow geometrically from the smallest to the largest.

    Returns:
        (F,) float64, falling; the smallest radius alone where F is 1.

    Source: Sphere2Vec (ISPRS 2023), section 4.
    """
    steps = torch.arange(config.n_frequencies, dtype=torch.float64) / max(config.n_frequencies - 1, 1)
    return torch.exp(-steps * log(config.max_radius_rad / config.min_radius_rad)) / config.min_radius_rad


def sphere_m_plus(latlon_deg: Tensor, scale: Tensor) -> Tensor:
    """The SphereM+ code of places.

    Args:
        latlon_deg: (N, 2) float64 degrees; NaN where a place is not known.
        scale: (F,) float64 frequencies s, per radian.

    Returns:
        (N, 8 F) float64: for each frequency sin(lat s), cos(lat s), sin(lon s), cos(lon s), cos(lat s) cos(lon), cos(lat) cos(lon s), cos(lat s) sin(lon),
        cos(lat) sin(lon s); all 0 where the place is not known.

    Source: Sphere2Vec (ISPRS 2023), equation 9, in the order of its published code.
    """
    lat, lon = (latlon_deg * (pi / 180)).unbind(-1)
    lat_s, lon_s = lat[:, None] * scale, lon[:, None] * scale
    sin_lat, cos_lat, sin_lon, cos_lon = lat_s.sin(), lat_s.cos(), lon_s.sin(), lon_s.cos()
    lat, lon = lat[:, None], lon[:, None]
    crossed = [cos_lat * lon.cos(), lat.cos() * cos_lon, cos_lat * lon.sin(), lat.cos() * sin_lon]
    code = torch.stack([sin_lat, cos_lat, sin_lon, cos_lon, *crossed], dim=-1)
    return code.flatten(1).nan_to_num(0.0)


class LocationReader(nn.Module):
    """Two linear layers with ReLU and dropout between them: (N, 8 F) codes -> (N, width)."""

    def __init__(self, config: LocationConfig) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(NUMBERS_PER_FREQUENCY * config.n_frequencies, config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.width),
        )

    def forward(self, code: Tensor) -> Tensor:
        """Codes as `sphere_m_plus` makes them, as float32."""
        read: Tensor = self.layers(code)
        return read
