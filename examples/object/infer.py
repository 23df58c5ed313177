#!/usr/bin/env python3
"""Runs a network from Python, with nothing but ctypes:
    netc build --emit=shared --weights=runs/emoji/best.safetensors -o libemoji.so ../../models/emoji.net
    python3 infer.py ./libemoji.so emoji.bin 0 500 900
(emoji.bin is written by flatten.py). Prints each image's class and label."""
import ctypes
import re
import struct
import sys

library, data, wanted = sys.argv[1], sys.argv[2], [int(a) for a in sys.argv[3:]]
with open(library.removesuffix('.so') + '.h') as f:  # the header stands beside the library
    size = {k: int(v) for k, v in re.findall(r'EMOJI_(\w+) = (\d+)', f.read())}
net = ctypes.CDLL(library)
net.emoji_infer.argtypes = [ctypes.c_void_p] * 4
net.emoji_infer.restype = None
work = ctypes.create_string_buffer(size['INFER_BYTES'] + 64)
aligned = (ctypes.addressof(work) + 63) & ~63
y = (ctypes.c_float * size['CLASSES'])()

with open(data, 'rb') as f:
    n, c, h, w = struct.unpack('<4i', f.read(16))
    pixels, labels = f.read(n * c * h * w), struct.unpack(f'<{n}i', f.read(4 * n))
for i in wanted:
    image = pixels[i * size['INPUT']:(i + 1) * size['INPUT']]
    x = (ctypes.c_float * size['INPUT'])(*(p / 255 for p in image))
    net.emoji_infer(None, x, y, aligned)  # None: the weights are inside
    print(f'image {i}: class {max(range(len(y)), key=lambda k: y[k])}, labelled {labels[i]}')
