"""Calibration: an exact posterior needs none, an overconfident one gets its factor back, and what is refused is refused before the work."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tests.small_earth import write_small_earth
from tests.train.test_hierloc import trained

from geocairn.answer.decide import Calibration
from geocairn.errors import BadBundle, BadFeatures, BadHierarchy, BadManifest, BadOutput
from geocairn.evaluate import calibrate as module
from geocairn.evaluate.calibrate import calibrate_bundle
from geocairn.evaluate.run import CALIBRATED_ON_THESE, run_evaluation
from geocairn.evaluate.settings import EvaluationSettings
from geocairn.evaluate.temperature import Told, expected_calibration_error, fit_support
from geocairn.locate import Locator
from geocairn.manifest import file_sha256, read_manifest
from geocairn.places.files import load_hierarchy
from geocairn.systems.bundle import load_bundle, save_bundle, verify_bundle
from geocairn.systems.limits import LimitSystem, save_limit


@pytest.fixture(scope="module")
def earth(tmp_path_factory):
    return write_small_earth(tmp_path_factory.mktemp("synth") / "earth", photos=1500, cities=60, unseen_max=0.02, val_share=0.4, photos_per_author=5)


@pytest.fixture(scope="module")
def hierloc(earth, tmp_path_factory):
    return trained(earth, tmp_path_factory.mktemp("run") / "run", epochs=1)


def manifest_of(earth, folder, change=lambda table: table):
    """The validation manifest, changed, with the features beside it."""
    folder.mkdir(exist_ok=True)
    (folder / "features").symlink_to(earth / "features")
    pq.write_table(change(pq.read_table(earth / "val.parquet")), folder / "val.parquet")
    return folder / "val.parquet"


def with_column(name, cells):
    return lambda table: table.set_column(table.column_names.index(name), name, pa.array(cells(table)))


@pytest.mark.parametrize("limit", ["bayes", "learnable"])
def test_an_exact_posterior_needs_no_temperature(earth, tmp_path, limit):
    found = calibrate_bundle(earth / limit, earth / "val.parquet", out=tmp_path / "b")
    assert 0 < found.temperature_error < 0.2
    assert abs(found.new.temperature - 1) < 3 * found.temperature_error
    assert 0 < found.reach_error < 0.2
    assert abs(found.new.reach - 1) < 3 * found.reach_error
    for region in (*found.before.regions.values(), *found.after.regions.values(), found.before.first, found.after.first):
        assert abs(region.difference) < 3.5 * region.standard_error
    assert found.new.support == Calibration().support
    assert abs(found.after.nll - found.before.nll) < 0.02


def test_scores_three_times_too_sure_get_temperature_three(earth, tmp_path, monkeypatch):
    plain = calibrate_bundle(earth / "bayes", earth / "val.parquet", out=tmp_path / "plain")
    scores = LimitSystem.log_scores
    monkeypatch.setattr(LimitSystem, "log_scores", lambda system, features: 3 * scores(system, features))
    found = calibrate_bundle(earth / "bayes", earth / "val.parquet", out=tmp_path / "b")
    assert found.new.temperature == pytest.approx(3 * plain.new.temperature, rel=1e-3)
    assert found.temperature_error == pytest.approx(3 * plain.temperature_error, rel=1e-2)
    assert found.after.nll == pytest.approx(plain.after.nll, abs=1e-4)
    assert found.before.nll > found.after.nll + 0.1
    assert found.after.levels["country"].ece < found.before.levels["country"].ece
    for region in found.before.regions.values():
        assert region.difference < -3 * region.standard_error


def test_a_trained_bundle_gets_likelier_truths_and_says_that_it_is_calibrated(earth, hierloc, tmp_path):
    old = load_bundle(hierloc)
    found = calibrate_bundle(hierloc, earth / "val.parquet", out=tmp_path / "b")
    assert found.after.nll < found.before.nll
    verify_bundle(tmp_path / "b")
    new = load_bundle(tmp_path / "b")
    assert new.sha256 == found.bundle_sha256 != old.sha256 == load_bundle(hierloc).sha256
    assert new.calibration == found.new
    assert new.calibration.fitted_on["manifest_sha256"] == file_sha256(earth / "val.parquet")
    assert new.calibration.fitted_on["photos"] == found.n == len(read_manifest(earth / "val.parquet")) - found.n_outside
    for file in sorted({path.name for path in hierloc.iterdir()} - {"calibration.json", "card.md", "manifest.json"}):
        assert (hierloc / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    card = (tmp_path / "b/card.md").read_text()
    assert "Never calibrated" not in card
    assert "training rows alone" in card
    photos = read_manifest(earth / "test.parquet").photos[:3]
    before, after = (list(Locator.load(str(folder)).locate_rows(earth / "test.parquet", photos)) for folder in (hierloc, tmp_path / "b"))
    assert [answer.provenance.calibrated for answer in (*before, *after)] == [False] * 3 + [True] * 3
    assert before[0].regions != after[0].regions


def with_leaves(bundle, out, factor):
    """The bundle with leaves whose radii are `factor` times as large."""
    old = load_bundle(bundle)
    radius = old.hierarchy.radius_km.copy()
    radius[old.hierarchy.leaves] *= np.float32(factor)
    hierarchy = replace(old.hierarchy, radius_km=radius)
    return save_bundle(out, old.config, hierarchy=hierarchy, calibration=Calibration(), card="# Bayes\n", arrays=old.arrays)


def test_a_bundle_of_leaves_four_times_too_wide_gets_their_reach(earth, tmp_path):
    plain = calibrate_bundle(earth / "bayes", earth / "val.parquet", out=tmp_path / "plain")
    found = calibrate_bundle(with_leaves(earth / "bayes", tmp_path / "wide", 4), earth / "val.parquet", out=tmp_path / "b")
    assert found.new.reach == pytest.approx(plain.new.reach / 4, abs=1e-4)
    assert found.new.fitted_on["photos_of_reach"] == found.n
    assert found.before.first.difference > 3 * found.before.first.standard_error
    assert abs(found.after.first.difference) < 3 * found.after.first.standard_error
    assert f"reach {found.new.reach:g} (standard error {found.reach_error:.2g})" in (tmp_path / "b/card.md").read_text()
    photos = read_manifest(earth / "test.parquet").photos[:5]
    answers = {name: list(Locator.load(str(tmp_path / name)).locate_rows(earth / "test.parquet", photos)) for name in ("plain", "wide", "b")}
    p = {name: [candidate.p for answer in of for candidate in answer.candidates] for name, of in answers.items()}
    assert p["b"] == pytest.approx(p["plain"], abs=1e-3)
    assert p["wide"] != pytest.approx(p["plain"], abs=0.1)


def test_the_word_of_first_candidates_is_the_one_that_an_evaluation_finds(earth, tmp_path):
    found = calibrate_bundle(earth / "learnable", earth / "val.parquet", out=tmp_path / "b")
    report = run_evaluation(earth / "val.parquet", EvaluationSettings(bundle=str(earth / "learnable")))
    assert (found.n_outside, found.before.first.n) == (0, report.candidates.first.n)
    assert found.before.first.inside == pytest.approx(report.candidates.first.inside, abs=1e-6)
    assert found.before.first.mass == pytest.approx(report.candidates.first.mean_mass, abs=1e-4)


def test_leaves_without_a_radius_have_no_reach(earth, tmp_path):
    found = calibrate_bundle(with_leaves(earth / "bayes", tmp_path / "points", 0), earth / "val.parquet", out=tmp_path / "b")
    assert (found.new.reach, found.reach_error, found.new.fitted_on["photos_of_reach"]) == (1, None, 0)
    assert "reach 1 (not fitted)" in (tmp_path / "b/card.md").read_text()


def test_an_evaluation_on_the_photos_of_the_calibration_says_so(earth, tmp_path):
    calibrate_bundle(earth / "bayes", earth / "val.parquet", out=tmp_path / "b")
    on_its_own, on_others = (run_evaluation(earth / f"{split}.parquet", EvaluationSettings(bundle=str(tmp_path / "b"))) for split in ("val", "test"))
    assert CALIBRATED_ON_THESE in on_its_own.notes
    assert CALIBRATED_ON_THESE not in on_others.notes


def test_in_place_and_again_gives_the_same_bytes(earth, hierloc, tmp_path):
    bundle = shutil.copytree(hierloc, tmp_path / "b")
    (tmp_path / "link").symlink_to(bundle)
    first = calibrate_bundle(tmp_path / "link", earth / "val.parquet")
    assert (tmp_path / "link").is_symlink()
    card = (bundle / "card.md").read_text()
    again = calibrate_bundle(bundle, earth / "val.parquet", out=tmp_path / "c")
    assert (bundle / "card.md").read_text() == card == (tmp_path / "c/card.md").read_text()
    assert again.new.temperature == first.new.temperature
    assert again.before.nll == pytest.approx(again.after.nll, abs=0.05)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "c", "link"]


def test_more_processes_change_nothing(earth, tmp_path):
    one, two = (calibrate_bundle(earth / "learnable", earth / "val.parquet", out=tmp_path / str(jobs), jobs=jobs) for jobs in (1, 2))
    assert one.bundle_sha256 == two.bundle_sha256


def test_photos_without_features_are_counted(earth, tmp_path):
    manifest = manifest_of(earth, tmp_path / "m", with_column("photo", lambda table: ["x", "y", *table["photo"].to_pylist()[2:]]))
    found = calibrate_bundle(earth / "bayes", manifest, out=tmp_path / "b")
    assert found.n == len(read_manifest(manifest)) - 2
    assert found.errors[0].startswith("x: has no features in ")
    assert len(found.errors) == 2


def test_photos_outside_every_place_and_beyond_memory_take_no_part(earth, tmp_path, monkeypatch):
    far = with_column("lat_deg", lambda table: [-45.0, *table["lat_deg"].to_pylist()[1:]])
    manifest = manifest_of(earth, tmp_path / "m", lambda table: with_column("lon_deg", lambda t: [-125.0, *t["lon_deg"].to_pylist()[1:]])(far(table)))
    monkeypatch.setattr(module, "MAX_NUMBERS", 60 * 100)
    found = calibrate_bundle(earth / "bayes", manifest, out=tmp_path / "b")
    assert (found.n, found.n_outside, found.n_not_drawn) == (100, 1, len(read_manifest(manifest)) - 101)


def test_a_bundle_of_photos_looks_at_photos(earth, tmp_path):
    hierarchy = load_hierarchy(earth / "bayes/hierarchy.npz")
    save_limit(tmp_path / "b", "p", hierarchy=hierarchy, stores={}, card="# p\n", models=None)
    table = pq.read_table(earth / "val.parquet").slice(0, 60)
    pq.write_table(table, tmp_path / "val.parquet")
    (tmp_path / "photos").mkdir()
    for name in table["photo"].to_pylist()[:-1]:
        Image.new("RGB", (8, 8)).save(tmp_path / "photos" / name, "PNG")
    found = calibrate_bundle(tmp_path / "b", tmp_path / "val.parquet", photos=tmp_path / "photos")
    assert (found.n, len(found.errors)) == (59, 1)
    with pytest.raises(BadManifest, match="0 photos have a score"):
        calibrate_bundle(tmp_path / "b", tmp_path / "val.parquet")


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda table: table.slice(0, 49), BadManifest, "49 photos are there, but a calibration needs 50"),
        (with_column("split", lambda table: ["train", *table["split"].to_pylist()[1:]]), BadManifest, "1 of its rows are of the split train"),
        (
            with_column("split", lambda table: [" Test", "test", *table["split"].to_pylist()[2:]]),
            BadManifest,
            "2 of its rows are of the split test, which is to be evaluated on, .*; name a manifest of validation photos$",
        ),
        (with_column("author", lambda table: ["me"] * len(table)), BadManifest, "all photos are by one author"),
    ],
)
def test_manifests_that_say_too_little_or_were_seen_are_refused(earth, tmp_path, change, error, said):
    before = file_sha256(earth / "bayes/manifest.json")
    with pytest.raises(error, match=said) as caught:
        calibrate_bundle(earth / "bayes", manifest_of(earth, tmp_path / "m", change))
    assert "\n" not in str(caught.value)
    assert file_sha256(earth / "bayes/manifest.json") == before


def test_photos_that_the_places_were_built_from_are_refused(earth, hierloc, tmp_path):
    seen = pq.read_table(earth / "train.parquet")["photo"].to_pylist()[0]
    manifest = manifest_of(earth, tmp_path / "m", with_column("photo", lambda table: [seen, *table["photo"].to_pylist()[1:]]))
    with pytest.raises(BadHierarchy, match=r"1 of the \d+ photos"):
        calibrate_bundle(hierloc, manifest, out=tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_photos_outside_all_places_are_told_to_be(earth, tmp_path):
    at_sea = [with_column(name, lambda table: [-48.9] * len(table)) for name in ("lat_deg", "lon_deg")]
    manifest = manifest_of(earth, tmp_path / "m", lambda table: at_sea[1](at_sea[0](table)))
    with pytest.raises(BadManifest, match=r"0 of \d+ photos lie in a place of the bundle, but a calibration needs 50; name photos taken where its places are"):
        calibrate_bundle(earth / "bayes", manifest)


def test_photos_without_features_are_told_to_have_none(earth, tmp_path):
    named = with_column("photo", lambda table: [f"new-{row}.jpg" for row in range(len(table))])
    with pytest.raises(BadManifest, match=r"0 of \d+ photos have a score .*; mend the others \(new-0\.jpg: "):
        calibrate_bundle(earth / "bayes", manifest_of(earth, tmp_path / "m", named))


def test_no_features_beside_the_manifest_is_refused(earth, tmp_path):
    shutil.copy(earth / "val.parquet", tmp_path)
    with pytest.raises(BadFeatures, match="no folder features beside it"):
        calibrate_bundle(earth / "bayes", tmp_path / "val.parquet", out=tmp_path / "b")


@pytest.mark.parametrize(("fault", "said"), [(np.nan, "its scores are not finite"), (-np.inf, "its true place is excluded altogether")])
def test_photos_whose_true_place_has_no_score_are_told(earth, tmp_path, monkeypatch, fault, said):
    monkeypatch.setattr(LimitSystem, "log_scores", _with_fault(LimitSystem.log_scores, fault))
    found = calibrate_bundle(earth / "bayes", earth / "val.parquet", out=tmp_path / "b")
    assert found.errors[0].endswith(f"of those scored: {said}, which no temperature mends; look at the scores")


def _with_fault(scores, fault):
    """The scores with a fault in the likeliest place of each batch's first row."""

    def log_scores(system, features):
        found = scores(system, features)
        found[0, found[0].argmax()] = fault
        return found

    return log_scores


