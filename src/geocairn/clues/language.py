"""The language of a text favours the countries whose signs are written in it; names and brands are in no language."""

import json
import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from geocairn.clues.clue import Box, Clue, Tier, country_clue
from geocairn.clues.sight import elsewhere_at_most
from geocairn.clues.text import Line, ReadText
from geocairn.errors import MissingExtra
from geocairn.places.hierarchy import Hierarchy

MIN_CONFIDENCE = 0.8  # of a line: words with wrong letters make up languages
MIN_WORDS, MIN_LETTERS = 3, 11  # of a text, either; less is a name as often as not
MIN_LINE_P = 0.9  # lines this sure of their language are put together with others of the same
MIN_PART = 1 / 3  # of the longest part's letters: translations are about as long as what they translate, misread lines are short
STRONG_LETTERS = 30
# wordfreq's scale: 3 is once in a million words. A word that a language lacks counts as UNKNOWN; in no language at all, as NAME:
# so a text is in a language if its words are commoner there than names are.
UNKNOWN_ZIPF, NAME_ZIPF = 2.5, 3.5
# A language is claimed for two words that it has, one of them an everyday one.
KNOWN_ZIPF, EVERYDAY_ZIPF = 3.1, 4.2
NO_LANGUAGE, NO_LANGUAGE_FREQUENCY = "", 0.3
SURE_P, RIVAL_P = 0.99, 0.02  # lingua, whose models take a tenth of a second each to load, is asked where words leave several rivals
SCRIPTS = {"Latin": r"[A-Za-zÀ-ɏḀ-ỿ]", "Cyrillic": r"[Ѐ-ԯ]", "Arabic": r"[؀-ۿݐ-ݿ]"}
WORD = re.compile(r"[^\W\d_]{2,}")
ADDRESS = re.compile(r"\S*\w[.@]\w\S*")  # internet addresses and abbreviations are in no language
# Inscriptions: neither wordfreq nor lingua's short texts know Latin, and its "et", "in" and "super" would pass for French.
LATIN_WORD = re.compile(
    r"(et|in|ad|ab|ex|hoc|haec|hic|iacet|qui|quae|quod|est|per|pro|cum|anno|domini|deo?|dei|rex|pax|ave|requiescat|pace|obiit)|"
    r"\w{2,}([uv][sm]|ae|is|it|i[uv]nt|[oa]r[uv]m|ib[uv]s|a[uv]it|ate|io|o|am|em)"
)
LATIN_ZIPF = 5.0


def language_clues(text: ReadText, hierarchy: Hierarchy) -> list[Clue]:
    """One clue from all languages that the text is surely in; none where it is too short or in no language.

    Several languages on one sign (Canada, Belgium, tourists) multiply: a country has to explain them all.

    Raises:
        MissingExtra: wordfreq or lingua is not installed and there is text to judge.
    """
    parts = _parts(text)
    if not parts:
        return []
    frequency = dict.fromkeys(hierarchy.country_index, 1.0)
    for lines in parts:
        p = language_probabilities(_joined(lines))
        seen = _frequency(p, hierarchy)
        frequency = {country: value * seen[country] for country, value in frequency.items()}
    words = " / ".join(_joined(lines) for lines in parts)
    tier = Tier.STRONG if _n_letters(words) >= STRONG_LETTERS else Tier.MEDIUM
    box: Box | None = parts[0][0].box_px
    clue = country_clue(hierarchy, frequency, kind="language", text=words, tier=tier, box_px=box)
    return [clue] if clue else []


def language_probabilities(text: str) -> dict[str, float]:
    """Probability of each language, from how common its words are there and, where that leaves doubt, from lingua.

    Returns:
        By wordfreq's code; `NO_LANGUAGE` for names, brands and noise. They sum to 1; all is `NO_LANGUAGE` in a script of one language or none.
    """
    words = _words(text)
    script = max(SCRIPTS, key=lambda name: len(re.findall(SCRIPTS[name], text)))
    languages = {code: entry for code, entry in _table().items() if entry["script"] == script}
    if not words or not re.search(SCRIPTS[script], text):
        return {NO_LANGUAGE: 1.0}
    zipf = {code: sum(max(_zipf(word, code), UNKNOWN_ZIPF) for word in words) for code in languages} | {NO_LANGUAGE: NAME_ZIPF * len(words)}
    p = _normalised({code: 10 ** (value - max(zipf.values())) for code, value in zipf.items()})
    rivals = [code for code, value in p.items() if code != NO_LANGUAGE and _table()[code]["lingua"] and value >= RIVAL_P] if max(p.values()) < SURE_P else []
    if len(rivals) < 2:
        return p
    # Words say whether it is a language, and lingua which of those that may be; its models are loaded for these alone.
    share = _lingua_confidences(rivals, text.lower())
    weight, total = math.fsum(p[code] * share[code] for code in rivals), math.fsum(p[code] for code in rivals)
    return p | {code: p[code] * share[code] * total / weight for code in rivals}


