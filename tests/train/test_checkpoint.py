"""Checkpoints: read back as written, refused in one line when they are not, and none left over."""

import json
import pickle
import resource

import pytest
import torch
from geoopt import Lorentz, ManifoldParameter

from geocairn.errors import BadOutput, BadRun
from geocairn.train.checkpoint import checkpoint_steps, load_checkpoint, prune_checkpoints, save_checkpoint

STATE = {"model": {"w": torch.arange(6.0).reshape(2, 3)}, "list": [1, None, "x", (2.5, True)], 3: torch.tensor(1.5, dtype=torch.float64)}


def refused(folder, step) -> str:
    with pytest.raises(BadRun) as refusal:
        load_checkpoint(folder, step)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_what_is_saved_is_loaded(tmp_path):
    save_checkpoint(tmp_path, 7, STATE)
    loaded = load_checkpoint(tmp_path, 7)
    assert torch.equal(loaded["model"]["w"], STATE["model"]["w"])
    assert loaded["list"] == [1, None, "x", [2.5, True]]
    assert loaded[3].dtype == torch.float64
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000007.json", "step-000000007.pt"]


def test_tensors_of_other_kinds_are_kept_as_plain_ones_on_memory_of_their_own(tmp_path):
    point = ManifoldParameter(torch.tensor([[1.0, 0.0]]), manifold=Lorentz())
    save_checkpoint(tmp_path, 1, {"point": point, "slice": torch.zeros(10**6)[:2]})
    assert type(load_checkpoint(tmp_path, 1)["point"]) is torch.Tensor
    assert (tmp_path / "step-000000001.pt").stat().st_size < 10_000


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_damaged_checkpoint_is_refused_with_the_mend(tmp_path, damage):
    save_checkpoint(tmp_path, 4, STATE)
    save_checkpoint(tmp_path, 8, STATE)
    path = tmp_path / "step-000000008.pt"
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes({"truncated": whole[:-10], "flipped": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :], "empty": b""}[damage])
    assert refused(tmp_path, 8) == f"{path}: truncated or changed since it was written; delete it and its .json, and --resume goes on from step 4"
    assert refused_alone(tmp_path) == "delete the run and train anew"


def refused_alone(folder) -> str:
    for path in folder.glob("step-000000004.*"):
        path.unlink()
    return refused(folder, 8).rpartition("; ")[2]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"step": 8}', "\0", "[" * 20_000])
def test_a_damaged_record_is_refused(tmp_path, text):
    save_checkpoint(tmp_path, 8, STATE)
    (tmp_path / "step-000000008.json").write_text(text)
    assert "cannot be read" in refused(tmp_path, 8)


def test_objects_are_not_unpickled(tmp_path):
    class Evil:
        def __reduce__(self):
            return (pytest.fail, ("it ran",))

    save_checkpoint(tmp_path, 8, STATE)
    path = tmp_path / "step-000000008.pt"
    # Of another protocol than its own torch warns, and warnings are errors in these tests.
    for write in (lambda: torch.save({"x": Evil()}, path), *(lambda p=p: path.write_bytes(pickle.dumps({"x": Evil()}, protocol=p)) for p in (0, 2, 4, 5))):
        write()
        relist(path)
        said = refused(tmp_path, 8)
        assert said.startswith(f"{path}: holds something else than numbers, texts, lists and tensors, and was not read: ")
        assert said.endswith("; delete the run and train anew")


@pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(60), b"\x80\x04]\x94.", b"\x80\x02K\x01.", b"}", bytes(100), pickle.dumps(["a"], protocol=2)])
def test_other_bytes_that_are_listed_are_one_line(tmp_path, content):
    save_checkpoint(tmp_path, 8, STATE)
    (tmp_path / "step-000000008.pt").write_bytes(content)
    relist(tmp_path / "step-000000008.pt")
    said = refused(tmp_path, 8)
    assert said.endswith("; delete the run and train anew")
    assert "weights_only" not in said


def relist(path) -> None:
    from geocairn.manifest import file_sha256

    record = path.with_suffix(".json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"bytes": path.stat().st_size, "file_sha256": file_sha256(path)}))


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    save_checkpoint(tmp_path, 4, STATE)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(BadOutput, match=r"step-000000008\.pt: cannot be written \(.*make room"):
            save_checkpoint(tmp_path, 8, {"w": torch.zeros(10**6)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(list(tmp_path.iterdir())) == 2
    assert checkpoint_steps(tmp_path) == [4]


def test_a_checkpoint_without_its_record_does_not_count(tmp_path):
    for step in (2, 4):
        save_checkpoint(tmp_path, step, STATE)
    (tmp_path / "step-000000004.json").unlink()
    assert checkpoint_steps(tmp_path) == [2]
    assert checkpoint_steps(tmp_path / "none") == []


def test_the_last_and_the_best_are_kept_and_leftovers_go(tmp_path):
    for step in (2, 4, 6, 8, 1000):
        save_checkpoint(tmp_path, step, {})
    (tmp_path / ".step-000000009.pt.abc.pt").touch()
    (tmp_path / "step-000000009.pt").touch()
    (tmp_path / "notes.txt").touch()
    prune_checkpoints(tmp_path, keep_last=2, best=4)
    assert checkpoint_steps(tmp_path) == [4, 8, 1000]
    assert len(list(tmp_path.iterdir())) == 7
    prune_checkpoints(tmp_path, keep_last=1, best=None)
    assert checkpoint_steps(tmp_path) == [1000]
