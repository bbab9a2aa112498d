"""The whole way of an import: every format there and back, and every format damaged."""

import csv
import json
import re
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.data.factory import (
    FLAT_NAMES,
    FLICKR_NAMES,
    FORMATS,
    JPEG,
    LISTS,
    emp16_jsonl,
    format_id,
    info_json,
    meta_csv,
    osv_csv,
    plain_csv,
    pro_csv,
    shard_of,
    taken_photos,
    tar_of,
    url_list,
    webdataset_tar,
    zip_of,
)

from geocairn.data.benchmarks import BENCHMARKS
from geocairn.data.import_settings import ImportSettings
from geocairn.data.importing import import_dataset
from geocairn.errors import BadCoordinate, BadManifest, BadOutput, GeocairnError, UnknownName
from geocairn.manifest import read_manifest

SALTED = ImportSettings(salt="pepper")
NSID = re.compile(r"_\d+@N\d\d")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out" / "m.parquet"


def reasons_in_list(out):
    """Rows of OUT.rejected.csv, by reason."""
    rows = read_rejected(out)
    return Counter(reason for *_, reason in rows)


def read_rejected(out):
    with out.with_name(out.name + ".rejected.csv").open(encoding="utf-8", newline="") as file:
        return [tuple(row) for row in list(csv.reader(file))[1:]]


@pytest.mark.parametrize(("name", "source", "write", "pattern", "has_authors"), FORMATS, ids=format_id)
def test_every_format_there_and_back(tmp_path, out, name, source, write, pattern, has_authors):
    photos = taken_photos(pattern)
    report = import_dataset(name, [write(tmp_path / source, photos)], out, SALTED)
    manifest = read_manifest(out)
    # A folder comes in the order of its names, everything else as it stands in the source.
    expected = sorted(photos, key=lambda one: one.name) if name == "folder" else photos
    assert list(manifest.photos) == [NSID.sub("", one.name) for one in expected]
    np.testing.assert_allclose(manifest.latlon_deg, [(one.lat_deg, one.lon_deg) for one in expected], atol=1e-9, rtol=0)
    assert (report.n, report.n_rows, report.rejected, report.is_damaged) == (len(photos), len(photos), {}, False)
    assert manifest.has_authors == has_authors
    if has_authors:
        groups = manifest.column("author")
        assert len(set(zip(groups, [one.user for one in expected], strict=True))) == len(set(groups)) == report.n_authors == 12
    assert "@N0" not in repr((manifest.photos, manifest.columns)) + out.with_name("m.parquet.report.json").read_text()
    assert json.loads(out.with_name("m.parquet.report.json").read_text()) == json.loads(json.dumps(report.to_dict()))
    assert sorted(path.name for path in out.parent.iterdir()) == ["m.parquet", "m.parquet.report.json"]


@pytest.mark.parametrize(("name", "source", "write", "pattern", "has_authors"), LISTS, ids=format_id)
def test_bad_rows_repeats_and_torn_photos_are_counted(tmp_path, out, name, source, write, pattern, has_authors):
    photos = taken_photos(pattern)
    torn = photos[7].__class__(photos[7].name, photos[7].user, 10.0, 10.0)
    bad = [
        photos[0].__class__(NSID.sub("", photos[0].name).replace(str(0), str(100 + index)), "1@N00", *place)
        for index, place in enumerate([(95.5, 10.0), (10.0, 181.0), (0.0, 0.0)])
    ]
    report = import_dataset(name, [write(tmp_path / source, [*photos, photos[3], torn, *bad])], out, SALTED)
    expected = {
        "latitude outside [-90, 90]": 1,
        "longitude outside [-180, 180]": 1,
        "null island (0, 0)": 1,
        "repeats an earlier row": 1,
        "the same photo at another place": 2,
    }
    assert report.rejected == expected == reasons_in_list(out)
    assert (report.n, report.n_rows, report.is_damaged) == (len(photos) - 1, len(photos) + 5, True)
    names = read_manifest(out).photos
    assert len(set(names)) == len(names)
    assert NSID.sub("", photos[7].name) not in names


