#!/usr/bin/env bash
# Fit the reliability of clues and the support of an answer: recipes/fit_reliability.sh MANIFEST PHOTOS.
# Writes src/geocairn/clues/reliability.json, src/geocairn/systems/calibration.json and results/fit_reliability.json.
set -euo pipefail
cd "$(dirname "$0")/.."
exec .venv/bin/python recipes/fit_reliability.py "${1:?name a manifest with photo,lat_deg,lon_deg,author}" "${2:?name the folder of its photos}"
