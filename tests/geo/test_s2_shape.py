"""Where S2 cells lie: goldens computed live by s2geometry and s2sphere, bit for bit; areas by laws and by other formulas."""

from fractions import Fraction

import numpy as np
import pytest
import s2geometry
import s2sphere
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from geocairn.errors import BadCell
from geocairn.geo import s2
from geocairn.geo.sphere import EARTH_AREA_KM2, EARTH_RADIUS_KM, distance_km_from_units

FACES = s2.ids_from_tokens(["1", "3", "5", "7", "9", "b"])
CUBE_CORNER = np.degrees(np.arctan(np.sqrt(0.5)))


def some_cells():
    """Cells of every level, over the whole Earth and at the edges and corners of the cube, where faces meet."""
    rng = np.random.default_rng(0)
    even = np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, 1500))), rng.uniform(-180, 180, 1500)], axis=-1)
    corners = np.array([(lat, lon) for lat in (CUBE_CORNER, -CUBE_CORNER) for lon in (-135, -45, 45, 135)])
    edges = np.array([(lat, lon) for lat in (-20, 0, 30) for lon in (-135, -45, 45, 135)])
    hard = np.repeat(np.concatenate([corners, np.nextafter(corners, 0), corners * 1.0000001, edges, np.nextafter(edges, 0)]), 31, axis=0)
    leaves = s2.leaf_ids(np.concatenate([even, hard]))
    levels = np.concatenate([rng.integers(0, 31, len(even)), np.tile(np.arange(31), len(hard) // 31)])
    return np.unique(s2.parents(leaves, levels))


CELLS = some_cells()
GOOGLE = [s2geometry.S2CellId(cell) for cell in CELLS.tolist()]
PYTHON = [s2sphere.CellId(cell) for cell in CELLS.tolist()]
cells = st.sampled_from(CELLS.tolist())


def vector(point):
    return [point.x(), point.y(), point.z()]


def test_the_cells_are_of_every_level_and_face():
    assert set(s2.level_of(CELLS).tolist()) == set(range(31))
    assert set(s2.parents(CELLS, 0).tolist()) == set(FACES.tolist())


def test_centres_equal_both_libraries():
    centres = s2.centres(CELLS)
    assert centres.tolist() == [vector(cell.ToPoint()) for cell in GOOGLE]
    assert centres.tolist() == [[*cell.to_point()[:3]] for cell in PYTHON]


def test_corners_equal_the_c_library():
    assert s2.corners(CELLS).tolist() == [[vector(s2geometry.S2Cell(cell).GetVertex(k)) for k in range(4)] for cell in GOOGLE]


def test_neighbours_across_edges_equal_both_libraries():
    neighbours = s2.edge_neighbours(CELLS).tolist()
    assert neighbours == [[other.id() for other in cell.GetEdgeNeighbors()] for cell in GOOGLE]
    for found, python, right in zip(neighbours, PYTHON, s2sphere_is_right(), strict=True):
        assert not right or found == [other.id() for other in python.get_edge_neighbors()]


def test_all_neighbours_equal_both_libraries():
    for google, python, right in zip(GOOGLE, PYTHON, s2sphere_is_right(), strict=True):
        for level in range(google.level(), min(google.level() + 2, 30) + 1):
            found = s2.all_neighbours(google.id(), level).tolist()
            assert found == sorted({other.id() for other in google.GetAllNeighbors(level)})
            assert not right or found == sorted({other.id() for other in python.get_all_neighbors(level)})


def s2sphere_is_right():
    """Where the two libraries agree on neighbours: not of tiny cells within metres of a corner of the cube, where s2sphere names cells that do not touch."""
    from_cube_km = distance_km_from_units(s2.centres(CELLS)[:, None], s2.corners(FACES).reshape(-1, 3)).min(1)
    return (s2.level_of(CELLS) <= 22) | (from_cube_km > 0.005)


def test_s2sphere_is_wrong_about_neighbours_only_where_it_is_left_out():
    """At the corner of the cube one of its neighbours does not have the cell for a neighbour in its turn."""
    leaf = s2sphere.CellId.from_lat_lng(s2sphere.LatLng.from_degrees(-CUBE_CORNER, -45))
    cells = [leaf, *leaf.get_edge_neighbors()]
    assert not all(cell in other.get_edge_neighbors() for cell in cells for other in cell.get_edge_neighbors())
    assert all(cell in s2.edge_neighbours([other]) for cell in s2.edge_neighbours([leaf.id()])[0] for other in s2.edge_neighbours([cell])[0])


@given(cells)
def test_corners_go_counter_clockwise_around_the_centre(cell):
    corners, centre = s2.corners([cell])[0], s2.centres([cell])[0]
    turns = np.cross(corners - centre, np.roll(corners, -1, axis=0) - centre) @ centre
    assert (turns > 0).all()


@given(cells)
def test_neighbours_share_two_corners_and_are_mutual(cell):
    near_km = 1e-9 + 1e-6 * np.sqrt(s2.area_km2([cell])[0])
    for other in s2.edge_neighbours([cell])[0].tolist():
        assert cell in s2.edge_neighbours([other])[0].tolist()
        apart_km = distance_km_from_units(s2.corners([cell])[0][:, None], s2.corners([other])[0])
        assert (apart_km < near_km).sum() == 2


@pytest.mark.parametrize("level", [1, 2, 9, 29, 30])
def test_a_cell_has_eight_neighbours_and_seven_where_three_faces_meet(level):
    inland, at_the_corner = s2.parents(s2.leaf_ids([(3, 10), (CUBE_CORNER, 45)]), level).tolist()
    assert len(s2.all_neighbours(at_the_corner)) == 7
    assert len(s2.all_neighbours(inland)) == (8 if level > 1 else 7)
    assert set(s2.edge_neighbours([inland])[0].tolist()) < set(s2.all_neighbours(inland).tolist())


def test_a_face_has_four_neighbours_and_no_antipode():
    assert s2.all_neighbours(int(FACES[0])).tolist() == FACES[[1, 2, 4, 5]].tolist()


def test_finer_neighbours_make_a_ring():
    cell = int(s2.parents(s2.leaf_ids([(3, 10)]), 8)[0])
    ring = s2.all_neighbours(cell, 12)
    assert len(ring) == 4 * 2**4 + 4
    assert set(s2.parents(ring, 8).tolist()) == set(s2.all_neighbours(cell).tolist())


@pytest.mark.parametrize("level", [7, -1, 31])
def test_neighbours_at_coarser_or_other_levels_are_refused(level):
    cell = int(s2.parents(s2.leaf_ids([(3, 10)]), 8)[0])
    with pytest.raises(BadCell, match=rf"neighbours of cell {cell:#x} at level {level}: ask for a level in \[8, 30\]"):
        s2.all_neighbours(cell, level)


def test_the_faces_share_the_earth_equally():
    assert_allclose(s2.area_km2(FACES), EARTH_AREA_KM2 / 6, rtol=1e-15)


def test_children_have_the_area_of_their_parent():
    coarse = CELLS[s2.level_of(CELLS) < 30]
    assert_allclose(s2.area_km2(s2.children(coarse).ravel()).reshape(-1, 4).sum(1), s2.area_km2(coarse), rtol=4e-15)


def test_all_cells_of_a_level_cover_the_earth():
    level_5 = s2.children(s2.children(s2.children(s2.children(s2.children(FACES))))).ravel()
    assert len(np.unique(level_5)) == 6 * 4**5
    assert_allclose(s2.area_km2(level_5).sum(), EARTH_AREA_KM2, rtol=1e-14)


def test_areas_of_coarse_cells_equal_the_c_library():
    """The library's own sum of angles loses digits in fine cells, 1e-7 of them at level 30."""
    is_coarse = s2.level_of(CELLS) <= 8
    expected = [s2geometry.S2Cell(cell).ExactArea() for cell, coarse in zip(GOOGLE, is_coarse, strict=True) if coarse]
    assert_allclose(s2.area_km2(CELLS[is_coarse]), np.array(expected) * EARTH_RADIUS_KM**2, rtol=1e-13)


@pytest.mark.parametrize("level", [24, 27, 30])
def test_areas_of_fine_cells_equal_those_of_their_plane(level):
    """A cell this small is flat: width times height on the face, seen from the middle of the Earth, with exact fractions until the last step."""
    fine = CELLS[s2.level_of(CELLS) == level]
    expected = []
    for cell in fine.tolist():
        _, i, j, *_ = s2geometry.S2CellId(cell).range_min().ToFaceIJOrientation()
        size = 1 << 30 - level
        (u, width), (v, height) = (_exact_span(place // size * size, size) for place in (i, j))
        expected.append(float(width * height) / float(1 + u * u + v * v) ** 1.5 * EARTH_RADIUS_KM**2)
    assert_allclose(s2.area_km2(fine), expected, rtol=1e-12)


def _exact_span(low, size):
    """Middle and extent on a face of [low, low + size] on its grid."""
    ends = []
    for place in (low, low + size):
        s = Fraction(place, 1 << 30)
        ends.append((4 * s * s - 1) / 3 if 2 * s >= 1 else (1 - 4 * (1 - s) ** 2) / 3)
    return sum(ends) / 2, ends[1] - ends[0]


def test_no_cells_have_no_shapes():
    none = np.empty(0, np.uint64)
    assert s2.centres(none).shape == (0, 3)
    assert s2.corners(none).shape == (0, 4, 3)
    assert s2.edge_neighbours(none).shape == (0, 4)
    assert s2.area_km2(none).shape == (0,)
