import { toDetailJson } from '../../admin/describe.ts';
import { readSession, renderRef } from '../../admin/session-ref.ts';
import type { SessionDetail } from '../../admin/session-summary.ts';
import { readValues, type Values } from '../../admin/session-values.ts';
import { withStore } from '../../admin/store.ts';
import { renderSize } from '../../amounts.ts';
import { renderRows } from '../../columns.ts';
import { flag } from '../../command.ts';
import { renderDistance } from '../../durations.ts';
import { toVisibleJson, visible } from '../../visible.ts';
import { onEnvironment } from '../on-environment.ts';

export const command = onEnvironment({
  summary: 'show a session, without its values',
  examples: ['sessapp sessions show Qm3xT7pLw2aZ'],
  operands: [['<ref>', 'the REF of the session in sessions list, or its beginning']],
  options: [['--values', 'also show its values, except those whose keys look like credentials']],
  async run({ input, system, environment }) {
    const nowMs = system.now();
    const session = await withStore(system, environment, (store) => readSession(store, input.operands[0] ?? '', nowMs));
    const values = readValues(session);
    const isShown = flag(input, 'values') && values !== undefined;
    const data = toDetailJson(session, values, isShown);
    return { data, text: render(session, values, isShown, nowMs) };
  },
});

function render(session: SessionDetail, values: Values | undefined, isShown: boolean, nowMs: number): string {
  const { key, owner, keyId, createdAtMs, seenAtMs, expiresAtMs, bytes, version } = session;
  const time = (ms = Number.NaN): string =>
    Number.isNaN(ms) ? 'unknown' : `${new Date(ms).toISOString()} (${renderDistance(ms, nowMs)})`;
  const keys = Object.keys(values ?? {}).map(visible);
  const rows: [string, string][] = [
    ['session', renderRef(key)],
    ['owner', owner === undefined ? 'nobody' : visible(owner)],
    ['created', time(createdAtMs)],
    ['last seen', time(seenAtMs)],
    ['expires', time(expiresAtMs)],
    ['size', renderSize(bytes)],
    ['signed by', keyId === undefined ? 'an unknown secret' : `secret ${visible(keyId)}`],
    ['changes', String(version ?? 'unknown')],
    ['keys', values === undefined ? 'cannot be read: the record is damaged' : keys.join(', ')],
  ];
  if (!isShown) return renderRows(rows);
  const shown = Object.entries(values ?? {}).map(([name, value]): [string, string] => [
    visible(name),
    toVisibleJson(value),
  ]);
  return [renderRows(rows), ...(shown.length > 0 ? [renderRows(shown)] : [])].join('\n\n');
}
