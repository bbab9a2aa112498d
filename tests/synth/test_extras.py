"""Tokens say what the feature says; maps say what their region is like."""

import numpy as np
import pytest
from scipy.stats import chisquare

from geocairn.synth.extras import class_maps, tokens
from geocairn.synth.photos import features


def test_tokens_are_linear_views_with_noise(draw):
    earth, photos = draw(tokens=4, token_dim=8)
    seen = tokens(earth, photos, range(3000))
    assert seen.shape == (3000, 32)
    x = features(earth, photos, range(3000))
    views, *_ = np.linalg.lstsq(x, seen, rcond=None)
    assert (seen - x @ views).std() == pytest.approx(earth.settings.token_noise, rel=0.05)


def test_classes_have_the_shares_of_their_region(draw):
    earth, photos = draw(map_classes=12)
    cells = class_maps(earth, photos, range(3000))
    region = earth.region_of_city[photos.city]
    for group in np.argsort(-np.bincount(region))[:5].tolist():
        counts = np.bincount(cells[region == group].ravel(), minlength=12)
        assert chisquare(counts, counts.sum() * earth.map_shares[group]).pvalue > 1e-4


def test_regions_differ_and_countries_differ_more(draw):
    earth, _ = draw()
    world = 1 / np.arange(1.0, 151)
    world /= world.sum()
    country_shares = earth.map_prior / earth.settings.map_concentration
    assert 0 < ((earth.map_shares - country_shares) ** 2).sum(axis=1).mean() == pytest.approx((1 - (world**2).sum()) / 20_001, rel=0.15)
    np.testing.assert_allclose(earth.map_shares.sum(axis=1), 1)


@pytest.mark.parametrize("rows", [range(5, 6), range(2990, 3000)])
def test_they_are_the_same_whatever_is_asked_for_together(draw, rows):
    earth, photos = draw()
    for extra in (tokens, class_maps):
        np.testing.assert_allclose(extra(earth, photos, rows), extra(earth, photos, range(3000))[rows.start :][: len(rows)], atol=1e-9)
