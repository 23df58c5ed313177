#!/bin/sh
# Forecasting from a table: windows of its rows, from `netc new` to the forecast of what comes next.
cd "$(dirname "$0")/.." || exit 1
. tests/checks

awk 'BEGIN { srand(1); print "date,temp,load"; for (i = 0; i < 600; i++) {
  day = int(i / 24); h = i % 24; t = 15 + 8 * sin((h - 8) / 24 * 6.28318) + rand();
  printf "%d.%d.2024 %02d:00,%.2f,%.1f\n", day % 28 + 1, int(day / 28) + 1, h, t,
    3000 + 500 * sin((h - 6) / 24 * 6.28318) + 15 * t + 20 * rand() } }' > load.csv
exits 0 new load.csv -o load.net; says 'follow one another in time'
grep -q 'input 2x24; target 1;' load.net; ok 'the window that netc new proposes'
grep -q 'drop={"date"} horizon=1' load.net; ok 'its date is dropped'
exits 0 train load.net -o load
awk -F, 'END { exit !($8 > 0.95 || $7 > 0.95 || $9 > 0.95) }' load/metrics.csv; ok 'the series is not learned'
(head -1 load.csv; tail -25 load.csv) > recent.csv
exits 0 predict load recent.csv
[ "$(awk 'NF == 2 && $1 ~ /^[0-9]+$/ { printf "%s ", $1 }' out)" = '25 26 ' ]; ok 'the rows that are told'
# The first of them is known: row 25 of 25, from the 24 before it.
awk -v want="$(tail -1 recent.csv | cut -d, -f3)" '$1 == 25 { d = $2 - want; exit !(d < 150 && d > -150) }' out
ok 'the forecast is far from what was'
exits 0 eval load --part val; prints '^119 samples\|^120 samples'
head -20 recent.csv > short.csv
exits 1 predict load short.csv; says 'it has 19 rows, and a window of the network takes 24'
cut -d, -f1,2 recent.csv > without.csv
exits 1 predict load without.csv; says 'no column `load`'

# Several steps, each judged for itself; several columns; the split of a run is found again.
sed 's/target 1/target 6/; s/linear 1;/linear 6;/; s/epochs 200/epochs 3/' load.net > six.net
exits 0 train six.net -o six --split 0.7/0.2/0.1
exits 0 eval six --part test; prints '^55 samples'; prints '^ *6 '
exits 0 eval six --part val --json; prints '"outputs"'
exits 0 predict six recent.csv; prints 'y6'
cat > both.net <<END
input 2x12; target 2x3;
linear 16 relu; linear 6; reshape 2x3;
train { data "load.csv" target={temp load} drop={date} horizon=2; normalize; batch 32; epochs 1; seed 1; lr 0.01; optimizer adam; }
END
exits 0 train both.net -o both
# Lists of columns are no alternatives to sweep, beside those that are.
sed 's/lr 0.01/lr {0.01 0.001}/; s/drop={date}/drop={date "date"}/' both.net > list.net
exits 0 sweep list.net --seeds 1 -o list; prints 'lr=0.001'
grep -q 'data=' out; [ $? -ne 0 ]; ok 'columns are swept over'
# Words: one-hot columns, and as classes to come.
awk -F, 'NR == 1 { print "load,sky" } NR > 1 { print $3 "," (NR % 24 < 12 ? "dark" : "light") }' load.csv > sky.csv
cat > sky.net <<END
input 3x24; classes 2;
linear 16 relu; linear classes;
train { data "sky.csv" target=sky horizon=5; normalize; batch 32; epochs 8; seed 1; lr 0.01; }
END
exits 0 train sky.net -o sky; exits 0 eval sky; prints 'light'
exits 0 predict sky sky.csv; prints ' dark'

# One column is a series, if somebody says so.
cut -d, -f3 load.csv > one.csv
exits 1 new one.csv; says 'new --window 24'
exits 0 new one.csv --window 12 -o one.net; grep -q 'input 1x12' one.net; ok 'a series of one column'
exits 0 train one.net --epochs 1 -o one
exits 0 new load.csv --window 0; prints 'input 1; target 1;'
exits 0 new load.csv --window 8 --horizon 3; prints 'horizon=3'

# What does not fit is said with what to write.
run() { exits 1 train x.net -o x; }
sed 's/ horizon=1//' load.net > x.net; run; says '`horizon=1` in `data` takes windows of 24 rows'
sed 's/input 2x24/input 3x24/' load.net > x.net; run; says 'write `input 2x24;`'
sed 's/ drop={"date"}//' load.net > x.net; run; says '`date` has 600 different words'; says 'drop={"date"}'
sed 's/2x24/2x700/' load.net > x.net; run; says 'it has 600 rows, and a window of the network takes 700'
sed 's/horizon=1/horizon=1000/' load.net > x.net; run; says 'and 1000 more are told of it'
sed 's/horizon=1/horizon=-1/' load.net > x.net; run; says 'a whole number from 0'
sed 's/split 0.8/split 0.99/; s/target 1/target 12/; s/linear 1;/linear 12;/' load.net > x.net; run; says 'too short to be split'
sed 's/split 0.8/split 590\/30/' load.net > x.net; run; says 'needs more samples than there are'
echo "$n checks passed"
exit $failed
