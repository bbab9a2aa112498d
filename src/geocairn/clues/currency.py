"""Prices favour the countries where one pays so."""

import json
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from geocairn.clues.clue import Clue, Tier
from geocairn.clues.sight import Sight, clue_of_sights
from geocairn.clues.text import Line, ReadText
from geocairn.places.hierarchy import Hierarchy

MIN_CONFIDENCE = 0.8
AMOUNT = r"\d{1,3}(?:[ .,'’]\d{3})+(?:[.,]\d\d)?|\d+(?:[.,]\d\d?)?"


def currency_clues(text: ReadText, hierarchy: Hierarchy) -> list[Clue]:
    """One clue from all amounts with a sign or code of money beside them (€ 3,50; 120 kr; RM5); a sign alone says nothing."""
    lines = [line for line in text.lines if line.confidence >= MIN_CONFIDENCE and any(character.isdecimal() for character in line.text)]
    return clue_of_sights("currency", [sight for line in lines for sight in _sights(line)], hierarchy)


def _sights(line: Line) -> Iterator[Sight]:
    # NFKC also folds the full-width ￥ and ￡ into ¥ and £.
    words = unicodedata.normalize("NFKC", line.text)
    taken: list[tuple[int, int]] = []
    for pattern, entry in _table():
        for match in pattern.finditer(words):
            # Longer signs come first in the table: the $ of HK$ 20 is not a dollar of any country.
            if not any(start < match.end() and match.start() < end for start, end in taken):
                taken.append(match.span())
                yield Sight(line, entry["countries"], entry["elsewhere"], Tier(entry["tier"]))


@cache
def _table() -> tuple[tuple[re.Pattern[str], dict[str, Any]], ...]:
    """Patterns of an amount with each group's signs, longest signs first, with the group."""
    groups = json.loads(files("geocairn.clues").joinpath("currencies.json").read_text(encoding="utf-8"))["groups"]
    signs = sorted(((sign, group) for group in groups for sign in group["signs"]), key=lambda item: -len(item[0]))
    return tuple((_pattern(sign, group["where"]), group) for sign, group in signs)


def _pattern(sign: str, where: str) -> re.Pattern[str]:
    escaped = re.escape(sign)
    before, after = rf"(?<![^\W\d_]){escaped} ?(?:{AMOUNT})(?!\d)", rf"(?<![\d.,])(?:{AMOUNT}) ?{escaped}(?![^\W\d_])"
    return re.compile({"before": before, "after": after, "either": f"{before}|{after}"}[where])
