import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { variants, writeVariant } from '../cli/scaffold/variants.ts';
import { readJson } from '../support/files.ts';
import { fetchNode } from '../support/nodes.ts';
import { finish, type Result, repository, Sandbox } from '../support/sandbox.ts';
import { copyEnvironment } from '../support/server.ts';

const downloads = new Sandbox(afterAll);
/** Directories with the package installed: one with express and lmdb, one without. */
const project = downloads.path('project');
const alone = downloads.path('alone');
let tarball: string;

// Remove the variables of the npm that started the tests.
const env = Object.fromEntries(
  Object.keys(process.env).flatMap((name) => (/^npm_/i.test(name) ? [[name, undefined]] : [])),
);

function npm(cwd: string, args: string[], more: NodeJS.ProcessEnv = {}): Promise<Result> {
  return finish(downloads.spawn('npm', [...args, '--no-audit', '--no-fund'], { cwd, env: { ...env, ...more } }));
}

beforeAll(async () => {
  const packed = await npm(repository, [
    'pack',
    '--silent',
    '--ignore-scripts',
    `--pack-destination=${downloads.directory}`,
  ]);
  tarball = downloads.path(packed.stdout.trim());
  const types = ['typescript@6', '@types/express', '@types/express-session', '@types/node'];
  for (const [directory, ...packages] of [[project, 'express', 'lmdb', ...types], [alone]] as [string, ...string[]][]) {
    await mkdir(directory);
    const installed = await npm(directory, ['install', '--ignore-scripts', tarball, ...packages]);
    expect(installed).toMatchObject({ exitCode: 0 });
  }
});

/** Runs a file with this code. */
async function runCode(node: string, directory: string, file: string, code: string): Promise<Result> {
  await writeFile(join(directory, file), code);
  return finish(downloads.spawn(node, [file], { cwd: directory }));
}

const entries: Record<string, string[]> = {
  session: ['Cookie', 'MemoryStore', 'Session', 'Store', 'adoptSessions', 'default', 'session'],
  server: ['serve'],
  'stores/embedded': ['embedded', 'openDatabase'],
  'stores/express': ['driverOf'],
  testing: ['createClock', 'memory', 'startTestServer'],
  'stores/postgres': ['openPostgres', 'postgres'],
  'stores/redis': ['openRedis', 'redis'],
};

describe.each([20, 22, 24, 26])('on Node.js %i', (version) => {
  let node: string;
  beforeAll(async () => {
    node = await fetchNode(downloads, version);
  });

  test('each public entry can be imported', async () => {
    const names = JSON.stringify(Object.keys(entries));
    const code = `
      for (const name of ${names}) console.log(name, Object.keys(await import('sessapp/' + name)).join());
      const { default: manifest } = await import('sessapp/package.json', { with: { type: 'json' } });
      console.log(manifest.name);`;
    const { stdout } = await runCode(node, project, 'entries.mjs', code);
    const lines = Object.entries(entries).map(([name, exported]) => {
      const all = name === 'session' ? exported.toSpliced(6, 0, 'module.exports') : exported;
      return `${name} ${all.join()}\n`;
    });
    expect(stdout).toBe(`${lines.join('')}sessapp\n`);
  });

  test('each public entry can be required, and sessapp/session is callable', async () => {
    const code = `
      const session = require('sessapp/session');
      const store = new session.MemoryStore();
      console.log(typeof session({ secret: 'x'.repeat(40), store }), session.default === session, session.session === session);
      const { Store, Session, Cookie, MemoryStore } = require('express-session');
      for (const name of ['Store', 'Session', 'Cookie', 'MemoryStore'])
        console.log(session[name] === require('express-session')[name]);
      for (const name of ${JSON.stringify(Object.keys(entries).slice(1))})
        console.log(name, Object.keys(require('sessapp/' + name)).join());
      console.log(require('sessapp/package.json').name);`;
    const result = await runCode(node, project, 'entries.cjs', code);
    const lines = Object.entries(entries).slice(1);
    expect(result).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/^sessapp: MemoryStore is an express-session store: .*\n$/),
      stdout: `function true true\n${'true\n'.repeat(4)}${lines.map(([name, exported]) => `${name} ${exported.join()}\n`).join('')}sessapp\n`,
    });
  });

  test.each([
    [
      'mjs',
      "import http from 'node:http'; import session from 'sessapp/session'; import { embedded } from 'sessapp/stores/embedded';",
    ],
    [
      'cjs',
      "const http = require('node:http'), session = require('sessapp/session'), { embedded } = require('sessapp/stores/embedded');",
    ],
  ])('a program in .%s keeps a session with the package', async (ending, imports) => {
    const code = `${imports}
      const middleware = session({ secret: 'a'.repeat(40), store: embedded({ directory: 'sessions-${version}-${ending}' }) });
      const server = http.createServer((req, res) => middleware(req, res, () => {
        req.session.visits = (req.session.visits ?? 0) + 1;
        res.end(String(req.session.visits));
      }));
      server.listen(0, async () => {
        const url = 'http://localhost:' + server.address().port;
        const first = await fetch(url);
        const cookie = first.headers.getSetCookie()[0].split(';')[0];
        const second = await fetch(url, { headers: { cookie } });
        console.log(await first.text(), await second.text());
        process.exit();
      });`;
    const result = await runCode(node, project, `program.${ending}`, code);
    expect(result).toMatchObject({ exitCode: 0, stdout: '1 2\n', stderr: '' });
  });
});

