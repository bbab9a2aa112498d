#!/usr/bin/env bash
# Measure how long the Earth takes to cut by 4,723,695 seeded coordinates: recipes/bench_partition.sh. Writes results/bench_partition.json, docs/partitions.md.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python recipes/bench_partition.py
.venv/bin/python recipes/partitions_doc.py
