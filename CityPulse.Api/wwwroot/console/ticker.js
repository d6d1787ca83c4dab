import { accessToken, list } from './api.js';
import { amount, byId, el, show, timeOfDay } from './dom.js';
import { connectLive } from '../citypulse-live.js';

const rows = 12;

/** The newest readings of the organisation as they are stored. */
export async function openTicker(onFault) {
  const sensors = new Map((await list('/api/v1/citypulse/sensors')).map(sensor => [sensor.id, sensor]));
  const state = byId('live-state');
  const ticker = byId('ticker');
  show(state, true);
  tell('connecting');

  const live = connectLive({
    accessToken,
    onEvent: event => {
      // A load arrives in batches of thousands; the newest few are all that can be seen.
      const fresh = event.data.slice(-rows).reverse().filter(reading => sensors.has(reading.sensorId));
      ticker.prepend(...fresh.map(draw));
      while (ticker.childElementCount > rows) {
        ticker.lastElementChild.remove();
      }
    },
    onState: tell,
    onFault,
  });
  live.subscribe(['readings']);

  function tell(text) {
    state.textContent = text;
    state.classList.toggle('on', text === 'connected');
  }

  function draw(reading) {
    const sensor = sensors.get(reading.sensorId);
    return el('li', {},
      el('span', {}, sensor.name, el('small', {}, timeOfDay(reading.at))),
      el('b', {}, amount(reading.value, sensor.unit)));
  }
}