@pytest.mark.parametrize(("name", "source", "write", "pattern", "has_authors"), LISTS, ids=format_id)
def test_swapped_coordinates_are_refused(tmp_path, out, name, source, write, pattern, has_authors):
    photos = [one.swapped for one in taken_photos(pattern)]
    with pytest.raises(BadCoordinate, match=r"latitude and longitude look swapped \(1[0-9] of 40 places have a latitude outside") as refused:
        import_dataset(name, [write(tmp_path / source, photos)], out, SALTED)
    assert "\n" not in str(refused.value)
    assert not out.parent.exists()
    report = import_dataset(name, [tmp_path / source], out, SALTED.model_copy(update={"trust_coordinates": True}))
    assert set(report.rejected) == {"latitude outside [-90, 90]"}


@pytest.mark.parametrize(("name", "source", "write", "pattern", "has_authors"), FORMATS, ids=format_id)
@pytest.mark.parametrize("damage", ["absent", "folder", "empty", "noise", "latin-1", "utf-16"])
def test_a_source_of_another_kind_is_one_line(tmp_path, out, name, source, write, pattern, has_authors, damage):
    path = tmp_path / source
    if damage == "folder":
        path.mkdir()
    elif damage != "absent":
        text = "IMG_ID,LAT,LON\né,48.85,2.35\n"
        path.write_bytes({"empty": b"", "noise": bytes(range(256)) * 8, "latin-1": text.encode("latin-1"), "utf-16": text.encode("utf-16")}[damage])
    with pytest.raises((BadManifest, UnknownName)) as refused:
        import_dataset(name, [path], out, SALTED)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not out.exists()


@pytest.mark.parametrize(
    ("name", "source", "write", "column"),
    [
        ("im2gps", "m.csv", meta_csv, "LAT"),
        ("mp16-pro", "m.csv", pro_csv, "IMG_ID"),
        ("osv5m", "test.csv", osv_csv, "longitude"),
        ("csv", "m.csv", plain_csv, "Latitude"),
    ],
)
def test_a_missing_column_is_one_line_with_the_columns_there_are(tmp_path, out, name, source, write, column):
    path = write(tmp_path / source, taken_photos())
    path.write_text(path.read_text().replace(column, "gone", 1))
    with pytest.raises(BadManifest, match=r"no column is the (photo|lat_deg|lon_deg); its columns are .*'gone'.*choose with --\w+-column NAME"):
        import_dataset(name, [path], out)


def test_three_bad_rows_of_a_list_are_told_with_their_row(tmp_path, out):
    path = meta_csv(tmp_path / "m.csv", taken_photos())
    lines = path.read_text().splitlines()
    lines[3] = "short,row"
    lines[4] = lines[4].replace("37.62", "37,62")
    lines[6] = lines[6].replace("41.9", "north")
    path.write_text("\n".join(lines) + "\n")
    report = import_dataset("im2gps", [path], out)
    assert report.rejected == {"coordinate is not a number": 1, "wrong number of cells": 2}
    assert [row for _, row, _, _ in read_rejected(out)] == ["4", "5", "7"]
    assert (report.n, report.n_rows) == (37, 40)


def test_unlabelled_photos_of_im2gps3k_are_no_damage(tmp_path, out):
    path = info_json(tmp_path / "info.json", taken_photos(FLICKR_NAMES), unlabelled=["a.jpg", "b.jpg", "c.jpg"])
    report = import_dataset("im2gps3k", [path], out)
    assert (report.rejected, report.n, report.n_rows, report.is_damaged) == ({"no label": 3}, 40, 43, False)
    assert report.n_expected == 2997
    assert any("40 of 2997 photos" in note for note in report.notes)


