import json
import signal
import subprocess
import sys

import numpy as np
import pytest
from tests.cli.command import Command
from tests.models.tiny import save_tiny
from tests.photo.corpus import scene

from geocairn.data import extract
from geocairn.data.feature_store import StoreHeader, open_store
from geocairn.data.feature_writer import write_store


@pytest.fixture
def geocairn(monkeypatch, capsys):
    return Command(monkeypatch, capsys)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("tiny"), "siglip")


@pytest.fixture
def manifest(tmp_path):
    for index in range(4):
        scene(index, 50, 40).save(tmp_path / f"p{index}.jpg")
    path = tmp_path / "m.csv"
    path.write_text("photo,lat_deg,lon_deg\n" + "".join(f"p{index}.jpg,{index},5\n" for index in range(4)))
    return path


def test_features_of_all_photos_exit_0(geocairn, manifest, tiny, tmp_path):
    words = ("features", "extract", manifest, "--encoder", tiny, "--device", "cpu", "--out", tmp_path / "features")
    ran = geocairn(*words)
    assert (ran.code, ran.err) == (0, "")
    store = open_store(tmp_path / "features", verify=True)
    assert ran.out == f"{tmp_path / 'features'}: 4 photos, 16 numbers each, by {store.meta.header.encoder}\n"
    assert np.isfinite(store.read(np.arange(4))).all()
    assert geocairn(*words) == ran


def test_photos_of_unknown_place_have_features_too(geocairn, manifest, tiny, tmp_path):
    manifest.write_text("photo,x\n" + "".join(f"p{index}.jpg,\n" for index in range(4)) + ",1\n")
    ran = geocairn("features", "extract", manifest, "--encoder", tiny, "--device", "cpu", "--out", tmp_path / "features")
    assert (ran.code, ran.err) == (0, f"geocairn: {manifest}: 1 of 5 rows are left out (no photo: 1)\n")
    assert open_store(tmp_path / "features").photos.to_pylist() == [f"p{index}.jpg" for index in range(4)]


def test_a_photo_that_cannot_be_read_exits_1_with_its_line(geocairn, manifest, tiny, tmp_path):
    (tmp_path / "p2.jpg").write_bytes(b"GIF")
    ran = geocairn("features", "extract", manifest, "--encoder", tiny, "--out", tmp_path / "features", "--batch-size", "3", "--jobs", "2")
    assert ran.code == 1
    assert ran.err.startswith(f"geocairn: {tmp_path / 'p2.jpg'}: ")
    assert ran.err.count("\n") == 1
    assert "without features: 1 (" in ran.out
    assert open_store(tmp_path / "features").meta.n_nan == 1


STOPS_AFTER_TWO_PARTS = """
import sys, time
from geocairn.cli.main import main
from geocairn.data import extract

def keep_and_stop(self, part, *rest, keep=extract._Work._keep):
    keep(self, part, *rest)
    if part.start == 4:
        print("there", flush=True)
        time.sleep(600)

extract.ROWS_PER_PART = 4
extract._Work._keep = keep_and_stop
main()
"""


def test_a_killed_run_goes_on(geocairn, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(extract, "ROWS_PER_PART", 4)
    scene(0, 20, 16).save(tmp_path / "p.png")
    (tmp_path / "m.csv").write_text("photo,lat_deg,lon_deg\n" + "".join(f"p{index}.png,1,5\n" for index in range(40)))
    for index in range(40):
        (tmp_path / f"p{index}.png").hardlink_to(tmp_path / "p.png")
    words = ("features", "extract", tmp_path / "m.csv", "--encoder", tiny, "--device", "cpu", "--out")
    with subprocess.Popen([sys.executable, "-c", STOPS_AFTER_TWO_PARTS, *map(str, words), str(tmp_path / "torn")], stdout=subprocess.PIPE) as ran:
        assert ran.stdout.readline() == b"there\n"
        ran.send_signal(signal.SIGKILL)
        ran.communicate(timeout=60)  # its worker, which holds the same streams, ends with it
    made = []
    make = extract._Work._part
    monkeypatch.setattr(extract._Work, "_part", lambda work, part, seen: made.append(part.start) or make(work, part, seen))
    assert geocairn(*words, tmp_path / "torn").code == 0
    assert made == list(range(8, 40, 4))
    assert geocairn(*words, tmp_path / "whole").code == 0
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "torn").iterdir())
    assert all((tmp_path / "torn" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes() for name in names)


def test_what_cannot_be_used_is_one_line(geocairn, manifest, tiny, tmp_path):
    out = ("--out", tmp_path / "features")
    words = ("features", "extract", manifest, "--encoder")
    assert "dino: neither a folder nor a name that is known" in geocairn.refused(*words, "dino", *out)
    assert "m.txt: a table is a .csv or .parquet file" in geocairn.refused("features", "extract", "m.txt", "--encoder", "dino", *out)
    assert "nowhere: not a folder" in geocairn.refused(*words, tiny, *out, "--photos", "nowhere")
    assert "Missing option '--encoder'" in geocairn.refused("features", "extract", manifest, *out)
    assert "'--batch-size'" in geocairn.refused(*words, tiny, *out, "--batch-size", "0")
    assert "'--precision'" in geocairn.refused(*words, tiny, *out, "--precision", "int8")
    (tmp_path / "file").write_text("")
    assert "is a file" in geocairn.refused(*words, tiny, "--out", tmp_path / "file")
    assert geocairn(*words, tiny, *out).code == 0
    assert "another encoder; name a new folder" in geocairn.refused(*words, tiny, *out, "--precision", "bfloat16")
    manifest.write_text(manifest.read_text().replace("p1.jpg,1", "p1.jpg,7"))
    assert "another encoder; name a new folder" in geocairn.refused(*words, tiny, *out)


def test_without_the_extra_one_line_says_what_to_install(geocairn, manifest, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "geocairn.models.encoders", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    told = geocairn.refused("features", "extract", manifest, "--encoder", "clip-vitl14", "--out", tmp_path / "features")
    assert told.endswith("pip install geocairn[encoders]")


def test_a_damaged_store_is_found_by_verify(geocairn, tmp_path):
    rows = np.ones((5, 3))
    store = write_store(tmp_path / "f", StoreHeader(encoder="x", dim=3), list("abcde"), lambda wanted: rows[wanted.start : wanted.stop], rows_per_shard=2)
    whole = geocairn("features", "verify", store.folder)
    assert (whole.code, whole.out, whole.err) == (0, f"{store.folder}: whole\n", "")
    damaged = store.folder / store.meta.shards[1].file
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\1")
    found = geocairn("features", "verify", store.folder)
    assert (found.code, found.err) == (1, f"geocairn: {store.folder}: faults: 1\n")
    assert found.out == f"{damaged}: these are not the bytes that were written (sha256 differs); extract the features anew, into a new folder\n"
    assert "a feature store is a folder with a meta.json" in geocairn.refused("features", "verify", tmp_path)


def test_meta_says_how_the_features_came_about(geocairn, manifest, tiny, tmp_path):
    assert geocairn("features", "extract", manifest, "--encoder", tiny, "--device", "cpu", "--out", tmp_path / "features").code == 0
    meta = json.loads((tmp_path / "features/meta.json").read_text())
    assert meta["notes"]["encoder"] == str(tiny)
    assert meta["notes"]["device"] == "cpu"
    assert meta["notes"]["manifest"] == "m.csv"
    assert json.loads(meta["header"]["preprocessing"])["resize_px"] == [32, 32]
    assert {"geocairn", "torch", "transformers", "pillow", "numpy"} == set(meta["notes"]["versions"])
