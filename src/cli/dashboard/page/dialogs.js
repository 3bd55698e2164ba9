import { byId, element, setRows, setText } from './dom.js';
import { renderSize, renderTime, t } from './text.js';

/** Asks the user to confirm. */
export async function confirm(question) {
  setText(byId('question'), question);
  return (await ask(byId('confirm'))) === 'yes';
}

/**
 * Shows one session.
 * @returns the chosen action: `one` ends it, `user` ends all sessions of its owner, anything else does nothing
 */
export async function showDetails(session, { isReadOnly, showsValues }) {
  const { ref, label, owner, damaged, createdAt, lastSeenAt, expiresAt, bytes, secret, changes, keys, values } =
    session;
  const time = (at) => (at === null ? '–' : renderTime(at));
  setRows(byId('detail'), [
    [t('ref'), ref],
    [t('owner'), damaged ? t('damaged') : owner === null ? t('nobody') : label],
    [t('since'), time(createdAt)],
    [t('seen'), time(lastSeenAt)],
    [t('expires'), time(expiresAt)],
    [t('size'), renderSize(bytes)],
    [t('secret'), secret || '–'],
    [t('changes'), String(changes ?? '–')],
    [t('keys'), keys.join(', ') || '–'],
    ...(values ?? []).map(([name, text]) => [name, text]),
  ]);
  byId('detail-values').replaceChildren(...(showsValues ? [] : [element('p', { textContent: t('valuesHidden') })]));
  byId('end-one').hidden = isReadOnly;
  byId('end-user').hidden = isReadOnly || owner === null;
  return ask(byId('details'));
}

/** The value of the button that closed the dialog; empty for Escape. */
function ask(dialog) {
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener('close', () => resolve(dialog.returnValue), { once: true }));
}
