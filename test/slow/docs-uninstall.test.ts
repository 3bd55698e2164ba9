import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openPage } from '../support/docs.ts';
import { send } from '../support/http.ts';
import { Reader } from '../support/reader.ts';
import { finish, repository, Sandbox } from '../support/sandbox.ts';

const page = openPage('docs/uninstall.md', import.meta.filename);

async function pack(sandbox: Sandbox): Promise<string> {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', sandbox.directory, repository];
  const { stdout } = await finish(sandbox.spawn('npm', args));
  return sandbox.path((JSON.parse(stdout) as { filename: string }[])[0]?.filename ?? '');
}

test('the command is uninstalled for all directories', async () => {
  const sandbox = new Sandbox();
  const prefix = sandbox.path('global');
  const reader = await Reader.open(sandbox, { npm_config_prefix: prefix });
  await reader.type({ code: `npm install --global --ignore-scripts '${await pack(sandbox)}'` });
  expect(existsSync(`${prefix}/bin/sessapp`)).toBe(true);
  await reader.type(page.take('The command', 'sh'));
  expect(existsSync(`${prefix}/bin/sessapp`)).toBe(false);
});

test('an application goes back to express-session', async () => {
  const sandbox = new Sandbox();
  const application = sandbox.path('application');
  await mkdir(application);
  await writeFile(`${application}/package.json`, '{ "type": "module", "private": true }');
  const reader = await Reader.open(sandbox, { SESSION_SECRET: 's'.repeat(43) });
  await reader.type({ code: `cd application\nnpm install --ignore-scripts '${await pack(sandbox)}' express lmdb` });
  await reader.type(page.take('The library in an application', 'sh'));
  expect(existsSync(`${application}/node_modules/sessapp`)).toBe(false);
  await reader.write(page.take('The library in an application', 'js'), 'application');
  const url = await reader.serveApplication('node app.js');
  const { cookie } = await send(url);
  expect((await send(url, { headers: { Cookie: cookie } })).body).toBe('You have been here 2 times.\n');
});
