"""Hashed n-grams: equal names equal bytes, kindred names near each other, and no name too odd."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from geocairn.models.text_features import HashedText

GOLDEN = "c826cbacd8a690185dc9bcb973cec38cfa5a185be484561815119ef1b3080bde"
ODD = ["", "   ", "\n", "a", "\x00", "\ud800", "東京", "Ⅻ", "ﬁ", "x" * 5000]


def cosine(a, b, **settings):
    left, right = HashedText(**settings).embed([a, b])
    return float(left @ right)


@given(st.text(), st.text())
def test_rows_have_length_1_and_do_not_depend_on_each_other(a, b):
    together = HashedText(dim=64).embed([a, b])
    np.testing.assert_array_equal(together[:1], HashedText(dim=64).embed([a]))
    for name, row in zip((a, b), together, strict=True):
        assert np.isnan(row).all() if not name.split() else np.isclose(np.linalg.norm(row), 1) or not row.any()


def test_case_and_ways_to_write_a_character_do_not_count():
    for a, b in [("PARIS", "paris"), ("Île", "I\u0302le"), ("Straße", "STRASSE"), ("ﬁ", "fi"), ("a  b", " a b ")]:
        np.testing.assert_array_equal(*HashedText().embed([a, b]))


def test_names_that_share_pieces_are_nearer():
    assert cosine("Hamburg", "Salzburg") > 0.3 > cosine("Hamburg", "Tokyo")
    assert cosine("Saint-Denis", "Saint-Malo") > cosine("Saint-Denis", "Kyoto")
    assert cosine("Frankfurt am Main", "Frankfurt") > 0.6


def test_the_ends_of_words_count():
    assert cosine("ab", "ba") < 1
    assert cosine("york new", "new york") == pytest.approx(1)
    assert cosine("newyork", "new york") < 0.9


def test_counts_are_those_of_the_hash():
    settings = HashedText(dim=7, shortest=2, longest=3)
    expected = np.zeros(7)
    for gram in ("\x02o", "os", "sl", "lo", "o\x03", "\x02os", "osl", "slo", "lo\x03"):
        number = int.from_bytes(hashlib.blake2b(gram.encode(), digest_size=8).digest(), "little")
        expected[number // 2 % 7] += -1 if number % 2 else 1
    np.testing.assert_allclose(settings.embed(["Oslo"])[0], expected / np.linalg.norm(expected), rtol=1e-6)


def test_equal_on_every_machine():
    assert hashlib.sha256(HashedText().embed(["Reykjavík", "Île-de-France, France"]).tobytes()).hexdigest() == GOLDEN


@pytest.mark.parametrize("name", ODD)
def test_odd_names(name):
    row = HashedText(dim=16).embed([name])[0]
    assert row.dtype == np.float32
    assert np.isnan(row).all() == (not name.split())


def test_no_names_are_no_rows():
    assert HashedText(dim=5).embed([]).shape == (0, 5)


def test_every_setting_changes_the_rows():
    changes = {"dim": 300, "shortest": 1, "longest": 3}
    assert set(changes) == set(HashedText.model_fields)
    made = [HashedText(), *(HashedText(**{name: value}) for name, value in changes.items())]
    assert len({settings.embed(["Paris"]).tobytes() for settings in made}) == len(made)


@pytest.mark.parametrize("settings", [{"dim": 0}, {"shortest": 0}, {"shortest": 3, "longest": 2}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValidationError):
        HashedText(**settings)
