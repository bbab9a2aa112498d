"""Fit the few parameters of the prior over places on geotagged travel photos; write places/prior.json, and report it cross-validated over authors."""

from argparse import ArgumentParser
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from provenance import author_folds, provenance, write_result
from scipy.optimize import minimize

from geocairn.answer.regions import MIN_AREA_KM2, NOMINAL
from geocairn.geo.sphere import unit_from_latlon
from geocairn.manifest import read_manifest
from geocairn.metrics import coverage, paired_bootstrap_by_group
from geocairn.places.atlas import load_atlas
from geocairn.places.entities import sort_cities
from geocairn.places.geonames import read_cities
from geocairn.places.nearest import NearestPlace
from geocairn.places.prior import PhotoPrior, base_shares, city_shares, subcontinent_of

SHIPPED = Path(__file__).parent.parent / "src/geocairn/places/prior.json"
N_FOLDS = 5
PSEUDO_PHOTOS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
START = np.array([0.5, 0.8, np.log(0.3), 0.5])


@dataclass(frozen=True)
class World:
    """Per city what the prior looks at: (L,) arrays."""

    people: NDArray[np.int64]
    names: NDArray[np.int64]
    area_km2: NDArray[np.float64]
    country: NDArray[np.str_]

    @cached_property
    def subcontinent(self) -> NDArray[np.str_]:
        """(L,) names."""
        return np.array([subcontinent_of(code) for code in self.country.tolist()])

    def base(self, prior: PhotoPrior) -> NDArray[np.float64]:
        return base_shares(prior, people=self.people, names=self.names, area_km2=self.area_km2)

    def shares(self, prior: PhotoPrior) -> NDArray[np.float64]:
        return city_shares(prior, people=self.people, names=self.names, area_km2=self.area_km2, country=self.country)


def read_world() -> tuple[World, NearestPlace]:
    atlas = load_atlas(print)
    cities = sort_cities(read_cities())
    assert np.allclose(atlas.hierarchy.unit[atlas.hierarchy.leaves], unit_from_latlon([(city.lat_deg, city.lon_deg) for city in cities]))
    world = World(
        people=np.array([city.population for city in cities]),
        names=np.array([len(city.other_names) for city in cities]),
        area_km2=atlas.hierarchy.area_km2[atlas.hierarchy.leaves].astype(np.float64),
        country=np.array([city.country for city in cities]),
    )
    return world, atlas.nearest


def author_weights(authors: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weight of each photo: an author's photos together weigh as the square root of their number; the mean is 1."""
    _, inverse, counts = np.unique(authors, return_inverse=True, return_counts=True)
    weight = 1 / np.sqrt(counts[inverse])
    return np.asarray(weight / weight.mean())


def with_city_parameters(values: NDArray[np.float64]) -> PhotoPrior:
    people_power, fame_power, log_land, land_power = values.tolist()
    return PhotoPrior(people_power=people_power, fame_power=fame_power, land=round(float(np.exp(log_land)), 6), land_power=land_power)


def fit_cities(world: World, leaf: NDArray[np.int64], weight: NDArray[np.float64]) -> PhotoPrior:
    """Maximum likelihood of each photo's city given its country."""
    _, country = np.unique(world.country, return_inverse=True)

    def loss(values: NDArray[np.float64]) -> float:
        clipped = np.clip(values, [0, 0, -6, 0], [2, 4, 2, 2])
        shares = world.base(with_city_parameters(clipped))
        within = shares[leaf] / np.bincount(country, shares)[country[leaf]]
        return float(-(weight @ np.log(within)) / weight.sum() + np.sum((values - clipped) ** 2))

    found = minimize(loss, START, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-5, "maxiter": 400})
    return with_city_parameters(np.clip(found.x, [0, 0, -6, 0], [2, 4, 2, 2]).round(4))


def fit_countries(world: World, prior: PhotoPrior, leaf: NDArray[np.int64], weight: NDArray[np.float64], pseudo_photos: float) -> PhotoPrior:
    """Factors of subcontinents, shrunk towards 1, then of countries, shrunk towards their subcontinent's."""
    shares = world.base(prior)
    seen = np.bincount(leaf, weight, minlength=len(shares)).astype(np.float64)
    subcontinents = {name: _factor(seen, shares, world.subcontinent == name, 1.0, pseudo_photos) for name in np.unique(world.subcontinent).tolist()}
    countries = {
        code: _factor(seen, shares, world.country == code, subcontinents[subcontinent_of(code)], pseudo_photos)
        for code in np.unique(world.country[leaf]).tolist()
    }
    rounded = {"subcontinent_factor": _rounded(subcontinents), "country_factor": _rounded(countries)}
    return prior.model_copy(update=rounded)


