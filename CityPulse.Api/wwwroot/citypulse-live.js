// A live connection to CityPulse in one file, without any library: SignalR's JSON protocol over a WebSocket.
// It reconnects by itself and resumes where it was, so that no event is lost or told twice.
//
//   const live = connectLive({ url: 'http://localhost:8001/ws', accessToken: () => token, onEvent: event => … });
//   live.subscribe(['readings']);

const separator = '\x1e';
const types = { invocation: 1, completion: 3, ping: 6, close: 7 };
const silence = 30_000, heartbeat = 15_000, longestPause = 30_000;

/**
 * @param {object} options
 * @param {string} [options.url] the door; by default /ws of this page's origin
 * @param {() => string | Promise<string>} options.accessToken gives a token that is still good; asked at every connection
 * @param {(event: object) => void} options.onEvent { id, topic, type, at, organizationId, data }
 * @param {(state: 'connecting' | 'connected' | 'waiting' | 'closed') => void} [options.onState]
 * @param {(error: Error) => void} [options.onFault] a refused topic, a lost connection, a token that cannot be had
 * @param {() => void} [options.onGap] events are gone (away for more than 15 minutes): read again over REST
 */
export function connectLive({ url = '/ws', accessToken, onEvent, onState = () => {}, onFault = () => {}, onGap = () => {} }) {
  const topics = new Set();
  const calls = new Map();
  let socket = null, open = false, closed = false, last = null, nextCall = 1, failures = 0, timer = 0, alive = 0, beat = 0;

  connect();
  return {
    subscribe: names => change('Subscribe', names, name => topics.add(name), name => topics.delete(name)),
    unsubscribe: names => change('Unsubscribe', names, name => topics.delete(name)),
    /** The last id that was seen; give it to Subscribe as since to resume elsewhere. */
    lastId: () => last,
    close() {
      closed = true;
      clearTimeout(timer);
      socket?.close(1000);
      onState('closed');
    },
  };

  async function connect() {
    onState('connecting');
    let token;
    try {
      token = await accessToken();
    } catch (error) {
      onFault(error);
      return error.status === 401 ? (closed = true, onState('closed')) : retry();
    }
    if (closed) {
      return;
    }
    const address = new URL(url, globalThis.location?.href);
    address.protocol = address.protocol.replace('http', 'ws');
    address.searchParams.set('access_token', token);
    const mine = socket = new WebSocket(address);
    mine.onopen = () => send({ protocol: 'json', version: 1 });
    mine.onmessage = message => socket === mine && message.data.split(separator).forEach(text => text && receive(JSON.parse(text)));
    mine.onclose = () => socket === mine && lost();
  }

  function receive(message) {
    expectLife();
    if (message.error !== undefined && message.type === undefined) {
      onFault(new Error(message.error));
      socket.close();
    } else if (message.type === undefined) {
      greeted();
    } else if (message.type === types.invocation && message.target === 'event') {
      const event = message.arguments[0];
      // Ids grow; they have one length, so they compare as text.
      last = last === null || event.id > last ? event.id : last;
      onEvent(event);
    } else if (message.type === types.invocation && message.target === 'error') {
      onFault(new Error(message.arguments[0].detail));
    } else if (message.type === types.completion) {
      const call = calls.get(message.invocationId);
      calls.delete(message.invocationId);
      message.error === undefined ? call?.resolve(message.result) : call?.reject(new Error(message.error));
    } else if (message.type === types.close) {
      socket.close();
    }
  }

  function greeted() {
    open = true;
    failures = 0;
    beat = setInterval(() => send({ type: types.ping }), heartbeat);
    onState('connected');
    resume([...topics], last);
  }

  /** One refused topic refuses the call, such as a sensor deleted meanwhile: then each is asked for by itself. */
  async function resume(names, since) {
    try {
      if (names.length) {
        await follow(names, since);
      }
    } catch (error) {
      if (!open) {
        return;
      }
      if (names.length === 1) {
        topics.delete(names[0]);
        onFault(error);
        return;
      }
      for (const name of names) {
        await resume([name], since);
      }
    }
  }

  async function change(method, names, apply, undo = () => {}) {
    const changed = names.filter(name => topics.has(name) === (method === 'Unsubscribe'));
    changed.forEach(apply);
    if (!open || !changed.length) {
      return;
    }
    try {
      await (method === 'Subscribe' ? follow(changed, null) : call(method, changed));
    } catch (error) {
      if (open) {
        changed.forEach(undo);
        onFault(error);
      }
    }
  }

  async function follow(names, since) {
    const answer = await call('Subscribe', names, since);
    last = last === null || answer.lastId > last ? answer.lastId : last;
    if (answer.gap) {
      onGap();
    }
  }

  function call(target, ...args) {
    return new Promise((resolve, reject) => {
      const invocationId = String(nextCall++);
      calls.set(invocationId, { resolve, reject });
      send({ type: types.invocation, invocationId, target, arguments: args });
    });
  }

  function send(message) {
    socket.send(JSON.stringify(message) + separator);
  }

  function expectLife() {
    clearTimeout(alive);
    const mine = socket;
    // A dead network closes nothing; silence does.
    alive = setTimeout(() => { mine.close(); if (socket === mine) lost(); }, silence);
  }

  function lost() {
    socket = null;
    open = false;
    clearTimeout(alive);
    clearInterval(beat);
    calls.forEach(waiting => waiting.reject(new Error('The connection was lost.')));
    calls.clear();
    if (!closed) {
      retry();
    }
  }

  function retry() {
    onState('waiting');
    // Not all at once after a restart.
    const pause = Math.min(longestPause, 250 * 2 ** failures++) * (0.5 + Math.random());
    timer = setTimeout(connect, pause);
  }
}
