import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.errors import BadConfig
from geocairn.places.prior import PhotoPrior, city_shares, shipped_prior

PEOPLE = np.array([0, 500, 20_000, 20_000, 9_000_000])
NAMES = np.array([0, 3, 3, 40, 200])
AREA_KM2 = np.array([900.0, 0.2, 40.0, 40.0, 10.0])
COUNTRY = np.array(["FR", "FR", "US", "JP", "JP"])
CONTINENT = np.array(["EU", "EU", "NA", "AS", "AS"])


def shares(prior, **changes):
    cities = {"people": PEOPLE, "names": NAMES, "area_km2": AREA_KM2, "country": COUNTRY} | changes
    return city_shares(prior, **cities)


PRIORS = st.builds(
    PhotoPrior,
    people_power=st.floats(0, 2),
    people_floor=st.floats(1, 1e5),
    fame_power=st.floats(0, 4),
    land=st.floats(0, 10),
    land_power=st.floats(0, 2),
    subcontinent_factor=st.dictionaries(st.sampled_from(["Western Europe", "Northern America", "Eastern Asia"]), st.floats(0.1, 10)),
    country_factor=st.dictionaries(st.sampled_from(["FR", "JP"]), st.floats(0.1, 10)),
)


@given(PRIORS)
def test_shares_are_positive_and_sum_to_one(prior):
    found = shares(prior)
    assert (found > 0).all()
    assert found.sum() == pytest.approx(1, abs=1e-12)


@given(PRIORS, st.integers(0, 4), st.sampled_from(["people", "names", "area_km2"]))
def test_more_people_more_fame_and_more_land_never_draw_fewer_photos(prior, city, what):
    more = {"people": PEOPLE, "names": NAMES, "area_km2": AREA_KM2}[what].copy()
    more[city] = more[city] * 2 + 1
    assert shares(prior, **{what: more})[city] >= shares(prior)[city] * (1 - 1e-9)


def test_by_default_more_people_and_more_fame_draw_more_photos():
    assert (np.diff(shares(PhotoPrior(land=0.0))) > [0, 0, 0, 0]).all()


def test_a_countrys_factor_goes_before_its_continents():
    plain = shares(PhotoPrior())
    only_continent = shares(PhotoPrior(subcontinent_factor={"Eastern Asia": 3.0}))
    assert only_continent[3] / only_continent[0] == pytest.approx(3 * plain[3] / plain[0])
    both = shares(PhotoPrior(subcontinent_factor={"Eastern Asia": 3.0}, country_factor={"JP": 0.5}))
    assert both[3] / both[0] == pytest.approx(0.5 * plain[3] / plain[0])


CHANGES = {
    "people_power": 0.9,
    "people_floor": 50.0,
    "fame_power": 0.2,
    "land": 3.0,
    "land_power": 0.3,
    "subcontinent_factor": {"Western Europe": 2.0},
    "country_factor": {"US": 2.0},
}


def test_every_field_is_connected():
    assert set(CHANGES) == set(PhotoPrior.model_fields) - {"fitted_on"}
    for field, value in CHANGES.items():
        assert not np.allclose(shares(PhotoPrior.parse("test", {field: value})), shares(PhotoPrior())), field


def test_the_shipped_prior_is_read_and_says_what_it_was_fitted_on():
    prior = shipped_prior()
    assert prior.fitted_on["photos"] > 300
    assert len(prior.country_factor) > 40
    assert {"Western Europe", "Northern America", "Oceania"} <= set(prior.subcontinent_factor)


def test_what_is_out_of_range_is_refused_in_one_line():
    with pytest.raises(BadConfig, match=r"prior\.json: land = -1: Input should be greater than or equal to 0"):
        PhotoPrior.parse("prior.json", {"land": -1})
    with pytest.raises(BadConfig, match=r"subcontinent_factor.*XX"):
        PhotoPrior.parse("prior.json", {"subcontinent_factor": {"XX": 1.0}})
    with pytest.raises(BadConfig, match=r"country_factor\.FR"):
        PhotoPrior.parse("prior.json", {"country_factor": {"FR": -1.0}})
