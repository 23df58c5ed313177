#!/bin/sh
# install.sh install|uninstall PROGRAM PREFIX: puts netc and what belongs to it under $DESTDIR$PREFIX,
# or takes exactly that away again. Manual pages and completion come out of the program itself.
set -eu
action=$1 program=$2 prefix=${DESTDIR:-}$3
share=$prefix/share
version=$("$program" --version | cut -d' ' -f2)
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT

put() { # put MODE FILE FOLDER NAME
  if [ "$action" = install ]; then install -D -m "$1" "$2" "$3/$4"; else rm -f "$3/$4"; fi
}
page() { # page NAME OPTIONS...: a manual page, compressed as man expects it
  name=$1; shift
  "$program" help --man "$@" | gzip -9n > "$tmp/page"
  put 644 "$tmp/page" "$share/man/man1" "$name.1.gz"
}
completion() { # completion SHELL FOLDER NAME
  "$program" help "--completion=$1" > "$tmp/completion"
  put 644 "$tmp/completion" "$2" "$3"
}

put 755 "$program" "$prefix/bin" netc
for m in openmpi mpich; do
  [ ! -s "${B:-build}/mpi-$m.so" ] || put 644 "${B:-build}/mpi-$m.so" "$prefix/lib/netc" "mpi-$m.so"
done
page netc
for c in $("$program" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do page "netc-$c" "$c"; done
completion bash "$share/bash-completion/completions" netc
completion zsh "$share/zsh/${ZSH_FOLDER:-site-functions}" _netc
completion fish "$share/fish/vendor_completions.d" netc.fish
for f in README.md CHANGELOG.md LICENSE docs/*.md; do put 644 "$f" "$share/doc/netc" "$(basename "$f")"; done
put 644 scripts/netc.mk "$share/netc" netc.mk
git_files() { git ls-files models examples 2>/dev/null || find models examples -type f; }
for f in $(git_files); do
  [ -x "$f" ] && mode=755 || mode=644
  put $mode "$f" "$share/netc/$(dirname "$f")" "$(basename "$f")"
done
if [ "$action" = uninstall ]; then
  for d in "$share/netc" "$share/doc/netc" "$prefix/lib/netc"; do
    [ ! -d "$d" ] || find "$d" -depth -type d -exec rmdir --ignore-fail-on-non-empty {} +
  done
  echo "netc $version is gone from $prefix"
fi
