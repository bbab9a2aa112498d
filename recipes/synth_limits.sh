#!/usr/bin/env bash
# Measure how hard the synthetic Earth is: its limits, each metric by the rule that is best at it, over three seeds: recipes/synth_limits.sh.
# Writes results/synth_limits.json and the table of docs/synthetic_earth.md. What is done of an interrupted run (build/synth_limits) is kept.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python recipes/synth_limits.py
exec .venv/bin/python recipes/synth_limits_page.py
