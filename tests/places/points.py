"""Points as photos lie: in clusters, many on one spot, some on the poles and on the antimeridian."""

import numpy as np


def photo_like_points(n: int, seed: int = 0) -> np.ndarray:
    """(about n, 2) degrees: clusters of a few kilometres to hundreds, scatter, two point masses, both poles, both sides of the antimeridian."""
    numbers = np.random.default_rng(seed)
    towns = np.column_stack([np.degrees(np.arcsin(numbers.uniform(-1, 1, 30))), numbers.uniform(-180, 180, 30)])
    town = numbers.choice(30, n, p=numbers.dirichlet(np.full(30, 0.3)))
    spread = 10.0 ** numbers.uniform(-2, 1, 30)[town]
    clustered = towns[town] + numbers.normal(size=(n, 2)) * spread[:, None]
    special = np.concatenate(
        [
            np.repeat([[48.8566, 2.3522], [-33.8, 151.2]], [n // 8, n // 20], axis=0),
            np.column_stack([numbers.choice([90.0, -90.0, 89.9999], n // 20), numbers.uniform(-180, 180, n // 20)]),
            np.column_stack([numbers.normal(-17, 0.2, n // 8), numbers.choice([180.0, -180.0, 179.99, -179.99], n // 8)]),
        ]
    )
    points = np.concatenate([clustered, special])
    points = np.column_stack([np.clip(points[:, 0], -90, 90), (points[:, 1] + 180) % 360 - 180])
    return np.asarray(points[numbers.permutation(len(points))])
