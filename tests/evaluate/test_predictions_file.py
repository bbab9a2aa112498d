"""Files of predictions: read, matched to photos, and refused."""

import pytest

from geocairn.cells import plain_cell, spreadsheet_cell
from geocairn.errors import BadCoordinate, BadManifest
from geocairn.evaluate.guess import ABSENT, Label
from geocairn.evaluate.predictions_file import match_names, read_guesses
from geocairn.manifest import read_manifest


@pytest.fixture
def manifest(write):
    return read_manifest(write("m.csv", "photo,lat_deg,lon_deg\na.jpg,48.9,2.3\nb.jpg,45.8,4.8\nc.jpg,35.7,139.7\n"))


def test_a_bare_csv_in_any_order_with_a_photo_missing(write, manifest, places):
    read = read_guesses(write("p.csv", "photo,lat_deg,lon_deg\nc.jpg,1,2\na.jpg,3,4\n"), manifest, places=places)
    assert [(guess.best.lat_deg, guess.best.lon_deg) if guess.best else None for guess in read.guesses] == [(3, 4), None, (1, 2)]
    assert read.guesses[1] is ABSENT
    assert read.n_unmatched == 0


def test_labels_radius_p_and_abstention_are_read_where_they_stand(write, manifest, places):
    text = (
        "photo,lat_deg,lon_deg,radius_km,p,country,region,abstain,error\na.jpg,1,2,10,0.5,france,'=1+1,,\nb.jpg,1,2,,,FR,,too dark,\nc.jpg,,,,,,,,torn file\n"
    )
    first, second, third = read_guesses(write("p.csv", text), manifest, places=places).guesses
    assert (first.best.radius_km, first.best.p) == (10, 0.5)
    assert first.levels["country"].label == Label("FR", "France")
    assert first.levels["region"].label == Label(None, "=1+1")
    assert first.is_answered
    assert (second.abstain, second.is_answered, second.is_failed) == ("too dark", False, False)
    assert (third.error, third.is_failed) == ("torn file", True)


def test_a_row_without_coordinates_is_a_failure(write, manifest, places):
    guesses = read_guesses(write("p.csv", "photo,lat_deg,lon_deg\na.jpg,nan,NA\nb.jpg,1,2\n"), manifest, places=places).guesses
    assert [guess.error for guess in guesses] == ["no coordinates", None, "no prediction for this photo"]


def test_half_a_coordinate_is_a_failure_that_says_so(write, manifest, places):
    guesses = read_guesses(write("p.csv", "photo,lat_deg,lon_deg\na.jpg,1,\nb.jpg,nan,2\nc.jpg,1,2\n"), manifest, places=places).guesses
    assert [guess.error for guess in guesses] == ["no lon_deg beside the other coordinate", "no lat_deg beside the other coordinate", None]


def test_jsonl_is_what_locate_writes(write, manifest, places, answer):
    rows = [answer("a.jpg", levels=[("country", "FR", "France", 0.9)], regions=[(0.5, 0.6, [0])], clues=[("phone", "FR")]), answer("b.jpg", error="torn")]
    read = read_guesses(write("p.jsonl", "".join(row.to_json() + "\n" for row in rows)), manifest, places=places)
    first, second, third = read.guesses
    assert first.levels["country"].p == 0.9
    assert first.clues == (("phone", "FR"),)
    assert first.regions == ()  # JSON does not say which places a region holds
    assert second.error == "torn"
    assert third is ABSENT


def test_names_match_as_they_stand_else_by_file_name_where_that_is_clear():
    assert match_names(["a.jpg", "b.jpg"], ["photos/b.jpg", "a.jpg"]) == ["a.jpg", "photos/b.jpg"]
    assert match_names(["x/a.jpg", "y/a.jpg"], ["a.jpg"]) == [None, None]
    assert match_names(["a.jpg"], ["x/a.jpg", "y/a.jpg"]) == [None]
    assert match_names(["=a.jpg", "'b.jpg"], ["'=a.jpg", "'b.jpg"]) == ["'=a.jpg", "'b.jpg"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "plain", "'quoted", ""])
def test_a_defused_cell_reads_back_as_itself(text):
    cell = spreadsheet_cell(text)
    assert plain_cell(cell) == text
    assert not cell.startswith(("=", "+", "-", "@", "\t"))


