#!/bin/sh
# Random networks for SECONDS (default 60) from SEED on (default: the time): compiled code against the
# interpreter on every instruction set of this machine, derived gradients against differences, objects
# against the JIT. A network that fails is shrunk and printed. SANITIZE=1: in the sanitizer build;
#   TANGLED=1: only operators whose tensors are written, read and added to in any order. At the end
#   stands how often each construct came.
#   scripts/random-networks.sh [SECONDS] [SEED]
cd "$(dirname "$0")/.." || exit 1
seconds=${1:-60} seed=${2:-$(date +%s)} build=build
if [ "${SANITIZE:-}" ]; then
  build=build-asan
  make -s random-asan || exit 1
else
  make -s build/random_networks || exit 1
fi
echo "seeds from $seed on"
exec "$build/random_networks" ${TANGLED:+--tangled} --shares --seconds "$seconds" --seed "$seed"
