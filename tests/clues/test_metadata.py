import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.places.factory import CITIES, small_earth

from geocairn.clues.clue import Tier
from geocairn.clues.metadata import metadata_clue
from geocairn.geo.sphere import distance_km
from geocairn.photo.metadata import ExifClaim

EARTH = small_earth()
CENTRES = np.array([(leaf.lat_deg, leaf.lon_deg) for leaf in CITIES])


def claim(lat, lon):
    return ExifClaim(lat_deg=lat, lon_deg=lon, captured_at=None)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_the_nearest_leaf_is_the_one_favoured(lat, lon):
    clue = metadata_clue(claim(lat, lon), EARTH)
    assert EARTH.ids[clue.supports] == EARTH.ids[EARTH.leaves[np.argmin(distance_km(CENTRES, [lat, lon]))]]
    posterior = EARTH.weight[EARTH.leaves] * clue.ratio
    assert posterior.sum() == pytest.approx(1, rel=1e-5)
    assert np.argmax(posterior) == np.argmin(distance_km(CENTRES, [lat, lon]))


def test_it_says_what_the_file_says_and_is_not_certain():
    clue = metadata_clue(claim(48.853421, 2.348765), EARTH)
    assert (clue.kind, clue.tier, clue.box_px) == ("metadata", Tier.STRONG, None)
    assert EARTH.ids[clue.supports] == "FR/11/Paris/Paris"


def test_a_file_that_claims_a_time_alone_is_no_clue():
    assert metadata_clue(ExifClaim(lat_deg=None, lon_deg=None, captured_at="2020-01-01T00:00:00"), EARTH) is None
