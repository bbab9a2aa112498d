import importlib.util
import json
from importlib.resources import as_file, files
from io import BytesIO

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image

from geocairn import Locator
from geocairn.answer.decide import NO_COUNTRY
from geocairn.answer.posterior import leaf_posterior
from geocairn.clues.clue import Clue, Tier, shipped_reliability
from geocairn.locate import LocateSettings
from geocairn.systems.clues_only import LINGUISTIC, most_telling_of

needs_text = pytest.mark.skipif(importlib.util.find_spec("rapidocr") is None, reason="reading text needs the `text` extra")


@pytest.fixture(scope="module")
def prior(atlas):
    return Locator.load("prior")


@pytest.fixture(scope="module")
def clues(atlas):
    return Locator.load("clues")


def jpeg(image, **options):
    out = BytesIO()
    image.save(out, "JPEG", quality=95, **options)
    return out.getvalue()


def without_seconds(prediction):
    answer = prediction.to_dict()
    answer["provenance"]["seconds"] = None
    return json.dumps(answer)


def test_the_prior_says_the_same_of_every_photo(prior):
    mass = leaf_posterior(prior.system.hierarchy, prior.system.evidence(None).scores, [], shipped_reliability())
    assert_allclose(mass, prior.system.hierarchy.weight[prior.system.hierarchy.leaves], rtol=1e-9)
    black, sign = prior.locate_many([jpeg(Image.new("RGB", (64, 64))), jpeg(Image.linear_gradient("L"))])
    assert black.candidates == sign.candidates
    assert (black.abstain, black.levels, black.clues) == (NO_COUNTRY, [], [])
    assert [region.nominal for region in black.regions] == [0.5, 0.8, 0.95]
    assert black.best.radius_km >= 500


def test_the_weights_of_the_regions_are_those_of_the_prior(prior):
    hierarchy = prior.system.hierarchy
    for region in prior.locate(Image.new("RGB", (64, 64))).regions:
        assert hierarchy.weight[hierarchy.leaves[region.member_leaves()]].sum() == pytest.approx(region.mass, abs=1e-4)


def test_one_process_equals_two_byte_for_byte_but_for_seconds(prior):
    photos = [jpeg(Image.new("RGB", (60 + index, 40))) for index in range(5)]
    photos.insert(2, b"no photo")
    one, two = ([without_seconds(answer) for answer in prior.locate_many(photos, jobs=jobs, batch_size=2)] for jobs in (1, 2))
    assert one == two


@needs_text
def test_a_hint_is_read_like_text_and_trusted_more(atlas):
    answer = Locator.load("prior", LocateSettings(hint="somewhere near Zürich")).locate(Image.new("RGB", (64, 64)))
    assert answer.levels[0].id == "CH"
    assert {clue.kind for clue in answer.clues} == {"hint"}
    assert all(clue.box_px is None for clue in answer.clues)


@needs_text
@pytest.mark.parametrize("colour", [0, 255])
def test_a_blank_picture_abstains_with_a_wide_answer(clues, colour):
    answer = clues.locate(jpeg(Image.new("RGB", (640, 480), (colour,) * 3)))
    assert answer.error is None
    assert answer.abstain is not None
    assert answer.levels == []
    assert answer.best.radius_km >= 500


@needs_text
def test_a_sign_is_read_alike_however_its_file_is_turned(clues):
    """Lossless, so that the upright pixels are the same."""
    with as_file(files("geocairn") / "examples" / "corner_bakery.jpg") as path:
        upright = Image.open(path).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    plain, turned = BytesIO(), BytesIO()
    upright.save(plain, "PNG")
    upright.transpose(Image.Transpose.ROTATE_90).save(turned, "PNG", exif=exif.tobytes())
    one, other = clues.locate_many([plain.getvalue(), turned.getvalue()])
    assert one.levels[0].id == "FR"
    assert one.clues == other.clues
    assert one.candidates == other.candidates
    assert one.regions == other.regions
    for clue in one.clues:
        left, top, right, bottom = clue.box_px
        assert 0 <= left < right <= upright.width
        assert 0 <= top < bottom <= upright.height


def linguistic(kind, strength, supports, tier=Tier.WEAK):
    return Clue(kind, "x", None, tier, np.array([strength, 1.0], dtype=np.float32), supports)


def test_of_the_kinds_that_say_the_same_only_the_most_telling_counts():
    faint, telling, other = linguistic("language", 1.5, 0), linguistic("script", 4.0, 1), linguistic("phone", 2.0, 0)
    assert most_telling_of(LINGUISTIC, [faint, other, telling]) == [other, telling]
    assert most_telling_of(LINGUISTIC, [other]) == [other]
    assert most_telling_of(LINGUISTIC, []) == []


def test_one_that_another_confirms_is_trusted_a_tier_more():
    (kept,) = most_telling_of(LINGUISTIC, [linguistic("language", 1.5, 1), linguistic("script", 4.0, 1)])
    assert (kept.kind, kept.tier) == ("script", Tier.MEDIUM)
