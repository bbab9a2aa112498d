#!/usr/bin/env bash
# Score one generated set of predictions under every protocol, and with each rule changed alone: recipes/protocols.sh.
# Writes results/protocols.json and the tables of docs/protocols.md.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python recipes/protocols.py
exec .venv/bin/python recipes/protocols_page.py
