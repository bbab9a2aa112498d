"""Photos -> features -> a trained bundle -> answers for photos: the way of whoever has photos of their own and an image encoder."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tests.cli.command import Command
from tests.data.test_extract import Reading
from tests.models.tiny import save_tiny
from tests.systems.bundles_made import replace_listed

from geocairn.locate import LocateSettings
from geocairn.photo.read import read_photo
from geocairn.systems.bundles import load_system
from geocairn.systems.system import FeatureSystem

PLACES = {
    "Paris": ("FR", "11", "75", 48.85, 2.35, (200, 30, 30)),
    "Lyon": ("FR", "84", "69", 45.76, 4.84, (30, 200, 30)),
    "Tokyo": ("JP", "13", None, 35.69, 139.69, (30, 30, 200)),
    "Kyoto": ("JP", "26", None, 35.01, 135.77, (200, 200, 30)),
}
N_EACH = 8
SIZE = [f"model.{key}=8" for key in ("dim", "image.hidden", "image.width", "entities.hidden", "attention.fuse_hidden")]
BRIEF = ["train.epochs=2", "train.device=cpu"]
SYSTEMS = {"hierloc": [*SIZE, "model.attention.heads=2", *BRIEF], "softmax": BRIEF, "neighbours": []}


def write_photos(folder):
    """Photos of four cities, eight each, a shade of one colour in each city; train.parquet, val.parquet and all.parquet name them; and an encoder."""
    save_tiny(folder / "encoder", "clip")
    rows = [(city, number) for number in range(N_EACH) for city in PLACES]
    for city, number in rows:
        shade = tuple(level + 5 * number for level in PLACES[city][-1])
        Image.new("RGB", (40 + number, 36), shade).save(folder / f"{city}{number}.png")
    columns = {
        "photo": [f"{city}{number}.png" for city, number in rows],
        **{name: [PLACES[city][column] for city, _ in rows] for column, name in enumerate(("country", "region", "subregion", "lat_deg", "lon_deg"))},
        "city": [city for city, _ in rows],
        "author": [f"{city}{number % 2}" for city, number in rows],
    }
    table = pa.table(columns)
    pq.write_table(table, folder / "all.parquet")
    n_val = 2 * len(PLACES)
    pq.write_table(table.slice(n_val), folder / "train.parquet")
    pq.write_table(table.slice(0, n_val), folder / "val.parquet")


def training(folder, system, *more):
    """Words of a command that trains a small system of a folder."""
    return "train", f"recipes/{system}_synth.toml", f"data.dir={folder}", "places.source=rows", *SYSTEMS[system], *more


@pytest.fixture(scope="module")
def made(atlas, tmp_path_factory):
    """A folder with photos, their features, three trained bundles of them, and the encoder."""
    folder = tmp_path_factory.mktemp("photos")
    write_photos(folder)
    with pytest.MonkeyPatch.context() as patch:
        run = Command(patch, _Nothing())
        assert run("features", "extract", folder / "all.parquet", "--encoder", folder / "encoder", "--device", "cpu", "--out", folder / "features").code == 0
        for system in SYSTEMS:
            assert run(*training(folder, system), "--out", folder / system).code == 0
    return folder


class _Nothing:
    """What is printed while the fixture is made is nobody's to read."""

    def readouterr(self):
        return "", ""


@pytest.fixture
def geocairn(monkeypatch, capsys):
    return Command(monkeypatch, capsys)


def answers(ran):
    rows = [json.loads(line) for line in ran.out.splitlines()]
    for row in rows:
        row["provenance"]["seconds"] = row["sha256"] = None
        row["photo"] = row["photo"].rsplit("/", 1)[-1]
    return rows


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_run_from_photos_gives_the_bundle_of_a_run_from_their_features(geocairn, made, tmp_path, system, monkeypatch):
    Reading(monkeypatch)
    run = tmp_path / "run"
    ran = geocairn(*training(made, system, f"data.encoder={made / 'encoder'}"), "--out", run)
    assert (ran.code, ran.out) == (0, f"{run}/bundle\n")
    assert ran.err.startswith(f"geocairn: {run}/features: features of 32 photos, by {made / 'encoder'} on cpu\n")
    mine, its = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in (run / "bundle", made / system / "bundle"))
    assert mine == its
    mine, its = (json.loads((folder / "data.json").read_text()) for folder in (run, made / system))
    assert mine.pop("data.encoder") == its["features.encoder"]
    assert set(mine) == set(its)
    # Validation photos stand last in the run's own store, and first in the other.
    assert [name for name in mine if mine[name] != its[name]] == ["features.key", "features.photos", "features.rows"]
    again = geocairn(*training(made, system, f"data.encoder={made / 'encoder'}"), "--out", run)
    assert (again.code, again.err) == (0, f"geocairn: {run}: already trained\n")


