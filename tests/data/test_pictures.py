import os
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data.factory import JPEG, shard_of, tar_of, zip_of

from geocairn.data.pictures import find_pictures, is_archive, match_pictures
from geocairn.errors import BadManifest

NAMES = st.lists(st.from_regex(r"[ab]{0,2}/?[abc]{1,2}(\.jpg)?", fullmatch=True), unique=True, max_size=12)


@given(NAMES, NAMES)
def test_no_picture_stands_for_two_photos(photos, pictures):
    matched = match_pictures(photos, pictures)
    found = [name for name in matched if name is not None]
    assert len(found) == len(set(found))
    assert set(found) <= set(pictures)
    assert all(name == photo for photo, name in zip(photos, matched, strict=True) if photo in pictures)


def test_ways_of_naming():
    assert match_pictures(["34/8d/1.jpg", "34/8d/2.jpg", "3", "4.jpg", "5.jpg"], ["x/34_8d_1.jpg", "34_8d_2.jpg", "y/3.jpg", "z/4.JPG", "6.jpg"]) == [
        None, "34_8d_2.jpg", "y/3.jpg", "z/4.JPG", None
    ]  # fmt: skip
    assert match_pictures(["a/1.jpg", "b/1.jpg"], ["1.jpg"]) == [None, None]
    assert match_pictures(["1.jpg"], ["a/1.jpg", "b/1.jpg"]) == [None]
    assert match_pictures(["1.jpg"], ["a/1.jpg", "1.jpg"]) == ["1.jpg"]


def test_folders_and_archives_are_listed_as_if_unpacked(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "top.jpg").write_bytes(JPEG)
    (tmp_path / "deep" / "empty.png").touch()
    (tmp_path / "deep" / "notes.txt").write_text("x")
    (tmp_path / "deep" / "dangling.jpg").symlink_to("nowhere")
    zip_of(tmp_path / "deep" / "00.zip", ["00/a.jpg", "00/readme.md"])
    tar_of(tmp_path / "deep" / "er" / "b.tar", [("./b.jpg", JPEG), ("c.jpg", b"")])
    shard_of(tmp_path / "shard_0.msg", ["34/8d/1.jpg"])
    pictures = find_pictures([tmp_path])
    assert pictures.names == ["34/8d/1.jpg", "deep/00/a.jpg", "deep/er/b.jpg", "top.jpg"]
    assert (pictures.n_empty, pictures.unreadable) == (2, [])


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tgz", ".msg"])
@pytest.mark.parametrize("damage", [b"", b"\0" * 700, bytes(range(256)) * 9])
def test_damaged_archives_are_told_and_end_nothing(tmp_path, suffix, damage):
    path = tmp_path / f"a{suffix}"
    assert is_archive(path)
    path.write_bytes(damage)
    zip_of(tmp_path / "b.zip", ["1.jpg"])
    pictures = find_pictures([tmp_path])
    assert pictures.names == ["1.jpg"]
    assert all(line.startswith(f"{path}: ") and "\n" not in line for line in pictures.unreadable)
    assert pictures.unreadable or (damage == b"" and suffix == ".msg") or (suffix.startswith(".t") and set(damage) <= {0})


def test_a_tar_cut_short_keeps_what_came_before(tmp_path):
    path = tar_of(tmp_path / "a.tar", [("1.jpg", JPEG), ("2.jpg", JPEG * 100)])
    path.write_bytes(path.read_bytes()[:2000])
    pictures = find_pictures([path])
    assert "1.jpg" in pictures.names
    assert len(pictures.unreadable) == 1


def test_links_and_devices_in_a_tar_are_no_pictures(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE):
            entry = tarfile.TarInfo(f"{kind.decode()}.jpg")
            entry.type = kind
            archive.addfile(entry)
    assert find_pictures([path]).names == []


def test_places_that_hold_no_pictures_are_refused(tmp_path):
    with pytest.raises(BadManifest, match="no such file or folder"):
        find_pictures([tmp_path / "absent"])
    (tmp_path / "a.txt").touch()
    with pytest.raises(BadManifest, match=r"neither a folder nor one of \.zip, \.tar"):
        find_pictures([tmp_path / "a.txt"])


def test_a_closed_folder_is_told(tmp_path, monkeypatch):
    closed = tmp_path / "closed"
    closed.mkdir()
    scan = os.scandir

    def refuse(folder):
        if os.fspath(folder) == str(closed):
            raise PermissionError(13, "Permission denied", str(closed))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)  # the administrator may read everything, so the mode would say nothing
    assert find_pictures([tmp_path]).unreadable == [f"{closed}: Permission denied"]
