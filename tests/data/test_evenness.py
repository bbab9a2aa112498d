import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.data.evenness import EvennessSettings, Ground, curve_steps, gini, load_ground, lorenz, measure_evenness, top_share
from geocairn.data.lorenz_files import lorenz_figure, measure_files, write_lorenz
from geocairn.data.sample import SampleSettings, sample_earth
from geocairn.errors import BadManifest, BadOutput
from geocairn.geo import s2
from geocairn.geo.sphere import latlon_from_unit, unit_from_latlon

COUNTS = st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any)
HOLDERS = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), min_size=1, max_size=30).filter(lambda rows: any(count for count, _ in rows))


@given(COUNTS)
def test_gini_is_equation_7(counts):
    x = np.array(counts, dtype=float)
    by_pairs = np.abs(x[:, None] - x[None, :]).sum() / (2 * len(x) ** 2 * x.mean())
    assert gini(counts) == pytest.approx(by_pairs, abs=1e-12)


@given(HOLDERS)
def test_gini_with_sizes_is_that_of_holders_cut_into_pieces_of_size_one(rows):
    counts, sizes = np.array(rows).T
    assert gini(counts, sizes) == pytest.approx(gini(np.repeat(counts / sizes, sizes)), abs=1e-12)


@given(HOLDERS)
def test_lorenz_curves_rise_below_the_line_of_equality(rows):
    counts, sizes = np.array(rows).T
    x, y = lorenz(counts, sizes)
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) >= 0).all()
    assert (y <= x + 1e-12).all()
    assert (np.diff(np.diff(y) / np.diff(x)) >= -1e-9).all()  # ever steeper


@given(COUNTS, st.randoms(use_true_random=False))
def test_the_order_of_holders_and_the_number_of_photos_do_not_count(counts, random):
    shuffled = random.sample(counts, len(counts))
    assert gini([7 * count for count in shuffled]) == pytest.approx(gini(counts), abs=1e-12)


def test_lorenz_by_hand():
    x, y = lorenz([1, 4, 0, 5])
    assert x.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert y.tolist() == [0, 0, 0.1, 0.5, 1]
    assert gini([1, 4, 0, 5]) == pytest.approx(1 - 0.25 * (0 + 0.1 + 0.6 + 1.5))
    assert gini([0, 0, 0, 9]) == 0.75
    assert gini([3]) == 0


def test_lorenz_by_area_by_hand():
    # 2 photos on 1 km2, 2 on 8, none on 1: from the emptiest to the densest.
    x, y = lorenz([2, 2, 0], [1, 8, 1])
    assert x.tolist() == [0, 0.1, 0.9, 1]
    assert y.tolist() == [0, 0, 0.5, 1]


def test_photos_where_there_is_no_land_come_last():
    x, y = lorenz([5, 5, 0], [0, 2, 0])
    assert (x.tolist(), y.tolist()) == ([0, 0, 1, 1], [0, 0, 0.5, 1])
    assert gini([5, 5, 0], [0, 2, 0]) == 0.5


def test_top_share_takes_at_least_one_holder():
    assert top_share([1, 9], 0.01) == 0.9
    assert top_share(range(1, 31), 0.1) == pytest.approx((30 + 29 + 28) / 465)
    assert top_share([1, 2, 3], 1) == 1