def test_predictions_for_other_photos_are_counted_and_said(write, manifest, places):
    read = read_guesses(write("p.csv", "photo,lat_deg,lon_deg\na.jpg,1,2\nz.jpg,1,2\n"), manifest, places=places)
    assert read.n_unmatched == 1
    assert read.notes == ["1 predictions of the file name no photo of the manifest and are left out."]


def test_a_country_that_nobody_knows_is_wrong_and_said(write, manifest, places):
    read = read_guesses(write("p.csv", "photo,lat_deg,lon_deg,country\na.jpg,1,2,Franconia\nb.jpg,1,2,FR\n"), manifest, places=places)
    assert read.notes == ["1 predicted countries are neither ISO 3166 codes nor known names ('Franconia'); they count as wrong."]


def test_the_same_prediction_twice_is_one(write, manifest, places):
    assert read_guesses(write("p.csv", "photo,lat_deg,lon_deg\na.jpg,1,2\na.jpg,1.0,2\n"), manifest, places=places).guesses[0].best.lat_deg == 1


REFUSALS = {
    "swapped columns": ("p.csv", "photo,lat_deg,lon_deg\na.jpg,139,35\n", BadCoordinate, r"row 2: latitude 139.0 is outside .* swapped"),
    "a missing column": ("p.csv", "photo,lat_deg\na.jpg,1\n", BadManifest, r"no column 'lon_deg'; its columns are 'photo', 'lat_deg'"),
    "other photos": ("p.csv", "photo,lat_deg,lon_deg\nz.jpg,1,2\n", BadManifest, r"none of its 1 photos is in .*m.csv \(here 'z.jpg', there 'a.jpg'\)"),
    "no prediction": ("p.csv", "photo,lat_deg,lon_deg\n", BadManifest, r"p.csv: it holds no prediction; give at least one photo"),
    "no line": ("p.jsonl", "\n", BadManifest, r"p.jsonl: it holds no prediction; give"),
    "two predictions": ("p.csv", "photo,lat_deg,lon_deg\na.jpg,1,2\na.jpg,1,3\n", BadManifest, r"row 3: photo 'a.jpg' has another prediction in row 2"),
    "nobody's prediction": ("p.csv", "photo,lat_deg,lon_deg\n,1,2\n", BadManifest, r"row 2: no photo"),
    "an odd probability": ("p.csv", "photo,lat_deg,lon_deg,p\na.jpg,1,2,70\n", BadManifest, r"row 2: p '70' is not in \[0, 1\]"),
    "an odd radius": ("p.csv", "photo,lat_deg,lon_deg,radius_km\na.jpg,1,2,near\n", BadManifest, r"row 2: radius_km 'near' is not a distance in km"),
    "no JSON": ("p.jsonl", "{}\n", BadManifest, r"row 1: not a prediction \(photo: Field required\)"),
    "a torn line": ("p.jsonl", '\n{"photo": "a', BadManifest, r"row 2: not a prediction"),
    "another format": ("p.txt", "", BadManifest, r"a table is a .csv or .parquet file"),
}


@pytest.mark.parametrize(("name", "text", "error", "words"), REFUSALS.values(), ids=REFUSALS)
def test_refusals_are_one_line(name, text, error, words, write, manifest, places):
    with pytest.raises(error, match=words) as refusal:
        read_guesses(write(name, text), manifest, places=places)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_is_refused(manifest, places, tmp_path):
    for name in ("none.jsonl", "none.csv"):
        with pytest.raises(BadManifest, match="no such file"):
            read_guesses(tmp_path / name, manifest, places=places)


def test_lines_that_are_no_utf8_are_refused(manifest, places, answer, tmp_path):
    rows = answer("a.jpg").to_json().encode() + b"\n"
    (tmp_path / "p.jsonl").write_bytes(rows * 100 + b"\xe9\n")
    with pytest.raises(BadManifest, match=rf"p.jsonl: not UTF-8 \(byte {100 * len(rows)}, line 101: .*\); save it as UTF-8$"):
        read_guesses(tmp_path / "p.jsonl", manifest, places=places)


def test_a_coordinate_off_the_earth_in_json_is_refused(write, manifest, places, answer):
    row = answer("a.jpg").to_json().replace('"lat_deg":48.85', '"lat_deg":NaN')
    with pytest.raises(BadManifest, match=r"row 1: not a prediction \(candidates\.0\.lat_deg"):
        read_guesses(write("p.jsonl", row), manifest, places=places)
