"""Draw the published fair sample of the Earth with several seeds, and tell how many countries it covers and how even it is; other sets beside it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from provenance import provenance, write_result

from geocairn.coordinates import coordinates_sha256
from geocairn.data.evenness import Evenness, EvennessSettings, gini, load_ground, measure_evenness
from geocairn.data.lorenz_files import measure_files
from geocairn.data.sample import Sample, SampleSettings, draw_sample, sample_earth
from geocairn.places.borders import load_borders
from geocairn.places.geonames import read_cities, read_countries

SEEDS = range(10)
VARIANTS: dict[str, dict[str, Any]] = {"as published": {}, "at most 5 a city": {"max_per_city": 5}, "cities of 1000 people and more": {"min_population": 1000}}
# Google-World-Streets-15K, Im2GPS3k and YFCC26k as the paper tells them (Clark et al., CVPR 2023, sections 4 and 8.2).
PUBLISHED = {"gws15k": {"n": 14955, "n_countries": 193, "gini_per_city": 0.51}, "im2gps3k": {"gini_per_city": 0.60}, "yfcc26k": {"gini_per_city": 0.73}}


def figures(evenness: Evenness) -> dict[str, float]:
    """The figures of one set, flat."""
    plain = {"n": evenness.n, "countries": evenness.n_countries, "cities_seen": evenness.n_cities_seen}
    coefficients = {f"gini_{by}": value for by, value in evenness.gini.items()}
    return {
        **plain,
        **coefficients,
        "top_1_pct_cities_hold_pct": evenness.top_1_pct_cities_hold_pct,
        "top_10_pct_cities_hold_pct": evenness.top_10_pct_cities_hold_pct,
    }


def figures_of_sample(sample: Sample) -> dict[str, float]:
    """The figures of one draw; what was drawn stands beside what the nearest city says."""
    drawn = np.bincount(sample.city)
    ground = load_ground(EvennessSettings(min_population=sample.settings.min_population))
    borders = load_borders()
    country = borders.country(sample.latlon_deg)
    return {
        **figures(measure_evenness(sample.latlon_deg, ground)),
        "countries_drawn": len(set(sample.country.tolist())),
        "cities_drawn": int((drawn > 0).sum()),
        "gini_cities_drawn": gini(drawn[drawn > 0]),
        "on_land_pct": 100 * float(borders.is_on_land(sample.latlon_deg).mean()),
        "across_a_border_pct": 100 * float(((country != "") & (country != sample.country)).mean()),
        "draws": sample.n_draws,
    }


def draws(settings: dict[str, Any]) -> list[dict[str, float]]:
    """The figures of one draw for each seed."""
    cities = read_cities(SampleSettings(**settings).min_population)
    return [figures_of_sample(draw_sample(SampleSettings(seed=seed, **settings), cities, read_countries())) for seed in SEEDS]


def over_seeds(rows: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Mean, least and greatest of each figure."""
    return {
        name: {"mean": round(float(values.mean()), 4), "min": round(float(values.min()), 4), "max": round(float(values.max()), 4)}
        for name, values in ((name, np.array([row[name] for row in rows])) for name in rows[0])
    }


def beside(files: list[Path], latlon_deg: NDArray[np.float64]) -> dict[str, Any]:
    """Each file's figures, and those of as many places from the beginning of the sample: over few photos fewer cities hold two."""
    settings = EvennessSettings()
    found = {}
    for name, one in measure_files(files, settings).items():
        of_same_size = measure_evenness(latlon_deg[: one.evenness.n], load_ground(settings))
        found[name] = {
            "source_sha256": one.source_sha256,
            "set": {key: round(value, 4) for key, value in figures(one.evenness).items()},
            "sample_of_the_same_size": {key: round(value, 4) for key, value in figures(of_same_size).items()},
        }
    return found


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("manifests", type=Path, nargs="*")
    files = parser.parse_args().manifests
    published = sample_earth(SampleSettings())
    values = {
        "settings": {"sample": SampleSettings().model_dump(mode="json"), "evenness": EvennessSettings().model_dump(mode="json"), "seeds": list(SEEDS)},
        "published": PUBLISHED,
        "variants": {name: over_seeds(draws(settings)) for name, settings in VARIANTS.items()},
        "left_out": dict(sorted(published.left_out.items())),
        "beside": beside(files, published.latlon_deg),
    }
    write_result("fair_earth", {**values, **provenance(data_sha256=coordinates_sha256(published.latlon_deg), seed=0)})


if __name__ == "__main__":
    main()
