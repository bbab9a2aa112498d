import math

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from geocairn.data.positions import PROBLEMS, positions_from_cells


def problems(lat, lon):
    """Words for what is wrong with one pair of text cells."""
    _, problem = positions_from_cells(*(pa.chunked_array([pa.array([cell], pa.string())]) for cell in (lat, lon)))
    return PROBLEMS[problem[0]]


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(-200, 200)), min_size=1, max_size=20))
def test_text_and_numbers_are_read_alike(pairs):
    lat, lon = (np.array(column) for column in zip(*pairs, strict=True))
    as_numbers = positions_from_cells(pa.chunked_array([lat]), pa.chunked_array([lon]))
    as_text = positions_from_cells(*(pa.chunked_array([[repr(float(value)) for value in column]]) for column in (lat, lon)))
    with_a_word = positions_from_cells(*(pa.chunked_array([[*(repr(float(value)) for value in column), "north"]]) for column in (lat, lon)))
    for latlon, problem in (as_text, (with_a_word[0][:-1], with_a_word[1][:-1])):
        np.testing.assert_array_equal(latlon, as_numbers[0])
        np.testing.assert_array_equal(problem, as_numbers[1])
    assert PROBLEMS[with_a_word[1][-1]] == "coordinate is not a number"


def test_each_fault_has_its_reason():
    assert problems("48.85", "2.35") == ""
    assert problems(" +48.85 ", ".5") == problems("-9e1", "180") == problems("90", "-180.0") == ""
    assert problems("0", "0.0001") == ""
    for empty in ("", "  ", None, "NaN", "nan", "NA", "n/a", "NULL", "None"):
        assert problems(empty, "1") == problems("1", empty) == "no coordinates"
    for word in ("48,85", "48°51'", "north", "1.2.3", "inf", "1e999", "--1", "0x10", "٤٨"):
        assert problems(word, "1") == problems("1", word) == "coordinate is not a number", word
    assert problems("90.0001", "200") == "latitude outside [-90, 90]"
    assert problems("-90.0001", "0") == "latitude outside [-90, 90]"
    assert problems("90", "180.0001") == "longitude outside [-180, 180]"
    assert problems("0", "-0.0") == "null island (0, 0)"


def test_numbers_that_are_none():
    lat = pa.chunked_array([pa.array([math.nan, None, math.inf, 1.0], pa.float64())])
    latlon, problem = positions_from_cells(lat, pa.chunked_array([[1.0, 1.0, 1.0, 1.0]]))
    assert [PROBLEMS[code] for code in problem] == ["no coordinates", "no coordinates", "coordinate is not a number", ""]
    assert latlon[3].tolist() == [1.0, 1.0]


def test_no_rows():
    latlon, problem = positions_from_cells(pa.chunked_array([pa.array([], pa.string())]), pa.chunked_array([pa.array([], pa.float64())]))
    assert latlon.shape == (0, 2)
    assert problem.shape == (0,)
