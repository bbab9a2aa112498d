#!/usr/bin/env bash
# Measure the metrics on generated pairs, against plain loops in the same run: recipes/bench_metrics.sh. Writes results/bench_metrics.json.
set -euo pipefail
cd "$(dirname "$0")/.."
exec .venv/bin/python recipes/bench_metrics.py