def _parts(text: ReadText) -> list[list[Line]]:
    """Lines put together by language where that is sure; else all in one part; parts too short to judge left out."""
    lines = [line for line in text.lines if line.confidence >= MIN_CONFIDENCE and _words(line.text)]
    by_language: dict[str, list[Line]] = defaultdict(list)
    if sum(_n_letters(line.text) for line in lines) >= MIN_LETTERS:
        for line in lines:
            p = language_probabilities(line.text)
            if p[language := max(p, key=p.__getitem__)] >= MIN_LINE_P:
                by_language[language].append(line)
    parts = [part for language, part in by_language.items() if _is_long(part) and _language_of(_joined(part)) == language != NO_LANGUAGE]
    if parts or not _is_long(lines):
        longest = max((_n_letters(_joined(part)) for part in parts), default=0)
        return [part for part in parts if _n_letters(_joined(part)) >= MIN_PART * longest]
    return [lines] if _language_of(_joined(lines)) != NO_LANGUAGE else []


def _language_of(text: str) -> str:
    """The likeliest language, if the text has enough of its words."""
    p = language_probabilities(text)
    language = max(p, key=p.__getitem__)
    zipf = sorted((_zipf(word, language) for word in set(_words(text))), reverse=True) if language != NO_LANGUAGE else []
    return language if len(zipf) > 1 and zipf[0] >= EVERYDAY_ZIPF and zipf[1] >= KNOWN_ZIPF else NO_LANGUAGE


def _is_long(lines: Sequence[Line]) -> bool:
    joined = _joined(lines)
    return len(_words(joined)) >= MIN_WORDS or (_n_letters(joined) >= MIN_LETTERS and len(_words(joined)) > 1)


def _joined(lines: Sequence[Line]) -> str:
    return " ".join(dict.fromkeys(line.text for line in lines))


def _words(text: str) -> list[str]:
    # NFKC folds full-width letters; the dot that lower-casing the Turkish İ leaves behind is dropped.
    return WORD.findall(ADDRESS.sub(" ", unicodedata.normalize("NFKC", text)).lower().replace("\u0307", ""))


def _n_letters(text: str) -> int:
    return sum(character.isalpha() for character in text)


def _frequency(p: Mapping[str, float], hierarchy: Hierarchy) -> dict[str, float]:
    """How often each country shows a text of these languages: the mean over the languages that it may be in."""
    frequency = dict.fromkeys(hierarchy.country_index, p.get(NO_LANGUAGE, 0.0) * NO_LANGUAGE_FREQUENCY)
    for code, probability in p.items():
        if code != NO_LANGUAGE:
            countries = _table()[code]["countries"]
            elsewhere = elsewhere_at_most(_table()[code]["elsewhere"], countries, hierarchy)
            for country in frequency:
                frequency[country] += probability * countries.get(country, elsewhere)
    return frequency


def _normalised(weights: Mapping[str, float]) -> dict[str, float]:
    total = math.fsum(weights.values())
    return {code: weight / total for code, weight in weights.items()}


@cache
def _table() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = json.loads(files("geocairn.clues").joinpath("languages.json").read_text(encoding="utf-8"))["languages"]
    return table


def _zipf(word: str, language: str) -> float:
    if language == "la":
        return LATIN_ZIPF if LATIN_WORD.fullmatch(word) else 0.0
    try:
        from wordfreq import zipf_frequency
    except ImportError:
        raise MissingExtra("telling the language of a text needs wordfreq, which is not installed: pip install geocairn[text]") from None
    return float(zipf_frequency(word, _table()[language].get("wordfreq", language), "small"))


def _lingua_confidences(codes: Sequence[str], text: str) -> dict[str, float]:
    """Lingua's confidence in each of several languages, in (0, 1], from its models of three letters: a tenth of the memory of all."""
    code_of = {_table()[code]["lingua"]: code for code in codes}
    found = _detector(tuple(code_of)).compute_language_confidence_values(text)
    return {code_of[value.language.name]: max(value.value, 1e-3) for value in found}


@cache
def _detector(languages: tuple[str, ...]) -> Any:
    try:
        from lingua import Language, LanguageDetectorBuilder
    except ImportError:
        raise MissingExtra("telling the language of a text needs lingua, which is not installed: pip install geocairn[text]") from None
    return LanguageDetectorBuilder.from_languages(*(getattr(Language, name) for name in languages)).with_low_accuracy_mode().build()
