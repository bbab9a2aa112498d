"""The gazetteer: from a name, in any script, to the places that bear it."""

import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geocairn.places.geonames import City
from geocairn.places.hierarchy import Hierarchy, Strings
from geocairn.storage import appearing_at_once

N_MAJOR = 20_000
MIN_LETTERS = 3
MIN_IDEOGRAPHS = 2  # and Hangul syllables
# Letters that decompose to nothing under NFKD, as signs without the right type spell them.
_PLAIN_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i", "œ": "oe", "æ": "ae", "þ": "th", "ŋ": "n", "ə": "e"})


@dataclass(frozen=True)
class Named:
    """A place that bears a name.

    Attributes:
        place: index in the hierarchy.
        is_own: whether it is the place's main name, not another language's or an old one.
    """

    place: int
    is_own: bool


@dataclass(frozen=True)
class Gazetteer:
    """Names and the places that bear them.

    Attributes:
        keys: K names as `name_key` writes them, sorted.
        offset: (K + 1,) int64; name k is borne by the places `place[offset[k]:offset[k + 1]]`.
        place: (P,) int32 indices in the hierarchy.
        is_own: (P,) bool, whether the name is the place's main one.
        major: (M,) int32, indices of the main names of the `N_MAJOR` most photographed cities and of all countries and regions.
    """

    keys: Strings
    offset: NDArray[np.int64]
    place: NDArray[np.int32]
    is_own: NDArray[np.bool_]
    major: NDArray[np.int32]

    def find(self, key: str) -> list[Named]:
        """Places whose name has this key, as `name_key` makes it; none where nobody bears it."""
        row = bisect_left(self.keys, key)
        if row == len(self.keys) or self.keys[row] != key:
            return []
        return self.named(row)

    def named(self, row: int) -> list[Named]:
        """Places that bear the name in this row."""
        span = slice(int(self.offset[row]), int(self.offset[row + 1]))
        return [Named(place, own) for place, own in zip(self.place[span].tolist(), self.is_own[span].tolist(), strict=True)]

    @cached_property
    def major_keys(self) -> list[str]:
        """The names in `major`, decoded."""
        return [self.keys[row] for row in self.major.tolist()]


def name_key(name: str) -> str:
    """A name without case, accents, spaces and punctuation: what signs and their readers often lose.

    >>> name_key("Saint-Étienne"), name_key("KEY WEST"), name_key("Łódź"), name_key("北京市")
    ('saintetienne', 'keywest', 'lodz', '北京市')
    """
    folded = unicodedata.normalize("NFKD", name.casefold().translate(_PLAIN_LETTERS))
    kept = "".join(char for char in folded if char.isalpha() or unicodedata.category(char) == "Mc" or _is_part_of_word(char))
    return unicodedata.normalize("NFC", kept)


def _is_part_of_word(mark: str) -> bool:
    # In Indic and South-East Asian scripts the marks are vowels, and those of kana tell Paris from Bali; in Latin, Greek, Cyrillic and Arabic they are accents.
    return (unicodedata.category(mark) == "Mn" and "\u0900" <= mark < "\u1800") or mark in "\u3099\u309a"


def build_gazetteer(hierarchy: Hierarchy, cities: Sequence[City], country_names: Mapping[str, Iterable[str]]) -> Gazetteer:
    """Collect all names of the hierarchy's places.

    Args:
        hierarchy: built from `cities`, in the same order.
        country_names: further names of countries by ISO code, in any language.
    """
    own_by_pair: dict[tuple[str, int], bool] = {}
    for name, place, is_own in _all_names(hierarchy, cities, country_names):
        key = name_key(name)
        if is_telling(name, key):
            own_by_pair[key, place] = own_by_pair.get((key, place), False) or is_own
    pairs = sorted(own_by_pair)
    keys = sorted({key for key, _ in pairs})
    row = {key: index for index, key in enumerate(keys)}
    rows = np.array([row[key] for key, _ in pairs])
    places = np.array([place for _, place in pairs], dtype=np.int32)
    owned = np.array([own_by_pair[pair] for pair in pairs], dtype=bool)
    return Gazetteer(
        keys=Strings.of(keys),
        offset=np.searchsorted(rows, np.arange(len(keys) + 1)).astype(np.int64),
        place=places,
        is_own=owned,
        major=np.unique(rows[_is_major(hierarchy)[places] & owned]).astype(np.int32),
    )


def is_telling(name: str, key: str) -> bool:
    """Whether a name can be told from noise: long enough, no digits, and no airport code (three capitals)."""
    if any(char.isdigit() for char in name) or (len(name) <= 4 and name.isupper() and name.isascii()):
        return False
    is_ideographic = "\u4e00" <= key[:1] <= "\u9fff" or "\uac00" <= key[:1] <= "\ud7a3"
    return len(key) >= (MIN_IDEOGRAPHS if is_ideographic else MIN_LETTERS)


def save_gazetteer(gazetteer: Gazetteer, out: Path) -> None:
    """Write `out` (`.npz`)."""
    with appearing_at_once(out) as draft, draft.open("wb") as file:
        np.savez(
            file,
            keys_utf8=gazetteer.keys.utf8,
            keys_offset=gazetteer.keys.offsets,
            offset=gazetteer.offset,
            place=gazetteer.place,
            is_own=gazetteer.is_own,
            major=gazetteer.major,
        )


def load_gazetteer(path: Path) -> Gazetteer:
    """Read what `save_gazetteer` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        keys = Strings(stored["keys_utf8"], stored["keys_offset"])
        return Gazetteer(keys=keys, **{name: stored[name] for name in ("offset", "place", "is_own", "major")})


def _all_names(hierarchy: Hierarchy, cities: Sequence[City], country_names: Mapping[str, Iterable[str]]) -> Iterable[tuple[str, int, bool]]:
    for place, name in enumerate(hierarchy.names.to_list()):
        yield name, place, True
    for place, city in zip(hierarchy.leaves.tolist(), cities, strict=True):
        yield from ((name, place, False) for name in city.other_names)
    for code, names in country_names.items():
        if code in hierarchy.country_index:
            yield from ((name, hierarchy.country_index[code], True) for name in names)


def _is_major(hierarchy: Hierarchy) -> NDArray[np.bool_]:
    cities = np.array(hierarchy.places_of("city"))
    major = hierarchy.level < hierarchy.level_index("subregion")
    major[cities[np.argsort(-hierarchy.weight[cities], kind="stable")[:N_MAJOR]]] = True
    return np.asarray(major)
