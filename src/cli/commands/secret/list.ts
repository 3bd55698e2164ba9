import { withStore } from '../../admin/store.ts';
import type { Style } from '../../output.ts';
import { describeOtherServer, type Key, readKeys, verifyUsable } from '../../secrets/keys.ts';
import { onEnvironment } from '../on-environment.ts';

/** A key, and how many sessions' clients have a cookie of it, as far as the server knows. */
type Row = Key & { sessions: number };

export const command = onEnvironment({
  summary: 'list the secrets by the ids of their keys: which one signs, how old it is, how many sessions it signed',
  examples: ['sessapp secret list myenv'],
  async run({ system, output, environment, name }) {
    const found = await readKeys(system, environment);
    await verifyUsable(system, environment, found);
    const { byKeyId } = await withStore(system, environment, (store) => store.tally(system.now()));
    const { '': unknown = 0, ...byKey } = byKeyId;
    const rows = found.keys.map((key): Row => ({ ...key, sessions: byKey[key.id] ?? 0 }));
    const foreign = Object.entries(byKey).filter(([id]) => rows.every((row) => row.id !== id));
    const gone = foreign.reduce((sum, [, sessions]) => sum + sessions, 0);
    const other = await describeOtherServer(system, environment);
    if (other !== undefined) output.warn(other);
    const { source } = found;
    const lines = [
      `${name}, from ${source === 'environment' ? 'SESSION_SECRET in the environment' : source}:`,
      ...renderTable(rows, system.now(), output.style),
      ...(gone > 0 ? [`Sessions that none of these signed: ${gone}.`] : []),
      ...(unknown > 0 ? [`Sessions whose secret is not known: ${unknown}.`] : []),
    ];
    return {
      data: { source, keys: rows.map(toJson), sessionsOfOtherKeys: gone, sessionsOfUnknownKey: unknown },
      text: lines.join('\n'),
    };
  },
});

function toJson({ id, sinceMs, sessions }: Row, index: number): object {
  return { id, signs: index === 0, since: sinceMs === undefined ? null : new Date(sinceMs).toISOString(), sessions };
}

function renderTable(rows: Row[], nowMs: number, style: Style): string[] {
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
