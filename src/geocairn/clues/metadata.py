"""The position that the file itself claims, as a clue: only on request, for it is easily wrong or forged."""

import numpy as np

from geocairn.clues.clue import Clue, Tier, ratio_from_frequency
from geocairn.geo.sphere import distance_km_from_units, unit_from_latlon
from geocairn.photo.metadata import ExifClaim
from geocairn.places.hierarchy import Hierarchy

# Receivers err by metres, but the leaf's point is the middle of a city.
SPREAD_KM = 3.0


def metadata_clue(claim: ExifClaim, hierarchy: Hierarchy) -> Clue | None:
    """Favour the leaves near the claimed position; None where the file claims none."""
    if claim.lat_deg is None or claim.lon_deg is None:
        return None
    distance = distance_km_from_units(hierarchy.unit[hierarchy.leaves], unit_from_latlon([claim.lat_deg, claim.lon_deg]))
    # Relative to the nearest leaf: far out at sea every leaf would else be unthinkable.
    near = np.exp(-(distance - distance.min()) / SPREAD_KM) / hierarchy.weight[hierarchy.leaves]
    # To about a kilometre: the exact position of a home should not end up in a report unasked.
    text = f"{claim.lat_deg:.2f}, {claim.lon_deg:.2f}"
    nearest = int(hierarchy.leaves[np.argmin(distance)])
    return Clue(kind="metadata", text=text, box_px=None, tier=Tier.STRONG, ratio=ratio_from_frequency(hierarchy, near), supports=nearest)
