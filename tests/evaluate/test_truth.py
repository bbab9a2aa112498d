"""True places: from labels, from names, and from the nearest place; what counts as the right place."""

import numpy as np
import pytest

from geocairn.errors import BadManifest
from geocairn.evaluate.guess import Label
from geocairn.evaluate.truth import true_places
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
    truth = true_places(manifest(write, ",country", (",NA", ",aq", ",JP", ",NMB")), places)
    assert ids(truth.labels["country"]) == ["NA", "AQ", "JP", "NA"]  # OSV-5M's own mend calls Namibia NMB


def test_a_country_that_nobody_knows_is_refused(write, places):
    with pytest.raises(BadManifest, match=r"country 'Franconia' is not known; write countries as ISO 3166 alpha-2 codes"):
        true_places(manifest(write, ",country", (",Franconia", ",FR", ",JP", ",FR")), places)


def test_an_unknown_point_has_no_place(places):
    assert places.labels_at(np.array([[np.nan, np.nan], [48.9, 2.3]]))["country"] == (None, Label("FR", "France"))


def test_what_is_missing_is_missing_and_what_only_looks_so_is_not(write, places):
    truth = true_places(manifest(write, ",country,region,city", (",FR,NaN,None", ",nan,nan,Nan", ",NA,  ,nan", ",FR,NAN,NaN")), places)
    assert ids(truth.labels["country"]) == ["FR", None, "NA", "FR"]
    assert [label and label.name for label in truth.labels["region"]] == [None, None, None, "NAN"]
    assert [label and label.name for label in truth.labels["city"]] == ["None", "Nan", None, None]  # towns of Italy and of Thailand


def test_the_keys_of_osv5m_are_made_of_the_labels_with_nan_for_what_is_missing(write, places):
    header, cells = ",country,region,subregion,city", (",NZ,Chatham Islands,,Waitangi", ",fr,A,B,C", ",NA,,,", ",,,,")
    keys = true_places(manifest(write, header, cells), places).osv5m_keys
    assert keys["city"] == ("Waitangi_NaN_Chatham Islands_NZ", "C_B_A_FR", "NaN_NaN_NaN_NA", "NaN_NaN_NaN_NaN")
    assert keys["subregion"][:2] == ("NaN_Chatham Islands_NZ", "B_A_FR")
    assert keys["country"] == ("NZ", "FR", "NA", "NaN")


@pytest.mark.parametrize("column", ["unique_sub-region", "unique_subregion"])
def test_the_manifests_own_keys_are_used_as_they_stand(write, places, column):
    keys = true_places(manifest(write, f",country,subregion,{column}", (",FR,B,B_x_FR", ",FR,B,", ",JP,B,NaN", ",JP,,D")), places).osv5m_keys
    assert keys["subregion"] == ("B_x_FR", "NaN", "NaN", "D")
    assert "city" not in keys
