import { amount, dateTime, el, svg } from './dom.js';

const size = { width: 760, height: 260, left: 56, right: 12, top: 12, bottom: 30 };
const hour = 3600_000;

/** A chart of hourly points `{ at, value }` over [from, to): a line that breaks at gaps, or columns for amounts. */
export function chart(points, { from, to, unit, columns, label }) {
  const values = points.map(point => point.value);
  const { low, high, ticks } = scale(columns ? 0 : Math.min(...values), Math.max(...values));
  const x = at => size.left + (at - from) / (to - from) * (size.width - size.left - size.right);
  const y = value => size.top + (high - value) / (high - low) * (size.height - size.top - size.bottom);

  const cursor = svg('line', { class: 'cursor', y1: size.top, y2: size.height - size.bottom, visibility: 'hidden' });
  const picture = svg('svg', { viewBox: `0 0 ${size.width} ${size.height}`, 'aria-hidden': 'true' },
    ...ticks.map(tick => level(y(tick), tick)),
    ...days(from, to).filter(day => x(day) < size.width - 50).map(day => svg('text', { x: x(day), y: size.height - 8 },
      new Date(day).toLocaleDateString(undefined, { weekday: 'short', day: 'numeric' }))),
    ...(columns ? points.map(point => column(x, y, point, low)) : [svg('path', { class: 'line', d: path(points, x, y) })]),
    cursor);

  const readout = el('p', { class: 'readout', 'aria-live': 'polite' });
  const plot = el('div', {
    role: 'group', tabindex: '0', 'aria-label': `${label}: ${summary(points, unit)} Left and right arrow keys read the values.`,
  }, picture, readout);
  follow(plot, picture, points, index => {
    const point = points[index];
    cursor.setAttribute('x1', x(point.at));
    cursor.setAttribute('x2', x(point.at));
    cursor.setAttribute('visibility', 'visible');
    readout.textContent = `${dateTime(point.at)}: ${amount(point.value, unit)}`;
  }, x);
  readout.textContent = summary(points, unit);
  return plot;
}

function follow(plot, picture, points, select, x) {
  let index = points.length - 1;
  plot.addEventListener('keydown', event => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -points.length, End: points.length }[event.key];
    if (step) {
      event.preventDefault();
      index = Math.min(points.length - 1, Math.max(0, index + step));
      select(index);
    }
  });
  picture.addEventListener('pointermove', event => {
    const box = picture.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width * size.width;
    index = points.reduce((best, point, i) => Math.abs(x(point.at) - at) < Math.abs(x(points[best].at) - at) ? i : best, 0);
    select(index);
  });
}

function level(y, tick) {
  return svg('g', {},
    svg('line', { class: 'grid', x1: size.left, x2: size.width - size.right, y1: y, y2: y }),
    svg('text', { x: size.left - 8, y: y + 4, 'text-anchor': 'end' }, Number(tick.toPrecision(6)).toLocaleString()));
}

function column(x, y, point, low) {
  const width = Math.max(1, x(point.at + hour) - x(point.at) - 0.8);
  return svg('rect', { class: 'column', x: x(point.at), y: y(point.value), width, height: Math.max(0, y(low) - y(point.value)) });
}

function path(points, x, y) {
  return points.map((point, i) => {
    const joins = i > 0 && point.at - points[i - 1].at <= hour;
    // A lone point would be invisible as a move: draw it as a dash of its hour.
    const alone = !joins && (i === points.length - 1 || points[i + 1].at - point.at > hour);
    return `${joins ? 'L' : 'M'}${x(point.at).toFixed(1)} ${y(point.value).toFixed(1)}${alone ? 'h1.5' : ''}`;
  }).join('');
}

function days(from, to) {
  const day = new Date(from);
  day.setHours(24, 0, 0, 0);
  const midnights = [];
  for (; day < to; day.setDate(day.getDate() + 1)) {
    midnights.push(day.getTime());
  }
  return midnights;
}

/** Three to six round levels that hold all values. */
function scale(least, most) {
  const span = most - least || Math.abs(most) || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(candidate => candidate >= rough);
  const low = Math.floor(least / step) * step;
  const high = Math.max(Math.ceil(most / step) * step, low + step);
  const ticks = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, i) => low + i * step);
  return { low, high, ticks };
}

function summary(points, unit) {
  const values = points.map(point => point.value);
  return `${points.length} hours, from ${amount(Math.min(...values), unit)} to ${amount(Math.max(...values), unit)}.`;
}
