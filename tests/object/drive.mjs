// What drive.c does, for the WebAssembly object: node drive.mjs net.wasm net.h
import { readFileSync } from 'node:fs';
const [, , wasmFile, headerFile] = process.argv;
const STEPS = 25;
const size = {};
for (const [, name, value] of readFileSync(headerFile, 'utf8').matchAll(/NET_(\w+) = (\d+)/g))
  size[name] = Number(value);

const { instance } = await WebAssembly.instantiate(readFileSync(wasmFile), {});
const net = instance.exports, memory = net.memory;
let top = (net.__heap_base.value + 63) & ~63;
function block(bytes) {
  const at = top;
  top += (bytes + 127) & ~63;
  const pages = Math.ceil((top - memory.buffer.byteLength) / 65536);
  if (pages > 0) memory.grow(pages);
  return at;
}
const params = block(size.PARAMS_BYTES), state = block(size.STATE_BYTES);
const inferWork = block(size.INFER_BYTES), trainWork = block(size.TRAIN_BYTES);
const x = block(4 * size.BATCH * size.INPUT), y = block(4 * size.BATCH * size.CLASSES);
const labels = block(4 * size.BATCH), losses = block(4 * STEPS);

function makeSamples(seed) {
  const next = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0);
  const input = new Float32Array(memory.buffer, x, size.BATCH * size.INPUT);
  for (let i = 0; i < input.length; i++) input[i] = (next() >>> 8) * 2 ** -24;
  const classes = new Int32Array(memory.buffer, labels, size.BATCH);
  for (let i = 0; i < classes.length; i++) classes[i] = (next() >>> 8) % size.CLASSES;
}

function show(what, at, bytes) {
  let h = 14695981039346656037n;
  for (const b of new Uint8Array(memory.buffer, at, bytes))
    h = BigInt.asUintN(64, (h ^ BigInt(b)) * 1099511628211n);
  console.log(what, h.toString(16).padStart(16, '0'));
}

net.net_init(params, 7n);
show('init', params, size.PARAMS_BYTES);
makeSamples(1);
net.net_infer(params, x, y, inferWork);
show('logits', y, 4 * size.BATCH * size.CLASSES);
for (let i = 0; i < STEPS; i++) {
  makeSamples(2 + i);
  new Float32Array(memory.buffer, losses, STEPS)[i] =
    net.net_train(params, state, x, labels, Math.fround(0.05), BigInt(i), trainWork);
}
show('losses', losses, 4 * STEPS);
show('state', state, size.STATE_BYTES);
show('params', params, size.PARAMS_BYTES);
net.net_infer(params, x, y, inferWork);
show('trained', y, 4 * size.BATCH * size.CLASSES);
