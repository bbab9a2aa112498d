import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geocairn.data.split import SplitSettings
from geocairn.data.split_files import split_manifest
from geocairn.errors import BadConfig, BadCoordinate, BadManifest, BadOutput
from geocairn.manifest import read_manifest

BY_AUTHOR = SplitSettings(by=("author",), fractions=(60, 20, 20))


@pytest.fixture
def manifest(tmp_path):
    """60 photos of 12 authors in 3 countries, with a picture and a list of numbers beside; three rows cannot be used."""
    generator = np.random.default_rng(4)
    latlon = generator.normal(size=(63, 2)) * 30
    latlon[61] = np.nan
    photos = [f"p{row}.jpg" for row in range(63)]
    photos[60], latlon[60], photos[62] = photos[0], latlon[0], None
    table = {
        "photo": photos,
        "lat_deg": latlon[:, 0],
        "lon_deg": latlon[:, 1],
        "author": [None if row % 10 == 9 else f"u{row % 12}" for row in range(63)],
        "country": [("NA", "FR", None)[row % 3] for row in range(63)],
        "score": pa.array(range(63), pa.int16()),
        "image": [bytes([row]) for row in range(63)],
        "box_px": [[row, row] for row in range(63)],
    }
    path = tmp_path / "photos.parquet"
    pq.write_table(pa.table(table), path)
    return path


def parts_of(out):
    return {name: pq.read_table(out / f"{name}.parquet") for name in ("train", "val", "test") if (out / f"{name}.parquet").exists()}


def test_every_usable_row_is_in_one_part_with_all_its_columns(manifest, tmp_path):
    report = split_manifest(manifest, BY_AUTHOR, tmp_path / "out")
    before, parts = pq.read_table(manifest), parts_of(tmp_path / "out")
    rows = [row for table in parts.values() for row in table.to_pylist()]
    for row in rows:
        row.pop("split")
    assert sorted(rows, key=lambda row: row["score"]) == before.slice(0, 60).to_pylist()
    for name, table in parts.items():
        assert set(table["split"].to_pylist()) == {name}
        assert table.schema.remove(table.num_columns - 1).equals(before.schema)
        assert table["score"].to_pylist() == sorted(table["score"].to_pylist())
        assert report.parts[name].rows == len(table)
        assert len(read_manifest(tmp_path / f"out/{name}.parquet")) == len(table)
    assert (report.rows_read, report.rows, report.rejected) == (63, 60, {"no coordinates": 1, "no photo": 1, "repeats an earlier row": 1})
    assert report.rows_without_key == {"author": 6}
    assert report.groups == 12 + 6
    assert sum(part.groups for part in report.parts.values()) == 18
    assert report.leaks["val"]["author"] == report.leaks["test"]["author"] == 0
    authors = {name: {author for author in table["author"].to_pylist() if author} for name, table in parts.items()}
    assert not authors["train"] & (authors["val"] | authors["test"])
    assert json.loads((tmp_path / "out/split.json").read_text(encoding="utf-8")) == report.model_dump(mode="json")


