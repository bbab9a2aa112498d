#!/usr/bin/env bash
# Evaluate the bundles `clues` and `prior` on real photos: recipes/clues_dev.sh MANIFEST PHOTOS [OUT].
# Writes results/clues_dev.json and the plots in docs/figures; OUT (build/clues_dev) keeps the whole reports.
set -euo pipefail
cd "$(dirname "$0")/.."
manifest=${1:?name a manifest with photo,lat_deg,lon_deg,author}
photos=${2:?name the folder of its photos}
out=${3:-build/clues_dev}
jobs=$(nproc)
mkdir -p "$out"
.venv/bin/geocairn evaluate "$manifest" --photos "$photos" --bundle prior --jobs "$jobs" --out "$out/prior"
.venv/bin/geocairn evaluate "$manifest" --photos "$photos" --bundle clues --jobs "$jobs" --out "$out/clues" --against "$out/prior/predictions.csv"
.venv/bin/python recipes/clues_dev.py "$manifest" "$out"
