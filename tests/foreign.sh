#!/bin/sh
# Words of other tools: every line of foreign.def is told as netc's word, where such a word stands.
cd "$(dirname "$0")/.." || exit 1
. tests/checks
sed -n 's/^FOREIGN("\(.*\)", "\(.*\)")$/\1 \2/p' "$root/compiler/graph/foreign.def" >words
[ "$(wc -l <words)" -ge 40 ] || { echo "FAILED: too few words"; failed=1; }
cut -d' ' -f1 words | sort | uniq -d | grep . && { echo "FAILED: words given twice"; failed=1; }

# A network with the word in every place where one may stand.
while read -r word ours; do
  n=$((n + 1))
  cat >word.net <<END
input 3x8x8;
$word 3;
conv 8 k3 $word=3;
conv 8 $word=3;
dropout $word=3;
layernorm $word=3;
leaky_relu $word=3;
attention $word=3;
concat {} {} $word=3;
linear 5;
train { $word 3; optimizer $word; loss $word; }
END
  sed 's/optimizer .*/optimizer adamw '"$word"'=3; loss cross_entropy '"$word"'=3; }/' word.net >other.net
  for f in word.net other.net; do "$netc" summary $f; done >out 2>&1
  grep "help:" out | grep -q -e "\`$ours\`" -e "\`$ours[0-9]" || { echo "FAILED: $word is not told as $ours"; failed=1; }
done <words
# Settings that netc says in another way: each is told so.
sed -n 's/^HABIT("\([^"]*\)", "\(.*\)")$/\1 \2/p' "$root/compiler/graph/habits.def" >habits
[ "$(wc -l <habits)" -ge 15 ] || { echo "FAILED: too few habits"; failed=1; }
while read -r word help; do
  n=$((n + 1))
  echo "input 3x8x8; conv 8 k3 $word=1; linear 5;" >word.net
  "$netc" summary word.net 2>&1 | grep -qF "$help" || { echo "FAILED: $word is not told"; failed=1; }
done <habits
echo "$n words of other tools: $([ $failed = 0 ] && echo passed || echo FAILED)"
exit $failed
