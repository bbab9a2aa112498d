"""Protocols: each preset's rules, every key connected, and pairs of points that one rule counts and another does not."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from geocairn.errors import BadConfig, UnknownName
from geocairn.evaluate.answers import Source
from geocairn.evaluate.guess import ABSENT, Guess, Spot
from geocairn.evaluate.protocol import PROTOCOLS, Protocol, protocol_named
from geocairn.evaluate.run import run_evaluation
from geocairn.evaluate.score import score_guesses
from geocairn.evaluate.settings import EvaluationSettings
from geocairn.evaluate.truth import true_places
from geocairn.geo.geodesic import geodesic_km
from geocairn.geo.sphere import distance_km, geoscore
from geocairn.manifest import read_manifest
from geocairn.metrics import hits_within


def along_a_meridian(km, radius_km):
    """Two points `km` apart on a sphere of that radius."""
    return (0.0, 10.0), (math.degrees(km / radius_km), 10.0)


def is_within(name, pair, threshold_km):
    protocol = protocol_named(name)
    return bool(hits_within([float(protocol.distance_km(*pair))], [threshold_km], inclusive=protocol.is_inclusive)[0, 0])


def test_the_presets_are_those_of_the_field():
    assert {
        name: (rules.distance, rules.earth_radius_km, rules.inequality, rules.round_score, rules.country, rules.admin) for name, rules in PROTOCOLS.items()
    } == {
        "geoestimation": ("sphere", 6371.0, "<=", False, "place ids", "corrected"),
        "geodecoder": ("sphere", 6371.009, "<=", False, "place ids", "corrected"),
        "pigeon": ("sphere", 6378.137, "<", True, "polygon", "corrected"),
        "osv5m": ("sphere", 6371.0, "<", False, "place ids", "osv5m_compat"),
        "geoclip": ("wgs84", None, "<=", False, "place ids", "corrected"),
    }
    assert all(name == rules.name and rules.source for name, rules in PROTOCOLS.items())
    assert all({1, 25, 200, 750, 2500} <= set(rules.thresholds_km) for rules in PROTOCOLS.values())
    assert PROTOCOLS["pigeon"].thresholds_km == (1, 5, 10, 25, 50, 100, 200, 750, 1000, 2500)
    assert {rules.failures for rules in PROTOCOLS.values()} == {"wrong"}


def test_the_default_distance_is_that_of_the_sphere_in_float64():
    pairs = np.array([[48.85, 2.35], [35.69, 139.69]])
    protocol = protocol_named("geoestimation")
    assert protocol.distance_km(pairs, pairs[::-1]).tolist() == distance_km(pairs, pairs[::-1]).tolist()
    assert all(rules.distance_km(pairs, pairs).dtype == np.float64 for rules in PROTOCOLS.values())


def test_an_unknown_protocol_is_answered_with_the_list():
    with pytest.raises(UnknownName, match=r"^protocol 'gws': there is geoestimation, geodecoder, pigeon, osv5m, geoclip$"):
        protocol_named("gws")


@pytest.mark.parametrize("threshold_km", [25, 200, 750, 2500])
def test_the_radius_moves_a_photo_over_a_threshold(threshold_km):
    pair = along_a_meridian(threshold_km * 0.9995, 6371.0)  # 0.05 % nearer than the threshold; the radius of PIGEON makes it 0.11 % farther
    assert is_within("geoestimation", pair, threshold_km)
    assert is_within("geodecoder", pair, threshold_km)
    assert not is_within("pigeon", pair, threshold_km)


def test_a_radius_nine_metres_greater_moves_one_too():
    pair = along_a_meridian(2500 * (1 - 1e-6), 6371.0)
    assert is_within("geoestimation", pair, 2500)
    assert not is_within("geodecoder", pair, 2500)


def test_the_inequality_decides_at_the_threshold_itself():
    pair = (0.0, 0.0), (0.0, 0.2248304014796826)
    assert float(distance_km(*pair)) == 25.0
    assert [is_within(name, pair, 25) for name in ("geoestimation", "osv5m")] == [True, False]


def test_the_ellipsoid_moves_photos_over_a_threshold_both_ways():
    north, east = ((0.0, 0.0), (6.75, 0.0)), ((0.0, 0.0), (0.0, 6.74))
    assert [is_within(name, north, 750) for name in ("geoestimation", "geoclip")] == [False, True]  # a degree of latitude is short at the equator
    assert [is_within(name, east, 750) for name in ("geoestimation", "geoclip")] == [True, False]


def test_rounding_moves_a_score_and_comes_before_the_mean():
    km, plain, rounded = [1492.7, 1.0, np.inf], protocol_named("osv5m"), protocol_named("pigeon")
    assert plain.geoscore(km) == pytest.approx([1839.397, 4996.651, 0], abs=1e-3)
    assert rounded.geoscore(km).tolist() == [1839, 4997, 0]
    assert rounded.geoscore(km).mean() != round(plain.geoscore(km).mean())


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_score_at_known_distances(name):
    score = protocol_named(name).geoscore([0, 1492.7, 2500])
    assert score == pytest.approx([5000, 1839.397, 936.712], abs=0.5 if name == "pigeon" else 1e-3)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_failure_is_wrong_under_every_protocol(name, write, places):
    manifest = read_manifest(write("m.csv", "photo,lat_deg,lon_deg,country\na,48.85,2.35,FR\nb,48.85,2.35,FR\n"))
    right = Guess((Spot(48.85, 2.35, None, None),))
    scores = score_guesses([right, ABSENT], true_places(manifest, places), places=places, protocol=protocol_named(name))
    assert scores.km.tolist() == [0, np.inf]
    assert scores.hits_pct.tolist() == [[100] * len(scores.threshold_names), [0] * len(scores.threshold_names)]
    assert scores.geoscore.tolist() == [5000, 0]
    assert scores.right["country"].tolist() == [1, 0]


def test_settings_that_contradict_each_other_are_refused():
    for wrong in (
        {"distance": "plane"},
        {"distance": "wgs84"},
        {"earth_radius_km": None},
        {"failures": "dropped"},
        {"earth_radius_km": 0},
        {"thresholds_km": ()},
    ):
        with pytest.raises(ValidationError):
            Protocol(name="x", **wrong)
    with pytest.raises(BadConfig, match=r"^protocol: .*a sphere needs earth_radius_km, and the ellipsoid has none: set it to null$") as refusal:
        Protocol.parse("protocol", {"name": "x", "distance": "wgs84"})
    assert "\n" not in str(refusal.value)


def test_distances_of_the_ellipsoid_are_geodesics():
    pair = (48.85, 2.35), (35.69, 139.69)
    assert protocol_named("geoclip").distance_km(*pair) == geodesic_km(*pair) != distance_km(*pair)
    assert Protocol(name="x", earth_radius_km=1000).distance_km((0, 0), (0, 180)) == pytest.approx(np.pi * 1000)
    assert geoscore(0) == 5000


# The second is 749.7 km away on the sphere of 6371 km, 750.5 on that of 6378.137 and 751.8 on the ellipsoid, and answered at sea off France; the third is Lyon
# by its label, whose region nobody says; the fourth is just 25 km away, to the last bit.
MANIFEST = "photo,lat_deg,lon_deg,author,country,city\na,48.85,2.35,x,FR,\nb,45.76,4.84,x,FR,Nice\nc,48.85,2.35,y,FR,Lyon\nd,0,0,z,FR,\n"
PREDICTIONS = "photo,lat_deg,lon_deg\na,48.85,2.35\nb,45.76,-4.83\nc,45.76,4.84\nd,0,0.2248304014796826\n"
# Each field of a protocol, a value other than geoestimation's, and the figures of the report that must change with it.
CHANGES = {
    "name": ("mine", {"protocol"}),
    "source": ("mine", {"rules"}),
    "distance": ("wgs84", {"distance", "within_pct", "mean_km", "geoscore", "median_km"}),
    "earth_radius_km": (6378.137, {"earth_radius_km", "within_pct", "mean_km", "geoscore", "median_km"}),
    "inequality": ("<", {"inequality", "within_pct"}),
    "thresholds_km": ((1.0, 25.0, 200.0, 1000.0, 2500.0), {"within_pct"}),
    "round_score": (True, {"geoscore"}),
    "crops": ("ten crops", {"rules"}),
    "grouping": ("photo", {"bootstrap"}),
    "country": ("polygon", {"level_accuracy_pct"}),
    "admin": ("osv5m_compat", {"level_accuracy_pct", "n_labelled"}),
}


def test_every_field_is_tried_but_the_one_that_has_one_value():
    assert set(CHANGES) == set(Protocol.model_fields) - {"failures"}


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_changes_what_it_says(field, write, places, monkeypatch):
    value, changed = CHANGES[field]
    manifest = write("m.csv", MANIFEST)
    predictions = write("p.csv", PREDICTIONS)
    changes = {field: value} | ({"earth_radius_km": None} if field == "distance" else {})
    monkeypatch.setitem(PROTOCOLS, "changed", PROTOCOLS["geoestimation"].model_copy(update=changes))

    def figures(protocol):
        settings = EvaluationSettings(predictions=predictions, protocol=protocol, n_resamples=20)
        return run_evaluation(manifest, settings, opener=lambda settings, tell: Source(places)).model_dump()

    before, after = figures("geoestimation"), figures("changed")
    assert {name for name in changed if before[name] == after[name]} == set()
