#!/bin/sh
# netc and what one would use instead, side by side in one run: training step, inference at batch
# 1 and 32, whole runs from a cold start with their peak memory. Every round runs everything once,
# peers by turns, and the tables hold medians over the rounds.
#
# Usage: bench/run.sh [-r ROUNDS] [-s SECONDS] [-t "1 2"] [-o DIR] [NET ...]
#   SECONDS per figure (0.7); DIR gets results.md and results.json (build/bench).
# Environment: PYTHON (python3); DNNL_CFLAGS and DNNL_LIBS, where oneDNN 3 is not installed in the
#   compiler's paths, e.g. after `pip install onednn-cpu-gomp onednn-devel-cpu-gomp`.
# Peers that are not installed are named and skipped.
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
netc=${NETC:-$root/netc}
python=${PYTHON:-python3}
rounds=3 seconds=0.7 threads="1 2" out=$root/build/bench
while getopts r:s:t:o: option; do
  case $option in
    r) rounds=$OPTARG ;;
    s) seconds=$OPTARG ;;
    t) threads=$OPTARG ;;
    o) out=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
first="emoji emoji-wide resnet20 mlp vgg deep"
second=$(cd "$here/nets" && ls *.net | sed 's/\.net$//')
nets=${*:-$first $second}

mkdir -p "$out" || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
: >"$tmp/lines"
say() { echo "bench: $*" >&2; }

${CC:-cc} -O2 -o "$tmp/measure" "$here/measure.c" || exit 1
data=$root/examples/emoji/emoji.pkl

# ---- which peers there are ------------------------------------------------------------------
peers=
for peer in "torch torch" "jax jax" "ort onnxruntime,onnx"; do
  name=${peer% *} modules=${peer#* }
  if "$python" -c "import numpy, $modules" 2>/dev/null; then
    peers="$peers $name"
  else
    skipped="$skipped $modules"
  fi
done
if ${CXX:-c++} -std=c++17 -O3 -march=native -fopenmp $DNNL_CFLAGS "$here/peers/onednn_bench.cpp" \
  -o "$tmp/onednn" $DNNL_LIBS -ldnnl 2>"$tmp/log"; then
  peers="$peers onednn"
else
  skipped="$skipped oneDNN(3)"
fi
say "peers:${peers:- none}; skipped, not installed:${skipped:- none}"

# ---- one measurement ------------------------------------------------------------------------

# on T COMMAND...: with T threads, on the first T processors
on() {
  t=$1
  shift
  if command -v taskset >/dev/null; then set -- taskset -c "0-$((t - 1))" "$@"; fi
  OMP_NUM_THREADS=$t "$@"
}

# record JSON-MEMBERS: one line of results
record() { echo "{$1}" >>"$tmp/lines"; }

# member NAME: a number of the JSON object on stdin
member() {
  tr -d '\n' | sed -n "s/.*\"$1\" *: *\([-+0-9.eE]*\).*/\1/p"
}

netc_steps() { # net threads
  file=$root/models/$1.net
  [ -f "$file" ] || file=$here/nets/$1.net
  on "$2" "$netc" bench "$file" --json --threads "$2" --seconds "$seconds" >"$tmp/json" 2>"$tmp/log" ||
    { say "netc bench $1 failed: $(tail -n 1 "$tmp/log")"; return; }
  for what in train_step:train_step_ms infer1:infer_ms infer32:infer32_ms compile:compile_ms; do
    ms=$(member "${what#*:}" <"$tmp/json")
    [ -z "$ms" ] || record "\"peer\": \"netc\", \"net\": \"$1\", \"what\": \"${what%:*}\", \
\"threads\": $2, \"ms\": $ms"
  done
}

peer_command() { # peer
  case $1 in
    onednn) echo "$tmp/onednn" ;;
    *) echo "$python $here/peers/$1_bench.py" ;;
  esac
}

peer_steps() { # peer net threads
  on "$3" $(peer_command "$1") --threads "$3" --seconds "$seconds" "$2" >"$tmp/json" 2>"$tmp/log" ||
    say "$1 failed on $2: $(tail -n 1 "$tmp/log")"
  grep '^{' "$tmp/json" >>"$tmp/lines"
}

# whole NAME WHAT THREADS COMMAND...: wall time and peak memory of a process
whole() {
  name=$1 what=$2 t=$3
  shift 3
  said=$(on "$t" "$tmp/measure" "$@") || { say "$name: $what failed"; return; }
  record "\"peer\": \"$name\", \"net\": \"emoji\", \"what\": \"$what\", \"threads\": $t, $said"
}

whole_runs() { # threads
  emoji=$root/models/emoji.net
  whole netc cold "$1" "$netc" train "$emoji" --epochs 1 --threads "$1" --force -o "$tmp/run"
  whole netc "16 epochs" "$1" "$netc" train "$emoji" --threads "$1" --force -o "$tmp/run"
  for p in $peers; do
    case $p in
      torch)
        whole "PyTorch eager" cold "$1" "$python" "$here/peers/torch_bench.py" --threads "$1" \
          --cold "$data"
        whole "import torch" "import only" "$1" "$python" -c "import torch"
        ;;
      jax) whole JAX cold "$1" "$python" "$here/peers/jax_bench.py" --cold "$data" ;;
      onednn) whole "oneDNN" cold "$1" "$tmp/onednn" --cold ;;
    esac
  done
}

# ---- rounds ---------------------------------------------------------------------------------
round=1
while [ "$round" -le "$rounds" ]; do
  for t in $threads; do
    for net in $nets; do
      say "round $round of $rounds: $net, $t thread(s)"
      netc_steps "$net" "$t"
      for p in $peers; do
        case "$p $first " in *" $net "* | torch* | jax* | ort*) peer_steps "$p" "$net" "$t" ;; esac
      done
    done
    whole_runs "$t"
  done
  round=$((round + 1))
done

{ echo "["; sed '$!s/$/,/' "$tmp/lines"; echo "]"; } >"$out/results.json"
awk -f "$here/table.awk" "$tmp/lines" >"$out/results.md"
[ -z "$skipped" ] || echo "Not installed, skipped:$skipped." >>"$out/results.md"
cat "$out/results.md"
say "wrote $out/results.md and results.json"
