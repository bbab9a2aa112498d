"""Every setting of the synthetic Earth is connected, and what cannot be is refused."""

import numpy as np
import pytest
from tests.synth.conftest import SMALL

from geocairn.errors import BadConfig
from geocairn.synth.extras import class_maps, tokens
from geocairn.synth.labels import labelled_places
from geocairn.synth.photos import features
from geocairn.synth.settings import SynthSettings
from geocairn.synth.write import _wanted_stores

CHANGES = {
    "photos": 2999,
    "seed": 1,
    "cities": 119,
    "with_tokens": True,
    "with_maps": True,
    "city_power": 0.5,
    "gap_km": 60.0,
    "prior_power": 0.7,
    "prior_spread": 1.0,
    "cell_deg": 30.0,
    "unseen_share": 0.1,
    "unseen_max": 0.003,
    "val_share": 0.1,
    "test_share": 0.1,
    "missing": 0.2,
    "site_radius_km": 5.0,
    "site_jitter_km": 0.1,
    "photos_per_author": 5.0,
    "cities_per_author": 5,
    "authors_cross_splits": True,
    "place_dim": 66,
    "gates": 16,
    "open_share": 0.5,
    "sharpness": (0.4, 0.3, 0.3),
    "sigma": (1.8, 3.0, 6.0),
    "level_variance": (3.0, 0.8, 0.2, 0.1),
    "field_variance": 0.7,
    "field_frequency": 1.0,
    "scene_scale": 2.0,
    "author_dim": 30,
    "author_noise": 0.6,
    "warp_strength": 0.2,
    "tokens": 8,
    "token_dim": 16,
    "token_noise": 0.1,
    "map_side": 8,
    "map_classes": 20,
    "map_concentration": 1000.0,
}


def outcome(earth, photos):
    """All that is written, as one tuple of bytes."""
    settings, first = earth.settings, range(min(200, len(photos)))
    hierarchy = earth.hierarchy
    arrays = [features(earth, photos, first), hierarchy.weight, hierarchy.unit, hierarchy.ids.utf8, hierarchy.level, earth.is_unseen]
    arrays += [earth.sites.latlon_deg, photos.split, photos.city, photos.author, photos.scene, photos.sharpness, labelled_places(earth, photos)]
    arrays += [tokens(earth, photos, first), class_maps(earth, photos, first), np.array(_wanted_stores(settings))]
    return tuple(np.ascontiguousarray(array).tobytes() for array in arrays)


@pytest.mark.parametrize("name", list(SynthSettings.model_fields))
def test_every_setting_changes_something(draw, name):
    assert outcome(*draw(**{name: CHANGES[name]})) != outcome(*draw())


def test_equal_settings_give_equal_bytes(draw):
    from geocairn.synth.earth import draw_earth
    from geocairn.synth.photos import draw_photos

    earth = draw_earth(SynthSettings(**SMALL))
    assert outcome(earth, draw_photos(earth)) == outcome(*draw())


def test_the_number_of_photos_changes_nothing_in_the_earth(draw):
    few, many = draw()[0], draw(photos=4000)[0]
    np.testing.assert_array_equal(few.model.mean, many.model.mean)
    np.testing.assert_array_equal(few.sites.latlon_deg, many.sites.latlon_deg)
    assert few.settings.encoder == many.settings.encoder != draw(seed=1)[0].settings.encoder


LOUD = {
    "sigma": (100.0, 100.0, 100.0),
    "level_variance": (1e4, 1e4, 1e4, 1e4),
    "field_variance": 1e4,
    "field_frequency": 1e3,
    "scene_scale": 1e3,
    "author_noise": 100.0,
    "token_noise": 100.0,
    "warp_strength": 4.0,
    "place_dim": 512,
    "author_dim": 512,
}
QUIET = {"sigma": (0.01, 0.01, 0.01), "level_variance": (1e-6, 1e-6, 1e-6, 1e-6), "field_variance": 0.0, "field_frequency": 0.0, "scene_scale": 0.01}


@pytest.mark.parametrize("changes", [LOUD, QUIET], ids=["loud", "quiet"])
def test_the_farthest_settings_give_features_that_half_precision_can_hold(draw, changes):
    earth, photos = draw(**changes)
    with np.errstate(all="raise"):
        made = [features(earth, photos, range(200)), tokens(earth, photos, range(200))]
    kept = [array.astype(np.float16).astype(np.float64) for array in made]
    assert all(np.isfinite(array).all() and (array.std(axis=0) > 0).all() for array in kept)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gates": 5}, "gates = 5"),
        ({"sharpness": (0.5, 0.4, 0.3)}, "do not sum to 1"),
        ({"val_share": 0.5, "test_share": 0.5}, "leave no training photos"),
        ({"author_dim": 31}, "is odd"),
        ({"gap_km": 5.0}, "gap_km = 5.0"),
        ({"photos": 0}, "photos = 0"),
        ({"map_concentration": 0.5}, "map_concentration = 0.5"),
        ({"map_concentration": float("inf")}, "map_concentration = inf"),
        ({"sigma": (1e-300, 3.0, 7.0)}, r"sigma\.0 = 1e-300.*greater than or equal to 0\.01"),
        ({"level_variance": (3.0, 1e300, 0.2, 0.06)}, r"level_variance\.1 = 1e\+300.*less than or equal to 10000"),
        ({"field_variance": 1e300}, "field_variance = "),
        ({"field_frequency": 1e308}, "field_frequency = "),
        ({"scene_scale": 1e9}, "scene_scale = "),
        ({"author_noise": 1e300}, "author_noise = "),
        ({"token_noise": 1e300}, "token_noise = "),
        ({"photos_per_author": 1e-6}, "photos_per_author = "),
        ({"colour": 1}, "colour = 1.*known keys"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(changes, said):
    with pytest.raises(BadConfig, match=said) as refused:
        SynthSettings.parse("command line", changes)
    assert "\n" not in str(refused.value)
