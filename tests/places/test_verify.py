import csv
import io
import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.places.factory import small_earth
from tests.places.points import photo_like_points
from tests.places.reference_cells import reference_partition

from geocairn.errors import BadHierarchy
from geocairn.geo import s2
from geocairn.places.cell_hierarchy import hierarchy_of_cells
from geocairn.places.cells import CellSettings
from geocairn.places.cells_csv import CELL_COLUMNS, export_cells, read_cell_rows
from geocairn.places.cells_import import hierarchy_from_cell_files
from geocairn.places.files import save_hierarchy
from geocairn.places.verify import check_cells, verify

POINTS = photo_like_points(4000, seed=4)
EARTH = hierarchy_of_cells(POINTS, CellSettings(t_min=3, t_max=(300, 40, 6)), meta={"source_sha256": ""})


def as_spreadsheet(token):
    """What a spreadsheet makes of a cell that looks like a number to it."""
    try:
        number = float(token) if token.isdecimal() or ("e" in token[1:-1] and token.replace("e", "", 1).isdecimal()) else None
    except (ValueError, OverflowError):
        return token
    if number is None or number > 1e307:
        return token
    if "e" not in token and len(token.lstrip("0")) <= 15:
        return token.lstrip("0")
    kept = f"{number:.14e}"
    mantissa, exponent = kept.split("e")
    if int(exponent) <= 20 and "e" in token:
        return str(round(number))
    if "e" not in token:
        return token.lstrip("0")[:15] + "0" * (len(token.lstrip("0")) - 15)
    return f"{float(mantissa):.1f}E+{int(exponent):03d}"


@pytest.mark.parametrize(
    ("token", "damaged"),
    [
        ("00994", "994"),
        ("071", "71"),
        ("47e63", "4.7E+064"),
        ("478e4", "4780000"),
        ("1234567890123457", "1234567890123450"),
        ("47e", "47e"),
        ("e47", "e47"),
        ("7", "7"),
    ],
)
def test_spreadsheets_damage_tokens_so(token, damaged):
    assert as_spreadsheet(token) == damaged


