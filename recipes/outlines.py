"""Clean the country outlines of Natural Earth for the map: decode TopoJSON, cut at the antimeridian, thin, put on a grid of 0.01 degree, check, pack.

Run by recipes/outlines.sh.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

GRID_DEG = 0.01
# Neighbours are thinned together and stay neighbours; what goes are corners of less than about (3 km)^2, which a map of 1 : 50 million hardly knows.
SIMPLIFY_DEG = 0.03
Ring = NDArray[np.float64]


def decode_arcs(topology: dict[str, Any]) -> list[Ring]:
    """Arcs of a quantised TopoJSON topology as (n, 2) longitudes and latitudes in degrees: running sums of steps on the topology's own grid."""
    scale, translate = np.array(topology["transform"]["scale"]), np.array(topology["transform"]["translate"])
    return [np.cumsum(np.array(arc), axis=0) * scale + translate for arc in topology["arcs"]]


def ring_of(arcs: list[Ring], indices: list[int]) -> Ring:
    """Closed ring made of arcs laid end to end; index ~i is arc i backwards, and neighbours share a point."""
    runs = [arcs[index] if index >= 0 else arcs[~index][::-1] for index in indices]
    return np.concatenate([runs[0], *(run[1:] for run in runs[1:])])


def polygons_of(topology: dict[str, Any]) -> Iterator[list[Ring]]:
    """Polygons of all countries, each a list of rings: the outer one, then holes."""
    arcs = decode_arcs(topology)
    for country in topology["objects"]["countries"]["geometries"]:
        polygons = country["arcs"] if country["type"] == "MultiPolygon" else [country["arcs"]]
        for polygon in polygons:
            yield [ring_of(arcs, indices) for indices in polygon]


def unrolled(ring: Ring) -> Ring:
    """The ring without jumps of 360 degrees; one that goes round a pole is closed along that pole's edge of the map."""
    lon, lat = np.unwrap(ring[:, 0], period=360), ring[:, 1]
    if abs(lon[-1] - lon[0]) < 180:
        return np.column_stack([lon, lat])
    pole = 90.0 if lat.mean() > 0 else -90.0
    return np.concatenate([np.column_stack([lon, lat]), [[lon[-1], pole], [lon[0], pole], [lon[0], lat[0]]]])


def cut_at_the_antimeridian(rings: list[Ring]) -> list[shapely.Polygon]:
    """The polygon's parts, each within [-180, 180]. Antarctica's outer ring is the pole itself: what lies on the pole encloses nothing."""
    outer, *holes = [unrolled(ring) for ring in rings if np.abs(ring[:, 1]).min() < 89.9]
    whole = shapely.make_valid(shapely.Polygon(outer, holes))
    parts = []
    for turn in (-360.0, 0.0, 360.0):
        window = shapely.intersection(whole, shapely.box(turn - 180, -90, turn + 180, 90))
        shifted = shapely.transform(window, lambda xy, turn=turn: xy - [turn, 0.0])
        parts += [part for part in shapely.get_parts(shapely.get_parts(shifted)) if part.geom_type == "Polygon" and not part.is_empty]
    return parts


def on_grid(polygon: shapely.Polygon) -> list[shapely.Polygon]:
    """The polygon on the grid, valid, outer ring counter-clockwise; nothing where it is smaller than the grid."""
    rounded = shapely.set_precision(polygon, GRID_DEG)
    parts = [part for part in shapely.get_parts(rounded) if part.geom_type == "Polygon" and not part.is_empty]
    return [shapely.orient_polygons(part, exterior_cw=False) for part in parts]


def save(out: Path, polygons: list[shapely.Polygon], meta: dict[str, Any]) -> None:
    """Write the data file that `geocairn.export.outlines` documents."""
    rings = [(ring, is_hole) for polygon in polygons for ring, is_hole in [(polygon.exterior, False), *((hole, True) for hole in polygon.interiors)]]
    points = [np.round(shapely.get_coordinates(ring)[:-1] / GRID_DEG).astype(np.int16) for ring, _ in rings]
    np.savez_compressed(
        out,
        points=np.concatenate(points),
        ring_start=np.cumsum([0, *map(len, points)]).astype(np.int32),
        is_hole=np.array([is_hole for _, is_hole in rings]),
        meta=np.array(json.dumps(meta, sort_keys=True)),
    )


def main(topojson: Path, out: Path) -> None:
    """Read `topojson`, write `out`, say what was left out."""
    raw = [part for rings in polygons_of(json.loads(topojson.read_text(encoding="utf-8"))) for part in cut_at_the_antimeridian(rings)]
    cleaned = [on_grid(part) for part in shapely.coverage_simplify(raw, SIMPLIFY_DEG)]
    polygons = [polygon for parts in cleaned for polygon in parts]
    if not all(polygon.is_valid for polygon in polygons):
        raise SystemExit("a cleaned polygon is not valid")
    meta = {
        "attribution": "Made with Natural Earth (https://www.naturalearthdata.com), public domain",
        "source": "npm package world-atlas 2.0.2, countries-50m.json",
        "recipe": "recipes/outlines.sh",
        "grid_deg": GRID_DEG,
        "simplify_deg": SIMPLIFY_DEG,
    }
    save(out, polygons, meta)
    print(f"{out}: {len(polygons)} polygons, {out.stat().st_size} bytes; {sum(not parts for parts in cleaned)} islands smaller than the grid left out")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