def test_from_photos_at_once_to_answers(geocairn, made, tmp_path):
    for name in ("train", "val"):
        shutil.copy(made / f"{name}.parquet", tmp_path)
    words = training(tmp_path, "softmax", f"data.encoder={made / 'encoder'}", f"data.photos_dir={made}", "data.jobs=2")
    assert geocairn(*words, "--out", tmp_path / "run").code == 0
    bundle = ("--bundle", tmp_path / "run/bundle")
    mine = geocairn("locate", made / "Paris0.png", *bundle, "--format", "jsonl")
    its = geocairn("locate", made / "Paris0.png", "--bundle", made / "softmax/bundle", "--format", "jsonl")
    assert (mine.code, its.code) == (0, 0)
    assert answers(mine)[0]["candidates"] == answers(its)[0]["candidates"] != []
    shutil.copy(made / "val.parquet", tmp_path / "test.parquet")
    evaluated = geocairn("evaluate", tmp_path / "test.parquet", "--photos", made, *bundle)
    assert (evaluated.code, evaluated.err) == (0, "")
    assert evaluated.out.splitlines()[2:] == geocairn("evaluate", made / "val.parquet", *bundle).out.splitlines()[2:]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_photo_has_the_answer_of_its_row_in_the_store(geocairn, made, system):
    bundle = ("--bundle", made / system / "bundle", "--format", "jsonl", "--exif", "ignore")
    of_rows = geocairn("locate", made / "val.parquet", *bundle)
    photos = [made / f"{city}{number}.png" for number in range(2) for city in PLACES]
    of_photos = geocairn("locate", *photos, *bundle)
    assert (of_rows.code, of_photos.code) == (0, 0)
    assert all(row["candidates"] for row in answers(of_rows))
    # That a plain picture is no photo is seen in its pixels alone; so a row says more of abstaining, and no less of places.
    for mine, its in zip(answers(of_photos), answers(of_rows), strict=True):
        assert (mine["photo"], mine["candidates"], mine["regions"]) == (its["photo"], its["candidates"], its["regions"])


def test_processes_and_company_change_nothing(geocairn, made):
    words = ("locate", made / "Paris0.png", made / "Kyoto1.png", made / "Lyon1.png", "--bundle", made / "hierloc/bundle", "--format", "jsonl")
    assert answers(geocairn(*words)) == answers(geocairn(*words, "--jobs", "2"))


def test_evaluation_and_calibration_look_at_photos_where_there_are_no_features(geocairn, made, tmp_path):
    for name in ("val.parquet", *(f"{city}{number}.png" for number in range(2) for city in PLACES)):
        shutil.copy(made / name, tmp_path)
    bundle = ("--bundle", made / "softmax/bundle")
    assert (
        geocairn("evaluate", tmp_path / "val.parquet", *bundle).out.splitlines()[2:] == geocairn("evaluate", made / "val.parquet", *bundle).out.splitlines()[2:]
    )
    assert "8 photos are there, but a calibration needs 50" in geocairn.refused("calibrate", made / "softmax/bundle", tmp_path / "val.parquet")


def test_an_encoder_that_has_moved_is_named_anew(geocairn, made, tmp_path):
    bundle = tmp_path / "b"
    shutil.copytree(made / "softmax/bundle", bundle)
    config = json.loads((bundle / "config.json").read_text())
    assert config["encoders"]["features"]["preprocessing"]["crop_px"] == [32, 32]
    config["encoders"]["features"]["name"] = str(tmp_path / "gone")
    replace_listed(bundle, "config.json", json.dumps(config).encode())
    words = ("locate", made / "Paris0.png", made / "Lyon0.png", "--bundle", bundle, "--format", "jsonl")
    lost = geocairn(*words)
    assert lost.code == 1
    assert len(lost.err.splitlines()) == 2
    assert f"{tmp_path / 'gone'}" in lost.err
    found = geocairn(*words, "--encoder", made / "encoder")
    assert found.code == 0
    here = geocairn("locate", made / "Paris0.png", made / "Lyon0.png", "--bundle", made / "softmax/bundle", "--format", "jsonl")
    assert [row["candidates"] for row in answers(found)] == [row["candidates"] for row in answers(here)]
    settings = [LocateSettings(bundle=str(bundle), encoder=encoder) for encoder in (None, str(made / "encoder"))]
    assert settings[0].answer_sha256() == settings[1].answer_sha256()


