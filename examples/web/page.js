import { Network, softmax, loadImages } from './net.js';
import { drawChart } from './chart.js';

const NAMES = ['air transport', 'birds', 'water transport', 'people', 'felines'];
const at = id => document.getElementById(id);
const [emoji, images] = await Promise.all([Network.load('emoji'), loadImages('emoji.bin')]);
const learners = {tiny: await Network.load('tiny')};
let learner = learners.tiny;

// --- classify ---

function showAnswer(probability, milliseconds) {
  const best = probability.indexOf(Math.max(...probability));
  at('answer').innerHTML = probability.map((p, k) =>
    `<tr class="${k === best ? 'best' : ''}"><td>${NAMES[k]}</td>` +
    `<td><div class="bar" style="width: ${(100 * p).toFixed(1)}%"></div></td>` +
    `<td>${(100 * p).toFixed(1)}%</td></tr>`).join('');
  at('time').textContent = `in ${milliseconds.toFixed(2)} ms`;
  return best;
}

const small = Object.assign(document.createElement('canvas'), {width: images.w, height: images.h});
const paper = at('paper'), pen = paper.getContext('2d', {willReadFrequently: true});

// What is on the paper, scaled to the network's size, over white.
function classifyPaper() {
  const c = small.getContext('2d', {willReadFrequently: true});
  c.imageSmoothingQuality = 'high';
  c.fillStyle = '#fff';
  c.fillRect(0, 0, small.width, small.height);
  c.drawImage(paper, 0, 0, small.width, small.height);
  const rgba = c.getImageData(0, 0, small.width, small.height).data, plane = images.h * images.w;
  for (let i = 0; i < plane; i++)
    for (let k = 0; k < 3; k++) emoji.x[k * plane + i] = rgba[4 * i + k] / 255;
  const begin = performance.now(), y = emoji.infer();
  return showAnswer(softmax(y), performance.now() - begin);
}

function clearPaper() {
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, paper.width, paper.height);
}

function putOnPaper(picture, smooth) {
  const scale = Math.min(paper.width / picture.width, paper.height / picture.height);
  const w = picture.width * scale, h = picture.height * scale;
  clearPaper();
  pen.imageSmoothingEnabled = smooth;
  pen.drawImage(picture, (paper.width - w) / 2, (paper.height - h) / 2, w, h);
  return classifyPaper();
}

function sampleCanvas(i) {
  const canvas = Object.assign(document.createElement('canvas'), {width: images.w, height: images.h});
  const c = canvas.getContext('2d'), plane = images.h * images.w;
  const data = c.createImageData(images.w, images.h);
  for (let p = 0; p < plane; p++) {
    for (let k = 0; k < 3; k++) data.data[4 * p + k] = images.pixels[i * images.size + k * plane + p];
    data.data[4 * p + 3] = 255;
  }
  c.putImageData(data, 0, 0);
  canvas.tabIndex = 0;
  canvas.title = NAMES[images.labels[i]];
  canvas.onclick = () => putOnPaper(canvas, false);
  canvas.onkeydown = e => { if (e.key === 'Enter' || e.key === ' ') canvas.onclick(); };
  return canvas;
}

// Three pictures of each class, spread over the data.
function chooseSamples() {
  const chosen = [];
  for (let row = 0; row < 3; row++)
    for (let k = 0; k < NAMES.length; k++) {
      const of = [...images.labels.keys()].filter(i => images.labels[i] === k);
      chosen.push(of[Math.floor(of.length * (row + 0.5) / 3)]);
    }
  return chosen;
}
const chosen = chooseSamples();
at('samples').append(...chosen.map(sampleCanvas));

let last = null;
function draw(e) {
  const box = paper.getBoundingClientRect(), scale = paper.width / box.width;
  const to = {x: (e.clientX - box.left) * scale, y: (e.clientY - box.top) * scale};
  pen.strokeStyle = at('colour').value;
  pen.lineWidth = Number(at('brush').value);
  pen.lineCap = 'round';
  pen.beginPath();
  pen.moveTo((last || to).x, (last || to).y);
  pen.lineTo(to.x, to.y);
  pen.stroke();
  last = to;
  classifyPaper();
}
paper.onpointerdown = e => { paper.setPointerCapture(e.pointerId); last = null; draw(e); };
paper.onpointermove = e => { if (e.buttons) draw(e); };
at('clear').onclick = () => { clearPaper(); classifyPaper(); };

async function openFile(file) {
  try {
    putOnPaper(await createImageBitmap(file), true);
  } catch {
    at('time').textContent = 'That file is no image.';
  }
}
at('file').onchange = e => { if (e.target.files[0]) openFile(e.target.files[0]); };
paper.ondragover = e => { e.preventDefault(); paper.classList.add('over'); };
paper.ondragleave = () => paper.classList.remove('over');
paper.ondrop = e => {
  e.preventDefault();
  paper.classList.remove('over');
  if (e.dataTransfer.files[0]) openFile(e.dataTransfer.files[0]);
};

