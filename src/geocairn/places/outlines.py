"""The outlines of the world's countries: Natural Earth, cleaned by recipes/outlines.sh."""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Outlines:
    """Rings of all countries, none of which crosses the antimeridian.

    Attributes:
        points: (P, 2) int16 longitude and latitude in units of `grid_deg`; a ring's first point is not repeated at its end.
        ring_start: (R + 1,) int32; ring i is `points[ring_start[i]:ring_start[i + 1]]`. A polygon's outer ring (counter-clockwise) stands before its holes.
        is_hole: (R,) bool; what fills a hole is a country of its own.
        country: (R,) str, ISO 3166 alpha-2 code (Kosovo is XK); empty for land that no country holds undisputed.
        landmass: (R,) int16, number of the connected land that the ring belongs to.
        landmass_km2: (M,) float32, area of each landmass.
        meta: attribution, source, `grid_deg`.
    """

    points: NDArray[np.int16]
    ring_start: NDArray[np.int32]
    is_hole: NDArray[np.bool_]
    country: NDArray[np.str_]
    landmass: NDArray[np.int16]
    landmass_km2: NDArray[np.float32]
    meta: dict[str, Any]

    @property
    def grid_deg(self) -> float:
        """Degrees per unit of `points`."""
        return float(self.meta["grid_deg"])

    def ring_deg(self, ring: int) -> NDArray[np.float64]:
        """(n, 2) longitude and latitude of one ring in degrees, not closed."""
        return self.points[self.ring_start[ring] : self.ring_start[ring + 1]].astype(np.float64) * self.grid_deg


def load_outlines() -> Outlines:
    """Read the shipped outlines."""
    with (files("geocairn.places") / "outlines.npz").open("rb") as file, np.load(file, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return Outlines(**{**arrays, "meta": json.loads(str(arrays["meta"]))})
