import { call, list } from './api.js';
import { chart } from './chart.js';
import { amount, byId, dateTime, el, show, unitName } from './dom.js';

const week = 7 * 24 * 3600_000;
let buildings = [];
let chosen = null;
let report = () => {};

/** Loads the list; `onFault` is told of anything that fails afterwards. */
export async function openBuildings(onFault) {
  report = onFault;
  buildings = (await list('/api/v1/citypulse/buildings')).sort((a, b) => a.name.localeCompare(b.name));
  byId('building-filter').addEventListener('input', drawList);
  drawList();
  return buildings;
}

/** For links from elsewhere, such as the ranking. */
export function choose(id) {
  const building = buildings.find(candidate => candidate.id === id);
  if (building) {
    chosen = building;
    drawList();
    open(building).catch(report);
  }
}

/** Something to look at from the start, unless the visitor was faster. */
export function chooseFirst(id) {
  if (!chosen && id) {
    choose(id);
  }
}

function drawList() {
  const wanted = byId('building-filter').value.trim().toLowerCase();
  const found = buildings.filter(building =>
    [building.name, building.code, building.use, ...building.tags].some(text => text?.toLowerCase().includes(wanted)));
  byId('building-count').textContent = found.length === buildings.length ? `${found.length}` : `${found.length} of ${buildings.length}`;
  byId('buildings').replaceChildren(...found.map(building => el('li', {},
    el('button', { type: 'button', 'aria-current': building === chosen ? 'true' : null, onclick: () => choose(building.id) },
      building.name,
      el('small', {}, `${building.use} · ${building.timeZone}`)))));
}

async function open(building) {
  byId('building-title').textContent = building.name;
  byId('building-facts').replaceChildren(...factsOf(building).map(fact => el('span', {}, fact)));
  show(byId('chart'), false);
  byId('sensors').replaceChildren(el('p', { class: 'empty' }, 'Loading sensors …'));
  const sensors = await list(`/api/v1/citypulse/buildings/${building.id}/sensors`);
  if (building !== chosen) {
    return;
  }
  byId('sensors').replaceChildren(sensors.length ? tableOf(sensors) : el('p', { class: 'empty' }, 'No sensors.'));
  if (sensors.length) {
    await draw(sensors[0]);
  }
}

function factsOf(building) {
  return [
    building.use,
    amount(building.floorAreaM2, 'm²'),
    building.floors ? `${building.floors} floors` : null,
    building.yearBuilt ? `built ${building.yearBuilt}` : null,
    building.timeZone,
    ...building.tags.map(tag => `#${tag}`),
  ].filter(Boolean);
}

function tableOf(sensors) {
  return el('div', { class: 'scroll' }, el('table', {},
    el('thead', {}, el('tr', {},
      el('th', { scope: 'col' }, 'Sensor'), el('th', { scope: 'col' }, 'State'), el('th', { scope: 'col', class: 'number' }, 'Last reading'))),
    el('tbody', {}, ...sensors.map(sensor => el('tr', { 'data-sensor': sensor.id },
      el('td', {},
        el('button', { type: 'button', class: 'quiet', onclick: () => draw(sensor).catch(report) }, sensor.name),
        el('small', {}, [sensor.quantity, ...(sensor.tags ?? []).map(tag => `#${tag}`)].join(' '))),
      el('td', { class: `state-${sensor.status}` }, sensor.status),
      el('td', { class: 'number' },
        sensor.lastReading ? amount(sensor.lastReading.value, sensor.unit) : '–',
        sensor.lastReading ? el('small', {}, dateTime(sensor.lastReading.at)) : null))))));
}

async function draw(sensor) {
  for (const row of document.querySelectorAll('#sensors tr[data-sensor]')) {
    row.setAttribute('aria-selected', row.dataset.sensor === sensor.id);
  }
  const to = Date.now();
  const from = to - week;
  const query = new URLSearchParams({ from: new Date(from).toISOString(), to: new Date(to).toISOString(), resolution: '1h', limit: '500' });
  const answer = await call(`/api/v1/citypulse/sensors/${sensor.id}/readings?${query}`);
  if (chosen?.id !== sensor.buildingId) {
    return;
  }
  const columns = sensor.kind === 'delta';
  const points = answer.items.map(item => ({ at: Date.parse(item.at), value: columns ? item.sum : item.avg }));
  byId('chart-caption').textContent = `${sensor.name}, last 7 days by hour (${columns ? 'sum' : 'average'}${unitName(sensor.unit) ? `, ${unitName(sensor.unit)}` : ''})`;
  byId('chart-plot').replaceChildren(points.length
    ? chart(points, { from, to, unit: sensor.unit, columns, label: sensor.name })
    : el('p', { class: 'empty' }, 'Nothing in the last 7 days.'));
  show(byId('chart'), true);
}