// --- train ---

const every = [...images.labels.keys()];
const forTraining = every.filter(i => i % 5), forChecking = every.filter(i => i % 5 === 0);

function shuffle(list, random) {
  for (let i = list.length - 1; i > 0; i--) {
    random.state = (Math.imul(random.state, 1664525) + 1013904223) >>> 0;
    const k = Math.floor(random.state / 2 ** 32 * (i + 1));
    [list[i], list[k]] = [list[k], list[i]];
  }
}

function fill(list, from) {
  for (let b = 0; b < learner.size.BATCH; b++) {
    const i = list[(from + b) % list.length];
    for (let p = 0; p < images.size; p++)
      learner.x[b * images.size + p] = images.pixels[i * images.size + p] / 255;
    learner.labels[b] = images.labels[i];
  }
}

// Loss and accuracy over whole batches of a list.
function check(list) {
  let loss = 0, right = 0, seen = 0;
  for (let from = 0; from + learner.size.BATCH <= list.length; from += learner.size.BATCH) {
    fill(list, from);
    const y = learner.infer(), k = learner.size.CLASSES;
    for (let b = 0; b < learner.size.BATCH; b++, seen++) {
      const p = softmax(y.slice(b * k, b * k + k));
      loss -= Math.log(Math.max(p[learner.labels[b]], 1e-30));
      right += p.indexOf(Math.max(...p)) === learner.labels[b];
    }
  }
  return {loss: loss / seen, accuracy: right / seen};
}

function drawCurves(curves, epochs) {
  const most = Math.max(1.6, ...curves.loss, ...curves.checkLoss);
  drawChart(at('loss'), {label: 'loss', epochs, top: Math.ceil(most * 5) / 5,
    series: [{values: curves.loss, class: 'train'}, {values: curves.checkLoss, class: 'check'}]});
  drawChart(at('accuracy'), {label: 'accuracy', epochs, top: 1, percent: true,
    series: [{values: curves.accuracy, class: 'train'}, {values: curves.checkAccuracy, class: 'check'}]});
}

let running = false;
async function train(epochs, rate) {
  const curves = {loss: [], checkLoss: [], accuracy: [], checkAccuracy: []};
  const random = {state: 1}, list = [...forTraining];
  const begin = performance.now();
  learner.start(1);
  running = true;
  at('go').textContent = 'Stop';
  for (let epoch = 1; epoch <= epochs && running; epoch++) {
    shuffle(list, random);
    for (let from = 0; from + learner.size.BATCH <= list.length && running; from += learner.size.BATCH) {
      fill(list, from);
      learner.train(rate);
      if (from % 50 === 0) at('progress').textContent = `epoch ${epoch} of ${epochs}: ${from} of ${list.length} pictures`;
      if (from % 50 === 0) await new Promise(next => setTimeout(next)); // let the page breathe
    }
    const on = check(forTraining), off = check(forChecking);
    curves.loss.push(on.loss);
    curves.accuracy.push(on.accuracy);
    curves.checkLoss.push(off.loss);
    curves.checkAccuracy.push(off.accuracy);
    drawCurves(curves, epochs);
    at('progress').textContent = `epoch ${epoch} of ${epochs}: loss ${on.loss.toFixed(3)}, ` +
      `accuracy ${(100 * off.accuracy).toFixed(1)}% on new pictures, ` +
      `${((performance.now() - begin) / 1000).toFixed(1)} s`;
  }
  running = false;
  at('go').textContent = 'Train';
  return curves;
}
at('learner').onchange = () => { at('rate').value = at('learner').selectedOptions[0].dataset.rate; };
at('go').onclick = async () => {
  if (running) {
    running = false;
    return;
  }
  const name = at('learner').value;
  learner = learners[name] ||= await Network.load(name);
  train(Number(at('epochs').value), Number(at('rate').value));
};

clearPaper();
putOnPaper(at('samples').children[4], false);
drawCurves({loss: [], checkLoss: [], accuracy: [], checkAccuracy: []}, 20);
document.documentElement.dataset.ready = 'yes';

// index.html?selftest: what tests/web.sh looks for in the page afterwards.
if (new URLSearchParams(location.search).has('selftest')) {
  const canvases = [...at('samples').children];
  const right = canvases.filter((c, i) => putOnPaper(c, false) === images.labels[chosen[i]]).length;
  const curves = await train(6, 0.02);
  const end = curves.loss.length - 1, learns = {};
  for (const {value, dataset} of at('learner').options) {
    learner = learners[value] ||= await Network.load(value);
    learner.start(1);
    fill(forTraining, 0);
    const first = learner.train(Number(dataset.rate));
    for (let step = 0; step < 4; step++) learner.train(Number(dataset.rate));
    learns[value] = learner.train(Number(dataset.rate)) < first; // the same batch again and again
  }
  document.documentElement.dataset.selftest = JSON.stringify({
    samples: canvases.length, right, first: curves.loss[0], last: curves.loss[end],
    accuracy: curves.checkAccuracy[end], learns});
}
