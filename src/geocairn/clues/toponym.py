"""Names of places: the gazetteer's answer to what was read, with common words and people's names held down and slips of the reader forgiven."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from geocairn.clues.clue import Clue, Tier, shipped_word_law
from geocairn.clues.text import Line, ReadText
from geocairn.errors import MissingExtra
from geocairn.geo.sphere import EARTH_RADIUS_KM
from geocairn.places.gazetteer import Gazetteer, Named, name_key
from geocairn.places.geonames import read_countries
from geocairn.places.hierarchy import Hierarchy

MAX_WORDS = 4
MAX_IDEOGRAPHS = 6
MAX_CLUES = 8
"""The most telling names of a photo that count: a menu or a map of the world names hundreds."""
# Where a name's being a word is looked up. The small lists (what is said at least once in a million words) load in a few milliseconds each.
LANGUAGES = ("en", "fr", "es", "de", "it", "pt", "nl", "pl", "sv", "da", "fi", "cs", "ro", "hu", "tr", "id", "ru", "uk", "el", "bg")
WHOLE_LISTS = ("en",)
NEIGHBOURS = 2
WHOLE_LINE = 0.65
# What follows an English article is mostly no city: "The Breakers".
ARTICLES = ("the", "a", "an")
# How often a place's name is seen in a photo of it, relative to a city's own name in a photo of the city.
SEEN_BY_LEVEL = {"country": 0.3, "region": 0.5, "subregion": 0.5, "city": 1.0}
SEEN_OTHER_NAME = 0.3
# Where the photo is, given that the name tells the truth: in the place itself, around it, anywhere in its region, anywhere in its country.
AT, AROUND, IN_REGION, IN_COUNTRY = 0.4, 0.2, 0.2, 0.2
AROUND_KM = 20.0
# A name that is this much commoner in print (in powers of ten) than its places explain is a word; below `PLAIN_EXCESS` it is taken as a name.
PLAIN_EXCESS, WORD_EXCESS = 1.9, 2.6
# Within a sentence words are many and names few.
SENTENCE_EXCESS = 1.4
# Names of so many countries are a list of destinations, a map or a menu: it tells little of where it hangs.
LIST_OF_COUNTRIES = 3
# The product of word frequencies overstates how common a phrase is.
PHRASE_RELIEF = 1.0
# A few letters in a row are easily noise, a brand or a first name: so short a name counts only for a place that draws this share of photos.
FAMOUS_SHARE = {3: 3e-4, 4: 5e-5}
SHORT_NAME = 5
# A stretch of words that print knows is no slip.
KNOWN_WORD = 2.5
SLIP_MIN_LETTERS, SLIP_LETTERS_PER_ERROR, MAX_SLIP_QUERIES = 7, 5, 12
WORD = re.compile(r"[^\W\d_]+(?:['’.\-][^\W\d_]+)*")
IDEOGRAPHS = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff]+")


@dataclass(frozen=True)
class Reading:
    """A stretch of a line that could be a place's name."""

    words: str
    line: Line
    before: tuple[str, ...]
    after: tuple[str, ...]
    share_of_line: float

    @cached_property
    def key(self) -> str:
        """The words as the gazetteer's keys are written."""
        return name_key(self.words)


