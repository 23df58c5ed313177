#!/bin/sh
# deb.sh PROGRAM FOLDER: a Debian package of what `make install` installs. What the program is linked
# with becomes its dependencies, in the versions that it needs (dpkg-shlibdeps).
set -eu
command -v dpkg-shlibdeps >/dev/null || sh scripts/deps.sh deb
program=$1 out=$2
version=$("$program" --version | cut -d' ' -f2)
arch=$(dpkg --print-architecture)
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
root=$tmp/netc
umask 022
DESTDIR=$root ZSH_FOLDER=vendor-completions sh scripts/install.sh install "$program" /usr
strip --strip-unneeded -R .comment "$root/usr/bin/netc"
mv "$root/usr/share/doc/netc/LICENSE" "$root/usr/share/doc/netc/copyright"
gzip -9n < CHANGELOG.md > "$root/usr/share/doc/netc/changelog.gz"
rm "$root/usr/share/doc/netc/CHANGELOG.md"
mkdir -p "$tmp/debian" "$root/DEBIAN"
: > "$tmp/debian/control"
(cd "$tmp" && dpkg-shlibdeps -O --ignore-missing-info netc/usr/bin/netc) > "$tmp/depends" 2> "$tmp/log" ||
  { cat "$tmp/log" >&2; exit 1; }
depends=$(sed -n 's/^shlibs:Depends=//p' "$tmp/depends")
cat > "$root/DEBIAN/control" <<END
Package: netc
Version: $version
Architecture: $arch
Maintainer: netc maintainers <netc@localhost>
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: $depends
Recommends: gnuplot-nox, gcc | c-compiler
Section: devel
Priority: optional
Description: compiler for neural networks described in text
 netc trains networks that are described in text files, tells their memory and
 arithmetic to the byte, compares variants over several seeds, and compiles
 them to object code that needs nothing but libm. Its kernels come out of LLVM.
END
(cd "$root" && find usr -type f -exec md5sum {} + > DEBIAN/md5sums)
mkdir -p "$out"
dpkg-deb --root-owner-group --build "$root" "$out/netc_${version}_$arch.deb"
