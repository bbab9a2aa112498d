import base64
import json
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from tests.export.factory import HOSTILE, across_the_antimeridian, album, failed, hostile, prediction

from geocairn.answer.prediction import Claim, ClueRecord, Region
from geocairn.export.map_entry import STEP_M, ShapeTable, map_entry, middle_meridian, picture_of
from geocairn.export.mercator import mercator_from_lonlat


def entry(answer, shapes=None, **changes):
    return map_entry(answer, shapes or ShapeTable(), **({"picture": None, "max_vertices": 1000, "name_of": str} | changes))


def corners_m(shape):
    return np.concatenate([np.cumsum(np.reshape(ring, (-1, 2)), axis=0) * STEP_M for polygon in shape for ring in polygon])


def test_an_entry_says_all_that_the_prediction_says():
    made = entry(prediction(), name_of={"FR/11": "Île-de-France"}.__getitem__)
    assert made["levels"][0] == {"level": "country", "name": "France", "p": 0.91, "words": "91 %"}
    assert made["candidates"][0]["place"] == "Paris, Île-de-France, France"
    assert made["candidates"][0]["words"] == "71 % within 12 km"
    assert made["clues"] == [{"kind": "toponym", "text": "Paris", "supports": "Île-de-France", "log_odds": "+3.2", "box_px": [10, 20, 80, 40]}]
    assert made["claimed"]["words"] == "The file itself (exif) says: 48.86, 2.34, 1.2 km from the first candidate"
    assert [region["nominal"] for region in made["regions"]] == [0.95, 0.8, 0.5]


@pytest.mark.parametrize("answer", album(), ids=lambda answer: (answer.error or answer.abstain or answer.photo)[:12])
def test_every_sort_of_answer_makes_plain_json(answer):
    shapes = ShapeTable()
    json.dumps([entry(answer, shapes), shapes.shapes], allow_nan=False)


def test_shapes_lie_where_the_region_lies():
    shapes = ShapeTable()
    made = entry(prediction(), shapes)
    corners = corners_m(shapes.shapes[made["regions"][-1]["shape"]])
    paris = mercator_from_lonlat([2.35, 48.85])
    assert (corners.min(0) < paris).all()
    assert (paris < corners.max(0)).all()


def test_across_the_antimeridian_all_is_on_one_side():
    shapes = ShapeTable()
    made = entry(across_the_antimeridian(), shapes)
    everything = np.concatenate([corners_m(shape) for shape in shapes.shapes])
    assert np.ptp(everything[:, 0]) < 3e6
    assert made["candidates"][0]["at"][0] == pytest.approx(mercator_from_lonlat([179.97, 0])[0], abs=1)


def test_equal_shapes_are_kept_once():
    shapes = ShapeTable()
    entry(prediction("a.jpg"), shapes)
    n_shapes = len(shapes.shapes)
    entry(prediction("b.jpg"), shapes)
    assert len(shapes.shapes) == n_shapes


def test_the_first_view_is_the_answer_or_the_world():
    west, south, east, north = entry(prediction())["view"]
    paris = mercator_from_lonlat([2.35, 48.85])
    assert west < paris[0] < east
    assert south < paris[1] < north
    assert entry(prediction(abstain="looks like a drawing"))["view"] is None
    assert entry(failed())["view"] is None


def test_a_truth_that_somebody_knows_is_told_and_in_view():
    made = entry(prediction(), truth=(43.30, 5.37))
    marseille = mercator_from_lonlat([5.37, 43.30])
    assert made["truth"]["words"] == "Truly taken at 43.3, 5.37, 659 km from the first candidate"
    assert made["truth"]["at"] == pytest.approx(marseille, abs=1)
    west, south, east, _ = made["view"]
    assert south == pytest.approx(marseille[1], abs=1)
    assert west < marseille[0] <= east + 1
    assert entry(prediction())["truth"] is None
    assert entry(failed(), truth=(43.30, 5.37))["truth"]["words"] == "Truly taken at 43.3, 5.37"


def test_a_truth_beyond_the_antimeridian_is_on_the_side_of_the_answer():
    east, west = (entry(across_the_antimeridian(), truth=(-17.0, lon_deg))["truth"]["at"][0] for lon_deg in (179.0, -179.0))
    assert abs(east - west) == pytest.approx(np.ptp(mercator_from_lonlat([[0, 0], [2, 0]])[:, 0]), abs=2)


def test_regions_that_cannot_be_drawn_are_empty_shapes():
    shapes = ShapeTable()
    made = entry(prediction(regions=[Region(nominal=0.5, mass=0.6, area_km2=3.0)]), shapes)
    assert shapes.shapes[made["regions"][0]["shape"]] == []
    assert made["view"] is not None


def test_the_middle_meridian_of_fiji_is_at_the_antimeridian():
    assert abs(middle_meridian(across_the_antimeridian())) == 180
    assert middle_meridian(failed()) == 0


def test_clues_without_a_place_in_the_photo_have_no_box():
    clue = ClueRecord(kind="within", text="FR", box_px=None, supports="FR", log_odds=20.0)
    (made,) = entry(prediction(clues=[clue]))["clues"]
    assert (made["log_odds"], made["box_px"]) == ("+20.0", None)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_clue_is_never_beyond_all_numbers(value):
    with pytest.raises(ValueError, match="finite"):
        ClueRecord(kind="within", text="FR", box_px=None, supports="FR", log_odds=value)


def test_a_claim_of_time_alone_has_no_marker():
    claim = Claim(source="exif", lat_deg=None, lon_deg=None, distance_km=None, captured_at="2019-07-03T12:01:00")
    assert entry(prediction(claimed=claim))["claimed"] == {"words": "The file itself (exif) says: taken 2019-07-03T12:01:00", "at": None}


def test_words_lose_what_turns_or_hides_them():
    made = json.dumps(entry(hostile()), ensure_ascii=False)
    assert not set(made) & set("\u2028\u2029\u202e\x07\x00\ufffe")
    assert "‮" in HOSTILE


def photo_file(folder, size=(1600, 1000)):
    path = folder / "photo.jpg"
    exif = Image.Exif()
    exif[0x010E] = "secret description"
    Image.effect_noise(size, 60).convert("RGB").save(path, exif=exif, comment=b"secret comment")
    return path


def test_a_picture_is_small_and_holds_pixels_alone(tmp_path):
    path = photo_file(tmp_path)
    picture = picture_of(path, long_side_px=480, quality=80)
    raw = base64.b64decode(picture["uri"].removeprefix("data:image/jpeg;base64,"))
    assert b"secret" in path.read_bytes()
    assert b"secret" not in raw
    assert b"Exif" not in raw
    with Image.open(BytesIO(raw)) as image:
        assert max(image.size) <= 480
    assert (picture["width_px"], picture["height_px"]) == (1600, 1000)


def test_no_picture_of_what_cannot_be_read(tmp_path):
    (tmp_path / "words.jpg").write_text("no photo")
    for source in (None, tmp_path / "words.jpg", tmp_path / "missing.jpg", tmp_path):
        assert picture_of(source, long_side_px=480, quality=80) is None
