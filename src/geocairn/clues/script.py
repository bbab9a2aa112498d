"""Scripts, and letters that few languages have, favour the countries that write with them."""

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
MIN_RUN = 3  # letters of a script side by side: µ, Ω and π are everywhere
# A Han, kana or Hangul glyph is a syllable or a word; alone among Latin letters it is a misread one.
MIN_WIDE_RUN, WIDE = 2, ("Han", "kana", "Hangul")
MIN_WORD = 3  # letters of the word around a telling letter
OF_TELLING_HAN = 0.8  # share of the characters peculiar to one set that settles which it is; misreadings and calligraphy mix the sets


def script_clues(text: ReadText, hierarchy: Hierarchy) -> list[Clue]:
    """One clue from all scripts and telling letters in the text; none where there are but Latin letters that many languages have.

    Several scripts multiply: a country has to explain them all. A few letters are a weaker sign than a whole script, for accents are easily misread.
    """
    lines = [line for line in text.lines if line.confidence >= MIN_CONFIDENCE]
    sights = [Sight(line, entry["countries"], entry["elsewhere"], Tier(entry["tier"])) for entry, line in _scripts_seen(lines)]
    sights += [Sight(line, entry["countries"], entry["elsewhere"], Tier.MEDIUM) for entry, line in _letters_seen(lines)]
    return clue_of_sights("script", sights, hierarchy)


def kind_of_han(text: str) -> str:
    """Which Han characters a text is written with: "simplified Han", "traditional Han", "Japanese Han", or "Han" where it may be any.

    Simplified characters are those of GB 2312 that Big5 lacks, traditional ones those of Big5 that GB 2312 lacks; what only Shift JIS has is Japanese.
    """
    counts = {"simplified Han": 0, "traditional Han": 0, "Japanese Han": 0}
    for character in re.findall(_pattern("Han"), text):
        simplified, traditional, japanese = (_has(codec, character) for codec in ("gb2312", "big5", "shift_jis"))
        if simplified != traditional:
            counts["simplified Han" if simplified else "traditional Han"] += 1
        elif japanese and not simplified:
            counts["Japanese Han"] += 1
    if counts["Japanese Han"] and not counts["simplified Han"]:  # Japan keeps many traditional characters: 東京駅
        return "Japanese Han"
    likeliest = max(counts, key=counts.__getitem__)
    return likeliest if counts[likeliest] > 0 and counts[likeliest] >= OF_TELLING_HAN * sum(counts.values()) else "Han"


def _scripts_seen(lines: Sequence[Line]) -> list[tuple[dict[str, Any], Line]]:
    """Each script of the lines with the first line that has it."""
    first: dict[str, Line] = {}
    for name, entry in _table()["scripts"].items():
        if not entry["ranges"]:
            continue
        run = re.compile(f"{_pattern(name)}{{{MIN_WIDE_RUN if name in WIDE else MIN_RUN},}}")
        found = next((line for line in lines if run.search(unicodedata.normalize("NFKC", line.text))), None)
        if found:
            first[name] = found
    if "Han" in first:
        line = first.pop("Han")
        if "kana" not in first:  # with kana it is Japanese, which kana say already
            first[kind_of_han("".join(line.text for line in lines))] = line
    return [(_table()["scripts"][name], line) for name, line in first.items()]


def _letters_seen(lines: Sequence[Line]) -> list[tuple[dict[str, Any], Line]]:
    """Each group of telling letters with the first line that has one of them in a word."""
    seen = []
    for entry in _table()["letters"].values():
        for line in lines:
            words = re.findall(r"[^\W\d_]+|[¿¡]\s*\w+", unicodedata.normalize("NFC", line.text).lower())
            if any(len(word) >= MIN_WORD and not set(entry["letters"]).isdisjoint(word) for word in words):
                seen.append((entry, line))
                break
    return seen


def _has(codec: str, character: str) -> bool:
    try:
        character.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


@cache
def _pattern(script: str) -> str:
    ranges = (span.split("-") for span in _table()["scripts"][script]["ranges"])
    return "[" + "".join(f"{chr(int(first, 16))}-{chr(int(last, 16))}" for first, last in ranges) + "]"


@cache
def _table() -> dict[str, dict[str, dict[str, Any]]]:
    table = json.loads(files("geocairn.clues").joinpath("scripts.json").read_text(encoding="utf-8"))
    return {"scripts": {entry["name"]: entry for entry in table["scripts"]}, "letters": {entry["letters"]: entry for entry in table["letters"]}}
