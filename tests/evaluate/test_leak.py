"""A bundle whose places are built from the photos under test: refused, unless it says so itself; then every report does."""

import json

import pytest

from geocairn.errors import BadHierarchy
from geocairn.evaluate.answers import Source
from geocairn.evaluate.run import run_evaluation
from geocairn.evaluate.settings import EvaluationSettings
from geocairn.places.row_entities import EntitySettings, build_row_entities

HEAD = "photo,lat_deg,lon_deg,country\n"


@pytest.fixture
def built(write, tmp_path):
    """A folder of places built from one photo under test and another."""
    build_row_entities(write("rows.csv", f"{HEAD}t.jpg,48.8,2.3,FR\nb.jpg,45.76,4.84,FR\n"), tmp_path / "places", EntitySettings())
    return tmp_path / "places"


@pytest.fixture
def evaluate(built, places, answer):
    """Evaluates the folder as a bundle that answers Paris, and declares a leak or not."""

    def run(manifest, *, is_leaked, out=None):
        source = Source(places, lambda paths: (answer(path) for path in paths), is_leaked=is_leaked)
        return run_evaluation(manifest, EvaluationSettings(bundle=str(built)), out=out, opener=lambda settings, tell: source)

    return run


def test_a_declared_leak_is_measured_and_told_before_all_figures(built, evaluate, write, tmp_path):
    manifest = write("m.csv", f"{HEAD}a.jpg,48.8,2.3,FR\nb.jpg,45.76,4.84,FR\n")
    assert evaluate(manifest, is_leaked=True, out=tmp_path / "out").system.n_leaked == 1
    assert json.loads((tmp_path / "out/report.json").read_text())["system"]["n_leaked"] == 1
    title, _, warning, *_ = (tmp_path / "out/report.md").read_text().splitlines()
    assert title.startswith("# bundle ")
    said = f"LEAKED, no honest test: 1 of these 2 photos are among those that the places of the bundle {built} were built from (places.leaked = true)"
    assert warning == f"**{said}.**"
    with pytest.raises(BadHierarchy, match="1 of the 2 photos"):
        evaluate(manifest, is_leaked=False)


def test_a_declared_leak_does_not_concern_other_photos(evaluate, write, tmp_path):
    manifest = write("m.csv", f"{HEAD}a.jpg,48.8,2.3,FR\nc.jpg,45.76,4.84,FR\n")
    assert evaluate(manifest, is_leaked=True, out=tmp_path / "out").system.n_leaked == 0
    assert "LEAKED" not in (tmp_path / "out/report.md").read_text()


def test_a_declaration_is_no_substitute_for_fingerprints(built, evaluate, write):
    (built / "rows.npy").unlink()
    with pytest.raises(BadHierarchy, match="nobody can tell"):
        evaluate(write("m.csv", f"{HEAD}a.jpg,48.8,2.3,FR\n"), is_leaked=True)
