"""Small fixtures in the formats of the public data sets, generated: forty photos by twelve invented authors."""

import bz2
import csv
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgpack
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

# Inland, on all inhabited continents, to no more digits than every format keeps.
PLACES = (
    *((48.85, 2.35), (40.41, -3.7), (52.52, 13.4), (55.75, 37.62), (50.45, 30.52), (41.9, 12.5), (47.5, 19.04), (59.33, 18.06), (35.69, 51.39), (28.61, 77.21)),
    *((39.9, 116.4), (34.26, 108.94), (47.92, 106.92), (43.24, 76.88), (56.84, 60.61), (55.03, 82.92), (-23.7, 133.88), (-35.28, 149.13), (21.03, 105.85)),
    *((-1.29, 36.82), (9.03, 38.74), (-26.2, 28.05), (-15.39, 28.32), (9.08, 7.4), (12.64, -8.0), (30.04, 31.24), (-22.56, 17.08), (4.36, 18.55)),
    *((41.88, -87.9), (39.74, -104.99), (33.45, -112.07), (19.43, -99.13), (51.05, -114.07), (35.15, -90.05), (32.78, -96.8), (45.42, -75.7)),
    *((4.71, -74.07), (-15.79, -47.88), (-16.5, -68.15), (-0.18, -78.47)),
)
JPEG = b"\xff\xd8\xff\xe0 not decoded where pictures are only listed"


@dataclass(frozen=True)
class Taken:
    """A photo as it truly was taken."""

    name: str
    user: str
    lat_deg: float
    lon_deg: float

    @property
    def swapped(self) -> "Taken":
        return replace(self, lat_deg=self.lon_deg, lon_deg=self.lat_deg)


def taken_photos(pattern: str = "{index:02x}/aa/{index}.jpg") -> list[Taken]:
    """One photo at each place, named by a pattern of `index` and `user`."""
    users = [f"{100000 + 7 * (index % 12)}@N0{index % 2}" for index in range(len(PLACES))]
    return [Taken(pattern.format(index=index, user=user), user, *place) for index, (user, place) in enumerate(zip(users, PLACES, strict=True))]


def write_csv(path: Path, header: Sequence[str] | None, rows: Iterable[Sequence[Any]], separator: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=separator, lineterminator="\n").writerows([header, *rows] if header else rows)
    return path


def meta_csv(path: Path, photos: Sequence[Taken]) -> Path:
    """GeoEstimation's `*_places365.csv`."""
    header = ["IMG_ID", "AUTHOR", "LAT", "LON", "S3_Label", "S16_Label", "S365_Label", "Prob_indoor", "Prob_natural", "Prob_urban"]
    return write_csv(
        path, header, ((one.name, one.user, one.lat_deg, one.lon_deg, index % 3, index % 16, index % 365, 0.1, 0.2, 0.7) for index, one in enumerate(photos))
    )


def pro_table(photos: Sequence[Taken]) -> dict[str, list[Any]]:
    """MP16-Pro's list, with the addresses of its photos."""
    return {
        "IMG_ID": [one.name for one in photos],
        "LAT": [one.lat_deg for one in photos],
        "LON": [one.lon_deg for one in photos],
        "city": [f"City {index}" for index, _ in enumerate(photos)],
        "county": [None for _ in photos],
        "state": [f"State {index % 5}" for index, _ in enumerate(photos)],
        "country": ["Namibia" for _ in photos],
        "country_code": ["na" for _ in photos],
    }


def pro_csv(path: Path, photos: Sequence[Taken]) -> Path:
    table = pro_table(photos)
    return write_csv(path, list(table), zip(*table.values(), strict=True))


def pro_parquet(path: Path, photos: Sequence[Taken]) -> Path:
    pq.write_table(pa.table(pro_table(photos)), path)
    return path


def info_json(path: Path, photos: Sequence[Taken], unlabelled: Sequence[str] = ()) -> Path:
    """OSV-5M's list for Im2GPS: strings, the fourth and third from the end with the place."""
    labels = [(one.name, ["tags", f"latitude: {one.lat_deg}", f"longitude: {one.lon_deg}", "accuracy: 16", "views: 3"]) for one in photos]
    pairs = [f"{json.dumps(name)}: {json.dumps(strings)}" for name, strings in [*labels, *((name, []) for name in unlabelled)]]
    path.write_text("{" + ",\n".join(pairs) + "}", encoding="utf-8")  # by hand: a file may stand there twice
    return path


def info_txt(path: Path, photos: Sequence[Taken]) -> Path:
    """OSV-5M's list for YFCC4k: the columns of YFCC100M, separated by tabs, with a stray quote in a title."""
    rows = []
    for index, one in enumerate(photos):
        row = [
            str(index),
            one.name.removesuffix(".jpg"),
            "hash",
            one.user,
            "nick",
            "2010-01-01 00:00:00.0",
            "1",
            "camera",
            'a "title',
            "",
            "",
            "",
            one.lon_deg,
            one.lat_deg,
            "16",
        ]
        rows.append("\t".join(map(str, row)))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def url_list(path: Path, names: Sequence[str]) -> Path:
    """MP-16's list of addresses, without a header."""
    return write_csv(path, None, ((name, f"http://farm1.staticflickr.com/1/{index}_z.jpg") for index, name in enumerate(names)))


def emp16_jsonl(path: Path, photos: Sequence[Taken]) -> Path:
    """EMP-16's list, compressed where the name says so."""
    lines = [json.dumps({"id": one.name, "latitude": one.lat_deg, "longitude": one.lon_deg, "h_raw": ["a", 1], "h": [1, 2]}) for one in photos]
    data = ("\n".join(lines) + "\n").encode()
    path.write_bytes(bz2.compress(data) if path.suffix == ".bz2" else data)
    return path


