#!/bin/sh
# No operator's name stands in the compiler's C, scanner or grammar: adding one is adding a file.
cd "$(dirname "$0")/.." || exit 1
status=0
for f in compiler/lang/ops/*.op; do
  name=$(basename "$f" .op)
  case $name in
  # Also words of the field, of C, of ONNX's node types or of the commands.
  abs|add|mul|sub|div|neg|not|log|exp|sqrt|sin|cos|tan|erf|max|min|floor|ceil|round|sign|pow|sum|mean|sigmoid|tanh|where|\
  reduce|pad|clip|scale|position|sequence|slice|transpose|flatten|concat|linear|normalize|identity|dense) continue ;;
  esac
  hits=$(grep -nE "[\"\`]$name[\"\`]" compiler/lang/*.[chly] compiler/graph/*.[ch] compiler/passes/*.[ch] \
    compiler/nest/*.[ch] compiler/code/*.[ch] compiler/product/*.[ch] | grep -vE '^[^:]*:[0-9]+: *(/\*|\*)|for example|as in')
  [ "$hits" ] && echo "$hits" && status=1
done
for word in add mul concat; do
  grep -nE "\"$word\"|\\b$word\\|" compiler/lang/lex.l compiler/lang/parse.y compiler/lang/fmt.c compiler/graph/*.c && status=1
done
exit $status