def test_equal_manifests_give_equal_bytes(manifest, tmp_path):
    for name in ("a", "b"):
        split_manifest(manifest, BY_AUTHOR, tmp_path / name)
    for file in ("train.parquet", "val.parquet", "test.parquet", "split.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "photos.parquet"]  # no drafts are left


def test_a_csv_is_split_like_the_parquet_of_its_rows(manifest, tmp_path):
    table = pq.read_table(manifest).drop_columns(["image", "box_px"]).slice(0, 60)
    lines = [",".join("" if cell is None else str(cell) for cell in row.values()) for row in table.to_pylist()]
    (tmp_path / "photos.csv").write_text(",".join(table.column_names) + "\n\n" + "\n".join(lines) + "\n", encoding="utf-8")
    split_manifest(manifest, BY_AUTHOR, tmp_path / "a")
    split_manifest(tmp_path / "photos.csv", BY_AUTHOR, tmp_path / "b")
    for name, part in parts_of(tmp_path / "b").items():
        assert part["photo"].to_pylist() == parts_of(tmp_path / "a")[name]["photo"].to_pylist()
        assert part["lat_deg"].to_pylist() == parts_of(tmp_path / "a")[name]["lat_deg"].to_pylist()
        assert part.column_names == [*table.column_names, "split"]
    # The country NA is Namibia, an empty cell is none.
    assert {cell for part in parts_of(tmp_path / "b").values() for cell in part["country"].to_pylist()} == {"NA", "FR", None}


def test_finished_work_is_left_alone(manifest, tmp_path):
    first = split_manifest(manifest, BY_AUTHOR, tmp_path / "out")
    written = (tmp_path / "out/train.parquet").stat()
    assert split_manifest(manifest, BY_AUTHOR, tmp_path / "out") == first
    assert (tmp_path / "out/train.parquet").stat() == written


def test_another_split_is_not_written_over(manifest, tmp_path):
    split_manifest(manifest, BY_AUTHOR, tmp_path / "out")
    with pytest.raises(BadOutput, match=r"holds another split of photos.parquet \(the settings differ\)"):
        split_manifest(manifest, BY_AUTHOR.model_copy(update={"seed": 1}), tmp_path / "out")
    pq.write_table(pq.read_table(manifest).slice(0, 40), manifest)
    with pytest.raises(BadOutput, match=r"\(the manifest differ"):
        split_manifest(manifest, BY_AUTHOR, tmp_path / "out")


@pytest.mark.parametrize("damage", ["train.parquet", "split.json"])
def test_a_damaged_split_is_not_taken_for_finished(manifest, tmp_path, damage):
    split_manifest(manifest, BY_AUTHOR, tmp_path / "out")
    (tmp_path / "out" / damage).write_bytes(b"{}")
    with pytest.raises(BadOutput, match="remove this one"):
        split_manifest(manifest, BY_AUTHOR, tmp_path / "out")
    (tmp_path / "out" / damage).unlink()
    with pytest.raises(BadOutput, match="remove this one"):
        split_manifest(manifest, BY_AUTHOR, tmp_path / "out")


def test_an_empty_folder_is_filled_and_other_things_are_refused(manifest, tmp_path):
    (tmp_path / "empty").mkdir()
    split_manifest(manifest, BY_AUTHOR, tmp_path / "empty")
    (tmp_path / "file").write_text("")
    with pytest.raises(BadOutput, match="no folder"):
        split_manifest(manifest, BY_AUTHOR, tmp_path / "file")
    with pytest.raises(BadOutput, match="not empty and holds no whole split"):
        split_manifest(manifest, BY_AUTHOR, tmp_path)


def test_a_part_that_is_to_have_nothing_has_no_file(manifest, tmp_path):
    report = split_manifest(manifest, SplitSettings(by=("photo",), fractions=(80, 0, 20)), tmp_path / "out")
    assert set(parts_of(tmp_path / "out")) == {"train", "test"}
    assert (report.parts["val"].rows, report.parts["val"].file_sha256) == (0, None)
    assert split_manifest(manifest, SplitSettings(by=("photo",), fractions=(80, 0, 20)), tmp_path / "out") == report


def test_a_giant_group_is_told(tmp_path):
    latlon = np.concatenate([np.tile([10.0, 10.0], (95, 1)), np.arange(10)[:, None].repeat(2, 1) * 5.0])[:100]
    pq.write_table(pa.table({"photo": [f"{row}" for row in range(100)], "lat_deg": latlon[:, 0], "lon_deg": latlon[:, 1]}), tmp_path / "m.parquet")
    report = split_manifest(tmp_path / "m.parquet", SplitSettings(by=("cell",), fractions=(80, 10, 10)), tmp_path / "out")
    assert (report.largest_group.rows, report.largest_group.part) == (96, "train")
    assert "1 of 5 groups hold more rows than val was to have" in report.told[0]
    assert any(words.startswith("train has 96.0 % of the rows, not 80 %") for words in report.told)
    assert report.countries_unseen_in_train is None


def test_a_column_split_is_replaced_in_its_place(manifest, tmp_path):
    table = pq.read_table(manifest).append_column("split", pa.array(["old"] * 63)).append_column("last", pa.array(range(63)))
    pq.write_table(table, manifest)
    report = split_manifest(manifest, BY_AUTHOR, tmp_path / "out")
    assert parts_of(tmp_path / "out")["val"].column_names == table.column_names
    assert set(parts_of(tmp_path / "out")["val"]["split"].to_pylist()) == {"val"}
    assert any("was replaced" in words for words in report.told)


def test_the_author_may_stand_as_a_group(manifest, tmp_path):
    table = pq.read_table(manifest)
    renamed = table.rename_columns([name.replace("author", "author_group") for name in table.column_names])
    pq.write_table(renamed, tmp_path / "renamed.parquet")
    split_manifest(manifest, BY_AUTHOR, tmp_path / "a")
    split_manifest(tmp_path / "renamed.parquet", BY_AUTHOR, tmp_path / "b")
    assert parts_of(tmp_path / "a")["test"]["photo"] == parts_of(tmp_path / "b")["test"]["photo"]


def test_manifests_that_cannot_be_split_are_refused(manifest, tmp_path):
    (tmp_path / "broken.parquet").write_bytes(manifest.read_bytes()[:-9])
    pq.write_table(pq.read_table(manifest).drop_columns(["photo"]), tmp_path / "nameless.parquet")
    (tmp_path / "swapped.csv").write_text("photo,lat_deg,lon_deg,author\na,139.7,35.7,x\n")
    (tmp_path / "one.csv").write_text("photo,lat_deg,lon_deg,author\na,35.7,139.7,x\nb,35.7,139.7,x\n")
    refusals = {
        "absent.parquet": (BadManifest, "no such file"),
        "broken.parquet": (BadManifest, "cannot be read as Parquet"),
        "nameless.parquet": (BadManifest, "no column 'photo'"),
        "swapped.csv": (BadCoordinate, "row 2: .* swapped"),
        "one.csv": (BadConfig, r"one.csv: 1 group for 3 parts: too few to share out"),
    }
    for name, (error, message) in refusals.items():
        with pytest.raises(error, match=message):
            split_manifest(tmp_path / name, BY_AUTHOR, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_settings_that_do_not_fit_the_manifest_are_refused(manifest, tmp_path):
    with pytest.raises(BadManifest, match=r"no column 'album' to split by; it can be split by author, cell, photo"):
        split_manifest(manifest, SplitSettings(by=("album",)), tmp_path / "out")
    with pytest.raises(BadConfig, match="they sum to 101"):
        split_manifest(manifest, SplitSettings(by=("author",), fractions=(91, 5, 5)), tmp_path / "out")


def test_an_interrupted_split_leaves_nothing(manifest, tmp_path, monkeypatch):
    from geocairn.data import split_files

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(split_files, "count_leaks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        split_manifest(manifest, BY_AUTHOR, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos.parquet"]
    monkeypatch.undo()
    assert split_manifest(manifest, BY_AUTHOR, tmp_path / "out").rows == 60
