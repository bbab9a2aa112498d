import csv
import io
import json
import os
import stat
import threading
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.export.factory import HOSTILE, SUVA, album, candidate, failed, prediction

from geocairn.answer.geojson import feature_collection
from geocairn.answer.prediction import Prediction
from geocairn.errors import BadOutput, UnknownName
from geocairn.export.files import WRITERS, format_of, write_predictions
from geocairn.export.markup import GPX_NAMESPACE, KML_NAMESPACE
from geocairn.export.spreadsheet import COLUMNS
from geocairn.export.target import check_target

KML, GPX = {"k": KML_NAMESPACE}, {"g": GPX_NAMESPACE}


def text_of(predictions, format):
    stream = io.StringIO(newline="")
    write_predictions(predictions, stream, format)
    return stream.getvalue()


@pytest.mark.parametrize("format", WRITERS)
def test_the_same_predictions_give_the_same_bytes_to_a_file_and_a_stream(format, tmp_path):
    out = tmp_path / f"places.{format}"
    write_predictions(album(), out, format)
    assert out.read_bytes() == text_of(album(), format).encode()
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("format", WRITERS)
def test_no_photos_make_a_readable_file(format):
    written = text_of([], format)
    readers = {"json": json.loads, "geojson": json.loads, "jsonl": str, "csv": str, "kml": ET.fromstring, "gpx": ET.fromstring}
    readers[format](written)


@pytest.mark.parametrize("format", WRITERS)
def test_a_name_that_is_not_utf8_is_written_all_the_same(format, tmp_path):
    write_predictions([prediction("caf\udce9.jpg"), failed("\ud800.jpg", error="\ud800.jpg: is not a photo")], tmp_path / "out", format)
    (tmp_path / "out").read_bytes().decode("utf-8")


def test_json_is_an_array_that_reads_back():
    rows = json.loads(text_of(album(), "json"))
    assert [Prediction.model_validate(row).to_dict() for row in rows] == [answer.to_dict() for answer in album()]


def test_jsonl_is_a_prediction_a_line():
    lines = text_of(album(), "jsonl").splitlines()
    assert [Prediction.model_validate_json(line).to_dict() for line in lines] == [answer.to_dict() for answer in album()]


def test_geojson_is_the_feature_collection_of_all():
    assert json.loads(text_of(album(), "geojson")) == feature_collection(album())


def test_csv_has_the_columns_of_the_contract_and_a_row_per_photo():
    rows = list(csv.reader(io.StringIO(text_of([prediction(), failed()], "csv"), newline="")))
    assert rows[0] == list(COLUMNS)
    assert rows[0] == ["photo", "lat_deg", "lon_deg", "radius_km", "p", "country", "region", "subregion", "city", "abstain", "error"]
    assert rows[1] == ["p.jpg", "48.85", "2.35", "12", "0.71", "France", "Île-de-France", "", "", "", ""]
    assert rows[2] == ["broken.jpg", *[""] * 9, "broken.jpg: is not a photo"]


def test_csv_defuses_words_and_leaves_numbers():
    answer = prediction("=1+1.jpg", candidates=[candidate(1, SUVA)], abstain="@x", levels=[])
    (row,) = csv.DictReader(io.StringIO(text_of([answer], "csv"), newline=""))
    assert (row["photo"], row["abstain"], row["lat_deg"]) == ("'=1+1.jpg", "'@x", "-18.14")


def test_kml_holds_folders_placemarks_and_polygons():
    root = ET.fromstring(text_of(album(), "kml"))
    folders = root.findall("k:Document/k:Folder", KML)
    assert root.tag == f"{{{KML_NAMESPACE}}}kml"
    assert len(folders) == 5
    assert folders[0].findtext("k:Placemark/k:Point/k:coordinates", namespaces=KML) == "2.35,48.85"
    assert len(folders[0].findall("k:Placemark/k:MultiGeometry", KML)) == 3
    assert len(folders[1].findall("k:Placemark/k:MultiGeometry/k:Polygon", KML)) > 3
    assert folders[4].findtext("k:description", namespaces=KML) == "broken.jpg: is not a photo"
    assert not folders[4].findall("k:Placemark", KML)
    styles = {f"#{style.get('id')}" for style in root.findall("k:Document/k:Style", KML)}
    assert {url.text for url in root.iterfind(".//k:styleUrl", KML)} <= styles


