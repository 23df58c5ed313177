#!/usr/bin/env python3
"""Loads weights that netc trained into the same network in PyTorch, and compares the answers.

    netc train models/emoji.net -o runs/emoji
    python3 examples/pytorch_load.py runs/emoji/last.safetensors

The tensors carry PyTorch's names and layouts, so load_state_dict takes them as they are. The
logits are compared up to the constant that softmax does not see, by the logarithms of the
probabilities that `netc predict` prints, and the loss by that of `netc eval`. Needs torch and
numpy, no more; netc is taken from the checkout, or from --netc.
"""
import argparse
import json
import pathlib
import pickle
import struct
import subprocess
import sys
import tempfile
import zlib
from collections import OrderedDict

import numpy as np
import torch
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOLERANCE = 1e-5

# models/emoji.net, its layers named as netc names them
emoji = nn.Sequential(OrderedDict(
    conv1=nn.Conv2d(3, 32, 3, stride=2, padding=1), relu1=nn.ReLU(), pool1=nn.MaxPool2d(2),
    conv2=nn.Conv2d(32, 64, 3, padding=1), relu2=nn.ReLU(),
    flatten=nn.Flatten(), fc1=nn.Linear(4096, 256), relu3=nn.ReLU(), fc2=nn.Linear(256, 5)))


def read_safetensors(path):
    """The whole format: the header's length, the header in JSON, the numbers."""
    blob = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", blob)
    header, numbers = json.loads(blob[8:8 + length]), blob[8 + length:]
    tensors = {}
    for name, t in header.items():
        if name != "__metadata__":
            first, end = t["data_offsets"]
            array = np.frombuffer(numbers[first:end], {"F32": "<f4", "I64": "<i8"}[t["dtype"]])
            tensors[name] = torch.from_numpy(array.reshape(t["shape"]).copy())
    return tensors


def write_png(path, image):
    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    height, width, _ = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    path.write_bytes(b"\x89PNG\r\n\x1a\n"
                     + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def netc_says(netc, *arguments):
    out = subprocess.run([netc, *map(str, arguments), "--json"], check=True, capture_output=True)
    return json.loads(out.stdout)


def netc_log_probabilities(netc, weights, images):
    """One row an image, one column a class."""
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder) / f"{i:04}.png" for i in range(len(images))]
        for file, image in zip(files, images):
            write_png(file, image)
        said = netc_says(netc, "predict", ROOT / "models/emoji.net", "--weights", weights,
                         "--top", 5, *files)
    rows = np.empty((len(images), 5))
    for row, answer in zip(rows, said["images"]):
        for top in answer["top"]:
            row[top["class"]] = np.log(top["probability"])
    return torch.from_numpy(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("weights", help="last.safetensors or best.safetensors of models/emoji.net")
    parser.add_argument("--netc", default=ROOT / "netc")
    options = parser.parse_args()

    data_set = ROOT / "examples/emoji/emoji.pkl"
    with open(data_set, "rb") as f:
        data = pickle.load(f)
    images, labels = data["data"], torch.from_numpy(data["labels"])

    emoji.load_state_dict(read_safetensors(options.weights))  # in float; then exact in double
    with torch.no_grad():
        logits = emoji.double()(torch.from_numpy(images).permute(0, 3, 1, 2).double() / 255)
    loss = nn.functional.cross_entropy(logits, labels).item()
    accuracy = (logits.argmax(1) == labels).double().mean().item()

    theirs = netc_says(options.netc, "eval", ROOT / "models/emoji.net", "--weights",
                       options.weights, "--data", data_set)
    some = slice(0, len(images), 10)
    log_p = netc_log_probabilities(options.netc, options.weights, images[some])
    # A probability below 1e-30 may be rounded to nothing on its way through softmax.
    seen = log_p > np.log(1e-30)
    want = logits[some].log_softmax(1)
    worst = ((log_p - want).abs() / want.abs().clamp(min=1))[seen].max().item()

    print(f"PyTorch: loss {loss:.6f}, accuracy {accuracy:.4f} over {len(images)} images")
    print(f"netc:    loss {theirs['loss']:.6f}, accuracy {theirs['accuracy']:.4f}")
    print(f"largest difference of a logit over {len(log_p)} images: {worst:.1e} "
          "(relative, where a logit is above 1)")
    same = worst < TOLERANCE and abs(loss - theirs["loss"]) < TOLERANCE
    print("the same" if same else f"NOT the same to {TOLERANCE:g}")
    sys.exit(not same)


if __name__ == "__main__":
    main()
