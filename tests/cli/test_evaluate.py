"""`geocairn evaluate` from words to exit codes."""

import json

import numpy as np
import pytest
from tests.places.factory import small_earth

from geocairn.evaluate.protocol import PROTOCOLS
from geocairn.places.files import save_hierarchy

MANIFEST = "photo,lat_deg,lon_deg,author\na.jpg,48.85,2.35,x\nb.jpg,35.69,139.69,y\n"


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(MANIFEST)
    return path


def test_an_oracle_of_places_and_of_a_gallery(geocairn, manifest, tmp_path):
    save_hierarchy(small_earth(), tmp_path / "places" / "hierarchy.npz")
    np.save(tmp_path / "gallery.npy", np.array([(48.85, 2.35), (35.0, 139.0)]))
    of_places = geocairn("evaluate", manifest, "--oracle", tmp_path / "places", "--out", tmp_path / "out")
    assert of_places.code == 0
    assert of_places.out.startswith("# oracle of places, leaves on m.csv")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["within_pct"]["1"], report["system"]["oracle"], report["decide"]) == (100.0, "places, leaves", "mode")
    assert [row["value"] for row in report["tables"]["continent"]] == ["Asia", "Europe"]
    assert report["recall_vs_area"]["method"] == "point"
    against = geocairn("evaluate", manifest, "--oracle", tmp_path / "gallery.npy", "--against", tmp_path / "out" / "predictions.csv")
    assert against.code == 0
    assert "## Less predictions.csv" in against.out


def test_rows_without_coordinates_are_told_with_their_number(geocairn, manifest, tmp_path):
    manifest.write_text(MANIFEST + "c.jpg,,,x\nd.jpg,nan,1,x\n,1,1,x\n")
    save_hierarchy(small_earth(), tmp_path / "hierarchy.npz")
    ran = geocairn("evaluate", manifest, "--oracle", tmp_path)
    assert (ran.code, ran.err) == (0, f"geocairn: {manifest}: 3 of 5 rows are left out (no coordinates: 2, no photo: 1)\n")
    assert "Of the manifest 3 of 5 rows are left out (no coordinates: 2, no photo: 1)." in ran.out


def test_a_level_of_the_oracle(geocairn, manifest, tmp_path):
    save_hierarchy(small_earth(), tmp_path / "hierarchy.npz")
    assert "oracle of" in geocairn("evaluate", manifest, "--oracle", tmp_path, "--oracle-level", "region").out
    assert geocairn.refused("evaluate", manifest, "--oracle", tmp_path, "--oracle-level", "t500").startswith("level 't500': this hierarchy has country")


