#!/bin/sh
# Loops in order: every way to write a scan computes the same after every pass, has gradients that
# agree with differences, and becomes a loop, but where it says `written out`.
NETC=${NETC:-./netc}
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
status=0
fail() { echo "loops: $1"; status=1; }

# try NAME loop|out STATEMENTS: of an operator x[N,L,C] -> y[N,L,C] with weights w[C,C] and a[C].
try() {
  cat >"$T/$1.net" <<END2
op own(x[N,L,C]) -> y[N,L,C] {
  param w[k:C, c:C] ~ normal(0.3);
  param a[c:C] ~ normal(0.3);
$3
}
input 6x4; target 1;
own;
flatten;
dense 1;
train { data "nothing.npz"; loss mse; optimizer sgd; lr 0.1; batch 5; epochs 1; }
END2
  "$NETC" check "$T/$1.net" --check-passes >"$T/out" 2>&1 || { fail "$1: a pass changes it"; tail -5 "$T/out"; }
  "$NETC" check "$T/$1.net" >"$T/out" 2>&1 || { fail "$1: the gradients are wrong"; tail -5 "$T/out"; }
  loops=$("$NETC" train "$T/$1.net" --dump=lower 2>"$T/err" | grep -c '(loop 1)')
  case $2 in
  loop) [ "$loops" -gt 0 ] || { fail "$1 was written out"; cat "$T/err"; } ;;
  out) [ "$loops" -eq 0 ] || fail "$1 became a loop" ;;
  esac
}

try simple loop '
  scan t:L {
    r[t,n,c] += y[n,t-1,k] * w[k,c] for n:N, c:C, k:C;
    y[n,t,c] = tanh(x[n,t,c] + r[t,n,c]) for n:N, c:C;
  }'
try backwards loop '
  scan t:L {
    r[t,n,c] += y[n,L-t,k] * w[k,c] for n:N, c:C, k:C;
    y[n,L-1-t,c] = tanh(x[n,L-1-t,c] + r[t,n,c]) for n:N, c:C;
  }'
try second_order loop '
  scan t:L {
    r[t,n,c] += y[n,t-1-u,c] * a[c] / (u+2) for n:N, c:C, u:2;
    y[n,t,c] = x[n,t,c] + r[t,n,c] for n:N, c:C;
  }'
try parts loop '
  scan t:L {
    p[t,n,c] = y[n,t-2,c] for n:N, c:C;
    g[t,n,2*c+1] = tanh(a[c] * p[t,n,c]) for n:N, c:C;
    g[t,n,2*c] = sigmoid(x[n,t,c] + p[t,n,c]) for n:N, c:C;
    y[n,t,c] = g[t,n,2*c] * g[t,n,2*c+1] + x[n,t,c] for n:N, c:C;
  }'
try maximum loop '
  scan t:L {
    m[t,n] max= y[n,t-1,k] * a[k] + k/10 for n:N, k:C;
    y[n,t,c] = x[n,t,c] * a[c] + 0.5 * max(m[t,n], 0) for n:N, c:C;
  }'
try step_as_number loop '
  scan t:L {
    p[t,n,c] = y[n,t-1,c] for n:N, c:C;
    y[n,t,c] = x[n,t,c] * a[c] / (t + 1) + p[t,n,c] for n:N, c:C;
  }'
try unused loop '
  scan t:L {
    p[t,n,c] = y[n,t-1,c] for n:N, c:C;
    q[t,n,c] = p[t,n,c] * a[c] for n:N, c:C;
    y[n,t,c] = x[n,t,c] * a[c] + p[t,n,c] for n:N, c:C;
  }'
try two_scans loop '
  scan t:L {
    r[t,n,c] += h[n,t-1,k] * w[k,c] for n:N, c:C, k:C;
    h[n,t,c] = tanh(x[n,t,c] + r[t,n,c]) for n:N, c:C;
  }
  scan t:L {
    s[t,n,c] += y[n,L-t,k] * w[k,c] for n:N, c:C, k:C;
    y[n,L-1-t,c] = tanh(h[n,L-1-t,c] + s[t,n,c]) for n:N, c:C;
  }'
try condition out '
  scan t:L {
    if t < 1 { y[n,t,c] = x[n,t,c] * a[c] for n:N, c:C; }
    else { y[n,t,c] = x[n,t,c] + a[c] for n:N, c:C; }
  }'

# The code does not grow with the steps.
for L in 8 64; do
  printf 'input %dx3 ; target 1;\nlstm 5; flatten; dense 1;\ntrain { data "nothing.npz"; loss mse; optimizer sgd; lr 0.1; batch 5; epochs 1; }\n' $L >"$T/lstm.net"
  "$NETC" train "$T/lstm.net" --dump=plan 2>"$T/err" | grep -c '^  # ' >"$T/nests.$L"
done
cmp -s "$T/nests.8" "$T/nests.64" || fail "64 steps are $(cat "$T/nests.64") nests, 8 are $(cat "$T/nests.8")"
[ "$(cat "$T/nests.8")" -gt 10 ] || { fail "no nests"; cat "$T/err"; }

# Threads take parts of the samples; nobody sees that in the weights.
printf 'input 12 of 256; target 12 of 256;\nembed 8; lstm 16; gru 16; dense 256;\ntrain { data "%s" tokens=bytes; split 0.9; optimizer adam; lr 0.01; batch 32; epochs 1; }\n' \
  "$PWD/$0" >"$T/threads.net"
for t in 1 2 3; do
  "$NETC" train "$T/threads.net" --threads $t -o "$T/run$t" >"$T/out" 2>&1 || { fail "no training"; cat "$T/out"; }
done
cmp "$T/run1/last.safetensors" "$T/run2/last.safetensors" || fail "two threads change bits"
cmp "$T/run1/last.safetensors" "$T/run3/last.safetensors" || fail "three threads change bits"
exit $status
