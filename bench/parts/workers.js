import { openSessions } from '../load/client.js';
import { createMeasure } from '../measure/load.js';
import { run as runProgram } from '../measure/processes.js';
import { measureRows } from '../measure/rounds.js';
import { texts } from '../peers/work.js';
import { BenchServers } from '../servers/bench-servers.js';
import { createEnvironment, sessapp } from '../setup/environment.js';

export const title = 'Two workers against one';

export const about =
  'Reads and writes of 100 sessions (Node 20). Server and load share the same two processors: nothing is pinned.';

export const notes = ['Two workers would gain more if the load had its own processors.'];

const kinds = {
  read: { path: '/profile', body: texts.current('guest') },
  write: { path: '/', body: texts.saved },
};

/** @returns undefined when this version of sessapp has no workers */
export async function run(bench) {
  const help = await runProgram(process.execPath, [sessapp, 'serve', '--help']);
  if (!help.includes('--workers')) return undefined;
  const started = new BenchServers(bench);
  try {
    const measures = {};
    for (const [name, count] of Object.entries({ one: 1, two: 2 })) {
      const directory = await createEnvironment(bench.workspace, `workers-${name}`);
      const env = { WORKERS: String(count) };
      const server = await started.start('sessapp', 20, { directory, env, pinned: false });
      for (const [kind, load] of Object.entries(kinds))
        measures[`${name} ${kind}`] = await prepare(bench, server, load);
    }
    return await measureRows(bench, measures, titleOf);
  } finally {
    await started.stop();
  }
}

async function prepare(bench, server, { path, body }) {
  const cookies = await openSessions(server.url, ['/']);
  const requests = cookies.map((cookie) => [path, cookie]);
  return createMeasure(bench, server, { requests, bodies: [body], seconds: 4, pinned: false });
}

function titleOf(id) {
  const [name, kind] = id.split(' ');
  return `${name === 'one' ? 'one worker' : 'two workers'}, ${kind}s`;
}
