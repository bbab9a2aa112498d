"""A small Earth for the text clues: some forty countries with one city each, weighted by rough numbers of travel photos."""

import numpy as np
import pytest

from geocairn.clues.text import Line, ReadText
from geocairn.places.hierarchy import Hierarchy, Strings, check_hierarchy

WEIGHTS = {
    "US": 30, "CN": 8, "GB": 10, "IT": 6, "FR": 7, "ES": 6, "HK": 2, "CA": 4, "TH": 2, "MX": 2, "TR": 2, "GR": 2, "ZA": 1, "JP": 4, "BE": 1, "PE": 1,
    "AU": 3, "DE": 5, "IN": 2, "AT": 1, "LU": 0.3, "HU": 1, "RU": 2, "RO": 0.7, "KR": 1, "NL": 2, "NO": 1, "SG": 0.7, "PT": 1.5, "IE": 1, "UA": 0.6,
    "BG": 0.4, "RS": 0.3, "PL": 1, "CZ": 1, "SE": 1, "DK": 0.6, "IL": 0.5, "EG": 0.6, "IR": 0.3, "TW": 1, "BR": 2, "CH": 1.4, "VN": 0.8, "ID": 0.9,
    "MY": 0.6, "FI": 0.5, "IS": 0.5, "HR": 0.6, "MK": 0.1, "BY": 0.1, "NZ": 0.9, "AE": 0.5, "AR": 1.1, "MN": 0.1, "IO": 0.01,
}  # fmt: skip


@pytest.fixture(scope="session")
def hierarchy() -> Hierarchy:
    codes, n = list(WEIGHTS), len(WEIGHTS)
    weight = np.array(list(WEIGHTS.values()))
    units = np.random.default_rng(0).normal(size=(n, 3))
    leaf = np.arange(n, dtype=np.int32)
    earth = Hierarchy(
        level_names=("country", "city"),
        level=np.repeat(np.array([0, 1], dtype=np.int8), n),
        parent=np.concatenate([np.full(n, -1), np.arange(n)]).astype(np.int32),
        unit=np.tile(units / np.linalg.norm(units, axis=1, keepdims=True), (2, 1)),
        radius_km=np.full(2 * n, 10, dtype=np.float32),
        count=np.full(2 * n, 1000, dtype=np.int64),
        weight=np.tile(weight / weight.sum(), 2),
        area_km2=np.full(2 * n, 300, dtype=np.float32),
        leaf_start=np.tile(leaf, 2),
        leaf_stop=np.tile(leaf + 1, 2),
        ids=Strings.of([*codes, *(f"{code}/city" for code in codes)]),
        names=Strings.of([*codes, *(f"City of {code}" for code in codes)]),
    )
    check_hierarchy(earth)
    return earth


@pytest.fixture(scope="session")
def favours(hierarchy):
    """A function that tells the countries a clue favours, best first: those more than twice as likely as at large."""

    def favoured(clue) -> list[str]:
        assert float(hierarchy.weight[hierarchy.leaves] @ clue.ratio) == pytest.approx(1, abs=1e-4)
        assert clue.ratio.dtype == np.float32
        assert hierarchy.level[clue.supports] == 0
        order = np.argsort(-clue.ratio, kind="stable")
        return [hierarchy.ids[int(index)] for index in order if clue.ratio[index] > 2]

    return favoured


@pytest.fixture(scope="session")
def ratio_of(hierarchy):
    """A function that tells how much likelier a clue is in a country than at large."""
    return lambda clue, country: float(clue.ratio[hierarchy.country_index[country]])


@pytest.fixture(scope="session")
def text_of():
    """A function that puts lines one under another, 100 px wide and 20 px high."""

    def text(*lines: str, confidence: float = 0.97) -> ReadText:
        return ReadText(tuple(Line(line, confidence, (0.0, 30.0 * i, 100.0, 30.0 * i + 20)) for i, line in enumerate(lines)))

    return text
