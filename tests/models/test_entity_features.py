import numpy as np
import pytest
import torch

from geocairn.errors import BadConfig, BadFeatures
from geocairn.geo.sphere import latlon_from_unit
from geocairn.models.entity_features import EntityConfig, EntityTable, FrozenEntities, LeftOut, LevelFeatures, Standardise
from geocairn.models.geometry import Euclidean, Geometry, Hyperbolic, Spherical
from geocairn.models.location import LocationConfig, frequencies, sphere_m_plus

D, D_IMG, D_TEXT, N = 8, 5, 4, 6
LOCATION = LocationConfig(n_frequencies=3, hidden=7, width=6, dropout=0.0)
GEOMETRIES = [Hyperbolic(0.8), Euclidean(), Spherical(0.8)]


def features(prototypes: int = 2) -> list[LevelFeatures]:
    rng = np.random.default_rng(0)
    latlon = np.stack([rng.uniform(-60, 70, N), rng.uniform(-180, 180, N)], axis=1)
    return [LevelFeatures(name, latlon, rng.normal(size=(N, prototypes, D_IMG)), rng.normal(size=(N, D_TEXT))) for name in ("country", "city")]


def table(geometry: Geometry, levels: list[LevelFeatures] | None = None, **changes) -> EntityTable:
    torch.manual_seed(0)
    config = EntityConfig(hidden=9, dropout=0.0, location=LOCATION, **changes)
    return EntityTable(config, geometry, D, levels or features(), Standardise(D_IMG, torch.full((D_IMG,), 0.5), torch.full((D_IMG,), 2.0))).double()


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda geometry: type(geometry).__name__)
@pytest.mark.parametrize("anchor", ["manifold", "tangent"])
@pytest.mark.parametrize("encoder", ["shared", "per_level"])
def test_an_embedding_is_its_anchor_moved_by_its_features(geometry, anchor, encoder):
    given = features()
    found = table(geometry, given, anchor=anchor, encoder=encoder)
    with torch.no_grad():
        for level in range(2):
            network = found.encoders[level if encoder == "per_level" else 0]
            scale = frequencies(LOCATION)
            latlon = latlon_from_unit(found.unit(level).numpy())
            code = found.location(sphere_m_plus(torch.as_tensor(latlon), scale))
            first = torch.cat([network.parts[part].weight for part in ("image", "location", "text")], dim=1)
            own = found.anchors[level]
            start = geometry.log(geometry.point_from_parameter(own)) if anchor == "manifold" else own
            for prototype in range(2):
                together = torch.cat([(torch.as_tensor(given[level].image)[:, prototype] - 0.5) / 2, code, found.text(level)], dim=1)
                hidden = together @ first.T + network.level[level if encoder == "shared" else 0]
                expected = start + found.alpha() * network.rest(hidden)
                torch.testing.assert_close(found()[level][:, prototype], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda geometry: type(geometry).__name__)
def test_anchors_begin_as_small_tangents_on_their_manifold(geometry):
    found = table(geometry, anchor="manifold", anchor_std=0.05)
    anchor = found.anchors[0]
    assert anchor.manifold.check_point_on_manifold(anchor.detach().float(), atol=1e-5)
    start = geometry.log(geometry.point_from_parameter(anchor.detach()))
    assert 0.02 < float(start.std()) < 0.1


@pytest.mark.parametrize("skip", [False, True])
def test_an_image_that_is_off_leaves_one_prototype(skip):
    found = table(Hyperbolic(), no_image_at=("country",), skip=skip)
    assert found()[0].shape == (N, 1, D)
    assert found()[1].shape == (N, 2, D)
    assert found.image(0) is None


def test_a_network_of_its_own_reads_what_its_level_has():
    found = table(Hyperbolic(), no_image_at=("country",), encoder="per_level")
    assert [set(network.parts) for network in found.encoders] == [{"location", "text"}, {"image", "location", "text"}]
    (found()[0].sum() + found()[1].sum()).backward()
    assert all(parameter.grad is not None for parameter in found.parameters())