def toponym_clues(text: ReadText, hierarchy: Hierarchy, gazetteer: Gazetteer) -> list[Clue]:
    """One clue per place name read, the most telling first; names that agree on the hierarchy reinforce each other by their product.

    Args:
        text: what was read.
        hierarchy: with the level names of `SEEN_BY_LEVEL`.
        gazetteer: of that hierarchy.

    Raises:
        MissingExtra: wordfreq or rapidfuzz is not installed.
    """
    found: dict[str, tuple[Clue, float]] = {}
    unmatched: list[Reading] = []
    for line in text.lines:
        named = False
        for reading in _longest_names(line, gazetteer):
            clue = _clue(reading, gazetteer.find(reading.key), hierarchy, is_slip=False)
            named = named or clue is not None
            if clue is not None and (reading.key not in found or _rank(found[reading.key]) < _rank(clue)):
                found[reading.key] = clue
        if not named:
            unmatched += [reading for reading in _readings(line) if len(reading.key) >= SLIP_MIN_LETTERS]
    for reading, row in _slips(unmatched, gazetteer):
        clue = _clue(reading, gazetteer.named(row), hierarchy, is_slip=True)
        if clue is not None:
            found.setdefault(gazetteer.keys[row], clue)
    ranked = sorted(found.values(), key=_rank, reverse=True)[:MAX_CLUES]
    countries = {hierarchy.chain(clue.supports)[0] for clue, _ in ranked}
    return [replace(clue, tier=Tier.WEAK) if len(countries) >= LIST_OF_COUNTRIES else clue for clue, _ in ranked]


def _rank(found: tuple[Clue, float]) -> tuple[int, float]:
    """More telling is the better tier, then the name that is less of a word."""
    clue, excess = found
    return [Tier.WEAK, Tier.MEDIUM].index(clue.tier), -excess


def _readings(line: Line) -> Iterator[Reading]:
    """All stretches of a line that could be names, longest first."""
    words = WORD.findall(line.text)
    letters = sum(len(word) for word in words)
    for size in range(min(MAX_WORDS, len(words)), 0, -1):
        for start in range(len(words) - size + 1):
            stretch = words[start : start + size]
            before, after = words[max(start - NEIGHBOURS, 0) : start], words[start + size : start + size + NEIGHBOURS]
            yield Reading(" ".join(stretch), line, tuple(before), tuple(after), sum(len(word) for word in stretch) / letters)
    for run in IDEOGRAPHS.findall(line.text):
        for size in range(min(MAX_IDEOGRAPHS, len(run)), 1, -1):
            yield from (Reading(run[start : start + size], line, (), (), size / len(run)) for start in range(len(run) - size + 1))


def _longest_names(line: Line, gazetteer: Gazetteer) -> Iterator[Reading]:
    """Names of the gazetteer in a line; within a longer name no shorter one is looked for."""
    taken: list[str] = []
    for reading in _readings(line):
        if len(reading.key) > 1 and not any(reading.words in longer for longer in taken) and gazetteer.find(reading.key):
            taken.append(reading.words)
            yield reading


def _slips(readings: Sequence[Reading], gazetteer: Gazetteer) -> Iterator[tuple[Reading, int]]:
    """Well-known names that a reading misses by a letter or two, and the row of the gazetteer that holds the name."""
    if not readings:
        return
    try:
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import extractOne
    except ImportError:
        raise MissingExtra("names of places need the package rapidfuzz; mend: pip install geocairn[text]") from None
    for reading in sorted(readings, key=lambda reading: -reading.share_of_line)[:MAX_SLIP_QUERIES]:
        if all(max(word_frequencies(word).values(), default=0.0) >= KNOWN_WORD for word in reading.words.split()):
            continue
        allowed = 1 if len(reading.key) < 2 * SLIP_LETTERS_PER_ERROR else 2
        best = extractOne(reading.key, gazetteer.major_keys, scorer=OSA.distance, score_cutoff=allowed)
        if best is not None and len(best[0]) >= SLIP_MIN_LETTERS:
            yield reading, int(gazetteer.major[best[2]])


@dataclass(frozen=True)
class _Bearers:
    """Who bears a name.

    Attributes:
        share: of all photos, that of all bearers, by how often the name is seen there.
        home: ISO code of the country of the likeliest bearer.
        people: of the most populous bearer in that country.
        is_own: whether it is the main name of any, or what the likeliest is called at home.
        is_endonym: whether the likeliest is called so at home, but not in GeoNames' main name: then its own language alone says whether it is a word besides.
    """

    share: float
    home: str
    people: int
    is_own: bool
    is_endonym: bool


