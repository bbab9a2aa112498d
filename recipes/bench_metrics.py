"""Seconds for the metrics of 1,000,000 generated pairs and for the bootstrap of 25,600 photos, and how many times faster than a plain loop in the same run."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from geographiclib.geodesic import Geodesic
from numpy.typing import NDArray
from provenance import provenance, write_result

from geocairn.evaluate.protocol import protocol_named
from geocairn.metrics import THRESHOLDS_KM, bootstrap_by_group, mean_answered_km, mean_geoscore, median_km, within_pct

SEED = 0
N_PAIRS, N_PHOTOS, N_RESAMPLES, N_COLUMNS = 1_000_000, 25_600, 1000, 7
N_LOOPED, N_LOOPED_GEODESICS, N_LOOPED_RESAMPLES = 50_000, 5_000, 20
RUNS = 5

Array = NDArray[np.float64]


def main() -> None:
    a, b = pairs()
    values, authors = photos()
    digest = sha256(b"".join(part.tobytes() for part in (a, b, values, authors))).hexdigest()
    result = {
        "pairs": N_PAIRS,
        "photos": N_PHOTOS,
        "authors": len(np.unique(authors)),
        "resamples": N_RESAMPLES,
        "columns": N_COLUMNS,
        "runs": RUNS,
        "sphere": against_loop(N_PAIRS, lambda: all_metrics("geoestimation", a, b), N_LOOPED, lambda: loop_on_a_sphere(a[:N_LOOPED], b[:N_LOOPED])),
        "wgs84": against_loop(
            N_PAIRS, lambda: all_metrics("geoclip", a, b), N_LOOPED_GEODESICS, lambda: loop_of_geographiclib(a[:N_LOOPED_GEODESICS], b[:N_LOOPED_GEODESICS])
        ),
        "bootstrap_by_author": against_loop(
            N_RESAMPLES,
            lambda: bootstrap_by_group(values, authors, n_resamples=N_RESAMPLES),
            N_LOOPED_RESAMPLES,
            lambda: loop_of_resamples(values, authors, np.mean),
        ),
        "bootstrap_of_the_median": against_loop(
            N_RESAMPLES,
            lambda: bootstrap_by_group(values[:, 0], authors, statistic="median", n_resamples=N_RESAMPLES),
            N_LOOPED_RESAMPLES,
            lambda: loop_of_resamples(values[:, 0], authors, np.median),
        ),
        "bootstrap_by_photo": {"s": median_seconds(lambda: bootstrap_by_group(values, np.arange(N_PHOTOS), n_resamples=N_RESAMPLES))},
    }
    write_result("bench_metrics", {**result, **provenance(data_sha256=digest, seed=SEED)})
    print("\n".join(f"{key}: {value}" for key, value in result.items()))


def pairs() -> tuple[Array, Array]:
    """Truths and answers spread evenly over the degrees of the map."""
    generator = np.random.default_rng(SEED)
    a, b = generator.uniform((-90, -180), (90, 180), (2, N_PAIRS, 2))
    return a, b


def photos() -> tuple[Array, NDArray[np.int64]]:
    """Figures of photos by about 10,000 authors, a few of whom took many."""
    generator = np.random.default_rng(SEED)
    return generator.exponential(1000, (N_PHOTOS, N_COLUMNS)), np.minimum(generator.zipf(1.3, N_PHOTOS), 10**6) * 100 + generator.integers(0, 100, N_PHOTOS)


def all_metrics(protocol: str, a: Array, b: Array) -> tuple[Any, ...]:
    km = protocol_named(protocol).distance_km(a, b)
    return within_pct(km), mean_geoscore(km), mean_answered_km(km), median_km(km)


def loop_on_a_sphere(a: Array, b: Array) -> tuple[Any, ...]:
    """What an evaluation script does: one pair at a time, by the haversine."""
    return loop(a, b, haversine_km)


def loop_of_geographiclib(a: Array, b: Array) -> tuple[Any, ...]:
    return loop(a, b, lambda lat_a, lon_a, lat_b, lon_b: Geodesic.WGS84.Inverse(lat_a, lon_a, lat_b, lon_b, Geodesic.DISTANCE)["s12"] / 1000)


def loop(a: Array, b: Array, distance: Callable[[float, float, float, float], float]) -> tuple[Any, ...]:
    km, scores, hits = [], [], dict.fromkeys(THRESHOLDS_KM, 0)
    for (lat_a, lon_a), (lat_b, lon_b) in zip(a.tolist(), b.tolist(), strict=True):
        km.append(distance(lat_a, lon_a, lat_b, lon_b))
        scores.append(5000 * math.exp(-km[-1] / 1492.7))
        for threshold in THRESHOLDS_KM:
            hits[threshold] += km[-1] <= threshold
    return hits, statistics.fmean(scores), statistics.fmean(km), statistics.median(km)


def haversine_km(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    h = math.sin((phi_b - phi_a) / 2) ** 2 + math.cos(phi_a) * math.cos(phi_b) * math.sin(math.radians(lon_b - lon_a) / 2) ** 2
    return 2 * 6371 * math.asin(min(1.0, math.sqrt(h)))


def loop_of_resamples(values: Array, authors: NDArray[np.int64], statistic: Callable[..., Any]) -> list[Any]:
    """One resample at a time, with the rows of each drawn author collected."""
    generator = np.random.default_rng(SEED)
    order = np.argsort(authors, kind="stable")
    rows_of = np.split(order, np.flatnonzero(np.diff(authors[order])) + 1)
    found = []
    for _ in range(N_LOOPED_RESAMPLES):
        drawn = np.concatenate([rows_of[author] for author in generator.integers(0, len(rows_of), len(rows_of)).tolist()])
        found.append(statistic(values[drawn], axis=0))
    return found


def against_loop(n: int, whole: Callable[[], Any], n_looped: int, looped: Callable[[], Any]) -> dict[str, float]:
    """Seconds for n, seconds for n_looped of the plain loop, and how many times faster one of n is."""
    seconds, loop_seconds = median_seconds(whole), median_seconds(looped, 1)
    return {"s": seconds, "loop_of": n_looped, "loop_s": loop_seconds, "times_faster": round(loop_seconds / n_looped / (seconds / n), 1)}


def median_seconds(work: Callable[[], Any], runs: int = RUNS) -> float:
    times: Sequence[float] = [_seconds(work) for _ in range(runs)]
    return round(statistics.median(times), 3)


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
