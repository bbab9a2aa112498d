"""Words of streets, shops and signs (rue, Straße, ulica, car park, parking lot) favour the countries where signs say so."""

import json
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from geocairn.clues.clue import Clue, Tier
from geocairn.clues.sight import Sight, clue_of_sights
from geocairn.clues.text import Line, ReadText
from geocairn.places.hierarchy import Hierarchy

MIN_CONFIDENCE = 0.75
MIN_STEM = 4  # letters before a suffix: "Nørregade", not "brigade"
MAX_WORDS = 5  # of the longest phrase in the table


def street_word_clues(text: ReadText, hierarchy: Hierarchy) -> list[Clue]:
    """One clue from all street words of the text; none where there are none.

    Of one language only the most telling words count, for words of one language come together; several languages multiply.
    """
    found = _most_telling_by_language([line for line in text.lines if line.confidence >= MIN_CONFIDENCE])
    sights = [Sight(line, group["countries"], group["elsewhere"], Tier.MEDIUM) for group, line in found]
    return clue_of_sights("street_word", sights, hierarchy)


def _most_telling_by_language(lines: Sequence[Line]) -> list[tuple[dict[str, Any], Line]]:
    by_language: dict[str, tuple[dict[str, Any], Line]] = {}
    for line in lines:
        for group in _groups_in(line.text):
            known = by_language.get(group["language"])
            if known is None or group["elsewhere"] < known[0]["elsewhere"]:
                by_language[group["language"]] = (group, line)
    return list(by_language.values())


def _groups_in(text: str) -> list[dict[str, Any]]:
    words = _folded(text).split()
    phrases = {" ".join(words[start : start + n]) for n in range(1, MAX_WORDS + 1) for start in range(len(words) - n + 1)}
    groups, groups_by_phrase, groups_by_suffix = _table()
    found = {index for phrase in phrases for index in groups_by_phrase.get(phrase, ())}
    found |= {index for suffix, index in groups_by_suffix for word in words if word.endswith(suffix) and len(word) >= len(suffix) + MIN_STEM}
    return [groups[index] for index in sorted(found)]


def _folded(text: str) -> str:
    """Words of a text, one blank between them, without case, accents, width and punctuation."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(re.findall(r"[^\W_]+", letters))


@cache
def _table() -> tuple[list[dict[str, Any]], dict[str, tuple[int, ...]], tuple[tuple[str, int], ...]]:
    """All groups, the groups of each phrase, and suffixes with their group."""
    groups: list[dict[str, Any]] = json.loads(files("geocairn.clues").joinpath("street_words.json").read_text(encoding="utf-8"))["groups"]
    by_phrase: dict[str, tuple[int, ...]] = {}
    for index, group in enumerate(groups):
        for phrase in {_folded(words) for words in group["words"]}:
            by_phrase[phrase] = (*by_phrase.get(phrase, ()), index)
    return groups, by_phrase, tuple((_folded(suffix), index) for index, group in enumerate(groups) for suffix in group.get("suffixes", ()))
