#!/bin/sh
# What the documentation shows is what the commands print, but for times; `make listings` renews it.
cd "$(dirname "$0")/.." || exit 1
command -v python3 >/dev/null || exit 77
python3 scripts/listings.py "${NETC:-./netc}" --check $(grep -l '^```console' README.md docs/*.md examples/*/README.md) &&
  echo "listings: all passed"
