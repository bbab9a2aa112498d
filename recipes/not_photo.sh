#!/bin/sh
# Fit and measure what tells photographs from screenshots, documents, drawings and blanks: recipes/not_photo.sh [PHOTOS] [MANIFEST].
# PHOTOS is a folder of photographs, MANIFEST a CSV with photo and author_group; with both it writes src/geocairn/photo/not_photo.json and
# results/not_photo.json. Without them only the shipped weights are tried, on generated pictures alone.
set -eu
cd "$(dirname "$0")/.."
exec .venv/bin/python recipes/not_photo.py "$@"
