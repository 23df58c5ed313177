#!/bin/sh
# Random networks of a fixed seed: compiled code, the interpreter, finite differences and objects agree.
# scripts/random-networks.sh tries as many others as there is time for.
cd "$(dirname "$0")/../.." || exit 1
exec "${BUILD:-build}/random_networks" --every --count "${COUNT:-25}" --seed 301
