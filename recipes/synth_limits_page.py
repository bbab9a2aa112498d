"""Write the figures of docs/synthetic_earth.md from results/synth_limits.json: recipes/synth_limits_page.py, run by synth_limits.sh. A test compares them."""

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/synthetic_earth.md"
BEGIN, END = "<!-- figures: written by recipes/synth_limits_page.py from results/; do not edit -->\n", "<!-- end of figures -->\n"
NAMES = {
    "country_pct": "country right, %",
    "region_pct": "region right, %",
    "subregion_pct": "subregion right, %",
    "city_pct": "city right, %",
    "within_25_km_pct": "within 25 km, %",
    "within_200_km_pct": "within 200 km, %",
    "within_750_km_pct": "within 750 km, %",
    "within_2500_km_pct": "within 2500 km, %",
    "median_km": "median distance, km",
    "mean_km": "mean distance, km",
    "geoscore": "GeoScore",
    "region_0.5_mass": "50 % regions: mass stated",
    "region_0.5_holds_the_truth": "hold the truth",
    "region_0.8_mass": "80 % regions: mass stated",
    "region_0.8_holds_the_truth": "hold the truth",
    "region_0.95_mass": "95 % regions: mass stated",
    "region_0.95_holds_the_truth": "hold the truth",
}


def figures() -> str:
    result = json.loads((ROOT / "results/synth_limits.json").read_text(encoding="utf-8"))
    limits = result["limits"]
    rows = [
        f"{result['settings']['photos']:,} photos, {result['settings']['cities']:,} cities, {result['n_tested']:,} test photos of each of "
        f"{len(result['seeds'])} Earths; mean and standard deviation over the Earths, each figure by the decision rule that is best at it:",
        "",
        f"| | {' | '.join(limits)} |",
        f"|---|{'---|' * len(limits)}",
    ]
    for name, words in NAMES.items():
        digits = 3 if name.startswith("region_0") else 0 if name in ("geoscore", "mean_km", "median_km") else 1
        cells = [f"{limits[limit][name]['mean']:.{digits}f} ± {limits[limit][name]['spread']:.{digits}f}" for limit in limits]
        rows.append(f"| {words} | {' | '.join(cells)} |")
    rows += ["", f"The learnable limit holds {result['learnable_share_of_geoscore']:.1%} of what Bayes' GeoScore is above the prior's.", ""]
    return "\n".join(rows)


def main() -> None:
    words = PAGE.read_text(encoding="utf-8")
    before, after = words.split(BEGIN)[0], words.split(END)[1]
    PAGE.write_text(before + BEGIN + figures() + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