def small_ground():
    """Four cities, two in one country; land in two cells of the level-0 cube: all of face 0, half of face 1."""
    cell = s2.ids_from_tokens(["1", "3", "5", "7", "9", "b"])
    return Ground(
        city_unit=unit_from_latlon([(0, 0), (0, 10), (0, 90), (0, 100)]),
        people=np.array([100, 300, 600, 0]),
        country=np.array(["AA", "AA", "BB", "CC"]),
        cell=cell,
        land_km2=np.array([2.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    )


def test_photos_are_counted_by_city_land_and_people():
    found = measure_evenness([(0.1, 0.1), (0.2, -1), (-1, 2), (1, 11), (0, 89)], small_ground())
    assert (found.n, found.n_countries, found.n_cities_seen, found.n_cities) == (5, 2, 3, 4)
    assert found.gini["city_seen"] == pytest.approx(gini([1, 1, 3]))
    assert found.gini["city"] == pytest.approx(gini([3, 1, 1, 0]))
    assert found.gini["area"] == pytest.approx(gini([4, 1], [2, 1]))
    assert found.gini["people"] == pytest.approx(gini([3, 1, 1], [100, 300, 600]))
    assert (found.top_1_pct_cities_hold_pct, found.top_10_pct_cities_hold_pct) == (60, 60)
    assert len(found.curves["area"]) == len(curve_steps())
    assert found.curves["city"][50] == 0  # the emptiest quarter of the cities


def test_a_city_without_people_may_have_photos():
    assert measure_evenness([(0, 100)] * 4, small_ground()).gini["people"] == 1


def test_land_is_land():
    ground = load_ground(EvennessSettings(cell_level=2))
    assert len(ground.cell) == 96
    assert ground.land_km2.sum() == pytest.approx(148.9e6, rel=0.02)
    assert ground.land_km2[ground.cells_of([(0.0, -140.0)])] == 0  # the open Pacific
    cells = ground.cells_of(latlon_from_unit(s2.centres(ground.cell)))
    assert np.array_equal(cells, np.arange(96))


def test_each_setting_changes_the_figures():
    photos_deg = sample_earth(SampleSettings(n=300)).latlon_deg
    plain = measure_evenness(photos_deg, load_ground(EvennessSettings()))
    coarse = measure_evenness(photos_deg, load_ground(EvennessSettings(cell_level=2)))
    assert coarse.gini["area"] < plain.gini["area"]
    assert coarse.gini["city"] == plain.gini["city"]
    assert measure_evenness(photos_deg, load_ground(EvennessSettings(min_population=5000))).n_cities > plain.n_cities


def test_a_fair_sample_is_fairer_than_photos_of_one_town():
    ground = load_ground(EvennessSettings())
    fair = measure_evenness(sample_earth(SampleSettings(n=2000)).latlon_deg, ground)
    town = measure_evenness(np.tile([48.85, 2.35], (2000, 1)), ground)
    assert all(fair.gini[by] < town.gini[by] for by in ("city", "area", "people"))
    assert town.gini["city_seen"] == 0  # one city has all: over the cities seen alone, nothing is uneven


@pytest.fixture
def two_sets(tmp_path):
    np.save(tmp_path / "one.npy", [(10.0, 20.0), (48.0, 2.0), (48.0, 2.0)])
    (tmp_path / "_two $x$.csv").write_text("photo,lat_deg,lon_deg\na,1,2\nb,,\nc,-33.9,151.2\n")
    return [tmp_path / "one.npy", tmp_path / "_two $x$.csv"]


def test_equal_files_give_equal_bytes(two_sets, tmp_path):
    settings = EvennessSettings()
    for name in ("a", "b"):
        write_lorenz(tmp_path / name, measure_files(two_sets, settings), settings)
    for file in ("lorenz.json", "lorenz.png"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    told = json.loads((tmp_path / "a/lorenz.json").read_text(encoding="utf-8"))
    assert told["sets"]["_two $x$"]["rejected"] == {"no coordinates": 1}
    assert len(told["x"]) == len(told["sets"]["one"]["evenness"]["curves"]["city"])


def test_the_figure_names_every_set_and_equality(two_sets):
    figure = lorenz_figure({name: one.evenness for name, one in measure_files(two_sets, EvennessSettings()).items()})
    assert len(figure.axes) == 4
    for panel in figure.axes:
        words = " ".join(text.get_text() for text in panel.get_legend().get_texts())
        assert all(name in words for name in ("perfect equality", "one", "_two"))


def test_files_of_one_name_are_told_apart(tmp_path):
    paths = [tmp_path / folder / "set.npy" for folder in "ab"]
    for path in paths:
        path.parent.mkdir()
        np.save(path, [(1.0, 2.0)])
    assert list(measure_files(paths, EvennessSettings())) == [str(path) for path in paths]


def test_a_set_without_rows_and_a_file_as_folder_are_refused(two_sets, tmp_path):
    np.save(tmp_path / "empty.npy", np.empty((0, 2)))
    with pytest.raises(BadManifest, match="no row can be used"):
        measure_files([tmp_path / "empty.npy"], EvennessSettings())
    with pytest.raises(BadOutput, match="is a file"):
        write_lorenz(two_sets[0], {}, EvennessSettings())
