"""Whole evaluations with a known answer: a bundle, a file, their files, and what is refused."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from geocairn.errors import BadConfig, BadHierarchy, BadManifest, BadOutput, UnknownName
from geocairn.evaluate.answers import Source
from geocairn.evaluate.plots import PLOTS
from geocairn.evaluate.run import run_evaluation
from geocairn.evaluate.settings import EvaluationSettings
from geocairn.geo.sphere import distance_km, geoscore
from geocairn.places.row_entities import EntitySettings, build_row_entities

PARIS, LYON, TOKYO = (48.85, 2.35), (45.76, 4.84), (35.69, 139.69)
MANIFEST = "photo,lat_deg,lon_deg,author,season\na.jpg,48.85,2.35,x,winter\nb.jpg,45.76,4.84,x,summer\nc.jpg,35.69,139.69,y,winter\n=d.jpg,35.69,139.69,z,\n"
LYON_PARIS_KM, TOKYO_PARIS_KM = float(distance_km(LYON, PARIS)), float(distance_km(TOKYO, PARIS))


@pytest.fixture
def manifest(write) -> Path:
    return write("m.csv", MANIFEST)


@pytest.fixture
def bundle(places, answer):
    """Paris for every photo: right, near, far and abstained, failed."""
    regions = [(0.5, 0.6, [0]), (0.8, 0.9, [0, 1])]

    def locate(paths):
        french = [("country", "FR", "France", 0.9)]
        yield answer(paths[0], levels=[*french, ("region", "FR/11", "Île-de-France", 0.8)], regions=regions, clues=[("toponym", "FR/11"), ("phone", "JP")])
        yield answer(paths[1], levels=french, regions=regions, clues=[("toponym", "FR/11")], others=[(*LYON, 20.0, 0.2)])
        yield answer(paths[2], regions=regions, abstain="too dark")
        yield answer(paths[3], error="torn file")

    return lambda settings, tell: Source(places, locate)


@pytest.fixture
def report(manifest, bundle):
    return run_evaluation(manifest, EvaluationSettings(bundle="fake", group_by="season"), opener=bundle)


def test_the_known_answer(report):
    assert (report.n, report.n_failed, report.n_abstained, report.n_answered, report.answered_pct) == (4, 1, 1, 2, 50.0)
    assert report.within_pct == {"1": 25.0, "25": 25.0, "200": 25.0, "750": 50.0, "2500": 50.0}
    assert report.median_km == pytest.approx((LYON_PARIS_KM + TOKYO_PARIS_KM) / 2, abs=1e-6)
    assert report.mean_km == pytest.approx((LYON_PARIS_KM + TOKYO_PARIS_KM) / 3, abs=1e-6)
    assert report.n_mean == 3
    assert report.geoscore == pytest.approx((5000 + float(geoscore(LYON_PARIS_KM)) + float(geoscore(TOKYO_PARIS_KM))) / 4, abs=1e-6)
    assert (report.protocol, report.distance, report.earth_radius_km, report.inequality, report.decide) == ("geoestimation", "sphere", 6371.0, "<=", "mode")
    assert report.level_accuracy_pct == {"country": 50.0}
    assert report.n_labelled == {"country": 4}
    assert report.manifest.labels["country"] == "nearest place"
    assert (report.bootstrap.by, report.bootstrap.n_groups) == ("author", 3)


def test_the_answered_and_their_levels(report):
    assert (report.answered_country.n, report.answered_country.right, report.answered_country.pct) == (2, 2, 100.0)
    low, high = report.answered_country.wilson95_pct
    assert (round(low, 1), high) == (34.2, 100.0)
    assert report.supported_levels["country"].mean_p == 0.9
    assert (report.supported_levels["region"].n, report.supported_levels["region"].right) == (1, 1)
    assert [(point.min_p, point.answered_pct, point.precision_pct) for point in report.coverage_precision] == [(0.9, 50.0, 100.0)]


def test_the_regions_against_their_mass(report):
    half, most = report.regions
    assert (half.nominal, half.n, half.mean_mass, half.inside, half.difference) == (0.5, 3, 0.6, pytest.approx(1 / 3, abs=1e-6), pytest.approx(-0.266667))
    assert (most.nominal, most.inside) == (0.8, pytest.approx(2 / 3, abs=1e-6))
    assert half.standard_error > 0
    assert [region.n for region in report.regions_of_answered] == [2, 2]
    assert [region.standard_error for region in report.regions_of_answered] == [None, None]  # one author alone


def test_the_candidates_against_their_p(report):
    assert (report.candidates.first.n, report.candidates.first.inside) == (3, pytest.approx(1 / 3, abs=1e-6))
    assert report.candidates.all.n == 4
    assert [(found.low, found.n, found.inside) for found in report.candidates.bins] == [(0.2, 1, 1.0), (0.7, 3, pytest.approx(1 / 3, abs=1e-6))]


def test_the_clues_against_the_truth(report):
    toponym, phone = report.clues["toponym"], report.clues["phone"]
    assert (toponym.n_photos, toponym.n_clues, toponym.n_judged, toponym.right, toponym.country_right) == (2, 2, 2, 1, 2)
    assert (phone.right, phone.right_pct) == (0, 0.0)


def test_the_table_by_a_column(report):
    assert [(group.value, group.n, group.n_failed, group.within_pct["1"], group.country_pct) for group in report.groups] == [
        ("winter", 2, 0, 50.0, 50.0),
        ("summer", 1, 0, 0.0, 100.0),
        (None, 1, 1, 0.0, 0.0),
    ]
    assert report.groups[2].median_km is None


def test_the_intervals_hold_the_figures(report):
    ends = report.ci95
    for name, share in report.within_pct.items():
        assert ends.within_pct[name][0] <= share <= ends.within_pct[name][1]
    assert ends.geoscore[0] <= report.geoscore <= ends.geoscore[1]
    assert ends.mean_km[0] <= report.mean_km <= ends.mean_km[1]
    assert ends.median_km[0] <= report.median_km
    assert ends.median_km[1] is None  # infinite: some draws hold the failed photo alone
    assert set(ends.level_accuracy_pct) == {"country"}


def test_the_files_are_written_and_equal_inputs_give_equal_bytes(manifest, bundle, report, tmp_path):
    for name in ("one", "two"):
        run_evaluation(manifest, EvaluationSettings(bundle="fake", group_by="season"), out=tmp_path / name, opener=bundle)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted([*(f"{name}.png" for name in PLOTS), "predictions.csv", "report.json", "report.md"])
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    written = json.loads((tmp_path / "one" / "report.json").read_text())
    assert written == json.loads(report.model_dump_json())
    assert {"n", "n_failed", "protocol", "distance", "earth_radius_km", "inequality", "decide", "within_pct", "median_km", "mean_km", "geoscore"} <= set(
        written
    )
    words = (tmp_path / "one" / "report.md").read_text()
    assert "| within 750 km | 50.0 % |" in words
    assert "![thresholds](thresholds.png)" in words


def test_predictions_csv_is_a_file_of_predictions_and_defused(manifest, bundle, places, tmp_path):
    first = run_evaluation(manifest, EvaluationSettings(bundle="fake"), out=tmp_path / "out", opener=bundle)
    rows = list(csv.DictReader((tmp_path / "out" / "predictions.csv").read_text().splitlines()))
    assert [row["photo"] for row in rows] == ["a.jpg", "b.jpg", "c.jpg", "'=d.jpg"]
    assert [(row["country"], row["true_country"], row["scored_country"], row["country_right"], row["country_p"]) for row in rows] == [
        ("FR", "FR", "FR", "1", "0.9"),
        ("FR", "FR", "FR", "1", "0.9"),
        ("", "JP", "FR", "0", ""),
        ("", "JP", "", "0", ""),
    ]
    assert (rows[3]["error"], rows[3]["km"], rows[3]["geoscore"]) == ("torn file", "", "0.0")
    assert float(rows[1]["km"]) == LYON_PARIS_KM
    settings = EvaluationSettings(predictions=tmp_path / "out" / "predictions.csv", against=tmp_path / "out" / "predictions.csv")
    again = run_evaluation(manifest, settings, opener=lambda settings, tell: Source(places))
    for figure in ("n", "n_failed", "n_abstained", "within_pct", "median_km", "mean_km", "geoscore", "level_accuracy_pct", "ci95", "answered_country"):
        assert getattr(again, figure) == getattr(first, figure), figure
    assert {level: share.right for level, share in again.supported_levels.items()} == {"country": 2, "region": 1}
    assert (again.against.geoscore.difference, again.against.geoscore.ci95) == (0, (0, 0))


def test_a_bare_file_scores_its_points_and_says_what_it_cannot(manifest, write, places, tmp_path):
    predictions = write("p.csv", "photo,lat_deg,lon_deg\na.jpg,48.85,2.35\nb.jpg,48.85,2.35\nc.jpg,48.85,2.35\n")
    report = run_evaluation(manifest, EvaluationSettings(predictions=predictions), out=tmp_path / "out", opener=lambda settings, tell: Source(places))
    assert report.within_pct["750"] == 50.0
    assert (report.n_failed, report.n_abstained, report.n_answered) == (1, 0, 3)
    assert report.level_accuracy_pct == {"country": 50.0}  # from the place nearest to each point
    assert (report.regions, report.candidates, report.coverage_precision, report.clues, report.groups) == ([], None, [], {}, [])
    assert any("which places their regions hold" in note for note in report.notes)
    assert not (tmp_path / "out" / "reliability.png").exists()
    assert report.system.predictions == "p.csv"


def test_a_manifest_without_authors_says_what_that_means(write, places):
    manifest = write("m.csv", "photo,lat_deg,lon_deg,country,region\na,48.85,2.35,FR,FR/11\nb,45.76,4.84,FR,\nb,45.76,4.84,FR,\nc,,,,\n")
    predictions = write("p.csv", "photo,lat_deg,lon_deg,country,region\na,48.85,2.35,France,Île-de-France\nb,35.69,139.69,FR,\n")
    report = run_evaluation(manifest, EvaluationSettings(predictions=predictions), opener=lambda settings, tell: Source(places))
    assert report.bootstrap.by == "photo"
    assert report.manifest.n_rows == 4
    assert report.manifest.rejected == {"repeats an earlier row": 1, "no coordinates": 1}
    assert report.level_accuracy_pct == {"country": 100.0, "region": 100.0}
    assert report.n_labelled == {"country": 2, "region": 1}
    assert "Of the manifest 2 of 4 rows are left out (repeats an earlier row: 1, no coordinates: 1)." in report.notes


def test_a_worse_file_lies_below_beyond_noise(write, places):
    names = [f"{index}.jpg" for index in range(40)]
    manifest = write("m.csv", "photo,lat_deg,lon_deg,author\n" + "".join(f"{name},48.85,2.35,{index}\n" for index, name in enumerate(names)))
    good = write("good.csv", "photo,lat_deg,lon_deg\n" + "".join(f"{name},48.85,2.35\n" for name in names))
    bad = write("bad.csv", "photo,lat_deg,lon_deg\n" + "".join(f"{name},{'35.69,139.69' if index % 2 else '48.85,2.35'}\n" for index, name in enumerate(names)))
    below = run_evaluation(manifest, EvaluationSettings(predictions=bad, against=good), opener=lambda settings, tell: Source(places)).against
    above = run_evaluation(manifest, EvaluationSettings(predictions=good, against=bad), opener=lambda settings, tell: Source(places)).against
    assert below.predictions == "good.csv"
    assert below.within_pct["2500"].difference == -50
    assert below.within_pct["2500"].is_below_zero
    assert above.within_pct["2500"].is_above_zero
    assert below.country_pct.is_below_zero
    assert below.geoscore.difference == -above.geoscore.difference


def test_the_stream_of_a_bundle_can_be_watched(manifest, bundle):
    seen = []

    def watch(predictions, n):
        seen.append(n)
        for prediction in predictions:
            seen.append(Path(prediction.photo).name)
            yield prediction

    run_evaluation(manifest, EvaluationSettings(bundle="fake"), opener=bundle, watch=watch)
    assert seen == [4, "a.jpg", "b.jpg", "c.jpg", "=d.jpg"]


def test_photos_are_looked_for_where_said(manifest, places, answer, tmp_path):
    (tmp_path / "photos").mkdir()
    asked = []

    def locate(paths):
        asked.extend(paths)
        return [answer(path) for path in paths]

    run_evaluation(manifest, EvaluationSettings(bundle="fake", photos=tmp_path / "photos"), opener=lambda settings, tell: Source(places, locate))
    assert asked[0] == str(tmp_path / "photos" / "a.jpg")


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({}, BadConfig, r"--bundle, --predictions, --oracle: none is given"),
        ({"bundle": "fake", "predictions": "p.csv"}, BadConfig, r"--bundle, --predictions, --oracle: --bundle and --predictions are given"),
        ({"predictions": "p.csv", "decide": "median"}, BadConfig, r"--decide median: the points of p.csv are decided already"),
        ({"bundle": "fake", "protocol": "gws"}, UnknownName, r"protocol 'gws': there is geoestimation, geodecoder, pigeon, osv5m, geoclip"),
        ({"bundle": "fake", "group_by": "mood"}, BadManifest, r"no column 'mood'; its columns are 'author', 'season'"),
        ({"bundle": "fake", "photos": "nowhere"}, BadManifest, r"nowhere: not a folder"),
        ({"bundle": "fake", "against": "none.csv"}, BadManifest, r"none.csv: no such file"),
    ],
)
def test_refusals(settings, error, words, manifest, bundle):
    with pytest.raises(error, match=words):
        run_evaluation(manifest, EvaluationSettings(**settings), opener=bundle)


def test_a_folder_that_cannot_be_written_is_refused(manifest, bundle, write):
    with pytest.raises(BadOutput, match="taken: is a file; name a folder"):
        run_evaluation(manifest, EvaluationSettings(bundle="fake"), out=write("taken", ""), opener=bundle)


def test_no_source_is_written_over(manifest, write, places, tmp_path):
    def run(out, manifest=manifest, **settings):
        run_evaluation(manifest, EvaluationSettings(**settings), out=out, opener=lambda settings, tell: Source(places))

    points = "photo,lat_deg,lon_deg\na.jpg,48.85,2.35\n"
    mine, named_alike = write("p.csv", points), write("predictions.csv", points)
    for sources in ({"predictions": named_alike}, {"predictions": mine, "against": named_alike}, {"oracle": named_alike}):
        write("report.md", "of an earlier evaluation")
        with pytest.raises(BadOutput, match=r"predictions\.csv: is read and would be overwritten; choose another name"):
            run(tmp_path, **sources)
    with pytest.raises(BadOutput, match=r"predictions\.csv: is read"):
        run(tmp_path, manifest=named_alike, predictions=mine)
    (tmp_path / "linked.csv").symlink_to(named_alike)
    with pytest.raises(BadOutput, match=r"predictions\.csv: is read"):
        run(tmp_path, predictions=tmp_path / "linked.csv")
    assert named_alike.read_text() == points


def test_no_photo_is_written_over(write, places, answer, tmp_path):
    manifest = write("m.csv", "photo,lat_deg,lon_deg\na.jpg,1,2\nerrors.png,1,2\n")
    photo = write("errors.png", "a photo")
    write("report.md", "of an earlier evaluation")
    with pytest.raises(BadOutput, match=r"errors\.png: is read"):
        run_evaluation(manifest, EvaluationSettings(bundle="fake"), out=tmp_path, opener=lambda settings, tell: Source(places))
    assert photo.read_text() == "a photo"


def test_a_folder_of_other_things_is_refused_and_an_older_report_replaced(manifest, write, bundle, places, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "predictions.csv").write_text("not of an evaluation")
    with pytest.raises(BadOutput, match=r"out: is not empty and holds no report; name another folder"):
        run_evaluation(manifest, EvaluationSettings(bundle="fake"), out=out, opener=bundle)
    assert [path.name for path in out.iterdir()] == ["predictions.csv"]
    (out / "predictions.csv").unlink()
    run_evaluation(manifest, EvaluationSettings(bundle="fake"), out=out, opener=bundle)
    (out / "letter.txt").write_text("mine")
    predictions = write("p.csv", "photo,lat_deg,lon_deg\na.jpg,48.85,2.35\n")
    run_evaluation(manifest, EvaluationSettings(predictions=predictions), out=out, opener=lambda settings, tell: Source(places))
    assert json.loads((out / "report.json").read_text())["system"]["predictions"] == "p.csv"
    assert not (out / "reliability.png").exists()
    assert (out / "letter.txt").read_text() == "mine"


def test_what_an_evaluation_leaves_that_was_cut_off_is_replaced(manifest, bundle, tmp_path, monkeypatch):
    def cut_off(*_):
        raise KeyboardInterrupt

    for name in ("_rows", "report_markdown"):
        with monkeypatch.context() as patch:
            patch.setattr(f"geocairn.evaluate.write.{name}", cut_off)
            with pytest.raises(KeyboardInterrupt):
                run_evaluation(manifest, EvaluationSettings(bundle="fake"), out=tmp_path / "out", opener=bundle)
        assert not (tmp_path / "out" / "report.json").exists()
    run_evaluation(manifest, EvaluationSettings(bundle="fake"), out=tmp_path / "out", opener=bundle)
    assert (tmp_path / "out" / "report.json").exists()


def test_resamples_and_seed_are_connected(manifest, bundle):
    default = run_evaluation(manifest, EvaluationSettings(bundle="fake"), opener=bundle)
    for change in ({"n_resamples": 10}, {"seed": 1}):
        changed = run_evaluation(manifest, EvaluationSettings(bundle="fake", **change), opener=bundle)
        assert changed.regions[0].standard_error != default.regions[0].standard_error
        assert changed.geoscore == default.geoscore


def test_a_bundle_that_was_never_calibrated_says_so(manifest, places, answer):
    def locate(paths):
        for path in paths:
            made = answer(path)
            yield made.model_copy(update={"provenance": made.provenance.model_copy(update={"calibrated": False})})

    report = run_evaluation(manifest, EvaluationSettings(bundle="fake"), opener=lambda settings, tell: Source(places, locate))
    assert any("never calibrated" in note for note in report.notes)
    assert (report.system.bundle, report.system.sha256, report.system.settings_sha256) == ("fake", "b", "s")


def test_words_from_files_cannot_break_the_tables(write, places, tmp_path):
    manifest = write("m.csv", 'photo,lat_deg,lon_deg,tag\na,48.85,2.35,"a|b\n<script>"\n')
    predictions = write("p.csv", "photo,lat_deg,lon_deg\na,48.85,2.35\n")
    run_evaluation(manifest, EvaluationSettings(predictions=predictions, group_by="tag"), out=tmp_path / "out", opener=lambda settings, tell: Source(places))
    assert "| a\\|b &lt;script> | 1 |" in (tmp_path / "out" / "report.md").read_text()


def test_plots_are_not_paid_for_until_they_are_drawn():
    code = "import sys, geocairn.evaluate.run; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_bundle_whose_places_were_built_from_the_photos_under_test_is_refused(write, tmp_path, manifest, bundle):
    head = "photo,lat_deg,lon_deg,country\n"
    own, leaked = write("own.csv", f"{head}t.jpg,48.8,2.3,FR\n"), write("leaked.csv", f"{head}t.jpg,48.8,2.3,FR\nb.jpg,45.76,4.84,FR\n")
    for name, rows in (("own", own), ("leaked", leaked)):
        build_row_entities(rows, tmp_path / name, EntitySettings(labels="columns"))
    assert run_evaluation(manifest, EvaluationSettings(bundle=str(tmp_path / "own")), opener=bundle).n == 4
    with pytest.raises(BadHierarchy, match=r"leaked: 1 of the 4 photos in .*m\.csv are among the 2 that it was built from or trained on; leave them out"):
        run_evaluation(manifest, EvaluationSettings(bundle=str(tmp_path / "leaked")), opener=bundle)
