"""One seeded, generated set of predictions under every protocol and with each rule changed alone. It says what the rules do, and nothing of any system."""

import csv
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from provenance import provenance, write_result

from geocairn.evaluate.admin import load_admin_table, osv5m_compat_right
from geocairn.evaluate.predictions_file import read_guesses
from geocairn.evaluate.protocol import PROTOCOLS, Protocol
from geocairn.evaluate.score import Scores, score_guesses
from geocairn.evaluate.truth import Places, Truth, folded, true_places
from geocairn.geo.sphere import geoscore, latlon_from_unit, unit_from_latlon
from geocairn.manifest import read_manifest
from geocairn.metrics import hits_within, mean_answered_km, median_km
from geocairn.places.atlas import load_atlas
from geocairn.places.entities import LEVELS

SEED, N_PHOTOS, SHARE_FAILED = 0, 25_600, 0.02
# Share of the answers within a distance, log-linear between: invented, of the order that published tables show.
ERROR_KM, SHARE_WITHIN = (0.005, 1.0, 25.0, 200.0, 750.0, 2500.0, 20015.0), (0.0, 0.15, 0.4, 0.55, 0.7, 0.84, 1.0)
SCATTER_KM = 8.0  # of the photos around their city
KEPT_KM = ("1", "25", "200", "750", "2500")
# One rule of geoestimation changed, all others kept.
CHANGES: dict[str, dict[str, Any]] = {
    "distance: WGS 84": {"distance": "wgs84", "earth_radius_km": None},
    "radius: 6371.009 km": {"earth_radius_km": 6371.009},
    "radius: 6378.137 km": {"earth_radius_km": 6378.137},
    "inequality: <": {"inequality": "<"},
    "score: rounded": {"round_score": True},
    "country: by polygon": {"country": "polygon"},
    "admin: osv5m_compat": {"admin": "osv5m_compat"},
}

Array = NDArray[np.float64]


def main() -> None:
    truths = true_points()
    answers, failed = answered_points(truths)
    with tempfile.TemporaryDirectory() as scratch:
        manifest_path, predictions_path = write_set(Path(scratch), truths, answers, failed)
        digest = sha256(manifest_path.read_bytes() + predictions_path.read_bytes()).hexdigest()
        manifest, atlas = read_manifest(manifest_path), load_atlas()
        places = Places(atlas.hierarchy, atlas.nearest)
        guesses = read_guesses(predictions_path, manifest, places=places).guesses
    truth = true_places(manifest, places)
    scored = {name: score_guesses(guesses, truth, places=places, protocol=protocol) for name, protocol in (PROTOCOLS | changed_protocols()).items()}
    base = scored["geoestimation"]
    answered, in_float32 = np.flatnonzero(~base.is_failed), float32_km(base, truth)
    result = {
        "note": "generated predictions for generated truths: nothing here says anything of any system",
        "photos": N_PHOTOS,
        "failed": int(failed.sum()),
        "rules": {name: protocol.model_dump(mode="json") for name, protocol in PROTOCOLS.items()},
        "error_km": dict(zip(map(str, ERROR_KM), SHARE_WITHIN, strict=True)),
        "protocols": {name: figures(scored[name]) for name in PROTOCOLS},
        "changes": {
            **{name: figures(scored[name]) for name in CHANGES},
            "arithmetic: float32": figures(base, km=in_float32),
            "failures: dropped": figures(base, answered),
        },
        "photos_moved_over_a_threshold": {name: moved(base, scored[name]) for name in CHANGES},
        "admin_rules": admin_rules(base, truth, places),
        "labels_missing": {level: sum(label is None for label in truth.labels[level]) for level in LEVELS},
        "true_point_named_by_the_city_nearest_on_the_sphere": named_on_the_sphere(truth),
        "float32_off_by_m": off_by_m(base.km[answered], in_float32[answered]),
        "geoscore_of_the_mean_distance": round(float(geoscore(mean_answered_km(base.km)[0])), 1),
    }
    write_result("protocols", {**result, **provenance(data_sha256=digest, seed=SEED)})


def true_points() -> Array:
    """Points scattered around cities that are drawn evenly."""
    generator = np.random.default_rng(SEED)
    cities = load_admin_table().latlon_deg
    return moved_by(cities[generator.integers(0, len(cities), N_PHOTOS)], np.abs(generator.normal(0, SCATTER_KM, N_PHOTOS)), generator)