def test_a_run_continued_with_a_bundle_written_anew_in_the_same_folder_answers_anew(geocairn, made, tmp_path):
    bundle, out = tmp_path / "b", tmp_path / "x.jsonl"
    shutil.copytree(made / "softmax/bundle", bundle)
    words = ("locate", made / "Paris0.png", "--bundle", bundle, "--out", out, "--resume")
    assert [geocairn(*words).err for _ in range(2)] == ["", ""]
    replace_listed(bundle, "card.md", b"# Written anew\n")
    again = geocairn(*words)
    assert (again.code, "1 rows of other settings or another bundle are in it" in again.err) == (0, True)
    made_by = [json.loads(line)["provenance"]["bundle_sha256"] for line in out.read_text().splitlines()]
    assert made_by == [load_system(str(made / "softmax/bundle")).sha256, load_system(str(bundle)).sha256]
    assert made_by[0] != made_by[1]


def test_another_encoder_is_refused_photo_by_photo(geocairn, made, tmp_path):
    other = save_tiny(tmp_path / "other", "clip", seed=1)
    ran = geocairn("locate", made / "Paris0.png", "--bundle", made / "softmax/bundle", "--format", "jsonl", "--encoder", other)
    assert ran.code == 1
    assert "but the bundle takes features of 'clip image_embeds float32" in answers(ran)[0]["error"]


def test_an_encoder_for_a_bundle_that_encodes_no_photos_is_refused(geocairn, made):
    assert "encodes no photos" in geocairn.refused("locate", made / "Paris0.png", "--encoder", made / "encoder")
    assert "there is no --bundle" in geocairn.refused("evaluate", made / "val.parquet", "--predictions", made / "x.csv", "--encoder", made / "encoder")


def test_hints_and_limits_work_on_a_bundle_s_own_places(geocairn, made):
    words = ("locate", made / "Paris0.png", "--bundle", made / "hierloc/bundle", "--format", "jsonl")
    plain, hinted, within = (answers(geocairn(*words, *more))[0] for more in ((), ("--hint", "Kyoto"), ("--within", "JP")))

    def p(row, city):
        return sum(candidate["p"] for candidate in row["candidates"] if candidate["chain"][-1] == city)

    assert p(hinted, "Kyoto") > p(plain, "Kyoto")
    assert [clue["kind"] for clue in hinted["clues"]] == ["hint"]
    assert hinted["clues"][0]["supports"].startswith("JP")
    assert {candidate["chain"][0] for candidate in within["candidates"]} == {"JP"}


def test_a_bundle_tells_that_it_takes_photos(geocairn, made):
    assert json.loads(geocairn("bundle", "show", made / "softmax/bundle", "--json").out)["takes"] == ["features", "photos"]
    assert "encoders" in json.loads(geocairn("bundle", "show", made / "softmax/bundle", "--json").out)["config"]


def test_a_sign_in_the_photo_is_read_too(made, monkeypatch):
    import geocairn.systems.words as words
    from geocairn.clues.text import ReadText
    from geocairn.systems.clues_only import text_clues

    system = load_system(str(made / "softmax/bundle"))
    assert isinstance(system, FeatureSystem)
    assert system.looks_at_photos
    monkeypatch.setattr(words, "read_photo_text", lambda photo, atlas: (text_clues(ReadText.of_hint("Kyoto"), atlas), "a drawing"))
    evidence = system.evidence(read_photo(made / "Paris0.png"))
    assert [clue.kind for clue in evidence.clues] == ["toponym"]
    assert evidence.clues[0].ratio.argmax() == [system.hierarchy.names[place] for place in system.hierarchy.leaves].index("Kyoto")
    assert evidence.not_photo == "a drawing"
