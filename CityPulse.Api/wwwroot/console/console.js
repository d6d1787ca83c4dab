import { about, ApiError, currentUser, login, logout } from './api.js';
import { openAssistant } from './assistant.js';
import { chooseFirst, openBuildings } from './buildings.js';
import { byId, el, show } from './dom.js';
import { openRanking } from './ranking.js';
import { openTicker } from './ticker.js';

const demoUsers = ['admin', 'manager', 'user'].map(name => `${name}@demo.citypulse.local`);

/** Everything that fails ends here: the API's own sentence, and its error id for the log. */
function report(fault) {
  console.error(fault);
  if (fault instanceof ApiError && fault.status === 401 && !currentUser()) {
    openLogin();
  }
  const reference = fault.errorId ? ` (error ${fault.errorId})` : '';
  // A fetch that gets no answer at all is a TypeError.
  byId('fault').textContent = fault instanceof TypeError ? 'The server cannot be reached.' : `${fault.message}${reference}`;
  show(byId('fault'), true);
}

function openLogin() {
  show(byId('login'), true);
  show(byId('city'), false);
  show(byId('sign-out'), false);
  byId('who').textContent = '';
  byId('email').focus();
}

let opened = false;

async function openCity() {
  if (opened) {
    // Signed in again after the session ended: a fresh page starts everything once, with the session that this tab keeps.
    location.reload();
    return;
  }
  opened = true;
  const user = currentUser();
  show(byId('fault'), false);
  show(byId('login'), false);
  show(byId('city'), true);
  show(byId('sign-out'), true);
  byId('who').textContent = `${user.displayName} · ${user.role.toLowerCase()} · ${user.organizationName}`;
  openAssistant(report);
  // One part that fails leaves the others standing.
  const parts = [openBuildings(report).then(openRanking).then(chooseFirst), openTicker(report)];
  (await Promise.allSettled(parts)).filter(part => part.status === 'rejected').forEach(part => report(part.reason));
}

async function showEnvironment() {
  const info = await about();
  byId('environment').textContent = `${info.environment} · ${info.version}`;
  show(byId('environment'), true);
  if (info.environment === 'Development') {
    byId('demo-users').replaceChildren(...demoUsers.map(email => el('button', {
      type: 'button',
      onclick: () => {
        byId('email').value = email;
        byId('password').focus();
      },
    }, email)));
    show(byId('demo'), true);
  }
}

byId('login-form').addEventListener('submit', async event => {
  event.preventDefault();
  show(byId('fault'), false);
  const button = event.target.querySelector('button');
  button.disabled = true;
  try {
    await login(byId('email').value, byId('password').value);
    byId('password').value = '';
    await openCity();
  } catch (fault) {
    report(fault);
  } finally {
    button.disabled = false;
  }
});

byId('sign-out').addEventListener('click', async () => {
  try {
    await logout();
  } finally {
    // A fresh page forgets everything that was on this one.
    location.reload();
  }
});

showEnvironment().catch(report);
if (currentUser()) {
  openCity().catch(report);
} else {
  openLogin();
}
