import pytest
from PIL import Image
from tests.data.factory import photo_folder, taken_photos

from geocairn.data.exif_folder import read_folder
from geocairn.data.import_settings import ImportSettings
from geocairn.errors import BadManifest


def test_time_comes_with_the_place_and_every_photo_is_accounted_for(tmp_path):
    folder = photo_folder(tmp_path / "photos", taken_photos("{index}.jpg")[:3])
    Image.new("RGB", (8, 8)).save(folder / "nowhere.png")
    (folder / "torn.jpg").write_bytes((folder / "0.jpg").read_bytes()[:300])
    (folder / "notes.txt").write_text("no photo")
    (folder / "dangling.jpg").symlink_to("absent")
    found = read_folder(folder, ImportSettings())
    assert found.table["photo"].to_pylist() == ["0.jpg", "1.jpg", "2.jpg"]
    assert set(found.table["captured_at"].to_pylist()) == {"2020-05-06T07:08:09"}
    assert {row["photo"]: row["reason"] for row in found.refused.to_pylist()} == {
        "nowhere.png": "no position in the photo",
        "torn.jpg": "photo cannot be read",
        "dangling.jpg": "photo cannot be read",
    }
    assert len(found.unreadable) == 2
    assert found.n_rows == 6


def test_names_that_are_no_text_are_spelled_out(tmp_path):
    folder = photo_folder(tmp_path / "photos", taken_photos("{index}.jpg")[:1])
    (folder / "0.jpg").rename(folder / b"a\xff.jpg".decode(errors="surrogateescape"))
    assert read_folder(folder, ImportSettings()).table["photo"].to_pylist() == ["a\\udcff.jpg"]


def test_what_is_no_folder_of_photos_is_refused(tmp_path):
    (tmp_path / "a.jpg").touch()
    for path, words in ((tmp_path / "absent", "no such folder"), (tmp_path / "a.jpg", "not a folder")):
        with pytest.raises(BadManifest, match=words):
            read_folder(path, ImportSettings())
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadManifest, match="no photo in it or below it"):
        read_folder(tmp_path / "empty", ImportSettings())
