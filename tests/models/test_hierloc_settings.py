import math

import geoopt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from tests.models.small_hierloc import GEOMETRIES, SIZES, batch, model

from geocairn.errors import BadConfig, BadFeatures
from geocairn.models.hierloc import HierLoc, HierLocConfig
from geocairn.train.left_out import own_photos


def outcome(**changes) -> list[float]:
    """The loss on the first step and after one step of training: what any setting that is connected changes."""
    prototypes = changes.pop("P", 2)
    found = model(prototypes=prototypes, **changes)
    torch.manual_seed(11)
    loss = found.loss(*batch())
    loss.total.backward()
    torch.optim.SGD(found.euclidean_parameters(), lr=0.1).step()
    if found.manifold_parameters():
        geoopt.optim.RiemannianSGD(found.manifold_parameters(), lr=0.1).step()
    return [loss.total.item(), found.loss(*batch()).total.item()]


KNOBS = {
    "geometry": {"geometry": "euclidean"},
    "spherical": {"geometry": "spherical"},
    "curv": {"curv": 0.5},
    "dim": {"dim": 12},
    "image hidden": {"image": {"hidden": 25}},
    "image width": {"image": {"width": 21}},
    "image dropout": {"image": {"dropout": 0.3}},
    "image skip": {"image": {"skip": True}},
    "sharpness": {"image": {"sharpness": True}},
    "entity skip": {"entities": {"skip": True}},
    "inherit": {"entities": {"inherit": True}},
    "prior": {"entities": {"prior": True}},
    "no anchor": {"entities": {"anchor": "none"}},
    "image alpha": {"image": {"alpha": 0.5}},
    "no image": {"entities": {"use_image": False}},
    "no image at": {"entities": {"no_image_at": ["country"]}},
    "no location": {"entities": {"use_location": False}},
    "no text": {"entities": {"use_text": False}},
    "encoder": {"entities": {"encoder": "per_level"}},
    "entity hidden": {"entities": {"hidden": 25}},
    "entity dropout": {"entities": {"dropout": 0.3}},
    "anchor": {"entities": {"anchor": "tangent"}},
    "anchor std": {"entities": {"anchor_std": 0.3}},
    "entity alpha": {"entities": {"alpha": 0.5}},
    "frequencies": {"entities": {"location": {"n_frequencies": 5}}},
    "largest radius": {"entities": {"location": {"max_radius_rad": 2.0}}},
    "smallest radius": {"entities": {"location": {"min_radius_rad": 0.1}}},
    "location hidden": {"entities": {"location": {"hidden": 13}}},
    "location width": {"entities": {"location": {"width": 10}}},
    "location dropout": {"entities": {"location": {"dropout": 0.3}}},
    "no attention": {"attention": {"is_on": False}},
    "heads": {"attention": {"heads": 2}},
    "fuse hidden": {"attention": {"fuse_hidden": 25}},
    "fuse dropout": {"attention": {"dropout": 0.3}},
    "attention trains entities": {"attention": {"trains_entities": True}},
    "kernel": {"loss": {"geo": {"kernel": "inverse"}}},
    "strength": {"loss": {"geo": {"strength": 4.0}}},
    "scale": {"loss": {"geo": {"scale_km": [3000.0, 3000.0, 3000.0]}}},
    "learned weights": {"loss": {"geo": {"is_learned": True}}},
    "tau": {"loss": {"tau": {"first": 0.2}}},
    "lowest tau": {"loss": {"tau": {"lowest": 0.05}}},
    "highest tau": {"loss": {"tau": {"highest": 1.0}}},
    "fixed tau": {"loss": {"tau": {"is_learned": False}}},
    "shared tau": {"loss": {"tau": {"is_shared": True}}},
    "level weight": {"loss": {"level_weight": [1.0, 1.0, 2.0]}},
    "prototypes": {"loss": {"prototypes": "soft"}},
    "one prototype": {"P": 1},
}