def test_addresses_need_a_list_of_places_and_choose_from_it(tmp_path, out):
    photos = taken_photos()
    urls = url_list(tmp_path / "mp16_urls.csv", [one.name for one in photos[:30]] + ["zz/none.jpg"])
    with pytest.raises(BadManifest, match=r"mp16_urls.csv: no coordinates; also name a list"):
        import_dataset("mp16", [urls], out)
    report = import_dataset("mp16", [urls, emp16_jsonl(tmp_path / "meta.jsonl", photos)], out)
    assert report.rejected == {"no coordinates": 1, "not in the list of addresses": 10}
    assert read_manifest(out).photos == tuple(one.name for one in photos[:30])
    assert (str(urls), "0", "zz/none.jpg", "no coordinates") in read_rejected(out)
    assert not report.is_damaged


def test_two_lists_with_the_same_photos_count_them_once(tmp_path, out):
    photos = taken_photos()
    sources = [meta_csv(tmp_path / "mp16_places365.csv", photos), pro_csv(tmp_path / "pro.csv", photos)]
    report = import_dataset("mp16", sources, out)
    assert (report.n, report.n_rows, report.rejected) == (40, 80, {"repeats an earlier row": 40})
    with pytest.raises(BadManifest, match="named twice"):
        import_dataset("mp16", [sources[0], sources[0]], out)


def test_labels_of_mp16_pro_and_osv5m(tmp_path, out):
    photos = taken_photos(FLAT_NAMES)
    import_dataset("mp16-pro", [pro_csv(tmp_path / "pro.csv", photos)], out)
    manifest = read_manifest(out)
    assert (manifest.column("country")[0], manifest.column("region")[1], manifest.column("city")[2]) == ("na", "State 1", "City 2")
    assert "subregion" not in manifest.columns
    import_dataset("osv5m", [osv_csv(tmp_path / "train.csv", photos)], out)
    manifest = read_manifest(out)
    assert set(manifest.column("country")) == {"NA"}
    assert manifest.column("city")[:2] == ("Windhoek", None)
    assert "subregion" not in manifest.columns
    assert manifest.column("region")[0] == "Khomas, east"
    assert manifest.column("unique_city")[0] == "Windhoek_NaN_Khomas_NA"
    assert set(manifest.column("split")) == {"train"}
    assert pq.read_schema(out).names[:3] == ["photo", "lat_deg", "lon_deg"]


def test_osv5m_knows_how_many_photos_the_test_has(tmp_path, out):
    photos = taken_photos(FLAT_NAMES)
    train, test = osv_csv(tmp_path / "train.csv", photos[:30]), osv_csv(tmp_path / "test.csv", photos[30:])
    assert import_dataset("osv5m", [test], out).n_expected == 210_122
    assert import_dataset("osv5m", [train, test], out).n_expected is None
    assert Counter(read_manifest(out).column("split")) == {"train": 30, "test": 10}


def test_pictures_in_zips_are_listed_and_the_missing_ones_named(tmp_path, out):
    photos = taken_photos(FLAT_NAMES)
    source = osv_csv(tmp_path / "test.csv", photos)
    images = tmp_path / "images"
    (images / "test").mkdir(parents=True)
    zip_of(images / "test" / "00.zip", [f"00/{one.name}" for one in photos[:20]])
    zip_of(images / "test" / "01.zip", [f"01/{one.name}" for one in photos[20:35]] + ["01/stranger.jpg", "01/readme.txt"])
    settings = ImportSettings(images=(images,), salt="s")
    report = import_dataset("osv5m", [source], out, settings)
    assert report.pictures == {"n_found": 35, "n_missing": 5, "n_empty": 0, "n_unlisted": 1}
    assert not report.is_damaged
    missing = out.with_name("m.parquet.missing.txt")
    assert missing.read_text().split() == sorted(one.name for one in photos[35:])
    assert read_manifest(out).photos[0] == "test/00/0.jpg"
    assert len(read_manifest(out)) == 40
    required = import_dataset("osv5m", [source], out, settings.model_copy(update={"require_images": True}))
    assert (required.n, required.rejected) == (35, {"no picture": 5})
    # What an earlier import said does not stay beside this one.
    import_dataset("osv5m", [source], out, SALTED)
    assert not missing.exists()


