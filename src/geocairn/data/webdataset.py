"""WebDataset shards: tars in which `key.jpg` and `key.json` are one photo and what is known of it."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from geocairn.data.columns import recognised_columns
from geocairn.data.found import Found, found_from_columns, plain_text, refusals, without_missing_words
from geocairn.data.import_settings import ImportSettings
from geocairn.data.pictures import damage
from geocairn.data.tars import tar_members
from geocairn.errors import BadManifest
from geocairn.photo.listing import PHOTO_SUFFIXES

NO_JSON, NOT_JSON, NO_PICTURE = "no JSON beside the picture", "JSON is damaged", "no picture beside the JSON"
MAX_JSON_BYTES = 1 << 24


@dataclass
class _Sample:
    """What a shard holds under one key."""

    key: str
    picture: str | None = None
    label: dict[str, Any] | None = None
    kinds: set[str] = field(default_factory=set)


@dataclass
class _Shard:
    """The samples of a shard, in its order, and why reading ended early."""

    samples: list[_Sample] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def read_webdataset(path: Path, settings: ImportSettings) -> Found:
    """Read one shard. The JSON's keys are recognised as columns of a list are; photos are named as the tar names them, so keys must differ between shards.

    Raises:
        BadManifest, UnknownName: not a tar, empty, or without coordinates in its JSON.
    """
    shard = _read_shard(path)
    good = [sample for sample in shard.samples if _fault(sample) is None]
    if not good:
        raise BadManifest(f"{path}: {shard.unreadable[0] if shard.unreadable else 'no key has both a picture and a .json; name WebDataset shards (.tar)'}")
    labels = [sample.label or {} for sample in good]
    names = list(dict.fromkeys(name for label in labels for name in label))
    # The key is the photo's name: whatever the JSON calls an id, the picture is found by it.
    columns = recognised_columns(path, ["photo", *(name for name in names if name != "photo")], settings) | {"photo": "photo"}
    table = pa.table({column: _cells(labels, name) for column, name in columns.items() if column != "photo"})
    table = table.append_column("photo", pa.array([sample.picture for sample in good], pa.string()))
    refused = [refusals([row], [sample.key], why) for row, sample in enumerate(shard.samples, start=1) if (why := _fault(sample))]
    found = found_from_columns(path, table, refused=pa.concat_tables(refused) if refused else None)
    return Found(path, table, found.row_numbers, found.refused, unreadable=[f"{path}: {words}" for words in shard.unreadable])


def _read_shard(path: Path) -> _Shard:
    shard = _Shard()
    by_key: dict[str, _Sample] = {}
    try:
        with tarfile.open(path) as archive:
            for member, key, kind in _members(archive):
                # A key that comes again with what it has already is another sample: whether it says the same is judged with all other repeats.
                if key not in by_key or kind in by_key[key].kinds:
                    by_key[key] = _Sample(plain_text(key))
                    shard.samples.append(by_key[key])
                by_key[key].kinds.add(kind)
                if kind == "json":
                    by_key[key].label = _label(archive, member)
                elif member.size:
                    by_key[key].picture = plain_text(member.name.removeprefix("./"))
    except (tarfile.TarError, OSError, EOFError) as error:
        shard.unreadable.append(damage(error))
    return shard


def _members(archive: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, str, str]]:
    """The shard's files that are pictures or JSON, with their key (all before the first point of the file's own name) and kind."""
    for member in tar_members(archive):
        folder, _, own_name = member.name.removeprefix("./").rpartition("/")
        stem, _, extension = own_name.partition(".")
        extension = extension.lower()
        if member.isfile() and stem and (extension == "json" or f".{extension}" in PHOTO_SUFFIXES):
            yield member, f"{folder}/{stem}" if folder else stem, "json" if extension == "json" else "picture"


def _label(archive: tarfile.TarFile, member: tarfile.TarInfo) -> dict[str, Any] | None:
    file = archive.extractfile(member)
    if file is None or member.size > MAX_JSON_BYTES:
        return None
    data = file.read()
    if len(data) < member.size:
        raise tarfile.ReadError("the shard ends in a .json")
    try:
        label = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return label if isinstance(label, dict) else None


def _cells(labels: list[dict[str, Any]], name: str) -> pa.ChunkedArray:
    words = [None if label.get(name) is None or isinstance(label[name], dict | list) else plain_text(str(label[name])) for label in labels]
    return without_missing_words(pa.chunked_array([pa.array(words, pa.string())]))


def _fault(sample: _Sample) -> str | None:
    if "json" in sample.kinds and sample.label is None:
        return NOT_JSON
    if sample.picture is None:
        return NO_PICTURE
    return NO_JSON if sample.label is None else None
