#!/bin/sh
# shards: the same bits for any number of processes, with Open MPI and MPICH where they are installed
# (else for one process alone); going on under another number; ranks that differ, ranks that die.
cd "$(dirname "$0")/.." || exit 1
root=$(pwd)
netc=$(cd "$(dirname "${NETC:-./netc}")" && pwd)/$(basename "${NETC:-./netc}")
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
failed=0 n=0
ok() { status=$?; n=$((n + 1)); [ $status -eq 0 ] || { echo "FAILED: $1"; tail -n 5 log 2>/dev/null; failed=1; }; }
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM OMPI_MCA_rmaps_base_oversubscribe

network() { # network FILE SHARDS BATCH OPTIMIZER: batch norm, dropout, a last batch that is smaller
  cat > "$1" <<END
input 3x32x32; classes 5;
conv 8 k3 s2 p1 bn relu; maxpool 4; dropout 0.2; linear 16 relu; linear classes;
train { data "$root/examples/emoji/emoji.pkl"; split 100/30; lr 0.05; batch $3; epochs 4; seed 3;
        optimizer $4; augment flip shift=2; $2 }
END
}
network plain.net "" 20 "sgd momentum=0.9"
network one.net "shards 1;" 20 "sgd momentum=0.9"
network eight.net "shards 8;" 16 "sgd momentum=0.9"
network six.net "shards 6;" 20 "adam"
# More gradients than are exchanged as a whole; layernorm, AdamW, clipped gradients.
cat > wide.net <<END
input 3x32x32; classes 5;
conv 8 k3 s2 p1 relu; maxpool 4; layernorm; linear 192 relu; linear classes;
train { data "$root/examples/emoji/emoji.pkl"; split 100/30; lr 0.002; batch 20; epochs 2; seed 3;
        optimizer adamw decay=0.1; clip 0.3; shards 8; }
END
train() { out=$1 file=$2; shift 2; "$netc" train "$file" -o "$out" "$@" --threads 1 >log 2>&1; }
same() { cmp -s "$1/last.safetensors" "$2/last.safetensors" && cmp -s "$1/best.safetensors" "$2/best.safetensors" &&
  [ "$(cut -d, -f1-5 "$1/metrics.csv")" = "$(cut -d, -f1-5 "$2/metrics.csv")" ]; }
train plain plain.net; ok "no shards"
train one one.net; ok "one shard"
same plain one; ok "one shard is the whole batch"
train eight eight.net; ok "eight shards"
train six six.net; ok "six shards"
train wide wide.net; ok "AdamW and clip"
for t in 2 3; do
  for f in eight wide; do
    "$netc" train $f.net -o $f-threads$t --threads $t >log 2>&1; same $f $f-threads$t; ok "$f.net on $t threads"
  done
done
train part eight.net --epochs 2; "$netc" train eight.net --resume part >log 2>&1; same eight part
ok "eight shards, resumed"

run() { # run LAUNCHER RANKS ARGUMENTS...
  launcher=$1 ranks=$2; shift 2
  timeout 120 "mpirun.$launcher" -n "$ranks" "$netc" train "$@" --threads 1 >log 2>&1
}
some=
for m in openmpi mpich; do
  command -v mpirun.$m >/dev/null && [ -e "$(dirname "$netc")/build/mpi-$m.so" ] || continue
  some="$some $m"
  for r in 1 2 4 8; do
    run $m $r eight.net -o $m$r; ok "$m, $r ranks"
    same eight $m$r; ok "$m: the bits of $r ranks"
    [ "$(ls $m$r)" = "$(ls eight)" ]; ok "$m: the files of $r ranks"
  done
  for r in 2 4; do
    run $m $r wide.net -o $m-wide$r; same wide $m-wide$r; ok "$m: AdamW and clip on $r ranks"
  done
  for r in 2 3; do
    run $m $r six.net -o $m-six$r; same six $m-six$r; ok "$m: six shards on $r ranks"
  done
  run $m 2 eight.net -o $m-go --epochs 2; run $m 4 eight.net --resume $m-go; same eight $m-go
  ok "$m: on with another number of ranks"
  train $m-alone eight.net --epochs 3; run $m 2 eight.net --resume $m-alone; same eight $m-alone
  ok "$m: on from a process alone"
  run $m 2 plain.net -o $m-none; [ $? -ne 0 ] && grep -q 'write `train { shards 2' log; ok "$m: shards are needed"
  run $m 3 eight.net -o $m-three; [ $? -ne 0 ] && grep -q '3 processes cannot share 8 shards' log
  ok "$m: ranks that do not divide"
  sed 's/conv 8/conv 9/' eight.net > other.net
  timeout 60 mpirun.$m -n 1 "$netc" train eight.net -o $m-odd : -n 1 "$netc" train other.net -o $m-odd >log 2>&1
  [ $? -ne 0 ] && grep -q 'rank 1 has another network file' log; ok "$m: another file on a rank is named"
  timeout 60 mpirun.$m -n 1 "$netc" train eight.net -o $m-odd : -n 1 "$netc" train eight.net --data missing.pkl >log 2>&1
  [ $? -ne 0 ] && grep -q 'missing.pkl' log; ok "$m: a rank that cannot begin ends all"

  cat > study.net <<END
include "plain.net";
sweep rate { lr {0.01 0.05 0.1}; }
END
  [ -s single/results.csv ] || "$netc" sweep study.net --seeds 2 --epochs 2 -o single --csv >single.csv 2>log
  timeout 60 mpirun.$m -n 2 "$netc" sweep study.net --seeds 2 --epochs 2 -o $m-sweep --csv --threads 1 >$m.csv 2>log
  ok "$m: a sweep over two ranks"
  [ -s $m.csv ] && [ "$(cut -d, -f1-6,9- $m.csv)" = "$(cut -d, -f1-6,9- single.csv)" ]; ok "$m: with the table of one process"
  [ -s $m-sweep/report.html ]; ok "$m: and its report"

  # A rank is killed at some moment: the run ends, and goes on to the same bits.
  sed 's/epochs 4/epochs 60/' eight.net > long.net
  [ -d long ] || train long long.net
  timeout 60 mpirun.$m -n 2 "$netc" train long.net -o $m-kill --threads 1 >log 2>&1 &
  launcher=$!
  for i in 1 2 3 4 5 6 7 8 9; do [ -s $m-kill/metrics.csv ] && [ "$(wc -l < $m-kill/metrics.csv)" -gt 3 ] && break; sleep 0.2; done
  victim=$(ps -eo pid=,args= | awk -v d="$m-kill" '$2 ~ /netc$/ && index($0, d " ") { p = $1 } END { print p }')
  [ -n "$victim" ] && kill -KILL "$victim" 2>/dev/null
  wait $launcher
  run $m 4 long.net --resume $m-kill; same long $m-kill; ok "$m: a rank was killed, and nothing was lost"
done
[ -n "$some" ] || echo "no MPI here: one process only"
[ $failed -eq 0 ] && echo "shards:$some $n checks passed"
exit $failed