def write_cells(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([CELL_COLUMNS, *rows])
    return path


def rows_of(path):
    cells = read_cell_rows(path)
    return [list(row) for row in zip(*(cells.columns[name] for name in CELL_COLUMNS), strict=True)]


def cells_everywhere(seed, n=400):
    """Rows of sound cells of mixed levels, none within another, each with a mean somewhere in it: many have tokens that look like numbers."""
    numbers = np.random.default_rng(seed)
    points = np.column_stack([np.degrees(np.arcsin(numbers.uniform(-1, 1, n))), numbers.uniform(-180, 180, n)])
    leaves = s2.leaf_ids(points)
    ids = s2.parents(leaves, numbers.choice([4, 5, 6, 7, 9, 11, 16, 26, 29, 30], n))
    order = np.argsort(s2.range_min(ids))
    kept, last = [], 0
    for at in order.tolist():
        if int(s2.range_min(ids[at : at + 1])[0]) > last:
            kept.append(at)
            last = int(s2.range_max(ids[at : at + 1])[0])
    tokens = s2.tokens(ids[kept])
    return [[str(label), token, str(60 + label), *map(repr, points[at].tolist())] for label, (at, token) in enumerate(zip(kept, tokens, strict=True))]


def faulty_rows(path, **options):
    return {fault.row for fault in verify(path, **options)}


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_every_row_that_a_spreadsheet_damaged_is_found_and_no_other(tmp_path_factory, seed):
    rows = cells_everywhere(seed)
    path = write_cells(tmp_path_factory.mktemp("cells") / "cells.csv", rows)
    assert verify(path) == []
    damaged = {line for line, row in enumerate(rows, 2) if as_spreadsheet(row[1]) != row[1]}
    write_cells(path, [[label, as_spreadsheet(token), *rest] for label, token, *rest in rows])
    assert faulty_rows(path) == damaged


def test_damage_of_all_three_kinds_is_found():
    numbers = np.random.default_rng(0)
    tokens = s2.tokens(s2.parents(s2.leaf_ids(np.column_stack([np.degrees(np.arcsin(numbers.uniform(-1, 1, 60000))), numbers.uniform(-180, 180, 60000)])), 9))
    kinds = {
        "a zero eaten": [token for token in tokens if token.isdecimal() and token.startswith("0")],
        "scientific": [token for token in tokens if as_spreadsheet(token) != token and "E" in as_spreadsheet(token)],
        "written out": [token for token in tokens if "e" in token and as_spreadsheet(token).isdecimal()],
    }
    assert all(len(found) >= 5 for found in kinds.values()), {kind: len(found) for kind, found in kinds.items()}


@pytest.mark.parametrize("token", ["01", "04", "001", "004"])
def test_the_first_cells_of_the_first_face_do_not_pass_for_it(tmp_path, token):
    # Without its zero the token is that of a cell around the true one: only its level, or the cells that it holds, give it away.
    ids = s2.ids_from_tokens([token])
    lat, lon = np.degrees(np.arcsin(s2.centres(ids)[0, 2])), np.degrees(np.arctan2(*s2.centres(ids)[0, 1::-1]))
    start_level = int(s2.level_of(ids)[0])
    assert verify(write_cells(tmp_path / "cells.csv", [["0", token, "60", lat, lon]]), start_level=start_level) == []
    assert faulty_rows(write_cells(tmp_path / "cells.csv", [["0", token.lstrip("0"), "60", lat, lon]])) == {2}


@pytest.mark.parametrize("decimals", [3, 6, 15])
def test_partitions_with_means_in_rounded_degrees_raise_no_alarm(tmp_path, decimals):
    # The field's own writer averages degrees and rounds them; at the poles and the antimeridian that is a fault of its own, so it is left out here.
    points = POINTS[(np.abs(POINTS[:, 0]) < 85) & (np.abs(POINTS[:, 1]) < 179.9)]
    for t_max in (300, 6):
        cells = reference_partition(points, 3, t_max)
        rows = [
            [str(label), token, str(len(members)), *(f"{mean:.{decimals}f}" for mean in points[sorted(members)].mean(axis=0))]
            for label, (token, members) in enumerate(cells.items())
        ]
        assert verify(write_cells(tmp_path / "cells.csv", rows)) == []


def test_exported_partitions_are_sound_and_nest(tmp_path):
    paths = export_cells(EARTH, tmp_path)
    assert [verify(path) for path in paths] == [[], [], []]
    assert verify(tmp_path) == []


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        (1, "4.7E+064", "the token is not 1 to 16"),
        (1, "47E", "the token is not 1 to 16"),
        (1, "", "the token is not 1 to 16"),
        (1, "12345678901234567", "the token is not 1 to 16"),
        (1, "4780000", "the token ends in 0"),
        (1, "d5", "the token is no S2 cell"),
        (1, "1", "the cell is coarser than level 2"),
        (2, "0", "the count is no whole number above 0"),
        (2, "-5", "the count is no whole number above 0"),
        (2, "x", "the count is no whole number above 0"),
        (2, "1.5", "the count is no whole number above 0"),
        (3, "91", "the mean is no coordinate"),
        (3, "", "the mean is no coordinate"),
        (4, "nan", "the mean is no coordinate"),
        (4, "-inf", "the mean is no coordinate"),
        (0, "0", "the label '0' is that of another row"),
        (0, "6", "the label '6' is that of another row"),
        (0, "20", "the label '20' is that of another row"),
        (0, "999", "the label '999' is too large for"),
        (0, "two", "the label 'two' is no whole number from 0 on"),
        (0, "-1", "the label '-1' is no whole number from 0 on"),
    ],
)
def test_a_bad_cell_is_named_with_its_row_and_rule(tmp_path, column, value, rule):
    rows = cells_everywhere(1)
    rows[5][column] = value
    (fault,) = verify(write_cells(tmp_path / "cells.csv", rows))
    assert (fault.row, fault.what) == (7, rows[5][1])
    assert fault.rule.startswith(rule)
    assert str(fault) == f"{tmp_path / 'cells.csv'}, row 7: {rows[5][1]!r}: {fault.rule}"


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ([5], "label 5 is missing"),
        ([3, 8], "labels 3, 8 are missing"),
        ([0], "label 0 is missing"),
        (range(4, 11), "7 labels are missing, such as 4, 5, 6, 7, 8"),
    ],
)
def test_a_missing_row_accuses_no_other(tmp_path, gone, words):
    rows = [row for row in cells_everywhere(1) if int(row[0]) not in gone]
    path = write_cells(tmp_path / "cells.csv", rows)
    assert [(fault.row, str(fault)) for fault in verify(path)] == [(None, f"{path}: {words}")]
    # Nor where rows stand in another order.
    path = write_cells(tmp_path / "cells.csv", rows[::-1])
    assert [str(fault) for fault in verify(path)] == [f"{path}: {words}"]


