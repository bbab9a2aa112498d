#!/usr/bin/env bash
# Measure training steps of HierLoc at the size of its paper on a CUDA device, in an environment with a torch that sees it, and compare its numbers with the
# CPU's: recipes/gpu_hierloc.sh [PYTHON]. Writes results/gpu_hierloc.json.
set -euo pipefail
cd "$(dirname "$0")/.."
exec "${1:-.venv/bin/python}" recipes/gpu_hierloc.py
