"""Administrative labels of rows: what a missing name is, the chains of OSV-5M's keys, and the ids that chains of names give."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from geocairn.coordinates import Coded
from geocairn.places.entities import LEVELS
from geocairn.places.members import PlaceTable, Standing

Chain = tuple[str, ...]
"""Names at country, region, subregion and city, empty where the level is missing."""

# As data sets write them. "Nan" is a province of Thailand, "NA" is Namibia: neither is missing.
_NO_NAME = ("", "NaN", "nan")
# What OSV-5M's hand-made mend writes for the country that pandas took for a missing value.
NAMIBIA = {"NMB": "NA"}

OSV5M_COLUMNS = ("country", "region", "sub-region", "city")
OSV5M_KEYS = tuple(f"unique_{name}" for name in OSV5M_COLUMNS)


class NoChain(ValueError):
    """A row whose labels give no chain; the message is the reason under which it is counted."""


def name_of_label(cell: str | None) -> str:
    """The name that a cell holds, in Unicode's composed form (NFC) and without blanks around it; empty where it holds none.

    >>> [name_of_label(cell) for cell in ("Île", "NaN", "nan", " ", None, "Nan", "NA")]
    ['Île', '', '', '', '', 'Nan', 'NA']
    """
    name = unicodedata.normalize("NFC", cell or "").strip()
    return "" if name in _NO_NAME else name


def chain_of_names(cells: Sequence[str | None]) -> Chain:
    """The chain of the cells country, region, subregion and city.

    Raises:
        NoChain: the country is missing.
    """
    country, *finer = map(name_of_label, cells)
    if not country:
        raise NoChain("no country")
    return (NAMIBIA.get(country, country), *finer)


def chain_of_keys(cells: Sequence[str | None]) -> Chain:
    """The chain of OSV-5M's cells unique_country, unique_region, unique_sub-region and unique_city.

    Each key is a name, an underscore and the key above. Names hold underscores themselves, so the key above is taken off the end, not split off.

    Raises:
        NoChain: the country is missing, or a key does not end with the key above it.

    >>> chain_of_keys(["NZ", "Chatham Islands_NZ", "NaN", "Waitangi_NaN_Chatham Islands_NZ"])
    ('NZ', 'Chatham Islands', '', 'Waitangi')
    """
    country, *keys = map(name_of_label, cells)
    # Whoever lost the country NA as a missing value may still have it at the end of the other keys.
    country = country or ("NA" if any(key.endswith("_NA") for key in keys) else "")
    names, above = [country], [country, NAMIBIA.get(country, country)]
    for key in keys if country else ():
        ending = next((f"_{ending}" for ending in above if key.endswith(f"_{ending}")), "")
        if key and not ending:
            raise NoChain("a key that does not end with the key above it")
        names.append(name_of_label(key.removesuffix(ending)))
        above = [key] if key else [f"{word}{ending}" for word in ("NaN_", "nan_", "_", "") for ending in above]
    return chain_of_names(names)


def stand_by_labels(columns: Sequence[Coded], chain_of: Callable[[Sequence[str | None]], Chain]) -> Standing:
    """Where rows stand by their labels.

    Args:
        columns: one of N cells per level, coarse to fine.
        chain_of: `chain_of_names` or `chain_of_keys`.
    """
    combined = np.zeros(len(columns[0].codes), dtype=np.int64)
    for column in columns:
        _, combined = np.unique(combined * (len(column.values) + 1) + column.codes, return_inverse=True)
    _, first_row, combination = np.unique(combined, return_index=True, return_inverse=True)
    chains: list[Chain | None] = []
    rejected = Counter[str]()
    for row, n_rows in zip(first_row.tolist(), np.bincount(combination).tolist(), strict=True):
        try:
            chains.append(chain_of([column.values[code] if (code := int(column.codes[row])) >= 0 else None for column in columns]))
        except NoChain as reason:
            chains.append(None)
            rejected[str(reason)] += n_rows
    table, place = table_of_chains(chains)
    return Standing(table, place[combination], rejected)


def filled_labels(columns: Sequence[Coded]) -> list[Coded]:
    """Labels with what a row does not say of a coarser level taken from the rows of its country that name the same finer place, where these agree.

    Args:
        columns: one of N cells per level, coarse to fine, the country first.

    Returns:
        The same with names for cells (`name_of_label`). Right where labels are missing by chance, and names are borne by one place of a level and country.
    """
    named = [_named(column) for column in columns]
    country, codes = named[0].codes, [column.codes.astype(np.int64) for column in named]
    # The finest first: what a city says of its subregion may say more of the region.
    for finer in range(len(named) - 1, 1, -1):
        place = np.where((country >= 0) & (codes[finer] >= 0), country * (len(named[finer].values) + 1) + codes[finer], -1)
        for coarser in range(finer - 1, 0, -1):
            known = (place >= 0) & (codes[coarser] >= 0)
            pairs = np.unique(np.stack([place[known], codes[coarser][known]], axis=1), axis=0)
            places, first, n_names = np.unique(pairs[:, 0], return_index=True, return_counts=True)
            agreed, name = places[n_names == 1], pairs[first[n_names == 1], 1]
            row = np.flatnonzero((place >= 0) & (codes[coarser] < 0) & np.isin(place, agreed))
            codes[coarser][row] = name[np.searchsorted(agreed, place[row])]
    return [Coded(code, column.values) for code, column in zip(codes, named, strict=True)]


def id_of_chain(chain: Sequence[str]) -> str:
    """The id of the finest place of a chain: the names down to it between slashes, nothing between two slashes for a missing level.

    A slash, a per cent sign and characters that are not printed are written as in URLs, so that different chains have different ids.

    >>> id_of_chain(["NZ", "Chatham Islands", "", "Waitangi"]), id_of_chain(["GB", "A/B", "", ""])
    ('NZ/Chatham Islands//Waitangi', 'GB/A%2FB')
    """
    last = max(level for level, name in enumerate(chain) if name)
    return "/".join(map(_quoted, chain[: last + 1]))


def table_of_chains(chains: Sequence[Chain | None]) -> tuple[PlaceTable, NDArray[np.int64]]:
    """All places that the chains name.

    Args:
        chains: in any order, equal ones and None among them.

    Returns:
        The table, and (len(chains),) the index of each chain's finest place, -1 for None.
    """
    ancestors = {chain[: level + 1] + ("",) * (len(LEVELS) - level - 1) for chain in chains if chain for level in range(len(LEVELS)) if chain[level]}
    # A missing level is an empty name and sorts first, so what lies right below a place stands before what lies in its parts.
    places = sorted(ancestors)
    index = {place: row for row, place in enumerate(places)}
    levels = [max(level for level, name in enumerate(place) if name) for place in places]
    table = PlaceTable(
        level_names=LEVELS,
        level=np.array(levels, dtype=np.int64),
        parent=np.array([_parent(place, level, index) for place, level in zip(places, levels, strict=True)], dtype=np.int64),
        ids=[id_of_chain(place) for place in places],
        names=[place[level] for place, level in zip(places, levels, strict=True)],
    )
    return table, np.array([-1 if chain is None else index[chain] for chain in chains], dtype=np.int64)


def _parent(place: Chain, level: int, index: Mapping[Chain, int]) -> int:
    above = [finer for finer in range(level) if place[finer]]
    return index[place[: above[-1] + 1] + ("",) * (len(place) - above[-1] - 1)] if above else -1


def _quoted(name: str) -> str:
    return "".join(char if char.isprintable() and char not in "/%" else "".join(f"%{byte:02X}" for byte in char.encode()) for char in name)


def _named(column: Coded) -> Coded:
    """The same cells as names, equal ones with one code, -1 where there is no name."""
    names = [name_of_label(value) for value in column.values]
    values = sorted({name for name in names if name})
    code = {name: index for index, name in enumerate(values)}
    codes = np.array([*(code.get(name, -1) for name in names), -1], dtype=np.int64)
    return Coded(codes[column.codes], tuple(values))
