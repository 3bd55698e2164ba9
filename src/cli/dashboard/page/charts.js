import { byId, element, setText } from './dom.js';
import { renderClock, renderNumber, t } from './text.js';

const [width, height] = [240, 48];

/** Shows the current value and the history of each count. */
export function showCharts({ samples, server }) {
  const since = samples[0]?.atMs;
  const sum = (name) => samples.reduce((total, sample) => total + sample[name], 0);
  const window = since === undefined ? '' : t('window', renderClock(since));
  show('live', samples, samples.at(-1)?.live, '');
  show('created', samples, sum('created'), window);
  show('ended', samples, sum('ended'), window);
  show('requests', samples, samples.at(-1)?.requests, server ? '' : t('noServer'));
}

function show(name, samples, value, note) {
  const { number, small, line, svg } = find(name);
  const values = samples.map((sample) => sample[name]);
  const known = values.filter((each) => each !== undefined);
  const highest = Math.max(0, ...known);
  setText(number, value === undefined ? '–' : renderNumber(value));
  setText(small, note);
  svg.setAttribute('aria-label', t('now', renderNumber(known.at(-1) ?? 0), renderNumber(highest)));
  line.setAttribute('d', draw(samples, values, highest));
}

function draw(samples, values, highest) {
  const [first, last] = [samples[0]?.atMs ?? 0, samples.at(-1)?.atMs ?? 0];
  const x = (atMs) => (last === first ? width : ((atMs - first) / (last - first)) * width).toFixed(1);
  const y = (value) => (height - 2 - (value / (highest || 1)) * (height - 4)).toFixed(1);
  const points = values.map((value, n) => (value === undefined ? '' : `${x(samples[n].atMs)} ${y(value)}`));
  return points.map((point, n) => point && `${points[n - 1] ? 'L' : 'M'}${point}`).join('');
}

const made = new Map();

function find(name) {
  if (!made.has(name)) made.set(name, create(name));
  return made.get(name);
}

function create(name) {
  const svg = createSvg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', preserveAspectRatio: 'none' });
  const line = createSvg('path', {});
  svg.append(line);
  const number = element('strong');
  const small = element('small');
  byId('charts').append(element('li', {}, element('span', { textContent: t(name) }), number, svg, small));
  return { number, small, line, svg };
}

function createSvg(name, attributes) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  return svg;
}
