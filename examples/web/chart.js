// A small line chart as SVG: one y axis from 0, x counts epochs.
const NS = 'http://www.w3.org/2000/svg';
const W = 360, H = 230, LEFT = 44, RIGHT = 12, TOP = 28, BOTTOM = 36;

function add(parent, name, attributes, text) {
  const e = document.createElementNS(NS, name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  if (text !== undefined) e.textContent = text;
  parent.appendChild(e);
  return e;
}

// label: what the y axis shows; series: [{values, class}], one value an epoch; epochs: where the x axis ends.
export function drawChart(svg, {label, series, epochs, top, percent}) {
  svg.replaceChildren();
  svg.setAttribute('viewBox', `0 0 ${W} ${H}`);
  const x = e => LEFT + (W - LEFT - RIGHT) * (e - 1) / Math.max(1, epochs - 1);
  const y = v => H - BOTTOM - (H - TOP - BOTTOM) * Math.min(1, v / top);
  for (let i = 0; i <= 4; i++) {
    const v = top * i / 4;
    add(svg, 'line', {x1: LEFT, x2: W - RIGHT, y1: y(v), y2: y(v), class: 'grid'});
    add(svg, 'text', {x: LEFT - 6, y: y(v) + 4, 'text-anchor': 'end'},
        percent ? `${Math.round(v * 100)}%` : v.toFixed(2));
  }
  const every = Math.max(1, Math.ceil(epochs / 6));
  for (let e = 1; e <= epochs; e += every)
    add(svg, 'text', {x: x(e), y: H - BOTTOM + 16, 'text-anchor': 'middle'}, e);
  add(svg, 'text', {x: (LEFT + W - RIGHT) / 2, y: H - 4, 'text-anchor': 'middle'}, 'epoch');
  add(svg, 'text', {x: LEFT, y: 14, class: 'title'}, label);
  for (const s of series) {
    const points = s.values.map((v, i) => `${x(i + 1)},${y(v)}`).join(' ');
    if (s.values.length) add(svg, 'polyline', {points, class: s.class});
    s.values.forEach((v, i) => add(svg, 'circle', {cx: x(i + 1), cy: y(v), r: 2, class: s.class}));
  }
}
