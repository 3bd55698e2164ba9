import { join } from 'node:path';
import { expect, test } from 'vitest';
import { editJson } from '../doctor/support.ts';
import { invoke } from '../../support/in-process.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment, serveInBackground } from '../../support/server.ts';

test.each<[what: string, use: (sandbox: Sandbox, environment: string) => Promise<unknown>, hint: string]>([
  ['whose server runs', serveInBackground, 'Stop it first: sessapp stop myenv'],
  [
    'whose sessions are being moved',
    (_, environment) =>
      editJson(join(environment, 'sessapp.json'), (marker: { migration?: object }) => {
        marker.migration = { from: 'embedded', to: 'redis', phase: 'move' };
      }),
    'Let that come to its end first: sessapp store migrate -e myenv redis',
  ],
])('--clear of an environment %s says what to type, from where the user is', async (_, use, hint) => {
  const sandbox = new Sandbox();
  await use(sandbox, await copyEnvironment(sandbox));
  const { stdout } = await invoke(sandbox.directory, ['init', 'myenv', '--clear', '--no-install', '--json']);
  expect(JSON.parse(stdout).error.hint).toBe(hint);
});
