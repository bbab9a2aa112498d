import stat
from pathlib import Path

import pytest

from geocairn.errors import BadOutput
from geocairn.storage import appearing_at_once, cache_folder, check_result_folder, check_spares


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    out = tmp_path / "deep" / "down" / "x.json"
    with appearing_at_once(out) as draft:
        draft.write_text("half")
        assert not out.exists()
        assert draft.suffix == ".json"
    assert out.read_text() == "half"
    assert [path.name for path in out.parent.iterdir()] == ["x.json"]
    assert stat.S_IMODE(out.stat().st_mode) == 0o644


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
