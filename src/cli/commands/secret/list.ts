import { withStore } from '../../admin/store.ts';
import type { Style } from '../../output.ts';
import { countUses, toJson, type UsedKey } from '../../secrets/key-uses.ts';
import { describeOtherServer, readKeys, verifyUsable } from '../../secrets/keys.ts';
import { onEnvironment } from '../on-environment.ts';

export const command = onEnvironment({
  summary: 'list the secrets by the ids of their keys: which one signs, how old it is, how many sessions it signed',
  examples: ['sessapp secret list myenv'],
  async run({ system, output, environment, name }) {
    const found = await readKeys(system, environment);
    await verifyUsable(system, environment, found);
    const { byKeyId } = await withStore(system, environment, (store) => store.tally(system.now()));
    const { keys, ...sessions } = countUses(found.keys, byKeyId);
    const other = await describeOtherServer(system, environment);
    if (other !== undefined) output.warn(other);
    const { source } = found;
    const lines = [
      `${name}, from ${source === 'environment' ? 'SESSION_SECRET in the environment' : source}:`,
      ...renderTable(keys, system.now(), output.style),
      ...(sessions.sessionsOfOtherKeys > 0
        ? [`Sessions that none of these signed: ${sessions.sessionsOfOtherKeys}.`]
        : []),
      ...(sessions.sessionsOfUnknownKey > 0
        ? [`Sessions whose secret is not known: ${sessions.sessionsOfUnknownKey}.`]
        : []),
    ];
    return {
      data: { source, keys: keys.map(toJson), ...sessions },
      text: lines.join('\n'),
    };
  },
});

function renderTable(rows: UsedKey[], nowMs: number, style: Style): string[] {
  const ages = rows.map(({ sinceMs }) => (sinceMs === undefined ? 'unknown' : renderAge(nowMs - sinceMs)));
  const width = Math.max('since'.length, ...ages.map((age) => age.length));
  const lines = rows.map(({ id, sessions }, index) => {
    const counted = `${ages[index]?.padEnd(width)}  ${String(sessions).padStart('sessions'.length)}`;
    return `${style.cyan(id)}  ${counted}${index === 0 ? '  signs' : ''}`;
  });
  return [style.dim(`${'key'.padEnd(8)}  ${'since'.padEnd(width)}  sessions`), ...lines];
}

const units = { day: 86_400_000, hour: 3_600_000, minute: 60_000, second: 1000 } as const;

/** `2 days ago`. A clock that was set back makes nothing younger than now. */
function renderAge(ms: number): string {
  const age = Math.max(0, ms);
  const names = Object.keys(units) as (keyof typeof units)[];
  const unit = names.find((name) => age >= units[name]) ?? 'second';
  return new Intl.RelativeTimeFormat('en').format(-Math.floor(age / units[unit]), unit);
}