def test_texts_are_brought_to_one_length_and_unknown_ones_are_zeros():
    texts = np.stack([np.full(D_TEXT, 0.01), np.full(D_TEXT, 300.0), np.full(D_TEXT, np.nan)])
    level = LevelFeatures("city", np.zeros((3, 2)), None, texts)
    found = EntityTable(EntityConfig(use_image=False, location=LOCATION), Hyperbolic(), D, [level], Standardise(D_IMG))
    torch.testing.assert_close(found.text(0), torch.tensor([[1.0] * D_TEXT, [1.0] * D_TEXT, [0.0] * D_TEXT]), rtol=1e-6, atol=0)


def test_absent_prototypes_are_known_and_leave_the_others_alone():
    whole, levels = table(Hyperbolic()), features()
    for level in levels:
        level.image[2, 1] = level.image[3] = np.nan
    found = table(Hyperbolic(), levels)
    assert found.present(0).tolist() == [[True, True], [True, True], [True, False], [True, False], [True, True], [True, True]]
    assert found()[0].isfinite().all()
    there = found.present(0) & (torch.arange(N) != 3)[:, None]
    torch.testing.assert_close(found()[0][there], whole()[0][there], rtol=1e-5, atol=1e-6)
    assert whole.present(0) is None


def test_what_is_left_out_leaves_the_means_of_the_other_photos():
    rng = np.random.default_rng(2)
    photos, owner = rng.normal(size=(12, D_IMG)), np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5])
    shown, labels = [0, 2, 4, 7, 8, 9], torch.tensor([0, 0, 1, 2, 2, 3])

    def means(kept: list[int]) -> np.ndarray:
        return np.stack(
            [photos[[row for row in kept if owner[row] == entity]].mean(0) if entity in owner[kept] else np.full(D_IMG, np.nan) for entity in range(N)]
        )

    latlon = rng.uniform(-50, 50, (N, 2))
    config = EntityConfig(hidden=9, dropout=0.0, location=LOCATION, use_text=False, leave_out="photos")
    made = []
    for kept in (range(12), [row for row in range(12) if row not in shown]):
        torch.manual_seed(0)
        level = LevelFeatures("city", latlon, means(list(kept)), count=np.bincount(owner))
        made.append(EntityTable(config, Hyperbolic(), D, [level], Standardise(D_IMG, torch.full((D_IMG,), 0.2), torch.full((D_IMG,), 1.5))))
    whole, rest = made
    features = torch.as_tensor(photos[shown], dtype=torch.float32)
    torch.testing.assert_close(whole([LeftOut(labels, features, torch.ones(6))])[0], rest()[0], rtol=1e-5, atol=1e-6)
    assert not whole()[0].allclose(rest()[0], atol=1e-4)
    by_entity = LeftOut(torch.arange(4), torch.zeros(4, D_IMG).index_add(0, labels, features), torch.bincount(labels))
    torch.testing.assert_close(whole([by_entity])[0], rest()[0], rtol=1e-5, atol=1e-6)


def test_frozen_entities_are_the_tangents_that_training_ended_with():
    tangent, mask = torch.randn(4, 2, D), torch.tensor([[True, False]] * 4)
    frozen = FrozenEntities(D, [tangent, tangent[:1, :1]], [mask, None], [None, torch.tensor([0.5])])
    assert frozen()[0].equal(tangent)
    assert frozen.present(0).equal(mask)
    assert frozen.present(1) is None
    assert frozen.log_prior(0) is None
    assert frozen.log_prior(1).tolist() == [0.5]
    assert set(frozen.state_dict()) == {"tangent_0", "present_0", "tangent_1", "log_prior_1"}
    assert not list(frozen.parameters())


