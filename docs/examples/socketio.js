// Logs in and shows what happens in the city, at most two readings events a second, with the Socket.IO client.
import { io } from 'socket.io-client';

const shown = 20;
const byId = id => document.getElementById(id);
let socket = null;

byId('login').addEventListener('submit', async submitted => {
  submitted.preventDefault();
  socket?.disconnect();
  const { origin, email, password } = Object.fromEntries(new FormData(submitted.target));
  try {
    follow(origin, await post(`${origin}/api/v1/auth/login`, { email, password }));
  } catch (fault) {
    tell(fault.message);
  }
});

function follow(origin, session) {
  let last;
  let ends = endOf(session);
  socket = io(origin, {
    path: '/ws',
    transports: ['websocket'],
    // Asked at every connection: an access token lasts 15 minutes.
    auth: async send => {
      try {
        if (Date.now() > ends) {
          session = await post(`${origin}/api/v1/auth/refresh`, { refreshToken: session.refreshToken });
          ends = endOf(session);
        }
      } catch (fault) {
        tell(fault.message);
      }
      send({ token: session.accessToken });
    },
  });
  socket.on('connect', async () => {
    tell('Live.');
    const answer = await socket.emitWithAck('subscribe', {
      topics: ['readings', 'alerts', 'buildings', 'energy', 'presence'], since: last, maxPerSecond: 2,
    });
    if (answer.error) {
      tell(answer.error);
    } else if (answer.gap) {
      tell('Away for too long: some events are only to be had over REST.');
    }
    last ??= answer.lastId;
  });
  socket.on('event', event => {
    last = event.id;
    show(event);
  });
  socket.on('error', error => tell(error.detail));
  socket.on('connect_error', error => tell(error.message));
}

function show(event) {
  if (event.type === 'presence.changed') {
    byId('online').textContent = `Here: ${event.data.online.map(person => person.displayName).join(', ')}`;
    return;
  }
  const line = document.createElement('div');
  line.textContent = `${new Date(event.at).toLocaleTimeString()} ${event.type} ${JSON.stringify(event.data).slice(0, 200)}`;
  byId('events').prepend(line);
  while (byId('events').childElementCount > shown) {
    byId('events').lastElementChild.remove();
  }
}

function tell(text) {
  byId('state').textContent = text;
}

function endOf(session) {
  return Date.now() + (session.expiresIn - 30) * 1000;
}

async function post(url, body) {
  const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) {
    throw new Error(answer.detail ?? answer.title);
  }
  return answer;
}