def test_kml_rings_are_closed():
    for ring in ET.fromstring(text_of(album(), "kml")).iterfind(".//k:LinearRing/k:coordinates", KML):
        corners = (ring.text or "").split()
        assert len(corners) >= 4
        assert corners[0] == corners[-1]


def test_kml_words_are_no_markup_to_a_viewer_that_renders_html():
    root = ET.fromstring(text_of([prediction(HOSTILE, abstain=HOSTILE)], "kml"))
    rendered = [root.findtext(".//k:Folder/k:description", namespaces=KML), *(value.text for value in root.iterfind(".//k:value", KML))]
    assert not any("<" in (text or "") for text in rendered)


def test_gpx_holds_a_waypoint_per_candidate():
    answers = [prediction(), prediction("edge.jpg", candidates=[candidate(1, SUVA).model_copy(update={"lon_deg": 180.0, "lat_deg": 1e-5})]), failed()]
    root = ET.fromstring(text_of(answers, "gpx"))
    waypoints = root.findall("g:wpt", GPX)
    assert root.get("version") == "1.1"
    assert [(point.get("lat"), point.get("lon")) for point in waypoints] == [("48.85", "2.35"), ("45.76", "4.84"), ("0.00001", "-180")]
    assert waypoints[0].findtext("g:name", namespaces=GPX) == "p.jpg #1"
    assert [child.tag.partition("}")[2] for child in waypoints[0]] == ["name", "desc", "type"]


def test_format_follows_the_suffix():
    assert [format_of(Path(f"x.{name.upper()}")) for name in WRITERS] == list(WRITERS)
    with pytest.raises(UnknownName, match=r"^x\.shp: the suffix '\.shp' .* \.json, \.jsonl, \.geojson, \.kml, \.csv, \.gpx"):
        format_of(Path("x.shp"))


def test_an_unknown_format_answers_with_the_known_ones(tmp_path):
    with pytest.raises(UnknownName, match=r"format 'shp': use one of json, jsonl, geojson, kml, csv, gpx"):
        write_predictions([], tmp_path / "x", "shp")


@pytest.mark.parametrize("format", WRITERS)
def test_targets_that_cannot_be_written_are_one_line(format, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "none" / "x")
    for name in ("missing/out", ".", "file/out", "x" * 300, "loop/out", "loop", "dangling", "nul\0"):
        with pytest.raises(BadOutput) as refused:
            write_predictions(album(), tmp_path / name, format)
        assert "\n" not in str(refused.value)


def test_a_check_leaves_the_file_system_as_it_was(tmp_path):
    check_target(tmp_path / "x.json")
    assert not list(tmp_path.iterdir())


def interrupted():
    yield prediction()
    raise KeyboardInterrupt


@pytest.mark.parametrize("format", sorted(set(WRITERS) - {"jsonl"}))
def test_an_interrupted_file_leaves_what_was_there(format, tmp_path):
    out = tmp_path / "out"
    out.write_text("before")
    with pytest.raises(KeyboardInterrupt):
        write_predictions(interrupted(), out, format)
    assert out.read_text() == "before"
    assert list(tmp_path.iterdir()) == [out]


def test_interrupted_jsonl_keeps_its_rows(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_predictions(interrupted(), tmp_path / "out.jsonl", "jsonl")
    assert (tmp_path / "out.jsonl").read_text() == prediction().to_json() + "\n"


def test_a_link_is_followed_and_stays_a_link(tmp_path):
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    write_predictions([], tmp_path / "link.json", "json")
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text()) == []


def test_a_pipe_is_written_to_and_never_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[str] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_text()))
    reader.start()
    write_predictions([], pipe, "json")
    reader.join(timeout=10)
    assert json.loads(received[0]) == []
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_full_disk_is_one_line():
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    for format in WRITERS:
        with pytest.raises(BadOutput, match=r"/dev/full: cannot be written \(No space left on device\)"):
            write_predictions(album(), Path("/dev/full"), format)
