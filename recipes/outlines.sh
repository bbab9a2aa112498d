#!/bin/sh
# Make src/geocairn/places/outlines.npz, the country outlines, from Natural Earth as packaged on the npm registry (needs npm and the network).
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent world-atlas@2.0.2 >/dev/null && tar -xzf world-atlas-2.0.2.tgz package/countries-50m.json)
.venv/bin/python recipes/outlines.py "$work/package/countries-50m.json" src/geocairn/places/outlines.npz
