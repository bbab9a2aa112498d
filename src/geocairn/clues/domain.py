"""Internet domains favour the countries whose they are."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from geocairn.clues.clue import Clue, Tier
from geocairn.clues.sight import Sight, clue_of_sights
from geocairn.clues.text import Line, ReadText
from geocairn.places.hierarchy import Hierarchy

MIN_CONFIDENCE = 0.8
ELSEWHERE = 0.02  # tourists' T-shirts, sponsors, exported goods
ADDRESS = re.compile(r"(?P<start>https?://|www\.|[\w.-]+@)?(?P<labels>(?:[^\W_][\w-]*\.)+)(?P<top>[^\W\d_]{2,})(?![\w@]|\.\w)", re.IGNORECASE)

AMERICAN = {"gov": 1.0, "mil": 1.0, "edu": 0.9}


def domain_clues(text: ReadText, hierarchy: Hierarchy) -> list[Clue]:
    """One clue from all internet and mail addresses under a country's own domain; .com, .tv and their like say nothing."""
    lines = [line for line in text.lines if line.confidence >= MIN_CONFIDENCE]
    return clue_of_sights("domain", [sight for line in lines for sight in _sights(line, hierarchy)], hierarchy)


def _sights(line: Line, hierarchy: Hierarchy) -> Iterator[Sight]:
    table = _table()
    for match in ADDRESS.finditer(unicodedata.normalize("NFKC", line.text)):
        top, labels = match["top"].lower(), match["labels"].lower().rstrip(".").split(".")
        if not _is_address(match, labels, top):
            continue
        country = table.other.get(top, top.upper())
        if top in AMERICAN:
            yield Sight(line, {"US": AMERICAN[top]}, 5 * ELSEWHERE, Tier.MEDIUM)
        elif top not in table.generic and country in hierarchy.country_index:
            yield Sight(line, {country: 1.0}, ELSEWHERE, Tier.STRONG)


def _is_address(match: re.Match[str], labels: list[str], top: str) -> bool:
    if match["start"] or (len(labels) > 1 and labels[-1] in _table().second_level):
        return True
    # "end.In the", "St.Gallen", "U.S.A": addresses are written in one case and have a name of some length.
    written = match.group()
    return top not in _table().words and len(labels[-1]) >= 3 and (written.islower() or written.isupper())


@dataclass(frozen=True)
class _Domains:
    generic: frozenset[str]
    words: frozenset[str]
    second_level: frozenset[str]
    other: Mapping[str, str]


@cache
def _table() -> _Domains:
    table = json.loads(files("geocairn.clues").joinpath("domains.json").read_text(encoding="utf-8"))
    generic, words, second_level = (frozenset(table[name].split()) for name in ("generic", "words", "second_level"))
    return _Domains(generic, words, second_level, table["other"])
