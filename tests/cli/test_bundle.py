"""`geocairn bundle`: whole ones are told, damaged ones are one line."""

import hashlib
import json
import pickle

import numpy as np
import pytest
from tests.systems.bundles_made import bundle_at, change_arrays, replace_listed

from geocairn.errors import MissingExtra
from geocairn.systems.bundle import MANIFEST, WEIGHTS, load_bundle


@pytest.fixture
def folder(tmp_path):
    return bundle_at(tmp_path / "held" / "b")


def unlisted_pickle(folder):
    (folder / "model.pt").write_bytes(pickle.dumps({}))


def pickle_as_weights(folder):
    replace_listed(folder, WEIGHTS, pickle.dumps({"a": 1}))


def pickle_in_territory(folder):
    replace_listed(folder, "territory.npz", pickle.dumps({"a": 1}))


def truncated(folder):
    (folder / "hierarchy.npz").write_bytes((folder / "hierarchy.npz").read_bytes()[:-7])


def changed(folder):
    (folder / "card.md").write_bytes((folder / "card.md").read_bytes().replace(b"Card", b"Cord"))


def unknown_key(folder):
    replace_listed(folder, "config.json", json.dumps(json.loads((folder / "config.json").read_text()) | {"colour": "red"}).encode())


def absent(folder):
    (folder / "calibration.json").unlink()


def extra(folder):
    (folder / "notes.txt").write_text("dear")


def broken_list(folder):
    (folder / MANIFEST).write_bytes((folder / MANIFEST).read_bytes()[:50])


def other_kind(folder):
    replace_listed(folder, "config.json", (folder / "config.json").read_bytes().replace(b'"softmax"', b'"oracle"'))


def unknown_key_of_the_list(folder):
    (folder / MANIFEST).write_text(json.dumps(json.loads((folder / MANIFEST).read_text()) | {"colour": "red"}))


def no_stores(folder):
    replace_listed(folder, "config.json", json.dumps(json.loads((folder / "config.json").read_text()) | {"stores": {}}).encode())


def store_elsewhere(folder):
    replace_listed(folder, "config.json", (folder / "config.json").read_bytes().replace(b'"features"', b'"../../etc"'))


def no_spread(folder):
    change_arrays(folder, lambda arrays: arrays.update(feature_std=np.zeros(3, dtype=np.float32)))


def negative_spread(folder):
    change_arrays(folder, lambda arrays: arrays.update(feature_std=np.array([1, -1, 1], dtype=np.float32)))


def whole_numbers(folder):
    change_arrays(folder, lambda arrays: arrays.update({"layer0.weight": arrays["layer0.weight"].astype(np.int32)}))


def array_that_nobody_reads(folder):
    change_arrays(folder, lambda arrays: arrays.update(more=np.zeros(3)))


def weights_not_listed(folder):
    listed = json.loads((folder / MANIFEST).read_text())
    del listed["files"][WEIGHTS]
    (folder / MANIFEST).write_text(json.dumps(listed))
    (folder / WEIGHTS).unlink()


DAMAGES = {
    unlisted_pickle: "model.pt: a bundle holds no .pt files",
    pickle_as_weights: f"{WEIGHTS}: not readable as .safetensors",
    pickle_in_territory: "territory.npz: not readable as .npz (it holds pickled objects)",
    truncated: "hierarchy.npz: ",
    changed: "card.md: these are not the bytes that were saved",
    unknown_key: "config.json: colour = 'red': Extra inputs are not permitted (known keys: format, kind,",
    absent: "calibration.json: missing",
    extra: f"notes.txt: not among the files that {MANIFEST} lists",
    broken_list: f"{MANIFEST}: not readable as JSON",
    other_kind: "holds a system of the kind 'oracle'",
    unknown_key_of_the_list: f"{MANIFEST}: colour = 'red': not known (known keys: format, files)",
    no_stores: "config.json: stores = {}: the kind 'softmax' takes features",
    store_elsewhere: "'../../etc' is no plain name of a folder beside the manifest",
    no_spread: f"{WEIGHTS}: its array 'feature_std' is 0 throughout",
    negative_spread: f"{WEIGHTS}: its array 'feature_std' is a spread, but -1 is among its numbers",
    whole_numbers: f"{WEIGHTS}: its array 'layer0.weight' is int32 of shape (11, 3), not float32 of 2 dimensions",
    array_that_nobody_reads: f"{WEIGHTS}: its array 'more' is not known to the kind 'softmax'",
    weights_not_listed: f"{WEIGHTS}: missing",
}


