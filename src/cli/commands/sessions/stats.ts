import { toIso } from '../../admin/describe.ts';
import type { Tally } from '../../admin/session-summary.ts';
import { withStore } from '../../admin/store.ts';
import { renderCount, renderSize } from '../../amounts.ts';
import { renderRows } from '../../columns.ts';
import { type Command, environmentOption, text } from '../../command.ts';
import { renderDistance } from '../../durations.ts';
import { findEnvironment, promptOf } from '../../environment/find.ts';

export const command: Command = {
  summary: 'count the sessions of an environment',
  options: [environmentOption],
  isHandedOver: true,
  async run(input, { system, output }) {
    const environment = await findEnvironment(system, text(input, 'env'));
    const nowMs = system.now();
    const tally = await withStore(system, environment, (store) => store.tally(nowMs));
    const name = output.style.bold(promptOf(environment));
    return { data: toJson(tally), text: `${name} has ${renderCount(tally.live, 'session')}.\n${render(tally, nowMs)}` };
  },
};

function toJson(tally: Tally): Record<string, unknown> {
  const { live, anonymous, expired, damaged, setAside = null, bytes } = tally;
  return {
    sessions: live,
    anonymous,
    expired,
    damaged,
    setAside,
    bytes,
    oldestAt: toIso(tally.oldestAtMs),
    lastExpiryAt: toIso(tally.lastExpiryAtMs),
  };
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
