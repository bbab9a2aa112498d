"""Fit what tells photographs from other pictures, report it on styles and authors that the fit has not seen, and ship the fit on all.

The pictures that are no photographs come from not_photo_kinds.py. Photographs are taken as they are, and worn (scaled,
greyed, blurred, in few colours, compressed).
"""

import csv
import hashlib
import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
from not_photo_kinds import STYLES, Rng, spoil
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from provenance import provenance, write_result
from scipy.optimize import minimize

from geocairn.photo.not_photo import MAX_STEP, WORDS, Weights, at_one_scale, is_blank, load_weights, traits, weights_from_json
from geocairn.photo.read import PhotoLimits, read_photo

SHIPPED = Path(__file__).parent.parent / "src/geocairn/photo/not_photo.json"
KINDS = tuple(WORDS)
SEED = 20240611
PICTURES_PER_KIND = 320
RIDGE = 10.0  # penalty on the squared slopes, in units of one picture's loss; 3 and 30 gave the same within a picture or two
WORN_WEIGHT = 0.7
PHOTOS_LOST = 0.015  # share of photographs that the bar gives away


@dataclass(frozen=True)
class Sample:
    """One measured picture: its kind ("photo" and "worn" are photographs), the parts it belongs to, and its traits.

    Halves part styles and authors. Fifths part authors, and the pictures of each style.
    """

    kind: str
    half: int
    fifth: int
    style: str
    blank: bool
    traits: dict[str, float]


