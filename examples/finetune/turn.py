"""Turns pictures by 0, 90, 180 and 270 degrees, and asks by how much: a task that needs no labels.

  python3 turn.py ../emoji/emoji.pkl turned.npz

Only Python itself is needed. The first 800 pictures of emoji.pkl, which are to be learnt from, are
turned; the others are left for the task proper."""
import io, pickle, struct, sys, zipfile

N, SIDE = 800, 32


class Array:
    """What NumPy would make of its part of a pickle: the bytes, and no more."""

    def __setstate__(self, state):
        self.shape, self.bytes = state[1], state[4]


class Reader(pickle.Unpickler):
    def find_class(self, module, name):
        if name == "_reconstruct":
            return lambda *_: Array()
        return (lambda *_: Array()) if name in ("dtype", "ndarray") else super().find_class(module, name)


def quarter(rows):
    return [list(row) for row in zip(*rows[::-1])]


def npy(kind, shape, data):
    head = "{'descr': '%s', 'fortran_order': False, 'shape': %r, }" % (kind, shape)
    head += " " * (-(len(head) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + data


def main(source, target):
    pixels = Reader(open(source, "rb")).load()["data"].bytes
    size, x, y = SIDE * SIDE * 3, io.BytesIO(), []
    for i in range(N):
        picture = pixels[i * size : (i + 1) * size]
        rows = [[picture[3 * (r * SIDE + c) :][:3] for c in range(SIDE)] for r in range(SIDE)]
        for turn in range(4):
            x.write(b"".join(b"".join(row) for row in rows))
            y.append(turn)
            rows = quarter(rows)
    with zipfile.ZipFile(target, "w") as z:
        z.writestr("x.npy", npy("|u1", (4 * N, SIDE, SIDE, 3), x.getvalue()))
        z.writestr("y.npy", npy("<i8", (4 * N,), struct.pack("<%dq" % len(y), *y)))


main(*sys.argv[1:])
