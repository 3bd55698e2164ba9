import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Subject } from '../../../src/cli/doctor/check.ts';
import { hideSecrets } from '../../../src/cli/doctor/redact.ts';
import type { System } from '../../../src/system.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment } from '../../support/server.ts';
import { examine } from './support.ts';

test.each([
  ['redis://:s3cret-pass@host/0', 's3cret-pass'],
  ['redis://user:p%40ss%3Aword@host/0', 'p@ss:word'],
  ['redis://user:p%40ss%3Aword@host/0', 'p%40ss%3Aword'],
  ['postgres://host/db?user=app&password=s3cret%2Bpass', 's3cret+pass'],
  ['postgres://host/db?user=app&password=s3cret%2Bpass', 's3cret%2Bpass'],
])('a driver’s error about %s is printed without the password', (url, password) => {
  const subject = { file: { STORE_URL: url }, settings: {} } as unknown as Subject;
  const system = { env: {} } as unknown as System;
  expect(hideSecrets(`cannot log in with ${password}`, subject, system)).toBe('cannot log in with ***');
});

test('a secret that is an ordinary word does not hide this word in our own text', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await writeFile(join(environment, '.env'), 'SESSION_SECRET=secret\nSTORE_URL=redis://:sessapp@localhost\n');
  const [finding] = await examine(sandbox, 'secrets');
  expect(finding).toMatchObject({
    fact: 'The newest secret has 6 bytes; it needs 32 or more.',
    remedy: 'Type: sessapp secret rotate myenv',
  });
});

test('a secret in an error of the application is hidden', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await writeFile(join(environment, '.env'), 'STORE_URL=redis://:hunter42@localhost\n', { flag: 'a' });
  await writeFile(join(environment, 'app.js'), 'throw new Error(`no way with ${"hunter"}42`);\n');
  const [finding] = await examine(sandbox, 'application');
  expect(finding?.fact).toBe('The server does not start: Error: no way with *** (app.js:1).');
});
