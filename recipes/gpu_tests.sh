#!/usr/bin/env bash
# Run the tests that need a CUDA device, in an environment with a torch that sees it: recipes/gpu_tests.sh [PYTHON]
set -euo pipefail
cd "$(dirname "$0")/.."
exec "${1:-.venv/bin/python}" -m pytest -m gpu
