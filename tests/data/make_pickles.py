"""Writes the pickles and archives that tests/test_dataset.c reads: python3 make_pickles.py

Every file in same/ holds the same four images (5 x 6, RGB) and labels in another form, so that
the test can ask for the same content hash of all. Needs NumPy (2.x writes the newer names; the
older ones are made by renaming the module). Python 2's pickles come from make_pickles_py2.py.
"""
import collections
import os
import pickle
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "pickles")

images = (np.arange(4 * 5 * 6 * 3) * 7 % 251).astype(np.uint8).reshape(4, 5, 6, 3)
labels = np.array([0, 2, 1, 2])
names = ["ant", "bee", "cat"]


class OldNames(pickle._Pickler):
    """Writes numpy.core where NumPy 2 says numpy._core."""

    def save_global(self, obj, name=None):
        module = getattr(obj, "__module__", None) or ""
        if not module.startswith("numpy._core"):
            return super().save_global(obj, name)
        module = module.replace("numpy._core", "numpy.core")
        if self.proto >= 4:
            self.save(module)
            self.save(obj.__name__)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + f"{module}\n{obj.__name__}\n".encode())
        self.memoize(obj)

    dispatch = dict(pickle._Pickler.dispatch)
    dispatch[type(save_global)] = save_global


def dump(file, value, protocol=4, pickler=pickle.Pickler):
    with open(os.path.join(OUT, file + ".pkl"), "wb") as f:
        pickler(f, protocol).dump(value)


def whole(**changes):
    value = {"data": images, "labels": labels, "label_names": names,
             "filenames": ["a.png", "b.png", "c.png", "d.png"]}
    value.update(changes)
    return value


def same():
    """The same data, byte for byte, in every form that netc reads."""
    for protocol in range(6):
        dump(f"same-numpy2-p{protocol}", whole(), protocol)
        dump(f"same-numpy1-p{protocol}", whole(), protocol, OldNames)
        dump(f"same-fortran-p{protocol}", whole(data=np.asfortranarray(images)), protocol)
        dump(f"same-lists-p{protocol}",
             whole(data=images.tolist(), labels=labels.tolist()), protocol)
    dump("same-axes-p5", whole(data=np.ascontiguousarray(images.transpose(1, 3, 0, 2))
                               .transpose(2, 0, 3, 1)), 5)
    dump("same-nchw", whole(data=np.ascontiguousarray(images.transpose(0, 3, 1, 2))))
    dump("same-readonly-p5", whole(data=np.frombuffer(images.tobytes(), np.uint8)
                                   .reshape(images.shape)), 5)
    dump("same-int64", whole(data=images.astype(np.int64)))
    dump("same-int16-big-endian", whole(data=images.astype(">i2"), labels=labels.astype(">i4")))
    dump("same-uint8-labels", whole(labels=labels.astype(np.uint8)))
    dump("same-column-labels", whole(labels=labels.reshape(-1, 1)))
    dump("same-scalars-p2", whole(labels=list(labels)), 2)
    dump("same-scalars-p4", whole(labels=[np.int32(v) for v in labels]))
    dump("same-tuple-labels", whole(labels=tuple(int(v) for v in labels)))
    dump("same-list-of-arrays", whole(data=list(images)))
    objects = np.empty(4, object)
    objects[:] = list(images)
    dump("same-objects", whole(data=objects, label_names=np.array(names, object)))
    dump("same-string-arrays", whole(label_names=np.array(names),
                                     filenames=np.array([b"a.png", b"b.png", b"c.png", b"d.png"])))
    dump("same-ordered", collections.OrderedDict(whole()), 2)
    dump("same-bytes-keys", {k.encode(): v for k, v in whole().items()}, 2)
    dump("same-other-keys", {"X": images, "y": labels, "class_names": names, "notes": None,
                             "mean": 0.5, "big": 1 << 80, "tags": {"a", "b"}, "f": frozenset([1]),
                             "raw": b"\x00\xff" * 3, "mutable": bytearray(b"abc"), "empty": {},
                             "nested": {"deep": [(1, 2), (3,), ()]}, "text": "caf\u00e9 \u2708"}, 0)
    dump("same-pair", (images, labels))
    dump("same-train-test", {"x_train": images[:3], "y_train": labels[:3],
                             "x_test": images[3:], "y_test": labels[3:]})
    np.savez(os.path.join(OUT, "same-npz.npz"), data=images, labels=labels,
             label_names=np.array(names))
    np.savez_compressed(os.path.join(OUT, "same-npz-compressed.npz"), images=images,
                        targets=labels, label_names=np.array(names, object))
    np.savez(os.path.join(OUT, "same-npz-fortran.npz"), x=np.asfortranarray(images),
             y=labels.astype(">i8"))


def floats():
    """Pixels divided by 256, which every float type holds exactly."""
    scaled = images / 256
    for kind in ("<f2", "<f4", "<f8", ">f4", ">f8"):
        dump("float-" + kind[1:] + ("-big" if kind[0] == ">" else ""),
             whole(data=scaled.astype(kind)))
    dump("float-lists", whole(data=scaled.tolist()), 2)
    dump("float-lists-p0", whole(data=scaled.tolist()), 0)


def wrong():
    """Each has one mistake; tests/test_dataset.c knows what netc says to each."""
    dump("wrong-negative", whole(labels=np.array([0, 1, -1, 2])))
    dump("wrong-beyond-names", whole(labels=np.array([0, 1, 3, 2])))
    dump("wrong-lengths", whole(labels=labels[:3]))
    dump("wrong-float-labels", whole(labels=labels + 0.5))
    dump("wrong-one-hot", whole(labels=np.eye(3, dtype=np.int64)[labels]))
    dump("wrong-string-labels", whole(labels=["a", "b", "c", "d"]))
    dump("wrong-no-images", whole(data=images[:0], labels=labels[:0]))
    dump("wrong-complex", whole(data=images * 1j))
    dump("wrong-pixel", whole(data=images.astype(np.int32) * 2))
    dump("wrong-nan", whole(data=np.where(images == 7, np.nan, images)))
    dump("wrong-ragged", whole(data=images.tolist()[:3] + [[[[1, 2, 3]]]]))
    dump("wrong-ambiguous", {"data": images, "images": images, "labels": labels})
    dump("wrong-no-labels", {"data": images, "who": "me"})
    dump("wrong-layout", whole(data=images[:, :3, :3, :]))
    dump("wrong-flat", whole(data=images.reshape(4, -1)))
    dump("wrong-array", images)
    dump("wrong-text", "hello")
    np.save(os.path.join(OUT, "wrong-npy.npy"), images)


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    print("NumPy", np.__version__, "Python", sys.version.split()[0])
    same()
    floats()
    wrong()
