import pytest
from tests.demo.tiny import TINY, small_world

from geocairn.cli import demo
from geocairn.demo import settings


@pytest.fixture(autouse=True)
def one_picture(monkeypatch):
    """Reading all ten takes long."""
    pictures = demo._pictures
    monkeypatch.setattr(demo, "_pictures", lambda examples: [path for path in pictures(examples) if path.endswith("road_sign.jpg")])


@pytest.fixture
def tiny(monkeypatch):
    """The training part on a tiny Earth."""
    monkeypatch.setattr(settings, "TrainingDemoSettings", lambda jobs: TINY.model_copy(update={"jobs": jobs}))
    with small_world():
        yield


def test_it_places_pictures_then_trains_and_shows_both(geocairn, tiny, tmp_path):
    ran = geocairn("demo", "--out", tmp_path / "demo")
    assert ran.code == 0, ran.err
    assert (tmp_path / "demo/map.html").is_file()
    pictures, trained = ran.out.split("Map: ")
    assert "road_sign.jpg" in pictures
    for name in ("prior", "neighbours", "softmax", "hierloc", "learnable", "bayes"):
        assert f"│ {name} " in trained
        assert f"evaluating {name}" in ran.err
    assert "10 of the test photos" in trained
    assert "say nothing of real photos" in " ".join(trained.split())
    for told in ("training/training.md", "training/report/errors.png", "training/samples.html"):
        assert f"{tmp_path / 'demo' / told}" in trained
        assert (tmp_path / "demo" / told).is_file()


def test_without_the_packages_for_training_it_does_the_rest(geocairn, monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "DEMO_PACKAGES", ("json", "no_such_package_of_ours"))
    ran = geocairn("demo", "--out", tmp_path / "demo")
    assert ran.code == 0
    said = "geocairn: the training part is left out: it needs the package no_such_package_of_ours; mend: pip install geocairn[search,train]"
    assert ran.err.splitlines().count(said) == 1
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["map.html"]
    assert "road_sign.jpg" in ran.out


def test_the_training_may_be_left_out(geocairn, tmp_path):
    ran = geocairn("demo", "--out", tmp_path / "demo", "--skip-training")
    assert ran.code == 0
    assert "training" not in ran.err
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["map.html"]


def test_a_folder_that_cannot_be_used_is_refused_before_the_pictures(geocairn, tmp_path):
    (tmp_path / "file").touch()
    assert geocairn.refused("demo", "--out", tmp_path / "file") == f"{tmp_path}/file: is a file; name a folder"
    assert geocairn.refused("demo", "--out", tmp_path / "file/demo").startswith(f"{tmp_path}/file/demo: cannot be written (Not a directory)")
    assert "cannot be written" in geocairn.refused("demo", "--out", "/proc/demo")
    (tmp_path / "demo/training").mkdir(parents=True)
    (tmp_path / "demo/training/thesis.tex").touch()
    assert "holds no training of a demo" in geocairn.refused("demo", "--out", tmp_path / "demo")
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["training"]
