"""Things read in a photo that some countries have and others hardly: several of one kind become one clue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from geocairn.clues.clue import Clue, Tier, country_clue
from geocairn.clues.text import Line
from geocairn.places.hierarchy import Hierarchy

# Of all such sights on Earth, those abroad are at most this part of those at home: a .lu address is rarer in Chicago than a .de one.
ABROAD = 0.2
WORLDWIDE = 0.1  # met so often in every country (English, "center") that it is no longer a visitor from its own

# How far the sight was read right and is of the place, weakest first.
TIERS = (Tier.WEAK, Tier.MEDIUM, Tier.STRONG)


@dataclass(frozen=True)
class Sight:
    """One thing read.

    Attributes:
        line: where it was read.
        countries: ISO 3166 alpha-2 code -> relative frequency of the sight in photos of the country.
        elsewhere: the same for every other country, above 0: goods, people and signs travel; `elsewhere_at_most` bounds it.
        tier: how far it is to be trusted.
    """

    line: Line
    countries: Mapping[str, float]
    elsewhere: float
    tier: Tier


def clue_of_sights(kind: str, sights: Sequence[Sight], hierarchy: Hierarchy) -> list[Clue]:
    """At most one clue of a kind from all its sights: a country has to explain each of them, so their frequencies multiply.

    Lines of one sign are not independent witnesses, so equal sights count once, and the clue is trusted as its best sight is.
    """
    distinct = list({(tuple(sorted(sight.countries.items())), sight.elsewhere): sight for sight in reversed(sights)}.values())[::-1]
    if not distinct:
        return []
    frequency = dict.fromkeys(hierarchy.country_index, 1.0)
    for sight in distinct:
        elsewhere = elsewhere_at_most(sight.elsewhere, sight.countries, hierarchy)
        frequency = {country: value * sight.countries.get(country, elsewhere) for country, value in frequency.items()}
    lines = list(dict.fromkeys(sight.line for sight in distinct))
    tier = max((sight.tier for sight in distinct), key=TIERS.index)
    words = " / ".join(line.text for line in lines)
    clue = country_clue(hierarchy, frequency, kind=kind, text=words, tier=tier, box_px=lines[0].box_px)
    return [clue] if clue else []


def elsewhere_at_most(elsewhere: float, countries: Mapping[str, float], hierarchy: Hierarchy) -> float:
    """Frequency abroad of what `countries` have: `elsewhere`, but under `WORLDWIDE` no more than `ABROAD` times what they have in all."""
    if elsewhere >= WORLDWIDE:
        return elsewhere
    weight = sum(
        frequency * hierarchy.weight[hierarchy.country_index[country]] for country, frequency in countries.items() if country in hierarchy.country_index
    )
    return min(elsewhere, ABROAD * float(weight)) if weight > 0 else elsewhere