def test_list_tells_of_shipped_bundles_and_those_in_folders(geocairn, folder):
    rows = json.loads(geocairn("bundle", "list", folder.parent, "--json").out)
    assert [row["bundle"] for row in rows] == ["clues", "prior", str(folder)]
    assert rows[0]["takes"] == ["photos"]
    assert rows[0]["places"]["country"] > 200
    assert rows[2] == {
        "bundle": str(folder),
        "name": "a [red] bundle",
        "kind": "softmax",
        "takes": ["features"],
        "places": {level: len(load_bundle(folder).hierarchy.places_of(level)) for level in load_bundle(folder).hierarchy.level_names},
        "calibrated": True,
        "sha256": hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest(),
    }
    assert json.loads(geocairn("bundle", "list", folder, "--json").out) == rows
    assert json.loads(geocairn("bundle", "list", folder, folder.parent, folder / ".." / folder.name, "--json").out)[2:] == rows[2:]
    ran = geocairn("bundle", "list")
    assert ran.code == 0
    assert "prior" in ran.out


def test_a_list_has_a_line_for_each_bundle_and_names_as_they_are(geocairn, folder):
    lines = geocairn("bundle", "list", folder).out.splitlines()
    assert [line.split()[0] for line in lines] == ["bundle", "clues", "prior", str(folder)]
    assert all(word in lines[3] for word in (" a [red] bundle ", " yes ", load_bundle(folder).sha256[:12], " country, "))


def test_a_damaged_bundle_in_a_list_is_a_row_with_an_error(geocairn, folder):
    bundle_at(folder.parent / "whole")
    truncated(folder)
    ran = geocairn("bundle", "list", folder.parent, "--json")
    rows = json.loads(ran.out)
    assert ran.code == 1
    assert ran.err.startswith(f"geocairn: {folder}/hierarchy.npz: ")
    assert [set(row) for row in rows[2:]] == [{"bundle", "error"}, set(rows[0])]


