#!/bin/sh
# Networks that were wrong once, and random ones of a fixed seed: compiled code, the interpreter, finite
# differences and objects agree. scripts/random-networks.sh tries as many others as there is time for.
cd "$(dirname "$0")/../.." || exit 1
program=${BUILD:-build}/random_networks
"$program" tests/random/cases/*.net && exec "$program" --every --count "${COUNT:-25}" --seed 301