@given(
    changes=st.fixed_dictionaries(
        {
            "geometry": st.sampled_from(GEOMETRIES),
            "image": st.fixed_dictionaries({"skip": st.booleans(), "sharpness": st.booleans()}),
            "entities": st.fixed_dictionaries(
                {
                    **{key: st.booleans() for key in ("use_image", "use_location", "use_text", "inherit", "skip", "prior")},
                    "no_image_at": st.lists(st.sampled_from([*SIZES]), unique=True),
                    "leave_out": st.sampled_from(["none", "photos", "authors"]),
                    "encoder": st.sampled_from(["shared", "per_level"]),
                    "anchor": st.sampled_from(["manifold", "tangent", "none"]),
                    "shrink_photos": st.sampled_from([[], [2.0, 5.0, 9.0]]),
                }
            ),
            "attention": st.fixed_dictionaries({"is_on": st.booleans(), "trains_entities": st.booleans()}),
            "loss": st.fixed_dictionaries(
                {
                    "geo": st.fixed_dictionaries({"kernel": st.sampled_from(["laplace", "gaussian", "inverse", "none"]), "is_learned": st.booleans()}),
                    "tau": st.fixed_dictionaries({"is_learned": st.booleans(), "is_shared": st.booleans()}),
                    "prototypes": st.sampled_from(["nearest", "soft"]),
                    "pairs_at_once": st.sampled_from([1, 2**20]),
                }
            ),
        }
    ),
    prototypes=st.sampled_from([1, 3]),
)
def test_settings_go_together_or_are_refused(changes, prototypes):
    try:
        found = model(prototypes=prototypes, **changes)
    except (BadConfig, BadFeatures):
        return
    features, labels, place = batch()
    total = found.loss(features, labels, place, own_photos(features, labels)).total
    total.backward()
    assert total.isfinite()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in found.parameters())
    kept = HierLoc.for_inference(found.config, list(SIZES), found.eval().inference_state())
    with torch.no_grad():
        for one, two in zip(found.level_log_scores(features), kept.level_log_scores(features), strict=True):
            assert one.isfinite().all()
            assert one.equal(two)


@pytest.fixture(scope="module")
def default_outcome() -> list[float]:
    return outcome()


@pytest.mark.parametrize("changes", KNOBS.values(), ids=KNOBS)
def test_each_setting_is_connected(changes, default_outcome):
    found = outcome(**changes)
    assert all(math.isfinite(value) for value in found)
    assert max(abs(a - b) for a, b in zip(found, default_outcome, strict=True)) > 1e-6


def keys_of(config, before=""):
    for name, field in config.model_fields.items():
        inner = field.annotation
        is_table = isinstance(inner, type) and issubclass(inner, BaseModel)
        yield from keys_of(inner, f"{before}{name}.") if is_table else (f"{before}{name}",)


def keys_in(changes, before=""):
    for name, value in changes.items():
        yield from keys_in(value, f"{before}{name}.") if isinstance(value, dict) else (f"{before}{name}",)


def test_every_setting_is_tried():
    tried = {key for changes in KNOBS.values() for key in keys_in(changes)} - {"P"}
    # Some do nothing by themselves, or need what only training has: they have tests of their own.
    elsewhere = {"paper_distance", "entities.leave_out", "entities.shrink_photos", "loss.pairs_at_once"}
    assert set(keys_of(HierLocConfig)) == tried | elsewhere


def test_the_paper_distance_is_another_one_only_off_curvature_one():
    assert outcome(paper_distance=True) == pytest.approx(outcome(), rel=1e-5)
    assert abs(outcome(paper_distance=True, curv=0.5)[0] - outcome(curv=0.5)[0]) > 1e-4


def test_pairs_in_turns_change_nothing_but_memory(default_outcome):
    assert outcome(loss={"pairs_at_once": 16}) == pytest.approx(default_outcome, rel=1e-4)
