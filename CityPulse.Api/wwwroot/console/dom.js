// Text from the server only ever becomes text nodes: nothing here parses HTML.

export const byId = id => document.getElementById(id);

/** Makes an element; strings among the children become text. */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) {
      element.addEventListener(key.slice(2), value);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(key, value === true ? '' : value);
    }
  }
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
}

export function show(element, visible) {
  element.hidden = !visible;
}

const number = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const unitNames = { Cel: '°C', '[degF]': '°F', '[mi_i]/h': 'mph', m3: 'm³', '[ppm]': 'ppm', 'ug/m3': 'µg/m³', 1: '' };

export const unitName = unit => unitNames[unit] ?? unit;

export const amount = (value, unit) =>
  `${Math.abs(value) >= 1000 ? whole.format(value) : number.format(value)} ${unitName(unit)}`.trim();

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

export const dateTime = at => moment.format(new Date(at));
export const timeOfDay = at => clock.format(new Date(at));
