// A network's text, and what netc's front end says of it while one types.
import { Front } from './front.js';

const at = id => document.getElementById(id);
const short = n => n < 1e4 ? String(n) : n < 1e6 ? `${(n / 1e3).toFixed(1)} k` : n < 1e9 ? `${(n / 1e6).toFixed(2)} M` : `${(n / 1e9).toFixed(2)} G`;
const sum = (layers, key) => layers.reduce((total, layer) => total + layer[key], 0);

function cell(row, text) {
  row.insertCell().textContent = text;
}

// A bar shows the layer's share of the arithmetic.
function showLayers(layers) {
  const table = at('layers'), most = Math.max(1, ...layers.map(l => l.macs));
  table.innerHTML = '<tr><th>line</th><th>layer</th><th>output</th><th>parameters</th><th>multiply-adds</th><th></th></tr>';
  for (const layer of layers) {
    const row = table.insertRow();
    cell(row, layer.line || '');
    cell(row, layer.name);
    cell(row, layer.shape);
    cell(row, layer.params ? short(layer.params) : '');
    cell(row, layer.macs ? short(layer.macs) : '');
    const bar = `<div class="bar" style="width: ${(6 * layer.macs / most).toFixed(2)}rem"></div>`;
    row.insertCell().innerHTML = layer.macs ? bar : '';
    row.onclick = () => goTo(layer.line);
  }
  at('total').textContent = `${short(sum(layers, 'params'))} parameters (${short(4 * sum(layers, 'params'))}B), ` +
    `${short(sum(layers, 'macs'))} multiply-adds`;
  at('memory').textContent = '';
}

// What netc plans on one thread of a machine with AVX2.
function showMemory({inference: i, training: t}) {
  if (i) at('memory').textContent = `Memory: ${short(i.params + i.rest)}B to infer one sample` +
    (t ? `, ${short(t.params + t.rest)}B to train on batches of ${t.batch}` : '');
}

function goTo(line) {
  const text = at('text'), lines = text.value.split('\n');
  if (!line) return;
  const from = lines.slice(0, line - 1).join('\n').length + (line > 1);
  text.focus();
  text.setSelectionRange(from, from + lines[line - 1].length);
}

const front = await Front.load().catch(() => null);
const models = await fetch('models.json').then(r => r.json()).catch(() => null);

let pause = 0;
async function show() {
  clearTimeout(pause);
  const said = await front.describe(at('text').value);
  at('message').textContent = said.message;
  if (said.layers) {
    showLayers(said.layers);
    pause = setTimeout(async () => showMemory(await front.describe(at('text').value, true)), 300);
  }
  at('layers').style.opacity = said.layers ? 1 : 0.4; // those of the last text that was right
  return said;
}

if (front && models) {
  at('write').hidden = false;
  at('model').append(...Object.keys(models).map(name => new Option(name)));
  at('model').onchange = () => { at('text').value = models[at('model').value]; show(); };
  at('text').oninput = show;
  at('model').onchange();
}

// index.html?selftest: see page.js.
if (front && models && new URLSearchParams(location.search).has('selftest')) {
  const right = await front.describe(models['resnet20.net'], true);
  const all = await Promise.all(Object.values(models).map(text => front.describe(text)));
  const wrong = await front.describe('input 3x32x32; classes 5;\nconv 8 k3 rleu;\nlinear classes;\n');
  document.documentElement.dataset.front = JSON.stringify({
    params: sum(right.layers, 'params'), macs: sum(right.layers, 'macs'), message: wrong.message,
    inference: right.inference, training: right.training, read: all.filter(said => said.layers).length});
}
