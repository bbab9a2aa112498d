"""Search, attention and training steps over as many entities as HierLoc has, planted along a tree: memory, speed, agreement, and how they grow with them."""

import os
import resource
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import faiss
import numpy as np
import torch
from hierloc_head import D_IMG, cached_bytes, head_over, locate_images, place_images, trainer_on, write_data
from numpy.typing import NDArray
from provenance import provenance, write_result

from geocairn.places.hierarchy import Hierarchy, Strings
from geocairn.search.beam import Score, beam_search
from geocairn.search.flat import nearest_leaves, nearest_places
from geocairn.search.index import EntityIndex
from geocairn.search.space import Space

SEED = 0
LEVELS = ("country", "region", "subregion", "city")
PAPER_SIZES = (233, 4946, 29214, 209894)
DIM = 128
# How far a place lies from its parent and a query from its leaf, in units of R, in a random direction. How many children a parent has is log-normal.
STEPS, QUERY_STEP, CHILDREN_SIGMA = (1.0, 0.7, 0.5, 0.35), 2.0, 1.0
WIDTHS = (1, 2, 4, 10, 32)
WIDTH = 10
N_QUERIES, N_GROWTH_QUERIES = 4096, 1024
RUNS, GROWTH_RUNS = 3, 3
GROWTH = (10_000, 28_845, 83_203, 240_000, 692_300, 2_000_000)
PAPER_FLAT_IMAGES_PER_S = 4095
# Photos at a time, and how many of them in a run.
HEAD_BATCHES = {1: 8, 64: 128, 1024: 1024}
GROWTH_BATCH = 64
TRAIN_BATCHES, TRAIN_STEPS = (16,), 3
THREADS = os.cpu_count() or 1


@dataclass(frozen=True)
class Planted:
    """Entities, and queries near some leaves."""

    index: EntityIndex
    queries: NDArray[np.float32]
    leaves: NDArray[np.int64]


def main() -> None:
    started, load = time.perf_counter(), os.getloadavg()[0]
    planted = plant(PAPER_SIZES, N_QUERIES)
    digest = sha256(planted.index.points.tobytes() + planted.queries.tobytes()).hexdigest()
    result = {
        "entities": dict(zip(LEVELS, PAPER_SIZES, strict=True)),
        "dim": DIM,
        "planted": {"steps_in_radii": STEPS, "query_step_in_radii": QUERY_STEP, "sigma_of_log_children": CHILDREN_SIGMA},
        "queries": N_QUERIES,
        "threads": THREADS,
        "load_before": round(load, 2),
        "memory": memory(planted),
        "speed": speed(planted),
        **agreement(planted),
        "head": head(planted),
    }
    del planted
    result["training"] = training()
    result["growth"] = growth()
    result["recipe_s"] = round(time.perf_counter() - started, 1)
    write_result("bench_hierloc", {**result, **provenance(data_sha256=digest, seed=SEED)})
    print("\n".join(f"{key}: {value}" for key, value in result.items()))


def plant(sizes: Sequence[int], n_queries: int) -> Planted:
    """Entities on the hyperboloid of curvature -1: the tangent vector of each is its parent's and a step; a query's is its leaf's and a step."""
    numbers = np.random.default_rng(SEED)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    parent = np.full(starts[-1], -1, dtype=np.int32)
    points = np.zeros((starts[-1], DIM + 1), dtype=np.float32)
    for level, (start, stop) in enumerate(pairwise(starts.tolist())):
        points[start:stop, 1:] = steps(numbers, stop - start, STEPS[level])
        if level:
            above = starts[level - 1]
            parent[start:stop] = above + np.repeat(np.arange(start - above), children(numbers, start - above, stop - start))
            points[start:stop, 1:] += points[parent[start:stop], 1:]
    leaves = numbers.integers(starts[-2], starts[-1], n_queries)
    queries = points[leaves]
    queries[:, 1:] += steps(numbers, n_queries, QUERY_STEP)
    for vectors in (points, queries):
        to_hyperboloid(vectors)
    level_of = np.repeat(np.arange(len(sizes), dtype=np.int8), sizes)
    return Planted(EntityIndex.of(points, tree(level_of, parent), Space()), queries, leaves)


