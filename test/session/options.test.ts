import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, symlinkSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import cookieParser from 'cookie-parser';
import expressSession from 'express-session';
import { expect, onTestFinished, test } from 'vitest';
import { session } from '../../src/session/index.ts';
import { repository } from '../support/sandbox.ts';
import { count, listen, type Middleware, secret } from './compatibility-support.ts';
import { secretOf } from './support.ts';

test('a retired secret gives no access to a session, even if cookie-parser still uses it', async () => {
  const store = new expressSession.MemoryStore();
  const [retired, current] = [secretOf('r'), secretOf('c')];
  const options = { store, saveUninitialized: false };
  const { cookie } = await (await listen(count, session({ ...options, secret: retired }) as Middleware))();
  const parser = cookieParser(retired) as Middleware;
  const rotated = await listen(count, parser, session({ ...options, secret: [current, retired] }) as Middleware);
  expect((await rotated('/', cookie)).body).toBe('2');
  const ask = await listen(count, parser, session({ ...options, secret: current }) as Middleware);
  expect((await ask('/', cookie)).body).toBe('1');
});

test.each([
  ['by itself', [], tmpdir()],
  ['by a program in node_modules', [join('node_modules', 'runner', 'run.cjs')], undefined],
])(
  'without a store, sessions are in data/sessions next to the application’s package.json, when started %s',
  async (_, runner, cwd) => {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'sessapp-options-')));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    for (const name of ['src', join('node_modules', 'runner')]) mkdirSync(join(directory, name), { recursive: true });
    symlinkSync(repository, join(directory, 'node_modules', 'sessapp'));
    for (const name of ['.', join('node_modules', 'runner')])
      await writeFile(join(directory, name, 'package.json'), '{}');
    await writeFile(join(directory, 'node_modules', 'runner', 'run.cjs'), 'require(process.argv[2]);');
    const main = join(directory, 'src', 'main.cjs');
    await writeFile(
      main,
      `const http = require('node:http');
    const use = require('sessapp/session')({ secret: '${secret}' });
    const server = http.createServer((req, res) => use(req, res, () => res.end(String((req.session.n = 1)))));
    server.listen(0, '127.0.0.1', async () => {
      const response = await fetch('http://127.0.0.1:' + server.address().port);
      console.log(response.status, await response.text());
      process.exit();
    });`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [...runner, main], { cwd: cwd ?? directory });
    expect(stdout).toBe('200 1\n');
    expect((await readdir(join(directory, 'data', 'sessions'))).sort()).toEqual(['data.mdb', 'lock.mdb']);
  },
);
