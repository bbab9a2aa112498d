import os

from geocairn.photo.listing import list_photos


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def relative(folder, paths):
    return [os.path.relpath(path, folder) for path in paths]


def test_a_folder_gives_its_photos_sorted_and_nothing_else(tmp_path):
    touch(tmp_path, "b.JPG", "a.png", "notes.txt", ".hidden.jpg", "sub/c.heic", "sub/.git/d.jpg", "another/e.tiff")
    assert relative(tmp_path, list_photos([str(tmp_path)])) == ["a.png", "b.JPG", "another/e.tiff", "sub/c.heic"]


def test_a_path_that_is_named_is_kept_as_it_stands(tmp_path):
    touch(tmp_path, "notes.txt")
    named = [str(tmp_path / "notes.txt"), str(tmp_path / "gone.jpg"), "", "a\0b", "./x.jpg"]
    assert list(list_photos(named)) == named


def test_a_pattern_that_the_shell_left_alone(tmp_path):
    touch(tmp_path, "b.jpg", "a.jpg", "c.png", "deep/d.jpg")
    assert relative(tmp_path, list_photos([str(tmp_path / "*.jpg")])) == ["a.jpg", "b.jpg"]
    assert relative(tmp_path, list_photos([str(tmp_path / "de*")])) == ["deep/d.jpg"]
    missing = str(tmp_path / "*.gif")
    assert list(list_photos([missing])) == [missing]
    touch(tmp_path, "[1].jpg")
    assert relative(tmp_path, list_photos([str(tmp_path / "[1].jpg")])) == ["[1].jpg"]


def test_a_list_on_stdin(tmp_path):
    touch(tmp_path, "folder/a.jpg")
    lines = ["x.jpg\n", "\n", " y z.jpg\r\n", "-\n", f"{tmp_path}\n", "last.jpg"]
    assert list(list_photos(["first.jpg", "-"], lines)) == ["first.jpg", "x.jpg", " y z.jpg", "-", str(tmp_path / "folder/a.jpg"), "last.jpg"]


def test_links_that_lead_back_do_not_hang(tmp_path):
    touch(tmp_path, "a.jpg")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.jpg").symlink_to("nowhere")
    assert relative(tmp_path, list_photos([str(tmp_path)])) == ["a.jpg", "gone.jpg"]


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    touch(tmp_path, "a.jpg", "closed/b.jpg")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert relative(tmp_path, list_photos([str(tmp_path)])) == ["a.jpg", "closed"]
