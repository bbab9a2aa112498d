import json
import os
import shutil
import stat
from pathlib import Path
from tempfile import mkdtemp

import pytest

from geocairn.errors import BadOutput
from geocairn.storage import appearing_at_once, cache_folder, check_folder_writable, check_result_folder, check_spares, folder_appearing_at_once, write_json


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    out = tmp_path / "deep" / "down" / "x.json"
    with appearing_at_once(out) as draft:
        draft.write_text("half")
        assert not out.exists()
        assert draft.suffix == ".json"
    assert out.read_text() == "half"
    assert [path.name for path in out.parent.iterdir()] == ["x.json"]
    assert stat.S_IMODE(out.stat().st_mode) == 0o644


def test_json_is_readable_by_people_and_standard_or_not_written(tmp_path):
    out = tmp_path / "x.json"
    write_json(out, {"city": "Zürich", "p": [0.5, None]})
    assert out.read_bytes() == '{\n "city": "Zürich",\n "p": [\n  0.5,\n  null\n ]\n}\n'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(out, {"p": float("nan")})
    assert json.loads(out.read_text(encoding="utf-8")) == {"city": "Zürich", "p": [0.5, None]}
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize(("umask", "file_mode", "folder_mode"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700), (0o002, 0o664, 0o775)])
def test_modes_are_those_that_the_umask_gives_whatever_wrote_the_files(tmp_path, umask, file_mode, folder_mode):
    before = os.umask(umask)
    try:
        with appearing_at_once(tmp_path / "x.json") as draft:
            draft.chmod(0o400)
        with folder_appearing_at_once(tmp_path / "b") as folder:
            (folder / "in").mkdir()
            for name, mode in (("a", 0o600), ("in/b", 0o444)):
                (folder / name).write_text("mine")
                (folder / name).chmod(mode)
    finally:
        os.umask(before)
    modes = {path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"x.json": file_mode, "b": folder_mode, "b/in": folder_mode, "b/a": file_mode, "b/in/b": file_mode}


def test_a_folder_replaces_a_folder_also_behind_a_link(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b/old").write_text("")
    (tmp_path / "link").symlink_to("b")
    with folder_appearing_at_once(tmp_path / "link") as draft:
        (draft / "new").write_text("")
    assert (tmp_path / "link").is_symlink()
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "link"]


def test_of_two_that_write_one_folder_at_once_one_is_refused_and_nothing_is_left_over(tmp_path, monkeypatch):
    out = tmp_path / "b"
    out.mkdir()
    rename = Path.rename

    def rename_and_lose(path, target):
        """Another process takes the name as soon as the old folder has stepped aside."""
        rename(path, target)
        if path == out:
            out.mkdir()
            (out / "theirs").write_text("")

    def write():
        with folder_appearing_at_once(out) as draft:
            (draft / "ours").write_text("")

    monkeypatch.setattr(Path, "rename", rename_and_lose)
    with pytest.raises(BadOutput, match=r"b: another process has just written it; keep what is there, or choose another folder"):
        write()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["b", "b/theirs"]


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one_there(tmp_path, monkeypatch):
    out = tmp_path / "b"
    out.mkdir()
    (out / "old").write_text("")
    rename = Path.rename

    def rename_but_not_the_draft(path, target):
        if target == out and not (path / "old").exists():
            raise OSError(5, "Input/output error", str(path), None, str(target))
        rename(path, target)

    def write():
        with folder_appearing_at_once(out) as draft:
            (draft / "new").write_text("")

    monkeypatch.setattr(Path, "rename", rename_but_not_the_draft)
    with pytest.raises(BadOutput, match=r"b: cannot be written \(Input/output error\); make room"):
        write()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["b", "b/old"]


