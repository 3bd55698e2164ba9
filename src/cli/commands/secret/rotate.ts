import { describeOtherServer } from '../../secrets/keys.ts';
import { type Rotation, rotate } from '../../secrets/rotate.ts';
import { commandLine } from '../../shells/shells.ts';
import { onEnvironment, type Work } from '../on-environment.ts';

/** Each cookie that is not signed by the newest is tried with all. */
const many = 5;

export const command = onEnvironment({
  summary: 'put a new secret in front, which signs from then on; the older ones still verify',
  examples: ['sessapp secret rotate myenv'],
  async run(work) {
    const { system, output, environment } = work;
    const rotation = await rotate(system, environment);
    const { id, older, removed } = rotation;
    const other = await describeOtherServer(system, environment);
    if (other !== undefined) output.warn(other);
    if (removed > 0) output.warn(describeRemoved(removed));
    const keys = [id, ...older];
    if (keys.length > many) output.warn(`There are ${keys.length} secrets: retire those that sign no session.`);
    return { data: { status: 'rotated', id, keys, removed }, text: await describe(work, rotation) };
  },
});

function describeRemoved(count: number): string {
  const what =
    count === 1
      ? 'A secret that was short or a placeholder is'
      : `${count} secrets that were short or placeholders are`;
  return `${what} gone: no server starts with such a one, so that no session needs it.`;
}

async function describe({ system, output, environment, name }: Work, { id, older }: Rotation): Promise<string> {
  const signs = `${name} signs with ${output.style.cyan(id)}`;
  if (older.length === 0) return `${signs}. A running server follows within 2 s.`;
  const line = (...words: [string, ...string[]]): Promise<string> =>
    commandLine(system, environment.directory, ...words);
  return [
    `${signs}; ${older.join(', ')} ${older.length === 1 ? 'verifies' : 'verify'}. A running server follows within 2 s.`,
    `Once ${await line('secret list')} shows no session of an older one: ${await line('secret retire', older.at(-1) ?? '')}`,
  ].join('\n');
}