def test_the_last_rows_may_be_all_that_a_gap_is_known_by(tmp_path):
    rows = cells_everywhere(1)
    del rows[-4:-1], rows[3]
    assert [fault.row for fault in verify(write_cells(tmp_path / "cells.csv", rows))] == [None]


def test_a_row_that_repeats_another_names_it(tmp_path):
    rows = cells_everywhere(1)
    rows.insert(20, rows[9])
    path = write_cells(tmp_path / "cells.csv", rows)
    assert [str(fault) for fault in verify(path)] == [f"{path}, row 22: {rows[9][1]!r}: repeats row 11"]


def test_a_row_of_another_length_hides_no_other_fault(tmp_path):
    rows = cells_everywhere(1)
    rows[5] = rows[5][:3]
    rows[7][3] = "91"
    rows[9] = [*rows[9], "more"]
    path = write_cells(tmp_path / "cells.csv", rows)
    told = "cells where the header has 5; quote cells that hold commas"
    assert [(fault.row, fault.rule) for fault in verify(path)] == [(7, f"3 {told}"), (9, "the mean is no coordinate"), (11, f"6 {told}")]
    write_cells(path, [row[:3] for row in rows])
    assert {fault.rule for fault in verify(path)} == {f"3 {told}"}
    with pytest.raises(BadHierarchy, match=f"row 2: .*3 {told}"):
        hierarchy_from_cell_files([path])


def test_a_mean_elsewhere_is_outside(tmp_path):
    rows = cells_everywhere(1)
    rows[5][3:], rows[6][3:] = rows[6][3:], rows[5][3:]
    faults = verify(write_cells(tmp_path / "cells.csv", rows))
    assert [(fault.row, fault.rule) for fault in faults] == [(7, "the mean lies outside the cell"), (8, "the mean lies outside the cell")]


def test_of_cells_that_overlap_the_one_that_holds_others_is_at_fault(tmp_path):
    rows = cells_everywhere(1)
    token = next(row for row in rows if len(row[1]) > 4)
    above = s2.tokens(s2.parents(s2.ids_from_tokens([token[1]]), 3))[0]
    added = [str(len(rows)), above, "60", *token[3:]]
    faults = verify(write_cells(tmp_path / "cells.csv", [*rows, added]))
    assert [(fault.row, fault.rule) for fault in faults] == [(len(rows) + 2, "other cells of the file lie in this one")]
    again = [str(len(rows)), *token[1:]]
    assert faulty_rows(write_cells(tmp_path / "cells.csv", [*rows, again])) == {len(rows) + 2}


def test_a_damaged_row_accuses_no_sound_one_of_its_own_or_another_file(tmp_path):
    paths = export_cells(EARTH, tmp_path)
    rows = rows_of(paths[0])
    rows[0][1] = rows[1][1]
    write_cells(paths[0], rows)
    assert [(fault.path, fault.row) for fault in verify(tmp_path)] == [(paths[0], 2)]


def test_finer_cells_that_lie_in_no_coarser_one_are_found(tmp_path):
    paths = export_cells(EARTH, tmp_path)
    rows = rows_of(paths[0])
    gone = rows.pop()
    write_cells(paths[0], rows)
    inside = [
        (path, line)
        for path in paths[1:]
        for line, row in enumerate(rows_of(path), 2)
        if s2.parents(s2.ids_from_tokens([row[1]]), s2.level_of(s2.ids_from_tokens([gone[1]])))[0] == s2.ids_from_tokens([gone[1]])[0]
    ]
    faults = verify(tmp_path)
    assert [(fault.path, fault.row) for fault in faults] == inside
    assert {fault.rule for fault in faults} == {f"lies in no cell of the coarser {paths[0].name}"}


def test_sound_rows_are_handed_on_in_the_order_of_ids(tmp_path):
    rows = cells_everywhere(2)[::-1]
    rows = [[str(label), *rest] for label, (_, *rest) in enumerate(rows)]
    sound, faults = check_cells(read_cell_rows(write_cells(tmp_path / "cells.csv", rows)), start_level=2)
    assert faults == []
    assert (sound.ids[1:] > sound.ids[:-1]).all()
    assert [rows[at][1] for at in sound.at.tolist()] == s2.tokens(sound.ids)
    assert sound.count.tolist() == [int(rows[at][2]) for at in sound.at.tolist()]


