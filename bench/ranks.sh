#!/bin/sh
# What processes bring on this machine: images a second of training steps, for one process with one and
# with two threads and for 2 ranks of one thread, and beside them PyTorch's DistributedDataParallel with
# gloo on two processes (where Python has torch). Rounds are interleaved, figures are medians.
# Usage: bench/ranks.sh [-r ROUNDS] [-e EPOCHS] [NET ...]     (default: emoji resnet20, 3 rounds of 3 epochs)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
netc=${NETC:-$root/netc} python=${PYTHON:-python3} rounds=3 epochs=3
while getopts r:e: option; do
  case $option in r) rounds=$OPTARG ;; e) epochs=$OPTARG ;; *) exit 2 ;; esac
done
shift $((OPTIND - 1))
nets=${*:-emoji resnet20}
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM
for m in openmpi mpich; do [ -e "$root/build/mpi-$m.so" ] && command -v mpirun.$m >/dev/null && mpi=$m; done
[ -n "$mpi" ] || { echo "no MPI: make deps-mpi" >&2; exit 1; }

# The best epoch's seconds of a run into FILE: rates FILE COMMAND...
rates() {
  to=$1; shift
  "$@" --json 2>/dev/null | sed -n '/"epochs": \[/,$ s/.*"seconds": \([0-9.]*\).*/\1/p' | sort -n | head -n 1 |
    awk -v n=960 '{ print n / $1 }' >> "$tmp/$to"
}
median() { [ -s "$tmp/$1" ] && sort -n "$tmp/$1" | awk '{ v[NR] = $1 } END { printf "%.0f", v[int((NR + 1) / 2)] }' || printf -- -; }

echo "| network (shards 2, batch 64, images/s) | 1 thread | 2 threads | 2 ranks | DDP, 2 processes |"
echo "|---|---|---|---|---|"
for net in $nets; do
  sed "s#\"\.\./#\"$root/#; s/^train {/train { shards 2;/" "$root/models/$net.net" > "$tmp/$net.net"
  common="$tmp/$net.net --batch 64 --split 960/40 --epochs $epochs --force"
  i=0
  while [ $i -lt "$rounds" ]; do
    i=$((i + 1))
    rates $net-1 "$netc" train $common --threads 1 -o "$tmp/a"
    rates $net-2 "$netc" train $common --threads 2 -o "$tmp/b"
    rates $net-r mpirun.$mpi -n 2 "$netc" train $common --threads 1 -o "$tmp/c"
    "$python" "$here/peers/ddp.py" $net 64 2>/dev/null >> "$tmp/$net-d"
  done
  echo "| $net | $(median $net-1) | $(median $net-2) | $(median $net-r) | $(median $net-d) |"
done
