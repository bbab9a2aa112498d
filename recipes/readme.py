"""Write the README's figures from results/*.json: recipes/readme.py. A test compares them."""

import json
from pathlib import Path
from typing import Any

from hierloc_page import SYSTEMS, systems_table
from synth_figures import current_rows, without_failed

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- figures: written by recipes/readme.py from results/; do not edit -->\n", "<!-- end of figures -->\n"


def read(name: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((ROOT / f"results/{name}.json").read_text(encoding="utf-8"))
    return values


def figures() -> str:
    return "\n".join([on_photos(), "", honesty(), "", the_rest(), "", on_synthetic_earths(), ""])


def on_photos() -> str:
    result = read("clues_dev")
    rows = [
        f"{result['clues']['n']} public travel photos of Im2GPS3k that development used (`recipes/clues_dev.sh`; 95 % intervals by author):",
        "",
        "| bundle | answered | of these right country | @1 km | @25 | @200 | @750 | @2500 | GeoScore |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for bundle in ("prior", "clues"):
        report = result[bundle]
        within = " | ".join(f"{report['within_pct'][km]:.1f} %" for km in ("1", "25", "200", "750", "2500"))
        rows.append(f"| `{bundle}` | {report['n_answered']} | {share(report['answered_country'])} | {within} | {report['geoscore']:.0f} |")
    return "\n".join(rows)


def share(record: dict[str, Any]) -> str:
    if not record["n"]:
        return "-"
    low, high = record["wilson95_pct"]
    return f"{record['right']} of {record['n']} ({record['pct']:.0f} %, {low:.0f} to {high:.0f})"


def honesty() -> str:
    rows = ["Credible regions of `clues` on the same photos, and of its prior on authors that it was not fitted on (`recipes/fit_prior.sh`):", ""]
    rows += ["| nominal | holds | truth inside | difference (standard error) | prior, held-out authors: truth inside |", "|---|---|---|---|---|"]
    prior = read("fit_prior")
    held_out = prior["cross_validated"][str(prior["country_pseudo_photos"])]["coverage"]
    for region in read("clues_dev")["clues"]["regions"]:
        held = held_out[str(region["nominal"])]
        rows.append(
            f"| {region['nominal']:.0%} | {region['mean_mass']:.1%} | {region['inside']:.1%} | {region['difference']:+.1%} ({region['standard_error']:.1%}) "
            f"| {held['inside']:.1%} ({held['standard_error']:.1%}) |"
        )
    return "\n".join(rows)


def the_rest() -> str:
    pictures, speed, hostile = read("not_photo"), read("bench_locate"), read("robustness")["fuzz"]
    known, unseen = pictures["new_authors_known_styles"], pictures["new_authors_new_styles"]
    cut, metrics = read("bench_partition"), read("bench_metrics")
    return "\n".join(
        [
            "| what | measured | recipe |",
            "|---|---|---|",
            f"| generated screenshots, documents, drawings, blanks that abstain: known styles | {of(known['all but photographs'])} | `not_photo.sh` |",
            f"| the same, of styles new to the fit | {of(unseen['all but photographs'])} | `not_photo.sh` |",
            f"| photos by authors new to the fit called not-a-photo | {of(known['photo'])} | `not_photo.sh` |",
            f"| damaged and hostile files: rows, tracebacks, slowest, peak memory | {hostile['rows']} of {hostile['files']}, {hostile['tracebacks']}, "
            f"{hostile['slowest_row_s']} s, {hostile['peak_memory_mib']} MiB | `robustness.sh` |",
            f"| `import geocairn` above bare Python | {speed['import_geocairn_above_bare_s']} s | `bench_locate.sh` |",
            f"| `geocairn --help` | {speed['help_s']} s | `bench_locate.sh` |",
            f"| one photo, places built | {speed['one_photo_warm_cache_s']} s | `bench_locate.sh` |",
            f"| {cut['n_points']:,} points into seven levels of S2 cells, all rows assigned | {cut['points_to_classes_s']:.1f} s, "
            f"{cut['peak_memory_mib']} MiB (s2sphere: {cut['s2sphere_leaf_ids_s_extrapolated']:.0f} s for the ids alone) | `bench_partition.sh` |",
            f"| all metrics of {metrics['pairs']:,} pairs; on the ellipsoid; 1,000 resamples of {metrics['photos']:,} | {metrics['sphere']['s']:.1f} s; "
            f"{metrics['wgs84']['s']:.1f} s; {metrics['bootstrap_by_author']['s']:.2f} s | `bench_metrics.sh` |",
            f"| a folder, against reading its text alone | {speed['speed_of_ocr_alone']:.0%} of the speed | `bench_locate.sh` |",
        ]
    )


def on_synthetic_earths() -> str:
    result = read("hierloc_full")
    settings, compared = result["settings"], result["compared"]
    rows = {name: [row for row in of_name if row["seed"] in compared["seeds"]] for name, of_name in without_failed(current_rows(result)).items()}
    return "\n".join(
        [
            f"On synthetic Earths of {settings['photos']:,} photos and {settings['cities']:,} cities (`recipes/hierloc_full.sh`, seeds "
            f"{', '.join(map(str, compared['seeds']))}): what is right of each level, and the share of the GeoScore between the prior and the best that is "
            "possible. **Generated features: nothing here is of real photos.** [How near, and what was tried](docs/hierloc.md).",
            "",
            *systems_table({name: rows[name] for name in SYSTEMS}, compared["systems"]),
        ]
    )


def of(record: dict[str, Any]) -> str:
    return f"{record['share_called_not_a_photo']:.1%} of {record['n']}"


def main() -> None:
    readme = ROOT / "README.md"
    words = readme.read_text(encoding="utf-8")
    before, after = words.split(BEGIN)[0], words.split(END)[1]
    readme.write_text(before + BEGIN + figures() + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
