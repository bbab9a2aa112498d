"""Outlines of S2 cells on a map of longitudes and latitudes: edges as the great circles they are, whole across the antimeridian and at the poles."""

import numpy as np
from numpy.typing import NDArray

from geocairn.geo import s2
from geocairn.geo.sphere import latlon_from_unit

# A great circle differs from a straight line on the map by less than a pixel of the widest picture.
_STEP_DEG = 1.0
_AT_POLE = 1e-9
Ring = NDArray[np.float64]


def cell_rings_deg(ids: NDArray[np.uint64]) -> list[Ring]:
    """The outline of each cell, not closed, without jumps of longitude.

    Args:
        ids: (C,) S2 cells.

    Returns:
        C rings (n, 2) of longitude and latitude in degrees. One that crosses the antimeridian runs on beyond 180 or -180; a corner on a pole is a stretch of
        the map's edge; a face around a pole reaches along the whole of it.
    """
    rings = []
    for corners, level in zip(s2.corners(ids), s2.level_of(ids).tolist(), strict=True):
        lat, lon = latlon_from_unit(_along_edges(corners, n_steps=max(1, round(90 / 2**level / _STEP_DEG)))).T
        rings.append(_unrolled(lon, lat))
    return rings


def _along_edges(corners: NDArray[np.float64], n_steps: int) -> NDArray[np.float64]:
    """Points on the four edges: straight steps, seen from the middle of the Earth, are on the great circle."""
    share = (np.arange(n_steps) / n_steps)[:, None]
    points = corners[:, None] * (1 - share) + np.roll(corners, -1, axis=0)[:, None] * share
    return np.asarray(points.reshape(-1, 3))


def _unrolled(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Ring:
    at_pole = np.flatnonzero(np.abs(lat) > 90 - _AT_POLE)
    if len(at_pole):
        # On the pole every longitude is as true: the neighbours' make its edges the meridians that they are.
        pole, n = int(at_pole[0]), len(lon)
        lon = np.concatenate([lon[:pole], [lon[pole - 1], lon[(pole + 1) % n]], lon[pole + 1 :]])
        lat = np.insert(lat, pole, lat[pole])
    lon = np.unwrap(lon, period=360)
    if abs(np.unwrap([lon[-1], lon[0]], period=360)[1] - lon[0]) > 180:
        # Once round the Earth: closed along the pole that it holds.
        turn, pole_lat = np.sign(lon[-1] - lon[0]) * 360, np.copysign(90.0, lat.mean())
        lon, lat = np.concatenate([lon, [lon[0] + turn, lon[0] + turn, lon[0]]]), np.concatenate([lat, [lat[0], pole_lat, pole_lat]])
    return np.column_stack([lon, lat])


def within_map(rings: list[Ring]) -> tuple[list[Ring], NDArray[np.int64]]:
    """The rings with, for those that run on beyond the antimeridian, a copy a turn further: what of both lies within the map is the whole shape.

    Returns:
        The rings and copies, and for each the index of its ring.
    """
    shown, owner = [], []
    for index, ring in enumerate(rings):
        low, high = ring[:, 0].min(), ring[:, 0].max()
        for turn in (-360.0, 0.0, 360.0):
            if low + turn < 180 and high + turn > -180:
                shown.append(ring + np.array([turn, 0.0]))
                owner.append(index)
    return shown, np.array(owner, dtype=np.int64)