def steps(numbers: np.random.Generator, n: int, length: float) -> NDArray[np.float32]:
    """(n, DIM) vectors of about this length in random directions."""
    return numbers.standard_normal((n, DIM), dtype=np.float32) * np.float32(length / np.sqrt(DIM))


def children(numbers: np.random.Generator, n_parents: int, n_children: int) -> NDArray[np.int64]:
    """How many children each parent has: one, and its share of the rest."""
    share = np.cumsum(numbers.lognormal(0, CHILDREN_SIGMA, n_parents))
    more = np.diff(np.round(share / share[-1] * (n_children - n_parents)), prepend=0)
    counts: NDArray[np.int64] = 1 + more.astype(np.int64)
    return counts


def to_hyperboloid(vectors: NDArray[np.float32]) -> None:
    """Tangent vectors at the origin, behind a column that is nought, become the points they lead to."""
    for chunk in np.array_split(vectors, -(-len(vectors) // 65536)):
        length = np.linalg.norm(chunk[:, 1:].astype(np.float64), axis=1)
        chunk[:, 0] = np.cosh(length)
        chunk[:, 1:] *= (np.sinh(length) / length).astype(np.float32)[:, None]


def tree(level: NDArray[np.int8], parent: NDArray[np.int32]) -> Hierarchy:
    """A hierarchy that has a tree and nothing else: what the search reads of one."""
    n = len(level)
    no_names, zeros = Strings(np.empty(0, dtype=np.uint8), np.zeros(n + 1, dtype=np.int64)), np.zeros(n)
    no_leaves = np.zeros(n, dtype=np.int32)
    return Hierarchy(
        level_names=LEVELS,
        level=level,
        parent=parent,
        unit=np.zeros((n, 3)),
        radius_km=zeros.astype(np.float32),
        count=np.zeros(n, dtype=np.int64),
        weight=zeros,
        area_km2=zeros.astype(np.float32),
        leaf_start=no_leaves,
        leaf_stop=no_leaves,
        ids=no_names,
        names=no_names,
    )


def memory(planted: Planted) -> dict[str, float]:
    """Megabytes of the index, which flat search and beam share, and what a search takes beside it."""
    index = planted.index
    beside = {}
    for name, search in {"beam": partial(beam, index, planted.queries), "flat": partial(flat, index, planted.queries[:1024])}.items():
        tracemalloc.start()
        search()
        beside[f"{name}_peak_beside_mb"] = round(tracemalloc.get_traced_memory()[1] / 1e6, 1)
        tracemalloc.stop()
    return {"vectors_mb": round(index.points.nbytes / 1e6, 1), "index_mb": round(index.nbytes / 1e6, 1), "target_mb": 200.0, **beside}


def beam(index: EntityIndex, queries: NDArray[np.float32], threads: int = THREADS) -> None:
    """The beam whose speed is told."""
    beam_search(queries, index, width=WIDTH, threads=threads)


def flat(index: EntityIndex, queries: NDArray[np.float32]) -> None:
    """The nearest place of every level: HierLoc's flat search."""
    for level in range(index.n_levels):
        nearest_places(queries, index, level)


def faiss_alone(index: EntityIndex, queries: NDArray[np.float32]) -> None:
    """The same by FAISS without the order being made sure of."""
    flipped = queries.copy()
    flipped[:, 0] *= -1
    for start, stop in pairwise(index.level_starts):
        faiss.knn(flipped, index.points[start:stop, 0], 1, metric=faiss.METRIC_INNER_PRODUCT)


def speed(planted: Planted) -> dict[str, Any]:
    """Images a second by the clock on all cores, and by what one thread has of a core, which other work on the machine moves less; all ways in turns."""
    index, queries = planted.index, planted.queries
    few = queries[: N_QUERIES // 4]
    n_queries = {"beam": len(queries), "flat_all_levels": len(few), "flat_last_level": len(few), "faiss_alone_all_levels": len(few)}

    def ways(threads: int) -> dict[str, Callable[[], object]]:
        return {
            "beam": partial(beam, index, queries, threads),
            "flat_all_levels": partial(flat, index, few),
            "flat_last_level": partial(nearest_places, few, index, index.n_levels - 1),
            "faiss_alone_all_levels": partial(faiss_alone, index, few),
        }

    by_clock = in_turns(ways(THREADS), RUNS, time.perf_counter)
    with one_thread():
        by_core = in_turns(ways(1), RUNS, time.process_time)
    told: dict[str, Any] = {"paper_flat_images_per_s": PAPER_FLAT_IMAGES_PER_S}
    for name, seconds in {"all_cores": by_clock, "one_core": by_core}.items():
        rates = {way: n_queries[way] / taken for way, taken in seconds.items()}
        told[f"{name}_images_per_s"] = {way: round(rate) for way, rate in rates.items()}
        told[f"{name}_beam_is_faster_by"] = {way: round(rates["beam"] / rate, 2) for way, rate in rates.items()}
    return told


@contextmanager
def one_thread() -> Iterator[None]:
    """FAISS and torch on one thread."""
    faiss.omp_set_num_threads(1)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(THREADS)
        torch.set_num_threads(THREADS)


def head(planted: Planted) -> dict[str, Any]:
    """Images a second of the whole head: features -> attention to all entities, whose keys and values are kept -> beam; by the clock on all cores."""
    index = planted.index
    model, features = head_over(index, LEVELS, seed=SEED), images(max(HEAD_BATCHES))
    rows = []
    for batch, n_images in HEAD_BATCHES.items():
        parts = [features[start : start + batch] for start in range(0, n_images, batch)]
        points = [place_images(model, part) for part in parts]
        ways: dict[str, Callable[[], object]] = {
            "attention": partial(each, partial(place_images, model), parts),
            "beam": partial(each, partial(beam, index), points),
            "whole": partial(each, partial(locate_images, model, index, width=WIDTH, threads=THREADS), parts),
        }
        seconds = in_turns(ways, RUNS, time.perf_counter)
        rows.append({"batch": batch, **{f"{way}_images_per_s": round(n_images / taken, 1) for way, taken in seconds.items()}})
    return {"heads": model.config.attention.heads, "d_img": D_IMG, "kept_mb": round(cached_bytes(model, len(index)) / 1e6, 1), "by_batch": rows}


def each(way: Callable[[Any], object], parts: Sequence[Any]) -> None:
    """One part after the other."""
    for part in parts:
        way(part)


def images(n: int) -> torch.Tensor:
    """Features of images that are not."""
    return torch.randn((n, D_IMG), generator=torch.Generator().manual_seed(SEED))


def training() -> list[dict[str, Any]]:
    """Seconds of a training step on all cores at the paper's size, entities made anew in each; the first one is not counted."""
    with TemporaryDirectory() as folder:
        data, rows = Path(folder) / "data", []
        write_data(data, PAPER_SIZES, seed=SEED)
        for batch in TRAIN_BATCHES:
            trainer = trainer_on(data, Path(folder) / f"places-{batch}", "train.device=cpu", f"train.batch_size={batch}")
            torch.set_num_threads(THREADS)
            times = []
            for number in range(1 + TRAIN_STEPS):
                started = time.perf_counter()
                trainer.step(number)
                times.append(time.perf_counter() - started)
            rows.append({"batch": batch, "step_s": round(statistics.median(times[1:]), 2), "peak_of_process_gb": round(peak_gb(), 2)})
            del trainer
    return rows


def peak_gb() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)


def agreement(planted: Planted) -> dict[str, Any]:
    """How often the planted places of each level are found: flat, and by a beam of each width and score; and how often the beam's answer is flat search's."""
    index, queries = planted.index, planted.queries
    exhaustive = nearest_leaves(queries, index).places[:, 0]
    scores: tuple[Score, ...] = ("last", "sum")
    rows = []
    for width in WIDTHS:
        row: dict[str, Any] = {"width": width}
        for score in scores:
            started = time.process_time()
            found = beam_search(queries, index, width=width, score=score).places[:, 0]
            row[score] = {
                "one_core_images_per_s": round(len(queries) / (time.process_time() - started)),
                "same_as_flat_pct": round(100 * float((found == exhaustive).mean()), 2),
                "planted_pct": per_level_pct(planted, found),
            }
        rows.append(row)
    return {"flat_planted_pct": per_level_pct(planted, exhaustive), "by_width": rows}


def per_level_pct(planted: Planted, found: NDArray[np.int32]) -> list[float]:
    """Per level, the share of queries whose found leaf lies in the planted one's place."""
    same = planted.index.chains(found) == planted.index.chains(planted.leaves)
    return [round(100 * float(share), 2) for share in same.mean(axis=0)]


def growth() -> dict[str, Any]:
    """One core's milliseconds an image of the beam, flat search and attention for ever more entities, and the slope of their logarithms: 1 is linear."""
    rows = []
    for n in GROWTH:
        planted = plant(sizes_of(n), N_GROWTH_QUERIES)
        index, queries = planted.index, planted.queries
        model, features = head_over(index, LEVELS, seed=SEED), images(GROWTH_BATCH)
        n_images = {"beam": N_GROWTH_QUERIES, "flat": N_GROWTH_QUERIES, "attention": GROWTH_BATCH}
        ways: dict[str, Callable[[], object]] = {
            "beam": partial(beam, index, queries, 1),
            "flat": partial(flat, index, queries),
            "attention": partial(place_images, model, features),
        }
        with one_thread():
            seconds = in_turns(ways, GROWTH_RUNS, time.process_time)
        per_image_ms = {f"{name}_ms": round(1000 * s / n_images[name], 4) for name, s in seconds.items()}
        megabytes = {"index_mb": round(index.nbytes / 1e6, 1), "kept_mb": round(cached_bytes(model, len(index)) / 1e6, 1)}
        rows.append({"entities": len(index), **per_image_ms, "flat_over_beam": round(seconds["flat"] / seconds["beam"], 1), **megabytes})
    size = np.log([row["entities"] for row in rows])
    slopes = {f"{name}_slope": round(float(np.polyfit(size, np.log([row[f"{name}_ms"] for row in rows]), 1)[0]), 3) for name in n_images}
    return {"queries": N_GROWTH_QUERIES, "images": GROWTH_BATCH, "countries": PAPER_SIZES[0], **slopes, "rows": rows}


def sizes_of(n_entities: int) -> tuple[int, ...]:
    """Sizes of the levels for so many entities: the paper's countries, and its numbers of children per place all times one factor."""
    ratios = [finer / coarser for coarser, finer in pairwise(PAPER_SIZES)]

    def sizes(factor: float) -> tuple[int, ...]:
        return tuple(np.round(PAPER_SIZES[0] * np.cumprod([1.0, *(ratio * factor for ratio in ratios)])).astype(int).tolist())

    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(sizes(middle)) < n_entities else (low, middle)
    return sizes(high)


def in_turns(ways: dict[str, Callable[[], object]], runs: int, clock: Callable[[], float]) -> dict[str, float]:
    """Median seconds of each way by this clock, one after the other in each run, after one run that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs + 1):
        for name, way in ways.items():
            started = clock()
            way()
            times[name].append(clock() - started)
    return {name: statistics.median(taken[1:]) for name, taken in times.items()}


if __name__ == "__main__":
    main()
