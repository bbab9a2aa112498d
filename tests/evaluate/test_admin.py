"""Which place is the right one, under either rule: the known faults of published figures are what `osv5m_compat` repeats and `corrected` does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geocairn.evaluate import admin
from geocairn.evaluate.admin import AdminTable, corrected_right, has_names, nearest_labels, osv5m_compat_right, polygon_country_right
from geocairn.evaluate.guess import Label
from geocairn.evaluate.truth import Places, Truth
from geocairn.geo.sphere import distance_km
from geocairn.places.entities import LEVELS

FR, JP, US, PARIS_FR, PARIS_US = Label("FR", "France"), Label("JP", "Japan"), Label("US", "United States"), Label("FR/11/1", "Paris"), Label("US/TX/1", "Paris")
NOWHERE = (np.nan, np.nan)


def named(text):
    return None if text is None else Label(None, text)


def truth_of(rows, *, source=None, osv5m_keys=None):
    """Truths from rows of (country code, region, subregion, city), None for what is missing."""
    columns = dict(zip(LEVELS, zip(*rows, strict=True), strict=True))
    labels = {level: tuple(map(named, cells)) for level, cells in columns.items()}
    labels["country"] = tuple(code and Label(code, code) for code in columns["country"])
    keys = {level: tuple("_".join(part or "NaN" for part in row[depth::-1]) for row in rows) for depth, level in enumerate(LEVELS)}
    latlon = np.zeros((len(rows), 2))
    return Truth(latlon, np.full(len(rows), -1), labels, source or dict.fromkeys(LEVELS, "manifest"), osv5m_keys or keys)


def guesses_of(rows):
    return truth_of(rows).labels


@pytest.fixture
def table(monkeypatch):
    """Towns along the equator at 0, 1, 2, ... degrees east, as (country, region, subregion, city)."""

    def use(*rows):
        towns = np.column_stack([np.zeros(len(rows)), np.arange(len(rows))]).astype(float)
        made = AdminTable(towns, {level: tuple(row[depth] for row in rows) for depth, level in enumerate(LEVELS)})
        monkeypatch.setattr(admin, "load_admin_table", lambda: made)
        return towns

    return use


@pytest.mark.parametrize(
    ("true", "guessed", "right"),
    [
        ((FR, PARIS_FR), (FR, PARIS_FR), 1.0),
        ((FR, PARIS_FR), (FR, PARIS_US), 0.0),  # two ids differ, whatever the names
        ((FR, PARIS_FR), (FR, None), 0.0),
        ((FR, named("paris ")), (FR, PARIS_FR), 1.0),  # by name, without case and blanks
        ((FR, named("Paris")), (US, PARIS_US), 0.0),  # the same name in the wrong country
        ((FR, named("Paris")), (JP, PARIS_FR), 1.0),  # the city's own country counts, not what was likeliest of all countries
        ((None, named("Paris")), (US, PARIS_US), 1.0),  # the country is not known
        ((FR, named("\u00cele")), (FR, named("I\u0302le")), 1.0),  # composed otherwise
        ((FR, None), (FR, PARIS_FR), np.nan),
        ((FR, None), (FR, None), np.nan),
    ],
)
def test_what_is_right_when_corrected(places, true, guessed, right):
    labels = {"country": (true[0],), "region": (None,), "city": (true[1],)}
    truth = Truth(np.zeros((1, 2)), np.zeros(1, dtype=int), labels, {"country": "manifest", "region": "nearest place", "city": "manifest"})
    found = corrected_right(truth, {"country": (guessed[0],), "region": (None,), "city": (guessed[1],)}, places)
    np.testing.assert_equal(found["city"], [right])


KEYS = [
    # true, guessed, right at region, subregion, city
    (("FR", "A", "B", "C"), ("FR", "A", "B", "C"), (1, 1, 1)),
    (("FR", "A", "B", "C"), ("FR", "A", "X", "C"), (1, 0, 0)),  # the same name elsewhere in the region
    (("FR", "A", "B", "C"), ("FR", "X", "B", "C"), (0, 0, 0)),
    (("FR", "A", None, "C"), ("FR", "A", None, "C"), (1, np.nan, 1)),  # both lack the subregion
    (("FR", "A", None, "C"), ("FR", "A", "B", "C"), (1, np.nan, 0)),  # one lacks it
    (("FR", "A", "B", "C"), ("FR", "A", None, "C"), (1, 0, 0)),
    (("FR", None, None, "C"), ("FR", None, None, "C"), (np.nan, np.nan, 1)),
    (("NA", "A", None, "C"), ("NA", "A", None, "C"), (1, np.nan, 1)),  # Namibia
    (("FR", None, None, None), ("FR", "A", "B", "C"), (np.nan, np.nan, np.nan)),
]


@pytest.mark.parametrize(("true", "guessed", "right"), KEYS)
def test_a_missing_part_equals_a_missing_part(places, true, guessed, right):
    found = corrected_right(truth_of([true]), guesses_of([guessed]), places)
    np.testing.assert_equal([found[level][0] for level in LEVELS[1:]], right)


def test_levels_that_the_manifest_does_not_label_are_no_part_of_a_key(places):
    source = dict.fromkeys(LEVELS, "nearest place") | {"city": "manifest"}
    truth = truth_of([("FR", "A", "B", "C")], source=source)
    assert corrected_right(truth, guesses_of([("FR", "X", "Y", "C")]), places)["city"].tolist() == [1]
    assert corrected_right(truth, guesses_of([("JP", "A", "B", "C")]), places)["city"].tolist() == [0]


def test_compat_is_the_equality_of_strings(table, places):
    towns = table(("FR", "A", "B", "C"), ("FR", "A", "", "C"), ("NA", "A", "B", "C"))
    truth = truth_of([("FR", "A", "B", "C"), ("FR", "A", None, "C"), ("NA", "A", "B", "C"), ("FR", "A", "B", "C")])
    guessed = np.vstack([towns, NOWHERE])
    corrected = corrected_right(truth, nearest_labels(guessed, truth, places), places)
    compat = osv5m_compat_right(truth, guessed, corrected)
    # The second is exactly right, but its place has no subregion; the fourth failed.
    assert {level: right.tolist() for level, right in compat.items()} == {
        "country": [1, 1, 1, 0],
        "region": [1, 1, 1, 0],
        "subregion": [1, 0, 1, 0],
        "city": [1, 0, 1, 0],
    }
    np.testing.assert_equal(corrected["subregion"], [1, np.nan, 1, 0])
    np.testing.assert_equal(corrected["city"], [1, 1, 1, 0])


def test_empty_equals_empty_is_no_hit(table, places):
    """Of 50 photos 24 have an area and 5 of these are hit; 23 others have none, are guessed where there is none, and plain equality would call them hits."""
    towns = table(("FR", "R", "right", "C"), ("FR", "R", "wrong", "C"), ("FR", "R", "", "C"))
    rows = [("FR", "R", "right", "C")] * 24 + [("FR", "R", None, "C")] * 26
    guessed = np.concatenate([towns[[0] * 5], towns[[1] * 19], towns[[2] * 23], towns[[1] * 3]])
    truth = truth_of(rows)
    labels = nearest_labels(guessed, truth, places)
    plain = sum((a and a.name) == (b and b.name) for a, b in zip(truth.labels["subregion"], labels["subregion"], strict=True))
    assert plain == 28
    corrected = corrected_right(truth, labels, places)
    assert (np.nansum(corrected["subregion"]), np.isfinite(corrected["subregion"]).sum()) == (5, 24)
    compat = osv5m_compat_right(truth, guessed, corrected)
    assert (compat["subregion"].sum(), len(compat["subregion"])) == (5, 50)


def test_two_towns_of_one_key_are_one_place_to_both_rules(table, places):
    towns = table(("FR", "A", "B", "C"), ("FR", "A", "B", "C"))
    truth = truth_of([("FR", "A", "B", "C")])
    for town in towns[:, None]:
        corrected = corrected_right(truth, nearest_labels(town, truth, places), places)
        assert corrected["city"].tolist() == osv5m_compat_right(truth, town, corrected)["city"].tolist() == [1]


def test_a_label_called_nmb_is_not_namibia_to_compat(table, places):
    towns = table(("NA", "A", "B", "C"), ("FR", "A", "B", "C"))
    plain, damaged = truth_of([("NA", "A", "B", "C")]), truth_of([("NA", "A", "B", "C")], osv5m_keys={"country": ("NMB",)})
    for truth, right in ((plain, 1), (damaged, 0)):
        corrected = corrected_right(truth, nearest_labels(towns[:1], truth, places), places)
        assert corrected["country"].tolist() == [1]
        assert osv5m_compat_right(truth, towns[:1], corrected)["country"].tolist() == [right]


words = st.sampled_from([None, "A", "B", "Nan"])
chains = st.lists(st.tuples(st.sampled_from(["FR", "NA", "JP"]), words, words, words), min_size=1, max_size=12)


@given(chains, st.integers(0, 3))
def test_compat_is_a_floor(chains_drawn, shift):
    towns = np.column_stack([np.zeros(len(chains_drawn)), np.arange(len(chains_drawn))]).astype(float)
    made = AdminTable(towns, {level: tuple(row[depth] or "" for row in chains_drawn) for depth, level in enumerate(LEVELS)})
    truth, guessed = truth_of(chains_drawn), np.roll(towns, shift, axis=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(admin, "load_admin_table", lambda: made)
        labels = {level: tuple(map(named, np.roll(np.array([row[depth] for row in chains_drawn], dtype=object), shift))) for depth, level in enumerate(LEVELS)}
        labels["country"] = tuple(Label(label.name, label.name) for label in labels["country"])
        corrected = corrected_right(truth, labels, NO_PLACES)
        compat = osv5m_compat_right(truth, guessed, corrected)
    for level in LEVELS:
        assert (compat[level] <= np.nan_to_num(corrected[level])).all()
        assert ((compat[level] == 1) <= (np.array([label is not None for label in truth.labels[level]]))).all()


class NoHierarchy:
    """Knows no place by its id."""

    level_names = LEVELS

    def index_of(self, place_id):
        from geocairn.errors import UnknownName

        raise UnknownName(place_id)


NO_PLACES = Places(NoHierarchy(), None)


def test_which_manifests_have_names(places):
    assert has_names(truth_of([("FR", "A", None, None)]))
    assert not has_names(truth_of([("FR", None, None, None)]))
    assert not has_names(truth_of([("FR", "A", None, None)], source=dict.fromkeys(LEVELS, "nearest place")))
    ids = Truth(np.zeros((1, 2)), np.zeros(1), {"country": (FR,), "city": (PARIS_FR,)}, {"country": "manifest", "city": "manifest"})
    assert not has_names(ids)


def test_levels_labelled_by_ids_are_compared_by_ids_under_compat_too(table, places):
    table(("FR", "A", "B", "C"))
    labels = {"country": (FR, FR), "city": (PARIS_FR, None)}
    truth = Truth(np.zeros((2, 2)), np.zeros(2), labels, {"country": "manifest", "city": "manifest"}, {"country": ("FR", "FR")})
    corrected = corrected_right(truth, labels, places)
    assert osv5m_compat_right(truth, np.zeros((2, 2)), corrected)["city"].tolist() == [1, 0]  # the photo without a label counts


def test_nearest_is_measured_in_degrees_as_the_labels_were():
    table = AdminTable(np.array([[60.0, 3.5], [62.0, 0.0], [0.0, 179.0]]), dict.fromkeys(LEVELS, ("",) * 3))
    at = np.array([[60.0, 0.0], [0.0, -179.9], NOWHERE])
    assert table.nearest(at).tolist() == [1, 1, -1]  # though 3.5 degrees are 195 km there, 2 of latitude 222, and the antimeridian is no edge


def test_the_table_that_the_labels_were_made_from():
    table = admin.load_admin_table()
    assert len(table.latlon_deg) == 144_563
    assert sum(name == "" for name in table.names["subregion"]) == 60_587  # 41.9 % can never be right under compat
    keys = list(zip(*(table.names[level] for level in LEVELS), strict=True))
    assert len(keys) - len(set(keys)) == 2_556
    assert "NA" in table.names["country"]
    assert "NaN" not in {name for names in table.names.values() for name in names}  # so no missing label can be met by chance
    assert "Nan" in table.names["region"]


def test_the_true_point_is_right_at_every_level_that_has_a_label(places):
    table = admin.load_admin_table()
    points = np.random.default_rng(0).uniform((-60, -180), (75, 180), (300, 2))
    rows = table.nearest(points)
    truth = truth_of([tuple(table.names[level][row] or None for level in LEVELS) for row in rows.tolist()])
    corrected = corrected_right(truth, nearest_labels(points, truth, places), NO_PLACES)
    assert all(np.nanmean(corrected[level]) == 1 for level in LEVELS)
    compat = osv5m_compat_right(truth, points, corrected)
    has_subregion = np.array([label is not None for label in truth.labels["subregion"]])
    assert compat["subregion"].tolist() == compat["city"].tolist() == has_subregion.astype(float).tolist()
    assert 0.1 < has_subregion.mean() < 0.9
    assert compat["country"].all()


PARIS, LYON, ATLANTIC, OFF_BREST, GENEVA = (48.85, 2.35), (45.76, 4.84), (40.0, -40.0), (48.3, -5.6), (46.2, 6.15)


@pytest.mark.parametrize(
    ("true", "guessed", "right"),
    [(PARIS, LYON, 1), (PARIS, GENEVA, 0), (PARIS, ATLANTIC, 0), (OFF_BREST, PARIS, 1), (OFF_BREST, OFF_BREST, 0), (PARIS, NOWHERE, 0)],
)
def test_a_country_by_polygon(true, guessed, right):
    assert polygon_country_right(np.array([true]), np.array([guessed])).tolist() == [right]
    assert distance_km(true, guessed) < 6000 or guessed is NOWHERE
