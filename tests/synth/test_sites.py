"""Sites: near their city and no other, a kilometre from those of other splits."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from geocairn.geo.sphere import chord_from_km, distance_km_from_units, unit_from_latlon
from geocairn.places.nearest import NearestPlace
from geocairn.synth import sites
from geocairn.synth.settings import SPLITS, SynthSettings
from geocairn.synth.sites import draw_sites


def city_and_split(earth):
    counts = np.diff(earth.sites.start)
    return np.divmod(np.repeat(np.arange(len(counts)), counts), 3)


def test_every_city_has_sites_in_every_split_but_unseen_ones_none_for_training(draw):
    earth, _ = draw(cities=1500)
    counts = np.diff(earth.sites.start).reshape(-1, 3)
    assert counts[~earth.is_unseen].min() >= 1
    assert (counts[earth.is_unseen, 0] == 0).all()
    assert counts[earth.is_unseen, 1:].min() >= 1


def test_sites_of_different_splits_lie_a_kilometre_apart(draw):
    earth, _ = draw(cities=1500)
    unit, (_, split) = unit_from_latlon(earth.sites.latlon_deg), city_and_split(earth)
    pairs = cKDTree(unit).query_pairs(float(chord_from_km(1.0)), output_type="ndarray")
    assert not (split[pairs[:, 0]] != split[pairs[:, 1]]).any()
    near = cKDTree(unit).query_pairs(float(chord_from_km(2.0)), output_type="ndarray")
    assert (split[near[:, 0]] != split[near[:, 1]]).any()


def test_the_sites_of_a_split_are_those_its_photos_are_taken_at(earth, photos):
    for number, name in enumerate(SPLITS):
        latlon_deg, city = earth.sites.of_split(name)
        rows = photos.of_split(name)
        assert {*map(tuple, earth.sites.latlon_deg[photos.site[rows]])} <= {*map(tuple, latlon_deg)}
        assert (np.diff(city) >= 0).all()
        own_city, split = city_and_split(earth)
        np.testing.assert_array_equal(latlon_deg, earth.sites.latlon_deg[split == number])
        np.testing.assert_array_equal(city, own_city[split == number])


def test_coordinates_give_the_city(draw):
    earth, _ = draw(cities=1500)
    city, _ = city_and_split(earth)
    np.testing.assert_array_equal(NearestPlace(earth.hierarchy).leaf(earth.sites.latlon_deg), city)
    away = distance_km_from_units(unit_from_latlon(earth.sites.latlon_deg), earth.hierarchy.unit[earth.hierarchy.leaves][city])
    assert away.max() <= earth.settings.site_radius_km + 0.001


@pytest.mark.parametrize("poles", [[(90.0, 0.0), (-90.0, 0.0)], [(0.0, 180.0), (0.05, -179.9)], [(35.2644, 45.0), (-35.2644, -135.0)]])
def test_poles_the_antimeridian_and_the_corners_of_the_cube_have_sites(earth, poles):
    drawn = draw_sites(unit_from_latlon(poles), np.zeros(2, dtype=bool), earth.settings)
    assert np.diff(drawn.start).min() >= 1
    unit = unit_from_latlon(drawn.latlon_deg)
    assert not cKDTree(unit).query_pairs(float(chord_from_km(1.0)))


@pytest.mark.parametrize("radius_km", [8.0, 12.0, 20.0])
@pytest.mark.parametrize("point", [(48.85, 2.35), (0.0, 45.0), (35.26, 45.0), (90.0, 0.0)])
def test_sites_reach_as_far_as_they_may(radius_km, point, monkeypatch):
    """All cells around a city within the radius are sites, as many as their area says; more rings find no more."""
    settings = SynthSettings(site_radius_km=radius_km, site_jitter_km=0)
    unit, seen = unit_from_latlon([point]), np.zeros(1, dtype=bool)
    found = draw_sites(unit, seen, settings).latlon_deg
    assert distance_km_from_units(unit_from_latlon(found), unit).max() > radius_km - 1.5
    monkeypatch.setattr(sites, "_n_rings", lambda settings: 30)
    more = draw_sites(unit, seen, settings).latlon_deg
    assert {*map(tuple, found.tolist())} == {*map(tuple, more.tolist())}


def test_the_default_keeps_to_the_rings_that_its_earths_were_drawn_with():
    assert [sites._n_rings(SynthSettings(site_radius_km=radius)) for radius in (4, 6, 6.5, 20)] == [4, 4, 7, 21]


def test_a_site_is_picked_evenly(earth):
    city, split = np.zeros(1000, dtype=int), np.full(1000, 0 if not earth.is_unseen[0] else 1)
    picked = earth.sites.pick(city, split, np.linspace(0, 1, 1000, endpoint=False))
    counts = np.bincount(picked)[earth.sites.start[split[0]] :]
    assert len(counts) == earth.sites.start[split[0] + 1] - earth.sites.start[split[0]]
    assert counts.min() >= 1000 // len(counts) - 1
    assert earth.sites.pick(city[:1], split[:1], np.array([np.nextafter(1, 0)]))[0] == earth.sites.start[split[0] + 1] - 1
