#!/bin/sh
# Fuzzes the parser, the unpickler, weight files and the loader of objects: scripts/fuzz.sh [SECONDS each, default 120]. Needs clang with
# libFuzzer, and a build of netc (for the generated sources). Corpora are kept under build-fuzz/.
cd "$(dirname "$0")/.." || exit 1
seconds=${1:-120} out=build-fuzz status=0
for c in clang-19 clang; do command -v $c >/dev/null && clang=$c && break; done
[ "$clang" ] || { echo "fuzzing needs clang"; exit 77; }
mkdir -p $out/fields $out/parse $out/pickle $out/weights $out/load
make -s B=$out $out/parse.c $out/lex.c $out/oplib.c || exit 1

flags="-std=c11 -D_GNU_SOURCE -O1 -g -iquote . -iquote compiler -iquote $out"
flags="$flags -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined"
# The front end, lowering and gradients; nothing that needs LLVM.
front=
for f in compiler/base/*.c compiler/lang/*.c compiler/graph/*.c compiler/nest/*.c compiler/passes/lower.c \
  compiler/passes/instantiate.c compiler/passes/operand.c compiler/passes/versions.c compiler/passes/grad.c; do
  front="$front $f"
done
# Every reader of data sets.
readers="compiler/base/arena.c compiler/base/internal.c compiler/base/nearest_word.c" libs="-lzip -lpng -ljpeg -ljson-c -lm"
for f in array atomic_file cifar class_field csv csv_columns csv_fields data_form dataset field file idx image \
  image_folder image_resize keys layout lists log_mel match message named_fields npz pickle \
  pickle_build pickle_text picture_data samples sound_data string_list text_data value wav; do
  readers="$readers runtime/$f.c"
done
$clang $flags tests/fuzz_parse.c $front $out/parse.c $out/lex.c $out/oplib.c -o $out/fuzz_parse -lm &&
$clang $flags tests/fuzz_pickle.c $readers -o $out/fuzz_pickle $libs &&
$clang $flags tests/fuzz_fields.c $readers -o $out/fuzz_fields $libs &&
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
# Small files of every kind to begin from, behind the byte that chooses the network.
printf '\0a,b,c,d,kind\n1,2,3,4,x\n1,2e3,"3",,y\n' > $out/fields/table
printf '\1once upon a time\n' > $out/fields/text
printf '\2\0\0\10\2\0\0\0\1\0\0\0\20aaaaaaaaaaaaaaaa' > $out/fields/idx
printf '\43RIFF\64\0\0\0WAVEfmt \20\0\0\0\1\0\1\0\100\37\0\0\200\76\0\0\2\0\20\0data\20\0\0\0aaaaaaaaaaaaaaaa' > $out/fields/wav
run fields -rss_limit_mb=700
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
