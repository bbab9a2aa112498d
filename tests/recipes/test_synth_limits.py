"""The recipe that measures the limits of the synthetic Earth, and the page that shows them."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from geocairn.answer.best_leaves import Spots
from geocairn.geo.sphere import distance_km_from_units, geoscore, unit_from_latlon
from geocairn.manifest import read_manifest
from geocairn.places.geonames import read_cities
from geocairn.synth import places
from geocairn.systems.bundles import load_system

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def recipes():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "recipes"))
        patch.setattr(sys, "dont_write_bytecode", True)
        import synth_figures
        import synth_limits
        import synth_limits_page

        cities = read_cities(15000)
        patch.setattr(places, "read_cities", lambda: cities)
        # Others may change the code while the tests run.
        for module in (synth_limits, synth_figures):
            patch.setattr(module, "source_sha256", lambda: "code")
        yield SimpleNamespace(limits=synth_limits, page=synth_limits_page)


@pytest.fixture(scope="module")
def size(recipes, tmp_path_factory):
    out = tmp_path_factory.mktemp("limits")
    return replace(recipes.limits.TINY, seeds=(0,), n_tested=40, build=out, results=out)


@pytest.fixture(scope="module")
def result(recipes, size):
    """Measured on one tiny Earth."""
    return recipes.limits.measure_all(size)


def test_each_figure_is_that_of_the_rule_that_is_best_at_it_and_knows_no_truth(recipes, size, result):
    """The prior's, which answers one city for all photos: tried out city by city on the spots of the test photos."""
    earth = recipes.limits.drawn(size.earth.model_copy(update={"seed": 0}))
    hierarchy, (latlon_deg, city) = earth.hierarchy, earth.sites.of_split("test")
    km = distance_km_from_units(hierarchy.leaf_unit[:, None], unit_from_latlon(latlon_deg))
    share = earth.share[city] / np.bincount(city)[city]
    truth = unit_from_latlon(read_manifest(size.build / "earth-0/test.parquet").latlon_deg[: size.n_tested])
    row = result["rows"]["prior"]["0"]
    for radius in recipes.limits.WITHIN_KM:
        best = int(np.argmax((km <= radius) @ share))
        assert row[f"within_{radius}_km_pct"]["expected"] == pytest.approx(100 * float(((km <= radius) @ share).max()), rel=1e-4)
        hits = distance_km_from_units(hierarchy.leaf_unit[best], truth) <= radius
        assert row[f"within_{radius}_km_pct"]["value"] == pytest.approx(100 * hits.mean())
    assert row["geoscore"]["expected"] == pytest.approx(float((geoscore(km) @ share).max()), rel=1e-4)
    assert row["mean_km"]["expected"] == pytest.approx(float((km @ share).min()), rel=1e-4)


def test_within_a_radius_no_limit_is_below_the_likeliest_city(recipes, size, result):
    """What stood there before was 1.0 % within 25 km for a prior that had 2.9 % of the cities right."""
    for limit in recipes.limits.LIMITS:
        row = result["rows"][limit]["0"]
        assert row["within_25_km_pct"]["expected"] >= expected_city_pct(size, limit) - 0.1
        within = [row[f"within_{radius}_km_pct"]["expected"] for radius in recipes.limits.WITHIN_KM]
        assert within == sorted(within)


def expected_city_pct(size, limit):
    """Mean probability of the likeliest city, all of whose photos lie within 6 km of it."""
    from geocairn.data.feature_rows import rows_beside

    system, manifest = load_system(str(size.build / "earth-0" / limit)), read_manifest(size.build / "earth-0/test.parquet")
    features, _ = rows_beside(manifest.path, system.stores).read(manifest.photos[: size.n_tested])
    scores = np.stack([evidence.scores[-1] for evidence in system.evidence_of_features(features)])
    mass = np.exp(scores - scores.max(axis=1, keepdims=True))
    return 100 * float((mass.max(axis=1) / mass.sum(axis=1)).mean())


