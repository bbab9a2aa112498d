"""Write the figures of docs/synthetic_earth.md from results/synth_limits.json: recipes/synth_limits_page.py, run by synth_limits.sh. A test compares them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/synthetic_earth.md"
BEGIN, END = "<!-- figures: written by recipes/synth_limits_page.py from results/; do not edit -->\n", "<!-- end of figures -->\n"
NOTHING = "Not measured yet.\n"
LEVELS = {"country_pct": "country", "region_pct": "region", "subregion_pct": "subregion", "city_pct": "city"}
DISTANCES = {
    **{f"within_{radius}_km_pct": f"within {radius} km, %" for radius in (25, 200, 750, 2500)},
    "median_km": "median distance, km",
    "mean_km": "mean distance, km",
    "geoscore": "GeoScore",
}
REGIONS = {
    f"region_{nominal}_{what}": f"{pct} % regions: {words}"
    for nominal, pct in (("0.5", 50), ("0.8", 80), ("0.95", 95))
    for what, words in (("mass", "mass stated"), ("holds_the_truth", "hold the truth"))
}


def figures(result: Mapping[str, Any] | None = None) -> str:
    """What the page shows of a result; of the one in results/ where none is given."""
    result = json.loads((ROOT / "results/synth_limits.json").read_text(encoding="utf-8")) if result is None else result
    if "limits" not in result:
        return NOTHING
    limits, rules = result["limits"], result.get("rules", {})
    head = (
        f"{result['settings']['photos']:,} photos, {result['settings']['cities']:,} cities, {result['n_tested']:,} test photos of each of "
        f"{len(result['seeds'])} Earths; mean and standard deviation over the Earths.\n"
    )
    return "\n".join([head, *of_levels(limits), "", *of_distances(limits, rules), "", *of_regions(limits), ""])


def of_levels(limits: Mapping[str, Any]) -> list[str]:
    said = "What is right of each level, in %, where the answer is the place of that level with most probability:"
    return [said, "", *table([""], limits, {name: [words] for name, words in LEVELS.items()}, 1)]


def of_distances(limits: Mapping[str, Any], rules: Mapping[str, str]) -> list[str]:
    """The figures of distances, each with the rule it was measured by: nothing of a result that names no rules."""
    said = "What depends on how far the answer lies from the photo, each figure by a rule of its own, the city that is best at it:"
    if not set(DISTANCES) <= set(rules):
        return [said, "", NOTHING.rstrip()]
    lead = {name: [words, rules[name]] for name, words in DISTANCES.items()}
    score = {limit: limits[limit]["geoscore"]["mean"] for limit in limits}
    share = (score["learnable"] - score["prior"]) / (score["bayes"] - score["prior"])
    return [said, "", *table(["", "the city of"], limits, lead, 1), "", f"The learnable limit holds {share:.1%} of what Bayes' GeoScore is above the prior's."]


def of_regions(limits: Mapping[str, Any]) -> list[str]:
    said = "Credible regions, whole cities until their mass is enough:"
    return [said, "", *table([""], limits, {name: [words] for name, words in REGIONS.items()}, 3)]


def table(head: list[str], limits: Mapping[str, Any], lead: Mapping[str, list[str]], digits: int) -> list[str]:
    """Rows of figures, with what stands before them; distances and scores are whole numbers."""
    lines = [f"| {' | '.join([*head, *limits])} |", f"|{'---|' * (len(head) + len(limits))}"]
    for name, words in lead.items():
        exact = 0 if name in ("geoscore", "mean_km", "median_km") else digits
        cells = [cell(of_limit[name], exact) for of_limit in limits.values()]
        lines.append(f"| {' | '.join([*words, *cells])} |")
    return lines


def cell(told: Mapping[str, float | None], digits: int) -> str:
    spread = told["spread"]
    return f"{told['mean']:.{digits}f}" + ("" if spread is None else f" ± {spread:.{digits}f}")


def main() -> None:
    words = PAGE.read_text(encoding="utf-8")
    before, after = words.split(BEGIN)[0], words.split(END)[1]
    PAGE.write_text(before + BEGIN + figures() + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