def test_a_zip_that_cannot_be_read_is_told_and_the_rest_goes_on(tmp_path, out):
    photos = taken_photos(FLAT_NAMES)
    good = zip_of(tmp_path / "00.zip", [one.name for one in photos[:20]])
    bad = zip_of(tmp_path / "01.zip", [one.name for one in photos[20:]])
    bad.write_bytes(bad.read_bytes()[:-40])
    report = import_dataset("osv5m", [osv_csv(tmp_path / "test.csv", photos), good, bad], out)
    assert report.pictures == {"n_found": 20, "n_missing": 20, "n_empty": 0, "n_unlisted": 0}
    assert len(report.unreadable) == 1
    assert str(bad) in report.unreadable[0]
    assert report.is_damaged


def test_shards_say_which_photos_of_mp16_there_are(tmp_path, out):
    photos = taken_photos()
    source = emp16_jsonl(tmp_path / "meta.jsonl", photos)
    whole = shard_of(tmp_path / "shard_0.msg", [one.name for one in photos[:10]])
    cut = shard_of(tmp_path / "shard_1.msg", [one.name for one in photos[10:20]])
    report = import_dataset("mp16", [source, whole, cut], out)
    assert report.pictures["n_found"] == 20
    cut.write_bytes(cut.read_bytes()[:-5])
    report = import_dataset("mp16", [source, whole, cut], out)
    assert report.pictures["n_found"] == 19
    assert "cut short" in report.unreadable[0]
    assert report.is_damaged


def test_flickr_users_leave_the_names_and_files_are_found_all_the_same(tmp_path, out):
    photos = taken_photos(FLICKR_NAMES)
    source = meta_csv(tmp_path / "m.csv", photos)
    images = tmp_path / "images"
    images.mkdir()
    for one in photos[:39]:
        (images / one.name).write_bytes(JPEG)
    (images / photos[39].name).write_bytes(b"")
    report = import_dataset("im2gps", [source], out, ImportSettings(images=(images,), salt="s"))
    assert report.pictures == {"n_found": 39, "n_missing": 1, "n_empty": 1, "n_unlisted": 0}
    assert any("40 photo names have lost" in note for note in report.notes)
    kept = import_dataset("im2gps", [source], out, ImportSettings(images=(images,), salt="s", keep_photo_ids=True))
    assert kept.pictures == report.pictures
    assert all(path.exists() for path in read_manifest(out).photo_paths(images))
    assert not any("have lost" in note for note in kept.notes)


def test_a_given_salt_gives_the_same_bytes_and_another_one_other_groups(tmp_path, out):
    source = meta_csv(tmp_path / "m.csv", taken_photos())

    def run(settings):
        report = import_dataset("mp16", [source], out, settings)
        assert b"pepper" not in out.read_bytes() + out.with_name("m.parquet.report.json").read_bytes()
        return out.read_bytes(), report.authors, read_manifest(out).column("author")

    first, second, other, random_a, random_b = map(run, (SALTED, SALTED, ImportSettings(salt="salt"), ImportSettings(), ImportSettings()))
    assert first == second
    assert not set(first[2]) & set(other[2])
    assert not set(random_a[2]) & set(random_b[2])
    assert "random" in random_a[1]
    assert "random" not in first[1]


def test_point_masses_are_counted_and_kept(tmp_path, out):
    photos = taken_photos()
    twins = [one.__class__(f"twin/{one.name}", one.user, one.lat_deg, one.lon_deg) for one in photos[:3]]
    report = import_dataset("mp16", [meta_csv(tmp_path / "m.csv", [*photos, *twins])], out)
    assert (report.n, report.n_places, report.n_shared) == (43, 40, 6)