def test_a_fault_in_the_draft_names_the_folder_and_one_elsewhere_stays_what_it_is(tmp_path):
    def write(name):
        with folder_appearing_at_once(tmp_path / "b") as draft:
            (draft / name).write_text("")

    with pytest.raises(BadOutput, match=r"^[^ ]*/b: cannot be written \(No such file or directory\); make room"):
        write("none/x")
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "none/x")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def unprivileged():
    """A folder of one who may not do everything, who then goes on with the test."""
    folder = Path(mkdtemp(prefix="geocairn-test-"))
    if os.getuid() == 0:
        os.chown(folder, 65534, 65534)
        os.setresuid(65534, 65534, 0)
        yield folder
        os.setresuid(0, 0, 0)
    else:
        yield folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700)
    shutil.rmtree(folder)


def test_a_folder_that_may_not_be_written_or_replaced_is_told_before_the_work(unprivileged):
    (unprivileged / "above/b").mkdir(parents=True)
    for name, said in (("above/b", "above/b: you may not write to it, nor replace it; make it writable, or"), ("above/new", "you may not write to /")):
        (unprivileged / name).parent.chmod(0o500 if name == "above/new" else 0o700)
        (unprivileged / "above/b").chmod(0o500)
        with pytest.raises(BadOutput, match=said), folder_appearing_at_once(unprivileged / name):
            pytest.fail("began to work")
    assert [path.name for path in (unprivileged / "above").iterdir()] == ["b"]


def test_what_was_there_stays_when_the_work_fails(tmp_path):
    out = tmp_path / "x.json"
    out.write_text("old")

    def work():
        with appearing_at_once(out) as draft:
            draft.write_text("new")
            raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        work()
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadOutput, match=r"x\.npz: cannot be written \(File exists\); choose"), appearing_at_once(tmp_path / "file" / "x.npz"):
        pass


def test_a_folder_below_a_file_is_told_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadOutput, match=r"file/a/b: cannot be written, for .*/file is a file; choose another folder"):
        check_folder_writable(tmp_path / "file/a/b")


def test_a_folder_that_takes_no_files_is_one_line():
    with pytest.raises(BadOutput, match=r"^/proc/x\.npz: cannot be written \(.+\); choose"), appearing_at_once(Path("/proc/x.npz")):
        pass


def test_what_is_read_is_never_the_output(tmp_path):
    out, source = tmp_path / "out.npy", tmp_path / "source.npy"
    source.write_text("read")
    check_spares(out, [source, tmp_path / "absent"])
    out.symlink_to(source)
    with pytest.raises(BadOutput, match=r"out\.npy: is read and would be overwritten"):
        check_spares(out, [source])
    with pytest.raises(BadOutput, match="is read"):
        check_spares(source, [tmp_path / "absent", out])
    check_spares(out, [])


def test_a_folder_takes_a_result_where_it_is_empty_or_holds_an_older_one(tmp_path):
    out = tmp_path / "out"
    check_result_folder(out, ["a.json"], "results")
    out.mkdir()
    (out / ".a.json.k3").write_text("left by a run that was killed")
    check_result_folder(out, ["a.json"], "results")
    (out / "letter.txt").write_text("mine")
    with pytest.raises(BadOutput, match=r"out: is not empty and holds no results; name another folder"):
        check_result_folder(out, ["a.json"], "results")
    (out / "a.json").write_text("{}")
    check_result_folder(out, ["a.json"], "results")
    with pytest.raises(BadOutput, match=r"a\.json: is read and would be overwritten"):
        check_result_folder(out, ["b.json", "a.json"], "results", [out / "a.json"])
    with pytest.raises(BadOutput, match="is a file; name a folder"):
        check_result_folder(out / "a.json", ["a.json"], "results")
    with pytest.raises(BadOutput, match=r"cannot be written \(Not a directory\)"):
        check_result_folder(out / "a.json/below", ["a.json"], "results")


def test_the_cache_is_where_it_was_chosen_else_where_the_platform_keeps_caches(monkeypatch):
    monkeypatch.setenv("GEOCAIRN_CACHE", "/somewhere/else")
    assert cache_folder() == Path("/somewhere/else")
    monkeypatch.setenv("GEOCAIRN_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_folder() == Path("/caches/geocairn")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_folder() == Path("/home/somebody/.cache/geocairn")
