"""Whether a whole list has its latitudes and longitudes swapped, as an early version of the field's most used lists had."""

import numpy as np
from numpy.typing import NDArray

from geocairn.errors import BadCoordinate
from geocairn.places.borders import load_borders

MIN_ROWS_OFF_EARTH = 3
MIN_SHARE_OFF_EARTH = 0.05
MAX_CONTRADICTING = 0.02  # longitudes beyond 90, as a share of the latitudes beyond it: damage among swapped rows
MIN_SQUARES = 30  # one-degree squares: a cluster of photos has too little to say
MAX_LAND_AS_GIVEN, MIN_LAND_SWAPPED = 0.6, 0.85
_LOOKED_AT = 20_000
_GRID_PER_DEG = 100


def check_not_swapped(name: str, latlon_deg: NDArray[np.float64]) -> None:
    """Refuse a list whose coordinates make sense only the other way round.

    Either some latitudes are off the Earth and hardly a longitude speaks for the order as it is, and land does not contradict; or the places, in at least
    30 one-degree squares, are often at sea as given and hardly ever when swapped. Photos are taken on land: lists of the field have more than 90 % there,
    and a list of places at sea has no more land when swapped than the Earth has.

    Args:
        name: of the list, for the message.
        latlon_deg: (N, 2) degrees as read, off-Earth values and NaN among them.

    Raises:
        BadCoordinate: one line with the evidence.
    """
    evidence = swap_evidence(latlon_deg)
    if evidence is not None:
        raise BadCoordinate(f"{name}: latitude and longitude look swapped ({evidence}); name the right columns, or give --trust-coordinates to import as it is")


def swap_evidence(latlon_deg: NDArray[np.float64]) -> str | None:
    """Words for why the columns look swapped; None where they do not."""
    places = _distinct_places(latlon_deg)
    as_given, swapped = _is_on_earth(places), _is_on_earth(places[:, ::-1])
    n_only_swapped, n_only_given = int((swapped & ~as_given).sum()), int((as_given & ~swapped).sum())
    either_way = places[as_given & swapped]
    land_as_given, land_swapped = (_share_on_land(order) for order in (either_way, either_way[:, ::-1]))
    off_earth_speaks = n_only_swapped >= max(MIN_ROWS_OFF_EARTH, MIN_SHARE_OFF_EARTH * len(places))
    if off_earth_speaks and n_only_given <= MAX_CONTRADICTING * n_only_swapped and land_swapped >= land_as_given:
        return f"{n_only_swapped} of {len(places)} places have a latitude outside [-90, 90], and {n_only_given} a longitude outside it"
    n_squares = len(np.unique(np.floor(places[as_given]), axis=0))
    if n_only_given == 0 and n_squares >= MIN_SQUARES and land_as_given <= MAX_LAND_AS_GIVEN and land_swapped >= MIN_LAND_SWAPPED:
        return f"{land_as_given:.0%} of {len(either_way)} places lie on land as given, {land_swapped:.0%} when swapped"
    return None


def _distinct_places(latlon_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places to 0.01 degree, each once, so that a point mass has one voice; of many every k-th."""
    known = latlon_deg[(np.abs(latlon_deg) <= 180).all(axis=1)]  # what lies on the Earth in neither order has nothing to say
    step = -(-len(known) // _LOOKED_AT) or 1
    return np.unique(np.round(known[::step] * _GRID_PER_DEG), axis=0) / _GRID_PER_DEG


def _is_on_earth(latlon_deg: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((np.abs(latlon_deg[:, 0]) <= 90) & (np.abs(latlon_deg[:, 1]) <= 180))


def _share_on_land(latlon_deg: NDArray[np.float64]) -> float:
    return float(load_borders().is_on_land(latlon_deg).mean()) if len(latlon_deg) else 0.0
