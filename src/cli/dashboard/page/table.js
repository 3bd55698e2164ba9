import { byId, element, setText } from './dom.js';
import { renderDistance, renderSize, renderTime, t } from './text.js';

const shortRef = ({ ref }) => ref.slice(0, 12);
const rows = new Map();

/** Shows these sessions. Existing rows are reused, so that the keyboard focus stays. */
export function showRows({ sessions, nowMs, isReadOnly, onDetails, onEnd }) {
  const body = byId('rows');
  const focused = document.activeElement;
  const shown = new Set(sessions.map(({ ref }) => ref));
  for (const [ref, row] of rows) {
    if (shown.has(ref)) continue;
    row.line.remove();
    rows.delete(ref);
  }
  sessions.forEach((session, n) => {
    const row = rows.get(session.ref) ?? createRow(session, { onDetails, onEnd });
    rows.set(session.ref, row);
    fill(row, session, nowMs, isReadOnly);
    if (body.children[n] !== row.line) body.insertBefore(row.line, body.children[n] ?? null);
  });
  // A row that moved has lost the focus.
  if (focused !== document.activeElement && body.contains(focused)) focused.focus();
}

function createRow(session, { onDetails, onEnd }) {
  const cell = (name, tag = 'td') => element(tag, { className: name });
  const cells = {
    ref: Object.assign(cell('ref', 'th'), { scope: 'row', textContent: shortRef(session) }),
    owner: cell('owner'),
    since: cell('time'),
    seen: cell('time'),
    expires: cell('time'),
    size: cell('number'),
    secret: cell('ref'),
  };
  const details = element('button', {
    type: 'button',
    textContent: t('details'),
    onclick: () => onDetails(session.ref),
  });
  const end = element('button', { type: 'button', textContent: t('end'), className: 'danger' });
  end.onclick = () => onEnd(session.ref);
  details.setAttribute('aria-label', t('detailsOf', shortRef(session)));
  end.setAttribute('aria-label', t('endOf', shortRef(session)));
  for (const [name, made] of Object.entries(cells)) made.dataset.label = t(name);
  const line = element('tr', {}, ...Object.values(cells), element('td', { className: 'actions' }, details, end));
  return { line, cells, end };
}

function fill({ cells, end }, session, nowMs, isReadOnly) {
  const { label, owner, damaged, createdAt, lastSeenAt, expiresAt, bytes, secret } = session;
  setText(cells.owner, damaged ? t('damaged') : owner === null ? t('nobody') : label);
  cells.owner.classList.toggle('faint', owner === null);
  for (const [cell, time] of [
    [cells.since, createdAt],
    [cells.seen, lastSeenAt],
    [cells.expires, expiresAt],
  ]) {
    setText(cell, time === null ? '–' : renderDistance(time, nowMs));
    cell.title = time === null ? '' : renderTime(time);
  }
  setText(cells.size, renderSize(bytes));
  setText(cells.secret, secret || '–');
  end.hidden = isReadOnly;
}
