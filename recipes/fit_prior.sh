#!/usr/bin/env bash
# Fit the prior over places: recipes/fit_prior.sh MANIFEST. Writes src/geocairn/places/prior.json and results/fit_prior.json.
set -euo pipefail
cd "$(dirname "$0")/.."
exec .venv/bin/python recipes/fit_prior.py "${1:?name a manifest with photo,lat_deg,lon_deg,author}"
