#!/bin/sh
# Lays out every C file as .clang-format says; with --check only names those that are not.
cd "$(dirname "$0")/.." || exit 1
for c in clang-format-19 clang-format; do command -v $c >/dev/null && format=$c && break; done
[ "${format:-}" ] || { echo "clang-format-19 is not installed"; exit 77; }
if [ "${1:-}" = --check ]; then
  git ls-files '*.c' '*.h' | xargs $format --dry-run -Werror 2>&1 | grep -o '^[^:]*:[0-9]*:[0-9]*: error.*' | cut -c1-120 |
    { ! grep .; }
else
  git ls-files '*.c' '*.h' | xargs $format -i
fi