const typed = `
import express from 'express';
import { serve, type Application } from 'sessapp/server';
import session, { MemoryStore, type Middleware } from 'sessapp/session';
import { embedded } from 'sessapp/stores/embedded';
import { driverOf } from 'sessapp/stores/express';
import { postgres } from 'sessapp/stores/postgres';
import { redis } from 'sessapp/stores/redis';

declare module 'express-session' {
  interface SessionData {
    visits: number;
  }
}

const middleware: Middleware = session({ secret: 'a', store: embedded({ directory: 'data' }) });
session({ secret: ['a', 'b'], store: redis({ url: 'redis://localhost', name: 'a' }), cookie: { maxAge: 1000 } });
session({ secret: () => ['a'], store: postgres({ url: 'postgres://localhost', name: 'a' }), limits: { idleMs: 1 } });
session({ secret: 'a', store: driverOf(new MemoryStore()) });
session({ secret: 'a', store: new session.MemoryStore() });
const unset = process.env.NAME === 'x' ? undefined : undefined;
session({ secret: 'a', limits: process.env.NAME === 'x' ? { idleMs: 1, absoluteMs: unset } : undefined });
session({ secret: 'a', log: unset, now: unset, genid: unset, cookie: { maxAge: unset, sameSite: unset } });
session({ secret: 'a', adopt: { store: new MemoryStore(), moveAfterMs: unset } });

const app = express();
app.use(middleware);
app.get('/', (req, res) => {
  const visits: number = (req.session.visits ?? 0) + 1;
  req.session.visits = visits;
  // @ts-expect-error must be a number
  req.session.visits = 'one';
  // @ts-expect-error not declared
  req.session.other = 1;
  res.send(String(visits));
});

export const routes: Application['routes'] = (served) => {
  served.get('/', (req, res) => res.json(req.session.visits));
};
await serve(import.meta.dirname, async () => ({ routes }), { limits: { ownerKeys: ['userId'] } });
`;

const typedCommonJs = `
import session = require('sessapp/session');
session({ secret: 'a', store: new session.MemoryStore() });
session.default({ secret: 'a', store: new session.MemoryStore() });
const options: session.SessionOptions = { secret: 'a', limits: undefined, log: undefined, now: undefined, genid: undefined };
session(options);
`;

test('TypeScript finds the types of each public entry, and of the session data that an application declares', async () => {
  const directory = join(project, 'typed');
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2024',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
  };
  await mkdir(directory);
  await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  await writeFile(join(directory, 'app.ts'), typed);
  await writeFile(join(directory, 'legacy.cts'), typedCommonJs);
  const tsc = join(project, 'node_modules', 'typescript', 'bin', 'tsc');
  const checked = await finish(downloads.spawn(process.execPath, [tsc, '--noEmit'], { cwd: directory }));
  expect(checked).toMatchObject({ exitCode: 0, stdout: '' });
});

/** Programs for @types/express-session with a changed import. */
const programs: [string, object, code: string][] = [
  ['import = require', { module: 'nodenext' }, "import session = require('sessapp/session');"],
  ['import', { module: 'commonjs', esModuleInterop: true }, "import session from 'sessapp/session';"],
  ['import * as', { module: 'commonjs', esModuleInterop: false }, "import * as session from 'sessapp/session';"],
];

