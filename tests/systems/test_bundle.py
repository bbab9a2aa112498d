"""Bundles: saved at once, loaded whole or not at all."""

import hashlib
import json
import pickle
from functools import cache
from pathlib import Path
from shutil import copytree
from tempfile import mkdtemp

import numpy as np
import pytest
from tests.places.factory import small_earth

from geocairn.answer.decide import Calibration
from geocairn.errors import BadBundle, BadConfig, BadOutput
from geocairn.places.files import arrays_sha256
from geocairn.systems.bundle import MANIFEST, WEIGHTS, Bundle, BundleConfig, load_bundle, save_bundle, verify_bundle

CONFIG = BundleConfig(kind="tiles", name="a bundle", system={"width": 3})
CALIBRATION = Calibration(temperature=1.5, calibrated=True)
NUMBERS = {"weights": np.arange(6.0).reshape(2, 3), "mask": np.array([True, False])}


def saved(folder, **changes) -> Bundle:
    given = {"hierarchy": small_earth(), "calibration": CALIBRATION, "card": "# A bundle\n", "arrays": NUMBERS} | changes
    return load_bundle(save_bundle(folder, CONFIG, **given))


@cache
def _one_bundle():
    return save_bundle(
        Path(mkdtemp(prefix="geocairn-test-")) / "b", CONFIG, hierarchy=small_earth(), calibration=CALIBRATION, card="# A bundle\n", arrays=NUMBERS
    )


@pytest.fixture
def folder(tmp_path):
    """A bundle of its own to damage."""
    return Path(copytree(_one_bundle(), tmp_path / "b"))


def relist(folder, name) -> None:
    """List a file as it is now, as whoever made the bundle would."""
    listed = json.loads((folder / MANIFEST).read_text())
    path = folder / name
    listed["files"][name] = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
    (folder / MANIFEST).write_text(json.dumps(listed))


def test_what_is_saved_is_loaded(tmp_path):
    bundle = saved(tmp_path / "b")
    assert (bundle.config, bundle.calibration) == (CONFIG, CALIBRATION)
    assert arrays_sha256(bundle.hierarchy) == arrays_sha256(small_earth())
    assert {name: array.tolist() for name, array in bundle.arrays.items()} == {name: array.tolist() for name, array in NUMBERS.items()}
    assert bundle.territory.is_file()
    assert (tmp_path / "b/card.md").read_text() == "# A bundle\n"
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_equal_bundles_have_equal_hashes_and_others_do_not(tmp_path):
    first, again = saved(tmp_path / "a"), saved(tmp_path / "b")
    assert first.sha256 == again.sha256
    assert saved(tmp_path / "c", card="# Another\n").sha256 != first.sha256


def test_a_bundle_replaces_a_bundle_and_nothing_else(tmp_path):
    saved(tmp_path / "b")
    assert saved(tmp_path / "b", arrays={"weights": np.zeros(1)}).arrays["weights"].tolist() == [0.0]
    (tmp_path / "other").mkdir()
    (tmp_path / "other/letter.txt").write_text("dear")
    with pytest.raises(BadOutput, match="holds no bundle"):
        saved(tmp_path / "other")
    with pytest.raises(BadOutput, match="is a file"):
        saved(tmp_path / "other/letter.txt")


def test_a_bundle_that_fails_to_be_written_leaves_nothing(tmp_path):
    def breaking(folder):
        (folder / "half").write_text("half")
        raise KeyboardInterrupt

    old = saved(tmp_path / "b")
    with pytest.raises(KeyboardInterrupt):
        saved(tmp_path / "b", more=breaking)
    assert load_bundle(tmp_path / "b").sha256 == old.sha256
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_all_files_have_the_mode_that_the_umask_gives(tmp_path):
    saved(tmp_path / "b")
    assert {oct(path.stat().st_mode) for path in (tmp_path / "b").iterdir()} == {"0o100644"}


def test_further_files_are_listed_and_pickles_are_not_written(tmp_path):
    saved(tmp_path / "b", more=lambda folder: (folder / "vocabulary.txt").write_bytes(b"words"))
    assert "vocabulary.txt" in json.loads((tmp_path / "b" / MANIFEST).read_text())["files"]
    with pytest.raises(BadBundle, match=r"holds no .pt files"):
        saved(tmp_path / "c", more=lambda folder: (folder / "model.pt").write_bytes(pickle.dumps({})))
    assert not (tmp_path / "c").exists()


def _append(path):
    path.write_bytes(path.read_bytes() + b"!")


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-5])


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