def osv_csv(path: Path, photos: Sequence[Taken]) -> Path:
    """OSV-5M's list; its labels have NaN for missing, and Namibia."""
    names = ["id", "latitude", "longitude", "country", "sequence", "captured_at", "region", "sub-region", "city", "land_cover", "drive_side"]
    names += ["unique_country", "unique_region", "unique_sub-region", "unique_city", "quadtree_10_1000", "creator_username", "creator_id"]
    rows = []
    for index, one in enumerate(photos):
        row = [one.name.removesuffix(".jpg"), one.lat_deg, one.lon_deg, "NA", f"seq{index // 2}", "1500000000000", "Khomas, east", "NaN"]
        row += ["nan" if index % 2 else "Windhoek", "4.0", "1", "NA", "Khomas_NA", "NaN_Khomas_NA", "Windhoek_NaN_Khomas_NA", str(index), "nick", one.user]
        rows.append(row)
    return write_csv(path, names, rows)


def zip_of(path: Path, names: Sequence[str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, JPEG)
    return path


def shard_of(path: Path, names: Sequence[str]) -> Path:
    """A shard as MP-16's pictures are kept in: maps of raw strings, one after another."""
    path.write_bytes(b"".join(msgpack.packb({b"image": JPEG, b"id": name.encode()}, use_bin_type=False) for name in names))
    return path


def tar_of(path: Path, members: Sequence[tuple[str, bytes]]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def webdataset_tar(path: Path, photos: Sequence[Taken]) -> Path:
    """A WebDataset shard: a picture and a JSON under each key."""
    members = []
    for one in photos:
        label = {"latitude": one.lat_deg, "longitude": one.lon_deg, "author": one.user, "caption": "left out", "tags": ["left", "out"]}
        members += [(one.name, JPEG), (one.name.removesuffix(".jpg") + ".json", json.dumps(label).encode())]
    return tar_of(path, members)


def photo_folder(path: Path, photos: Sequence[Taken]) -> Path:
    """Photos that say in EXIF where they were taken."""
    for one in photos:
        file = path / one.name
        file.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = "2020:05:06 07:08:09"
        lat, lon = ((abs(value), 0.0, 0.0) for value in (one.lat_deg, one.lon_deg))
        exif.get_ifd(0x8825).update({1: "N" if one.lat_deg >= 0 else "S", 2: lat, 3: "E" if one.lon_deg >= 0 else "W", 4: lon})
        Image.new("RGB", (32, 24), (90, 120, 60)).save(file, exif=exif)
    return path


def plain_csv(path: Path, photos: Sequence[Taken]) -> Path:
    return write_csv(path, ["Filename", "Latitude", "lng", "owner", "town"], ((one.name, one.lat_deg, one.lon_deg, one.user, "NaN") for one in photos))


def plain_parquet(path: Path, photos: Sequence[Taken]) -> Path:
    columns = {
        "path": [one.name for one in photos],
        "lat": [one.lat_deg for one in photos],
        "lon": [one.lon_deg for one in photos],
        "user_id": [one.user for one in photos],
    }
    pq.write_table(pa.table(columns), path)
    return path


Writer = Callable[[Path, Sequence[Taken]], Path]
FLICKR_NAMES = "{index}_secret_1_{user}.jpg"
FLAT_NAMES = "{index}.jpg"

# Set, name of the source, how it is written, how its photos are named, whether it tells authors.
FORMATS: list[tuple[str, str, Writer, str, bool]] = [
    ("im2gps", "im2gps_places365.csv", meta_csv, FLICKR_NAMES, True),
    ("im2gps", "info.json", info_json, FLICKR_NAMES, True),
    ("im2gps3k", "im2gps3k_places365.csv", meta_csv, FLICKR_NAMES, True),
    ("im2gps3k", "info.json", info_json, FLICKR_NAMES, True),
    ("yfcc4k", "info.txt", info_txt, FLAT_NAMES, True),
    ("yfcc4k", "yfcc4k_places365.csv", meta_csv, FLAT_NAMES, True),
    ("yfcc26k", "yfcc25600_places365.csv", meta_csv, "{index:02x}/ab/{index}.jpg", True),
    ("yfcc26k", "meta_yfcc25600.jsonl.bz2", emp16_jsonl, "{index:02x}/ab/{index}.jpg", False),
    ("gws15k", "gws15k.csv", plain_csv, FLAT_NAMES, True),
    ("mp16", "mp16_places365.csv", meta_csv, "{index:02x}/ab/{index}.jpg", True),
    ("mp16", "meta_mp16.jsonl", emp16_jsonl, "{index:02x}/ab/{index}.jpg", False),
    ("mp16", "meta_mp16.jsonl.bz2", emp16_jsonl, "{index:02x}/ab/{index}.jpg", False),
    ("mp16-pro", "MP16_Pro_filtered.csv", pro_csv, "{index:02x}/ab/{index}.jpg", False),
    ("mp16-pro", "mp16_pro.parquet", pro_parquet, "{index:02x}/ab/{index}.jpg", False),
    ("osv5m", "test.csv", osv_csv, FLAT_NAMES, True),
    ("csv", "mine.csv", plain_csv, FLAT_NAMES, True),
    ("parquet", "mine.parquet", plain_parquet, FLAT_NAMES, True),
    ("folder", "photos", photo_folder, "sub/{index}.jpg", False),
    ("webdataset", "0000.tar", webdataset_tar, "s/{index}.jpg", True),
]
LISTS = [one for one in FORMATS if one[0] != "folder"]


def format_id(value: object) -> str:
    """Name of a case: only the set and the source, not how they are written."""
    return value if isinstance(value, str) and "{" not in value else ""
