"""Pictures of circles, squares and triangles on noise, each with its mask: shapes.py DIR N SIDE KIND.
KIND is palette (indices), binary (0 and 255, names with _mask), colour or many (every value)."""
import os, random, struct, sys, zlib

folder, n, side, kind = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
r = random.Random(folder)

def png(path, rows, colour_type, palette=b''):
    def chunk(name, data):
        return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))
    bytes_each = 3 if colour_type == 2 else 1
    head = struct.pack('>IIBBBBB', len(rows[0]) // bytes_each, len(rows), 8, colour_type, 0, 0, 0)
    with open(path, 'wb') as f:
        f.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + (chunk(b'PLTE', palette) if palette else b'') +
                chunk(b'IDAT', zlib.compress(b''.join(b'\0' + bytes(row) for row in rows))) + chunk(b'IEND', b''))

def inside(kind, y, x, size):
    if kind == 1: return x * x + y * y < size * size
    if kind == 2: return max(abs(x), abs(y)) < 0.8 * size
    return y < 0.8 * size and 1.5 * abs(x) < y + size

colours = [(0, 0, 0), (220, 90, 90), (90, 210, 90), (90, 90, 220)]
for name in ('images', 'masks'): os.makedirs(f'{folder}/{name}', exist_ok=True)
for i in range(n):
    image = [[r.randrange(90) for _ in range(3 * side)] for _ in range(side)]
    mask = [[0] * side for _ in range(side)]
    for _ in range(r.randint(1, 3)):
        shape, cy, cx, size = r.randint(1, 3), r.randrange(side), r.randrange(side), r.uniform(side / 8, side / 4)
        for y in range(side):
            for x in range(side):
                if not inside(shape, y - cy, x - cx, size): continue
                mask[y][x] = shape
                for c in range(3): image[y][3 * x + c] = min(255, max(0, colours[shape][c] + r.randint(-40, 40)))
    png(f'{folder}/images/p {i}.png', image, 2)
    if kind == 'palette': png(f'{folder}/masks/p {i}.png', mask, 3, bytes(c for k in colours for c in k))
    elif kind == 'binary': png(f'{folder}/masks/p {i}_mask.png', [[255 * (v > 0) for v in row] for row in mask], 0)
    elif kind == 'colour': png(f'{folder}/masks/p {i}.png', [[c for v in row for c in colours[v]] for row in mask], 2)
    else: png(f'{folder}/masks/p {i}.png',
              [[v for x in range(side) for v in (7 * x % 256, x % 256, y % 256)] for y in range(side)], 2)
