#!/usr/bin/env bash
# Measure search over entities at the size of HierLoc's paper, and how it grows. Writes results/bench_hierloc.json and the figures of docs/search.md.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python recipes/bench_hierloc.py
exec .venv/bin/python recipes/search_doc.py
