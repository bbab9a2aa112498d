#!/usr/bin/env bash
# Evaluate the bundles `clues` and `prior` on a manifest of real photos: recipes/clues_dev.sh MANIFEST [OUT].
# Writes results/clues_dev.json and the plots of docs/figures; OUT (build/clues_dev) keeps the whole reports.
set -euo pipefail
cd "$(dirname "$0")/.."
manifest=${1:?name a manifest with photo,lat_deg,lon_deg,author}
out=${2:-build/clues_dev}
jobs=$(nproc)
.venv/bin/geocairn evaluate "$manifest" --bundle prior --jobs "$jobs" --out "$out/prior"
.venv/bin/geocairn evaluate "$manifest" --bundle clues --jobs "$jobs" --out "$out/clues" --against "$out/prior/predictions.csv"
.venv/bin/python recipes/clues_dev.py "$out"
