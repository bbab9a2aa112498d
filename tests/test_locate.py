import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.places.factory import CITIES, small_earth
from tests.systems.fake import NAMES, TORN, TileSystem, encoded, gps, tile

from geocairn.answer.decide import NO_COUNTRY
from geocairn.errors import BadConfig, UnknownName
from geocairn.geo.sphere import distance_km, latlon_from_unit
from geocairn.locate import LocateSettings, Locator, _WorkerSetup

SYSTEM = TileSystem()


def locator(**settings):
    return Locator(SYSTEM, LocateSettings(**settings))


def without_seconds(prediction):
    answer = prediction.to_dict()
    answer["provenance"]["seconds"] = None
    return answer


def ids(prediction):
    return [level.id for level in prediction.levels]


def area(tmp_path, west, south, east, north, name="area.geojson"):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    (tmp_path / name).write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    return str(tmp_path / name)


def test_a_path_bytes_and_an_image_are_answered_alike(tmp_path):
    data = encoded(tile("Lyon"))
    (tmp_path / "x.png").write_bytes(data)
    place = locator()
    answers = [place.locate(str(tmp_path / "x.png")), place.locate(tmp_path / "x.png"), place.locate(data), place.locate(tile("Lyon"))]
    assert [answer.photo for answer in answers] == [str(tmp_path / "x.png")] * 2 + ["bytes", "image"]
    assert answers[0].sha256 == answers[2].sha256 != answers[3].sha256
    for answer in answers:
        assert ids(answer) == ["FR", "FR/84", "FR/84/Rhône", "FR/84/Rhône/Lyon"]
        assert answer.candidates == answers[0].candidates
        assert answer.error is answer.abstain is answer.claimed is None
        assert answer.provenance.bundle == "tiles"
        assert answer.provenance.calibrated
        assert answer.provenance.seconds >= 0
    assert place.locate(data, name="holiday.png").photo == "holiday.png"


@pytest.mark.parametrize("bundle", [None, 3, "", "best"])
def test_what_names_no_bundle_is_refused(bundle):
    with pytest.raises(UnknownName, match=rf"^bundle {bundle!r}: "):
        Locator.load(bundle)


def test_one_photo_at_a_time_equals_many_and_comes_in_order():
    photos = [encoded(tile(city)) for city in ("Lyon", None, "Tokyo", "Lyon", None)] + [b"no photo", encoded(tile("Suva"))]
    together = [without_seconds(answer) for answer in locator().locate_many(photos)]
    assert together == [without_seconds(locator().locate(photo)) for photo in photos]
    assert [answer["levels"][-1]["id"].split("/")[-1] if answer["levels"] else None for answer in together] == [
        *("Lyon", None, "Tokyo", "Lyon", None),
        *(None, "Suva"),
    ]


def test_many_are_read_as_they_are_asked_for():
    taken = []

    def photos():
        for city in ("Lyon", "Tokyo", "Suva"):
            taken.append(city)
            yield encoded(tile(city))

    answers = locator().locate_many(photos())
    assert taken == []
    next(answers)
    assert taken == ["Lyon"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"no photo at all", "bytes: "),
        (Path("/nowhere/absent.jpg"), "/nowhere/absent.jpg: does not exist"),
        (encoded(tile("Lyon", blue=255)), "bytes: unexpected 'RuntimeError: two\\nlines'; please report it with the photo"),
        (encoded(tile("Lyon", blue=254)), "bytes: cannot be weighed; weigh another"),
        (42, "image: is a int; give a path, the bytes of a file or a PIL image"),
    ],
)
def test_with_an_error_every_other_field_is_null_or_empty(source, words):
    answer = locator().locate(source).to_dict()
    assert answer["error"].startswith(words)
    assert "\n" not in answer["error"]
    for field in set(answer) - {"photo", "error", "provenance"}:
        assert answer[field] in (None, []), field
    assert answer["provenance"]["settings_sha256"] == LocateSettings().answer_sha256()


