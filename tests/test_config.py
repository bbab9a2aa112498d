"""A configuration is frozen, refuses what it does not know, and has a hash of its own."""

from typing import Literal

import pytest
from pydantic import Field, ValidationError

from geocairn.config import Config
from geocairn.errors import BadConfig, GeocairnError


class Kettle(Config):
    """Settings to boil water by."""

    litres: float = Field(1.0, gt=0)
    heat: Literal["low", "high"] = "low"


class Kitchen(Config):
    """Settings within settings."""

    kettle: Kettle = Kettle()


def test_defaults_are_settings_too():
    assert Kettle.parse("kettle.toml", {}) == Kettle(litres=1.0, heat="low")


def test_a_setting_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Kettle().litres = 2.0


def test_an_unknown_key_is_named_with_the_known_ones():
    with pytest.raises(BadConfig, match=r"^kettle\.toml: liters = 2: .*known keys: litres, heat\)$"):
        Kettle.parse("kettle.toml", {"liters": 2})


def test_an_unknown_key_inside_is_named_with_those_beside_it():
    with pytest.raises(BadConfig, match=r"^kitchen\.toml: kettle\.liters = 2: .*known keys: litres, heat\)$"):
        Kitchen.parse("kitchen.toml", {"kettle": {"liters": 2}})


@pytest.mark.parametrize(
    ("values", "words"), [({"litres": -1}, "litres = -1"), ({"heat": "medium"}, "heat = 'medium'"), ({"litres": float("nan")}, "litres = nan")]
)
def test_a_value_that_cannot_be_is_named_in_one_line(values, words):
    with pytest.raises(BadConfig) as refusal:
        Kettle.parse("--kettle", values)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


class Shelf(Config):
    """A setting that must be given, and a pair."""

    wide: float
    cups: tuple[int, int] = (1, 2)


def test_a_setting_that_is_missing_is_named_and_not_what_is_around_it():
    with pytest.raises(BadConfig, match=r"^shelf\.toml: wide: is missing; give it$"):
        Shelf.parse("shelf.toml", {})
    with pytest.raises(BadConfig, match=r"^shelf\.toml: cups = \[1\]: value 2 is missing; give it$"):
        Shelf.parse("shelf.toml", {"wide": 1.0, "cups": [1]})


def test_a_long_value_is_cut():
    with pytest.raises(BadConfig) as refusal:
        Kettle.parse("kettle.toml", {"heat": "h" * 10_000})
    assert len(str(refusal.value)) < 250
    assert "hhh...: Input should be" in str(refusal.value)


def test_a_key_inside_is_named_with_its_path():
    with pytest.raises(BadConfig, match=r"kettle\.litres = 0"):
        Kitchen.parse("kitchen.toml", {"kettle": {"litres": 0}})


def test_equal_settings_have_equal_hashes_and_others_do_not():
    assert Kettle(litres=2, heat="high").sha256() == Kettle.model_validate({"heat": "high", "litres": 2.0}).sha256()
    assert len({Kettle().sha256(), Kettle(litres=2).sha256(), Kettle(heat="high").sha256()}) == 3


def test_a_bad_configuration_is_an_error_for_people():
    assert issubclass(BadConfig, GeocairnError)
