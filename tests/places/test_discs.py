import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from geocairn.geo.sphere import distance_km_from_units, latlon_from_unit, mean_on_sphere, unit_from_latlon
from geocairn.places.discs import means, medoids, radii_km, running_sums, weighted_radius_km

FEW = settings(max_examples=40)


@st.composite
def groups(draw):
    """Points in a few groups, each within some degrees of its middle, with rows between them that belong to none."""
    numbers = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = numbers.integers(1, 30, draw(st.integers(1, 5)))
    gaps = numbers.integers(0, 3, len(sizes))
    start = np.cumsum(sizes + gaps) - sizes
    points = np.empty((int((sizes + gaps).sum()) + 1, 2))
    points[:] = [0.0, 0.0]
    for first, size in zip(start, sizes, strict=True):
        middle = numbers.uniform([-89, -180], [89, 180])
        points[first : first + size] = np.clip(middle + numbers.normal(size=(size, 2)) * 10.0 ** numbers.uniform(-4, 0.5), [-90, -400], [90, 400])
    return unit_from_latlon(points), start, start + sizes


@FEW
@given(groups())
def test_means_are_means_on_the_sphere(drawn):
    unit, start, stop = drawn
    expected = [mean_on_sphere(unit[a:b]) for a, b in zip(start, stop, strict=True)]
    assert_allclose(means(running_sums(unit), start, stop), expected, atol=1e-12)


@FEW
@given(groups())
def test_a_radius_is_the_distance_of_the_member_that_makes_nine_tenths(drawn):
    unit, start, stop = drawn
    centre = means(running_sums(unit), start, stop)
    found = radii_km(unit, start, stop, centre)
    for radius, middle, a, b in zip(found, centre, start, stop, strict=True):
        km = np.sort(distance_km_from_units(unit[a:b], middle))
        n_inside = next(n for n in range(1, b - a + 1) if 10 * n >= 9 * (b - a))
        assert_allclose(radius, km[n_inside - 1], rtol=1e-5, atol=1e-4)


def test_a_weighted_radius_is_the_reach_that_makes_nine_tenths_of_the_weight():
    assert weighted_radius_km(np.array([30.0, 10.0, 20.0, 40.0]), np.array([1.0, 5.0, 3.5, 0.5])) == 30
    assert weighted_radius_km(np.array([30.0, 10.0, 20.0, 40.0]), np.array([0.5, 5.0, 4.0, 0.5])) == 20
    assert weighted_radius_km(np.array([7.0]), np.array([1e-9])) == 7


@FEW
@given(groups())
def test_a_medoid_is_the_nearest_member(drawn):
    unit, start, stop = drawn
    centre = means(running_sums(unit), start, stop)
    for medoid, middle, a, b in zip(medoids(unit, start, stop, centre), centre, start, stop, strict=True):
        assert (unit[a:b] == medoid).all(axis=1).any()
        assert distance_km_from_units(medoid, middle) <= distance_km_from_units(unit[a:b], middle).min() + 1e-6


def test_the_order_of_members_changes_nothing():
    numbers = np.random.default_rng(3)
    unit = unit_from_latlon(numbers.normal([50, 8], [1, 1], (999, 2)))
    whole = np.array([0]), np.array([999])
    shuffled = unit[numbers.permutation(999)]
    for a, b in ((unit, shuffled), (shuffled, unit)):
        middle, same = means(running_sums(a), *whole), means(running_sums(b), *whole)
        assert middle.tobytes() == same.tobytes()
        assert radii_km(a, *whole, middle).tobytes() == radii_km(b, *whole, same).tobytes()
        assert medoids(a, *whole, middle).tobytes() == medoids(b, *whole, same).tobytes()


def test_of_two_nearest_members_one_is_chosen_whatever_their_order():
    pair = unit_from_latlon([[0.0, 10.0], [0.0, -10.0]])
    middle = unit_from_latlon([[0.0, 0.0]])
    chosen = [medoids(pair[rows], np.array([0]), np.array([2]), middle).tolist() for rows in ([0, 1], [1, 0])]
    assert chosen[0] == chosen[1] == [pair[1].tolist()]


def test_means_across_the_antimeridian_and_at_the_pole():
    points = unit_from_latlon([[0.0, 179.9], [0.0, -179.9], [89.0, 0.0], [89.0, 90.0], [89.0, 180.0], [89.0, -90.0]])
    (lat, lon), (pole, _) = latlon_from_unit(means(running_sums(points), np.array([0, 2]), np.array([2, 6])))
    assert abs(lat) < 1e-9
    assert abs(abs(lon) - 180) < 1e-9
    assert abs(pole - 90) < 1e-6


def test_all_on_one_spot_is_a_radius_of_nothing():
    spot = unit_from_latlon(np.tile([48.8566, 2.3522], (1300, 1)))
    centre = means(running_sums(spot), np.array([0]), np.array([1300]))
    assert distance_km_from_units(centre[0], spot[0]) < 1e-8
    assert radii_km(spot, np.array([0]), np.array([1300]), centre)[0] < 1e-6
