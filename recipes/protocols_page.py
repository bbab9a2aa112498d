"""Write the tables of docs/protocols.md from results/protocols.json: recipes/protocols_page.py. A test compares them."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/protocols.md"
KM = ("1", "25", "200", "750", "2500")
LEVELS = ("country", "region", "subregion", "city")


def tables() -> dict[str, str]:
    """Each table of the page by its name."""
    result = json.loads((ROOT / "results/protocols.json").read_text(encoding="utf-8"))
    return {"rules": rules(result), "figures": figures(result), "changes": changes(result), "admin": admin(result), "set": the_set(result)}


def rules(result: dict[str, Any]) -> str:
    rows = []
    for name, rule in result["rules"].items():
        surface = "WGS 84 geodesic" if rule["earth_radius_km"] is None else f"sphere, {rule['earth_radius_km']:.12g} km"
        rounded = "rounded photo by photo" if rule["round_score"] else "as it is"
        country = {"place ids": "the place answered", "polygon": "the point answered, by polygon"}[rule["country"]]
        thresholds = ", ".join(f"{km:g}" for km in rule["thresholds_km"])
        rows.append((f"`{name}`", surface, f"`{rule['inequality']}`", thresholds, rounded, country, rule["admin"], rule["crops"] or "-", rule["source"]))
    names = ("protocol", "distance", "within", "thresholds, km", "score", "country right by", "admin levels", "published figures averaged", "source")
    return table(names, rows)


def figures(result: dict[str, Any]) -> str:
    rows = [
        (
            f"`{name}`",
            *(f"{found['within_pct'][km]:.2f}" for km in KM),
            f"{found['median_km']:.2f}",
            f"{found['mean_km']:.2f}",
            f"{found['geoscore']:.2f}",
            *(f"{found['level_accuracy_pct'][level]:.1f}" for level in LEVELS),
        )
        for name, found in result["protocols"].items()
    ]
    return table(("protocol", *(f"@{km} km, %" for km in KM), "median, km", "mean, km", "GeoScore", *(f"{level}, %" for level in LEVELS)), rows)


def changes(result: dict[str, Any]) -> str:
    base = result["protocols"]["geoestimation"]
    rows = []
    for name, found in result["changes"].items():
        rows.append(
            (
                name,
                *(signed(found["within_pct"][km] - base["within_pct"][km], 3) for km in KM),
                signed(found["median_km"] - base["median_km"], 2),
                signed(found["mean_km"] - base["mean_km"], 2),
                signed(found["geoscore"] - base["geoscore"], 2),
                *(signed(found["level_accuracy_pct"][level] - base["level_accuracy_pct"][level], 1) for level in LEVELS),
                str(max(result["photos_moved_over_a_threshold"].get(name, {}).values(), default="-")),
            )
        )
    return table(("changed alone", *(f"@{km} km" for km in KM), "median", "mean", "GeoScore", *LEVELS, "photos over a threshold, at most"), rows)


def admin(result: dict[str, Any]) -> str:
    rows = [(rule, *(f"{right[level]:.1f}" for level in LEVELS)) for rule, right in result["admin_rules"].items()]
    return table(("rule", *(f"{level}, %" for level in LEVELS)), rows)


def the_set(result: dict[str, Any]) -> str:
    missing, sphere = result["labels_missing"], result["true_point_named_by_the_city_nearest_on_the_sphere"]
    rows = [
        ("photos, all generated", f"{result['photos']:,}"),
        ("of them without an answer", f"{result['failed']}"),
        ("without a label of the region, of the subregion", f"{missing['region']}, {missing['subregion']:,}"),
        ("mean of the GeoScores", f"{result['protocols']['geoestimation']['geoscore']:.0f}"),
        ("GeoScore of the mean distance", f"{result['geoscore_of_the_mean_distance']:.0f}"),
        ("true points whose city by label is the nearest one on the sphere too", f"{sphere['city']:.1f} %"),
        ("greatest error of float32 within 25 km, 10,000 km, anywhere", ", ".join(f"{metres:,.1f} m" for metres in result["float32_off_by_m"].values())),
    ]
    return table(("of the generated set", ""), rows)


def signed(value: float, decimals: int) -> str:
    rounded = round(value, decimals) + 0.0
    return f"{rounded:+.{decimals}f}" if rounded else "0"


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in (names, ["---"] * len(names), *rows)) + "\n"


def markers(name: str) -> tuple[str, str]:
    """What stands before and after a table on the page."""
    return f"<!-- {name}: written by recipes/protocols_page.py from results/; do not edit -->\n", f"<!-- end of {name} -->\n"


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name, text in tables().items():
        begin, end = markers(name)
        page = page.split(begin)[0] + begin + text + end + page.split(end)[1]
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
