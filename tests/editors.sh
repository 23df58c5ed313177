#!/bin/sh
# The grammars of Vim and Visual Studio Code know the words that the compiler's scanner knows.
cd "$(dirname "$0")/.." || exit 1
status=0
lexer=compiler/lang/lex.l
words=$({
  sed -n '/^%%/,/^%%/s/^\([a-z][a-z]*\)[ /].*return.*/\1/p' $lexer
  sed -n '/op_words\[\] = {/,/};/p' $lexer | grep -o '{"[a-z]*"' | tr -d '{"'
  sed -n 's/^WORD(LSP_IN_FILE, "", "\([a-z]*\)".*/\1/p' cli/lsp_words.def
  echo scan
} | sort -u)
[ "$(echo "$words" | wc -l)" -ge 25 ] || { echo "FAILED: only these words: $words"; status=1; }
vim=$(sed -n 's/^syn keyword netcStatement//p' examples/editors/vim/syntax/netc.vim | tr -s ' ' '\n')
code=$(grep -o '(input|[a-z|]*)' examples/editors/vscode/syntaxes/netc.tmLanguage.json | tr '(|)' '\n\n\n')
tree=$(sed -n 's/^WORD(LSP_IN_[A-Z]*, "[a-z]*", "\([a-z]*\)".*/\1/p' cli/lsp_words.def)
for w in $words; do
  echo "$vim" | grep -qx "$w" || { echo "FAILED: Vim's grammar does not know $w"; status=1; }
  echo "$code" | grep -qx "$w" || { echo "FAILED: Visual Studio Code's does not know $w"; status=1; }
  [ "$w" = scan ] || echo "$tree" | grep -qx "$w" || { echo "FAILED: netc lsp does not know $w"; status=1; }
done
for w in $vim $code; do
  echo "$words" | grep -qx "$w" || { echo "FAILED: $w is no word of the language"; status=1; }
done
# The words of `train` are coloured as well, where a statement begins.
settings=$(sed -n 's/^WORD(LSP_IN_TRAIN, "", "\([a-z]*\)".*/\1/p' cli/lsp_words.def)
for w in $settings; do
  grep -q "netcTraining.*[(|]$w\\\\[|)]" examples/editors/vim/syntax/netc.vim &&
    grep -q "[(|]$w[|)]" examples/editors/vscode/syntaxes/netc.tmLanguage.json ||
    { echo "FAILED: the grammars do not know the setting $w"; status=1; }
done
[ $status -eq 0 ] && echo "ok   editors"
exit $status