def answered_points(truths: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Points at a drawn distance in a drawn direction from the truths, and which photos have no answer."""
    generator = np.random.default_rng(SEED + 1)
    km = np.exp(np.interp(generator.random(N_PHOTOS), SHARE_WITHIN, np.log(ERROR_KM)))
    return moved_by(truths, km, generator), generator.random(N_PHOTOS) < SHARE_FAILED


def moved_by(latlon_deg: Array, km: Array, generator: np.random.Generator) -> Array:
    """Points `km` away along great circles in drawn directions, to six decimals of a degree."""
    unit = unit_from_latlon(latlon_deg)
    sideways = np.cross(unit, generator.normal(size=unit.shape))
    sideways /= np.linalg.norm(sideways, axis=1, keepdims=True)
    angle = (km / 6371.0)[:, None]
    return latlon_from_unit(np.cos(angle) * unit + np.sin(angle) * sideways).round(6)


def write_set(folder: Path, truths: Array, answers: Array, failed: NDArray[np.bool_]) -> tuple[Path, Path]:
    """The manifest, labelled as OSV-5M is, and the predictions; a failed photo has none."""
    table = load_admin_table()
    manifest, predictions = folder / "generated.csv", folder / "predictions.csv"
    with manifest.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["photo", "lat_deg", "lon_deg", *LEVELS])
        for photo, (point, city) in enumerate(zip(truths.tolist(), table.nearest(truths).tolist(), strict=True)):
            writer.writerow([photo, *point, *(table.names[level][city] or "NaN" for level in LEVELS)])
    with predictions.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["photo", "lat_deg", "lon_deg"])
        writer.writerows([photo, *answers[photo].tolist()] for photo in np.flatnonzero(~failed).tolist())
    return manifest, predictions


def changed_protocols() -> dict[str, Protocol]:
    base = PROTOCOLS["geoestimation"].model_dump()
    return {name: Protocol(**{**base, "name": name, **change}) for name, change in CHANGES.items()}


def figures(scores: Scores, rows: NDArray[np.int64] | None = None, *, km: Array | None = None) -> dict[str, Any]:
    """The main figures of some photos; with other distances, where these are given."""
    kept = np.arange(len(scores.km)) if rows is None else rows
    distances = (scores.km if km is None else km)[kept]
    points = scores.geoscore[kept] if km is None else scores.protocol.geoscore(distances)
    hits = 100 * hits_within(distances, [float(name) for name in KEPT_KM], inclusive=scores.protocol.is_inclusive).mean(axis=0)
    right = {level: scores.right[level][kept] for level in LEVELS}
    return {
        "n": len(kept),
        "within_pct": dict(zip(KEPT_KM, hits.round(4).tolist(), strict=True)),
        "median_km": round(median_km(distances), 4),
        "mean_km": round(mean_answered_km(distances)[0], 4),
        "geoscore": round(float(points.mean()), 4),
        "level_accuracy_pct": {level: round(100 * float(np.nanmean(values)), 4) for level, values in right.items()},
        "n_labelled": {level: int((~np.isnan(values)).sum()) for level, values in right.items()},
    }


def moved(base: Scores, other: Scores) -> dict[str, int]:
    """Photos that are within a threshold under one rule and not under the other."""
    names = base.threshold_names
    return dict(zip(names, (base.hits_pct != other.hits_pct).sum(axis=0).tolist(), strict=True))


def float32_km(scores: Scores, truth: Truth) -> Array:
    """The haversine in float32, which loses what is near."""
    to_radians = np.float32(np.pi / 180)
    (lat_a, lon_a), (lat_b, lon_b) = (points.astype(np.float32).T * to_radians for points in (scores.latlon_deg, truth.latlon_deg))
    h = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    km = np.float32(2 * 6371) * np.arctan2(np.sqrt(h), np.sqrt(np.maximum(1 - h, 0)))
    return np.where(scores.is_failed, np.inf, km).astype(np.float64)


def off_by_m(km: Array, rough_km: Array) -> dict[str, float]:
    """Greatest error in metres of answers within 25 km of the truth, within 10,000 km, and of all."""
    return {f"{limit:g}": round(1000 * float(np.abs(rough_km - km)[km <= limit].max()), 1) for limit in (25.0, 10_000.0, 20_016.0)}


def admin_rules(scores: Scores, truth: Truth, places: Places) -> dict[str, dict[str, float]]:
    """Percentage right at each level under rules that differ in one thing each."""
    corrected = scores.right
    compat = osv5m_compat_right(truth, scores.latlon_deg, corrected)
    rules: dict[str, Mapping[str, Array]] = {
        "corrected": corrected,
        "corrected, but a photo without a label is wrong": {level: np.nan_to_num(right) for level, right in corrected.items()},
        "osv5m_compat": compat,
        "osv5m_compat, but a photo without a label leaves": {level: np.where(np.isnan(corrected[level]), np.nan, right) for level, right in compat.items()},
        "names alone, empty equals empty": {level: names_alone(scores, truth, level) for level in LEVELS},
    }
    return {rule: {level: round(100 * float(np.nanmean(right[level])), 4) for level in LEVELS} for rule, right in rules.items()}


def names_alone(scores: Scores, truth: Truth, level: str) -> Array:
    """1 where the names of one level are equal, whatever they lie in, also where both are empty; a failed photo is wrong."""
    pairs = zip(truth.labels[level], scores.labels[level], strict=True)
    equal = [folded(a.name if a else "") == folded(b.name if b else "") for a, b in pairs]
    return np.where(scores.is_failed, 0.0, np.array(equal, dtype=np.float64))


def named_on_the_sphere(truth: Truth) -> dict[str, float]:
    """Percentage of the true points whose label is that of the city nearest on the sphere: labels were made by the one nearest in degrees."""
    from scipy.spatial import cKDTree

    table = load_admin_table()
    on_sphere = cKDTree(unit_from_latlon(table.latlon_deg)).query(unit_from_latlon(truth.latlon_deg))[1].tolist()
    in_degrees = table.nearest(truth.latlon_deg).tolist()
    names = {level: [table.names[level][row] == table.names[level][other] for row, other in zip(on_sphere, in_degrees, strict=True)] for level in LEVELS}
    return {level: round(100 * float(np.mean(equal)), 4) for level, equal in names.items()}


if __name__ == "__main__":
    main()
