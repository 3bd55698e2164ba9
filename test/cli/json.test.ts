import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copySharedCache } from '../support/cache.ts';
import { startDashboard } from '../support/dashboard.ts';
import { openPage } from '../support/docs.ts';
import { invoke } from '../support/in-process.ts';
import { collect } from '../support/output.ts';
import { repository, Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, killAtEnd, request, serve, waitFor } from '../support/server.ts';

const page = openPage('docs/json.md', import.meta.filename);

/** The examples of one section of docs/json.md. */
function examples(section: string): unknown[] {
  return page.takeAll(section, 'json').map(({ code }) => JSON.parse(code) as unknown);
}

/** The names of a value's fields, at every depth. Of a list, only the first element is used. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, shapeOf(field)]));
}

async function expectDocumented(section: string, ...printed: unknown[]): Promise<void> {
  expect(printed.map(shapeOf)).toEqual(examples(section).map(shapeOf));
}

const parse = ({ stdout }: { stdout: string }): unknown => JSON.parse(stdout);

test('docs/json.md shows exactly the fields that each command prints', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const options = { cwd: environment, env: { SESSAPP_STATE_DIR: sandbox.path('state') } };
  const sessapp = (...args: string[]) => sandbox.sessapp([...args, '--json'], options).then(parse);
  const stopped = { status: await sessapp('status'), stop: await sessapp('stop') };
  await expectDocumented('Failures', await sessapp('info', 'nowhere'));

  const started = (await sessapp('serve', '--background', '--port', '0')) as { pid: number; url: string };
  killAtEnd(started.pid);
  await request(started.url);
  await expectDocumented('serve --background', started);
  await expectDocumented('status', await sessapp('status'), stopped.status);
  await expectDocumented('info', await sessapp('info'));
  await expectDocumented('list', await sessapp('list'));
  const rotated = (await sessapp('secret', 'rotate')) as { secrets: string[] };
  await expectDocumented('secret rotate', rotated);
  await expectDocumented('secret list', await sessapp('secret', 'list'));
  await expectDocumented(
    'logs',
    await waitFor(async () => {
      const logs = (await sessapp('logs')) as { lines: string[] };
      return logs.lines.length > 0 && logs;
    }),
  );
  await expectDocumented('deploy', await sessapp('deploy', 'docker'));
  await chmod(join(environment, '.env'), 0o644);
  await expectDocumented('doctor', await sessapp('doctor'));
  await expectDocumented('secret retire', await sessapp('secret', 'retire', rotated.secrets[1] ?? '', '--force'));
  await expectDocumented('reload', await sessapp('reload'));
  await expectDocumented('stop', await sessapp('stop'), stopped.stop);
  await expectDocumented('install', await sessapp('install', 'is-number@7.0.0'));
  await expectDocumented('remove', parse(await sandbox.sessapp(['remove', environment, '--yes', '--json'])));
});

test('docs/json.md shows exactly the fields of the commands on sessions and the store', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { url } = await serve(sandbox, environment);
  await request(url);
  const sessapp = (...args: string[]) => invoke(environment, args).then(parse);
  const list = (await sessapp('sessions', 'list', '--json')) as { sessions: { ref: string }[] };
  const ref = list.sessions[0]?.ref ?? '';
  await expectDocumented('sessions list', list, await sessapp('sessions', 'list', '--ndjson'));
  await expectDocumented('sessions show', await sessapp('sessions', 'show', ref, '--values', '--json'));
  await expectDocumented('sessions stats', await sessapp('sessions', 'stats', '--json'));
  await expectDocumented('dashboard', (await startDashboard(sandbox, environment)).printed);
  await expectDocumented('store backup', await sessapp('store', 'backup', '../copy.mdb', '--json'));
  const address = ['--store-url', 'redis://localhost'];
  await expectDocumented(
    'store migrate',
    await sessapp('store', 'migrate', 'redis', ...address, '--dry-run', '--json'),
  );
  await expectDocumented('sessions destroy', await sessapp('sessions', 'destroy', ref, '--json'));
  await expectDocumented('sessions prune', await sessapp('sessions', 'prune', '--json'));
});

test('docs/json.md shows exactly the events of serve', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { child, ...listening } = await serve(sandbox, environment, ['--watch']);
  const output = collect(child);
  const events = () =>
    output
      .stdout()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  await writeFile(join(environment, 'app.js'), 'nonsense(');
  await waitFor(() => events().length === 2);
  child.kill('SIGINT');
  await output.ended;
  await expectDocumented('serve', { version: 1, event: 'listening', ...listening, store: 'embedded' }, ...events());
});

test('docs/json.md shows exactly the fields of init, and has a section for each command', async () => {
  const sandbox = new Sandbox();
  const printed = parse(await sandbox.sessapp(['init', 'new', '--no-install', '--json'])) as { plan: unknown };
  await expectDocumented('init', { ...printed, plan: {} });
  await sandbox.sessapp(['init', 'shop', '--no-install', '--template', 'accounts']);
  await expectDocumented('add', parse(await sandbox.sessapp(['add', 'passkeys', '-e', 'shop', '--json'])));
  const env = { SESSAPP_CACHE_DIR: sandbox.path('cache') };
  await copySharedCache(sandbox.path('cache'));
  await expectDocumented('cache info', parse(await sandbox.sessapp(['cache', 'info', '--json'], { env })));
  await expectDocumented('cache clean', parse(await sandbox.sessapp(['cache', 'clean', '--json'], { env })));
  await expectDocumented('completion', parse(await sandbox.sessapp(['completion', 'bash', '--json'])));
  const { stdout } = await sandbox.sessapp(['--help']);
  const commands = [...stdout.matchAll(/^ {2}([a-z]+) .*$/gm)]
    .map(([, name]) => name)
    .filter((name) => name !== 'help');
  const page = await readFile(join(repository, 'docs', 'json.md'), 'utf8');
  const sections = [...page.matchAll(/^## ([a-z]+)/gm)].map(([, name]) => name);
  expect(commands.length).toBeGreaterThan(7);
  expect(commands.filter((name) => !sections.includes(name))).toEqual([]);
});
