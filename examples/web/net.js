// A network that netc compiled to WebAssembly: NAME.wasm, with the sizes from NAME.h beside it.
export class Network {
  static async load(name) {
    const header = await (await fetch(`${name}.h`)).text();
    const wasm = await WebAssembly.instantiateStreaming(fetch(`${name}.wasm`), {});
    return new Network(name, header, wasm.instance.exports);
  }

  constructor(name, header, exports) {
    this.exports = exports;
    this.name = name;
    this.size = {};
    const constants = new RegExp(`${name.toUpperCase()}_(\\w+) = (\\d+)`, 'g');
    for (const [, key, value] of header.matchAll(constants)) this.size[key] = Number(value);
    // The object allocates nothing: its blocks lie one after the other, from the end of its constants.
    this.top = (exports.__heap_base.value + 63) & ~63;
    const s = this.size;
    this.params = this.block(s.PARAMS_BYTES);
    this.state = this.block(s.STATE_BYTES);
    this.work = this.block(Math.max(s.INFER_BYTES, s.TRAIN_BYTES));
    this.xAt = this.block(4 * s.BATCH * s.INPUT);
    this.yAt = this.block(4 * s.BATCH * s.CLASSES);
    this.labelsAt = this.block(4 * s.BATCH);
    const memory = exports.memory.buffer;
    this.x = new Float32Array(memory, this.xAt, s.BATCH * s.INPUT);
    this.y = new Float32Array(memory, this.yAt, s.BATCH * s.CLASSES);
    this.labels = new Int32Array(memory, this.labelsAt, s.BATCH);
    this.steps = 0n;
  }

  block(bytes) {
    const at = this.top;
    this.top += (bytes + 63) & ~63;
    const missing = this.top - this.exports.memory.buffer.byteLength;
    if (missing > 0) this.exports.memory.grow(Math.ceil(missing / 65536));
    return at;
  }

  start(seed) {
    this.exports[`${this.name}_init`](this.params, BigInt(seed));
    new Uint8Array(this.exports.memory.buffer, this.state, this.size.STATE_BYTES).fill(0);
    this.steps = 0n;
  }

  // x -> y
  infer() {
    this.exports[`${this.name}_infer`](this.params, this.xAt, this.yAt, this.work);
    return this.y;
  }

  // One step on x and labels; the mean loss before it.
  train(rate) {
    return this.exports[`${this.name}_train`](this.params, this.state, this.xAt, this.labelsAt, rate,
                                              this.steps++, this.work);
  }
}

export function softmax(y) {
  const most = Math.max(...y), e = Array.from(y, v => Math.exp(v - most));
  const sum = e.reduce((a, b) => a + b);
  return e.map(v => v / sum);
}

// The flat file of flatten.py.
export async function loadImages(url) {
  const bytes = await (await fetch(url)).arrayBuffer();
  const [n, c, h, w] = new Int32Array(bytes, 0, 4), size = c * h * w;
  return {n, c, h, w, size, pixels: new Uint8Array(bytes, 16, n * size),
          labels: new Int32Array(bytes.slice(16 + n * size))};
}
