"""Words that RapidOCR spelt with Latin look-alikes of Cyrillic capitals (PECTOPAH for РЕСТОРАН) are spelt back where only that makes a word."""

from collections.abc import Sequence
from dataclasses import replace

from geocairn.clues.raw_lines import RawLine
from geocairn.errors import MissingExtra

# Capitals alone: most small Cyrillic letters have no Latin look-alike, so whole words of them hardly occur.
CYRILLIC_FROM_LATIN = str.maketrans("ABCEHKMOPTXYI", "АВСЕНКМОРТХУІ")
CYRILLIC_LANGUAGES = ("ru", "uk", "bg")
LATIN_LANGUAGES = ("en", "fr", "de", "es", "it")
MIN_LETTERS = 4  # different ones: AAAA is a row of gables
MIN_ZIPF = 3.0  # once in a million words
MIN_GAIN = 1.5  # HOME, TOM and BEATA are words in Latin letters too


def spelt_in_own_script(lines: Sequence[RawLine]) -> list[RawLine]:
    """Lines of Latin capitals which are words only as Cyrillic letters, spelt so.

    Returns:
        As many lines, in the same order; those that are words in Latin letters, or in neither, unchanged.

    Raises:
        MissingExtra: wordfreq is not installed and a line is in doubt.
    """
    return [replace(line, text=line.text.translate(CYRILLIC_FROM_LATIN)) if _is_cyrillic(line.text) else line for line in lines]


def _is_cyrillic(text: str) -> bool:
    longest = max(text.split(), key=len, default="")
    if len(set(longest)) < MIN_LETTERS or not all(ord(character) in CYRILLIC_FROM_LATIN or not character.isalpha() for character in text):
        return False
    own = _zipf(longest.translate(CYRILLIC_FROM_LATIN), CYRILLIC_LANGUAGES)
    return own >= MIN_ZIPF and own >= MIN_GAIN + _zipf(longest, LATIN_LANGUAGES)


def _zipf(word: str, languages: Sequence[str]) -> float:
    try:
        from wordfreq import zipf_frequency
    except ImportError:
        raise MissingExtra("telling PECTOPAH from a Latin word needs wordfreq, which is not installed: pip install geocairn[text]") from None
    # The small lists load in milliseconds and hold every word above one in a million.
    return max(float(zipf_frequency(word, language, "small")) for language in languages)