def test_a_picture_that_is_no_photo_abstains_but_has_wide_candidates_and_keeps_its_reasons():
    answer = locator().locate(tile("Monaco", not_photo=True))
    assert answer.abstain == "looks like a screenshot"
    assert answer.levels == []
    assert answer.candidates == locator().locate(tile()).candidates
    assert [clue.text for clue in answer.clues] == ["Monaco"]


def test_a_photo_that_says_nothing_is_a_wide_answer():
    answer = locator().locate(tile())
    assert answer.abstain == NO_COUNTRY
    assert answer.candidates
    assert answer.best.radius_km >= 500
    assert answer.clues == []


def test_the_first_candidate_follows_the_decision_rule():
    """Torn between Tokyo, Lyon and New York: Tokyo has most mass, but Paris is on the way to both others."""
    mode, median = (locator(decide=rule).locate(tile(green=TORN)).best.chain[-1] for rule in ("mode", "median"))
    assert (mode, median) == ("Tokyo", "Paris")


def test_a_limit_excludes_and_a_hint_favours():
    limited = locator(within="JP").locate(tile("Lyon"))
    assert ids(limited)[0] == "JP"
    assert limited.levels[0].p == 1
    assert {clue.kind for clue in limited.clues} == {"toponym", "within"}
    hinted = locator(hint="Kyoto").locate(tile())
    assert ids(hinted)[-1] == "JP/26/Kyoto"
    assert [(clue.kind, clue.box_px) for clue in hinted.clues] == [("hint", None)]
    both = locator(hint="Lyon", within="JP").locate(tile())
    assert ids(both)[0] == "JP"


@pytest.mark.parametrize("finest", ["country", "region", "city"])
@pytest.mark.parametrize(("within", "inside"), [("FR/84", ["Lyon"]), ("FR/84,FR/11/Yvelines", ["Versailles", "Lyon"]), ("circle:34.9,135.7,50", ["Kyoto"])])
@pytest.mark.parametrize("city", [None, "Paris"])
def test_a_coarse_answer_stays_within_the_limit(finest, within, inside, city):
    """Spread over a whole country again, half of the mass would be said to lie where the limit forbids it."""
    answer = locator(within=within, finest=finest).locate(tile(city))
    allowed = [leaf for leaf, given in enumerate(CITIES) if given.chain[-1] in inside]
    for region in answer.regions:
        assert set(region.member_leaves().tolist()) <= set(allowed)
    assert answer.regions[-1].mass >= 0.95
    country = CITIES[allowed[0]].chain[0]
    assert (answer.levels[0].id, answer.levels[0].p) == (country, 1)
    for candidate in answer.candidates:
        assert candidate.chain[0] == country
        # Within the limit as it is told, not in the middle of a country that the limit cuts.
        assert min(distance_km([candidate.lat_deg, candidate.lon_deg], [CITIES[leaf].lat_deg, CITIES[leaf].lon_deg]) for leaf in allowed) <= candidate.radius_km
        assert candidate.p > 0.5 or len(answer.candidates) > 1


def test_limits_that_cannot_be_used_are_refused_at_once():
    with pytest.raises(BadConfig, match="--within '': is empty"):
        locator(within="")
    with pytest.raises(UnknownName, match="'ZZ' is neither"):
        locator(within="ZZ")


