"""MessagePack shards as MP-16 is kept in: maps of a picture's bytes and its id, one after another."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from geocairn.errors import BadManifest, MissingExtra

MAX_PICTURE_BYTES = 1 << 28


def shard_names(path: Path) -> Iterator[tuple[str, int]]:
    """The id of each picture in a shard and its size in bytes, in the order of the file.

    Raises:
        BadManifest: not such a shard, or cut short; what came before has been handed out.
        MissingExtra: msgpack is not installed.
    """
    for entry in _entries(path):
        name, picture = (entry.get(key) for key in (b"id", b"image")) if isinstance(entry, dict) else (None, None)
        if not isinstance(name, bytes) or not isinstance(picture, bytes):
            raise BadManifest(f"{path}: an entry is no map of id and image; it is not a shard of pictures, or damaged")
        try:
            yield name.decode(), len(picture)
        except UnicodeDecodeError:
            raise BadManifest(f"{path}: an id is not UTF-8 ({name!r}); the shard is damaged") from None


def _entries(path: Path) -> Iterator[Any]:
    try:
        import msgpack
    except ImportError:
        raise MissingExtra(f"{path}: MessagePack shards need the extra `shards`: pip install geocairn[shards]") from None
    with path.open("rb") as file:
        # Bytes, not text: writers of these shards kept both as raw strings.
        unpacker = msgpack.Unpacker(file, raw=True, max_buffer_size=MAX_PICTURE_BYTES, strict_map_key=False)
        end_of_entry = 0
        try:
            for entry in unpacker:
                end_of_entry = unpacker.tell()
                yield entry
        except (msgpack.UnpackException, ValueError, TypeError) as error:
            raise BadManifest(f"{path}: damaged after byte {end_of_entry} ({str(error) or type(error).__name__})") from None
        if end_of_entry < path.stat().st_size:
            raise BadManifest(f"{path}: cut short at byte {path.stat().st_size}, in the entry that begins at byte {end_of_entry}")