def test_features_are_kept_as_layers_read_them():
    rng = np.random.default_rng(1)
    level = LevelFeatures("city", rng.uniform(-50, 50, (N, 2)), rng.normal(size=(N, D_IMG)).astype(np.float16), rng.normal(size=(N, D_TEXT)).astype(np.float16))
    torch.manual_seed(0)
    found = EntityTable(EntityConfig(hidden=9, location=LOCATION), Hyperbolic(), D, [level], Standardise(D_IMG, np.full(D_IMG, 0.5), np.full(D_IMG, 2.0)))
    torch.testing.assert_close(found.image(0)[:, 0], (torch.as_tensor(level.image).float() - 0.5) / 2)
    kept: list[torch.Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        assert found()[0].dtype == torch.float32
    # A step keeps the tables themselves for its gradient, no copies of them.
    for table, width in ((found.image(0), D_IMG), (found.text(0), D_TEXT)):
        of_width = [tensor.data_ptr() for tensor in kept if tensor.numel() == N * width and tensor.shape[-1] == width]
        assert of_width == [table.data_ptr()]


def test_image_features_of_another_width_than_photos_are_refused():
    level = LevelFeatures("city", np.zeros((2, 2)), np.zeros((2, D_IMG + 1)), np.ones((2, D_TEXT)))
    with pytest.raises(BadFeatures, match="level city: image features of 6 numbers, where photos have 5"):
        EntityTable(EntityConfig(location=LOCATION), Hyperbolic(), D, [level], Standardise(D_IMG))


def tree_of(config: EntityConfig, photos: np.ndarray, owner: np.ndarray) -> EntityTable:
    """Two countries; cities 0 and 1 in the first, 2 in the second, 3 in none; `owner` is the photos' city."""
    latlon = np.random.default_rng(3).uniform(-50, 50, (4, 2))
    country = np.array([0, 0, 1, -1])[owner]

    def level(name: str, group: np.ndarray, n: int, above: list[int]) -> LevelFeatures:
        with np.errstate(invalid="ignore"):
            means = np.stack([photos[group == one].sum(0) / (group == one).sum() for one in range(n)])
        return LevelFeatures(name, latlon[:n], means, count=np.bincount(group[group >= 0], minlength=n), above=above)

    torch.manual_seed(1)
    levels = [level("country", country, 2, [-1, -1]), level("city", owner, 4, [0, 0, 1, -1])]
    return EntityTable(config, Euclidean(), D, levels, Standardise(D_IMG)).double()


OWNER = np.array([0, 0, 0, 1, 2, 2, 3])
PHOTOS = np.random.default_rng(4).normal(size=(7, D_IMG)).astype(np.float32).astype(np.float64)


def test_an_entity_that_inherits_begins_where_the_one_above_it_is():
    plain, heir = (tree_of(EntityConfig(hidden=9, dropout=0.0, location=LOCATION, use_text=False, inherit=on), PHOTOS, OWNER) for on in (False, True))
    own, found = plain(), heir()
    torch.testing.assert_close(found[0], own[0], rtol=0, atol=0)
    expected = own[1] + torch.stack([own[0][0], own[0][0], own[0][1], torch.zeros_like(own[0][0])])
    torch.testing.assert_close(found[1], expected, rtol=1e-12, atol=1e-12)


def shrunk(photos: np.ndarray, owner: np.ndarray, strength: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Means of each country towards 0 and of each city towards its country's, photo by photo."""
    country = np.array([0, 0, 1, -1])[owner]
    upper = np.stack([photos[country == one].sum(0) / ((country == one).sum() + strength[0]) for one in range(2)])
    above = np.stack([upper[0], upper[0], upper[1], np.zeros(D_IMG)])
    sums = np.stack([photos[owner == one].sum(0) for one in range(4)])
    counts = np.bincount(owner, minlength=4)[:, None]
    return upper, (sums + strength[1] * above) / (counts + strength[1])


def left_out(features: np.ndarray, labels: np.ndarray) -> LeftOut:
    known = labels >= 0
    return LeftOut(torch.as_tensor(labels[known]), torch.as_tensor(features[known]), torch.ones(int(known.sum())))


@pytest.mark.parametrize("shown", [[], [1, 3, 6], [0, 1, 2, 3]])
def test_means_of_few_photos_are_drawn_to_the_mean_above(shown):
    strength = (2.0, 5.0)
    config = EntityConfig(hidden=9, dropout=0.0, location=LOCATION, use_text=False, leave_out="photos", shrink_photos=strength, anchor="none")
    shrinking = tree_of(config, PHOTOS, OWNER)
    country = np.array([0, 0, 1, -1])[OWNER]
    batch = [left_out(PHOTOS[shown], labels[shown]) for labels in (country, OWNER)]
    rest = np.setdiff1d(np.arange(7), shown)
    # The same network over means that were made beforehand.
    torch.manual_seed(1)
    means = shrunk(PHOTOS[rest], OWNER[rest], strength)
    levels = [LevelFeatures(name, latlon_from_unit(shrinking.unit(index).numpy()), means[index]) for index, name in enumerate(("country", "city"))]
    made = EntityTable(
        EntityConfig(hidden=9, dropout=0.0, location=LOCATION, use_text=False, anchor="none"), Euclidean(), D, levels, Standardise(D_IMG)
    ).double()
    made.load_state_dict({name: value for name, value in shrinking.state_dict().items() if name != "log_shrink"})
    for found, expected in zip(shrinking(batch if shown else None), made(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_how_much_means_shrink_is_learned():
    config = EntityConfig(hidden=9, dropout=0.0, location=LOCATION, use_text=False, shrink_photos=(2.0, 5.0))
    found = tree_of(config, PHOTOS, OWNER)
    found()[1].square().sum().backward()
    assert (found.log_shrink.grad.abs() > 0).all()


def test_a_prior_is_the_share_of_photos_with_half_a_photo_more():
    found = tree_of(EntityConfig(hidden=9, location=LOCATION, use_text=False, prior=True), PHOTOS, OWNER)
    torch.testing.assert_close(found.log_prior(1).exp(), torch.tensor([3.5, 1.5, 2.5, 1.5], dtype=torch.float64) / 9, rtol=1e-6, atol=0)
    assert tree_of(EntityConfig(hidden=9, location=LOCATION, use_text=False), PHOTOS, OWNER).log_prior(1) is None


def test_without_anchors_equal_features_are_equal_places():
    config = EntityConfig(hidden=9, dropout=0.0, location=LOCATION, use_text=False, use_location=False, anchor="none", skip=True)
    found = tree_of(config, np.ones_like(PHOTOS), OWNER)
    assert not list(found.anchors)
    assert found()[1][0].equal(found()[1][2])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shrink_photos": (2.0,)}, "has 1 values"),
        ({"shrink_photos": (2.0, 5.0), "no_image_at": ("country",)}, "all with image features"),
        ({"anchor": "none", "use_image": False, "use_location": False, "use_text": False}, "nothing would tell entities apart"),
    ],
)
def test_settings_that_contradict_are_refused(changes, words):
    with pytest.raises(BadConfig, match=words):
        tree_of(EntityConfig(hidden=9, location=LOCATION, **{"use_text": False, **changes}), PHOTOS, OWNER)


@pytest.mark.parametrize("key", ["leave_out", "shrink_photos"])
def test_prototypes_are_neither_left_out_nor_shrunk(key):
    level = LevelFeatures("city", np.zeros((2, 2)), np.zeros((2, 3, D_IMG)), count=[4, 4], above=[-1, -1])
    config = EntityConfig(location=LOCATION, use_text=False, **{key: "photos" if key == "leave_out" else (1.0,)})
    with pytest.raises(BadConfig, match=f"entities.{key} works on one mean"):
        EntityTable(config, Euclidean(), D, [level], Standardise(D_IMG))
    with pytest.raises(BadFeatures, match="no counts of photos"):
        EntityTable(config, Euclidean(), D, [LevelFeatures("city", np.zeros((2, 2)), np.zeros((2, D_IMG)), above=[-1, -1])], Standardise(D_IMG))


@pytest.mark.parametrize("key", ["inherit", "shrink_photos"])
def test_what_lies_above_must_be_said(key):
    level = LevelFeatures("city", np.zeros((2, 2)), np.zeros((2, D_IMG)), count=[4, 4])
    config = EntityConfig(location=LOCATION, use_text=False, **{key: True if key == "inherit" else (1.0,)})
    with pytest.raises(BadFeatures, match="what lies above"):
        EntityTable(config, Euclidean(), D, [level], Standardise(D_IMG))
