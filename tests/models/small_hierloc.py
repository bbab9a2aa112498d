"""A small HierLoc, the features of its entities and a batch for it."""

import geoopt
import numpy as np
import torch

from geocairn.geo.sphere import unit_from_latlon
from geocairn.models.entity_features import LevelFeatures
from geocairn.models.hierloc import HierLoc, HierLocConfig

GEOMETRIES = ("hyperbolic", "euclidean", "spherical")
D_IMG, D_TEXT, BATCH = 10, 6, 8
SIZES = {"country": 3, "region": 7, "city": 20}
SMALL = {
    "dim": 16,
    "image": {"hidden": 24, "width": 20, "dropout": 0.0},
    "entities": {"hidden": 24, "dropout": 0.0, "location": {"n_frequencies": 4, "hidden": 12, "width": 9, "dropout": 0.0}},
    "attention": {"heads": 4, "fuse_hidden": 24, "dropout": 0.0},
    "loss": {"geo": {"scale_km": [1000.0, 300.0, 50.0]}, "level_weight": [1.0, 1.0, 1.0], "tau": {"first": 0.1}},
}


def merged(base: dict, changes: dict) -> dict:
    return base | {key: merged(base.get(key, {}), value) if isinstance(value, dict) else value for key, value in changes.items()}


def config(**changes) -> HierLocConfig:
    return HierLocConfig.model_validate(merged(SMALL, changes))


def levels(prototypes: int = 1, sizes: dict[str, int] = SIZES) -> list[LevelFeatures]:
    rng = np.random.default_rng(0)
    made: list[LevelFeatures] = []
    for name, n in sizes.items():
        n_above = len(made[-1].latlon_deg) if made else 0
        first_above = sum(len(level.latlon_deg) for level in made) - n_above
        above = first_above + np.arange(n) % n_above if n_above else np.full(n, -1)
        latlon = np.stack([rng.uniform(-60, 70, n), rng.uniform(-180, 180, n)], axis=1)
        made.append(
            LevelFeatures(
                name,
                latlon,
                rng.normal(size=(n, prototypes, D_IMG)).astype(np.float32),
                rng.normal(size=(n, D_TEXT)).astype(np.float32),
                count=9 + np.arange(n) % 4,
                above=above,
            )
        )
    return made


def model(*, prototypes: int = 1, features: list[LevelFeatures] | None = None, **changes) -> HierLoc:
    torch.manual_seed(3)
    return HierLoc(config(**changes), D_IMG, features or levels(prototypes))


def batch(sizes: dict[str, int] = SIZES) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(1)
    labels = torch.as_tensor(np.stack([rng.integers(0, n, BATCH) for n in sizes.values()], axis=1))
    place = unit_from_latlon(np.stack([rng.uniform(-60, 70, BATCH), rng.uniform(-180, 180, BATCH)], axis=1))
    return torch.as_tensor(rng.normal(size=(BATCH, D_IMG)), dtype=torch.float32), labels, torch.as_tensor(place)


def trained(found: HierLoc, steps: int = 40) -> list[float]:
    optimisers = [torch.optim.AdamW(found.euclidean_parameters(), lr=0.02)]
    if found.manifold_parameters():
        optimisers.append(geoopt.optim.RiemannianAdam(found.manifold_parameters(), lr=0.02))
    losses = []
    for _ in range(steps):
        found.zero_grad()
        loss = found.loss(*batch())
        loss.total.backward()
        for optimiser in optimisers:
            optimiser.step()
        losses.append(loss.total.item())
    return losses
