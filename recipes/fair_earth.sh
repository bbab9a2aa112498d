#!/usr/bin/env bash
# How even the fair sample of the Earth is: recipes/fair_earth.sh [MANIFEST...]. Writes results/fair_earth.json; manifests given are measured beside it.
set -euo pipefail
cd "$(dirname "$0")/.."
exec .venv/bin/python recipes/fair_earth.py "$@"
