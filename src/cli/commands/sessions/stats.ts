import { toIso } from '../../admin/describe.ts';
import type { Tally } from '../../admin/session-summary.ts';
import { withStore } from '../../admin/store.ts';
import { renderCount, renderSize } from '../../amounts.ts';
import { renderRows } from '../../columns.ts';
import { renderDistance } from '../../durations.ts';
import { onEnvironment } from '../on-environment.ts';

export const command = onEnvironment({
  summary: 'count the sessions of an environment',
  examples: ['sessapp sessions stats myenv'],
  async run({ system, environment, name }) {
    const nowMs = system.now();
    const tally = await withStore(system, environment, (store) => store.tally(nowMs));
    return { data: toJson(tally), text: `${name} has ${renderCount(tally.live, 'session')}.\n${render(tally, nowMs)}` };
  },
});

function toJson(tally: Tally): Record<string, unknown> {
  const { live: sessions, anonymous, expired, damaged, setAside, bytes, oldestAtMs, lastExpiryAtMs } = tally;
  const times = { oldestAt: toIso(oldestAtMs), lastExpiryAt: toIso(lastExpiryAtMs) };
  return { sessions, anonymous, expired, damaged, setAside: setAside ?? null, bytes, ...times };
}

function render(tally: Tally, nowMs: number): string {
  const { anonymous, expired, damaged, setAside, bytes, oldestAtMs, lastExpiryAtMs } = tally;
  const time = (ms: number | undefined): string => (ms === undefined ? '-' : renderDistance(ms, nowMs));
  return renderRows([
    ['without an owner', String(anonymous)],
    ['oldest', time(oldestAtMs)],
    ['last expiry', time(lastExpiryAtMs)],
    ['size', renderSize(bytes)],
    ['expired', `${expired} to be deleted`],
    ['damaged', String(damaged)],
    ['set aside as damaged', String(setAside ?? 'unknown')],
  ]);
}
