#!/usr/bin/env bash
# Draw docs/figures/map.png, the README's picture: the map of one example, as Chromium shows it.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
.venv/bin/geocairn locate src/geocairn/examples/platform.jpg --map "$scratch/map.html" --out "$scratch/answer.json"
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1280,800 --virtual-time-budget=8000 \
    --user-data-dir="$scratch/profile" --screenshot="$scratch/map.png" "file://$scratch/map.html" >/dev/null 2>&1
mkdir -p docs/figures
.venv/bin/python - "$scratch/map.png" docs/figures/map.png <<'PYTHON'
import sys
from PIL import Image
Image.open(sys.argv[1]).convert("P", palette=Image.Palette.ADAPTIVE, colors=192).save(sys.argv[2], optimize=True)
PYTHON
