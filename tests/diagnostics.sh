#!/bin/sh
# --diagnostics=json: whatever command is wrong, and however, every message is one line of JSON with
# file, line, column, code, message and help; what is misspelt gets a suggestion, as text too.
cd "$(dirname "$0")/.." || exit 1
. tests/checks

# A line of `err` is JSON, with a code, and everything else there is none of netc's messages.
is_json() { # is_json CODE HELP ARGUMENTS...
  code=$1 help=$2; shift 2
  timeout 60 "$netc" "$@" --diagnostics=json >out 2>err </dev/null
  n=$((n + 1))
  grep -E '^netc|help: |^Try ' err | grep -v '^{' && { echo "FAILED: text of netc $*"; cat err; failed=1; }
  grep "\"code\":\"$code\"" err | grep -q "\"help\":$help" ||
    { echo "FAILED: no $code with help $help of netc $*:"; cat err; failed=1; }
}
some='"[^"]*"'

cat >table.csv <<'END'
width,height,kind
0.1,0.3,cat
0.9,0.2,dog
0.2,0.4,cat
0.8,0.1,dog
END
cat >small.net <<'END'
input 2; classes 2;
linear classes;
train { data "table.csv" target=kind; batch 2; epochs 1; split 0.5; }
END
sed 's/input 2/input 3/' small.net >wide.net
sed 's/table.csv/tabel.csv/' small.net >absent.net
sed 's/target=kind/target=knd/' small.net >column.net
echo 'include "smal.net";' >part.net

for command in train eval predict generate new summary fmt compare sweep lint check data pack build bench \
  export import runs draw explain cache lsp help version; do
  is_json E0803 "$some" $command --no-such-option
done
for command in train summary fmt compare sweep lint check build bench draw; do
  is_json 'E080[12]' "$some" $command smal.net
done
for command in summary lint check build; do
  is_json E0801 "$some" $command part.net
done
is_json E0803 "$some" tran small.net
is_json E0803 "$some" --tran
is_json E0803 "$some" train small.net --epochs x
is_json E0803 "$some" train
is_json E0803 "$some" explain E9999
is_json E0802 "$some" train wide.net
is_json E0802 "$some" train absent.net
is_json E0802 "$some" train column.net
is_json E0802 null runs /nothing
is_json W0801 "$some" build small.net --cpu=cortex-m3
"$netc" train small.net --plot --diagnostics=json 2>err | cat >out
says '^{"severity":"note".*"code":null'

# On a narrow terminal: folded between words, and no line is longer.
on_terminal() { # on_terminal COLUMNS ARGUMENTS: what the command shows, without colours
  COLUMNS=$1 script -qec "'$netc' $2" /dev/null </dev/null | tr '\r' '\n' | sed 's/\x1b\[[0-9;]*[a-zA-Z]//g' >out
}
printf 'input 3x32x32; classes 5; conv 8 k3; linear 5;\ntrain { data "%s/examples/emoji/emoji.pkl"; epochs 1; }\n' \
  "$root" >narrow.net
for columns in 60 80; do
  for command in "summary narrow.net" "summary --wide narrow.net" "data $root/examples/emoji/emoji.pkl" "lint narrow.net --split 60/20" \
    "train narrow.net --epochs 1 --split 60/20 -o in-columns --force" "train narrow.net --epochs 1 --lr 1 --lrr"; do
    on_terminal $columns "$command"
    awk -v most=$columns 'length > most { print "too long: " $0; bad = 1 } END { exit bad }' out
    ok "$command at $columns columns"
  done
done
printf 'input 3x32x32; classes 5; conv 8 k3 relu; maxpool 2; conv 16 k3 relu; gap; conv 8 strid=2 relu; linear classes;\n' >long.net
on_terminal 60 "lint long.net"
prints '^    1 | [.][.][.].*strid=2 relu.*'
awk '/strid=2/ && /\|/ { at = index($0, "strid") } /\^/ { ok = at && index($0, "^") == at } length > 60 { bad = 1 } END { exit bad || !ok }' out
ok "a long line is cut around the place, which is still underlined"
on_terminal 60 "lint narrow.net"; prints '^    [`a-z]'
"$netc" lint narrow.net 2>err; [ "$(grep -c 'out of balance.*each class too' err)" = 1 ]; ok "one line where there is no terminal"

# As text: one form, and suggestions for commands, options, files, columns.
exits 2 train --epocs 3 small.net
says '^netc: error: .*--epocs'
says '= help: did you mean `--epochs`?'
exits 2 train --no-such-option
says '= help: `netc train --help` lists the options'
exits 1 train smal.net
says '= help: did you mean `small.net`?'
exits 1 summary part.net
says 'did you mean `small.net`?'
exits 1 train absent.net
says 'did you mean `table.csv`?'
exits 1 train column.net
says 'did you mean `kind`?'
mkdir sub
cp absent.net sub/
exits 1 train sub/absent.net
says "relative to"

# What begins as elsewhere and never sees its `;`: the end of the file is told what was meant.
echo 'import torch.nn as nn' >habit.net
exits 1 summary habit.net
says '= help: `include "other.net";` takes in another file'
printf 'input 3x32x32;\nfor i in 3 { conv 8 k3; }\n' >habit.net
exits 1 summary habit.net
says '= help: `repeat 3 { .. }` writes its layers'

echo "$n checks of diagnostics: $([ $failed = 0 ] && echo passed || echo FAILED)"
exit $failed
