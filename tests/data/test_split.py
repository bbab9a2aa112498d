from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.coordinates import Coded
from geocairn.data.split import PARTS, Rows, SplitSettings, count_leaks, group_rows, order_groups, share_out, too_large, unseen_values
from geocairn.errors import BadConfig
from geocairn.geo.sphere import distance_km

KEYS = st.lists(st.sampled_from(["author", "album", "sequence", "cell", "photo"]), min_size=1, unique=True).map(tuple)
FRACTIONS = st.sampled_from([(90, 5, 5), (80, 10, 10), (50, 40, 10), (34, 33, 33), (80, 0, 20), (100, 0, 0), (5, 5, 90)])


def coded(cells):
    values = [value for value in dict.fromkeys(cells) if value is not None]
    return Coded(np.array([-1 if cell is None else values.index(cell) for cell in cells], dtype=np.int64), values)


def make_rows(n, seed=0, missing=0.1):
    """Rows of few authors, albums and sequences in few towns, some without."""
    generator = np.random.default_rng(seed)

    def column(n_values):
        return [None if generator.random() < missing else f"v{value}" for value in generator.integers(0, n_values, n)]

    latlon = generator.integers(-2, 3, size=(n, 2)) * 20.0 + generator.normal(size=(n, 2)) * 0.02
    return Rows([f"p{row}.jpg" for row in range(n)], latlon, {key: coded(column(3 + n // 5)) for key in ("author", "album", "sequence")})


def reordered(rows, order):
    columns = {key: coded([None if column.codes[row] < 0 else column.values[column.codes[row]] for row in order]) for key, column in rows.columns.items()}
    return Rows([rows.photos[row] for row in order], rows.latlon_deg[order], columns)


def split(rows, settings):
    group = group_rows(rows, settings)
    return share_out(np.bincount(group), order_groups(rows, group, settings), settings.fractions)[group]


def shares(rows, key, cell_km=1.0):
    """(N, N) whether two rows share the key."""
    if key == "cell":
        return distance_km(rows.latlon_deg[:, None], rows.latlon_deg[None]) < cell_km
    if key == "photo":
        return np.eye(len(rows), dtype=bool)
    codes = rows.columns[key].codes
    return (codes[:, None] == codes[None]) & (codes >= 0)


@given(st.integers(3, 60), st.integers(0, 10**6), KEYS, FRACTIONS, st.integers(0, 5))
def test_nothing_that_is_shared_stands_on_both_sides(n, seed, by, fractions, split_seed):
    rows, settings = make_rows(n, seed), SplitSettings(by=by, fractions=fractions, seed=split_seed)
    group = group_rows(rows, settings)
    try:
        part = split(rows, settings)
    except BadConfig:
        assert len(np.unique(group)) < np.count_nonzero(fractions)
        return
    together = np.eye(n, dtype=bool)
    for key in by:
        together |= shares(rows, key)
        assert (part[:, None] == part[None])[shares(rows, key)].all()
    for _ in range(n):
        together = together @ together
    assert np.array_equal(group[:, None] == group[None], together)
    # Every row is in one part, and every part that was to have rows has some.
    assert set(part.tolist()) == set(np.flatnonzero(fractions).tolist())


@given(st.integers(20, 60), st.integers(0, 10**6), KEYS, st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_a_second_run_changes_the_split(n, seed, by, random):
    rows, settings = make_rows(n, seed, missing=0.5), SplitSettings(by=by, fractions=(60, 20, 20))
    order = random.sample(range(n), n)
    try:
        part = split(rows, settings)
    except BadConfig:
        return
    assert np.array_equal(split(rows, settings), part)
    assert np.array_equal(split(reordered(rows, order), settings), part[order])


def test_each_setting_changes_the_split():
    rows = make_rows(300, missing=0.9)
    plain = split(rows, SplitSettings(by=("cell",)))
    for changed in ({"by": ("photo",)}, {"fractions": (80, 10, 10)}, {"cell_km": 3.0}, {"seed": 1}):
        assert not np.array_equal(split(rows, SplitSettings(**{"by": ("cell",), **changed})), plain), changed


def test_fractions_are_met_where_groups_are_small():
    part = split(make_rows(1000), SplitSettings(by=("photo",), fractions=(90, 5, 5)))
    assert np.bincount(part).tolist() == [900, 50, 50]


def test_new_rows_move_few_others():
    rows, settings = make_rows(2000, missing=0), SplitSettings(by=("author",), fractions=(80, 10, 10))
    longer = make_rows(20, seed=9, missing=0)
    names = [rows.columns["author"].values[code] for code in rows.columns["author"].codes]
    more = Rows(
        [*rows.photos, *(f"new{row}.jpg" for row in range(20))],
        np.concatenate([rows.latlon_deg, longer.latlon_deg]),
        {"author": coded([*names, *(f"new {row}" for row in range(20))])},
    )
    moved = split(more, settings)[:2000] != split(rows, settings)
    assert moved.mean() < 0.02


def test_rows_without_any_key_are_alone():
    rows = Rows(["a", "b", "c"], np.zeros((3, 2)), {"author": coded([None, None, "x"])})
    assert group_rows(rows, SplitSettings(by=("author",))).tolist() == [0, 1, 2]


def sizes_of(sizes, fractions):
    part = share_out(sizes, np.arange(len(sizes)), fractions)
    return [int(np.array(sizes)[part == index].sum()) for index in range(3)]


@pytest.mark.parametrize(
    ("sizes", "fractions", "expected"),
    [
        ([1] * 100, (90, 5, 5), [90, 5, 5]),
        ([1] * 10, (90, 5, 5), [8, 1, 1]),  # each part gets a group
        ([1] * 3, (5, 5, 90), [1, 1, 1]),
        ([1] * 8, (50, 40, 10), [4, 3, 1]),
        ([60] + [1] * 40, (90, 5, 5), [90, 5, 5]),  # one large group, and the rest fills up
        ([1] * 40 + [60], (90, 5, 5), [90, 5, 5]),
        ([9990] + [1] * 10, (90, 5, 5), [9990, 5, 5]),  # what a giant leaves is shared
        ([1] * 10 + [9990], (5, 5, 90), [5, 5, 9990]),  # it goes to the largest part, whichever that is
        ([97, 1, 1, 1], (34, 33, 33), [97, 1, 2]),
        ([5], (100, 0, 0), [5, 0, 0]),
        ([5, 1], (60, 0, 40), [5, 0, 1]),
    ],
)
def test_groups_are_shared_out(sizes, fractions, expected):
    assert sizes_of(sizes, fractions) == expected


@given(st.lists(st.integers(1, 1000), min_size=3, max_size=60), FRACTIONS)
def test_no_part_is_off_by_more_than_its_groups_explain(sizes, fractions):
    found, n_rows = sizes_of(sizes, fractions), sum(sizes)
    assert sum(found) == n_rows
    assert all((count > 0) == (fraction > 0) for count, fraction in zip(found, fractions, strict=True))
    worst = max(abs(count - fraction / 100 * n_rows) for count, fraction in zip(found, fractions, strict=True))
    assert worst <= 2 * max(sizes)


def test_too_few_groups_are_refused():
    with pytest.raises(BadConfig, match="2 groups for 3 parts: too few"):
        share_out([5, 5], [0, 1], (90, 5, 5))
    assert sizes_of([5, 5], (50, 50, 0)) == [5, 5, 0]


def test_a_group_is_too_large_beyond_the_smallest_part():
    assert too_large([5, 6, 89], (90, 5, 5)).tolist() == [False, True, True]
    assert too_large([5, 6, 89], (50, 50, 0)).tolist() == [False, False, True]


def test_leaks_are_counted_for_all_keys_the_rows_have():
    latlon = np.array([(0.0, 0.0), (0.0, 0.005), (50.0, 0.0), (0.0, 0.02), (0.0, 179.999), (0.0, -179.999)])
    rows = Rows(list("abcdef"), latlon, {"author": coded(["x", "y", "x", "x", None, None])})
    part = np.array([0, 1, 1, 2, 0, 2])
    assert count_leaks(rows, part, 1.0) == {"val": {"author": 1, "cell": 1}, "test": {"author": 1, "cell": 1}}
    assert count_leaks(rows, part, 3.0)["test"] == {"author": 1, "cell": 2}


@given(st.integers(12, 60), st.integers(0, 10**6), KEYS)
def test_what_a_split_is_made_by_does_not_leak(n, seed, by):
    rows, settings = make_rows(n, seed, missing=0.7), SplitSettings(by=by, fractions=(50, 25, 25))
    try:
        part = split(rows, settings)
    except BadConfig:
        return
    leaks = count_leaks(rows, part, settings.cell_km)
    for index, name in enumerate(PARTS[1:], start=1):
        assert all(leaks[name][key] == 0 for key in by if key != "photo")
        for key, count in leaks[name].items():
            assert count == shares(rows, key)[np.ix_(part == index, part == 0)].any(axis=1).sum()


def test_countries_unseen_in_train():
    column = coded(["NA", "FR", "FR", None, "DE", "DE"])
    assert unseen_values(column, [0, 0, 1, 1, 1, 2]) == {"val": {"DE": 1}, "test": {"DE": 1}}


def test_seeds_shuffle_groups_evenly():
    rows = make_rows(50)
    held = Counter()
    for seed in range(200):
        part = split(rows, SplitSettings(by=("photo",), fractions=(80, 10, 10), seed=seed))
        held.update(np.flatnonzero(part == 2).tolist())
    assert len(held) == 50
    assert max(held.values()) < 45  # of 200 draws at 10 %


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"by": ("author", "author")}, "a key stands there twice"),
        ({"fractions": (90, 5, 6)}, "they sum to 101; give percent"),
        ({"fractions": (0, 50, 50)}, "nothing is left to train on"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(bad, message):
    with pytest.raises(BadConfig, match=message):
        SplitSettings(**{"by": ("author",), **bad}).check()


@pytest.mark.parametrize(
    "bad",
    [{"by": ()}, {"by": ("town",)}, {"fractions": (90, 10)}, {"fractions": (120, -10, -10)}, {"fractions": (float("nan"), 5, 5)}, {"cell_km": 0}, {"seed": -1}],
)
def test_settings_out_of_range_are_refused(bad):
    with pytest.raises(BadConfig, match=next(iter(bad))):
        SplitSettings.parse("test", {"by": ("author",), **bad})
