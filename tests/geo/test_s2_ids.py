"""Ids of S2 cells as numbers: laws, and goldens computed live by s2geometry and s2sphere."""

import numpy as np
import pytest
import s2geometry
import s2sphere
from hypothesis import given
from hypothesis import strategies as st

from geocairn.errors import BadCell
from geocairn.geo import s2

FACES = [s2.ids_from_tokens([token])[0] for token in ("1", "3", "5", "7", "9", "b")]


def cell_id(face, position, level):
    one = 1 << 2 * (30 - level)
    return (face << 61 | (2 * position + 1) * one) & (1 << 64) - 1


cells = st.builds(lambda face, level, share: cell_id(face, int(share * (4**level - 1)), level), st.integers(0, 5), st.integers(0, 30), st.floats(0, 1))
coarser_than_leaves = cells.filter(lambda cell: cell % 2 == 0)
numbers = st.one_of(cells, st.integers(0, (1 << 64) - 1), st.builds(lambda shift, odd: odd << shift & (1 << 64) - 1, st.integers(0, 63), st.integers(0, 255)))


def google(cell):
    return s2geometry.S2CellId(cell)


@given(cells)
def test_all_that_one_cell_says_equals_both_libraries(cell):
    python = s2sphere.CellId(cell)
    assert s2.level_of([cell])[0] == google(cell).level() == python.level()
    assert s2.range_min([cell])[0] == google(cell).range_min().id() == python.range_min().id()
    assert s2.range_max([cell])[0] == google(cell).range_max().id() == python.range_max().id()
    assert s2.tokens([cell])[0] == google(cell).ToToken() == python.to_token()


@given(coarser_than_leaves)
def test_children_are_those_of_both_libraries_in_their_order(cell):
    assert s2.children([cell])[0].tolist() == [google(cell).child(k).id() for k in range(4)] == [child.id() for child in s2sphere.CellId(cell).children()]


@given(numbers)
def test_valid_is_what_both_libraries_call_valid(number):
    assert s2.is_valid(number) == google(number).is_valid() == s2sphere.CellId(number).is_valid()


@given(coarser_than_leaves)
def test_children_share_out_the_leaves_of_their_parent(cell):
    children = s2.children([cell])[0]
    first, last = s2.range_min(children), s2.range_max(children)
    assert first[0] == s2.range_min([cell])[0]
    assert last[-1] == s2.range_max([cell])[0]
    assert (first[1:] - last[:-1] == 2).all()  # leaves have every second number
    assert (s2.level_of(children) == s2.level_of([cell]) + 1).all()
    assert (s2.parents(children, s2.level_of([cell])) == cell).all()


@given(cells)
def test_every_ancestor_holds_the_cell(cell):
    own = int(s2.level_of([cell])[0])
    ancestors = s2.parents(np.full(own + 1, cell, np.uint64), np.arange(own + 1))
    assert s2.level_of(ancestors).tolist() == list(range(own + 1))
    assert (s2.range_min(ancestors) <= s2.range_min([cell])).all()
    assert (s2.range_max([cell]) <= s2.range_max(ancestors)).all()
    assert ancestors[-1] == cell
    assert ancestors.tolist() == [google(cell).parent(level).id() for level in range(own + 1)]


@given(st.lists(cells, max_size=20))
def test_tokens_come_back_as_the_ids(some):
    assert s2.ids_from_tokens(s2.tokens(some)).tolist() == some
    assert s2.tokens(some) == [google(cell).ToToken() for cell in some]


def test_shapes_are_kept_and_broadcast():
    faces = np.array(FACES).reshape(2, 3)
    assert s2.level_of(faces).shape == s2.range_min(faces).shape == s2.is_valid(faces).shape == (2, 3)
    assert s2.children(faces).shape == (2, 3, 4)
    assert s2.parents(s2.children(faces), np.array([0, 0, 0, 1])).shape == (2, 3, 4)
    leaf = s2.leaf_ids([(48.85, 2.35)])
    assert s2.level_of(s2.parents(leaf[:, None], [[3, 8, 30]])).tolist() == [[3, 8, 30]]
    assert int(s2.parents(leaf[0], 0)) in [int(face) for face in FACES]


def test_nothing_stays_nothing():
    none = np.empty(0, np.uint64)
    assert s2.tokens([]) == []
    assert s2.ids_from_tokens([]).dtype == np.uint64
    assert s2.parents(none, 5).shape == s2.level_of(none).shape == (0,)
    assert s2.children(none).shape == (0, 4)


