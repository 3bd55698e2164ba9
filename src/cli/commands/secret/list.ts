import { withStore } from '../../admin/store.ts';
import type { Style } from '../../output.ts';
import { describeOtherServer, readSecretList, verifyUsable } from '../../secrets/secret-summary.ts';
import { countUses, toJson, type UsedSecret } from '../../secrets/secret-uses.ts';
import { onEnvironment } from '../on-environment.ts';

export const command = onEnvironment({
  summary: 'list the ids of the secrets, their age, and how many sessions use each',
  examples: ['sessapp secret list myenv'],
  async run({ system, output, environment, name }) {
    const list = await readSecretList(system, environment);
    await verifyUsable(system, environment, list);
    const { bySecretId } = await withStore(system, environment, (store) => store.tally(system.now()));
    const { secrets, ...sessions } = countUses(list.secrets, bySecretId);
    const other = await describeOtherServer(system, environment);
    if (other !== undefined) output.warn(other);
    const { source } = list;
    const lines = [
      `${name}, from ${source === 'environment' ? 'SESSION_SECRET in the environment' : source}:`,
      ...renderTable(secrets, system.now(), output.style),
      ...(sessions.sessionsOfOtherSecrets > 0
        ? [`Sessions signed by other secrets: ${sessions.sessionsOfOtherSecrets}.`]
        : []),
      ...(sessions.sessionsOfUnknownSecret > 0
        ? [`Sessions whose secret is unknown: ${sessions.sessionsOfUnknownSecret}.`]
        : []),
    ];
    return {
      data: { source, secrets: secrets.map(toJson), ...sessions },
      text: lines.join('\n'),
    };
  },
});

function renderTable(rows: UsedSecret[], nowMs: number, style: Style): string[] {
  const ages = rows.map(({ sinceMs }) => (sinceMs === undefined ? 'unknown' : renderAge(nowMs - sinceMs)));
  const width = Math.max('since'.length, ...ages.map((age) => age.length));
  const lines = rows.map(({ id, sessions }, index) => {
    const counted = `${ages[index]?.padEnd(width)}  ${String(sessions).padStart('sessions'.length)}`;
    return `${style.cyan(id)}  ${counted}${index === 0 ? '  signs' : ''}`;
  });
  return [style.dim(`${'id'.padEnd(8)}  ${'since'.padEnd(width)}  sessions`), ...lines];
}

const units = { day: 86_400_000, hour: 3_600_000, minute: 60_000, second: 1000 } as const;

/** `2 days ago`. If the clock was set back, an age is 0, never negative. */
function renderAge(ms: number): string {
  const age = Math.max(0, ms);
  const names = Object.keys(units) as (keyof typeof units)[];
  const unit = names.find((name) => age >= units[name]) ?? 'second';
  return new Intl.RelativeTimeFormat('en').format(-Math.floor(age / units[unit]), unit);
}
