"""Python 2's pickles of arrays, and a CIFAR-10 folder in small: python2 make_pickles_py2.py

Stand-ins named like NumPy's classes reduce to what NumPy 1.x for Python 2 wrote, so that no NumPy
is needed; the pickler is Python 2's own.
"""
import cPickle
import os
import pickle
import sys
import types

HERE = os.path.dirname(os.path.abspath(__file__))


def module(name):
    sys.modules[name] = types.ModuleType(name)
    return sys.modules[name]


numpy = module("numpy")
numpy.core = module("numpy.core")
numpy.core.multiarray = module("numpy.core.multiarray")


def _reconstruct(kind, shape, letter):
    raise NotImplementedError


class dtype(object):
    def __init__(self, name, order):
        self.name, self.order = name, order

    def __reduce__(self):
        return dtype, (self.name, 0, 1), (3, self.order, None, None, None, -1, -1, 0)


class ndarray(object):
    def __init__(self, kind, shape, data):
        self.state = (1, shape, kind, False, data)

    def __reduce__(self):
        return _reconstruct, (ndarray, (0,), "b"), self.state


for thing, home in ((_reconstruct, "numpy.core.multiarray"), (dtype, "numpy"), (ndarray, "numpy")):
    thing.__module__ = home
    setattr(sys.modules[home], thing.__name__, thing)

u1 = dtype("u1", "|")
pixels = "".join(chr(i * 7 % 251) for i in range(4 * 5 * 6 * 3))


def small():
    import struct
    data = ndarray(u1, (4, 5, 6, 3), pixels)
    labels = ndarray(dtype("i8", "<"), (4,), struct.pack("<4q", 0, 2, 1, 2))
    value = {"data": data, "labels": labels, "label_names": ["ant", "bee", "cat"]}
    for protocol in range(3):
        for name, dump in (("pickle", pickle.dump), ("cPickle", cPickle.dump)):
            path = os.path.join(HERE, "pickles", "same-python2-%s-p%d.pkl" % (name, protocol))
            with open(path, "wb") as f:
                dump(value, f, protocol)


def cifar():
    """One image a batch: a constant of its own, so that order can be tested."""
    folder = os.path.join(HERE, "cifar10")
    batches = ["data_batch_%d" % i for i in range(1, 6)] + ["test_batch"]
    for i, name in enumerate(batches):
        value = {"batch_label": "batch %d" % i, "labels": [i], "filenames": ["%d.png" % i],
                 "data": ndarray(u1, (1, 3072), chr(10 * i) * 3072)}
        with open(os.path.join(folder, name), "wb") as f:
            cPickle.dump(value, f, 2)
    with open(os.path.join(folder, "batches.meta"), "wb") as f:
        cPickle.dump({"num_cases_per_batch": 1, "num_vis": 3072,
                      "label_names": "airplane automobile bird cat deer dog frog horse ship truck"
                      .split()}, f, 0)


small()
cifar()
