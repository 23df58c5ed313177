#!/bin/sh
# make install, uninstall and deb: what lands where, that it works from there, and that it goes again.
cd "$(dirname "$0")/.." || exit 1
netc=${NETC:-./netc}
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
failed=0 n=0
there() { n=$((n + 1)); [ -s "$1" ] || { echo "FAILED: $1 is not there"; failed=1; }; }
ok() { status=$?; n=$((n + 1)); [ $status -eq 0 ] || { echo "FAILED: $1"; failed=1; }; }

root=$tmp/root
DESTDIR=$root sh scripts/install.sh install "$netc" /usr/local; ok install
here=$root/usr/local
for f in bin/netc share/man/man1/netc.1.gz share/man/man1/netc-train.1.gz share/zsh/site-functions/_netc \
  share/bash-completion/completions/netc share/fish/vendor_completions.d/netc.fish \
  share/netc/netc.mk share/netc/models/emoji.net share/netc/examples/emoji/emoji.pkl \
  share/doc/netc/LICENSE share/doc/netc/CHANGELOG.md; do there "$here/$f"; done
(cd "$tmp" && "$here/bin/netc" train "$here/share/netc/models/emoji.net" --epochs 1 --split 60/20 >out 2>&1)
ok "an installed model trains"
there "$tmp/runs/emoji/best.safetensors"
touch "$here/share/mine"
DESTDIR=$root sh scripts/install.sh uninstall "$netc" /usr/local >"$tmp/out"; ok uninstall
left=$(find "$root" -type f); n=$((n + 1))
[ "$left" = "$here/share/mine" ] || { echo "FAILED: uninstall left:"; echo "$left"; failed=1; }
[ ! -d "$here/share/netc" ]; ok "uninstall takes netc's folders along"

if command -v dpkg-deb >/dev/null && command -v dpkg-shlibdeps >/dev/null; then
  case $(file -L "$netc" 2>/dev/null) in
  *statically*) ;;
  *)
    sh scripts/deb.sh "$netc" "$tmp/deb" >"$tmp/out" 2>&1; ok "make deb"
    for deb in "$tmp"/deb/*.deb; do
      dpkg-deb -f "$deb" Depends | grep -q 'libllvm19'; ok "the package depends on what it is linked with"
      dpkg-deb -x "$deb" "$tmp/unpacked"; ok "it unpacks"
      "$tmp/unpacked/usr/bin/netc" summary "$tmp/unpacked/usr/share/netc/models/emoji.net" >"$tmp/out"
      ok "the packaged program works"
    done ;;
  esac
fi
[ $failed -eq 0 ] && echo "$n checks: all passed"
exit $failed
