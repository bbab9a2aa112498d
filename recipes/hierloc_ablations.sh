#!/usr/bin/env bash
# Set HierLoc's variants side by side on small synthetic Earths, three seeds each: recipes/hierloc_ablations.sh [--only NAME] [--seeds 0,1,2] [--list] [--tiny].
# Writes results/hierloc_ablations.json row by row, two runs at a time of one thread each, and the tables of docs/hierloc.md. An interrupted one goes on.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python recipes/hierloc_ablations.py "$@"
exec .venv/bin/python recipes/hierloc_page.py
