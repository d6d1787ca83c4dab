import { call } from './api.js';
import { choose } from './buildings.js';
import { amount, byId, el } from './dom.js';

/** Buildings by the energy of the last calendar month (UTC), worst first. Answers the first one's id. */
export async function openRanking() {
  const now = new Date();
  const from = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1));
  const to = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
  const query = new URLSearchParams({ metric: 'kwh', from: from.toISOString(), to: to.toISOString() });
  const answer = await call(`/api/v1/citypulse/energy/ranking?${query}`);

  byId('ranking-title').textContent = `Energy, ${from.toLocaleDateString(undefined, { month: 'long', year: 'numeric', timeZone: 'UTC' })}`;
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