def drawn(job: tuple[str, int, int]) -> Sample:
    """Sample of one generated picture: kind, number of the style, number of the picture."""
    kind, style, number = job
    rng = np.random.default_rng([SEED, KINDS.index(kind), style, number])
    picture = at_one_scale(spoil(STYLES[kind][style](rng), rng))
    return Sample(kind, style % 2, number // len(STYLES[kind]) % 5, f"{kind} {style}", is_blank(picture), traits(picture))


def photographed(job: tuple[str, str, bool]) -> Sample:
    """Sample of one photograph: path, author, whether it is to be worn first."""
    path, author, is_worn = job
    image = read_photo(path, PhotoLimits()).image
    digest = int(hashlib.sha256(author.encode()).hexdigest(), 16)
    if is_worn:
        image = worn(image, np.random.default_rng([SEED, int(hashlib.sha256(Path(path).name.encode()).hexdigest()[:8], 16)]))
    picture = at_one_scale(image)
    return Sample("worn" if is_worn else "photo", digest % 2, digest % 5, author, is_blank(picture), traits(picture))


def worn(image: Image.Image, rng: Rng) -> Image.Image:
    """A photograph after what people do to photographs."""
    ways: list[Callable[[Image.Image], Image.Image]] = [
        lambda photo: photo.resize((max(1, photo.width // 3), max(1, photo.height // 3)), Image.Resampling.LANCZOS),
        lambda photo: photo.resize((photo.width * 2, photo.height * 2), Image.Resampling.BICUBIC),
        lambda photo: photo.convert("L").convert("RGB"),
        lambda photo: photo.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2))),
        lambda photo: photo.quantize(int(rng.choice([128, 256]))).convert("RGB"),
        lambda photo: compressed(photo, int(rng.integers(20, 70))),
    ]
    for way in rng.choice(len(ways), size=rng.integers(1, 3), replace=False):
        image = ways[way](image)
    return image


def compressed(image: Image.Image, quality: int) -> Image.Image:
    file = BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def fit(samples: list[Sample]) -> Weights:
    """Multinomial logistic regression with a ridge; photographs are the reference. The bar is left at 0."""
    names = tuple(samples[0].traits)
    measured = np.array([[sample.traits[name] for name in names] for sample in samples])
    weight = np.array([WORN_WEIGHT if sample.kind == "worn" else 1.0 for sample in samples])
    truth = np.array([[sample.kind == kind for kind in KINDS] for sample in samples], dtype=np.float64)
    start = Weights(
        names,
        measured.mean(axis=0),
        measured.std(axis=0) + 1e-6,
        KINDS,
        np.zeros((len(KINDS), len(names))),
        np.zeros(len(KINDS)),
        bar=0.0,
    )
    steps = np.clip((measured - start.mean) / start.deviation, -MAX_STEP, MAX_STEP)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        table = flat.reshape(len(KINDS), -1)
        scores = np.c_[steps @ table[:, :-1].T + table[:, -1], np.zeros(len(steps))]
        whole = np.logaddexp.reduce(scores, axis=1)
        missed = (np.exp(scores - whole[:, None])[:, :-1] - truth) * weight[:, None]
        likely = weight @ (whole - (scores[:, :-1] * truth).sum(axis=1))
        gradient = np.c_[missed.T @ steps + RIDGE * table[:, :-1], missed.sum(axis=0)]
        return float(likely + RIDGE / 2 * (table[:, :-1] ** 2).sum()), gradient.ravel()

    found = minimize(loss, np.zeros(len(KINDS) * (len(names) + 1)), jac=True, method="L-BFGS-B", options={"maxiter": 3000}).x.reshape(len(KINDS), -1)
    return replace(start, slopes=found[:, :-1], intercepts=found[:, -1])


def log_odds(weights: Weights, samples: Iterable[Sample]) -> NDArray[np.float64]:
    """Log odds of being no photograph; infinite for the blanks that the surface finds."""
    samples = list(samples)
    measured = np.array([[sample.traits[name] for name in weights.traits] for sample in samples])
    odds = np.logaddexp.reduce(weights.scores(measured), axis=1)
    return np.where([sample.blank for sample in samples], np.inf, odds)


def bar_of(odds: NDArray[np.float64], samples: list[Sample]) -> float:
    """The bar above which `PHOTOS_LOST` of the photographs lie."""
    return float(np.quantile(odds[[sample.kind == "photo" for sample in samples]], 1 - PHOTOS_LOST))


def crossed(samples: list[Sample], part_of: Callable[[Sample], int], n_parts: int) -> NDArray[np.float64]:
    """Log odds of each sample from a fit that has seen no sample of its part."""
    parts = np.array([part_of(sample) for sample in samples])
    odds = np.empty(len(samples))
    for part in range(n_parts):
        seen = [sample for sample, at in zip(samples, parts, strict=True) if at != part]
        odds[parts == part] = log_odds(fit(seen), [sample for sample, at in zip(samples, parts, strict=True) if at == part])
    return odds


def shares(samples: list[Sample], above: NDArray[np.bool_]) -> dict[str, dict[str, float]]:
    """Per kind: number of pictures, and share called no photograph."""
    kinds = np.array([sample.kind for sample in samples])
    groups = {kind: kinds == kind for kind in dict.fromkeys(kinds.tolist())} | {"all but photographs": np.isin(kinds, KINDS)}
    return {name: {"n": int(chosen.sum()), "share_called_not_a_photo": round(float(above[chosen].mean()), 4)} for name, chosen in groups.items()}


def as_json(weights: Weights) -> str:
    """The weights as they ship: short numbers, one line a row."""
    arrays = {name: [float(f"{value:.5g}") for value in getattr(weights, name)] for name in ("mean", "deviation", "intercepts")}
    values = {
        "traits": weights.traits,
        **arrays,
        "kinds": weights.kinds,
        "slopes": [[float(f"{value:.5g}") for value in row] for row in weights.slopes],
        "bar": round(weights.bar, 4),
    }
    lines = [f'"{name}": {json.dumps(value)}' for name, value in values.items()]
    return "{\n " + ",\n ".join(lines).replace("], [", "],\n  [") + "\n}\n"


def generated() -> list[Sample]:
    jobs = [(kind, number % len(STYLES[kind]), number) for kind in KINDS for number in range(PICTURES_PER_KIND)]
    with ProcessPoolExecutor() as pool:
        return list(pool.map(drawn, jobs, chunksize=16))


def photographs(folder: Path, manifest: Path) -> list[Sample]:
    with manifest.open(encoding="utf-8", newline="") as file:
        jobs = [(str(folder / row["photo"]), row["author_group"], is_worn) for row in csv.DictReader(file) for is_worn in (False, True)]
    with ProcessPoolExecutor() as pool:
        return list(pool.map(photographed, jobs, chunksize=16))


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="?", type=Path)
    parser.add_argument("manifest", nargs="?", type=Path)
    given = parser.parse_args()
    samples = generated()
    if given.photos is None or given.manifest is None or not given.photos.is_dir() or not given.manifest.is_file():
        weights = load_weights()
        print("no folder of photographs and manifest with author_group: nothing is fitted or written, and the share of photographs lost is not measured")
        print(json.dumps(shares(samples, log_odds(weights, samples) >= weights.bar), indent=1))
        sys.exit(0)
    photos = photographs(given.photos, given.manifest)
    everything = samples + photos
    fifths = crossed(everything, lambda sample: sample.fifth, 5)
    bar = bar_of(fifths, everything)
    new_styles = crossed(everything, lambda sample: sample.half, 2) >= bar
    weights = replace(fit(everything), bar=bar)
    SHIPPED.write_text(as_json(weights), encoding="utf-8")
    weights = weights_from_json(json.loads(SHIPPED.read_text(encoding="utf-8")))
    by_style: dict[str, list[bool]] = {}
    for sample, is_above in zip(samples, new_styles, strict=False):
        by_style.setdefault(sample.style, []).append(bool(is_above))
    result = {
        "new_authors_known_styles": shares(everything, fifths >= bar),
        "new_authors_new_styles": shares(everything, new_styles),
        "shipped_fit_on_all": shares(everything, log_odds(weights, everything) >= weights.bar),
        "notes": "new: not seen by the fit that scores them, in fifths (authors, pictures) and in halves (authors, styles); the bar is the one that ships",
        "share_missed_of_new_styles": {
            f"{STYLES[style.split()[0]][int(style.split()[1])].__name__} ({style})": round(1 - float(np.mean(hits)), 2)
            for style, hits in by_style.items()
            if not all(hits)
        },
        "provenance": provenance(data_sha256=hashlib.sha256(given.manifest.read_bytes()).hexdigest(), seed=SEED),
    }
    write_result("not_photo", result)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
