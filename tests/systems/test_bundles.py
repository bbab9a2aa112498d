import pytest
from tests.places.factory import small_earth

from geocairn.answer.decide import Calibration
from geocairn.errors import BadBundle, UnknownName
from geocairn.locate import LocateSettings, Locator
from geocairn.systems.bundle import BundleConfig, save_bundle
from geocairn.systems.bundles import SHIPPED, load_system


def test_an_unknown_bundle_is_one_line_that_lists_the_known_ones():
    with pytest.raises(UnknownName, match="bundle 'best': there is no such bundle; use one of clues, prior"):
        load_system("best")


def test_bundles_are_told_apart_and_the_same_one_is_the_same(atlas):
    loaded = {name: load_system(name) for name in SHIPPED}
    assert [system.name for system in loaded.values()] == list(SHIPPED)
    assert len({system.sha256 for system in loaded.values()}) == len(SHIPPED)
    assert load_system("prior").sha256 == loaded["prior"].sha256


def test_the_name_given_to_load_goes_before_the_settings(atlas):
    locator = Locator.load("prior", LocateSettings(bundle="clues", top=2))
    assert (locator.system.name, locator.settings.bundle, locator.settings.top) == ("prior", "prior", 2)


def test_a_bundle_of_an_unknown_kind_lists_the_known_ones(tmp_path):
    config = BundleConfig(kind="oracle", name="one day")
    save_bundle(tmp_path / "b", config, hierarchy=small_earth(), calibration=Calibration(), card="")
    with pytest.raises(BadBundle, match="of the kind 'oracle'; this version reads synthetic-limit, constant"):
        load_system(str(tmp_path / "b"))
