"""Systems without steps: run folders appear as those with steps do, and a run that is cut off begins again."""

import json

import pytest
from tests.train.toy import ToyModel, toy_bundle

from geocairn.errors import BadOutput, BadRun
from geocairn.systems.bundle import system_sha256
from geocairn.train.fit import fit_run, sizes_of
from geocairn.train.recipe import AnyRecipe


class PickRecipe(AnyRecipe):
    """A recipe of what picks a number."""

    system: str = "pick"
    model: ToyModel = ToyModel()


class Pick:
    """Tries three numbers."""

    sizes, unused = ("pick: 3 numbers",), ("a row says nothing",)

    def __init__(self, folder, cut_at=0):
        (folder / "places").mkdir(parents=True, exist_ok=True)
        self.cut_at, self.found = cut_at, {}

    def tries(self):
        for step in (1, 2, 3):
            if step == self.cut_at:
                raise KeyboardInterrupt
            yield {"step": step, "number": step}

    def save_bundle(self, folder):
        self.found = {"number": 2}
        toy_bundle(folder, b"2")


def test_a_fit_writes_recipe_log_bundle_and_what_it_found(tmp_path):
    recipe, said = PickRecipe(), []
    assert fit_run(tmp_path / "run", recipe, Pick) == tmp_path / "run/bundle"
    told = {"recipe_sha256": recipe.sha256(), "system_sha256": system_sha256(tmp_path / "run/bundle"), "number": 2}
    assert json.loads((tmp_path / "run/finished.json").read_text()) == told
    assert [json.loads(line)["number"] for line in (tmp_path / "run/log.jsonl").read_text().splitlines()] == [1, 2, 3]
    assert 'system = "pick"' in (tmp_path / "run/config.toml").read_text()
    for resume in (False, True):
        assert fit_run(tmp_path / "run", recipe, lambda folder: pytest.fail("fits again"), resume=resume, tell=said.append) == tmp_path / "run/bundle"
    assert said == [f"{tmp_path / 'run'}: already trained"] * 2


def test_what_ended_before_its_first_try_makes_room_for_another_recipe(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fit_run(tmp_path / "run", PickRecipe(), lambda folder: Pick(folder, 1))
    fit_run(tmp_path / "run", PickRecipe(model=ToyModel(dim=5)), Pick)
    assert "dim = 5" in (tmp_path / "run/config.toml").read_text()


@pytest.mark.parametrize("cut_at", [2, 3])
def test_what_is_cut_off_begins_again_when_asked_and_its_log_has_each_try_once(tmp_path, cut_at):
    with pytest.raises(KeyboardInterrupt):
        fit_run(tmp_path / "run", PickRecipe(), lambda folder: Pick(folder, cut_at))
    with pytest.raises(BadRun, match="--resume"):
        fit_run(tmp_path / "run", PickRecipe(), Pick)
    with pytest.raises(BadRun, match=r"model\.dim = 4, not 5"):
        fit_run(tmp_path / "run", PickRecipe(model=ToyModel(dim=5)), Pick, resume=True)
    fit_run(tmp_path / "run", PickRecipe(), Pick, resume=True)
    assert [json.loads(line)["step"] for line in (tmp_path / "run/log.jsonl").read_text().splitlines()] == [1, 2, 3]


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(BadOutput, match="holds other files"):
        fit_run(tmp_path, PickRecipe(), Pick)


def test_sizes_leave_nothing_behind():
    folders = []
    assert sizes_of(lambda folder: (folders.append(folder), Pick(folder))[1]) == ["pick: 3 numbers", "a row says nothing"]
    assert not folders[0].exists()
