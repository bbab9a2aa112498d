#!/usr/bin/env bash
# Measure how hard the synthetic Earth is: its limits, each figure by the rule that is best at it, over three seeds: recipes/synth_limits.sh.
# Writes results/synth_limits.json and the tables of docs/synthetic_earth.md. Rows that are in the result are measured again only where code or recipe changed;
# the Earths lie in build/synth_limits.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python recipes/synth_limits.py
exec .venv/bin/python recipes/synth_limits_page.py
