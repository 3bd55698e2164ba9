import { type Rotation, rotate } from '../../secrets/rotate.ts';
import { describeOtherServer } from '../../secrets/secret-summary.ts';
import { commandLine } from '../../shells/shells.ts';
import { onEnvironment, type Work } from '../on-environment.ts';

/** A cookie is verified with each secret in turn until one matches, so many secrets cost time. */
const many = 5;

export const command = onEnvironment({
  summary: 'add a secret that signs from now on; older ones still verify',
  examples: ['sessapp secret rotate myenv'],
  async run(work) {
    const { system, output, environment } = work;
    const rotation = await rotate(system, environment);
    const { id, older, removed } = rotation;
    const other = await describeOtherServer(system, environment);
    if (other !== undefined) output.warn(other);
    if (removed > 0) output.warn(describeRemoved(removed));
    const secrets = [id, ...older];
    if (secrets.length > many) output.warn(`There are ${secrets.length} secrets. Retire those that no session uses.`);
    return { data: { status: 'rotated', id, secrets, removed }, text: await describe(work, rotation) };
  },
});

function describeRemoved(count: number): string {
  return count === 1
    ? 'Removed a secret that was too short or a placeholder. The server does not start with it, so no session uses it.'
    : `Removed ${count} secrets that were too short or placeholders. The server does not start with them, so no session uses them.`;
}

async function describe({ system, output, environment, name }: Work, { id, older }: Rotation): Promise<string> {
  const signs = `${name} signs with ${output.style.cyan(id)}`;
  if (older.length === 0) return `${signs}. A running server uses it within 2 s.`;
  const line = (...words: [string, ...string[]]): Promise<string> =>
    commandLine(system, environment.directory, ...words);
  return [
    `${signs}; ${older.join(', ')} ${older.length === 1 ? 'verifies' : 'verify'}. A running server uses it within 2 s.`,
    `When ${await line('secret list')} shows no session of an older secret, type: ${await line('secret retire', older.at(-1) ?? '')}`,
  ].join('\n');
}
