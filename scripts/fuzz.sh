#!/bin/sh
# Fuzzes the parser, the unpickler, weight files and the loader of objects: scripts/fuzz.sh [SECONDS each, default 120]. Needs clang with
# libFuzzer, and a build of netc (for the generated sources). Corpora are kept under build-fuzz/.
cd "$(dirname "$0")/.." || exit 1
seconds=${1:-120} out=build-fuzz status=0
for c in clang-19 clang; do command -v $c >/dev/null && clang=$c && break; done
[ "$clang" ] || { echo "fuzzing needs clang"; exit 77; }
mkdir -p $out/parse $out/pickle $out/weights $out/load
make -s B=$out $out/parse.c $out/lex.c $out/oplib.c || exit 1

flags="-std=c11 -D_GNU_SOURCE -O1 -g -iquote . -iquote compiler -iquote $out"
flags="$flags -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined"
# The front end, lowering and gradients; nothing that needs LLVM.
front=
for f in compiler/base/*.c compiler/lang/*.c compiler/graph/*.c compiler/nest/*.c compiler/passes/lower.c \
  compiler/passes/instantiate.c compiler/passes/operand.c compiler/passes/grad.c; do
  front="$front $f"
done
$clang $flags tests/fuzz_parse.c $front $out/parse.c $out/lex.c $out/oplib.c -o $out/fuzz_parse -lm &&
$clang $flags tests/fuzz_pickle.c runtime/pickle.c runtime/pickle_build.c runtime/pickle_text.c \
  runtime/value.c runtime/array.c runtime/lists.c runtime/layout.c runtime/keys.c runtime/samples.c \
  runtime/dataset.c runtime/cifar.c runtime/npz.c runtime/file.c runtime/message.c \
  compiler/base/arena.c -o $out/fuzz_pickle -lzip -lm &&
$clang $flags tests/fuzz_weights.c runtime/safetensors.c runtime/atomic_file.c runtime/message.c \
  -o $out/fuzz_weights -ljson-c &&
$clang $flags tests/fuzz_load.c -o $out/fuzz_load || exit 1

run() {
  name=$1 && shift
  echo "$name: $seconds s"
  "$out/fuzz_$name" -max_total_time="$seconds" -timeout=10 -close_fd_mask=3 \
    -artifact_prefix="$out/$name-" "$out/$name" "$@" > "$out/$name.log" 2>&1 ||
    { status=1; echo "$name: a finding, see $out/$name.log"; }
  tail -n 1 "$out/$name.log"
}
run parse -rss_limit_mb=3000 -max_len=3000 tests/bad models
run pickle -rss_limit_mb=512 tests/data/pickles
# A file that loads, to begin from: the header's length, the header, seven values.
{
  printf '\160\0\0\0\0\0\0\0'
  printf '{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},'
  printf '"cd":{"dtype":"I64","shape":[],"data_offsets":[24,32]}}'
  head -c 32 /dev/zero
} >$out/load/good
cp $out/load/good $out/weights/
run weights -rss_limit_mb=512
run load
exit $status
