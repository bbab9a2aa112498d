import pytest

from geocairn.cli.lists import numbers_of, words_of
from geocairn.errors import BadConfig


def test_words_and_numbers_lose_the_spaces_around_them():
    assert words_of("--by", " author,cell ", "keys") == ["author", "cell"]
    assert numbers_of("--branches", "3, 4", int, "whole numbers") == [3, 4]
    assert numbers_of("--fractions", "90,5.5", float, "numbers") == [90.0, 5.5]


@pytest.mark.parametrize("text", ["", ",", "3,", ",3", " "])
def test_an_empty_value_is_refused(text):
    with pytest.raises(BadConfig, match=r"--branches '.*': a value is empty; give whole numbers"):
        numbers_of("--branches", text, int, "whole numbers")


@pytest.mark.parametrize(("text", "word"), [("3,x", "x"), ("2.5", "2.5"), ("1e3,4", "1e3")])
def test_what_is_no_number_is_named(text, word):
    with pytest.raises(BadConfig, match=f"--branches {text}: '{word}' is no whole number; give whole numbers"):
        numbers_of("--branches", text, int, "whole numbers")
