#!/usr/bin/env python3
"""Writes a pickled data set as one flat file, for programs that read no pickles:
    python3 flatten.py ../emoji/emoji.pkl emoji.bin
Little-endian: int32 images, channels, height, width; then the images as uint8 in the order image,
channel, row, column; then one int32 label an image. Needs nothing but Python; runs no pickled code."""
import pickle
import struct
import sys


class Array:
    """What NumPy pickles: a shape, a type and raw bytes."""
    def __setstate__(self, state):
        _, self.shape, self.dtype, self.fortran, self.raw = state


class Dtype:
    def __init__(self, code, *_):
        self.code = code

    def __setstate__(self, state):
        pass


class Reader(pickle.Unpickler):
    known = {'_reconstruct': lambda *_: Array(), 'ndarray': Array, 'dtype': Dtype}

    def find_class(self, module, name):
        if module.split('.')[0] == 'numpy' and name in self.known:
            return self.known[name]
        raise pickle.UnpicklingError(f'{module}.{name} is not data')


def main():
    with open(sys.argv[1], 'rb') as f:
        d = Reader(f, encoding='latin1').load()
    images, labels = d['data'], d['labels']
    n, h, w, c = images.shape
    assert images.dtype.code == 'u1' and not images.fortran, 'uint8 images in N x H x W x C order'
    if isinstance(labels, Array):
        labels = struct.unpack(f'<{n}{ {"i8": "q", "i4": "i", "u1": "B"}[labels.dtype.code] }', labels.raw)
    with open(sys.argv[2], 'wb') as f:
        f.write(struct.pack('<4i', n, c, h, w))
        for i in range(n):
            pixels = images.raw[i * h * w * c:(i + 1) * h * w * c]
            for k in range(c):
                f.write(pixels[k::c])
        f.write(struct.pack(f'<{n}i', *labels))


main()