def test_scores_that_say_nothing_are_refused(earth, tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    monkeypatch.setattr(LimitSystem, "log_scores", lambda system, features: 100 * random.normal(size=(len(features), system.hierarchy.n_leaves)))
    with pytest.raises(BadManifest, match="say nothing of where these photos were taken"):
        calibrate_bundle(earth / "bayes", earth / "val.parquet", out=tmp_path / "b")


@pytest.mark.parametrize("name", ["clues", "prior"])
def test_shipped_bundles_are_refused(earth, name):
    with pytest.raises(BadBundle, match=f"{name}: this bundle ships with Geocairn"):
        calibrate_bundle(Path(name), earth / "val.parquet")


@pytest.mark.parametrize("where", ["inside", "file", "other", "another bundle"])
def test_targets_that_cannot_be_are_refused_before_the_work(earth, tmp_path, where, monkeypatch):
    monkeypatch.setattr(module, "scored_photos", lambda *rest, **more: pytest.fail("began to work"))
    another = shutil.copytree(earth / "learnable", tmp_path / "another")
    out = {"inside": earth / "bayes/new", "file": tmp_path / "file", "other": tmp_path, "another bundle": another}[where]
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadOutput):
        calibrate_bundle(earth / "bayes", earth / "val.parquet", out=out)
    assert (tmp_path / "file").read_text() == "mine"
    assert load_bundle(another).sha256 == load_bundle(earth / "learnable").sha256


