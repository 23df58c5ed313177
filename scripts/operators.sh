#!/bin/sh
# Writes docs/operators.md from the comments and signatures of compiler/lang/ops/*.op.
cd "$(dirname "$0")/.." || exit 1
cat <<'END'
# Operators

Made by `scripts/operators.sh` from the files in [compiler/lang/ops](../compiler/lang/ops), whose text is the whole definition. A
signature shows the inputs, the settings with their defaults, and the rule for the shape: N is the batch, H, W and C
are height, width and channels; a `pair` is written `3` or `3x5` (height x width). In a network, `s=2` may be written `s2`.
END
section() { # section TITLE KIND
  printf '\n## %s\n' "$1"
  for f in compiler/lang/ops/*.op; do
    awk -v kind="$2" -v file="$f" '
      function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
      /^#/ && !body { sub(/^# ?/, ""); doc = doc (doc ? "\n" : "") $0; next }
      !body && /^op / { signature = trim($0); sub(/^op /, "", signature); name = signature; sub(/\(.*/, "", name) }
      !body && !/^op / && signature { signature = signature " " trim($0) }
      !body && /\{$/ { body = 1; next }
      /^ *param / { s = trim($0); sub(/^param /, "", s); sub(/;.*/, "", s); weights = weights "\n- `" s "`" }
      END {
        is = signature ~ / loss (default |binary |shares )?\{$/ ? "loss" : signature ~ / optimizer (default )?\{$/ ? "optimizer" : signature ~ / metric (rises )?\{$/ ? "metric" : "layer"
        if (is != kind) exit
        sub(/ *(loss |optimizer |metric |rises |default |binary |shares |folds )*\{$/, "", signature)
        gsub(/ as "[^"]*"| weights "[^"]*"/, "", signature)
        printf "\n### [%s](../%s)\n\n```\n%s\n```\n\n%s\n", name, file, signature, doc
        if (weights) printf "\nWeights:\n%s\n", weights
      }' "$f"
  done
}
section Layers layer
section Losses loss
section Metrics metric
section Optimizers optimizer
