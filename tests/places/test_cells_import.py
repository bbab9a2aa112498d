import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.places.points import photo_like_points

from geocairn.errors import BadHierarchy
from geocairn.places.cell_hierarchy import cell_levels, hierarchy_of_cells
from geocairn.places.cells import CellSettings
from geocairn.places.cells_csv import export_cells
from geocairn.places.cells_import import hierarchy_from_cell_files
from geocairn.places.hierarchy import check_hierarchy

EARTH = hierarchy_of_cells(photo_like_points(1500), CellSettings(t_min=5, t_max=(200, 60, 20)), meta={"source_sha256": ""})


def test_a_partition_comes_back_from_its_files(tmp_path):
    paths = export_cells(EARTH, tmp_path / "one")
    read = hierarchy_from_cell_files([paths[1], paths[2], paths[0]])
    check_hierarchy(read)
    assert read.level_names == EARTH.level_names
    for name in ("parent", "level", "count", "weight", "leaf_start", "leaf_stop", "area_km2"):
        assert np.array_equal(getattr(read, name), getattr(EARTH, name)), name
    assert_allclose(read.unit, EARTH.unit, atol=1e-10)
    assert read.ids.to_list() == EARTH.ids.to_list()
    assert {key: read.meta[key] for key in ("t_min", "t_max", "n_rows", "start_level")} == {
        key: EARTH.meta[key] for key in ("t_min", "t_max", "n_rows", "start_level")
    }
    assert_allclose(read.radius_km, np.sqrt(read.area_km2 / np.pi), rtol=1e-5)
    assert [path.read_bytes() for path in export_cells(read, tmp_path / "two")] == [path.read_bytes() for path in paths]


def test_labels_in_any_order_and_lines_above_the_header_change_nothing(tmp_path):
    (path,) = export_cells(hierarchy_of_cells(photo_like_points(900), CellSettings(t_min=5, t_max=(30,)), meta={}), tmp_path)
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join(["num_images: 4321", "min_concept_probability: ---", header, *rows[::-1]]) + "\n")
    renamed = path.rename(tmp_path / "mine.csv")
    read = hierarchy_from_cell_files([renamed])
    assert read.level_names == (f"c{len(rows)}",)
    assert read.names.to_list() == [row.split(",")[1] for row in rows]
    assert read.meta["n_rows"] == 4321
    assert (np.diff(cell_levels(read)[0].astype(object)) > 0).all()
    with pytest.raises(BadHierarchy, match="does not tell its t_min, t_max"):
        export_cells(read, tmp_path)


def test_files_with_faults_or_twice_the_same_are_refused(tmp_path):
    paths = export_cells(EARTH, tmp_path)
    with pytest.raises(BadHierarchy, match="two files give a level t200"):
        hierarchy_from_cell_files([paths[0], paths[0]])
    words = paths[0].read_text().splitlines()
    words[3] = words[3].replace(words[3].split(",")[1], "4.7E+064")
    paths[0].write_text("\n".join(words))
    with pytest.raises(BadHierarchy, match=r"row 4: '4.7E\+064': the token is not 1 to 16 .* \(1 faults in all"):
        hierarchy_from_cell_files(paths)
