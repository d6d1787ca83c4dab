// The session: the short-lived access token lives in this tab, the refresh token in an HttpOnly cookie that no script can read.

const key = 'citypulse-session';
let session = JSON.parse(sessionStorage.getItem(key) ?? 'null');
let renewal = null;

export class ApiError extends Error {
  constructor(status, problem) {
    const fields = Object.values(problem?.errors ?? {}).flat().join(' ');
    super([problem?.detail ?? problem?.title ?? `The server answered ${status}.`, fields].filter(Boolean).join(' '));
    this.status = status;
    this.errorId = problem?.errorId;
  }
}

export const currentUser = () => session?.user ?? null;

/** What this server is; open to everybody. */
export const about = async () => answerOf(await send('/api/v1/info', {}));

export async function login(email, password) {
  keep(await answerOf(await send('/api/v1/auth/login', { method: 'POST', body: { email, password, useCookies: true } })));
}

export async function logout() {
  try {
    await send('/api/v1/auth/logout', { method: 'POST', token: session?.accessToken });
  } finally {
    keep(null);
  }
}

/** Calls the API as the signed-in user; answers the parsed JSON. */
export async function call(path, { method = 'GET', body } = {}) {
  let response = await send(path, { method, body, token: await accessToken() });
  if (response.status === 401) {
    session.endsAt = 0;
    response = await send(path, { method, body, token: await accessToken() });
  }
  return answerOf(response);
}

/** A list to its end, page by page. */
export async function list(path) {
  const items = [];
  let cursor = null;
  do {
    const separator = path.includes('?') ? '&' : '?';
    const page = await call(`${path}${separator}limit=500${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor);
  return items;
}

/** A token that is still good, renewed when it is about to end. Renewals are spent once, so callers share one. */
export async function accessToken() {
  if (session && Date.now() < session.endsAt) {
    return session.accessToken;
  }
  renewal ??= renew().finally(() => { renewal = null; });
  await renewal;
  return session.accessToken;
}

async function renew() {
  const response = await send('/api/v1/auth/refresh', { method: 'POST', body: {} });
  if (response.status === 401 || response.status === 400) {
    keep(null);
  }
  keep(await answerOf(response));
}

function keep(answer) {
  if (answer === null) {
    session = null;
    sessionStorage.removeItem(key);
    return;
  }
  session = { accessToken: answer.accessToken, user: answer.user, endsAt: Date.now() + (answer.expiresIn - 30) * 1000 };
  sessionStorage.setItem(key, JSON.stringify(session));
}

function send(path, { method = 'GET', body, token }) {
  const headers = {};
  if (token) {
    headers.Authorization = `Bearer ${token}`;
  }
  if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
  }
  return fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

async function answerOf(response) {
  const isJson = (response.headers.get('Content-Type') ?? '').includes('json');
  const answer = isJson ? await response.json() : null;
  if (!response.ok) {
    throw new ApiError(response.status, answer);
  }
  return answer;
}
