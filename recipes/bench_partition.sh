#!/usr/bin/env bash
# Measure how long the Earth takes to cut by 4,723,695 seeded coordinates: recipes/bench_partition.sh. Writes results/bench_partition.json.
set -euo pipefail
cd "$(dirname "$0")/.."
exec .venv/bin/python recipes/bench_partition.py
