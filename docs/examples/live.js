// Logs in, follows the readings of the organisation, and shows the newest ones.
import { connectLive } from './citypulse-live.js';

const rows = 20;
const byId = id => document.getElementById(id);
let live = null;

byId('login').addEventListener('submit', async submitted => {
  submitted.preventDefault();
  byId('fault').textContent = '';
  live?.close();
  const { origin, email, password } = Object.fromEntries(new FormData(submitted.target));
  try {
    const session = keepSession(origin, await post(`${origin}/api/v1/auth/login`, { email, password }));
    const names = await namesOfSensors(origin, await session());
    live = connectLive({
      url: `${origin}/ws`,
      accessToken: session,
      onEvent: event => show(event, names),
      onState: state => { byId('state').textContent = `Live: ${state}.`; },
      onFault: fault => { byId('fault').textContent = fault.message; },
      onGap: () => { byId('fault').textContent = 'Away for too long: some readings are only to be had over REST.'; },
    });
    live.subscribe(['readings']);
  } catch (fault) {
    byId('fault').textContent = fault.message;
  }
});

/** An access token lasts 15 minutes; this gives one that is still good, renewed when it is about to end. */
function keepSession(origin, session) {
  let ends = endOf(session);
  return async () => {
    if (Date.now() > ends) {
      session = await post(`${origin}/api/v1/auth/refresh`, { refreshToken: session.refreshToken });
      ends = endOf(session);
    }
    return session.accessToken;
  };
}

function endOf(session) {
  return Date.now() + (session.expiresIn - 30) * 1000;
}

async function namesOfSensors(origin, token) {
  const response = await fetch(`${origin}/api/v1/citypulse/sensors?limit=500`, { headers: { Authorization: `Bearer ${token}` } });
  const { items } = await answerOf(response);
  return new Map(items.map(sensor => [sensor.id, sensor]));
}

function show(event, names) {
  for (const reading of event.data.slice(-rows)) {
    const sensor = names.get(reading.sensorId);
    const row = byId('readings').insertRow(0);
    row.insertCell().textContent = new Date(reading.at).toLocaleTimeString();
    row.insertCell().textContent = sensor?.name ?? reading.sensorId;
    row.insertCell().textContent = `${reading.value} ${sensor?.unit ?? ''}`;
  }
  while (byId('readings').rows.length > rows) {
    byId('readings').deleteRow(-1);
  }
}

async function post(url, body) {
  return answerOf(await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }));
}

async function answerOf(response) {
  const answer = await response.json();
  if (!response.ok) {
    throw Object.assign(new Error(answer.detail ?? answer.title), { status: response.status });
  }
  return answer;
}
