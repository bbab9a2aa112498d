"""Protocols: the first one is the sphere of 6371 km with `<=`; every key of a protocol is connected."""

import numpy as np
import pytest
from pydantic import ValidationError

from geocairn.errors import UnknownName
from geocairn.evaluate.protocol import PROTOCOLS, Protocol, protocol_named
from geocairn.geo.sphere import distance_km


def test_the_protocol_of_geoestimation():
    protocol = protocol_named("geoestimation")
    assert (protocol.distance, protocol.earth_radius_km, protocol.inequality) == ("sphere", 6371.0, "<=")
    assert protocol.thresholds_km == (1, 25, 200, 750, 2500)
    pairs = np.array([[48.85, 2.35], [35.69, 139.69]])
    assert protocol.distance_km(pairs, pairs[::-1]).tolist() == distance_km(pairs, pairs[::-1]).tolist()
    assert protocol.distance_km(pairs, pairs).dtype == np.float64


def test_an_unknown_protocol_is_answered_with_the_list():
    with pytest.raises(UnknownName, match=r"^protocol 'pigeon': there is geoestimation$"):
        protocol_named("pigeon")
    assert all(name == protocol.name for name, protocol in PROTOCOLS.items())


def test_the_radius_and_the_inequality_are_connected():
    wide = Protocol(name="wide", earth_radius_km=6378.137, inequality="<")
    assert wide.distance_km((0, 0), (0, 180)) == pytest.approx(np.pi * 6378.137)
    assert not wide.is_inclusive
    with pytest.raises(ValidationError):
        Protocol(name="flat", distance="plane")
