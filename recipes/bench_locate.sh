#!/usr/bin/env bash
# Measure start-up and throughput: recipes/bench_locate.sh FOLDER-OF-PHOTOS (by default the shipped examples). Writes results/bench_locate.json.
set -euo pipefail
cd "$(dirname "$0")/.."
exec .venv/bin/python recipes/bench_locate.py "${1:-src/geocairn/examples}"
