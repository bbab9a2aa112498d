"""Put the figures of two evaluations, of `prior` and of `clues` against it, into results/clues_dev.json, and their plots into docs/figures."""

import json
import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from provenance import provenance, write_result

from geocairn.manifest import read_manifest

FIGURES = Path(__file__).parent.parent / "docs/figures"
KEPT = (
    "n", "n_failed", "n_abstained", "n_answered", "answered_pct", "within_pct", "median_km", "mean_km", "n_mean", "geoscore", "level_accuracy_pct",
    "ci95", "answered_country", "supported_levels", "regions", "regions_of_answered", "candidates", "clues", "against", "notes",
)  # fmt: skip


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    reports = {bundle: read_report(arguments.out / bundle) for bundle in ("prior", "clues")}
    sha256 = read_manifest(arguments.manifest).sha256
    protocol = {key: reports["clues"][key] for key in ("protocol", "distance", "earth_radius_km", "inequality", "decide")}
    figures = {bundle: {key: report[key] for key in KEPT if report.get(key) is not None} for bundle, report in reports.items()}
    bundles = {bundle: report["system"] for bundle, report in reports.items()}
    write_result("clues_dev", {**protocol, **figures, "bundles": bundles, **provenance(data_sha256=sha256, seed=0)})
    FIGURES.mkdir(parents=True, exist_ok=True)
    for plot in sorted((arguments.out / "clues").glob("*.png")):
        shutil.copyfile(plot, FIGURES / f"clues_{plot.name}")


def read_report(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report


if __name__ == "__main__":
    main()
