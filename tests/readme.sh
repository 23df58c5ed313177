#!/bin/sh
# The documentation: every block marked `sh test` is run, in a copy, those of one file one after the
# other; every link to a file of the project leads somewhere.
set -eu
netc=$(cd "$(dirname "${NETC:-./netc}")" && pwd)/$(basename "${NETC:-./netc}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MAKELEVEL
failed=0 blocks=0 links=0
cp -r README.md CONTRIBUTING.md LICENSE docs models examples compiler scripts tests bench Makefile "$work"
ln -s "$netc" "$work/netc"
cd "$work"

for page in README.md CONTRIBUTING.md docs/*.md; do
  rm -rf runs
  awk '/^```sh test$/ { code = 1; next } /^```/ { code = 0 } code' "$page" >block.sh
  [ -s block.sh ] || continue
  blocks=$((blocks + $(grep -c '^```sh test$' "$page")))
  timeout 300 sh -ex block.sh >block.log 2>&1 || { tail -n 20 block.log; echo "FAILED: $page"; failed=1; }
done

for page in *.md docs/*.md examples/*/*.md; do
  for link in $(grep -o '](\([^)#]*\)' "$page" | sed 's/^](//'); do
    case $link in *:*) continue ;; esac
    links=$((links + 1))
    [ -e "$(dirname "$page")/$link" ] || { echo "FAILED: $page leads to $link"; failed=1; }
  done
done
sh scripts/operators.sh | cmp - docs/operators.md ||
  { echo "FAILED: sh scripts/operators.sh > docs/operators.md has not been run"; failed=1; }
[ $failed -eq 0 ] && echo "$blocks blocks, $links links: all passed"
exit $failed
