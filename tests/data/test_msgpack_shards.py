import sys

import msgpack
import pytest
from tests.data.factory import JPEG, shard_of

from geocairn.data.msgpack_shards import shard_names
from geocairn.errors import BadManifest, MissingExtra

NAMES = [f"{index:02x}/aa/{index}.jpg" for index in range(5)]


def test_names_and_sizes_come_in_the_order_of_the_file(tmp_path):
    assert list(shard_names(shard_of(tmp_path / "shard_0.msg", NAMES))) == [(name, len(JPEG)) for name in NAMES]
    path = tmp_path / "new.msg"
    path.write_bytes(msgpack.packb({b"image": JPEG, b"id": b"a.jpg"}, use_bin_type=True))
    assert list(shard_names(path)) == [("a.jpg", len(JPEG))]


def test_a_shard_cut_anywhere_keeps_its_whole_entries_and_says_so(tmp_path):
    whole = shard_of(tmp_path / "shard_0.msg", NAMES).read_bytes()
    entry = len(whole) // len(NAMES)
    for cut in range(1, len(whole), 7):
        path = tmp_path / "cut.msg"
        path.write_bytes(whole[:cut])
        seen, words = read_to_damage(path)
        assert seen == NAMES[: cut // entry]
        if cut % entry:
            assert f"cut short at byte {cut}, in the entry that begins at byte {cut - cut % entry}" in words


def read_to_damage(path):
    """Names up to the damage, and what is said of it."""
    seen = []
    try:
        for name, _ in shard_names(path):
            seen.append(name)
    except BadManifest as error:
        return seen, str(error)
    return seen, None


@pytest.mark.parametrize(
    "entry",
    [1, [1], None, {b"image": JPEG}, {b"id": b"a"}, {b"id": 7, b"image": JPEG}, {b"id": b"a", b"image": 7}, {b"id": b"\xff", b"image": JPEG}, {7: 8}],
)
def test_entries_of_another_kind_are_refused(tmp_path, entry):
    path = tmp_path / "a.msg"
    path.write_bytes(msgpack.packb(entry, use_bin_type=False))
    with pytest.raises(BadManifest, match=r"no map of id and image|id is not UTF-8"):
        list(shard_names(path))


@pytest.mark.parametrize("data", [b"\xc1", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\x81" * 3000, b"\x81\x90\x01"])
def test_hostile_bytes_are_one_line(tmp_path, data):
    path = tmp_path / "a.msg"
    path.write_bytes(data)
    with pytest.raises(BadManifest) as refused:
        list(shard_names(path))
    assert "\n" not in str(refused.value)


def test_the_extra_is_named_where_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "msgpack", None)
    with pytest.raises(MissingExtra, match=r"pip install geocairn\[shards\]"):
        list(shard_names(shard_of(tmp_path / "a.msg", NAMES)))
