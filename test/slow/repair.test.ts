import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Result, Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, request, serve } from '../support/server.ts';

type Damage = (environment: string) => Promise<unknown>;

const remove =
  (name: string): Damage =>
  (environment) =>
    rm(join(environment, name), { recursive: true });

const edit =
  (name: string, change: (content: Record<string, never>) => void): Damage =>
  async (environment) => {
    const content = JSON.parse(await readFile(join(environment, name), 'utf8'));
    change(content);
    // Files in node_modules are links to files that other tests use.
    await rm(join(environment, name));
    await writeFile(join(environment, name), JSON.stringify(content, null, 2));
  };

/** Runs the command of the hint in the environment, as a person would, with this build of sessapp. */
async function followHint(sandbox: Sandbox, environment: string, hint: string): Promise<Result> {
  const command = /sessapp ((?:install|init|run|upgrade)\b.*?)(?: in that directory\.)?$/.exec(hint)?.[1];
  if (command === undefined) throw new Error(`no command in: ${hint}`);
  const words = command.split(' ').map((word) => word.replace(/^'(.*)'$/, '$1'));
  // A command without a directory must be typed in the environment.
  const inside = !words.some((word) => word.endsWith('myenv'));
  return sandbox.sessapp(words, { cwd: inside ? environment : join(environment, '..') });
}

const absent = '1.999.0';

test.each<[string, string, Damage]>([
  ['node_modules was deleted', 'dependencies-missing', remove('node_modules')],
  [
    'an installed package has another version than the lockfile',
    'dependencies-differ',
    (environment) =>
      edit('node_modules/.package-lock.json', (lock: { packages?: Record<string, { version: string }> }) => {
        for (const entry of Object.values(lock.packages ?? {}).slice(0, 1)) entry.version = absent;
      })(environment),
  ],
  [
    'package.json lists a package that the lockfile lacks',
    'lockfile-behind',
    edit('package.json', (packageJson: { dependencies?: Record<string, string> }) => {
      Object.assign(packageJson.dependencies ?? {}, { 'is-number': '^7.0.0' });
    }),
  ],
  ['package.json was deleted', 'package-json-missing', remove('package.json')],
  [
    'npm wrote a package.json of its own after the environment’s was lost',
    'package-json-missing',
    (environment) =>
      writeFile(join(environment, 'package.json'), '{"type":"commonjs","dependencies":{"is-number":"^7.0.0"}}'),
  ],
  ['package-lock.json was deleted', 'lockfile-missing', remove('package-lock.json')],
  [
    'package-lock.json is damaged',
    'lockfile-missing',
    (environment) => appendFile(join(environment, 'package-lock.json'), '<<<<<<< HEAD'),
  ],
  ['sessapp.json was deleted', 'marker-missing', remove('sessapp.json')],
  ['server.js was deleted', 'server-missing', remove('server.js')],
])(
  'when %s, serve reports it (%s), and its command fixes it; the secret and the user’s code stay',
  async (_, code, damage) => {
    const sandbox = new Sandbox();
    const environment = await copyEnvironment(sandbox);
    await appendFile(join(environment, 'app.js'), '// my own change\n');
    const secret = await readFile(join(environment, '.env'), 'utf8');
    await damage(environment);
    const json = await sandbox.sessapp(['serve', 'myenv', '--port', '0', '--json']);
    expect(json).toMatchObject({ exitCode: 1, stderr: '' });
    const { error } = JSON.parse(json.stdout);
    expect(error.code).toBe(code);
    const background = await sandbox.sessapp(['serve', 'myenv', '--port', '0', '--background']);
    expect(background).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringContaining(error.hint) });

    const fixed = await followHint(sandbox, environment, error.hint);
    expect(fixed.exitCode, fixed.stderr).toBe(0);
    const { url } = await serve(sandbox, environment);
    expect((await request(`${url}/profile`)).status).toBe(200);
    const keepsOwnCode = !error.hint.includes('app too');
    expect((await readFile(join(environment, 'app.js'), 'utf8')).includes('// my own change')).toBe(keepsOwnCode);
    expect(await readFile(join(environment, '.env'), 'utf8')).toBe(secret);
  },
);

test.each(['{', 'null', '[]', '{"format":2}', ''])(
  'a sessapp.json with the content %j is reported as damaged, with a command to fix it',
  async (content) => {
    const sandbox = new Sandbox();
    const environment = await copyEnvironment(sandbox);
    await writeFile(join(environment, 'sessapp.json'), content);
    for (const command of ['serve', 'status', 'stop', 'logs', 'info']) {
      const result = await sandbox.sessapp([command, 'myenv', '--json']);
      expect(result.exitCode).toBe(1);
      expect(JSON.parse(result.stdout).error).toMatchObject({
        code: 'marker-damaged',
        hint: expect.stringContaining('sessapp init . --allow-existing in that directory'),
      });
    }
  },
);
