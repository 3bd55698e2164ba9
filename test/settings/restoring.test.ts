import { rm, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { createEnvironment } from '../../src/cli/scaffold/create.ts';
import { makePlan, type ResolvedOptions } from '../../src/cli/scaffold/plan.ts';
import { fakeSystem, invoke } from '../support/in-process.ts';
import { Sandbox } from '../support/sandbox.ts';

const plain = { template: 'minimal', store: 'embedded', install: false, offline: true, git: false };
const typescript = { language: 'typescript', node: '24.11.0' } as const;

test.each<[words: string, options: Omit<ResolvedOptions, 'directory'>]>([
  ['--allow-existing', { ...plain, language: 'javascript' }],
  ['--allow-existing --template accounts', { ...plain, language: 'javascript', template: 'accounts' }],
  ['--allow-existing --store redis', { ...plain, language: 'javascript', store: 'redis' }],
  ['--allow-existing --typescript --node 24.11.0', { ...plain, ...typescript }],
  ['--allow-existing --typescript --node 24.11.0 --store postgres', { ...plain, ...typescript, store: 'postgres' }],
])('for a missing or damaged sessapp.json, each command suggests sessapp init with %s', async (words, options) => {
  const sandbox = new Sandbox();
  const directory = sandbox.path('t');
  const { system } = fakeSystem(() => sandbox.directory);
  const plan = await makePlan({ ...options, directory }, 'create');
  await createEnvironment(system, plan, () => undefined);
  const said = async (name: string) => (await invoke(sandbox.directory, [name, 't', '--json'])).stdout;
  await writeFile(sandbox.path('t', 'sessapp.json'), '{');
  for (const name of ['info', 'serve']) expect(await said(name)).toContain(`sessapp init . ${words} in that directory`);
  expect(await said('doctor')).toContain(`\\nsessapp init t ${words}"`);
  await rm(sandbox.path('t', 'sessapp.json'));
  for (const name of ['info', 'serve', 'doctor']) expect(await said(name)).toContain(`sessapp init t ${words}"`);
});
