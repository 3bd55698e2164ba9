import { openSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { start } from '../measure/processes.js';
import { measureRows } from '../measure/rounds.js';
import { peersDirectory } from '../servers/registry.js';
import { freePort, stop, untilResponse } from '../servers/start.js';
import { createEnvironment, sessapp, toolEnvironment } from '../setup/environment.js';

export const title = 'Starting the server';

export const about = 'Seconds from the start of the command to the first response. A request is sent every 2 ms.';

export const notes = ['Express alone has one page, and no sessions, store, log or security headers.'];

const titles = {
  hello: 'Express alone, one page',
  plain: 'node server.js of an environment',
  serve: 'sessapp serve of the same',
};
const roundsPerRound = 3;

export async function run(bench) {
  const directory = await createEnvironment(bench.workspace, 'environment');
  const env = toolEnvironment(bench.workspace);
  const node =
    (...args) =>
    () =>
      timeStart(bench, args, { cwd: directory, env });
  const measures = {
    hello: node(join(peersDirectory, 'hello.js')),
    plain: node('server.js'),
    serve: node(sessapp, 'serve'),
  };
  for (const measure of Object.values(measures)) await measure();
  return measureRows({ rounds: bench.rounds * roundsPerRound }, measures, (id) => titles[id]);
}

async function timeStart({ workspace }, args, { cwd, env }) {
  const port = await freePort();
  const log = workspace.path('start.log');
  const startMs = performance.now();
  const child = start(process.execPath, args, {
    cwd,
    env: { ...env, HOST: '127.0.0.1', PORT: String(port) },
    stdio: ['ignore', 'ignore', openSync(log, 'w')],
  });
  await untilResponse(`http://127.0.0.1:${port}/profile`, child, log, 2);
  const seconds = (performance.now() - startMs) / 1000;
  await stop(child);
  return { seconds };
}
