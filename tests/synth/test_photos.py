"""Photos: drawn as the model says, whatever is asked for at once."""

import numpy as np
import pytest

from geocairn.synth.photos import BLOCK, draw_photos, features, latents
from geocairn.synth.settings import SPLITS


def test_splits_are_exact(photos):
    assert np.bincount(photos.split).tolist() == [2700, 150, 150]
    assert len(set(photos.names)) == len(photos) == 3000


def test_a_site_is_of_the_photos_city_and_split(earth, photos):
    group = np.searchsorted(earth.sites.start, photos.site, side="right") - 1
    np.testing.assert_array_equal(group, 3 * photos.city + photos.split)


def test_unseen_cities_are_never_in_training_and_are_elsewhere(earth, photos):
    is_training = photos.split == SPLITS.index("train")
    assert not earth.is_unseen[photos.city[is_training]].any()
    assert 0.01 < earth.is_unseen[photos.city[~is_training]].mean() < 0.12


def test_cities_are_drawn_by_their_share(draw):
    earth, photos = draw(photos=200_000)
    test = photos.split != SPLITS.index("train")
    for is_here, share in ((test, earth.share), (~test, np.where(earth.is_unseen, 0, earth.share) / earth.share[~earth.is_unseen].sum())):
        drawn = np.bincount(photos.city[is_here], minlength=len(share))
        expected = share * is_here.sum()
        assert (np.abs(drawn - expected) <= 5 * np.sqrt(expected) + 5).all()


def test_authors_are_of_one_split_and_live_near_a_few_cities(draw):
    earth, photos = draw(photos=20_000)
    splits = {}
    for author, split in zip(photos.author.tolist(), photos.split.tolist(), strict=True):
        assert splits.setdefault(author, split) == split
    homes = np.unique(np.stack([photos.author, photos.city]), axis=1)[0]
    assert np.bincount(homes).max() <= earth.settings.cities_per_author
    taken = np.bincount(photos.author)
    assert 10 < taken[taken > 0].mean() < 30
    assert photos.author.max() < len(photos.author_vectors)


def test_authors_cross_splits_where_they_may(draw):
    _, photos = draw(authors_cross_splits=True)
    assert set(photos.author[photos.split == 0]) & set(photos.author[photos.split == 2])


def test_scenes_and_sharpness_have_their_shares(draw):
    _, photos = draw(photos=200_000)
    assert np.abs(np.bincount(photos.scene) / 200_000 - 1 / 16).max() < 0.003
    np.testing.assert_allclose(np.bincount(photos.sharpness) / 200_000, [0.3, 0.4, 0.3], atol=0.005)


def test_blocks_of_the_latent_vector_are_as_the_model_says(draw):
    earth, photos = draw(photos=20_000)
    latent = latents(earth, photos, range(20_000))
    gate = earth.model.gate[earth.model.gate_of_scene[photos.scene]]
    place = latent[:, :64] - gate * earth.model.mean[photos.city]
    for sharpness, sigma in enumerate((1.8, 3.0, 7.0)):
        assert place[photos.sharpness == sharpness].std() == pytest.approx(sigma, rel=0.01)
    assert np.abs(place.mean(axis=0)).max() < 0.2
    scene = latent[:, 64:80] - 3 * np.eye(16)[photos.scene]
    assert (scene.mean(), scene.std()) == (pytest.approx(0, abs=0.01), pytest.approx(1, rel=0.01))
    author = latent[:, 80:] - photos.author_vectors[photos.author]
    assert author.std() == pytest.approx(0.5, rel=0.01)
    assert photos.author_vectors.std() == pytest.approx(1, rel=0.05)


def test_each_group_of_scenes_shows_two_thirds_of_a_place(draw):
    earth, _ = draw()
    assert earth.model.gate.sum(axis=1).tolist() == [43, 43, 43]
    assert len(np.unique(earth.model.gate, axis=0)) == 3
    many, _ = draw(gates=16)
    assert len(np.unique(many.model.gate, axis=0)) == 16
    assert many.model.gate_of_scene.tolist() == list(range(16))


def test_means_vary_by_level_as_told(draw):
    earth, _ = draw(cities=1500)
    effect = earth.model.mean - earth.climate
    country = earth.hierarchy.ancestor_of_leaves(0)
    same = np.flatnonzero(np.diff(country) == 0)
    assert effect.var() == pytest.approx(4.06, rel=0.15)
    # Neighbours in leaf order share at least the country: half of their differences' squares is at most what is below it.
    assert 0.03 < ((effect[same] - effect[same + 1]) ** 2).mean() / 2 < 1.06
    assert earth.climate.var() == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("rows", [range(3000), range(17, 18), range(2990, 3000)])
def test_features_are_the_same_whatever_is_asked_for_together(draw, rows):
    earth, photos = draw()
    whole = latents(earth, photos, range(3000))
    np.testing.assert_array_equal(latents(earth, photos, rows), whole[rows.start : rows.stop])
    np.testing.assert_allclose(features(earth, photos, rows), features(earth, photos, range(3000))[rows.start : rows.stop], atol=1e-12)


def test_rows_may_lie_across_blocks(draw):
    earth, photos = draw(photos=2 * BLOCK)
    across = latents(earth, photos, range(BLOCK - 3, BLOCK + 3))
    np.testing.assert_array_equal(across[3:], latents(earth, photos, range(BLOCK, BLOCK + 3)))
    assert len(np.unique(across[:, 0])) == 6


def test_an_author_says_nothing_of_the_place(draw):
    """The author block of test photos is no nearer to training photos of the same city than to others."""
    earth, photos = draw(photos=20_000)
    latent = latents(earth, photos, range(20_000))[:, 80:]
    train, test = photos.of_split("train"), photos.of_split("test")
    city = int(np.bincount(photos.city[test]).argmax())
    mean = latent[train[photos.city[train] == city]].mean(axis=0)
    here = latent[test] @ mean
    assert abs(here[photos.city[test] == city].mean() - here[photos.city[test] != city].mean()) < 4 * here.std() / np.sqrt(
        (photos.city[test] == city).sum() / 5
    )


def test_equal_settings_draw_equal_photos(earth, photos):
    again = draw_photos(earth)
    for name in ("split", "city", "author", "site", "scene", "sharpness", "author_vectors"):
        np.testing.assert_array_equal(getattr(again, name), getattr(photos, name))
