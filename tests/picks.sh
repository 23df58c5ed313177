#!/bin/sh
# What is read and added to by number: the same after every pass and compiled, and gradients that
# agree with differences.
NETC=${NETC:-./netc}
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
status=0
fail() { echo "picks: $1"; status=1; }
ends='train { data "nothing.npz"; optimizer adam; lr 0.1; batch 3; epochs 1; }'

# try NAME PICKS NETWORK: so many nests of the step pick
try() {
  printf '%s\n%s\n' "$3" "$ends" >"$T/$1.net"
  "$NETC" check "$T/$1.net" --check-passes >"$T/out" 2>&1 || { fail "$1: a pass changes it"; tail -5 "$T/out"; }
  "$NETC" check "$T/$1.net" >"$T/out" 2>&1 || { fail "$1: the gradients are wrong"; tail -5 "$T/out"; }
  n=$("$NETC" train "$T/$1.net" --dump=plan 2>"$T/err" | grep -c '(picks ')
  [ "$n" -eq "$2" ] || { fail "$1: $n nests pick, not $2"; cat "$T/err"; }
}

try tokens 3 'input 5 of 40; target 5 of 40; embed 17; dense 40;'
try category 2 'input 1 of 20; target 9; embed 16; flatten; dense 9;'
try few 0 'input 5 of 4; target 12; embed 6; flatten; dense 12;'
try bag 2 'op bag(int x[N,L] of V, d) -> y[N,d] {
  param w[v:V, k:d] ~ normal(1);
  y[n,k] += w[v,k] * (v == x[n,l]) for n:N, k:d, v:V, l:L;
}
input 6 of 30; target 10; bag 5; dense 10;'
try columns 2 'op columns(int x[N,L] of V, d) -> y[N,L,d] {
  param w[k:d, v:V] ~ normal(1);
  y[n,l,k] += select(x[n,l] == v, w[k,v] * w[k,v], 0) for n:N, l:L, k:d, v:V;
}
input 4 of 30; target 10; columns 5; flatten; dense 10;'
try twice 4 'op twice(int x[N,L] of V, d) -> y[N,L,d] {
  param w[v:V, k:d] ~ normal(1);
  a[n,l,k] += select(v == x[n,l], w[v,k], 0) for n:N, l:L, k:d, v:V;
  b[n,l,k] += select(v == x[n,L-1-l], w[v,k], 0) for n:N, l:L, k:d, v:V;
  y[n,l,k] = a[n,l,k] + 2 * b[n,l,k];
}
input 4 of 30; target 10; twice 5; flatten; dense 10;'

exit $status
