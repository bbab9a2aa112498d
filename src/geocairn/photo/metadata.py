"""What a file says of itself: orientation, and the place and time it claims. Read straight from the TIFF directories of EXIF, within fixed bounds.

Hostile metadata is common, so nothing here trusts a count, an offset or a type: what cannot be read is absent, and no input raises.
"""

import math
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

ORIENTATION, EXIF_DIRECTORY, GPS_DIRECTORY = 0x0112, 0x8769, 0x8825
TAKEN_AT, TAKEN_AT_OFFSET = 0x9003, 0x9011
LAT_REF, LAT, LON_REF, LON = 1, 2, 3, 4
MAX_ENTRIES = 4096
MAX_VALUE_BYTES = 1024  # every value that is read here is far shorter: a longer one is a trap or damage
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
NUMBER_CODES = {1: "B", 3: "H", 4: "L", 6: "b", 8: "h", 9: "l", 11: "f", 12: "d", 13: "L"}
RATIONAL_CODES = {5: "L", 10: "l"}

Value = str | tuple[float, ...]


@dataclass(frozen=True)
class ExifClaim:
    """Where and when a file says that it was taken.

    Attributes:
        lat_deg, lon_deg: WGS 84 degrees in [-90, 90] and [-180, 180]; both None where there is no position that can be believed to be one.
        captured_at: ISO 8601 to the second, the camera's local time, with its zone where the file has one; None where there is none.
    """

    lat_deg: float | None
    lon_deg: float | None
    captured_at: str | None


@dataclass(frozen=True)
class Entry:
    """One entry of a TIFF directory: what it declares, not yet read."""

    tag: int
    type_code: int
    count: int
    at: int

    @property
    def n_bytes(self) -> int:
        """Size that the entry declares; 0 for a type that does not exist."""
        return self.count * TYPE_BYTES.get(self.type_code, 0)


def read_claim(exif: bytes | None) -> ExifClaim | None:
    """The place and time in a block of EXIF; None where it has neither. Never raises.

    Args:
        exif: TIFF structure as embedded in JPEG, PNG, WebP and HEIC (with or without the leading `Exif\\0\\0`), or a whole TIFF file.
    """
    tiff = tiff_of_exif(exif)
    main = read_directory(tiff, first_directory(tiff))
    lat_deg, lon_deg = _position(read_directory(tiff, _pointer(main, GPS_DIRECTORY)))
    captured_at = _taken_at(read_directory(tiff, _pointer(main, EXIF_DIRECTORY)))
    if lat_deg is None and captured_at is None:
        return None
    return ExifClaim(lat_deg, lon_deg, captured_at)


def read_orientation(exif: bytes | None) -> int:
    """EXIF orientation in 1..8; 1 (upright) where it is absent or makes no sense. Never raises."""
    tiff = tiff_of_exif(exif)
    value = read_directory(tiff, first_directory(tiff)).get(ORIENTATION)
    return int(value[0]) if isinstance(value, tuple) and value and value[0] in range(1, 9) else 1


def tiff_of_exif(exif: bytes | None) -> bytes:
    """The TIFF structure in a block of EXIF; empty where there is none."""
    tiff = (exif or b"").removeprefix(b"Exif\0\0")
    return tiff if tiff[:4] in (b"II*\0", b"MM\0*") else b""


def first_directory(tiff: bytes) -> int:
    """Offset of the first directory; 0 where there is none."""
    return int(struct.unpack_from(_order(tiff) + "L", tiff, 4)[0]) if len(tiff) >= 8 else 0


def next_directory(tiff: bytes, at: int) -> int:
    """Offset of the directory that follows the one at `at`; 0 where the chain ends or leaves the file."""
    count = _n_entries(tiff, at)
    end = at + 2 + 12 * count
    return int(struct.unpack_from(_order(tiff) + "L", tiff, end)[0]) if count and end + 4 <= len(tiff) else 0