def test_a_calibration_is_written_over_an_older_one_of_the_same_bundle(earth, tmp_path):
    out = shutil.copytree(earth / "bayes", tmp_path / "b")
    found = calibrate_bundle(earth / "bayes", earth / "val.parquet", out=out)
    assert found.bundle_sha256 == load_bundle(out).sha256 != load_bundle(earth / "bayes").sha256


def test_a_damaged_bundle_is_refused(earth, tmp_path):
    bundle = shutil.copytree(earth / "bayes", tmp_path / "b")
    values = json.loads((bundle / "calibration.json").read_text())
    (bundle / "calibration.json").write_text(json.dumps(values | {"temperature": 7}))
    with pytest.raises(BadBundle, match=r"calibration.json"):
        calibrate_bundle(bundle, earth / "val.parquet")


def test_a_bundle_that_another_process_has_written_meanwhile_stays_as_it_is(earth, tmp_path, monkeypatch):
    bundle = shutil.copytree(earth / "learnable", tmp_path / "b")
    scored = module.scored_photos

    def scored_while_replaced(*given, **more):
        yield from scored(*given, **more)
        shutil.rmtree(bundle)
        shutil.copytree(earth / "bayes", bundle)

    monkeypatch.setattr(module, "scored_photos", scored_while_replaced)
    with pytest.raises(BadBundle, match=r"b: another process has written it since it was read, and nothing was changed here"):
        calibrate_bundle(bundle, earth / "val.parquet")
    assert load_bundle(bundle).sha256 == load_bundle(earth / "bayes").sha256
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_modes_of_the_old_bundle_are_not_taken_over(earth, tmp_path):
    bundle = shutil.copytree(earth / "bayes", tmp_path / "b")
    for path in (*bundle.iterdir(), bundle):
        path.chmod(0o500)
    calibrate_bundle(bundle, earth / "val.parquet", out=tmp_path / "c")
    assert {oct(path.stat().st_mode) for path in (tmp_path / "c").iterdir()} == {"0o100644"}
    bundle.chmod(0o700)


def told(p, right, n=1000):
    return Told(np.full(n, p), np.random.default_rng(0).permutation(n) < right * n, np.arange(n) % 97)


@pytest.mark.parametrize(("p", "right", "support"), [(0.7, 0.72, 0.6), (0.7, 0.69, 0.6), (0.72, 0.4, 0.75), (0.99, 0.5, 0.95), (0.3, 0.0, 0.6)])
def test_the_support_is_the_least_at_which_answers_are_right_as_often_as_they_say(p, right, support):
    assert fit_support(told(p, right)) == support


def test_expected_calibration_error_against_one_counted_by_hand():
    numbers = np.random.default_rng(0)
    p, right = numbers.random(500), numbers.random(500) < 0.5
    bins = [np.flatnonzero((p >= low / 15) & (p < (low + 1) / 15)) for low in range(15)]
    by_hand = sum(len(rows) / 500 * abs(p[rows].mean() - right[rows].mean()) for rows in bins)
    assert expected_calibration_error(p, right) == pytest.approx(by_hand)
    assert expected_calibration_error([1.0, 1.0], [True, True]) == 0
