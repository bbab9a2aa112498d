"""True places: from labels, from names, and from the nearest place; what counts as the right place."""

import numpy as np
import pytest

from geocairn.errors import BadManifest
from geocairn.evaluate.guess import Label
from geocairn.evaluate.truth import places_right, true_places
from geocairn.manifest import read_manifest

ROWS = {"a": "48.9,2.3", "b": "45.8,4.8", "c": "35.7,139.7", "d": "-40,-120"}


def manifest(write, header="", cells=("", "", "", "")):
    rows = [f"{name},{point}{cell}" for (name, point), cell in zip(ROWS.items(), cells, strict=True)]
    return read_manifest(write("m.csv", "\n".join([f"photo,lat_deg,lon_deg{header}", *rows])))


def ids(labels):
    return [label.id if label else None for label in labels]


def test_an_unlabelled_manifest_is_labelled_by_the_nearest_place(write, places):
    truth = true_places(manifest(write), places)
    assert truth.leaf.tolist() == [0, 1, 2, -1]
    assert ids(truth.labels["country"]) == ["FR", "FR", "JP", None]
    assert ids(truth.labels["city"]) == ["FR/11/1", "FR/84/2", "JP/13/3", None]
    assert set(truth.source.values()) == {"nearest place"}


def test_labels_of_the_manifest_win_and_an_empty_cell_stays_empty(write, places):
    truth = true_places(manifest(write, ",country,region", (",JP,", ",fr,FR/11", ",France,Tokyo", ",,")), places)
    assert ids(truth.labels["country"]) == ["JP", "FR", "FR", None]
    assert ids(truth.labels["region"]) == [None, "FR/11", None, None]
    assert truth.labels["region"][2].name == "Tokyo"
    assert truth.source == {"country": "manifest", "region": "manifest", "city": "nearest place"}


def test_a_country_without_a_city_keeps_its_code_and_namibia_is_one(write, places):
    truth = true_places(manifest(write, ",country", (",NA", ",aq", ",JP", ",FR")), places)
    assert ids(truth.labels["country"]) == ["NA", "AQ", "JP", "FR"]


def test_a_country_that_nobody_knows_is_refused(write, places):
    with pytest.raises(BadManifest, match=r"country 'Franconia' is not known; write countries as ISO 3166 alpha-2 codes"):
        true_places(manifest(write, ",country", (",Franconia", ",FR", ",JP", ",FR")), places)


def test_an_unknown_point_has_no_place(places):
    assert places.labels_at(np.array([[np.nan, np.nan], [48.9, 2.3]]))["country"] == (None, Label("FR", "France"))


FR, JP, PARIS_FR, PARIS_US = Label("FR", "France"), Label("JP", "Japan"), Label("FR/11/1", "Paris"), Label("US/TX/1", "Paris")


@pytest.mark.parametrize(
    ("true", "guessed", "country_right", "right"),
    [
        (FR, FR, None, 1.0),
        (FR, JP, None, 0.0),
        (FR, None, None, 0.0),
        (PARIS_FR, PARIS_US, 1.0, 0.0),  # two ids differ, whatever the names
        (Label(None, "paris "), PARIS_FR, 1.0, 1.0),  # by name, without case and blanks
        (Label(None, "Paris"), PARIS_US, 0.0, 0.0),  # the same name in the wrong country
        (Label(None, "Paris"), PARIS_US, np.nan, 1.0),  # the country is not known
        (Label(None, "Île-de-France"), Label("FR/11", "I\u0302le-de-France"), 1.0, 1.0),  # composed otherwise
    ],
)
def test_what_counts_as_right(true, guessed, country_right, right):
    countries = None if country_right is None else np.array([country_right])
    assert places_right([true], [guessed], countries).tolist() == [right]


def test_a_truth_that_is_not_known_is_neither_right_nor_wrong():
    assert np.isnan(places_right([None, None], [FR, None])).all()
