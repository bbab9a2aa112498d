#!/bin/sh
# Draw the pictures of src/geocairn/examples (a minute; the same bytes each time).
# Fonts from Debian: apt-get install fonts-dejavu-core fonts-noto-core fonts-noto-cjk
set -eu
cd "$(dirname "$0")/.."
.venv/bin/python recipes/make_examples.py "$@"
