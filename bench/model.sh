#!/bin/sh
# Does the scheduler's cost model order sums of products as measurement does? One thread, every
# network of the tables (or those named); fails if a network's share of pairs is below 85%. Run on
# demand: it needs a machine that does nothing else.
# Usage: bench/model.sh [NET ...]
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
netc=${NETC:-$root/netc}
least=85 failed=0
for net in ${*:-emoji emoji-wide resnet20 mlp vgg deep $(cd "$here/nets" && ls *.net | sed 's/\.net$//')}; do
  file=$root/models/$net.net
  [ -f "$file" ] || file=$here/nets/$net.net
  said=$("$netc" bench "$file" --model --threads 1 --seconds 0.3) || exit 1
  mean=$(echo "$said" | sed -n 's/^measured . model: \([0-9.]*\) .*/\1/p')
  share=$(echo "$said" | sed -n 's/.* as measured: \([0-9]*\)%$/\1/p')
  echo "$net: measured / model $mean, pairs in order ${share:-none to compare}${share:+%}"
  [ "${share:-100}" -ge $least ] || failed=1
done
exit $failed
