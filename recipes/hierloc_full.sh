#!/usr/bin/env bash
# Train HierLoc, flat softmax and nearest neighbours on whole synthetic Earths, three seeds, and set them beside the limits:
# recipes/hierloc_full.sh [--only NAME] [--seeds 0,1,2] [--tiny]. Writes results/hierloc_full.json row by row and the tables of docs/hierloc.md.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python recipes/hierloc_full.py "$@"
exec .venv/bin/python recipes/hierloc_page.py
