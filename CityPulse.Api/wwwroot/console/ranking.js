import { call } from './api.js';
import { choose } from './buildings.js';
import { amount, byId, el } from './dom.js';

/** Buildings by the energy of the last calendar month, worst first. Answers the first one's id. */
export async function openRanking(buildings) {
  const zone = commonZone(buildings);
  const [year, month] = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit' }).format().split('-').map(Number);
  const from = firstOf(year, month - 1, zone);
  const to = firstOf(year, month, zone);
  const query = new URLSearchParams({ metric: 'kwh', from: from.toISOString(), to: to.toISOString() });
  const answer = await call(`/api/v1/citypulse/energy/ranking?${query}`);

  byId('ranking-title').textContent = `Energy, ${from.toLocaleDateString(undefined, { month: 'long', year: 'numeric', timeZone: zone })}`;
  const rows = (answer.items).filter(row => row.kwh > 0).slice(0, 8);
  const most = Math.max(...rows.map(row => row.kwh));
  byId('ranking').replaceChildren(...rows.map(row => el('li', {},
    el('div', { class: 'row' },
      el('button', { type: 'button', class: 'quiet', onclick: () => choose(row.buildingId) }, row.name),
      el('span', {}, amount(Math.round(row.kwh), 'kWh'))),
    el('progress', { max: most, value: row.kwh, 'aria-hidden': 'true' }))));
  if (!rows.length) {
    byId('ranking').replaceChildren(el('li', { class: 'empty' }, 'No energy was metered.'));
  }
  return rows[0]?.buildingId ?? null;
}

/** The zone of most buildings decides what a month is, as it does for the assistant. */
function commonZone(buildings) {
  const counts = new Map();
  for (const building of buildings) {
    counts.set(building.timeZone, (counts.get(building.timeZone) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 'UTC';
}

/** Midnight of the month's first day in a zone; month 0 is December of the year before. */
function firstOf(year, month, zone) {
  const utc = new Date(Date.UTC(year, month - 1, 1));
  const civil = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
  }).formatToParts(utc).reduce((parts, part) => ({ ...parts, [part.type]: part.value }), {});
  const shown = Date.UTC(civil.year, civil.month - 1, civil.day, civil.hour, civil.minute, civil.second);
  return new Date(utc.getTime() - (shown - utc.getTime()));
}
