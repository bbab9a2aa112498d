import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.data import nearby
from geocairn.data.nearby import MIN_LINK_KM, has_near, linked_within, merge_groups
from geocairn.geo.sphere import distance_km

CENTRES = [(0.0, 0.0), (48.0, 2.0), (89.9999, 10.0), (-90.0, 0.0), (12.0, 180.0), (35.264, 45.0)]


def points(centre_deg, spread_deg, n, seed):
    """A crowd that thins out from its centre, with points that coincide, across poles and antimeridian."""
    generator = np.random.default_rng(seed)
    latlon = np.array(centre_deg) + generator.normal(size=(n, 2)) * spread_deg * generator.random((n, 1)) ** 3
    latlon = np.stack([np.clip(latlon[:, 0], -90, 90), (latlon[:, 1] + 180) % 360 - 180], axis=1)
    latlon[n // 2 : n // 2 + n // 10] = latlon[0]
    return latlon


def linked_by_all_pairs(latlon_deg, km):
    """Single linkage by looking at all pairs, again and again."""
    near = distance_km(latlon_deg[:, None], latlon_deg[None]) <= km
    group = np.arange(len(latlon_deg))
    while True:
        least = np.where(near, group[None], len(group)).min(axis=1)
        if np.array_equal(least, group):
            return group
        group = least


def same_groups(a, b):
    pairs = len(np.unique(np.stack([a, b]), axis=1).T)
    return len(np.unique(a)) == len(np.unique(b)) == pairs


@given(st.sampled_from(CENTRES), st.floats(0.001, 3), st.integers(1, 150), st.integers(0, 10**6), st.sampled_from([MIN_LINK_KM, 0.3, 1.0, 25.0, 1000.0]))
def test_groups_are_those_of_single_linkage(centre_deg, spread_deg, n, seed, km):
    latlon = points(centre_deg, spread_deg, n, seed)
    assert same_groups(linked_within(latlon, km), linked_by_all_pairs(latlon, km))


@pytest.mark.parametrize("gap_km", [0.5, 0.99, 1.01, 1.5])
@pytest.mark.parametrize("chunk", [10, 2_000_000])
def test_two_crowds_are_linked_where_one_pair_is_near(monkeypatch, gap_km, chunk):
    """Crowds wider than a cube that face each other across a gap; few comparisons at once send crowded cubes through the tree."""
    monkeypatch.setattr(nearby, "_CHUNK", chunk)
    side_deg, gap_deg = 2.0 / 111.195, gap_km / 111.195
    generator = np.random.default_rng(8)
    left = np.stack([generator.uniform(-side_deg, side_deg, 2000), generator.uniform(-side_deg, 0, 2000)], axis=1)
    latlon = np.concatenate([left, left * (1, -1) + (0, gap_deg), [(0, 0), (0, gap_deg)]])
    group = linked_within(latlon, 1.0)
    assert len(np.unique(group)) == (1 if gap_km < 1 else 2)
    assert (group[-1] == group[-2]) == (gap_km < 1)


def test_a_chain_is_one_group_however_long():
    chain = np.stack([np.zeros(500), np.arange(500) * 0.008], axis=1)  # 0.89 km from one to the next
    assert (linked_within(chain, 1.0) == 0).all()
    assert len(np.unique(linked_within(chain, 0.88))) == 500


def test_one_place_is_one_group():
    assert (linked_within(np.tile([51.5, -0.12], (5000, 1)), 1.0) == 0).all()
    assert linked_within([(0.0, 180.0), (0.0, -180.0)], 1.0).tolist() == [0, 0]
    assert linked_within([(90.0, 0.0), (90.0, 170.0)], 1.0).tolist() == [0, 0]
    assert len(linked_within(np.empty((0, 2)), 1.0)) == 0


@given(st.sampled_from(CENTRES), st.integers(0, 80), st.integers(0, 80), st.integers(0, 10**6))
def test_has_near_looks_at_all_others(centre_deg, n, m, seed):
    latlon = points(centre_deg, 0.05, n + m, seed) if n + m else np.empty((0, 2))
    mine, others = latlon[:n], latlon[n:]
    assert has_near(mine, others, 1.0).tolist() == (distance_km(mine[:, None], others[None]) < 1.0).any(axis=1).tolist()


def test_merged_groups_are_numbered_from_nought():
    assert merge_groups(np.array([0, 1, 2, 3]), np.array([3]), np.array([1])).tolist() == [0, 1, 2, 1]
    assert merge_groups(np.array([0, 0, 1]), np.array([], dtype=np.int64), np.array([], dtype=np.int64)).tolist() == [0, 0, 1]