def test_refusals_are_one_line(geocairn, manifest, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    save_hierarchy(small_earth(), tmp_path / "hierarchy.npz")
    assert geocairn.refused("evaluate", manifest).startswith("--bundle, --predictions, --oracle: none is given")
    assert "--predictions and --oracle are given" in geocairn.refused("evaluate", manifest, "--oracle", empty, "--predictions", manifest)
    assert "are decided already" in geocairn.refused("evaluate", manifest, "--oracle", empty, "--decide", "median")
    assert "there is no --oracle" in geocairn.refused("evaluate", manifest, "--predictions", manifest, "--oracle-level", "city")
    assert "hierarchy.json: no such file" in geocairn.refused("evaluate", manifest, "--oracle", empty)
    assert "no such folder or file" in geocairn.refused("evaluate", manifest, "--oracle", tmp_path / "absent")
    assert "coordinates are read from" in geocairn.refused("evaluate", manifest, "--oracle", tmp_path / "hierarchy.npz")
    assert "which has no levels" in geocairn.refused("evaluate", manifest, "--oracle", manifest, "--oracle-level", "city")


@pytest.mark.parametrize("content", [b"", b"\0\xff", b"lat_deg,lon_deg\n", b"lat_deg,lon_deg\n139,35\n", b"lat_deg\n1\n", b"lat_deg,lon_deg\nnan,nan\n"])
def test_a_damaged_gallery_is_one_line(geocairn, manifest, tmp_path, content):
    gallery = tmp_path / "gallery.csv"
    gallery.write_bytes(content)
    assert geocairn.refused("evaluate", manifest, "--oracle", gallery).startswith(str(gallery))


def test_a_photo_without_a_prediction_is_wrong_and_the_exit_says_so(geocairn, manifest, tmp_path):
    predictions = tmp_path / "p.csv"
    predictions.write_text("photo,lat_deg,lon_deg\na.jpg,48.85,2.35\n")
    ran = geocairn("evaluate", manifest, "--predictions", predictions)
    assert ran.code == 1
    assert "| Asia | 1 | 1 | 0.0 |" in ran.out
    assert ran.err == "geocairn: 1 photo failed, b.jpg: no prediction for this photo\n"
    assert "* 1 photo failed, b.jpg: no prediction for this photo" in ran.out


def test_why_photos_failed_is_told_once_per_reason(geocairn, tmp_path):
    manifest, photos = tmp_path / "m.csv", tmp_path / "photos"
    manifest.write_text("photo,lat_deg,lon_deg\n" + "".join(f"{name}.jpg,48.85,2.35\n" for name in "abc"))
    photos.mkdir()
    (photos / "b.jpg").write_bytes(b"")
    ran = geocairn("evaluate", manifest, "--bundle", "clues", "--photos", photos)
    assert ran.code == 1
    assert ran.err.splitlines() == [
        f"geocairn: 2 photos failed, such as {photos / 'a.jpg'}: does not exist; check the spelling and the folder, or give --photos",
        f"geocairn: 1 photo failed, {photos / 'b.jpg'}: is empty (0 bytes); copy it again from its source",
    ]


def test_many_reasons_are_told_in_few_lines(geocairn, manifest, tmp_path):
    manifest.write_text("photo,lat_deg,lon_deg\n" + "".join(f"{row}.jpg,48.85,2.35\n" for row in range(13)))
    predictions = tmp_path / "p.csv"
    predictions.write_text("photo,lat_deg,lon_deg,error\n" + "".join(f"{row}.jpg,,,fault {row}\n" for row in range(12)) + "12.jpg,48.85,2.35,\n")
    lines = geocairn("evaluate", manifest, "--predictions", predictions).err.splitlines()
    assert len(lines) == 11
    assert lines[-1] == "geocairn: 2 photos failed for other reasons; predictions.csv says which"


def test_what_the_other_file_lacks_is_told(geocairn, manifest, tmp_path):
    mine, other = tmp_path / "p.csv", tmp_path / "other.csv"
    mine.write_text("photo,lat_deg,lon_deg\na.jpg,48.85,2.35\nb.jpg,48.85,2.35\n")
    other.write_text("photo,lat_deg,lon_deg\na.jpg,48.85,\n")
    ran = geocairn("evaluate", manifest, "--predictions", mine, "--against", other)
    assert ran.code == 0
    told = [
        "other.csv: 1 photo failed, a.jpg: no lon_deg beside the other coordinate",
        "other.csv: 1 photo failed, b.jpg: no prediction for this photo",
    ]
    assert ran.err.splitlines() == [f"geocairn: {line}" for line in told]
    assert all(f"* {line}" in ran.out for line in told)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_scores_a_file(geocairn, tmp_path, name):
    manifest, predictions = tmp_path / "m.csv", tmp_path / "p.csv"
    manifest.write_text(
        "photo,lat_deg,lon_deg,country,region,city\na,-22.56,17.08,NA,Khomas,Windhoek\nb,48.85,2.35,FR,Ile-de-France,\nc,35.69,139.69,JP,Tokyo,Tokyo\n"
    )
    predictions.write_text("photo,lat_deg,lon_deg\na,-22.56,17.08\nb,48.85,2.35\n")
    ran = geocairn("evaluate", manifest, "--predictions", predictions, "--protocol", name, "--out", tmp_path / "out")
    assert ran.code == 1  # one photo has no prediction
    assert f"Protocol {name}: {'geodesic' if name == 'geoclip' else 'sphere, R = 63'}" in ran.out
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["protocol"], report["rules"]["name"], report["earth_radius_km"]) == (name, name, PROTOCOLS[name].earth_radius_km)
    assert {report["within_pct"][km] for km in ("1", "25", "200", "750", "2500")} == {66.666667}
    assert report["level_accuracy_pct"]["country"] == 66.666667
    assert report["n_labelled"]["city"] == (3 if name == "osv5m" else 2)
    modes = report["level_accuracy_by_mode"]
    assert (modes["corrected"]["city"]["n"], modes["osv5m_compat"]["city"]["n"]) == (2, 3)
    assert report["level_accuracy_pct"]["city"] == modes["osv5m_compat" if name == "osv5m" else "corrected"]["city"]["pct"]
    assert modes["corrected"]["city"]["right"] == 1  # Windhoek, in Namibia
    assert modes["osv5m_compat"]["city"]["right"] == 0  # for it has no subregion


def test_an_unknown_protocol_is_answered_with_the_list(geocairn, manifest):
    line = geocairn.refused("evaluate", manifest, "--predictions", manifest, "--protocol", "gws")
    assert line == f"protocol 'gws': there is {', '.join(PROTOCOLS)}"
    assert all(name in geocairn("evaluate", "--help").out for name in PROTOCOLS)


def test_the_crops_of_others_are_said_once(geocairn, manifest):
    head = geocairn("evaluate", manifest, "--predictions", manifest).out.split("|")[0]
    assert "; crops elsewhere: three crops, probabilities averaged (published figures); five crops" in " ".join(head.split())
    assert head.count("published figures") == 1
