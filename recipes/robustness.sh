#!/usr/bin/env bash
# Fuzz, kill, resume and share out: recipes/robustness.sh FOLDER-OF-PHOTOS. Writes results/robustness.json.
set -euo pipefail
cd "$(dirname "$0")/.."
exec .venv/bin/python recipes/robustness.py "${1:?name a folder of photos}"
