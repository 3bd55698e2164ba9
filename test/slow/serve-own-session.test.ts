import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, request, startPlain } from '../support/server.ts';

const sandbox = new Sandbox(afterAll);
const warning = /the application mounts its own session\(\), which has no effect/;
const options = "{ secret: 'x'.repeat(40), resave: false, saveUninitialized: false, store: new MemoryStore() }";
let count = 0;

async function outputOf(imports: string, statements: string): Promise<string> {
  const directory = await copyEnvironment(sandbox, `env${count++}`);
  const routes = `export function routes(app) {\n${statements}\napp.get('/ok', (req, res) => res.send(typeof req.session));\n}`;
  await writeFile(join(directory, 'app.js'), `${imports}\n${routes}\n`);
  const { url, output } = await startPlain(sandbox, directory);
  expect((await request(`${url}/ok`)).body).toBe('object');
  return output();
}

const ours = "import session, { MemoryStore } from 'sessapp/session';";
const theirs = "import session from 'express-session';\nconst { MemoryStore } = session;";
const router = "import { Router } from 'express';";

test.each([
  ['sessapp/session', ours, `app.use(session(${options}));`],
  ['express-session', theirs, `app.use(session(${options}));`],
  ['sessapp/session in a router', `${ours}\n${router}`, `app.use('/admin', Router().use(session(${options})));`],
  ['express-session in a route', theirs, `app.get('/', session(${options}), (req, res) => res.send());`],
])('the server warns about an application that mounts its own session(): %s', async (_, imports, statements) => {
  const output = await outputOf(imports, statements);
  expect(output.match(new RegExp(warning, 'g'))).toHaveLength(1);
});

test.each([
  ['without a session()', '', ''],
  [
    'with a route that is named session',
    '',
    "app.get('/session', function session(req, res) { res.send(req.sessionStore.constructor.name); });",
  ],
  ['that creates a session() but does not mount it', ours, `session(${options});`],
])('the server does not warn about an application %s', async (_, imports, statements) => {
  expect(await outputOf(imports, statements)).not.toMatch(warning);
});
