import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listCommands, takesDirectory } from '../../src/cli/commands/index.ts';
import { type Check, type Finding, ok, problem } from '../../src/cli/doctor/check.ts';
import { checks } from '../../src/cli/doctor/list.ts';
import { runChecks } from '../../src/cli/doctor/run.ts';
import { createSystem } from '../../src/system.ts';
import { commandsIn, type Diagnosis, diagnose, editJson, env, replace, run } from '../cli/doctor/support.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment } from '../support/server.ts';

const shared = new Sandbox(afterAll);
let environment: string;

beforeAll(async () => {
  environment = await copyEnvironment(shared);
});

/** Every finding is complete, no check failed, and no secret is printed. */
async function expectComplete({ findings }: Diagnosis, secrets: string[] = []): Promise<void> {
  const commands = listCommands();
  expect(findings.length).toBeGreaterThanOrEqual(checks.length);
  for (const finding of findings) {
    // The error of Node.js about a broken package is quoted.
    const ownText = finding.fact.replace(/(?<=^The server does not start: ).*/s, '');
    expect(ownText).not.toMatch(/The check failed|undefined|NaN|\[object/);
    if (finding.level === 'problem') expect(finding.remedy).toMatch(/\w/);
    const tool = commandsIn(finding).filter((command) => command.startsWith('sessapp '));
    const known = tool.filter((command) => commands.some((name) => command.startsWith(`sessapp ${name} `)));
    expect(known).toEqual(tool);
  }
  for (const secret of secrets) expect(JSON.stringify(findings)).not.toContain(secret);
}

const garbage = ['null', '{"\u0000', '{"dependencies":{"x":null},"packages":{"":null,"x":5},"owner":5}'];
const files = [
  'package.json',
  'package-lock.json',
  'node_modules/.package-lock.json',
  'sessapp.json',
  '.env',
  'app.js',
  'node_modules/express/package.json',
  'data/server.json',
];

test.each(files)(
  'doctor reports correctly when %s has any content, or is a directory or a link to itself',
  async (name) => {
    const path = join(environment, name);
    await mkdir(join(environment, 'data'), { recursive: true, mode: 0o700 });
    await writeFile(path, '', { flag: 'a' });
    await rename(path, `${path}.whole`);
    try {
      for (const content of garbage) {
        await replace(path, content);
        await expectComplete(await diagnose(shared));
      }
      const others = [() => mkdir(path), () => symlink(name.replace(/^.*\//, ''), path)];
      for (const make of others) {
        await rm(path, { recursive: true });
        await make();
        await expectComplete(await diagnose(shared));
      }
    } finally {
      await rm(path, { recursive: true, force: true });
      await rename(`${path}.whole`, path);
    }
  },
);

test.each(['node_modules', '.sessapp', 'data', '.gitignore', 'bin'])(
  'doctor reports correctly when %s is a file or missing',
  async (name) => {
    const path = join(environment, name);
    await mkdir(join(environment, 'data'), { recursive: true, mode: 0o700 });
    await rename(path, `${path}.whole`);
    await expectComplete(await diagnose(shared));
    await rm(path, { recursive: true, force: true });
    await writeFile(path, '');
    await expectComplete(await diagnose(shared));
    await rm(path);
    await rename(`${path}.whole`, path);
  },
);

test('no secret or password is printed, even when an error of the store contains its address', async () => {
  const sandbox = new Sandbox();
  const broken = await copyEnvironment(sandbox);
  const redis = join(broken, 'node_modules', 'sessapp', 'dist', 'stores', 'redis');
  await replace(
    join(redis, 'driver.js'),
    'export async function open(url) { throw new Error(`no way to ${url}, ${decodeURIComponent(url)}`); }',
  );
  await mkdir(join(broken, 'node_modules', 'redis'));
  await editJson(join(broken, 'sessapp.json'), (marker: { store?: string }) => {
    marker.store = 'redis';
  });
  const secrets = ['hunter42', 'please-change-me-before-you-deploy-this', 'correct horse battery staple and tractor'];
  const lines = [
    `SESSION_SECRET="${secrets.join()}"`,
    'STORE_URL=redis://me:p%40ss-w%C3%B6rd@far.example/1',
    'NODE_ENV=production',
    'not a line: hunter42',
  ];
  await writeFile(join(broken, '.env'), `${lines.join('\n')}\n`);
  await chmod(join(broken, '.env'), 0o644);
  const diagnosis = await diagnose(sandbox);
  expect(diagnosis.of('store')[0]?.fact).toContain('no way to redis://me:***@far.example/1, redis://me:***@');
  expect(diagnosis.of('secrets')).toHaveLength(3);
  await expectComplete(diagnosis, [...secrets, 'p%40ss', 'p@ss']);
  const { stdout, stderr } = await run(sandbox, ['doctor', 'myenv']);
  for (const secret of [...secrets, 'p%40ss', 'p@ss']) expect(stdout + stderr).not.toContain(secret);
});

test('a directory that is not an environment is an error, unless an init was interrupted in it', async () => {
  const sandbox = new Sandbox();
  expect(await run(sandbox, ['doctor', '--json'])).toMatchObject({ exitCode: 1 });
  const refused = await run(sandbox, ['doctor', '.', '--json']);
  expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'not-an-environment' } });
  await writeFile(sandbox.path('.sessapp-lock'), '');
  const { of, exitCode } = await diagnose(sandbox, ['.']);
  expect(exitCode).toBe(1);
  expect(of('leftovers')).toMatchObject([{ level: 'problem', remedy: expect.stringContaining('sessapp init .') }]);
});

test.each([
  ['nonsense', '--url is not a valid address.'],
  ['ftp://example.org', '--url takes an http or https address, not ftp:'],
  ['https://me:hunter42@example.org', '--url does not take a user or password.'],
])('--url %s is refused', async (address, message) => {
  const { exitCode, stdout } = await run(shared, ['doctor', 'myenv', '--url', address, '--json']);
  expect(exitCode).toBe(2);
  expect(JSON.parse(stdout).error.message).toBe(message);
  expect(stdout).not.toContain('hunter42');
});

test('a check that fails is a problem, and does not stop the other checks', async () => {
  const check = (name: string, examine: () => Promise<Finding[]>): Check => ({ name, examine });
  const refused = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES', path: '/x' });
  const findings = await runChecks(
    [
      check('fine', async () => [ok('It is.')]),
      check('bug', async () => {
        throw new TypeError('oh');
      }),
      check('refused', () => Promise.reject(refused)),
      check('wrong', async () => [problem('It is.', 'Because.', 'Fix it.')]),
    ],
    { directory: shared.directory, file: {}, settings: {} },
    { ...createSystem(takesDirectory), env },
  );
  expect(findings.map(({ check: name, level, fact }) => [name, level, fact.split('\n')[0]])).toEqual([
    ['bug', 'problem', 'The check failed: TypeError: oh'],
    ['wrong', 'problem', 'It is.'],
    ['refused', 'note', 'Not checked: Permission denied: /x.'],
    ['fine', 'ok', 'It is.'],
  ]);
});

test('doctor changes nothing in an environment', async () => {
  const { snapshot } = await import('../support/files.ts');
  const sandbox = new Sandbox();
  const examined = await copyEnvironment(sandbox);
  await diagnose(sandbox);
  await chmod(join(examined, '.env'), 0o644);
  await writeFile(join(examined, 'sessapp.json'), '{');
  const before = await snapshot(sandbox.directory);
  await diagnose(sandbox);
  await diagnose(sandbox, ['myenv', '--url', 'http://127.0.0.1:1']);
  expect(await snapshot(sandbox.directory)).toEqual(before);
  expect(await readFile(join(examined, 'sessapp.json'), 'utf8')).toBe('{');
});
