#!/bin/sh
# Bytes of the network on Cortex-M4 and M7, as a Markdown table: sh sizes.sh [BATCH] [NETWORK.net]
set -eu
netc=${NETC:-netc} batch=${1:-4} net=${2:-$(dirname "$0")/shapes.net}
size=$(command -v arm-none-eabi-size || command -v llvm-size-19 || command -v size)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
value() { sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p" "$work/sizes"; }
echo "| processor | code | constants | weights | state | work, inference | work, training | RAM in all |"
echo "|---|---|---|---|---|---|---|---|"
for cpu in cortex-m4 cortex-m7; do
  "$netc" build --train --batch="$batch" --cpu=$cpu --json -o "$work/$cpu.o" "$net" >"$work/sizes"
  code=$("$size" -A "$work/$cpu.o" | awk '$1 ~ /^\.text/ { n += $2 } END { print n + 0 }')
  constants=$("$size" -A "$work/$cpu.o" | awk '$1 ~ /^\.rodata/ { n += $2 } END { print n + 0 }')
  echo "| $cpu | $code | $constants | $(value params_bytes) | $(value state_bytes) | $(value infer_bytes) | $(value train_bytes) | $(value ram_bytes) |"
done
