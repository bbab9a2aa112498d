"""Recipes: files and overrides, each key known, each value of its type, each refusal one line."""

import re
from pathlib import Path

import pytest
from pydantic import model_validator
from tests.train.toy import ToyModel, ToyRecipe

from geocairn.config import Config
from geocairn.errors import BadConfig, GeocairnError, UnknownName
from geocairn.train.recipe import Recipe, parse_override, parse_recipe, read_recipe, read_toml
from geocairn.train.settings import TrainSettings
from geocairn.train.toml import toml_text

KINDS = {"toy": ToyRecipe, "other": Recipe}
TEXT = 'system = "toy"\n[train]\nlr = 0.5\nepochs = 3\n[model]\ndim = 8\n'


class PathRecipe(Recipe):
    """A recipe with a folder."""

    system: str = "paths"
    folder: Path


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text(TEXT)
    return file


def refused(path, *overrides, kinds=KINDS, error=BadConfig) -> str:
    with pytest.raises(GeocairnError) as refusal:
        read_recipe(path, overrides, kinds)
    assert isinstance(refusal.value, error)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_a_recipe_is_what_the_file_says_and_defaults_for_the_rest(path):
    assert read_recipe(path, (), KINDS) == ToyRecipe(train=TrainSettings(lr=0.5, epochs=3), model=ToyModel(dim=8))


def test_overrides_go_over_the_file_and_the_last_one_holds(path):
    recipe = read_recipe(path, ("train.lr=1e-3", "model.dim=64", "train.lr=2", "model.name=big", "model.widths=[1, 2]"), KINDS)
    assert (recipe.train.lr, recipe.train.epochs, recipe.model.dim, recipe.model.name, recipe.model.widths) == (2.0, 3, 64, "big", (1, 2))


def test_an_override_can_name_the_system(path):
    path.write_text("")
    assert type(read_recipe(path, ("system=other",), KINDS)) is Recipe


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("a=1", 1),
        ("a=1e-3", 0.001),
        ("a=true", True),
        ("a=word", "word"),
        ("a = some words ", "some words"),
        ("a=/data/earth", "/data/earth"),
        ("a=b=c", "b=c"),
        ("a='quoted, as in TOML'", "quoted, as in TOML"),
        ('a="1"', "1"),
        ("a=[1, 2]", [1, 2]),
        ("a={x = 1}", {"x": 1}),
        ("a=1\nb = 2", "1\nb = 2"),
        ("a=hub:org/name@main", "hub:org/name@main"),
    ],
)
def test_values_are_those_of_toml_and_bare_words_are_texts(override, expected):
    path, value = parse_override(override)
    assert (path, value, type(value)) == (("a",), expected, type(expected))


@pytest.mark.parametrize("override", ["train.lr", "=3", "train..lr=1", ".lr=1", "train.lr.=1", "a b=1", "", "ä=1"])
def test_what_is_no_override_is_refused_with_an_example(path, override):
    assert "write key=value, such as train.lr=1e-3" in refused(path, override)


@pytest.mark.parametrize("override", ["model.widths=[1, 2", 'model.name="open', "model={dim = 1", "model.name='a' b"])
def test_a_value_that_does_not_close_is_refused(path, override):
    assert refused(path, override).startswith(f"{override}: not a value as in TOML")


def test_an_unknown_key_of_the_file_names_file_key_and_known_keys(path):
    path.write_text(TEXT + "dimm = 3\n")
    words = refused(path)
    assert words.startswith(f"{path}: model.dimm = 3: ")
    assert words.endswith("(known keys: dim, dropout, name, widths)")


def test_an_unknown_table_is_named_with_the_known_ones(path):
    path.write_text(TEXT + "[modle]\ndim = 3\n")
    assert refused(path).endswith("(known keys: system, train, model)")


def test_an_unknown_key_of_an_override_names_the_override(path):
    words = refused(path, "train.lr=1", "train.lrr=1")
    assert words.startswith("train.lrr=1: Extra inputs")
    assert "known keys: seed, epochs, steps," in words


