// netc's front end in the page (front.wasm, see front.c): what a network's text says.
// Of WASI it needs output alone; a page has no files, so that every `include` is an error.
const EBADF = 8, NOTHING = 0;

export class Front {
  static async load(url = 'front.wasm') {
    const front = new Front();
    const wasi = new Proxy({}, {get: (_, name) => front[name] ? front[name].bind(front) : () => EBADF});
    const bytes = await (await fetch(url)).arrayBuffer();
    front.module = await WebAssembly.compile(bytes);
    front.imports = {wasi_snapshot_preview1: wasi};
    return front;
  }

  // {layers: [{name, line, shape, params, macs}] or null, message: what netc says on a terminal}; with memory
  // also, in some ten times the time, {inference, training: {batch, params, rest}} in bytes.
  async describe(text, memory = false) {
    // Of a text that netc cannot take, nothing is left over: each has a module of its own.
    this.wasm = (await WebAssembly.instantiate(this.module, this.imports)).exports;
    this.written = ['', '', ''];
    const bytes = new TextEncoder().encode(text);
    try {
      this.wasm._initialize();
      const at = this.wasm.room(bytes.length);
      new Uint8Array(this.wasm.memory.buffer, at, bytes.length).set(bytes);
      this.wasm.describe(at, memory);
    } catch (e) {
      return {layers: null, message: this.written[2] || `the front end stopped: ${e.message}`};
    }
    return {layers: null, ...JSON.parse(this.written[1] || "{}"), message: this.written[2]};
  }

  fd_write(fd, vectors, n, written) {
    const view = new DataView(this.wasm.memory.buffer), decoder = new TextDecoder();
    let total = 0;
    for (let i = 0; i < n; i++) {
      const at = view.getUint32(vectors + 8 * i, true), size = view.getUint32(vectors + 8 * i + 4, true);
      this.written[fd] += decoder.decode(new Uint8Array(this.wasm.memory.buffer, at, size), {stream: true});
      total += size;
    }
    view.setUint32(written, total, true);
    return NOTHING;
  }

  environ_sizes_get(count, size) {
    const view = new DataView(this.wasm.memory.buffer);
    view.setUint32(count, 0, true);
    view.setUint32(size, 0, true);
    return NOTHING;
  }
  environ_get() { return NOTHING; }
  fd_fdstat_get() { return NOTHING; }
  proc_exit(status) { throw new Error(`status ${status}`); }
}