test.each(programs)('a CommonJS program in TypeScript compiles with %s, in %j', async (_, options, code) => {
  const directory = await mkdtemp(join(project, 'typed-'));
  const older = { moduleResolution: 'node10', ignoreDeprecations: '6.0' };
  const compilerOptions = { ...('esModuleInterop' in options && older), ...options, target: 'es2022', types: ['node'] };
  await writeFile(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...compilerOptions, strict: true } }),
  );
  await writeFile(
    join(directory, 'app.ts'),
    `${code}
    declare module 'express-session' { interface SessionData { visits: number } }
    class OwnStore extends session.MemoryStore {}
    const options: session.SessionOptions = { secret: 'a', store: new OwnStore(), genid: (req) => req.path };
    const data: Partial<session.SessionData> = { visits: 1 };
    export const made = [session(options), data.visits];`,
  );
  const tsc = join(project, 'node_modules', 'typescript', 'bin', 'tsc');
  const checked = await finish(downloads.spawn(process.execPath, [tsc, '--noEmit'], { cwd: directory }));
  expect(checked).toMatchObject({ exitCode: 0, stdout: '' });
});

test.each([
  ['embedded', 'lmdb', "embedded({ directory: 'data' })"],
  ['redis', 'redis', "redis({ url: 'redis://localhost' })"],
  ['postgres', 'pg', "postgres({ url: 'postgres://localhost' })"],
])('without its package, the store %s says to install %s', async (store, name, open) => {
  const code = `import { ${store} } from 'sessapp/stores/${store}'; ${open};`;
  const result = await runCode(process.execPath, alone, 'peer.mjs', code);
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toContain(
    `sessapp needs the package ${name} for the ${store} store, but it is not installed. Type: npm install ${name}`,
  );
});

test.each([
  ['redis', '4.7.1', "redis({ url: 'redis://localhost' })", 'redis', '6.3.1', 'redis@6'],
  ['pg', '8.11.3', "postgres({ url: 'postgres://localhost' })", 'postgres', '8.23.1', 'pg@8'],
])(
  'with %s %s, which is too old, its store names the version to install',
  async (name, version, open, store, oldest, remedy) => {
    const folder = join(alone, 'node_modules', name);
    onTestFinished(() => rm(folder, { recursive: true }));
    await mkdir(folder);
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name, version }));
    await writeFile(join(folder, 'index.js'), 'module.exports = {};');
    const code = `import { ${store} } from 'sessapp/stores/${store}'; ${open};`;
    const { exitCode, stderr } = await runCode(process.execPath, alone, 'peer.mjs', code);
    expect(exitCode).toBe(1);
    const fact = `sessapp needs ${name} ${oldest} or newer for the ${store} store, but ${version} is installed.`;
    expect(stderr).toContain(`${fact} Type: npm install ${remedy}`);
  },
);

test('without express, an environment says to install it', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await rm(join(environment, 'node_modules', 'express'), { recursive: true });
  const result = await finish(sandbox.spawn(process.execPath, ['server.js'], { cwd: environment, env: { PORT: '0' } }));
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toMatch(/^The package express is not in this environment\.\n.*: sessapp install, or npm ci/);
});

test('an application on Express 4 can install the package, and its requests have sessions', async () => {
  const directory = downloads.path('express-4');
  await mkdir(directory);
  const installed = await npm(directory, ['install', '--ignore-scripts', tarball, 'express@4', 'lmdb']);
  expect(installed).toMatchObject({ exitCode: 0 });
  const code = `
    const app = require('express')().use(require('sessapp/session')({ secret: '${'s'.repeat(40)}' }));
    app.get('/', (req, res) => res.json((req.session.visits = (req.session.visits ?? 0) + 1)));
    const server = app.listen(0, '127.0.0.1', async () => {
      const url = 'http://127.0.0.1:' + server.address().port;
      const first = await fetch(url);
      const headers = { Cookie: first.headers.get('set-cookie') };
      console.log(await first.text(), await (await fetch(url, { headers })).text());
      process.exit();
    });`;
  expect(await runCode(process.execPath, directory, 'app.cjs', code)).toMatchObject({ exitCode: 0, stdout: '1 2\n' });
});

test('the package depends on three packages and their dependencies', async () => {
  const { dependencies } = await readJson<{ dependencies: object }>(alone, 'node_modules', 'sessapp', 'package.json');
  expect(Object.keys(dependencies)).toEqual(['express-session', 'helmet', 'pino']);
  const listed = await npm(alone, ['ls', '--all', '--parseable']);
  expect(listed.exitCode).toBe(0);
  const packages = listed.stdout.trimEnd().split('\n').slice(1);
  expect(packages.length).toBeLessThan(40);
  expect(packages.filter((path) => /express$|lmdb|redis|\/pg|commander|execa/.test(path))).toEqual([]);
});

test('the copy that npm installed packs to the same package', async () => {
  const made = await finish(
    downloads.spawn(join(alone, 'node_modules', '.bin', 'sessapp'), ['init', 'made', '--no-install']),
  );
  expect(made).toMatchObject({ exitCode: 0 });
  expect(await readdir(downloads.path('made', '.sessapp'))).toEqual(
    await readdir(join(inject('environment'), '.sessapp')),
  );
});

