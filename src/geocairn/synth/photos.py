"""The photos of a synthetic Earth: where, by whom and of what each is, and the features that would be seen of it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geocairn.geo import s2
from geocairn.geo.sphere import latlon_from_unit
from geocairn.synth.draws import numbers_for
from geocairn.synth.earth import Earth
from geocairn.synth.settings import N_SCENES, SPLITS, SynthSettings

BLOCK = 4096
"""Photos whose noise is drawn together; how many are asked for at once changes nothing."""

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Photos:
    """N photos.

    Attributes:
        split: (N,) index into `SPLITS`.
        city, author, site, scene, sharpness: (N,) indices.
        author_vectors: (A, author_dim) what each author's photos have in common.
    """

    split: Integers
    city: Integers
    author: Integers
    site: Integers
    scene: Integers
    sharpness: Integers
    author_vectors: Array

    def __len__(self) -> int:
        return len(self.city)

    @property
    def names(self) -> list[str]:
        """N names, each once."""
        return [f"photo-{row:07d}" for row in range(len(self))]

    def of_split(self, name: str) -> Integers:
        """Rows of a split."""
        return np.flatnonzero(self.split == SPLITS.index(name))


def draw_photos(earth: Earth) -> Photos:
    """Draw what the photos of an Earth are of: first the split, then the city, then an author and a site of that split there."""
    settings = earth.settings
    numbers = numbers_for("photos", settings.seed)
    split = _splits(settings)
    city = _cities(earth, split, numbers.random(len(split)))
    author, n_authors = _authors(earth, split, city, numbers.random(len(split)))
    return Photos(
        split=split,
        city=city,
        author=author,
        site=earth.sites.pick(city, split, numbers.random(len(split))),
        scene=numbers.integers(N_SCENES, size=len(split)),
        sharpness=np.minimum(np.searchsorted(np.cumsum(settings.sharpness), numbers.random(len(split)), side="right"), len(settings.sharpness) - 1),
        author_vectors=numbers_for("authors", settings.seed).standard_normal((n_authors, settings.author_dim)),
    )


def latents(earth: Earth, photos: Photos, rows: range) -> Array:
    """(len(rows), F) latent vectors of consecutive photos: place, scene and author block.

    The same numbers whichever rows are asked for together.
    """
    blocks = range(rows.start // BLOCK, -(-rows.stop // BLOCK))
    noise = np.concatenate([numbers_for("noise", earth.settings.seed, block).standard_normal((BLOCK, earth.settings.feature_dim)) for block in blocks])
    noise = noise[rows.start - blocks.start * BLOCK :][: len(rows)]
    here = slice(rows.start, rows.stop)
    scene, model, dim = photos.scene[here], earth.model, earth.settings.place_dim
    shown = model.gate[model.gate_of_scene[scene]]
    place = np.where(shown, model.mean[photos.city[here]], 0.0) + model.sigma[photos.sharpness[here], None] * noise[:, :dim]
    of_scene = model.scene_scale * np.eye(N_SCENES)[scene] + noise[:, dim : dim + N_SCENES]
    of_author = photos.author_vectors[photos.author[here]] + earth.settings.author_noise * noise[:, dim + N_SCENES :]
    return np.concatenate([place, of_scene, of_author], axis=1)


def features(earth: Earth, photos: Photos, rows: range) -> Array:
    """(len(rows), F) features of consecutive photos."""
    return earth.warp.feature_from_latent(latents(earth, photos, rows))


def blocks_of(n: int) -> Iterator[range]:
    """The blocks of N photos, in order."""
    return (range(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK))


def _splits(settings: SynthSettings) -> Integers:
    """Exactly the shares of validation and test photos, at random places; at least one of each."""
    n_val, n_test = (max(1, round(share * settings.photos)) for share in (settings.val_share, settings.test_share))
    split = np.repeat([SPLITS.index(name) for name in SPLITS], [settings.photos - n_val - n_test, n_val, n_test])
    return numbers_for("splits", settings.seed).permutation(split)


def _cities(earth: Earth, split: Integers, uniform: Array) -> Integers:
    """Cities by their share; in training those that are never seen there are left out."""
    seen = np.where(earth.is_unseen, 0.0, earth.share)
    city = np.empty(len(split), dtype=np.int64)
    for is_here, share in ((split == SPLITS.index("train"), seen), (split != SPLITS.index("train"), earth.share)):
        running = np.cumsum(share) / share.sum()
        # The last city with photos stands in for what rounding leaves above the last sum.
        city[is_here] = np.minimum(np.searchsorted(running, uniform[is_here], side="right"), np.flatnonzero(share)[-1])
    return city


def _authors(earth: Earth, split: Integers, city: Integers, uniform: Array) -> tuple[Integers, int]:
    """Author of each photo, and how many there are: authors live near a few neighbouring cities, and take photos of one split alone unless they leak."""
    settings = earth.settings
    along_curve = np.argsort(s2.leaf_ids(latlon_from_unit(earth.hierarchy.unit[earth.hierarchy.leaves])), kind="stable")
    home = np.empty(len(along_curve), dtype=np.int64)
    home[along_curve] = np.arange(len(along_curve)) // settings.cities_per_author
    n_homes = int(home.max()) + 1
    pool = home[city] + n_homes * (0 if settings.authors_cross_splits else split)
    n_here = np.maximum(1, np.round(np.bincount(pool) / settings.photos_per_author)).astype(np.int64)
    first = np.concatenate([[0], np.cumsum(n_here)])
    return first[pool] + (uniform * n_here[pool]).astype(np.int64), int(first[-1])
