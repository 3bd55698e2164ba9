// Shows where the CPU time of a request goes: node bench/profile.js [--node 24] [--load read|write|new] [--server sessapp]
import { readdir, readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { openSessions } from './load/client.js';
import { sendLoad, writeRequests } from './load/wrk.js';
import { texts } from './peers/work.js';
import { fileOf, functionOf, selfTimes } from './report/profile.js';
import { renderTable } from './report/table.js';
import { BenchServers } from './servers/bench-servers.js';
import { createBench } from './setup/bench.js';
import { createWorkspace } from './setup/workspace.js';

const loads = {
  read: { path: '/profile', body: texts.current('guest'), open: true },
  write: { path: '/', body: texts.saved, open: true },
  new: { path: '/', body: texts.saved, open: false },
};
// A peer has no signal handler.
const exitOnSignal = ['--import', "data:text/javascript,process.once('SIGTERM', () => process.exit())"];
const { values } = parseArgs({
  options: {
    node: { type: 'string', default: '20' },
    load: { type: 'string', default: 'read' },
    server: { type: 'string', default: 'sessapp' },
  },
});

const bench = await createBench({ quick: false, say: () => undefined });
const workspace = await createWorkspace();
const servers = new BenchServers({ ...bench, workspace });
try {
  const profile = await record(loads[values.load]);
  console.log(`\n${values.server}, ${values.load}, Node ${values.node}: parts of the busy time\n`);
  for (const [head, keyOf, count] of [
    ['file', fileOf, 25],
    ['function', functionOf, 40],
  ])
    console.log(
      `${renderTable(
        [head, 'part'],
        selfTimes(profile, keyOf)
          .slice(0, count)
          .map(([key, part]) => [key, `${(part * 100).toFixed(1)}%`]),
      )}\n`,
    );
} finally {
  await servers.stop();
  await workspace.clear();
}

// Node.js writes the profile when the server exits, so it also contains the warm-up.
async function record({ path, body, open }) {
  const directory = workspace.path('profile');
  const nodeArgs = ['--cpu-prof', `--cpu-prof-dir=${directory}`, ...(values.server === 'sessapp' ? [] : exitOnSignal)];
  const server = await servers.start(values.server, Number(values.node), { nodeArgs });
  const file = workspace.path('requests.txt');
  const cookies = open ? await openSessions(server.url, ['/']) : [''];
  await writeRequests(
    file,
    cookies.map((cookie) => [path, cookie]),
  );
  await sendLoad(server.url, file, [body], 10);
  await servers.stop();
  const [name] = await readdir(directory);
  return JSON.parse(await readFile(`${directory}/${name}`, 'utf8'));
}