def _factor(seen: NDArray[np.float64], shares: NDArray[np.float64], inside: NDArray[np.bool_], towards: float, pseudo_photos: float) -> float:
    expected = seen.sum() * shares[inside].sum()
    return float((seen[inside].sum() + pseudo_photos * towards) / (expected + pseudo_photos))


def _rounded(factors: dict[str, float]) -> dict[str, float]:
    return {code: round(value, 4) for code, value in factors.items()}


@dataclass(frozen=True)
class CrossValidated:
    """Per photo: what fits on the other folds' authors make of it, for one strength of shrinkage."""

    log_likelihood: NDArray[np.float64]
    inside: NDArray[np.float64]


def cross_validate(world: World, leaf: NDArray[np.int64], authors: NDArray[np.int64], fold: NDArray[np.int64]) -> dict[float, CrossValidated]:
    """Held-out log-likelihood and presence in the 50, 80 and 95 % regions of every photo, by strength of shrinkage."""
    weight = author_weights(authors)
    found = {pseudo: CrossValidated(np.zeros(len(leaf)), np.zeros((len(leaf), len(NOMINAL)))) for pseudo in PSEUDO_PHOTOS}
    for held_out in np.unique(fold).tolist():
        rest, out = fold != held_out, fold == held_out
        cities = fit_cities(world, leaf[rest], weight[rest])
        for pseudo, record in found.items():
            shares = world.shares(fit_countries(world, cities, leaf[rest], weight[rest], pseudo))
            record.log_likelihood[out] = np.log(shares[leaf[out]])
            record.inside[out] = inside_regions(world, shares, leaf[out])
    return found


def chosen_strength(found: dict[float, CrossValidated], authors: NDArray[np.int64]) -> float:
    """The weakest shrinkage whose held-out likelihood is within noise (95 %, by author) of the best's: with it the regions keep their word on the photos
    fitted on as well as on held-out ones."""
    best = max(found, key=lambda pseudo: float(found[pseudo].log_likelihood.mean()))
    for pseudo in sorted(found):
        difference = paired_bootstrap_by_group(found[pseudo].log_likelihood, found[best].log_likelihood, authors)[0]
        if difference.high >= 0:
            return pseudo
    return best


def inside_regions(world: World, shares: NDArray[np.float64], leaf: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N, 3) whether each photo lies in the smallest-area sets of cities that hold 50, 80 and 95 %."""
    order = np.argsort(-shares / np.maximum(world.area_km2, MIN_AREA_KM2), kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    last = np.searchsorted(np.cumsum(shares[order]), NOMINAL)
    return (rank[leaf][:, None] <= last).astype(np.float64)


def measure(log_likelihood: NDArray[np.float64], inside: NDArray[np.float64], authors: NDArray[np.int64]) -> dict[str, object]:
    """Mean log-likelihood, and coverage of the regions with its standard error by author."""
    covered = {}
    for column, nominal in enumerate(NOMINAL):
        found = coverage(inside[:, column], np.full(len(inside), nominal), authors)
        covered[str(nominal)] = {"inside": round(found.inside, 4), "standard_error": round(found.standard_error, 4)}
    return {"n": len(log_likelihood), "mean_log_likelihood": round(float(log_likelihood.mean()), 4), "coverage": covered}


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("manifest", type=Path)
    manifest = read_manifest(parser.parse_args().manifest)
    world, nearest = read_world()
    leaf = nearest.leaf(manifest.latlon_deg)
    leaf, authors, fold = (values[leaf >= 0] for values in (leaf, manifest.author_codes(), author_folds(manifest, N_FOLDS)))
    found = cross_validate(world, leaf, authors, fold)
    pseudo = chosen_strength(found, authors)
    weight = author_weights(authors)
    prior = fit_countries(world, fit_cities(world, leaf, weight), leaf, weight, pseudo)
    described = {"photos": len(leaf), "authors": len(np.unique(authors)), "country_pseudo_photos": pseudo, "manifest_sha256": manifest.sha256}
    SHIPPED.write_text(prior.model_copy(update={"fitted_on": described}).model_dump_json(indent=1) + "\n", encoding="utf-8")
    shares = world.shares(prior)
    values = {
        "fitted_on_all": measure(np.log(shares[leaf]), inside_regions(world, shares, leaf), authors),
        "cross_validated": {str(strength): measure(record.log_likelihood, record.inside, authors) for strength, record in found.items()},
        "country_pseudo_photos": pseudo,
    }
    write_result("fit_prior", {**values, **provenance(data_sha256=manifest.sha256, seed=0)})


if __name__ == "__main__":
    main()