def directory_entries(tiff: bytes, at: int) -> Iterator[Entry]:
    """Entries of the directory at offset `at`, as far as they lie in the file and at most `MAX_ENTRIES`."""
    for start in range(at + 2, at + 2 + 12 * min(_n_entries(tiff, at), MAX_ENTRIES), 12):
        if start + 12 > len(tiff):
            return
        tag, type_code, count = struct.unpack_from(_order(tiff) + "HHL", tiff, start)
        entry = Entry(tag, type_code, count, start + 8)
        if entry.n_bytes > 4:
            entry = Entry(tag, type_code, count, struct.unpack_from(_order(tiff) + "L", tiff, start + 8)[0])
        yield entry


def read_directory(tiff: bytes, at: int) -> dict[int, Value]:
    """Short values of the directory at offset `at`, by tag: words as str, numbers and fractions as a tuple (a zero denominator gives NaN).

    Of a tag that comes twice the first counts.
    """
    values: dict[int, Value] = {}
    for entry in directory_entries(tiff, at):
        if entry.tag not in values and 0 < entry.n_bytes <= MAX_VALUE_BYTES and entry.at + entry.n_bytes <= len(tiff):
            values[entry.tag] = _value(tiff, entry)
    return values


def _order(tiff: bytes) -> str:
    return "<" if tiff[:2] == b"II" else ">"


def _n_entries(tiff: bytes, at: int) -> int:
    return int(struct.unpack_from(_order(tiff) + "H", tiff, at)[0]) if 8 <= at <= len(tiff) - 2 else 0


def _value(tiff: bytes, entry: Entry) -> Value:
    order = _order(tiff)
    if entry.type_code in RATIONAL_CODES:
        flat = struct.unpack_from(f"{order}{2 * entry.count}{RATIONAL_CODES[entry.type_code]}", tiff, entry.at)
        return tuple(top / bottom if bottom else math.nan for top, bottom in zip(flat[::2], flat[1::2], strict=True))
    if entry.type_code in NUMBER_CODES:
        return struct.unpack_from(f"{order}{entry.count}{NUMBER_CODES[entry.type_code]}", tiff, entry.at)
    return tiff[entry.at : entry.at + entry.n_bytes].split(b"\0")[0].decode("latin-1").strip()


def _pointer(directory: Mapping[int, Value], tag: int) -> int:
    value = directory.get(tag)
    return int(value[0]) if isinstance(value, tuple) and value and math.isfinite(value[0]) else 0


def _position(gps: Mapping[int, Value]) -> tuple[float, float] | tuple[None, None]:
    lat_deg = _signed_degrees(gps.get(LAT), gps.get(LAT_REF), positive="N", negative="S")
    lon_deg = _signed_degrees(gps.get(LON), gps.get(LON_REF), positive="E", negative="W")
    if lat_deg is None or lon_deg is None or abs(lat_deg) > 90 or abs(lon_deg) > 180:
        return None, None
    # Receivers without a fix write zeros: no photo is claimed to come from the exact point in the Gulf of Guinea.
    return (None, None) if lat_deg == lon_deg == 0 else (lat_deg, lon_deg)


def _signed_degrees(value: Value | None, ref: Value | None, *, positive: str, negative: str) -> float | None:
    """Degrees, minutes, seconds (later ones may be missing) with the hemisphere's sign; None where a part is no number or no hemisphere is given."""
    if not isinstance(value, tuple) or not 1 <= len(value) <= 3 or not isinstance(ref, str) or ref[:1].upper() not in (positive, negative):
        return None
    if not all(math.isfinite(part) and part >= 0 for part in value):
        return None
    degrees = math.fsum(part / 60.0**power for power, part in enumerate(value))
    return -degrees if ref[:1].upper() == negative else degrees


def _taken_at(exif: Mapping[int, Value]) -> str | None:
    words, offset = exif.get(TAKEN_AT), exif.get(TAKEN_AT_OFFSET)
    if not isinstance(words, str) or not (parts := re.fullmatch(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)", words, re.ASCII)):
        return None
    try:
        moment = datetime(*map(int, parts.groups()))  # type: ignore[arg-type]  # six numbers, which mypy cannot count
    except ValueError:  # month 13, day 0: cameras with an unset clock write such dates
        return None
    has_zone = isinstance(offset, str) and re.fullmatch(r"[+-](0\d|1[0-4]):[0-5]\d", offset, re.ASCII)
    return moment.isoformat() + (str(offset) if has_zone else "")
