"""From coordinates to the country and the landmass they lie in, by Natural Earth's outlines (1 : 50 million)."""

from functools import cache

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from geocairn.geo.sphere import unit_from_latlon
from geocairn.places.outlines import Outlines, load_outlines

_STEP_DEG = 0.05  # between points along a border: 5.6 km, about what the outlines are true to
_CHUNK = 200_000


class Borders:
    """The polygons of countries, to be asked about many points at once.

    What `recipes/outlines.sh` left out counts: coasts are true to about 3 km, the smallest islands are missing.
    """

    def __init__(self, outlines: Outlines) -> None:
        first, stop = np.flatnonzero(~outlines.is_hole), np.append(np.flatnonzero(~outlines.is_hole)[1:], len(outlines.is_hole))
        rings = [outlines.ring_deg(ring) for ring in range(len(outlines.is_hole))]
        self._rings = rings
        self._polygons = np.array([shapely.Polygon(rings[a], rings[a + 1 : b]) for a, b in zip(first.tolist(), stop.tolist(), strict=True)])
        # A last entry for "no polygon", which the index -1 finds.
        self._country = np.append(outlines.country[first], "")
        self._landmass_km2 = np.append(outlines.landmass_km2[outlines.landmass[first]].astype(np.float64), np.nan)
        shapely.prepare(self._polygons)
        self._tree = shapely.STRtree(self._polygons)
        edges = [shapely.get_coordinates(shapely.segmentize(polygon.boundary, _STEP_DEG))[:, ::-1] for polygon in self._polygons]
        self._edge_polygon = np.repeat(np.arange(len(edges)), [len(edge) for edge in edges])
        self._edge_tree = cKDTree(unit_from_latlon(np.concatenate(edges)))

    def country(self, latlon_deg: ArrayLike) -> NDArray[np.str_]:
        """The country whose polygon holds each point.

        Args:
            latlon_deg: (N, 2) latitude and longitude in degrees, longitude in [-180, 180].

        Returns:
            (N,) ISO 3166 alpha-2 codes (Kosovo is XK); empty at sea and on land that no country holds undisputed.
        """
        return np.asarray(self._country[self._polygon(latlon_deg)])

    def nearest_country(self, latlon_deg: ArrayLike) -> NDArray[np.str_]:
        """The country whose polygon holds each point, else the one whose border or coast is nearest; arguments and codes as in `country`."""
        return np.asarray(self._country[self._nearest_polygon(latlon_deg)])

    def is_on_land(self, latlon_deg: ArrayLike) -> NDArray[np.bool_]:
        """(N,) whether each point lies in some polygon; points on a coast may lie outside by about 3 km."""
        return self._polygon(latlon_deg) >= 0

    def landmass_km2(self, latlon_deg: ArrayLike) -> NDArray[np.float64]:
        """(N,) area of the connected land that each point lies on, else of the nearest: Africa with Eurasia is one, so are the Americas."""
        return np.asarray(self._landmass_km2[self._nearest_polygon(latlon_deg)])

    def rings_deg(self) -> list[NDArray[np.float64]]:
        """The borders and coasts for drawing: (n, 2) longitude and latitude of each ring, not closed; none crosses the antimeridian."""
        return self._rings

    def _polygon(self, latlon_deg: ArrayLike) -> NDArray[np.int64]:
        """(N,) index of the polygon that holds each point (the first of those that share a border point); -1 for none."""
        latlon = np.asarray(latlon_deg, dtype=np.float64).reshape(-1, 2)
        found = np.full(len(latlon), len(self._polygons), dtype=np.int64)
        for start in range(0, len(latlon), _CHUNK):
            lat, lon = latlon[start : start + _CHUNK].T
            row, polygon = self._tree.query(shapely.points(lon, lat))
            inside = shapely.intersects_xy(self._polygons[polygon], lon[row], lat[row])
            np.minimum.at(found, start + row[inside], polygon[inside])
        return np.where(found < len(self._polygons), found, -1)

    def _nearest_polygon(self, latlon_deg: ArrayLike) -> NDArray[np.int64]:
        latlon = np.asarray(latlon_deg, dtype=np.float64).reshape(-1, 2)
        polygon = self._polygon(latlon)
        outside = np.flatnonzero(polygon < 0)
        if len(outside):
            polygon[outside] = self._edge_polygon[self._edge_tree.query(unit_from_latlon(latlon[outside]))[1]]
        return polygon


@cache
def load_borders() -> Borders:
    """The shipped borders; read once in a process."""
    return Borders(load_outlines())
