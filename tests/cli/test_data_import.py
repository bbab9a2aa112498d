import json

import pytest
from tests.data.factory import FLICKR_NAMES, meta_csv, osv_csv, plain_csv, taken_photos, webdataset_tar, zip_of

from geocairn.data.benchmarks import BENCHMARKS
from geocairn.manifest import read_manifest


@pytest.fixture
def source(tmp_path):
    return meta_csv(tmp_path / "im2gps_places365.csv", taken_photos(FLICKR_NAMES))


def test_a_set_is_imported_and_told(geocairn, source, tmp_path):
    out = tmp_path / "m.parquet"
    ran = geocairn("data", "import", "im2gps", source, "--out", out, "--salt", "s")
    assert (ran.code, ran.err) == (0, "")
    assert f"{out}: 40 of 237 photos of im2gps, from 40 rows" in ran.out
    assert "authors: 12 (salted groups; the salt was given)" in ran.out
    assert "licence: " in ran.out
    assert len(read_manifest(out)) == 40
    told = geocairn("data", "import", "im2gps", source, "--out", out, "--salt", "s", "--json")
    assert json.loads(told.out) == json.loads((tmp_path / "m.parquet.report.json").read_text())


def test_damaged_rows_exit_1_and_harmless_ones_0(geocairn, source, tmp_path):
    out = tmp_path / "m.parquet"
    lines = source.read_text().splitlines()
    source.write_text("\n".join([*lines, lines[1], "none.jpg,1@N00,,,1,1,1,0,0,0"]) + "\n")
    ran = geocairn("data", "import", "im2gps", source, "--out", out)
    assert ran.code == 0
    assert "left out, no coordinates: 1" in ran.out
    assert "left out, repeats an earlier row: 1" in ran.out
    source.write_text("\n".join([*lines, "bad.jpg,1@N00,95,1,1,1,1,0,0,0"]) + "\n")
    ran = geocairn("data", "import", "im2gps", source, "--out", out)
    assert ran.code == 1
    assert "left out, latitude outside [-90, 90]: 1" in ran.out
    assert len(read_manifest(out)) == 40


def test_archives_that_cannot_be_read_are_lines_on_stderr(geocairn, tmp_path):
    photos = taken_photos("{index}.jpg")
    good, bad = zip_of(tmp_path / "00.zip", [one.name for one in photos[:30]]), tmp_path / "01.zip"
    bad.write_bytes(b"no zip")
    source, out = osv_csv(tmp_path / "test.csv", photos), tmp_path / "m.parquet"
    ran = geocairn("data", "import", "osv5m", source, "--out", out, "--images", good, "--images", bad)
    assert ran.code == 1
    assert ran.err == f"geocairn: {bad}: File is not a zip file; copy it again from its source\n"
    assert "pictures: 30 found, 10 missing, 0 empty, 0 unlisted" in ran.out
    assert (tmp_path / "m.parquet.missing.txt").read_text().count("\n") == 10
    ran = geocairn("data", "import", "osv5m", source, "--out", out, "--images", good, "--require-images")
    assert ran.code == 0
    assert len(read_manifest(out)) == 30


