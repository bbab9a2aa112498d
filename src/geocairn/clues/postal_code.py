"""Postal codes favour the country whose pattern they follow; patterns that many countries share say nothing."""

import re
import unicodedata
from collections.abc import Iterator, Mapping

from geocairn.clues.clue import Clue, Tier
from geocairn.clues.sight import Sight, clue_of_sights
from geocairn.clues.text import Line, ReadText
from geocairn.places.hierarchy import Hierarchy

MIN_CONFIDENCE = 0.8
ELSEWHERE = 0.01  # an address abroad, or letters and digits that happen to fall so
TOWN = r",? +[^\W\d_][^\W\d_'’.-]{2,}"  # most codes are just numbers until a town follows
STATES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH OK OR PA RI SC SD TN TX UT VA VT WA WI WV WY"
)
PREFIXES = {"A": "AT", "B": "BE", "CH": "CH", "CZ": "CZ", "D": "DE", "DE": "DE", "DK": "DK", "E": "ES", "EE": "EE", "F": "FR", "FI": "FI", "FIN": "FI"}
PREFIXES |= {"FL": "LI", "H": "HU", "HR": "HR", "I": "IT", "IT": "IT", "L": "LU", "LT": "LT", "LV": "LV", "MC": "MC", "MD": "MD", "N": "NO", "NL": "NL"}
PREFIXES |= {"P": "PT", "PL": "PL", "RO": "RO", "S": "SE", "SE": "SE", "SI": "SI", "SK": "SK"}

PATTERNS: tuple[tuple[str, Mapping[str, float], Tier], ...] = (
    (r"(?<!\w)[A-PR-UWYZ][A-HK-Y]?\d[A-HJKPSTUW\d]? \d[ABD-HJLNP-UW-Z]{2}(?!\w)", {"GB": 1.0, "GG": 0.5, "JE": 0.5, "IM": 0.5}, Tier.STRONG),
    (r"(?<!\w)[ABCEGHJ-NPR-TVXY]\d[ABCEGHJ-NPR-TV-Z] ?\d[ABCEGHJ-NPR-TV-Z]\d(?!\w)", {"CA": 1.0}, Tier.STRONG),
    (rf"(?<!\w)(?:{STATES.replace(' ', '|')})\.?,? +\d{{5}}(?:-\d{{4}})?(?!\d)", {"US": 1.0}, Tier.STRONG),
    (r"(?<!\w)(?:NSW|VIC|QLD|TAS|ACT|Vic\.|Qld|Tas\.),? +\d{4}(?!\d)", {"AU": 1.0}, Tier.STRONG),
    (r"〒 ?\d{3}-?\d{4}(?!\d)", {"JP": 1.0}, Tier.STRONG),
    (r"(?<!\w)\d{5}-\d{3}(?!\d)", {"BR": 1.0}, Tier.MEDIUM),
    (rf"(?<![\w-])\d{{4}}-\d{{3}}{TOWN}", {"PT": 1.0}, Tier.STRONG),
    (rf"(?<![\w-])\d{{2}}-\d{{3}}{TOWN}", {"PL": 1.0}, Tier.STRONG),
    (rf"(?<!\w)[1-9]\d{{3}} ?(?!SA|SD|SS|AD|BC|AM|PM|KM|KG)[A-Z]{{2}}(?!\w){TOWN}", {"NL": 1.0}, Tier.STRONG),
    (rf"(?<![\w.,:/-])\d{{3}} \d{{2}}{TOWN}", {"SE": 1.0, "CZ": 1.0, "SK": 1.0, "GR": 0.7}, Tier.MEDIUM),
    (r"(?<!\w)\d{5} [^\W\d_]{3,}(?: [^\W\d_]{2,}){0,2} \([A-Z]{2}\)", {"IT": 1.0}, Tier.STRONG),
    (r"(?<!\w)[^\W\d_]{4,} ?[-–] ?\d{3} ?\d{3}(?!\d)", {"IN": 1.0}, Tier.MEDIUM),
    (r"(?i:(?<!\w)singapore) \(?\d{6}(?!\d)", {"SG": 1.0}, Tier.STRONG),
    (r"(?<!\w)(?:[AC-FHKNPRTV-Y]\d\d|D6W) (?=[0-9A-Z]*\d)(?=[0-9A-Z]*[A-Z])[0-9AC-FHKNPRTV-Y]{4}(?!\w)", {"IE": 1.0}, Tier.MEDIUM),
)
WITH_PREFIX = re.compile(rf"(?<!\w)({'|'.join(PREFIXES)})-\d{{4,5}}(?!\d)(?:{TOWN})")


def postal_code_clues(text: ReadText, hierarchy: Hierarchy) -> list[Clue]:
    """One clue from all postal codes of a pattern that one country or few have; bare numbers say nothing."""
    lines = [line for line in text.lines if line.confidence >= MIN_CONFIDENCE and any(character.isdecimal() for character in line.text)]
    return clue_of_sights("postal_code", [sight for line in lines for sight in _sights(line)], hierarchy)


def _sights(line: Line) -> Iterator[Sight]:
    marked = "〒" in line.text  # NFKC leaves the postal mark as it is
    words = unicodedata.normalize("NFKC", line.text)
    for match in WITH_PREFIX.finditer(words):
        yield Sight(line, {PREFIXES[match[1]]: 1.0}, ELSEWHERE, Tier.STRONG)
    for pattern, countries, tier in PATTERNS:
        if (marked or "〒" not in pattern) and re.search(pattern, words):
            yield Sight(line, countries, ELSEWHERE, tier)
