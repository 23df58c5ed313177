#!/bin/sh
# Metrics that a file names: their columns, their values beside those that netc has by itself, stopping
# and going on by them, and mistakes.
cd "$(dirname "$0")/.." || exit 1
. tests/checks

awk 'BEGIN { srand(3); print "a,b,c,y,kind"
  for (i = 0; i < 120; i++) {
    a = rand(); b = rand(); c = rand()
    printf "%.4f,%.4f,%.4f,%.4f,%s\n", a, b, c, 2 * a - b + 0.1 * rand(), (c > 0.6 ? "high" : c > 0.3 ? "low" : "none")
  } }' > d.csv
cat > head.net <<'END'
op bias(x[N,S..], t[N,S..]) -> sums[N,2] metric {
  sums[n,0] += x[n,s..] - t[n,s..];
  sums[n,1] = S;
}
op bias(sums[N,K]) -> value[N] total { value[n] = abs(sums[n,0] / sums[n,1]); }
END
cat > y.net <<'END'
include "head.net";
input 3; target 1; linear 8 relu; linear 1;
train { data "d.csv" target=y drop={kind}; split 90/30; lr 0.1; batch 10; epochs 6;
  mine: metric r2; metric mae; metric rmse; metric bias; metric huber; stop val_mine patience=4 restore; }
END
sed 's/metric mae; //; s/mine: metric r2/mine: metric r2; mean: metric mae/' y.net > z.net
exits 1 train y.net -o y; says 'has a column `val_mae` already'; says 'mine: metric'
exits 0 train z.net -o z --threads 1; prints 'val mine'
head -1 z/metrics.csv | grep -q 'train_mae,val_mae,val_r2,val_mine,val_mean,val_rmse,val_bias,val_huber$'; ok "columns"
# the text files say what netc's own code says; a mean squared error is the loss
awk -F, 'function off(a, b) { return a - b > 1e-5 || b - a > 1e-5 }
  NR > 1 && (off($8, $11) || off($9, $10) || off($12 * $12, $4)) { bad = 1 } END { exit bad || NR != 7 }' z/metrics.csv
ok "metrics of text files differ from the built-in ones"
exits 0 eval z --json; prints '"rmse"'
# targets that do not differ have no R2, whoever says it
sed 's/{kind}; split/{kind y}; split/; s/target=y/target=same/' z.net >same.net
awk -F, '{ print $0 "," (NR > 1 ? 3 : "same") }' d.csv >same.csv; sed -i 's/d.csv/same.csv/' same.net
exits 0 train same.net -o same --threads 1
awk -F, 'NR > 1 && ($9 != "nan" || $10 != "nan") { bad = 1 } END { exit bad || NR < 2 }' same/metrics.csv
ok "R2 of equal targets"
# as long as without interruption, and with another number of threads
sed 's/epochs 6/epochs 3/' z.net > z3.net; exits 0 train z3.net -o half --threads 1
exits 0 train z.net --resume half --threads 2
[ "$(cut -d, -f1-5,7- z/metrics.csv)" = "$(cut -d, -f1-5,7- half/metrics.csv)" ]; ok "going on changes metrics"

cat > k.net <<'END'
input 3; classes 3; linear 8 relu; linear 3;
train { data "d.csv" target=kind drop={y}; split 90/30; lr 0.1; batch 10; epochs 4;
  metric accuracy; metric top 2; metric iou; metric perplexity; b: metric bits; all: metric top 3; stop val_top patience=9; }
END
exits 0 train k.net -o k
cp k.net k1.net; cp -r k k1
awk -F, 'NR > 1 && ($5 - $7 > 1e-6 || $7 - $5 > 1e-6 || $12 != 1 || $8 < $7 ||
                    log($10) / log(2) - $11 > 1e-5 || $11 - log($10) / log(2) > 1e-5) { bad = 1 }
  END { exit bad || NR != 5 }' k1/metrics.csv
ok "metrics of classes"
exits 0 check k1.net --check-passes

# nothing found yet is 0 of 0: worse than any number, so that neither the best epoch nor stopping waits on it
cat > late.net <<'END'
op late(x[N,S..], t[N,S..]) -> sums[N,2] metric rises {
  sums[n,0] += (x[n,s..] > 0.9) * (t[n,s..] > 0.9);
  sums[n,1] += x[n,s..] > 0.9;
}
op late(sums[N,K]) -> value[N] total { value[n] = sums[n,0] / sums[n,1]; }
input 3; target 1; linear 8 relu; linear 1;
train { data "d.csv" target=y drop={kind}; split 90/30; lr 0.1; batch 10; epochs 8;
  metric late; stop val_late patience=20; }
END
exits 0 train late.net -o late --threads 1; says '^best epoch'
awk -F, 'NR == 2 { first = $10 } NR == 4 { third = $10 } END { exit first != "-nan" && first != "nan" || third + 0 <= 0 }' late/metrics.csv
ok "the first epoch has 0 of 0, the third a number"
grep -q '^best epoch 1:' err; [ $? = 1 ]; ok "the best epoch is one that has a number"

# --- mistakes ---
wrong() { printf '%s\ninput 3; classes 3; linear 3; train { %s }\n' "$1" "$2" > w.net; exits 1 summary w.net; says "$3"; }
wrong '' 'metric acuracy;' 'did you mean `accuracy`'
wrong '' 'metric top 4;' 'from 1 to the number of classes'
wrong '' 'metric r2;' 'does not compare 3 with'
wrong '' 'metric top 2; metric top 1;' 'has a column `val_top` already'
printf 'input 3; target 1; linear 1; train { acc: metric mae; }\n' > w.net
exits 1 summary w.net; says 'has a column `val_acc` already'
wrong '' 'stop val_iou;' '`val_iou` is there where'
wrong 'op m(x[N,C], int t[N]) -> s[N,2] metric { s[n,0] += x[n,c]; s[n,1] = 1; }' 'metric m;' 'no total of them'
wrong 'op m(x[N,C], int t[N]) -> s[N] metric { param w[c:C] ~ 1; s[n] += x[n,c] * w[c]; }' 'metric m;' 'a metric keeps nothing'
wrong 'op m(x[N,C], int t[N]) -> s[C] metric { s[c] += x[n,c]; }' 'metric m;' 'is of the form NAME'
wrong 'op m(x[N,C], int t[N]) -> s[N,2] metric { s[n,0] += x[n,c]; s[n,1] = 1; }
op m(s[N,K]) -> v[N] total { v[n] = q[n,0]; }' 'metric m;' '`q`'
[ $failed = 0 ] && echo "$n checks: all passed"
exit $failed