def test_a_cut_shard_is_told_with_the_mend(geocairn, tmp_path):
    shard, out = webdataset_tar(tmp_path / "a.tar", taken_photos("{index}.jpg")), tmp_path / "m.parquet"
    whole = shard.read_bytes()
    for n_bytes in (100, 700):
        shard.write_bytes(whole[:n_bytes])
        refused = geocairn.refused("data", "import", "webdataset", shard, "--out", out)
        assert refused.startswith(f"{shard}: ")
        assert refused.endswith("; copy it again from its source")
        assert ":;" not in refused
    shard.write_bytes(whole[: len(whole) // 2])
    ran = geocairn("data", "import", "webdataset", shard, "--out", out)
    assert ran.code == 1
    assert ran.err.endswith("; copy it again from its source\n")


def test_bytes_far_down_that_are_no_utf8_are_told_with_their_place(geocairn, tmp_path):
    (tmp_path / "a.csv").write_bytes(b"id,lat,lon\n" + b"a,1,2\n" * 9000 + b"caf\xe9,1,2\n")
    refused = geocairn.refused("data", "import", "csv", tmp_path / "a.csv", "--out", tmp_path / "m.parquet")
    assert "a.csv: not UTF-8 (byte 54014, line 9002: invalid continuation byte); save it as CSV UTF-8" in refused


def test_two_columns_of_one_name_are_to_be_renamed(geocairn, tmp_path):
    (tmp_path / "a.csv").write_text("id,lat,lat,lon\na,1,2,3\n")
    refused = geocairn.refused("data", "import", "csv", tmp_path / "a.csv", "--out", tmp_path / "m.parquet")
    assert refused.endswith("a.csv: two columns are called 'lat'; rename one")
    (tmp_path / "a.csv").write_text("id,lat,latitude,lon\na,1,2,3\n")
    assert "choose with --lat-column NAME" in geocairn.refused("data", "import", "csv", tmp_path / "a.csv", "--out", tmp_path / "m.parquet")


def test_a_name_with_a_nul_byte_is_left_out(geocairn, tmp_path):
    (tmp_path / "a.csv").write_text("id,lat,lon\na.jpg,1,3\nb\0.jpg,2,3\n")
    ran = geocairn("data", "import", "csv", tmp_path / "a.csv", "--out", tmp_path / "m.parquet")
    assert (ran.code, read_manifest(tmp_path / "m.parquet").photos) == (1, ("a.jpg",))
    assert "left out, NUL byte in the photo's name: 1" in ran.out


def test_columns_are_chosen_by_flags(geocairn, tmp_path):
    source, out = plain_csv(tmp_path / "mine.csv", taken_photos()), tmp_path / "m.parquet"
    source.write_text(source.read_text().replace("Filename,Latitude,lng,owner,town", "x,north,east,who,note").replace("NaN", "Lyon", 2))
    assert "no column is the photo; its columns are 'x', 'north'" in geocairn.refused("data", "import", "csv", source, "--out", out)
    flags = ["--photo-column", "x", "--lat-column", "north", "--lon-column", "east", "--author-column", "who", "--column", "city=note"]
    assert geocairn("data", "import", "csv", source, "--out", out, *flags).code == 0
    manifest = read_manifest(out)
    assert manifest.has_authors
    assert manifest.column("city")[:3] == ("Lyon", "Lyon", None)
    assert geocairn("data", "import", "csv", source, "--out", out, *flags[:-2], "--keep", "note").code == 0
    assert read_manifest(out).column("note")[0] == "Lyon"


def test_wrong_usage_is_one_line(geocairn, source, tmp_path):
    out = tmp_path / "m.parquet"
    words = geocairn.refused("data", "import", "im2gp", source, "--out", out)
    assert words.startswith("data set 'im2gp': not known; known are im2gps, im2gps3k, yfcc4k")
    assert all(name in words for name in BENCHMARKS)
    assert "Missing argument" in geocairn.refused("data", "import", "im2gps", "--out", out)
    assert "Missing option" in geocairn.refused("data", "import", "im2gps", source)
    assert "write FIELD=NAME" in geocairn.refused("data", "import", "csv", source, "--out", out, "--column", "city")
    assert "a manifest has no column 'town'" in geocairn.refused("data", "import", "csv", source, "--out", out, "--column", "town=x")
    assert "salt = '': String should have at least 1" in geocairn.refused("data", "import", "im2gps", source, "--out", out, "--salt", "")
    assert "rename --out" in geocairn.refused("data", "import", "im2gps", source, "--out", tmp_path / "m.csv")
    assert "no such file" in geocairn.refused("data", "import", "im2gps", tmp_path / "absent.csv", "--out", out)
    assert not out.exists()


def test_swapped_columns_are_refused_and_can_be_trusted(geocairn, tmp_path):
    source = meta_csv(tmp_path / "m.csv", [one.swapped for one in taken_photos()])
    out = tmp_path / "m.parquet"
    assert "latitude and longitude look swapped" in geocairn.refused("data", "import", "mp16", source, "--out", out)
    assert geocairn("data", "import", "mp16", source, "--out", out, "--trust-coordinates").code == 1
    mended = geocairn("data", "import", "mp16", source, "--out", out, "--lat-column", "LON", "--lon-column", "LAT")
    assert mended.code == 0
    assert len(read_manifest(out)) == 40


def test_names_are_kept_on_request(geocairn, source, tmp_path):
    out = tmp_path / "m.parquet"
    geocairn("data", "import", "im2gps", source, "--out", out, "--keep-photo-ids")
    assert all("@N0" in name for name in read_manifest(out).photos)


def test_the_help_names_every_set(geocairn):
    told = geocairn("data", "import", "--help").out
    assert all(name in told.replace("\n", " ") for name in BENCHMARKS)