@pytest.mark.parametrize(
    "override",
    [
        "train.lr=true",
        "train.lr='0.1'",
        "train.epochs=1.0",
        "train.epochs='3'",
        "train.seed=true",
        "model.name=3",
        "model.widths=3",
        "model.widths=[1.5]",
        "train.lr=nan",
        "train.lr=inf",
        "train.lr=-1",
        "train.betas=[0.9, 1.0]",
        "train.optimiser=adamw",
        "train.checkpoints=9",
        "train=3",
        "train.watch=2020-01-01T00:00:00",
    ],
)
def test_a_value_of_another_type_or_range_is_refused(path, override):
    if "2020" in override:
        # A date is read as the text it was.
        assert read_recipe(path, (override,), KINDS).train.watch.startswith("2020-01-01")
    else:
        assert re.match(rf"{re.escape(override)}: (Input should|{re.escape(override.partition('=')[0])}[.]\d = )", refused(path, override))


def test_a_value_that_a_list_lacks_is_refused_by_the_list(path):
    assert refused(path, "train.betas=[0.9]") == "train.betas=[0.9]: value 2 is missing; give it"


class Pair(Config):
    """Two that must be ordered."""

    low: int = 1
    high: int = 2

    @model_validator(mode="after")
    def _are_ordered(self) -> "Pair":
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self


class PairRecipe(Recipe):
    """A recipe with a pair."""

    system: str = "pair"
    pair: Pair = Pair()


def test_settings_that_do_not_go_together_are_told_with_the_overrides_of_them(path):
    path.write_text('system = "pair"\n')
    words = refused(path, "train.lr=1", "pair.low=3", kinds={"pair": PairRecipe})
    assert words == f"{path} with pair.low=3: pair: low 3 is above high 2"


def test_an_unknown_table_is_told_with_the_override_that_made_it(path):
    assert refused(path, "modell.dim=3").startswith(f"{path} with modell.dim=3: modell = {{'dim': 3}}: Extra inputs are not permitted (known keys: system, ")


def test_a_value_in_the_place_of_a_table_is_refused(path):
    assert refused(path, "train.lr.low=1") == "train.lr.low=1: train.lr is a value, not a table of settings"


def test_a_system_that_is_not_known_is_refused_with_those_that_are(path):
    assert refused(path, "system=hierlock", error=UnknownName) == "system=hierlock: use one of toy, other"
    path.write_text('system = "hierlock"\n')
    assert refused(path, error=UnknownName) == f"{path}: system = 'hierlock': use one of toy, other"
    path.write_text("[train]\nlr = 1\n")
    assert "system = None: use one of" in refused(path, error=UnknownName)


@pytest.mark.parametrize("bad", [b"a = ", b"\xff\xfe", b"a = 1\na = 2", b"[" * 5000])
def test_what_is_no_toml_is_refused_in_one_line(path, bad):
    path.write_bytes(bad)
    assert refused(path).startswith(f"{path}: not readable as TOML (")


def test_a_folder_and_an_empty_value_are_told_to_be(path, tmp_path):
    assert refused(tmp_path) == f"{tmp_path}: is a folder; name a recipe (.toml)"
    assert refused(path, "train.watch=") == "train.watch=: no value after the =; write key=value, or leave it out"


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert refused(tmp_path / "none.toml") == f"{tmp_path}/none.toml: no such file; name a recipe (.toml)"


def test_the_resolved_recipe_reads_back_as_itself(tmp_path):
    recipe = PathRecipe(folder=Path("/data/élan vital"), train=TrainSettings(decay_at_epochs=(1.5, 2.0), lr=1e-7))
    file = tmp_path / "config.toml"
    file.write_text(toml_text(recipe.model_dump(mode="json")), encoding="utf-8")
    assert parse_recipe(PathRecipe, read_toml(file), source="") == recipe
    assert read_recipe(file, (), {"paths": PathRecipe}) == recipe


def test_every_setting_is_described_or_speaks_for_itself():
    assert issubclass(Recipe, Config)
    undescribed = {name for name, field in TrainSettings.model_fields.items() if not field.description}
    assert undescribed == {"schedule", "better"}
