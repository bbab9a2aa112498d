import numpy as np
import pytest

from geocairn.data.swapped import check_not_swapped, swap_evidence
from geocairn.errors import BadCoordinate
from geocairn.places.borders import load_borders


def points(seed, n, lat=(-90, 90), lon=(-180, 180), on_land=None):
    """Uniform in a box of degrees, on land, at sea, or wherever."""
    rng = np.random.default_rng(seed)
    drawn = np.stack([rng.uniform(*lat, 40 * n), rng.uniform(*lon, 40 * n)], axis=1)
    chosen = drawn if on_land is None else drawn[load_borders().is_on_land(drawn) == on_land]
    assert len(chosen) >= n
    return chosen[:n]


WORLD = points(0, 500, lat=(-55, 70), on_land=True)
EUROPE = points(1, 500, lat=(37, 60), lon=(-9, 30), on_land=True)
BRAZIL = points(2, 500, lat=(-30, 0), lon=(-65, -40), on_land=True)


@pytest.mark.parametrize("land", [WORLD, EUROPE, BRAZIL, WORLD[:20]], ids=["world", "europe", "brazil", "few"])
def test_lists_as_they_should_be_raise_no_alarm(land):
    assert swap_evidence(land) is None


@pytest.mark.parametrize("land", [WORLD, EUROPE, WORLD[:20]], ids=["world", "europe", "few"])
def test_swapped_lists_are_refused_in_one_line(land):
    with pytest.raises(BadCoordinate, match=r"^lists: latitude and longitude look swapped \(.*--trust-coordinates") as refused:
        check_not_swapped("lists", land[:, ::-1])
    assert "\n" not in str(refused.value)


def test_the_evidence_is_told():
    assert "places lie on land as given, 100% when swapped" in swap_evidence(EUROPE[:, ::-1])
    assert "have a latitude outside [-90, 90], and 0 a longitude outside it" in swap_evidence(WORLD[:, ::-1])


@pytest.mark.parametrize("seed", range(20))
def test_places_at_sea_raise_no_alarm(seed):
    assert swap_evidence(points(seed, 300, on_land=False)) is None
    rng = np.random.default_rng(seed)
    south, west = rng.uniform(-70, 50), rng.uniform(-85, 65)
    assert swap_evidence(points(seed, 300, lat=(south, south + 20), lon=(west, west + 20))) is None


def test_a_few_bad_rows_are_not_a_swapped_list():
    bad = np.array([[95.0, 13.0], [120.0, 20.0], [91.0, 40.0]])
    assert swap_evidence(np.concatenate([WORLD[:37], bad])) is None
    assert swap_evidence(np.concatenate([EUROPE[:37], bad])) is None


def test_swapped_rows_among_damaged_ones_are_still_seen():
    damaged = np.array([[5.0, 120.0], [np.nan, np.nan], [np.inf, 3.0]])
    assert swap_evidence(np.concatenate([WORLD[:, ::-1], damaged])) is not None


def test_a_point_mass_has_one_voice():
    off_earth = np.tile([[121.47, 31.23]], (5000, 1))
    assert swap_evidence(np.concatenate([EUROPE, off_earth])) is None
    assert swap_evidence(np.concatenate([WORLD[:, ::-1], np.tile([[48.85, 2.35]], (5000, 1))])) is not None


def test_few_or_no_places_have_nothing_to_say():
    assert swap_evidence(np.empty((0, 2))) is None
    assert swap_evidence(np.full((5, 2), np.nan)) is None
    assert swap_evidence(EUROPE[:5, ::-1]) is None
    assert swap_evidence(np.array([[95.0, 10.0], [99.0, 10.0]])) is None
    assert swap_evidence(np.array([[95.0, 10.0], [99.0, 10.0], [120.0, 30.0]])) is not None
