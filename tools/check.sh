#!/usr/bin/env bash
# Checks that need no test run: lint, format, types, spelling. `make check`, `make test` and the hooks call it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ruff check .
ruff format --check --quiet . || { echo "check: files are not formatted: make format" >&2 && exit 1; }
mypy
git ls-files -z | xargs -0 codespell
