#!/bin/sh
# What netc says of itself: --help, manual pages and completion are made of one text, and each is
# read here by those who read it at a user's: man, bash, zsh, fish.
netc=$(cd "$(dirname "${NETC:-./netc}")" && pwd)/$(basename "${NETC:-./netc}")
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
failed=0 n=0
check() { # check WHAT COMMAND...
  what=$1; shift; n=$((n + 1))
  "$@" >out 2>err || { echo "FAILED: $what"; head -n 5 out err; failed=1; }
}
equal() { # equal WHAT WANT GOT
  n=$((n + 1))
  [ "$2" = "$3" ] || { echo "FAILED: $1: wanted: $2, not: $3"; failed=1; }
}
commands=$("$netc" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
[ "$(echo "$commands" | wc -l)" -gt 10 ] || { echo "FAILED: no commands in --help"; exit 1; }
mkdir bin man; ln -s "$netc" bin/netc; PATH=$tmp/bin:$PATH

"$netc" --help > a; "$netc" -h > b; "$netc" help > c
check "-h, --help and help say the same" cmp a b
check "-h, --help and help say the same" cmp a c
equal "netc version" "$("$netc" --version)" "$("$netc" version)"
"$netc" help trian >out 2>said; equal "help of an unknown command" 2 $?
check "it suggests one" grep -q 'did you mean `netc train`' said

"$netc" help --man > man/netc.1
for c in $commands; do
  "$netc" "$c" --help > a 2>&1; "$netc" "$c" -h > b 2>&1; "$netc" help "$c" > d 2>&1
  check "netc $c -h" cmp a b
  check "netc help $c" cmp a d
  "$netc" help --man "$c" > "man/netc-$c.1"
  for o in $(grep -o '^ *\(-., \)\?--[a-z-]*' a | grep -o -e '--[a-z-]*'); do
    check "the page of $c has $o" grep -q -e "$(echo "$o" | sed 's/-/\\\\-/g')" "man/netc-$c.1"
  done
done
if command -v mandoc >/dev/null; then
  for f in man/*; do check "mandoc accepts $f" mandoc -T lint -W error "$f"; done
fi
if command -v groff >/dev/null; then
  for f in man/*; do
    groff -man -Tutf8 -ww -z "$f" >out 2>warnings
    equal "groff warns of $f" "" "$(cat warnings)"
  done
fi

touch a.net b.txt; mkdir d.net.d
"$netc" help --completion=bash > netc.bash
complete_bash() { # what bash offers for the last word
  bash -c '. ./netc.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
           compopt() { :; }; _netc; printf "%s\n" "${COMPREPLY[@]}"' _ "$@" | sort | tr '\n' ' '
}
if command -v bash >/dev/null; then
  equal "bash: commands" "train " "$(complete_bash netc tr)"
  equal "bash: options" "--seed " "$(complete_bash netc train --see)"
  equal "bash: words" "asm " "$(complete_bash netc build --emit a)"
  equal "bash: words after =" "asm " "$(complete_bash netc build --emit = a)"
  equal "bash: networks" "a.net d.net.d man " "$(complete_bash netc train '' | sed 's/bin //')"
  equal "bash: files" "netc.bash " "$(complete_bash netc train --weights n)"
  equal "bash: help of" "predict " "$(complete_bash netc help pre)"
fi
"$netc" help --completion=zsh > _netc
if command -v zsh >/dev/null; then
  check "zsh reads it" zsh -n _netc
  check "zsh knows it" zsh -fc 'fpath=($PWD $fpath); autoload -U compinit; compinit -u -D; autoload +X _netc; [[ $_comps[netc] = _netc ]]'
fi
"$netc" help --completion=fish > netc.fish
if command -v fish >/dev/null; then
  check "fish reads it" fish -n netc.fish
  equal "fish: options" "--seed" "$(HOME=$tmp fish -c 'source netc.fish; complete -C "netc train --see"' 2>/dev/null | cut -f1 | head -n 1)"
  equal "fish: words" "asm" "$(HOME=$tmp fish -c 'source netc.fish; complete -C "netc build --emit a"' 2>/dev/null | cut -f1 | head -n 1)"
  equal "fish: networks" "a.net" "$(HOME=$tmp fish -c 'source netc.fish; complete -C "netc train a"' 2>/dev/null | cut -f1 | head -n 1)"
fi
"$netc" help --completion=csh >out 2>err; equal "no completion for csh" 1 $?
[ $failed -eq 0 ] && echo "$n checks: all passed"
exit $failed
