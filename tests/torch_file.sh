#!/bin/sh
# Weights as torch.save writes them. PYTHON: one that has torch and onnx.
cd "$(dirname "$0")/.." || exit 1
netc=$(cd "$(dirname "${NETC:-./netc}")" && pwd)/$(basename "${NETC:-./netc}")
python=${PYTHON:-python3}
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT

# A file of PyTorch's is not a model of ONNX's: import says which one is.
printf 'PK\003\004 and more' >"$tmp/m.pt"
"$netc" import "$tmp/m.pt" -o "$tmp/m.net" 2>"$tmp/err"
[ $? -eq 1 ] && grep -q 'torch.onnx.export' "$tmp/err" ||
  { echo "FAILED: import of a .pt file"; cat "$tmp/err"; exit 1; }

"$python" -c 'import numpy, onnx, torch' 2>/dev/null ||
  { echo "skipped: $python has no torch and onnx"; exit 77; }
NETC=$netc "$python" tests/torch_file.py
