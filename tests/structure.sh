#!/bin/sh
# The rooms of the house: which folder may include which. docs/design.md says why.
cd "$(dirname "$0")/.." || exit 1
status=0

# Prints the includes of FOLDER that go beyond the ALLOWED folders: check FOLDER "ALLOWED ..".
check() {
  for f in compiler/"$1"/*.[chly]; do
    grep -Ho '^#include "[a-z_]*/[^"]*"' "$f" | while IFS= read -r line; do
      to=${line#*\"} to=${to%\"} room=${to%%/*}
      case " $1 $2 " in *" $room "*) continue ;; esac
      case "$f $to" in
      # The one list of scalar functions is everybody's.
      *" nest/scalar.def") continue ;;
      # Lowering is where the graph ends and the nests begin; gradients apply the optimizer so.
      compiler/passes/lower.c*|compiler/passes/instantiate.*|compiler/passes/operand.c*|compiler/passes/scan.c*|compiler/passes/grad.[ch]*|compiler/passes/update.c*)
        case $room in graph|lang) continue ;; esac ;;
      "compiler/product/object_embed.c runtime/embed/embed.h") continue ;;
      esac
      echo "$f includes $to: $1 may include only: $2"
    done
  done
}

wrong=$(
  check base ""
  check lang "base"
  check graph "base lang"
  check nest "base"
  check passes "base nest"
  check code "base nest"
  check product "base lang graph nest passes code"
  check import "base lang graph product"
)
[ "$wrong" ] && echo "$wrong" && status=1
long=$(find compiler runtime cli -name '*.[chly]' -exec awk 'length > 100 { print FILENAME ":" FNR ": longer than 100 columns" }' {} +)
[ "$long" ] && echo "$long" && status=1
# Every operator is held to PyTorch's figures somewhere (tests/test_pytorch.c); metrics,
# which no step comes from, are not among them.
for f in $(grep -L '^op .* metric' compiler/lang/ops/*.op); do
  word=${f##*/} word=${word%.op}
  grep -qw -- "$word" tests/golden/*/*.net || {
    echo "$f: no network in tests/golden has $word"
    status=1
  }
done
exit $status
