"""A synthetic Earth on disk: whole, the same again, and served like any other data."""

import json
import shutil
from hashlib import sha256

import numpy as np
import pytest
from tests.synth.conftest import SMALL

from geocairn.coordinates import read_coordinates
from geocairn.data.feature_store import open_store
from geocairn.errors import BadHierarchy, BadOutput
from geocairn.manifest import read_manifest
from geocairn.places.files import load_hierarchy
from geocairn.places.origin import check_not_built_from
from geocairn.synth.photos import features
from geocairn.synth.settings import SynthSettings
from geocairn.synth.write import write_synth
from geocairn.systems.bundles import load_system

SETTINGS = SynthSettings(**SMALL | {"photos": 1000, "map_side": 4, "tokens": 2, "token_dim": 3, "with_tokens": True, "with_maps": True})


def hashes(folder):
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def written(tmp_path_factory, _larger_cities):
    out = tmp_path_factory.mktemp("synth") / "earth"
    write_synth(out, SETTINGS)
    return out


def test_all_is_there_and_fits_together(written, draw):
    manifests = {split: read_manifest(written / f"{split}.parquet") for split in ("train", "val", "test")}
    assert [len(manifest) for manifest in manifests.values()] == [900, 50, 50]
    assert not any(manifest.rejected for manifest in manifests.values())
    described = json.loads((written / "synth.json").read_text())
    assert SynthSettings(**described["settings"]) == SETTINGS
    assert described["photos"] == {"train": 900, "val": 50, "test": 50}
    store = open_store(written / "features", verify=True)
    rows = store.rows_of(manifests["test"].photos)
    drawn = draw(photos=1000, map_side=4, tokens=2, token_dim=3, with_tokens=True, with_maps=True)
    np.testing.assert_array_equal(store.read(rows), features(*drawn, range(1000))[rows].astype(np.float16))
    assert store.meta.n_nan == 0
    assert (open_store(written / "tokens").meta.header.dim, open_store(written / "maps").meta.header.dim) == (6, 16)
    assert open_store(written / "maps").read(np.arange(1000)).max() < 150


def test_the_hierarchy_is_of_training_rows_alone(written):
    hierarchy = load_hierarchy(written / "hierarchy.npz")
    assert hierarchy.meta["n_rows"] == 900
    check_not_built_from(written, read_manifest(written / "test.parquet"))
    with pytest.raises(BadHierarchy, match="900 of the 900"):
        check_not_built_from(written, read_manifest(written / "train.parquet"))
    assert len(read_coordinates(written / "train.parquet", split="train")) == 900


def test_the_limits_are_bundles_that_know_the_whole_earth(written):
    systems = {name: load_system(str(written / name)) for name in ("bayes", "learnable", "prior")}
    assert [system.name for system in systems.values()] == ["bayes", "learnable", "prior"]
    assert {system.hierarchy.n_leaves for system in systems.values()} == {120}
    assert len({system.sha256 for system in systems.values()}) == 3
    assert all(system.calibration.calibrated for system in systems.values())
    assert "real photos" in (written / "bayes/card.md").read_text()


def test_equal_settings_give_equal_bytes_and_what_is_there_stays(written, tmp_path):
    write_synth(tmp_path / "again", SETTINGS)
    assert hashes(tmp_path / "again") == hashes(written)
    before = (written / "train.parquet").stat().st_mtime_ns
    assert write_synth(written, SETTINGS)["photos"]["test"] == 50
    assert (written / "train.parquet").stat().st_mtime_ns == before


@pytest.mark.parametrize("lost", ["train.parquet", "rows.npy", "features/meta.json", "bayes/manifest.json"])
def test_an_earth_that_has_lost_a_file_is_written_anew(written, tmp_path, lost):
    said = []
    shutil.copytree(written, tmp_path / "earth")
    path = tmp_path / "earth" / lost
    shutil.rmtree(path.parent) if lost.startswith("bayes/") else path.unlink()
    write_synth(tmp_path / "earth", SETTINGS, tell=said.append)
    assert said[0] == f"{lost} is missing, so all is written anew"
    assert hashes(tmp_path / "earth") == hashes(written)


def test_an_interrupted_run_ends_as_an_uninterrupted_one(written, tmp_path):
    def breaking(step):
        if step == "computing the limits":
            raise KeyboardInterrupt

    draft = tmp_path / "earth/.settings.json.0123456789abcdef.json"
    draft.parent.mkdir()
    draft.write_text("{")  # killed at its very start
    with pytest.raises(KeyboardInterrupt):
        write_synth(tmp_path / "earth", SETTINGS, tell=breaking)
    assert not (tmp_path / "earth/synth.json").exists()
    write_synth(tmp_path / "earth", SETTINGS)
    draft.unlink()
    assert hashes(tmp_path / "earth") == hashes(written)


def test_another_earth_is_not_written_over(written, tmp_path):
    with pytest.raises(BadOutput, match="other settings; name a new folder"):
        write_synth(written, SETTINGS.model_copy(update={"seed": 5}))
    (tmp_path / "letter.txt").write_text("dear")
    for out in (tmp_path, tmp_path / "letter.txt"):
        with pytest.raises(BadOutput, match="other files; name a new folder"):
            write_synth(out, SETTINGS)


@pytest.mark.parametrize("text", ["", "[1]", "{", "\x00"])
def test_a_damaged_description_is_refused(tmp_path, text):
    (tmp_path / "settings.json").write_text(text)
    with pytest.raises(BadOutput, match="not readable as JSON") as refused:
        write_synth(tmp_path, SETTINGS)
    assert "\n" not in str(refused.value)
