import { byId, setRows, setText } from './dom.js';
import { renderClock, renderNumber, renderSize, renderTime, t } from './text.js';

/** The store, a migration, a rotation, the server and its workers. */
export function showState(state) {
  const { name, store, migration, server, counts, pingMs, countedAtMs, failure, isReadOnly } = state;
  document.title = `${name} – ${t('title')}`;
  setText(byId('name'), name);
  byId('read-only').hidden = !isReadOnly;
  const health = failure ? `${store}: ${failure.message}` : t('responds', store, renderNumber(pingMs ?? 0));
  setRows(byId('state'), [
    [
      t('store'),
      [
        health,
        ...(counts ? describeCounts(counts) : []),
        ...(countedAtMs ? [t('counted', renderClock(countedAtMs))] : []),
      ],
    ],
    [
      t('migration'),
      migration ? `${t('migrating', migration.from, migration.to)}: ${t(migration.phase)}` : t('noMigration'),
    ],
    [t('secrets'), describeSecrets(state.secretUses)],
    [t('server'), server ? [server.url, t('runs', renderTime(server.sinceMs), server.pid)] : t('noServer')],
    ...(server ? [[t('workers'), t('ready', server.ready, server.workers)]] : []),
  ]);
}

function describeCounts({ bytes, anonymous, expired, damaged, setAside }) {
  const leftovers = expired + damaged + (setAside ?? 0);
  return [
    t('contentOf', renderSize(bytes), renderNumber(anonymous)),
    ...(leftovers > 0 ? [t('leftovers', renderNumber(expired), renderNumber(damaged), setAside ?? '?')] : []),
  ];
}

function describeSecrets({ secrets, sessionsOfOtherSecrets: others, sessionsOfUnknownSecret: unknown }) {
  if (secrets.length === 0) return t('noSecret');
  const waiting = secrets.reduce((sum, { signs, sessions }) => sum + (signs ? 0 : sessions), 0);
  return [
    ...secrets.map(({ id, signs, sessions }) => t(signs ? 'signs' : 'older', id, renderNumber(sessions))),
    ...(secrets.length > 1 ? [t('rotating', renderNumber(waiting))] : []),
    ...(others > 0 ? [t('otherSecrets', renderNumber(others))] : []),
    ...(unknown > 0 ? [t('unknownSecret', renderNumber(unknown))] : []),
  ];
}
