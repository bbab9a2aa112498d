import re

import numpy as np
import pytest
from tests.places.factory import small_earth
from tests.places.points import photo_like_points

from geocairn.errors import BadConfig, BadHierarchy, BadOutput, UnknownName
from geocairn.places.cell_hierarchy import hierarchy_of_cells
from geocairn.places.cells import CellSettings
from geocairn.places.plot import level_figure, plot_level

CELLS = hierarchy_of_cells(photo_like_points(1500), CellSettings(t_min=5, t_max=(200, 20)), meta={"source_sha256": ""})


def test_cells_are_drawn_in_the_colours_of_their_counts():
    for level, name in enumerate(CELLS.level_names):
        figure = level_figure(CELLS, name)
        shapes = figure.axes[0].collections[0]
        places = CELLS.places_of(level)
        assert set(np.asarray(shapes.get_array()).tolist()) == set(CELLS.count[places].tolist())
        assert len(shapes.get_paths()) >= len(places)
        assert f"{name}: {len(places)} places" in figure.axes[0].get_title()
        assert figure.axes[0].get_xlim() == (-180, 180)
        assert len(figure.axes[0].collections[1].get_paths()) > 100, "coasts"


def test_other_places_are_points_as_large_as_their_counts():
    earth = small_earth()
    earth.count[:] = np.arange(1, len(earth) + 1)
    points = level_figure(earth, "city").axes[0].collections[0]
    assert len(points.get_offsets()) == 11
    assert (np.diff(points.get_sizes()) <= 0).all()
    assert (np.diff(np.asarray(points.get_array())) < 0).all()


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG")])
def test_a_map_is_written_as_its_suffix_says(tmp_path, suffix, start):
    plot_level(CELLS, None, tmp_path / f"map{suffix}")
    assert (tmp_path / f"map{suffix}").read_bytes().startswith(start)
    assert [path.name for path in tmp_path.iterdir()] == [f"map{suffix}"]


def test_the_finest_level_is_drawn_by_default(tmp_path):
    plot_level(CELLS, None, tmp_path / "a.svg")
    assert re.search("<!-- t20: ", (tmp_path / "a.svg").read_text())


def test_what_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(BadConfig, match=r"map.jpg: a map is drawn as .png, .svg, .pdf; name it map.png"):
        plot_level(CELLS, None, tmp_path / "map.jpg")
    with pytest.raises(UnknownName, match="level 't7': this hierarchy has t200, t20"):
        plot_level(CELLS, "t7", tmp_path / "map.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(BadOutput, match="is a folder"):
        plot_level(CELLS, None, tmp_path / "folder.png")
    empty = hierarchy_of_cells(photo_like_points(50), CellSettings(t_min=5, t_max=(20,)), meta={})
    object.__setattr__(empty, "level_names", ("t20", "t10"))
    with pytest.raises(BadHierarchy, match="level t10 has no places to draw"):
        level_figure(empty, "t10")
