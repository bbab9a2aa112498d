"""Phone numbers favour the countries that they are in."""

import re
from collections.abc import Iterator
from typing import Any

from geocairn.clues.clue import Clue, Tier
from geocairn.clues.sight import Sight, clue_of_sights
from geocairn.clues.text import Line, ReadText
from geocairn.errors import MissingExtra
from geocairn.places.hierarchy import Hierarchy

MIN_CONFIDENCE = 0.8  # one wrong digit is another country
MIN_DIGITS = 7
# Head offices abroad, tourists' services and posters of other countries have numbers too; a national format is met by chance more often.
ELSEWHERE, ELSEWHERE_NATIONAL = 0.02, 0.05
# Formats without a country code that few countries use, and which: phonenumbers then says in which of them the number exists.
NATIONAL = (
    (re.compile(r"(?<!\d)(?:1[-. ])?\(?[2-9]\d\d\)?[-. ] ?[2-9]\d\d[-. ]\d{4}(?!\d)"), ("US", "CA", "PR", "DO", "JM", "BS", "TT")),
    (re.compile(r"(?<!\d)0[1-9]([ .-]?)\d\d(?:\1\d\d){3}(?!\d)"), ("FR", "MA", "DZ", "GP", "RE")),
    (re.compile(r"(?<!\d)\(?0(?:20\)? \d{4} \d{4}|1\d{3}\)? \d{6}|1\d1\)? \d{3} \d{4}|[38]\d\d \d{3} \d{4}|7\d{3} \d{6})(?!\d)"), ("GB",)),
    (re.compile(r"(?<!\d)\(?0\d{1,2}[-)] ?\d{4}-\d{4}(?!\d)"), ("JP", "KR", "TW")),
    (re.compile(r"(?<!\d)\(0[2378]\) ?\d{4} \d{4}(?!\d)"), ("AU",)),
    (re.compile(r"(?<!\d)8 ?\(\d{3}\) ?\d{3}-\d\d-\d\d(?!\d)"), ("RU", "KZ")),
    (re.compile(r"(?<!\d)\(\d\d\) ?9?\d{4}-\d{4}(?!\d)"), ("BR",)),
)


def phone_clues(text: ReadText, hierarchy: Hierarchy) -> list[Clue]:
    """One clue from all phone numbers of the text; none where there are none.

    Numbers with a country code (+49 ..., 0049 ...) are strong, national formats that few countries use are medium; other digits say nothing.

    Raises:
        MissingExtra: phonenumbers is not installed and the text has enough digits for a number.
    """
    lines = [line for line in text.lines if line.confidence >= MIN_CONFIDENCE and sum(character.isdecimal() for character in line.text) >= MIN_DIGITS]
    return clue_of_sights("phone", [sight for line in lines for sight in _sights(line)], hierarchy)


def _sights(line: Line) -> Iterator[Sight]:
    library = _library()
    found = False
    for match in library.PhoneNumberMatcher(re.sub(r"(?<![\d.,])00(?=[1-9])", "+", line.text), None):
        found = True
        yield Sight(line, _countries_of(match.number), ELSEWHERE, Tier.STRONG)
    if found:
        return
    for pattern, regions in NATIONAL:
        for candidate in pattern.finditer(line.text):
            countries = {region: 1.0 for region in regions if _exists(candidate.group(), region)}
            if countries:
                yield Sight(line, countries, ELSEWHERE_NATIONAL, Tier.MEDIUM)


def _countries_of(number: Any) -> dict[str, float]:
    library = _library()
    region = library.region_code_for_number(number)
    regions = [region] if region else library.region_codes_for_country_code(number.country_code)
    return dict.fromkeys(regions, 1.0)


def _exists(digits: str, region: str) -> bool:
    library = _library()
    try:
        number = library.parse(digits, region)
    except library.NumberParseException:
        return False
    # Free numbers (1-800) belong to all countries that share a code, so a valid one is enough there.
    return bool(library.is_valid_number_for_region(number, region) or library.number_type(number) == library.PhoneNumberType.TOLL_FREE)


def _library() -> Any:
    try:
        import phonenumbers
    except ImportError:
        raise MissingExtra("reading phone numbers needs phonenumbers, which is not installed: pip install geocairn[text]") from None
    return phonenumbers
