#!/bin/sh
# portable.sh: build-portable/netc, one file for any x86-64 Linux (kernel 3.2, 2012, or newer): LLVM,
# the C library and everything else are linked in, so that no library of the system matters.
# Debian has no static libzip; it is built from Debian's source package.
# What stays outside: gnuplot draws curves, and $CC links `--emit=shared`, where they are installed.
set -eu
out=build-portable
llvm=${LLVM:-llvm-config-19}
sh scripts/deps.sh portable
mkdir -p "$out"

if [ ! -s "$out/libzip.a" ]; then
  tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
  mkdir -p "$tmp/lists/partial" "$tmp/source"
  for f in /etc/apt/sources.list.d/*.sources; do
    [ -e "$f" ] && sed 's/^Types:.*/Types: deb-src/' "$f" >> "$tmp/debian.sources" && echo >> "$tmp/debian.sources"
  done
  if [ ! -s "$tmp/debian.sources" ]; then
    sed -n 's/^deb /deb-src /p' /etc/apt/sources.list > "$tmp/debian.list"
  fi
  apt_source() {
    apt-get -q -o "Dir::Etc::SourceParts=$tmp" -o Dir::Etc::SourceList=/dev/null \
      -o "Dir::State::Lists=$tmp/lists" -o APT::Sandbox::User=root "$@"
  }
  apt_source update >&2
  (cd "$tmp/source" && apt_source source libzip >&2)
  cmake -S "$tmp"/source/libzip-*/ -B "$tmp/b" -DCMAKE_POLICY_VERSION_MINIMUM=3.5 \
    -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DENABLE_BZIP2=OFF -DENABLE_LZMA=OFF \
    -DENABLE_ZSTD=OFF -DENABLE_OPENSSL=OFF -DENABLE_GNUTLS=OFF -DENABLE_MBEDTLS=OFF \
    -DENABLE_COMMONCRYPTO=OFF -DBUILD_TOOLS=OFF -DBUILD_REGRESS=OFF -DBUILD_EXAMPLES=OFF \
    -DBUILD_DOC=OFF > "$out/libzip.log" 2>&1 || { tail "$out/libzip.log" >&2; exit 1; }
  make -C "$tmp/b" zip >> "$out/libzip.log" 2>&1
  cp "$tmp/b/lib/libzip.a" "$out"
fi

libraries="$($llvm --ldflags) $($llvm --link-static --libs core orcjit native passes irreader linker bitwriter all-targets)"
${MAKE:-make} --no-print-directory B="$out" NETC="$out/netc" \
  LDLIBS="-static $libraries $out/libzip.a -ljson-c -lprotobuf-c -lpng -ljpeg -lwebp -lzstd -lz -ltinfo -lstdc++ -lm -ldl -lrt" \
  "$out/netc" 2>&1 | grep -v 'statically linked applications requires' || true
strip "$out/netc"
"$out/netc" --version