def _bearers(words: str, named: Sequence[Named], hierarchy: Hierarchy) -> _Bearers:
    shares = [_seen(place, hierarchy) * float(hierarchy.weight[place.place]) for place in named]
    likeliest = named[int(np.argmax(shares))]
    country = hierarchy.chain(likeliest.place)[0]
    at_home = [int(hierarchy.count[place.place]) for place in named if hierarchy.chain(place.place)[0] == country]
    is_endonym = not likeliest.is_own and is_commonest_at_home(words, hierarchy.ids[country])
    return _Bearers(
        share=sum(shares),
        home=hierarchy.ids[country],
        people=max(at_home),
        is_own=is_endonym or any(place.is_own for place in named),
        is_endonym=is_endonym,
    )


def _clue(reading: Reading, named: Sequence[Named], hierarchy: Hierarchy, *, is_slip: bool) -> tuple[Clue, float] | None:
    """The clue and by how much it is a word; None for what is no name."""
    bearers = _bearers(reading.words, named, hierarchy)
    excess = _excess(reading.words, bearers)
    tier = _tier(reading, bearers, excess, is_slip=is_slip)
    if tier is None:
        return None
    ratio, best = _where(named, [_seen(place, hierarchy) for place in named], hierarchy)
    return Clue(kind="toponym", text=reading.words, box_px=reading.line.box_px, tier=tier, ratio=ratio, supports=best), excess


def _seen(named: Named, hierarchy: Hierarchy) -> float:
    return SEEN_BY_LEVEL[hierarchy.level_names[hierarchy.level[named.place]]] * (1.0 if named.is_own else SEEN_OTHER_NAME)


def _tier(reading: Reading, bearers: _Bearers, excess: float, *, is_slip: bool) -> Tier | None:
    """How far a name is to be trusted; None for what is a word, or too short to be told from noise."""
    n_letters, is_own = len(reading.key), bearers.is_own
    if reading.key[0] < "\u0250" and bearers.share < FAMOUS_SHARE.get(n_letters, 0.0 if is_own or n_letters > SHORT_NAME else FAMOUS_SHARE[4]):
        return None
    if all(word.casefold() in _place_nouns() for word in reading.words.split()):
        return None
    is_hint = reading.line.box_px is None
    # In a sentence of a hint, names are those written with a capital, where the script has capitals.
    is_lower = reading.words == reading.words.lower() != reading.words.upper()
    if is_hint and is_lower and len(reading.line.text.split()) > MAX_WORDS:
        return None
    has_noun = any(word.casefold() in _place_nouns() for word in (*reading.before, *reading.after))
    is_common_noun = bool(reading.before) and reading.before[-1].casefold() in ARTICLES
    stands_out = is_hint or has_noun or (reading.share_of_line >= WHOLE_LINE and not is_common_noun)
    if excess >= (WORD_EXCESS if stands_out and is_own else PLAIN_EXCESS if stands_out else SENTENCE_EXCESS):
        return None
    if is_slip or excess >= PLAIN_EXCESS or reading.line.confidence < 0.75 or not stands_out:
        return Tier.WEAK
    return Tier.MEDIUM


def _excess(words: str, bearers: _Bearers) -> float:
    """By how many powers of ten the words are commoner in print than such a place's name, in the language where most so.

    Returns:
        -inf where no language of `LANGUAGES` uses the words.
    """
    own = main_language(bearers.home)
    frequencies = word_frequencies(words)
    if bearers.is_endonym:
        frequencies = {own: frequencies[own]}
    over = [zipf - expected_frequency(bearers.share, bearers.people, language=language, own_language=own) for language, zipf in frequencies.items()]
    return max(over, default=-np.inf) - (PHRASE_RELIEF if len(words.split()) > 1 else 0.0)


def is_commonest_at_home(words: str, country: str) -> bool:
    """Whether no language uses the words more than the country's own, as Russian does Москва, which GeoNames calls Moscow."""
    frequencies = word_frequencies(words)
    return frequencies.get(main_language(country), 0.0) >= max(frequencies.values(), default=np.inf)