def damaged_arrays(folder, **changes):
    save_hierarchy(EARTH, folder / "hierarchy.npz")
    with np.load(folder / "hierarchy.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    for name, (at, value) in changes.items():
        arrays[name] = arrays[name].copy()
        arrays[name][at] = value
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    (folder / "hierarchy.npz").write_bytes(buffer.getvalue())


def test_an_array_that_is_none_of_a_hierarchy_is_a_fault(tmp_path):
    save_hierarchy(EARTH, tmp_path / "hierarchy.npz")
    with np.load(tmp_path / "hierarchy.npz") as stored:
        arrays = dict(stored)
    np.savez(tmp_path / "hierarchy.npz", **arrays, payload=np.zeros(3))
    assert [str(fault) for fault in verify(tmp_path)] == [f"{tmp_path / 'hierarchy.npz'}: the array 'payload' is none of a hierarchy's"]


def test_a_sound_hierarchy_has_no_faults(tmp_path):
    for name, earth in (("cells", EARTH), ("entities", small_earth())):
        save_hierarchy(earth, tmp_path / name / "hierarchy.npz")
        assert verify(tmp_path / name) == []
        assert verify(tmp_path / name / "hierarchy.npz") == verify(tmp_path / name / "hierarchy.json") == []


@pytest.mark.parametrize("levels", [3, ["a", 4], {"a": 1}])
def test_levels_that_are_no_names_are_refused(tmp_path, levels):
    save_hierarchy(EARTH, tmp_path / "hierarchy.npz")
    described = json.loads((tmp_path / "hierarchy.json").read_text())
    (tmp_path / "hierarchy.json").write_text(json.dumps({**described, "levels": levels}))
    with pytest.raises(BadHierarchy, match="is no list of names"):
        verify(tmp_path)


@pytest.mark.parametrize(
    ("array", "place", "value", "rule"),
    [
        ("count", 3, 2, "the count is not above t_min"),
        ("unit", 4, [0.0, 0.0, 1.0], "the place lies outside the cell"),
        ("parent", -1, 0, "the cell does not lie in its parent"),
        ("radius_km", 2, -1.0, "a radius and an area are finite and not negative, but not here"),
        ("weight", 2, 0.0, "a weight is positive, but not here"),
        ("level", 0, 2, "places are sorted by level, but not here"),
    ],
)
def test_a_damaged_hierarchy_names_place_and_rule(tmp_path, array, place, value, rule):
    damaged_arrays(tmp_path, **{array: (place, value)})
    faults = verify(tmp_path)
    assert faults[0].rule == "the arrays are not those that hierarchy.json describes"
    assert rule in {fault.rule for fault in faults[1:]}
    if array in ("count", "unit", "parent"):
        assert place % len(EARTH) in {fault.row for fault in faults if fault.rule == rule}


def test_tokens_damaged_in_a_hierarchy_are_found(tmp_path):
    start = int(EARTH.names.offsets[5])
    damaged_arrays(tmp_path, names_utf8=(start, ord("z")))
    assert [(fault.row, fault.rule) for fault in verify(tmp_path)[1:]] == [(5, "the name is no token of an S2 cell")]
    damaged_arrays(tmp_path, names_utf8=(start, 0xFF))
    assert any("do not fit together" in fault.rule for fault in verify(tmp_path))


def test_changes_of_which_no_rule_tells_are_found_by_the_hash(tmp_path):
    damaged_arrays(tmp_path, count=(0, int(EARTH.count[0]) + 1))
    (fault,) = verify(tmp_path)
    assert str(fault) == f"{tmp_path / 'hierarchy.npz'}: the arrays are not those that hierarchy.json describes"


def test_what_cannot_be_read_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "absent", tmp_path / "absent.csv"):
        with pytest.raises(BadHierarchy, match="no such file"):
            verify(path)
    save_hierarchy(EARTH, tmp_path / "hierarchy.npz")
    (tmp_path / "hierarchy.npz").write_bytes(b"\0" * 100)
    with pytest.raises(BadHierarchy, match="not a readable"):
        verify(tmp_path)
    shutil.rmtree(tmp_path)
