import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from geocairn.models.location import LocationConfig, LocationReader, frequencies, sphere_m_plus

CONFIG = LocationConfig(n_frequencies=5, max_radius_rad=1.0, min_radius_rad=0.01)


def slow_code(lat_deg: float, lon_deg: float, radii: list[float]) -> list[float]:
    """The eight numbers of each frequency, written out."""
    lat, lon, code = math.radians(lat_deg), math.radians(lon_deg), []
    for radius in radii:
        s = 1 / radius
        code += [math.sin(lat * s), math.cos(lat * s), math.sin(lon * s), math.cos(lon * s)]
        code += [math.cos(lat * s) * math.cos(lon), math.cos(lat) * math.cos(lon * s), math.cos(lat * s) * math.sin(lon), math.cos(lat) * math.sin(lon * s)]
    return code


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_the_code_equals_a_slow_reference(lat, lon):
    found = sphere_m_plus(torch.tensor([[lat, lon]], dtype=torch.float64), frequencies(CONFIG))
    expected = slow_code(lat, lon, [0.01, 0.01 * 100**0.25, 0.1, 0.01 * 100**0.75, 1.0])
    torch.testing.assert_close(found, torch.tensor([expected], dtype=torch.float64), rtol=0, atol=1e-10)


def test_radii_grow_geometrically_from_the_smallest_to_the_largest():
    radii = 1 / frequencies(LocationConfig(n_frequencies=64, min_radius_rad=1e-3, max_radius_rad=2.0))
    assert float(radii[0]) == pytest.approx(1e-3)
    assert float(radii[-1]) == pytest.approx(2.0)
    torch.testing.assert_close(radii[1:] / radii[:-1], torch.full((63,), 2000 ** (1 / 63), dtype=torch.float64))
    assert (1 / frequencies(LocationConfig(n_frequencies=1, min_radius_rad=0.5))).tolist() == [0.5]


def test_an_unknown_place_has_a_code_of_zeros():
    code = sphere_m_plus(torch.tensor([[math.nan, math.nan], [0.0, 0.0]], dtype=torch.float64), frequencies(CONFIG))
    assert (code[0] == 0).all()
    assert code[1].view(-1, 8).tolist() == [[0, 1, 0, 1, 1, 1, 0, 0]] * 5


def test_the_reader_has_the_width_asked_for_and_drops_only_in_training():
    reader = LocationReader(LocationConfig(n_frequencies=5, hidden=16, width=7, dropout=0.5))
    code = sphere_m_plus(torch.tensor([[48.0, 11.0]], dtype=torch.float64), frequencies(CONFIG)).float()
    assert reader(code).shape == (1, 7)
    assert not reader(code).equal(reader(code))
    assert reader.eval()(code).equal(reader(code))


def test_radii_in_the_wrong_order_are_refused():
    with pytest.raises(ValidationError, match=r"min_radius_rad 2\.0 is above max_radius_rad 1\.0; exchange them"):
        LocationConfig(min_radius_rad=2.0)