test.each(variants)(
  'npm accepts the lockfile of $template, $store, $language, and would write the same one',
  async (variant) => {
    const sandbox = new Sandbox();
    const directory = sandbox.path('made');
    writeVariant(directory, variant);
    const lockfile = await readFile(join(directory, 'package-lock.json'), 'utf8');
    expect(await npm(directory, ['ci', '--ignore-scripts', '--dry-run'])).toMatchObject({ exitCode: 0 });
    expect(await npm(directory, ['ls', '--all', '--package-lock-only'])).toMatchObject({ exitCode: 0, stderr: '' });
    const options = ['--package-lock-only', '--ignore-scripts', '--omit-lockfile-registry-resolved'];
    expect(await npm(directory, ['install', ...options])).toMatchObject({ exitCode: 0 });
    expect(await readFile(join(directory, 'package-lock.json'), 'utf8')).toBe(lockfile);
  },
);

/** Copies the files that the Dockerfile copies before the install into the directory `image`. Returns the commands. */
async function stageImage(environment: string, image: string): Promise<string[]> {
  const [stage = ''] = (await readFile(join(environment, 'Dockerfile'), 'utf8')).split(/^FROM .*\n/m).slice(1);
  const lines = stage.replaceAll('\\\n', ' ').split('\n');
  await mkdir(image);
  for (const line of lines.filter((text) => text.startsWith('COPY '))) {
    const words = line.split(' ').slice(1);
    const target = words.pop() ?? '';
    for (const word of words)
      await cp(join(environment, word), join(image, target, target.endsWith('/') ? word : ''), { recursive: true });
  }
  return lines.filter((text) => text.startsWith('RUN ')).map((text) => text.slice('RUN '.length));
}

test("the install stage of an environment's image works with an empty cache, and then offline", async () => {
  const sandbox = new Sandbox();
  await sandbox.sessapp(['init', 'myenv', '--no-install']);
  expect(await sandbox.sessapp(['deploy', 'docker', '-e', 'myenv'])).toMatchObject({ exitCode: 0 });
  const image = sandbox.path('image');
  const commands = await stageImage(sandbox.path('myenv'), image);
  expect(commands).toEqual([expect.stringMatching(/^npm ci /)]);
  const cache = { ...env, npm_config_cache: sandbox.path('cache') };
  for (const command of commands) {
    const ran = await finish(sandbox.spawn('sh', ['-c', command], { cwd: image, env: cache }));
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
  }
  expect(await readdir(join(image, 'node_modules', 'sessapp'))).toContain('dist');

  await cp(sandbox.path('myenv', '.env'), join(image, '.env'));
  await rm(join(image, 'node_modules'), { recursive: true });
  const offline = { npm_config_cache: sandbox.path('cache') };
  expect(await npm(image, ['ci', '--ignore-scripts', '--offline'], offline)).toMatchObject({ exitCode: 0 });
  expect(await npm(image, ['ls', '--all'])).toMatchObject({ exitCode: 0 });
});

describe('on an old Node.js', () => {
  const refusal = (version: string): string => `sessapp needs Node.js 20.19 or newer; this is ${version}.\n`;

  test.each([12, 18])('with version %i the command says what it needs', async (version) => {
    const node = await fetchNode(downloads, version);
    const numbers = (await finish(downloads.spawn(node, ['--version']))).stdout.trim().slice(1);
    const ran = await finish(downloads.spawn(node, [join(repository, 'bin', 'sessapp.js'), 'init', 'myenv']));
    expect(ran).toMatchObject({ exitCode: 1, stdout: '', stderr: refusal(numbers) });
  });

  test('with version 18 npm ci of a clone says what the package needs', async () => {
    const sandbox = new Sandbox();
    const node = await fetchNode(downloads, 18);
    const numbers = (await finish(sandbox.spawn(node, ['--version']))).stdout.trim().slice(1);
    await npm(sandbox.directory, ['install', '--no-save', `--prefix=${sandbox.path('npm')}`, 'npm@10']);
    expect(await finish(sandbox.spawn('git', ['clone', '--quiet', repository, 'clone']))).toMatchObject({
      exitCode: 0,
    });
    const oldNpm = sandbox.path('npm', 'node_modules', 'npm', 'bin', 'npm-cli.js');
    const path = { PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
    const options = { cwd: sandbox.path('clone'), env: { ...env, ...path } };
    const ran = await finish(sandbox.spawn(node, [oldNpm, 'ci', '--no-audit', '--no-fund'], options));
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain(refusal(numbers));
    expect(ran.stderr).not.toMatch(/^\s+at /m);
  });
});
