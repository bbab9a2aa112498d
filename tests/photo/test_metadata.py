import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from geocairn.photo.metadata import ExifClaim, read_claim, read_orientation

LYON = {1: "N", 2: (45.0, 46.0, 12.0), 3: "E", 4: (4.0, 50.0, 6.0)}


def exif_of(gps: dict | None = None, taken: dict | None = None) -> bytes:
    """EXIF as Pillow writes it: another hand than the reader's."""
    exif = Image.Exif()
    exif[0x0112] = 1
    if gps:
        exif.get_ifd(0x8825).update(gps)
    if taken:
        exif.get_ifd(0x8769).update(taken)
    return exif.tobytes()


def test_a_position_and_a_time():
    claim = read_claim(exif_of(LYON, {0x9003: "2024:05:06 07:08:09", 0x9011: "+02:00"}))
    assert claim is not None
    assert (claim.lat_deg, claim.lon_deg) == pytest.approx((45.77, 4.835))
    assert claim.captured_at == "2024-05-06T07:08:09+02:00"


def test_hemispheres():
    claim = read_claim(exif_of(LYON | {1: "S", 3: "W"}))
    assert (claim.lat_deg, claim.lon_deg) == pytest.approx((-45.77, -4.835))
    assert claim.captured_at is None


@pytest.mark.parametrize(
    "damage",
    [
        {1: "X"},
        {1: ""},
        {2: (95.0, 0.0, 0.0)},
        {4: (181.0, 0.0, 0.0)},
        {2: ()},
        {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)},
    ],
)
def test_a_position_that_cannot_be_believed_is_no_claim(damage):
    assert read_claim(exif_of(LYON | damage)) is None


@pytest.mark.parametrize("missing", [1, 2, 3, 4])
def test_half_a_position_is_no_claim(missing):
    assert read_claim(exif_of({tag: value for tag, value in LYON.items() if tag != missing})) is None


def test_a_zero_denominator_is_no_claim():
    exif = exif_of(LYON)
    at = exif.index(struct.pack("<LL", 46, 1)) if struct.pack("<LL", 46, 1) in exif else exif.index(struct.pack(">LL", 46, 1))
    assert read_claim(exif[: at + 4] + bytes(4) + exif[at + 8 :]) is None


def test_words_where_numbers_belong_are_no_claim():
    exif = exif_of(LYON)
    entry = next(struct.pack(order + "HHL", 2, 5, 3) for order in "<>" if struct.pack(order + "HHL", 2, 5, 3) in exif)
    assert read_claim(exif.replace(entry, entry[:2] + (b"\x02\0" if entry[0] else b"\0\x02") + entry[4:])) is None


@pytest.mark.parametrize("words", ["0000:00:00 00:00:00", "2024:13:01 00:00:00", "2024:01:01", "    :  :     :  :  ", "next Tuesday"])
def test_an_unset_clock_is_no_claim(words):
    assert read_claim(exif_of(taken={0x9003: words})) is None


def test_a_bad_zone_leaves_the_local_time():
    assert read_claim(exif_of(taken={0x9003: "2024:05:06 07:08:09", 0x9011: "CEST"})) == ExifClaim(None, None, "2024-05-06T07:08:09")


def test_no_exif_is_no_claim():
    assert read_claim(None) is read_claim(b"") is read_claim(b"Exif\0\0") is None
    assert read_orientation(None) == 1


@given(st.binary(max_size=300))
def test_noise_never_raises(noise):
    for start in (b"", b"II*\0", b"MM\0*", b"Exif\0\0II*\0\x08\0\0\0"):
        read_claim(start + noise)
        assert read_orientation(start + noise) in range(1, 9)


@given(st.integers(0, 200), st.integers(0, 255), st.integers(0, 200), st.integers(0, 255))
def test_damaged_bytes_never_raise(first, value, second, other):
    exif = bytearray(exif_of(LYON, {0x9003: "2024:05:06 07:08:09"}))
    exif[first % len(exif)], exif[second % len(exif)] = value, other
    claim = read_claim(bytes(exif))
    assert claim is None or claim.lat_deg is None or abs(claim.lat_deg) <= 90
