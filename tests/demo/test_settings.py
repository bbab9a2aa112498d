import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from geocairn.demo.settings import SHORTER
from geocairn.train.kinds import KINDS
from geocairn.train.recipe import read_recipe

ROOT = Path(__file__).parents[2]
RECIPES = Path(str(files("geocairn.demo") / "recipes"))


@pytest.mark.parametrize("name", SHORTER)
def test_a_recipe_of_the_demo_is_the_one_at_the_root(name):
    assert (RECIPES / f"{name}_synth.toml").resolve() == (ROOT / "recipes" / f"{name}_synth.toml").resolve()


@pytest.mark.parametrize("name", SHORTER)
def test_the_overrides_fit_the_recipe(name):
    recipe = read_recipe(RECIPES / f"{name}_synth.toml", SHORTER[name], {kind: known.recipe for kind, known in KINDS.items()})
    assert recipe.system == name


def test_the_recipes_are_shipped_with_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    shipped = {path for pattern in project["tool"]["setuptools"]["package-data"]["geocairn"] for path in (ROOT / "src/geocairn").glob(pattern)}
    assert set(RECIPES.glob("*.toml")) <= shipped
    assert {path.name for path in RECIPES.iterdir()} == {f"{name}_synth.toml" for name in SHORTER}
