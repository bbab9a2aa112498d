"""TOML that is read back as it was written."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geocairn.train.toml import toml_text

texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(scalars | st.lists(scalars), lambda inner: st.dictionaries(texts, inner) | st.lists(st.dictionaries(texts, inner)), max_leaves=12)


@settings(max_examples=40)
@given(st.dictionaries(texts, values))
def test_what_is_written_is_read_back(tables):
    assert tomllib.loads(toml_text(tables)) == tables


def test_nothing_is_left_out_but_none():
    assert tomllib.loads(toml_text({"a": None, "b": {"c": None, "d": [{"e": None, "f": 1}]}})) == {"b": {"d": [{"f": 1}]}}


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-5, 1e300, 5e-324, 123456789.123])
def test_numbers_keep_all_their_digits(value):
    assert repr(tomllib.loads(toml_text({"x": value}))["x"]) == repr(value)


def test_numbers_that_toml_cannot_hold_are_refused():
    with pytest.raises(ValueError, match="Out of range"):
        toml_text({"x": float("nan")})
