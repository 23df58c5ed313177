#!/bin/sh
# What docs/many-machines.md promises of ranks, at full length (tests/mpi.sh is the short form):
#   scripts/ranks.sh same [NET ...]       shards 8, three epochs (default: emoji resnet20 gpt): no MPI, 1, 2, 4 and
#                                         8 ranks, and half-way on under another number: byte-equal weights
#   scripts/ranks.sh kills [COUNT]        a random rank is killed at a random moment, resumed under another number
# Under every MPI that netc was built with. SEED makes another series of kills.
root=$(cd "$(dirname "$0")/.." && pwd)
netc=${NETC:-$root/netc}
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM OMPI_MCA_rmaps_base_oversubscribe
libraries=
for m in openmpi mpich; do
  [ -e "$(dirname "$netc")/build/mpi-$m.so" ] && command -v mpirun.$m >/dev/null && libraries="$libraries $m"
done
[ -n "$libraries" ] || { echo "no MPI: make deps-mpi" >&2; exit 1; }
failed=0
# A copy, that nothing built meanwhile touches.
mkdir build && cp "$(dirname "$netc")"/build/mpi-*.so build && cp "$netc" netc && netc=$tmp/netc

train() { "$netc" train "$@" --threads 1 >log 2>&1; }
ranks() { # ranks LAUNCHER COUNT ARGUMENTS OF train
  launcher=$1 processes=$2; shift 2
  timeout 900 "mpirun.$launcher" -n "$processes" "$netc" train "$@" --threads 1 >log 2>&1
}
# Epochs in a run directory's metrics.csv.
rows() { [ -s "$1/metrics.csv" ] && sed 1d "$1/metrics.csv" | wc -l || echo 0; }
# The rows of metrics.csv without their times.
untimed() { awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "seconds") t = i } { $t = "" } 1' "$1/metrics.csv"; }
# Weights and metrics (times aside) of two run directories.
equal() {
  if cmp -s "$1/last.safetensors" "$2/last.safetensors" && cmp -s "$1/best.safetensors" "$2/best.safetensors" &&
    [ "$(untimed "$1")" = "$(untimed "$2")" ]
  then echo "  same: $3"
  else echo "  DIFFERS: $3"; tail -n 3 log; failed=1
  fi
}

same() {
  case $1 in gpt) more='clip 0.5;' ;; *) more= ;; esac
  sed "s#\"\.\./#\"$root/#; s/^train {/train { shards 8; $more/" "$root/models/$1.net" > "$1.net"
  train "$1.net" --epochs 3 -o "$1" || { tail -n 3 log; exit 1; }
  echo "$1: $(sha256sum < "$1/last.safetensors" | cut -c1-16) after three epochs of one process"
  for m in $libraries; do
    for r in 1 2 4 8; do
      ranks $m $r "$1.net" --epochs 3 -o "$1-$m-$r"
      equal "$1" "$1-$m-$r" "$m, $r ranks"
    done
    # Half-way: stopped by a signal somewhere in the second epoch.
    timeout 900 mpirun.$m -n 8 "$netc" train "$1.net" --epochs 3 -o "$1-$m-half" --threads 1 >log 2>&1 &
    pid=$!
    while kill -0 $pid 2>/dev/null && [ "$(rows "$1-$m-half")" -lt 1 ]; do sleep 0.1; done
    sleep 0.5
    kill -TERM $pid 2>/dev/null
    wait $pid
    at=$(rows "$1-$m-half")
    ranks $m 2 "$1.net" --epochs 3 --resume "$1-$m-half"
    equal "$1" "$1-$m-half" "$m, 8 ranks, stopped after $at epochs, then 2"
  done
}

# $drawn: a number below $1, from a series that SEED begins.
state=${SEED:-1}
random() { state=$(( (state * 1103515245 + 12345) % 2147483648 )) && drawn=$((state / 65536 % $1)); }

kills() {
  cat > long.net <<END
input 3x32x32; classes 5;
conv 8 k3 s2 p1 bn relu; maxpool 4; dropout 0.2; linear 16 relu; linear classes;
train { data "$root/examples/emoji/emoji.pkl"; split 100/30; lr 0.05; batch 16; epochs 60; seed 3; shards 8;
        optimizer sgd momentum=0.9; augment flip shift=2; }
END
  train long.net -o long
  done=0
  while [ $done -lt "$1" ]; do
    for m in $libraries; do
      [ $done -lt "$1" ] || break
      random 3 && count=$((2 << drawn))
      rm -rf killed
      timeout 900 mpirun.$m -n $count "$netc" train long.net -o killed --threads 1 >log 2>&1 &
      pid=$!
      random 30 && sleep "$(awk -v w="$drawn" 'BEGIN { print 0.5 + w / 10 }')"
      random "$count" && victim=$drawn
      who=$(ps -eo pid=,args= | awk -v d="-o killed" -v k=$((victim + 1)) \
        '$2 ~ /netc$/ && index($0, d) && ++n == k { print $1 }')
      [ -n "$who" ] && kill -KILL "$who" 2>/dev/null
      wait $pid
      ended=$? at=$(rows killed)
      [ $ended -ne 0 ] || continue # it was done before
      done=$((done + 1))
      ranks $m $((count == 8 ? 2 : count * 2)) long.net --resume killed -o killed || ranks $m 4 long.net -o killed --force
      equal long killed "$done: $m, rank $victim of $count killed after $at epochs, and on (status $ended)"
    done
  done
}

what=$1; shift
case $what in
  same) for net in ${*:-emoji resnet20 gpt}; do same "$net"; done ;;
  kills) kills "${1:-20}" ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
exit $failed