@pytest.mark.parametrize("name", ["empty", "missing", "file"])
def test_a_folder_without_bundles_is_one_line(geocairn, tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    assert geocairn.refused("bundle", "list", tmp_path / name).startswith(f"{tmp_path / name}: ")


def test_show_has_all_that_is_known(geocairn, folder):
    shown = json.loads(geocairn("bundle", "show", folder, "--json").out)
    assert shown["sha256"] == load_bundle(folder).sha256
    assert shown["config"] == load_bundle(folder).config.model_dump(mode="json")
    assert shown["calibration"]["calibrated"] is True
    assert shown["card"] == "# Card\n\nOf Ísland.\n"
    assert [level["name"] for level in shown["hierarchy"]["levels"]] == list(load_bundle(folder).hierarchy.level_names)
    assert {file["file"]: file["bytes"] for file in shown["files"]} == {path.name: path.stat().st_size for path in folder.iterdir() if path.name != MANIFEST}
    words = geocairn("bundle", "show", folder).out
    assert "Of Ísland." in words
    assert shown["files"][0]["sha256"] in words


def test_show_a_shipped_bundle(geocairn):
    shown = json.loads(geocairn("bundle", "show", "prior", "--json").out)
    assert (shown["bundle"], shown["kind"], shown["takes"], shown["files"]) == ("prior", "shipped", ["photos"], [])
    assert "floor" in shown["card"]
    assert len(shown["sha256"]) == 64


def test_a_whole_bundle_is_said_to_be(geocairn, folder):
    ran = geocairn("bundle", "verify", folder)
    assert (ran.code, ran.out, ran.err) == (0, f"{folder}: whole\n", "")


def test_a_bundle_is_whole_where_what_its_system_needs_is_not_installed(geocairn, folder, monkeypatch):
    def missing(bundle):
        raise MissingExtra(f"{bundle}: needs more")

    monkeypatch.setattr("geocairn.systems.bundle_check.load_system", missing)
    assert geocairn("bundle", "verify", folder).code == 0


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_verify_lists_a_fault_and_exits_1(geocairn, folder, damage):
    damage(folder)
    ran = geocairn("bundle", "verify", folder)
    assert ran.code == 1
    assert ran.out.count("\n") == 1
    assert ran.out.count(str(folder)) == 1
    assert DAMAGES[damage] in ran.out
    assert "Traceback" not in ran.err


def test_verify_lists_every_faulty_file(geocairn, folder):
    for damage in (truncated, changed, extra, unlisted_pickle, pickle_as_weights):
        damage(folder)
    ran = geocairn("bundle", "verify", folder)
    assert (ran.code, ran.err) == (1, f"geocairn: {folder}: faults: 5\n")
    assert [line.split(": ")[0] for line in ran.out.splitlines()] == [
        str(folder / name) for name in ("card.md", "hierarchy.npz", "model.pt", WEIGHTS, "notes.txt")
    ]


def test_what_is_no_bundle_at_all_is_one_line(geocairn, tmp_path, folder):
    (tmp_path / "other").mkdir()
    for content in (None, "[]", '{"format": "geocairn-hierarchy-1"}'):
        if content is not None:
            (tmp_path / "other" / MANIFEST).write_text(content)
        assert "is no bundle" in geocairn.refused("bundle", "verify", tmp_path / "other")
    assert "no such folder" in geocairn.refused("bundle", "verify", tmp_path / "absent")
    assert "no such folder" in geocairn.refused("bundle", "verify", folder / "card.md")
    assert "ships with the package" in geocairn.refused("bundle", "verify", "prior")
    assert "there is no such bundle; use one of clues, prior" in geocairn.refused("bundle", "show", "best")


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("words", ["export", "pull"])
def test_a_damaged_bundle_is_neither_exported_nor_pulled(geocairn, folder, tmp_path, damage, words):
    damage(folder)
    out = tmp_path / "new" / ("b.tar" if words == "export" else "b")
    assert DAMAGES[damage] in geocairn.refused("bundle", words, folder, "--out", out)
    assert not out.exists()
    assert not out.parent.exists() or not list(out.parent.iterdir())


@pytest.mark.parametrize("name", ["b.tar", "b.zip", "b"])
def test_what_is_exported_is_pulled(geocairn, folder, tmp_path, name):
    sha256 = load_bundle(folder).sha256
    assert geocairn("bundle", "export", folder, "--out", tmp_path / name).out == f"{tmp_path / name}\n"
    ran = geocairn("bundle", "pull", tmp_path / name, "--out", tmp_path / "back", "--sha256", sha256)
    assert (ran.code, ran.out) == (0, f"{tmp_path / 'back'}: whole, sha256 {sha256}\n")
    assert {path.name: path.read_bytes() for path in (tmp_path / "back").iterdir()} == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_another_sha256_is_one_line_and_nothing_stays(geocairn, folder, tmp_path):
    out = tmp_path / "new/b"
    assert f"sha256 is {load_bundle(folder).sha256}, not {'0' * 64}" in geocairn.refused("bundle", "pull", folder, "--out", out, "--sha256", "0" * 64)
    assert "64 hexadecimal digits" in geocairn.refused("bundle", "pull", folder, "--out", out, "--sha256", "abc")
    assert not list(out.parent.iterdir())
