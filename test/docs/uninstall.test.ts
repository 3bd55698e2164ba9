import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { expect } from 'vitest';
import { copySharedCache } from '../support/cache.ts';
import { type Block, expectShown, openPage } from '../support/docs.ts';
import { Reader, testReader } from '../support/reader.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, request, serveInBackground } from '../support/server.ts';

const page = openPage('docs/uninstall.md', import.meta.filename);

testReader('an environment is stopped, shown and removed', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox, 'myapp');
  const { url } = await serveInBackground(sandbox, environment);
  await request(url);
  await mkdir(`${environment}/data/users`);
  const reader = await Reader.open(sandbox, { SESSAPP_STATE_DIR: sandbox.path('state') });
  const [look, remove, withYes] = page.takeAll('An environment', 'sh');
  const shown = await reader.type(look as Block);
  expect(shown).toContain('1 session');
  expect(shown).not.toContain('data/users');
  expect(existsSync(environment)).toBe(true);
  // There is no terminal to ask on.
  expect(await reader.type(remove as Block, 2)).toContain('--yes');
  expectShown(await reader.type(withYes as Block), page.take('An environment', 'text'));
  expect(existsSync(environment)).toBe(false);
});

testReader('the sessions of an environment are ended', async () => {
  const sandbox = new Sandbox();
  const { url } = await serveInBackground(sandbox, await copyEnvironment(sandbox, 'myapp'));
  await request(url);
  const reader = await Reader.open(sandbox);
  const list = { code: 'sessapp sessions list -e myapp' };
  expect(await reader.type(list)).not.toBe('');
  await reader.type(page.take('Its sessions in Redis or PostgreSQL', 'sh'));
  expect(await reader.type(list)).not.toMatch(/\d{4}-/);
});

testReader('the snapshots and the list of environments are removed', async () => {
  const sandbox = new Sandbox();
  const folders = { SESSAPP_CACHE_DIR: sandbox.path('cache'), SESSAPP_STATE_DIR: sandbox.path('state') };
  await copySharedCache(folders.SESSAPP_CACHE_DIR);
  await mkdir(folders.SESSAPP_STATE_DIR);
  const reader = await Reader.open(sandbox, folders);
  const count = { code: 'sessapp cache info --json' };
  expect(JSON.parse(await reader.type(count)).snapshots).not.toEqual([]);
  await reader.type(page.take('The snapshots', 'sh'));
  expect(JSON.parse(await reader.type(count)).snapshots).toEqual([]);
  expect(existsSync(folders.SESSAPP_CACHE_DIR)).toBe(true);
  await reader.type(page.take('The list of environments', 'sh'));
  expect(existsSync(folders.SESSAPP_STATE_DIR)).toBe(false);
});
