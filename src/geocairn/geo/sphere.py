"""The sphere: unit vectors, great-circle distances, means and the GeoScore. Everything that measures the Earth measures it here."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

EARTH_RADIUS_KM = 6371.0
GEOSCORE_SCALE_KM = 1492.7
EARTH_AREA_KM2 = 4 * np.pi * EARTH_RADIUS_KM**2

Array = NDArray[np.float64]


def unit_from_latlon(latlon_deg: ArrayLike) -> Array:
    """Unit vectors of points given in degrees.

    Args:
        latlon_deg: (..., 2) latitude and longitude in degrees, WGS 84; longitudes may lie outside [-180, 180).

    Returns:
        (..., 3) float64 unit vectors: x through (0, 0), y through (0, 90 E), z through the north pole.

    >>> unit_from_latlon([0.0, 90.0]).round(12).tolist()
    [0.0, 1.0, 0.0]
    """
    lat, lon = np.moveaxis(np.radians(np.asarray(latlon_deg, dtype=np.float64)), -1, 0)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def latlon_from_unit(unit: ArrayLike) -> Array:
    """Latitude and longitude in degrees of vectors of any positive length.

    Args:
        unit: (..., 3) vectors.

    Returns:
        (..., 2) float64 degrees, latitude in [-90, 90], longitude in [-180, 180]; a zero vector gives NaN.
    """
    x, y, z = np.moveaxis(np.asarray(unit, dtype=np.float64), -1, 0)
    latlon = np.degrees(np.stack([np.arctan2(z, np.hypot(x, y)), np.arctan2(y, x)], axis=-1))
    return np.where((x == 0) & (y == 0) & (z == 0), np.nan, latlon.T).T


def distance_km(a: ArrayLike, b: ArrayLike) -> Array:
    """Great-circle distance on a sphere of 6371 km.

    Args:
        a, b: (..., 2) latitude and longitude in degrees, WGS 84; shapes broadcast. Longitudes may lie outside [-180, 180).

    Returns:
        (...) float64 kilometres in [0, 20015.1]; NaN where an input is NaN.

    Source: angle between unit vectors as 2 atan2(|a - b|, |a + b|): full precision from 0 to antipodes, where the arcsin and arccos forms lose up to 8 digits.

    >>> float(distance_km([[0.0, 179.9]], [[0.0, -179.9]])[0].round(1))
    22.2
    """
    return distance_km_from_units(unit_from_latlon(a), unit_from_latlon(b))


def distance_km_from_units(a: ArrayLike, b: ArrayLike) -> Array:
    """Great-circle distance between unit vectors.

    Args:
        a, b: (..., 3) unit vectors; shapes broadcast.

    Returns:
        (...) float64 kilometres in [0, 20015.1].
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return np.asarray(2 * EARTH_RADIUS_KM * np.arctan2(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1)))


def chord_from_km(km: ArrayLike) -> Array:
    """Straight-line distance between unit vectors whose great-circle distance is `km`: what a k-d tree on unit vectors measures.

    Args:
        km: (...) kilometres in [0, 20015.1].

    Returns:
        (...) float64 in [0, 2].
    """
    return np.asarray(2 * np.sin(np.asarray(km, dtype=np.float64) / (2 * EARTH_RADIUS_KM)))


def mean_on_sphere(unit: ArrayLike, weights: ArrayLike | None = None) -> Array:
    """Mean direction of unit vectors: right at the poles and across the antimeridian, where means of degrees are not.

    Args:
        unit: (N, 3) unit vectors, N >= 1.
        weights: (N,) non-negative, or None for equal weights.

    Returns:
        (3,) float64 unit vector. NaN where the vectors cancel out (antipodes), for then every direction is as good.
    """
    vectors = np.asarray(unit, dtype=np.float64)
    total = vectors.sum(0) if weights is None else np.asarray(weights, dtype=np.float64) @ vectors
    length = np.linalg.norm(total)
    scale = len(vectors) if weights is None else np.sum(weights)
    return np.asarray(total / length if length > 1e-12 * scale else np.full(3, np.nan))


def geoscore(km: ArrayLike) -> Array:
    """GeoScore of a distance: 5000 exp(-km / 1492.7); infinitely far scores 0.

    Args:
        km: (...) kilometres, >= 0, may be infinite.

    Returns:
        (...) float64 in [0, 5000].

    Source: OSV-5M (CVPR 2024), section 3.3, after the game GeoGuessr.

    >>> float(geoscore(1492.7).round(3))
    1839.397
    """
    return np.asarray(5000 * np.exp(-np.asarray(km, dtype=np.float64) / GEOSCORE_SCALE_KM))