def expected_frequency(share: float, people: int, *, language: str, own_language: str) -> float:
    """Zipf frequency of the name of a place in the print of a language (`word_law` in clues/reliability.json).

    Args:
        share: of all photos that the place draws: what English and foreign languages know a place by.
        people: who live there: what its own language, where that is not English, knows it by.
    """
    if language == own_language != "en":
        law, known_by = shipped_word_law()["own"], people + 1000.0
    else:
        law, known_by = shipped_word_law()["english" if language == own_language else "foreign"], share
    return law["intercept"] + law["slope"] * float(np.log10(known_by))


@cache
def word_frequencies(words: str) -> dict[str, float]:
    """Zipf frequency (powers of ten in a thousand million words) of the words in each language of `LANGUAGES` that uses them.

    Raises:
        MissingExtra: wordfreq is not installed.
    """
    try:
        from wordfreq import zipf_frequency
    except ImportError:
        raise MissingExtra("names of places need the package wordfreq; mend: pip install geocairn[text]") from None
    lists = {language: "best" if language in WHOLE_LISTS else "small" for language in LANGUAGES}
    found = {language: float(zipf_frequency(words.casefold(), language, wordlist=size)) for language, size in lists.items()}
    return {language: zipf for language, zipf in found.items() if zipf > 0}


def main_language(country: str) -> str:
    """The language that GeoNames names first for a country, as ISO 639 has it; empty where it names none."""
    languages = read_countries()[country].languages if country in read_countries() else ()
    return languages[0].split("-")[0] if languages else ""


@cache
def _place_nouns() -> frozenset[str]:
    return frozenset(json.loads(files("geocairn.clues").joinpath("words.json").read_text(encoding="utf-8"))["place_nouns"])


def _where(named: Sequence[Named], seen: Sequence[float], hierarchy: Hierarchy) -> tuple[NDArray[np.float32], int]:
    """The ratio over leaves of a name borne by several places, and the likeliest of them.

    Each place counts by its prior share times how often its name is seen in photos of it; its photos lie around it, in its region and in its country.
    """
    weight = hierarchy.weight[hierarchy.leaves]
    odds = np.array([each * hierarchy.weight[place.place] for each, place in zip(seen, named, strict=True)])
    odds /= odds.sum()
    ratio = np.zeros(hierarchy.n_leaves)
    for probability, place in zip(odds.tolist(), (entry.place for entry in named), strict=True):
        if probability > 1e-3:
            ratio += probability * _around(hierarchy, place, weight)
    return (ratio / (weight @ ratio)).astype(np.float32), named[int(np.argmax(odds))].place


def _around(hierarchy: Hierarchy, place: int, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """(L,) ratio, mean 1, of photos that a place's name is seen in, were there only this place."""
    chain = hierarchy.chain(place)
    ratio = IN_COUNTRY * _inside(hierarchy, chain[0]) + IN_REGION * _inside(hierarchy, chain[min(1, len(chain) - 1)])
    ratio += AT * _inside(hierarchy, place)
    nearness = np.exp(-EARTH_RADIUS_KM / AROUND_KM * np.arccos(np.clip(hierarchy.unit[hierarchy.leaves] @ hierarchy.unit[place], -1, 1)))
    if hierarchy.level[place] < len(hierarchy.level_names) - 1:
        nearness = _inside(hierarchy, place)
    return np.asarray(ratio + AROUND * nearness / (weight @ nearness))


def _inside(hierarchy: Hierarchy, place: int) -> NDArray[np.float64]:
    """(L,) 1 / share for the leaves of a place, 0 elsewhere."""
    inside = np.zeros(hierarchy.n_leaves)
    inside[hierarchy.leaf_start[place] : hierarchy.leaf_stop[place]] = 1 / hierarchy.weight[place]
    return inside
