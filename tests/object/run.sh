#!/bin/sh
# Objects for other machines, run under emulation: every one prints the hashes that this machine's
# object prints (tests/test_object.c has shown that those are the JIT's). WebAssembly prints what the
# interpreter prints under its rule. Also: code sizes, undefined symbols, errors.
# A compiler or emulator that is not installed is named as skipped.
set -eu
netc=${NETC:-./netc} build=${BUILD:-build} here=tests/object
PATH=$PATH:/usr/lib/llvm-19/bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*"; exit 1; }
have() { for t in "$@"; do command -v "$t" >/dev/null 2>&1 || { echo "skipped: no $t"; return 1; }; done; }

# object NAME OPTIONS...: $work/NAME/net.o and net.h, a training object of $net (the small network).
net=$here/small.net native=native
object() {
  name=$1; shift
  mkdir -p "$work/$name"
  "$netc" build --train --batch=6 --prefix=net -o "$work/$name/net.o" "$@" $net \
    2>"$work/$name/messages" || { cat "$work/$name/messages"; fail "netc build $*"; }
}

# drive NAME CC RUNNER: links the driver, runs it, compares.
drive() {
  name=$1 cc=$2 run=${3:-}
  $cc -O1 -Wall -Wextra -Werror -I"$work/$name" $here/drive.c "$work/$name/net.o" -lm -o "$work/$name/drive" ||
    fail "$name does not link"
  $run "$work/$name/drive" >"$work/$name/out" || fail "$name does not run"
  cmp -s "$work/$native/out" "$work/$name/out" ||
    { diff "$work/$native/out" "$work/$name/out"; fail "$name: other bits than the native object"; }
  echo "same bits: $name"
}

only_libm() {
  for s in $(nm -u "$1" | awk '{ print $2 }'); do
    case $s in fmaf | rintf) ;; *) fail "$1 needs $s" ;; esac
  done
}

object native
drive native "${CC:-cc}"
for cpu in x86-64-v2 x86-64-v3 x86-64-v4; do
  [ "$(uname -m)" = x86_64 ] || continue
  object $cpu --cpu=$cpu
  only_libm "$work/$cpu/net.o"
  [ $cpu != x86-64-v2 ] || grep -q 'no fused multiply-add' "$work/$cpu/messages" || fail "no warning of fmaf"
  if [ $cpu = x86-64-v4 ] && ! grep -q avx512f /proc/cpuinfo; then echo "skipped: no avx512f"; continue; fi
  if [ $cpu = x86-64-v3 ] && ! grep -q avx2 /proc/cpuinfo; then echo "skipped: no avx2"; continue; fi
  drive $cpu "${CC:-cc}"
done
only_libm "$work/native/net.o"

for arch in aarch64 riscv64; do
  have $arch-linux-gnu-gcc qemu-$arch || continue
  object $arch --target=$arch-linux-gnu
  only_libm "$work/$arch/net.o"
  drive $arch "$arch-linux-gnu-gcc -static" qemu-$arch
done

# The report's network, where it runs quickly enough.
net=models/emoji.net native=emoji
object emoji --batch=2
drive emoji "${CC:-cc}"
for arch in aarch64 riscv64; do
  have $arch-linux-gnu-gcc qemu-$arch || continue
  object emoji-$arch --batch=2 --target=$arch-linux-gnu
  drive emoji-$arch "$arch-linux-gnu-gcc -static" qemu-$arch
done
net=$here/small.net native=native

if have wasm-ld-19 node; then
  object wasm --target=wasm32
  wasm-ld-19 --no-entry --export-dynamic --export=__heap_base -o "$work/wasm/net.wasm" "$work/wasm/net.o"
  node $here/drive.mjs "$work/wasm/net.wasm" "$work/wasm/net.h" >"$work/wasm/out" || fail "wasm does not run"
  "$build/test_object" reference $here/small.net 6 >"$work/wasm/want"
  cmp -s "$work/wasm/want" "$work/wasm/out" ||
    { diff "$work/wasm/want" "$work/wasm/out"; fail "wasm: other bits than the interpreter"; }
  echo "same bits: wasm (the rule without fused multiply-add)"
fi

# Another project's makefile.
mkdir "$work/project"
cp $here/small.net "$work/project"
printf 'include %s/scripts/netc.mk\nNETCFLAGS = --train\nall: small.o\n' "$PWD" >"$work/project/Makefile"
NETC=$(cd "$(dirname "$netc")" && pwd)/$(basename "$netc") make -s -C "$work/project"
grep -q small_train "$work/project/small.h" || fail "netc.mk"

# The shared library and the header, from C++.
"$netc" build --emit=shared -o "$work/emoji.so" models/emoji.net
nm -D "$work/emoji.so" | grep -q ' T emoji_infer' || fail "emoji.so does not export emoji_infer"
if have c++; then
  printf '#include "emoji.h"\nint main() { return EMOJI_CLASSES == 5 ? 0 : 1; }\n' >"$work/t.cc"
  c++ -Wall -Wextra -Werror -pedantic -o "$work/t" "$work/t.cc" && "$work/t" || fail "the header in C++"
fi
for kind in asm llvm bc header; do
  "$netc" build --emit=$kind -o "$work/kind.$kind" models/emoji.net && [ -s "$work/kind.$kind" ] || fail "--emit=$kind"
done
strings -a "$work/native/net.o" 2>/dev/null | grep -q '^netc [0-9.]*, network, settings and weights sha256:' ||
  ! command -v strings >/dev/null || fail "the object does not say who made it"

# Sizes: text and constants of the code, weights apart.
bytes() { size "$1" | awk 'NR == 2 { print $1 + $2 }'; }
limit() { [ "$(bytes "$1")" -lt "$3" ] || fail "$2: $(bytes "$1") bytes, the limit is $3"; echo "$2: $(bytes "$1") bytes"; }
for cpu in x86-64-v3 x86-64-v4; do
  "$netc" build --cpu=$cpu --target=x86_64-linux-gnu -o "$work/infer.o" models/emoji.net
  "$netc" build --cpu=$cpu --target=x86_64-linux-gnu --train --batch=10 -o "$work/train.o" models/emoji.net
  limit "$work/infer.o" "emoji.net, inference, $cpu" 24576
  limit "$work/train.o" "emoji.net, training, $cpu" 65536
done

# Errors: status, one clear sentence, and no file.
refused() {
  status=$1 pattern=$2; shift 2
  set +e
  "$netc" build -o "$work/none.o" "$@" models/emoji.net >"$work/said" 2>&1
  got=$?
  set -e
  [ $got -eq "$status" ] || { cat "$work/said"; fail "netc build $*: status $got, not $status"; }
  grep -q -- "$pattern" "$work/said" || { cat "$work/said"; fail "netc build $*: does not say '$pattern'"; }
  [ ! -e "$work/none.o" ] && [ ! -e "$work/none.h" ] || fail "netc build $*: left a file"
}
refused 1 'objects are made for' --target=z80-none-none
refused 1 'objects are made for' --target=amdgcn-amd-amdhsa
refused 1 "'cortex-a1000' is not a recognized processor" --target=aarch64-linux-gnu --cpu=cortex-a1000
refused 1 'bytes of RAM' --train --ram=256K
refused 1 'the header goes to' -o "$work/net.h"
refused 1 'No such file or directory' -o "$work/no/such/net.o"
refused 1 'no-such.safetensors' --weights=no-such.safetensors
refused 2 'C identifier' --prefix=1a
refused 2 '--emit takes' --emit=elf
echo passed