def test_signed_integers_of_arrow_tables_are_the_same_ids():
    ids = s2.leaf_ids([(-80.0, 20.0), (0.0, 0.0)])
    assert (ids.view(np.int64) < 0).any()
    assert s2.tokens(ids.view(np.int64)) == s2.tokens(ids)
    assert (s2.parents(ids.view(np.int64), 7) == s2.parents(ids, 7)).all()


def test_a_list_keeps_every_digit():
    """numpy would make floats of integers on both sides of 2^63."""
    assert s2.range_min([0x12A4A2F17B8C4F87, 0xB000000000000001]).tolist() == [0x12A4A2F17B8C4F87, 0xB000000000000001]


@pytest.mark.parametrize(
    "token",
    [
        *("", "0", "X", "x", "2", "c", "f", "10", "4ad0", "4AD", " 4ad", "4ad ", "4ad\n", "0x4ad", "-1", "+1", "4_ad", "4.00E+05", "4e5.", "4a d", "g"),
        *("12a4a2f17b8c4f871", "00000000000000001", "4e+05", "nan", "None", "1e400000000000000", "\u0664", "\uff14ad", "é", "4ad\x00", "0000000000000000"),
    ],
)
def test_what_is_no_token_is_no_cell(token):
    assert s2.ids_from_tokens(["4ad", token, "1"]).tolist() == [0x4AD << 52, 0, 1 << 60]


@given(st.one_of(st.text("0123456789abcdef", max_size=17), st.text(max_size=4)))
def test_only_what_tokens_writes_is_read(text):
    is_hexadecimal = 0 < len(text) <= 16 and set(text) <= set("0123456789abcdef")
    number = int(text.ljust(16, "0"), 16) if is_hexadecimal else 0
    is_token = google(number).is_valid() and google(number).ToToken() == text
    assert s2.ids_from_tokens([text]).tolist() == [number if is_token else 0]


NO_CELLS = [0, 2, 1 << 63 | 1 << 62, (6 << 61) | 1, (1 << 64) - 1, 1 << 61]


@pytest.mark.parametrize("number", NO_CELLS)
@pytest.mark.parametrize("ask", [s2.level_of, s2.range_min, s2.range_max, s2.children, s2.tokens, s2.centres, s2.corners, s2.area_km2, s2.edge_neighbours])
def test_what_is_no_cell_is_named(ask, number):
    with pytest.raises(BadCell, match=f"^cell {number:#x} is no S2 cell; ids have"):
        ask(np.array([FACES[0], number], np.uint64))


@pytest.mark.parametrize("number", NO_CELLS)
def test_what_is_no_cell_has_no_ancestors(number):
    with pytest.raises(BadCell, match=f"^cell {number:#x} is no S2 cell"):
        s2.parents(np.array([FACES[0], number], np.uint64), 0)
    with pytest.raises(BadCell, match=f"^cell {number:#x} is no S2 cell"):
        s2.parents(np.array([FACES[0], number], np.uint64), [0, 0])


def test_a_cell_has_no_ancestor_finer_than_itself():
    ids = s2.parents(s2.leaf_ids([(1, 1), (2, 2), (3, 3)]), [9, 5, 7])
    with pytest.raises(BadCell, match=f"^cell {int(ids[1]):#x} is coarser than the level asked for .* level of at most 5$"):
        s2.parents(ids, 7)
    with pytest.raises(BadCell, match=f"^cell {int(ids[2]):#x} is coarser"):
        s2.parents(ids, [9, 5, 8])
    assert s2.level_of(s2.parents(ids, 5)).tolist() == [5, 5, 5]


@pytest.mark.parametrize("level", [-1, 31, 2.0, True, "3", [0, 99]])
def test_levels_of_no_cell_are_refused(level):
    with pytest.raises(BadCell, match=r"is no level of S2; levels are whole numbers in \[0, 30\]$"):
        s2.parents(np.array(FACES[:2]), level)


def test_leaves_have_no_children():
    leaf = int(s2.leaf_ids([(1, 1)])[0])
    with pytest.raises(BadCell, match=f"^cell {leaf:#x} is a leaf cell"):
        s2.children([FACES[0], leaf])


@pytest.mark.parametrize("ids", [[1.5], [1.0, 2**63], [-1], [1 << 64], ["4ad"], [None], 0.5])
def test_lists_of_what_is_no_whole_number_are_refused(ids):
    with pytest.raises(BadCell, match="is no S2 cell; ids are whole numbers of 64 bits"):
        s2.is_valid(ids)


def test_arrays_of_floats_are_refused():
    with pytest.raises(BadCell, match=r"an array of float64 holds no S2 cells; .* floats lose"):
        s2.is_valid(np.array([1.0, 2.0**60]))