FILES = ["config.json", "hierarchy.npz", "hierarchy.json", "territory.npz", "calibration.json", "card.md", WEIGHTS]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(("damage", "said"), [(_append, "were saved"), (_truncate, "were saved"), (_flip, "sha256 differs"), (lambda p: p.unlink(), "missing")])
def test_any_damage_to_any_file_is_refused(folder, name, damage, said):
    damage(folder / name)
    with pytest.raises(BadBundle, match=said) as refused:
        load_bundle(folder)
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"format": "geocairn-bundle-1"}', '{"format": "geocairn-bundle-1", "files": {"a": 1}}'])
def test_a_damaged_list_is_refused(folder, text):
    (folder / MANIFEST).write_text(text)
    with pytest.raises(BadBundle) as refused:
        load_bundle(folder)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["notes.txt", ".DS_Store"])
def test_a_file_that_is_not_listed_is_refused(folder, name):
    (folder / name).write_text("mine")
    with pytest.raises(BadBundle, match=rf"{name}: not among the files that manifest\.json lists; take it out"):
        verify_bundle(folder)


def test_a_name_may_hold_any_sign_but_line_ends_and_controls():
    assert BundleConfig(kind="tiles", name="東京\u3000モデル").name == "東京\u3000モデル"
    for bad in ("a\nb", "a\u2028b", "\x1b[31m", ""):
        with pytest.raises(BadConfig, match="name = "):
            BundleConfig.parse("here", {"kind": "tiles", "name": bad})


def test_a_listed_file_without_a_suffix_is_refused(folder):
    (folder / "weights").write_bytes(pickle.dumps({}))
    relist(folder, "weights")
    with pytest.raises(BadBundle, match=r"weights: a bundle holds no files without a suffix"):
        verify_bundle(folder)


@pytest.mark.parametrize(("file", "key", "value"), [("config.json", "name", "a\nb"), ("calibration.json", "temperature", 1e308)])
def test_a_setting_that_no_bundle_is_saved_with_is_refused(folder, file, key, value):
    values = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(values | {key: value}))
    relist(folder, file)
    with pytest.raises(BadBundle, match=rf"{file}: {key} = "):
        load_bundle(folder)


def test_a_list_without_a_required_file_is_refused(folder):
    listed = json.loads((folder / MANIFEST).read_text())
    del listed["files"]["card.md"]
    (folder / MANIFEST).write_text(json.dumps(listed))
    (folder / "card.md").unlink()
    with pytest.raises(BadBundle, match=r"lists no card.md"):
        verify_bundle(folder)


def test_a_pickle_is_refused_even_where_it_is_listed(folder):
    (folder / "model.pkl").write_bytes(pickle.dumps({}))
    relist(folder, "model.pkl")
    with pytest.raises(BadBundle, match=r"model.pkl: a bundle holds no .pkl files"):
        load_bundle(folder)


@pytest.mark.parametrize("data", [pickle.dumps({"weights": 1}), b"", b"PK\x03\x04" + bytes(60)])
def test_a_pickle_in_place_of_weights_is_refused(folder, data):
    (folder / WEIGHTS).write_bytes(data)
    relist(folder, WEIGHTS)
    bundle = load_bundle(folder)
    with pytest.raises(BadBundle, match="no readable safetensors") as refused:
        _ = bundle.arrays
    assert "\n" not in str(refused.value)


def test_arrays_come_back_whatever_their_order_in_memory(tmp_path):
    given = {"turned": np.arange(6).reshape(2, 3).T, "number": np.array(3.0), "mask": np.array([[True, False]]), "none": np.zeros((0, 4), dtype=np.float32)}
    found = saved(tmp_path / "b", arrays=given).arrays
    assert {name: (array.dtype, array.tolist()) for name, array in found.items()} == {name: (array.dtype, array.tolist()) for name, array in given.items()}


@pytest.mark.parametrize(("file", "key"), [("config.json", "colour"), ("calibration.json", "colour")])
def test_unknown_keys_are_refused(folder, file, key):
    values = json.loads((folder / file).read_text()) | {key: 1}
    (folder / file).write_text(json.dumps(values))
    relist(folder, file)
    with pytest.raises(BadBundle, match=r"colour = 1: .*\(known keys: "):
        load_bundle(folder)


def test_a_link_to_a_folder_or_to_nothing_in_place_of_a_file_is_refused(folder, tmp_path):
    for target in (tmp_path, tmp_path / "nothing"):
        (folder / "card.md").unlink()
        (folder / "card.md").symlink_to(target)
        with pytest.raises(BadBundle, match=r"card.md: not a plain file"):
            load_bundle(folder)


def test_a_link_to_the_file_itself_is_as_good(folder, tmp_path):
    (folder / "card.md").rename(tmp_path / "kept.md")
    (folder / "card.md").symlink_to(tmp_path / "kept.md")
    assert load_bundle(folder).config == CONFIG


def test_a_folder_without_a_bundle_and_a_file_are_refused(tmp_path):
    (tmp_path / "f").write_text("")
    for folder in (tmp_path, tmp_path / "nothing", tmp_path / "f"):
        with pytest.raises(BadBundle, match="no such file"):
            load_bundle(folder)
