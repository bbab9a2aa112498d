import json
import re
from pathlib import Path

import pytest
import torch
from tests.demo.tiny import TINY, small_world

from geocairn.demo.settings import TrainingDemoSettings
from geocairn.demo.training import begin_training_demo, run_training_demo
from geocairn.demo.words import STATEMENT, SYSTEMS
from geocairn.errors import BadOutput
from geocairn.evaluate.run import run_evaluation
from geocairn.evaluate.settings import EvaluationSettings
from geocairn.geo.sphere import distance_km
from geocairn.locate import Locator
from geocairn.manifest import read_manifest
from geocairn.systems.bundle import load_bundle

LIMITS, TRAINED = ("prior", "learnable", "bayes"), ("neighbours", "softmax", "hierloc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo") / "training"


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def demo(folder, told):
    with small_world():
        return run_training_demo(folder, TINY, tell=told.append)


def bundle_of(folder, name):
    return folder / "earth" / name if name in LIMITS else folder / "runs" / name / "bundle"


def test_each_system_and_limit_is_told_of_and_evaluated(demo, told):
    assert list(demo.reports) == list(SYSTEMS) == ["prior", "neighbours", "softmax", "hierloc", "learnable", "bayes"]
    assert [words for words in told if words.startswith("training")] == [f"training {name}" for name in TRAINED]
    assert [words for words in told if words.startswith("evaluating")] == [f"evaluating {name}" for name in SYSTEMS]
    assert {report.n for report in demo.reports.values()} == {demo.n_test} == {70}
    assert {report.n_failed for report in demo.reports.values()} == {0}
    assert all(set(report.level_accuracy_pct) == {"country", "region", "subregion", "city"} for report in demo.reports.values())
    assert demo.n_train == 525


@pytest.mark.parametrize("name", ["softmax", "hierloc"])
def test_one_thread_trains_on_whatever_machine(demo, folder, name):
    last = sorted((folder / "runs" / name / "checkpoints").glob("*.pt"))[-1]
    assert torch.load(last, weights_only=True)["n_threads"] == 1


@pytest.mark.parametrize("name", ["softmax", "bayes"])
def test_figures_are_those_of_evaluate_on_its_own_bundle(demo, folder, name):
    again = run_evaluation(folder / "earth/test.parquet", EvaluationSettings(bundle=str(bundle_of(folder, name))))
    assert again == demo.reports[name]


def test_the_limits_lie_above_the_prior(demo):
    prior, learnable, bayes = (demo.reports[name].geoscore for name in LIMITS)
    assert prior < learnable
    assert prior < bayes


@pytest.mark.parametrize("name", TRAINED)
def test_what_is_trained_is_calibrated_on_the_validation_photos(demo, folder, name):
    calibration = load_bundle(bundle_of(folder, name)).calibration
    assert calibration.calibrated
    assert 0 < calibration.fitted_on["photos"] <= 105


def test_the_report_is_that_of_hierloc_with_its_map(demo, folder):
    assert json.loads((folder / "report/report.json").read_text()) == json.loads(demo.reports["hierloc"].model_dump_json())
    assert (folder / "report/errors.png").read_bytes().startswith(b"\x89PNG")


def test_samples_are_answers_of_hierloc_about_photos_spread_over_the_test(demo, folder):
    rows = read_manifest(folder / "earth/test.parquet")
    of_photo = {photo: row for row, photo in enumerate(rows.photos)}
    chosen = [of_photo[sample.prediction.photo] for sample in demo.samples]
    assert chosen == [0, 7, 15, 23, 30, 38, 46, 53, 61, 69]
    answers = Locator.load(str(bundle_of(folder, "hierloc"))).locate_rows(folder / "earth/test.parquet", [rows.photos[row] for row in chosen])
    for sample, row, answer in zip(demo.samples, chosen, answers, strict=True):
        assert sample.prediction.candidates == answer.candidates
        assert sample.true_latlon_deg == tuple(rows.latlon_deg[row])
        assert sample.true_place.startswith(f"{rows.column('city')[row]}, ")
        assert sample.km == float(distance_km([rows.latlon_deg[row]], [[answer.best.lat_deg, answer.best.lon_deg]])[0])


def test_countries_are_named_in_words(demo):
    countries = {sample.true_place.rsplit(", ", 1)[1] for sample in demo.samples}
    assert countries
    assert not [name for name in countries if re.fullmatch("[A-Z]{2}", name)]


def test_page_and_map_say_that_features_are_generated(demo, folder):
    page, drawn = (folder / "training.md").read_text(), (folder / "samples.html").read_text()
    assert STATEMENT in page
    assert STATEMENT in drawn
    assert "say nothing of real photos" in STATEMENT
    assert f"525 training photos, {demo.n_test} test photos" in page
    for name, report in demo.reports.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| {name} |"))
        assert f"| {report.level_accuracy_pct['city']:.1f} |" in row
        assert row.endswith(f"| {report.geoscore:,.0f} |")
    for sample in demo.samples:
        assert f"| {sample.true_place} |" in page
        assert sample.prediction.photo in drawn
    assert all((folder / target).exists() for target in re.findall(r"\]\(([^)]+)\)", page))


def test_a_second_run_takes_nothing_of_the_first(demo, folder):
    page = (folder / "training.md").read_text()
    # A run that looks finished and a bundle of another day: trained by other code, or by half.
    weights = folder / "runs/softmax/bundle/model.safetensors"
    weights.write_bytes(b"stale")
    (folder / "earth/synth.json").write_text("{}")
    (folder / "runs/stale.txt").write_text("stale")
    with small_world():
        again = run_training_demo(folder, TINY)
    assert again.reports == demo.reports
    assert (folder / "training.md").read_text() == page
    assert weights.read_bytes() != b"stale"
    assert not (folder / "runs/stale.txt").exists()


def test_a_run_that_was_cut_off_is_begun_anew(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine.txt").write_text("mine")
    begin_training_demo(tmp_path / "training", TINY)
    (tmp_path / "training/earth").mkdir()
    (tmp_path / "training/earth/half").touch()
    (tmp_path / "training/link").symlink_to(outside)
    begin_training_demo(tmp_path / "training", TrainingDemoSettings(n_samples=3))
    assert [path.name for path in (tmp_path / "training").iterdir()] == ["demo.json"]
    assert json.loads((tmp_path / "training/demo.json").read_text())["n_samples"] == 3
    assert (outside / "mine.txt").exists()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "training").mkdir()
    (tmp_path / "training/thesis.tex").touch()
    with pytest.raises(BadOutput, match=r"training: is not empty and holds no training of a demo; name another folder"):
        run_training_demo(tmp_path / "training", TINY)
    assert (tmp_path / "training/thesis.tex").exists()


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadOutput, match=r"file: is a file; name a folder"):
        run_training_demo(tmp_path / "file", TINY)
    with pytest.raises(BadOutput, match=r"^/proc/training/demo\.json: cannot be written"):
        run_training_demo(Path("/proc/training"), TINY)