def test_nothing_usable_is_refused_with_the_reasons(tmp_path, out):
    path = tmp_path / "m.csv"
    path.write_text("IMG_ID,LAT,LON\na,,\nb,95,1\n")
    with pytest.raises(BadManifest, match=r"no row can be used \(latitude outside \[-90, 90\]: 1, no coordinates: 1\)"):
        import_dataset("im2gps", [path], out)
    path.write_text("IMG_ID,LAT,LON\n")
    with pytest.raises(BadManifest, match="no row can be used"):
        import_dataset("im2gps", [path], out)
    assert not out.exists()


def test_what_cannot_be_asked(tmp_path, out):
    source = meta_csv(tmp_path / "m.csv", taken_photos())
    with pytest.raises(UnknownName, match=r"'im2gp': not known; known are im2gps, im2gps3k, .*, webdataset"):
        import_dataset("im2gp", [source], out)
    refusals = {
        "rename --out": ("im2gps", [source], tmp_path / "m.csv"),
        "a folder; name a file": ("im2gps", [source], tmp_path / "d.parquet"),
        "name the files of the data set": ("im2gps", [], out),
        "read from .csv, .tsv, .parquet, .json files": ("im2gps", [tmp_path / "m.xml"], out),
    }
    (tmp_path / "d.parquet").mkdir()
    (tmp_path / "m.xml").write_text("x")
    for words, (name, sources, to) in refusals.items():
        with pytest.raises((BadManifest, BadOutput), match=re.escape(words)):
            import_dataset(name, sources, to)
    with pytest.raises(BadManifest, match="no picture is looked for"):
        import_dataset("im2gps", [source], out, ImportSettings(require_images=True))
    with pytest.raises(BadManifest, match="neither a folder nor one of"):
        import_dataset("im2gps", [source], out, ImportSettings(images=(source,)))


def test_photos_that_differ_in_their_user_alone_are_two(tmp_path, out):
    names = ["1_ab_12345678@N00.jpg", "1_ab_87654321@N00.jpg", "2_ab_12345678@N00.jpg"]
    (tmp_path / "m.csv").write_text("photo,lat,lon\n" + "".join(f"{name},{10 + row},20\n" for row, name in enumerate(names)))
    images = tmp_path / "images"
    images.mkdir()
    for name in names[1:]:
        (images / name).write_bytes(JPEG)
    report = import_dataset("csv", [tmp_path / "m.csv"], out, ImportSettings(salt="s", images=(images,)))
    assert (report.n, report.rejected, report.pictures["n_found"]) == (3, {}, 2)
    first, second, third = read_manifest(out).photos
    assert third == "2_ab.jpg"
    groups = read_manifest(out).column("author")
    assert (first, second) == (f"1_ab_{groups[0]}.jpg", f"1_ab_{groups[1]}.jpg")
    assert out.with_name("m.parquet.missing.txt").read_text() == f"{first}\n"
    kept = import_dataset("csv", [tmp_path / "m.csv"], out, ImportSettings(salt="s", keep_photo_ids=True))
    assert (kept.n, list(read_manifest(out).photos)) == (3, names)


def test_a_source_is_never_written_over(tmp_path):
    path = tmp_path / "a.parquet"
    import_dataset("im2gps", [meta_csv(tmp_path / "m.csv", taken_photos())], path)
    with pytest.raises(BadOutput, match="is read and would be overwritten"):
        import_dataset("parquet", [path], path)
    assert import_dataset("parquet", [path], tmp_path / "b.parquet").n == 40
    left_out = meta_csv(tmp_path / "a.parquet.rejected.csv", taken_photos())
    with pytest.raises(BadOutput, match=r"rejected\.csv: is read and would be overwritten"):
        import_dataset("csv", [left_out], path)


def test_webdataset_shards_must_differ_in_their_keys(tmp_path, out):
    photos = taken_photos(FLAT_NAMES)
    first, second = webdataset_tar(tmp_path / "0.tar", photos[:20]), webdataset_tar(tmp_path / "1.tar", photos[20:])
    assert import_dataset("webdataset", [first, second], out).n == 40
    renamed = [one.__class__(photos[row].name, one.user, one.lat_deg, one.lon_deg) for row, one in enumerate(photos[20:])]
    with pytest.raises(BadManifest, match=r"the same photo at another place: 40"):
        import_dataset("webdataset", [first, webdataset_tar(tmp_path / "2.tar", renamed)], out)


