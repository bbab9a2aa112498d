import runpy
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from geocairn.photo import not_photo
from geocairn.photo.not_photo import LONG_SIDE_PX, TOO_SMALL, WORDS, at_one_scale, is_blank, load_weights, not_photo_reason, traits
from geocairn.photo.read import read_photo

KINDS = runpy.run_path(str(Path(__file__).parents[2] / "recipes" / "not_photo_kinds.py"))


@pytest.fixture(scope="module")
def photograph():
    """The one photograph that every installation has: a portrait that comes with matplotlib."""
    return Image.open(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg").convert("RGB")


def reason(image: Image.Image, boxes=None) -> str | None:
    return not_photo_reason(read_photo(image), boxes)


def test_nearly_all_pictures_of_every_kind_abstain():
    shares = {}
    for kind, styles in KINDS["STYLES"].items():
        rngs = [np.random.default_rng([99, number]) for number in range(len(styles))]
        reasons = [reason(KINDS["spoil"](styles[number](rng), rng)) for number, rng in enumerate(rngs)]
        shares[kind] = np.mean([found is not None for found in reasons])
        assert set(reasons) <= {*WORDS.values(), None}
    assert min(shares.values()) >= 0.85, shares
    assert np.mean(list(shares.values())) >= 0.95, shares


def test_a_photograph_is_one_however_it_comes(photograph):
    grey, small, large = photograph.convert("L"), photograph.resize((128, 150)), photograph.resize((1536, 1800))
    hard = BytesIO()
    photograph.save(hard, "JPEG", quality=30)
    for version in (photograph, grey, small, large, photograph.rotate(90, expand=True), photograph.quantize(256), Image.open(hard)):
        assert reason(version) is None


@pytest.mark.parametrize("fill", [(0, 0, 0), (255, 255, 255), (90, 120, 30)])
@pytest.mark.parametrize("size", [(16, 16), (64, 48), (1200, 900), (3000, 20)])
def test_one_colour_is_blank(fill, size):
    assert reason(Image.new("RGB", size, fill)) == "is blank"


def test_the_noise_of_a_covered_lens_is_blank():
    noise = np.abs(np.random.default_rng(0).normal(0, 4, (600, 800, 3))).astype(np.uint8)
    assert reason(Image.fromarray(noise)) == "is blank"


def test_a_dot_on_a_wall_is_not_blank():
    image = Image.new("RGB", (400, 300), (200, 200, 200))
    image.paste((20, 20, 20), (100, 100, 160, 160))
    assert not is_blank(at_one_scale(image))


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (30_000, 2), (9000, 20)])
def test_a_sliver_is_too_small(size):
    assert reason(Image.new("RGB", size)) == TOO_SMALL


def test_text_settles_the_word_and_never_the_verdict(photograph):
    full = np.array([[0, 50 * line, 500, 50 * line + 40] for line in range(12)], dtype=float)
    assert reason(photograph, full) is None
    rng = np.random.default_rng(3)
    flat = KINDS["STYLES"]["drawing"][0](rng).resize((600, 600))
    assert reason(flat) == reason(flat, full[:2]) == "looks like a drawing"
    assert reason(flat, full) in ("looks like a screenshot", "looks like a document")
    assert reason(flat, np.zeros((0, 4))) == "looks like a drawing"


def test_the_bar_is_connected(photograph, monkeypatch):
    for bar, expected in ((-1e9, True), (1e9, False)):
        monkeypatch.setattr(not_photo, "load_weights", lambda bar=bar: replace(load_weights(), bar=bar))
        assert (reason(photograph) is not None) is expected


def test_weights_and_traits_fit_each_other():
    weights = load_weights()
    measured = traits(Image.new("RGB", (8, 8)))
    assert tuple(measured) == weights.traits
    assert weights.slopes.shape == (len(weights.kinds), len(weights.traits))
    assert set(weights.kinds) == set(WORDS)
    assert (weights.deviation > 0).all()


@pytest.mark.parametrize("size", [(8, 8), (8, 512), (512, 8), (17, 23), (512, 384)])
def test_traits_are_finite_at_any_size(size):
    for fill in ("black", "white", "red"):
        assert np.isfinite(list(traits(Image.new("RGB", size, fill)).values())).all()
    noise = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    assert np.isfinite(list(traits(Image.fromarray(noise)).values())).all()


def test_one_scale_keeps_small_pictures_and_leaves_its_input_alone():
    image = Image.new("RGB", (2000, 1000))
    assert at_one_scale(image).size == (LONG_SIDE_PX, LONG_SIDE_PX // 2)
    assert at_one_scale(Image.new("RGB", (100, 3))).size == (100, 8)
    assert image.size == (2000, 1000)
