#!/bin/sh
# Installs what building (and with `test`, testing) netc needs, on Debian through apt.
# Elsewhere it says what is missing. Does nothing when everything is there.
set -eu
build="gcc make libc6-dev llvm-19-dev clang-19 flex bison libjson-c-dev libprotobuf-c-dev protobuf-c-compiler libzip-dev libpng-dev libjpeg-dev libwebp-dev zlib1g-dev gnuplot-nox"
portable="cmake libzstd-dev libtinfo-dev dpkg-dev"
deb="dpkg-dev"
mpi="openmpi-bin libopenmpi-dev mpich libmpich-dev"
test="libcmocka-dev python3"
ci="clang-format-19 libclang-rt-19-dev"
# Objects for other machines, run under emulation. Where one is missing, its tests say `skipped`.
emulation="gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-riscv64-linux-gnu libc6-dev-riscv64-cross qemu-user
 qemu-system-arm lld-19 nodejs g++"

absent() { # absent PACKAGE...: those that are not installed
  for p; do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || printf ' %s' "$p"
  done
}

if ! command -v dpkg-query >/dev/null 2>&1; then
  missing=
  for tool in gcc llvm-config-19 clang-19 flex bison protoc-c gnuplot; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
  done
  [ -z "$missing" ] && exit 0
  echo "netc: not a Debian system; please install:$missing" >&2
  echo "netc: (and the headers of LLVM 19, json-c, protobuf-c, libzip, libpng, libjpeg, libwebp, zlib, cmocka)" >&2
  exit 1
fi

# shellcheck disable=SC2086
{
  need=$(absent $build)
  want=
  [ "${1:-build}" = mpi ] && need="$need$(absent $mpi)"
  [ "${1:-build}" = deb ] && need="$need$(absent $deb)"
  [ "${1:-build}" = portable ] && need="$need$(absent $portable)"
  [ "${1:-build}" = ci ] && need="$need$(absent $test $ci)"
  if [ "${1:-build}" = test ]; then
    need="$need$(absent $test ${NETC_TEST_PACKAGES:-})"
    want=$(absent $emulation)
  fi
}
[ -z "$need$want" ] && exit 0
sudo=
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    [ -z "$want" ] || echo "netc: tests of objects for other machines also use:$want" >&2
    [ -z "$need" ] && exit 0
    echo "netc: as root, run: apt-get install$need" >&2
    exit 1
  fi
  sudo=sudo
fi
echo "netc: installing$need$want" >&2
install="$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends"
$sudo apt-get update -q >&2
# shellcheck disable=SC2086
{
  [ -z "$need" ] || $install $need >&2
  [ -z "$want" ] || $install $want >&2 ||
    echo "netc: not installed:$want; the tests that use them are skipped" >&2
}
