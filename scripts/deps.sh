#!/bin/sh
# Installs what building (and with `test`, testing) netc needs, on Debian through apt.
# Elsewhere it says what is missing. Does nothing when everything is there.
set -eu
build="gcc make libc6-dev llvm-19-dev clang-19 flex bison libjson-c-dev libzip-dev libpng-dev libjpeg-dev gnuplot-nox"
# Of the test packages, those from gcc-aarch64 on are for objects of other machines, run under emulation.
test="libcmocka-dev python3 libclang-rt-19-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-riscv64-linux-gnu
 libc6-dev-riscv64-cross qemu-user qemu-system-arm lld-19 nodejs chromium g++"
want=$build
[ "${1:-build}" = test ] && want="$build $test ${NETC_TEST_PACKAGES:-}"

if ! command -v dpkg-query >/dev/null 2>&1; then
  missing=
  for tool in gcc llvm-config-19 clang-19 flex bison gnuplot; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
  done
  [ -z "$missing" ] && exit 0
  echo "netc: not a Debian system; please install:$missing" >&2
  echo "netc: (and the headers of LLVM 19, json-c, libzip, libpng, libjpeg, cmocka)" >&2
  exit 1
fi

missing=
for p in $want; do
  dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
sudo=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null 2>&1 || { echo "netc: as root, run: apt-get install$missing" >&2; exit 1; }
  sudo=sudo
fi
echo "netc: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q >&2
# shellcheck disable=SC2086
$sudo apt-get install -y -q --no-install-recommends $missing >&2