def test_the_position_in_the_file_is_a_claim_a_clue_or_nothing():
    claiming = encoded(tile("Lyon"), exif=gps(35.0, 135.75))
    told, used, ignored = (locator(exif=exif).locate(claiming) for exif in ("claim", "use", "ignore"))
    assert ids(told) == ids(ignored) == ids(locator().locate(tile("Lyon")))
    assert ignored.claimed is None
    assert (told.claimed.source, told.claimed.lat_deg, told.claimed.lon_deg) == ("exif", 35.0, 135.75)
    assert told.claimed.distance_km == pytest.approx(float(distance_km([35.0, 135.75], [told.best.lat_deg, told.best.lon_deg])), abs=0.1)
    assert [clue.kind for clue in told.clues] == ["toponym"]
    assert [clue.kind for clue in used.clues] == ["toponym", "metadata"]
    alone = locator(exif="use").locate(encoded(tile(), exif=gps(35.0, 135.75)))
    assert ids(alone)[-1] == "JP/26/Kyoto"
    assert alone.claimed.distance_km < 10


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_file_turned_by_its_metadata_is_answered_like_the_upright_one(orientation):
    """The system sees the same upright pixels, so it cannot answer otherwise."""
    upright = Image.new("RGB", (24, 16), (NAMES.index("Lyon"), 0, 0))
    upright.putpixel((23, 0), (0, 0, 9))
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transpose that undoes to the stored picture
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(turn[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    SYSTEM.seen.clear()
    answers = [locator().locate(encoded(stored, exif=exif.tobytes())), locator().locate(encoded(upright))]
    turned, plain = SYSTEM.seen
    assert turned.image.tobytes() == plain.image.tobytes()
    assert (turned.width_px, turned.height_px) == (24, 16)
    assert answers[0].candidates == answers[1].candidates
    assert answers[0].clues == answers[1].clues


def test_the_finest_level_is_the_finest_that_is_told():
    earth = small_earth()
    for finest, depth in (("country", 1), ("region", 2)):
        lyon = locator(finest=finest).locate(tile("Lyon"))
        assert len(lyon.levels) == depth
        assert [level.level for level in lyon.likeliest] == ["country", "region"][:depth]
        assert all(len(candidate.chain) <= depth for candidate in lyon.candidates)
        middle = latlon_from_unit(earth.unit[earth.index_of("FR/84" if depth == 2 else "FR")]).round(2)
        assert (lyon.best.lat_deg, lyon.best.lon_deg) == tuple(middle.tolist())
        assert [clue.supports.count("/") for clue in lyon.clues] == [depth - 1]
    assert locator(finest="country").locate(tile("Paris")).candidates[0] == locator(finest="country").locate(tile("Versailles")).candidates[0]


def test_exact_coordinates_are_not_rounded():
    city, exact = (locator(finest=finest).locate(tile("New York")) for finest in ("city", "exact"))
    leaf = CITIES[NAMES.index("New York")]
    assert (exact.best.lat_deg, exact.best.lon_deg) == (pytest.approx(leaf.lat_deg, abs=1e-6), pytest.approx(leaf.lon_deg, abs=1e-6))
    for candidate in city.candidates:
        assert (candidate.lat_deg, candidate.lon_deg) == (round(candidate.lat_deg, 2), round(candidate.lon_deg, 2))


def test_every_setting_is_connected(tmp_path):
    """Each setting changed alone changes some answer, and the hash that rows quote."""
    claiming = encoded(tile("Lyon"), exif=gps(35.0, 135.75))
    photos = [claiming, encoded(tile()), encoded(tile(green=TORN)), encoded(tile("Tokyo", size=(3000, 2000)))]
    changes = {
        "top": 1,
        "finest": "country",
        "decide": "median",
        "bundle": "prior",
        "within": "JP",
        "hint": "Kyoto",
        "exif": "use",
        "limits": {"max_pixels": 1000},
    }
    # Where an encoder lies changes nothing: see tests/cli/test_photos_to_answers.py.
    assert {*changes, "encoder"} == set(LocateSettings.model_fields)
    usual = [without_seconds(answer) for answer in locator().locate_many(photos)]
    hashes = {usual[0]["provenance"]["settings_sha256"]}
    for field, value in changes.items():
        settings = LocateSettings.parse("test", {field: value})
        answers = [without_seconds(answer) for answer in Locator(SYSTEM, settings).locate_many(photos)]
        hashes.add(answers[0]["provenance"]["settings_sha256"])
        for answer, before in zip(answers, usual, strict=True):
            answer["provenance"]["settings_sha256"] = before["provenance"]["settings_sha256"]
        if field != "bundle":  # the bundle is loaded by its name: see tests/systems
            assert answers != usual, field
    assert len(hashes) == len(changes) + 1


def test_the_content_of_a_limits_file_and_photos_taken_together_are_other_settings(tmp_path):
    one, two = area(tmp_path, 2, 48, 3, 49), area(tmp_path, 139, 35, 140, 36, "two.geojson")
    before = LocateSettings(within=one).answer_sha256()
    assert before == LocateSettings(within=one).answer_sha256()
    area(tmp_path, 139, 35, 140, 36)
    assert len({before, LocateSettings(within=one).answer_sha256(), LocateSettings(within=two).answer_sha256(), LocateSettings().answer_sha256()}) == 4
    assert LocateSettings().answer_sha256(together=True) != LocateSettings().answer_sha256()
    assert ids(locator(within=two).locate(tile()))[0] == "JP"


def test_unknown_settings_are_refused_in_one_line():
    for values, line in (
        ({"top": 0}, "command line: top = 0: Input should be greater than or equal to 1"),
        ({"finest": "street"}, "command line: finest = 'street': Input should be 'country', 'region', 'city' or 'exact'"),
        ({"bottom": 1}, r"command line: bottom = 1: Extra inputs are not permitted \(known keys: top, "),
    ):
        with pytest.raises(BadConfig, match=line):
            LocateSettings.parse("command line", values)


def test_photos_of_one_trip_speak_for_each_other():
    alone, *_ = locator().locate_many([tile()])
    third, first, second, broken, screenshot = locator().locate_together([tile(), tile("Paris"), tile("Versailles"), b"", tile("Tokyo", not_photo=True)])
    assert alone.abstain == NO_COUNTRY
    assert ids(third)[0] == "FR"
    assert [clue.kind for clue in third.clues] == ["together"]
    assert third.clues[0].text == "2 other photos of the trip"
    assert ids(first)[-1].endswith("Paris")
    assert broken.error
    assert screenshot.abstain == "looks like a screenshot"
    assert {answer.provenance.settings_sha256 for answer in (third, first, second, broken)} == {LocateSettings().answer_sha256(together=True)}


def test_one_photo_taken_together_with_none_is_answered_as_alone():
    (together,) = locator().locate_together([tile("Lyon")])
    assert together.candidates == locator().locate(tile("Lyon")).candidates
    assert locator().locate_together([]) == []


def test_regions_name_their_places():
    answer = locator().locate(tile("Lyon"))
    for region in answer.regions:
        assert NAMES.index("Lyon") in region.member_leaves()
    assert answer.to_geojson()["type"] == "FeatureCollection"
    assert locator().name_of("FR/84/Rhône/Lyon") == "Lyon, Rhône, 84, FR"


def test_boxes_are_rounded_and_log_odds_are_those_of_the_clue():
    (clue,) = locator().locate(tile("Lyon")).clues
    assert clue.box_px == [1.0, 2.0, 3.1, 4.0]
    assert clue.log_odds > 3
    assert clue.supports == "FR/84/Rhône/Lyon"


def test_probabilities_of_a_level_stay_within_one():
    for city in (None, *NAMES):
        answer = locator(top=100).locate(tile(city))
        assert all(0 <= candidate.p <= 1 for candidate in answer.candidates)
        assert np.all(np.diff([level.p for level in answer.levels]) <= 0)


def test_a_posterior_that_is_kept_changes_nothing_of_what_is_told(monkeypatch):
    photos = [encoded(tile("Lyon")), encoded(tile(not_photo=True)), encoded(tile()), b"torn"]
    keeping = Locator(SYSTEM, LocateSettings(), keep_posterior=True)
    for kept, told in zip(keeping.locate_many(photos), locator().locate_many(photos), strict=True):
        assert without_seconds(kept) == without_seconds(told)
        assert kept.provenance.settings_sha256 == told.provenance.settings_sha256
        assert told.leaf_mass == b""
        assert len(kept.posterior()) == (0 if kept.error else len(CITIES))
    lyon = keeping.locate(photos[0]).posterior()
    assert lyon.dtype == np.float32
    assert lyon.sum() == pytest.approx(1, abs=1e-6)
    assert lyon.argmax() == NAMES.index("Lyon")
    monkeypatch.setattr("geocairn.locate.load_system", lambda bundle, progress=None, encoder=None: SYSTEM)
    assert _WorkerSetup(LocateSettings(), keep_posterior=True)()(photos[0]).leaf_mass == lyon.tobytes()
    assert _WorkerSetup(LocateSettings(), keep_posterior=False)()(photos[0]).leaf_mass == b""
