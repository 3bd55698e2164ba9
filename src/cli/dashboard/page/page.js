import { call, enter } from './api.js';
import { showCharts } from './charts.js';
import { confirm, showDetails } from './dialogs.js';
import { byId, element, setText } from './dom.js';
import { showState } from './state.js';
import { showRows } from './table.js';
import { renderNumber, t } from './text.js';

const pageSize = 50;
const pauseMs = 2000;
/** A search may read the whole store: it waits this many times as long as it took before it is repeated. */
const pauseFactor = 10;

let state;
let view = { search: '', page: 0 };
let listing = new AbortController();
/** What is wrong, by what it came of. */
const alerts = new Map();

byId('search').addEventListener('submit', (event) => {
  event.preventDefault();
  turnTo({ search: byId('text').value.trim(), page: 0 });
});
byId('previous').addEventListener('click', () => turnTo({ ...view, page: view.page - 1 }));
byId('next').addEventListener('click', () => turnTo({ ...view, page: view.page + 1 }));
byId('end-all').addEventListener('click', () =>
  act(async () => {
    const { live, damaged } = state.counts;
    await endConfirmed(t('confirmAll', renderNumber(live + damaged), state.name), { all: true });
  }),
);

await start();

async function start() {
  if (!(await attempt('enter', enter)) || !(await attempt('state', loadState))) return;
  byId('content').hidden = false;
  await Promise.all([repeat('state', loadState), repeat('list', list)]);
}

/** Goes on until the page has no access any more. */
async function repeat(source, work) {
  for (;;) {
    const startMs = performance.now();
    // A page that nobody sees asks for nothing.
    if (!document.hidden) await attempt(source, work);
    if (alerts.has('access')) return;
    const pause = Math.max(pauseMs, pauseFactor * (performance.now() - startMs));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function loadState() {
  state = await call('GET', 'state');
  showState(state);
  showCharts(state);
  byId('end-all').hidden = state.isReadOnly;
  byId('end-all').disabled = !state.counts;
}

function turnTo(next) {
  view = next;
  setText(byId('done'), '');
  setText(byId('result'), t('searching'));
  void attempt('list', list);
}

async function list() {
  listing.abort();
  listing = new AbortController();
  const { signal } = listing;
  const { search, page } = view;
  const { sessions, hasMore, nowMs } = await call('GET', 'sessions', { params: view, signal });
  if (sessions.length === 0 && page > 0) return turnTo({ ...view, page: page - 1 });
  const first = page * pageSize;
  showRows({ sessions, nowMs, isReadOnly: state.isReadOnly, onDetails, onEnd });
  setText(byId('result'), sessions.length > 0 ? '' : t(search ? 'noMatch' : 'none'));
  const range = [first + 1, first + sessions.length].map(renderNumber);
  setText(byId('range'), sessions.length > 0 ? t('range', ...range) : '');
  byId('previous').disabled = page === 0;
  byId('next').disabled = !hasMore;
}

function onDetails(ref) {
  act(async () => {
    const session = await call('GET', 'session', { params: { ref } });
    const choice = await showDetails(session, state);
    if (choice === 'one') await endOne(ref);
    if (choice !== 'user') return;
    const { owner, label } = session;
    const { count } = await call('GET', 'count', { params: { owner } });
    await endConfirmed(t('confirmUser', renderNumber(count), label), { owner });
  });
}

function onEnd(ref) {
  act(() => endOne(ref));
}

async function endOne(ref) {
  await endConfirmed(t('confirmOne', ref.slice(0, 12)), { ref });
}

/** Ends sessions when the user confirms it. @param body which sessions */
async function endConfirmed(question, body) {
  if (!(await confirm(question))) return;
  setText(byId('done'), t('ending'));
  try {
    const { ended } = await call('POST', 'end', { body });
    setText(byId('done'), t('endedNow', renderNumber(ended)));
  } catch (error) {
    setText(byId('done'), '');
    throw error;
  } finally {
    void attempt('list', list);
  }
}

/** Something that the user asked for. */
function act(work) {
  void attempt('action', work);
}

/** @returns false when it failed; the page says why until it succeeds */
async function attempt(source, work) {
  try {
    await work();
    alerts.delete(source);
    alerts.delete('gone');
    return true;
  } catch (error) {
    if (error.name !== 'AbortError') explain(source, error);
    return false;
  } finally {
    showAlerts();
  }
}

function explain(source, { code, message, hint }) {
  if (['no-access', 'link-used'].includes(code)) {
    byId('content').hidden = true;
    alerts.set('access', [t('noAccess'), t('linkUsed')]);
  } else if (code === undefined) alerts.set('gone', [message || t('gone')]);
  else alerts.set(source, code === 'session-unknown' ? [t('sessionGone')] : [message, hint ?? '']);
}

function showAlerts() {
  const lines = [...alerts.values()].flat();
  if (state?.failure && !alerts.has('gone'))
    lines.unshift(t('unavailable'), state.failure.message, state.failure.hint ?? '');
  const text = [...new Set(lines)].filter(Boolean);
  const alert = byId('alert');
  if (alert.dataset.text === text.join('\n')) return;
  alert.dataset.text = text.join('\n');
  alert.replaceChildren(...text.map((line) => element('p', { textContent: line })));
  alert.hidden = text.length === 0;
}
