"""Times of cutting the Earth by as many photos as MP-16 has, against s2sphere in the same run; seeded coordinates, as photos lie, on two cores at most."""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import s2sphere
from numpy.typing import NDArray
from provenance import provenance, write_result

from geocairn.coordinates import coordinates_sha256
from geocairn.geo import s2
from geocairn.geo.sphere import EARTH_RADIUS_KM
from geocairn.places.cell_hierarchy import hierarchy_of_cells
from geocairn.places.cells import CellSettings, adaptive_cells, classes_of_rows
from geocairn.places.files import arrays_sha256
from geocairn.places.geonames import read_cities

SEED = 0
N_POINTS = 4_723_695
N_FOR_S2SPHERE = 40_000
RUNS = 5
N_CORES = 2
Result = TypeVar("Result")


def photo_like_points(n: int, seed: int) -> NDArray[np.float64]:
    """(n, 2) degrees: 94 % around GeoNames' cities, few of which have most, 1 % anywhere on Earth, 5 % on some thousand spots exactly."""
    numbers = np.random.default_rng(seed)
    cities = read_cities()
    places = np.array([(city.lat_deg, city.lon_deg) for city in cities])
    weight = np.array([max(city.population, 500) for city in cities]) * numbers.lognormal(0, 1.5, len(cities))
    n_spots, n_scattered = n // 20, n // 100
    city = numbers.choice(len(cities), n - n_spots - n_scattered, p=weight / weight.sum())
    # Distances from the centre with a heavy tail: half within 3 km, one in a hundred beyond 50 km.
    km = 3 * (numbers.random(len(city)) ** (-1 / 1.4) - 1)
    angle = numbers.uniform(0, 2 * np.pi, len(city))
    step = np.degrees(np.minimum(km, 1000) / EARTH_RADIUS_KM)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    step[:, 1] /= np.cos(np.radians(places[city, 0]))
    scattered = np.column_stack([np.degrees(np.arcsin(numbers.uniform(-1, 1, n_scattered))), numbers.uniform(-180, 180, n_scattered)])
    spots = places[numbers.choice(len(cities), 3000, replace=False, p=weight / weight.sum())]
    share = 1 / np.arange(1, len(spots) + 1)
    points = np.concatenate([places[city] + step, scattered, spots[numbers.choice(len(spots), n_spots, p=share / share.sum())]])
    points = np.column_stack([np.clip(points[:, 0], -90, 90), (points[:, 1] + 180) % 360 - 180])
    return np.asarray(points[numbers.permutation(n)])


def timed(work: Callable[[], Result], runs: int = RUNS) -> tuple[Result, float]:
    """The result, and the median of the seconds that it took."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - started)
    return result, round(statistics.median(seconds), 3)


def leaf_ids_per_s_of_s2sphere(points: NDArray[np.float64]) -> float:
    """Leaf ids a second of s2sphere on one core."""
    started = time.perf_counter()
    for lat, lon in points.tolist():
        s2sphere.CellId.from_lat_lng(s2sphere.LatLng.from_degrees(lat, lon)).id()
    return len(points) / (time.perf_counter() - started)


def measure_steps(points: NDArray[np.float64], settings: CellSettings) -> dict[str, Any]:
    """Seconds of each step, and the cells that it leads to."""
    leaf_ids, leaf_ids_s = timed(lambda: s2.leaf_ids(points))
    order, sort_s = timed(lambda: np.argsort(leaf_ids))
    ordered = leaf_ids[order]
    levels, levels_s = timed(lambda: adaptive_cells(ordered, settings))
    classes, assign_s = timed(lambda: classes_of_rows(levels, order))
    return {
        "leaf_ids_s": leaf_ids_s,
        "sort_s": sort_s,
        "all_levels_after_sort_s": levels_s,
        "assign_all_points_to_all_levels_s": assign_s,
        "points_to_classes_s": round(leaf_ids_s + sort_s + levels_s + assign_s, 3),
        "n_cells": dict(zip(settings.level_names, map(len, levels), strict=True)),
        "n_points_without_a_cell": dict(zip(settings.level_names, (classes < 0).sum(axis=0).tolist(), strict=True)),
    }


def measure(points: NDArray[np.float64]) -> dict[str, Any]:
    """Seconds and memory of the steps and of the whole, and what s2sphere takes for the first of them."""
    settings = CellSettings()
    steps = measure_steps(points, settings)
    hierarchy, hierarchy_s = timed(lambda: hierarchy_of_cells(points, settings, meta={}), runs=1)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    per_s = leaf_ids_per_s_of_s2sphere(points[:N_FOR_S2SPHERE])
    s2sphere_figures = {"s2sphere_leaf_ids_per_s": round(per_s), "s2sphere_leaf_ids_s_extrapolated": round(len(points) / per_s, 1)}
    return {**steps, **s2sphere_figures, "whole_hierarchy_s": hierarchy_s, "peak_memory_mib": peak_mib, "hierarchy_sha256": arrays_sha256(hierarchy)}


def main() -> None:
    points = photo_like_points(N_POINTS, SEED)
    with tempfile.TemporaryDirectory() as scratch:
        np.save(Path(scratch) / "points.npy", points)
        # In a process of its own, whose memory is that of the work alone.
        run = subprocess.run([sys.executable, __file__, str(Path(scratch) / "points.npy")], check=True, capture_output=True, text=True)
    values = {"n_points": len(points), "n_cores": N_CORES, "runs": RUNS, **json.loads(run.stdout)}
    write_result("bench_partition", {**values, **provenance(data_sha256=coordinates_sha256(points), seed=SEED)})
    print("\n".join(f"{key}: {value}" for key, value in values.items()))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:N_CORES])
        print(json.dumps(measure(np.load(sys.argv[1]))))
    else:
        main()