def test_every_setting_changes_an_import(tmp_path, out):
    path = plain_csv(tmp_path / "m.csv", taken_photos(FLICKR_NAMES))
    path.write_text(path.read_text().replace("NaN", "Lyon", 3))
    (tmp_path / "images").mkdir()

    def outcome(**changed):
        try:
            report = import_dataset("csv", [path], out, ImportSettings(**{"salt": "s", "trust_coordinates": True} | changed))
        except GeocairnError as error:
            return str(error)
        return out.read_bytes(), report.pictures

    changes = {
        "images": (tmp_path / "images",),
        "require_images": True,
        "salt": "t",
        "columns": {"city": ""},
        "keep": ("Filename",),
        "keep_photo_ids": True,
    }
    assert set(changes) | {"trust_coordinates"} == set(ImportSettings.model_fields)  # the last one: test_swapped_coordinates_are_refused
    outcomes = [outcome(), *(outcome(**{name: value}) for name, value in changes.items())]
    assert len(set(map(repr, outcomes))) == len(outcomes)


def test_every_set_says_whose_its_photos_are():
    for benchmark in BENCHMARKS.values():
        assert benchmark.licence
        assert benchmark.readers
    sizes = {name: BENCHMARKS[name].n_expected for name in ("im2gps", "im2gps3k", "yfcc4k", "yfcc26k", "gws15k", "mp16")}
    assert sizes == {"im2gps": 237, "im2gps3k": 2997, "yfcc4k": 4536, "yfcc26k": 25_600, "gws15k": 14_955, "mp16": 4_723_695}


HALF = "\\ud800"


def test_halves_of_characters_are_spelled_out(tmp_path, out):
    odd = tmp_path / b"\xff".decode(errors="surrogateescape")
    odd.mkdir()
    photos = taken_photos(FLAT_NAMES)
    jsonl = odd / "meta.jsonl"
    jsonl.write_text(f'{{"id": "{HALF}.jpg", "latitude": "1", "longitude": 2}}\n{{"id": "{HALF}", "latitude": 99, "longitude": 2}}\n')
    info = odd / "info.json"
    info.write_text(f'{{"{HALF}.jpg": ["latitude: 1", "longitude: 2", "", ""], "b": ["latitude: {HALF}", "longitude: 2", "", ""]}}')
    tar = tmp_path / "0.tar"
    label = f'{{"lat": 1, "lon": 2, "city": "{HALF}"}}'.encode()
    tar_of(tar, [(b"\xfe.jpg".decode(errors="surrogateescape"), JPEG), (b"\xfe.json".decode(errors="surrogateescape"), label)])
    for name, source, first in (("mp16", jsonl, "\\ud800.jpg"), ("im2gps", info, "\\ud800.jpg"), ("webdataset", tar, "\\udcfe.jpg")):
        import_dataset(name, [source], out, ImportSettings(images=(tar,), salt="s"))
        assert read_manifest(out).photos == (first,)
    (odd / photos[0].name).write_bytes(JPEG)
    report = import_dataset("osv5m", [osv_csv(tmp_path / "test.csv", photos)], out, ImportSettings(images=(tmp_path,), salt="s"))
    assert report.pictures["n_found"] == 1
    assert read_manifest(out).photos[0] == "\\udcff/0.jpg"


def test_numbers_beyond_all_measure_are_counted(tmp_path, out):
    path = plain_csv(tmp_path / "m.csv", taken_photos())
    path.write_text(path.read_text() + "huge.jpg,1e308,-1e308,a,b\ntiny.jpg,1e-320,5,a,b\n")
    report = import_dataset("csv", [path], out)
    assert report.rejected == {"latitude outside [-90, 90]": 1}
    assert report.n == 41