def test_a_result_says_what_it_is_made_of(recipes, result):
    assert set(result["rules"]) == set(recipes.page.DISTANCES)
    assert set(result["limits"]["bayes"]) == {*recipes.page.LEVELS, *recipes.page.DISTANCES, *recipes.page.REGIONS}
    assert {"source", "made_of", "commit", "data_sha256", "seed", "machine"} <= set(result)
    assert {row["made_of"] for row in result["rows"]["bayes"].values()} == {result["made_of"]["bayes"]}


def test_rows_are_measured_again_only_where_code_or_what_they_are_made_of_changed(recipes, size, result, monkeypatch):
    asked = []

    def measured(size, task):
        asked.append((task.name, task.source))
        return {**result["rows"][task.name]["0"], "source": task.source, "made_of": task.made_of}

    monkeypatch.setattr(recipes.limits, "measured", measured)
    recipes.limits.measure_all(size)
    assert asked == []
    fewer = replace(size, n_tested=30)
    assert {task.made_of for task in recipes.limits.planned(fewer)}.isdisjoint(task.made_of for task in recipes.limits.planned(size))
    monkeypatch.setattr(recipes.limits, "source_sha256", lambda: "other code")
    again = recipes.limits.measure_all(size)
    assert asked == [(limit, "other code") for limit in recipes.limits.LIMITS]
    assert again["limits"] == result["limits"]
    (size.results / "synth_limits.json").write_text(json.dumps(result))


def test_rows_of_other_code_are_in_no_figure(recipes, result):
    from synth_figures import current_rows

    assert recipes.limits.summary(current_rows({**result, "source": "newer code"})) == {}
    assert recipes.page.figures({name: value for name, value in result.items() if name != "limits"}) == recipes.page.NOTHING


def test_an_earth_that_is_not_the_one_the_code_draws_is_refused(recipes, size, result, monkeypatch):
    other = recipes.limits.draw_earth(size.earth.model_copy(update={"seed": 5}))
    with pytest.raises(SystemExit, match="another Earth than the code draws now; remove the folder"):
        recipes.limits.figures_of(size.build / "earth-0/prior", other, 5)


def test_code_that_changes_while_it_is_measured_is_told(recipes, size, result):
    (task, *_) = recipes.limits.planned(size)
    with pytest.raises(SystemExit, match="bayes, seed 0: the code was changed while it was measured"):
        recipes.limits.measured(size, replace(task, source="older code"))


def test_the_page_shows_rules_and_figures(recipes, result):
    text = recipes.page.figures(result)
    within = [f"{result['limits'][limit]['within_25_km_pct']['mean']:.1f}" for limit in recipes.limits.LIMITS]
    assert f"| within 25 km, % | most probability within 25 km | {' | '.join(within)} |" in text
    assert "2,000 photos, 60 cities, 40 test photos of each of 1 Earths" in text
    assert recipes.page.NOTHING not in text


def test_the_page_has_no_distances_of_a_result_that_names_no_rules(recipes, result):
    """As results did whose figures were those of the better of three rules, chosen on the photos that they were told of."""
    text = recipes.page.figures({name: value for name, value in result.items() if name != "rules"})
    assert recipes.page.NOTHING in text
    assert not any(words in text for words in recipes.page.DISTANCES.values())
    assert "| city |" in text
    assert "GeoScore" not in text


def test_spots_are_those_of_the_test_photos(recipes, size, result):
    earth = recipes.limits.drawn(size.earth.model_copy(update={"seed": 0}))
    latlon_deg, city = earth.sites.of_split("test")
    truth = read_manifest(size.build / "earth-0/test.parquet").latlon_deg
    assert {*map(tuple, truth.round(6))} <= {*map(tuple, latlon_deg.round(6))}
    assert Spots(unit_from_latlon(latlon_deg), city).count.min() >= 1
