import { setTimeout as wait } from 'node:timers/promises';
import { createMeasure } from '../measure/load.js';
import { run as runProgram, start } from '../measure/processes.js';
import { measureRows } from '../measure/rounds.js';
import { texts } from '../peers/work.js';
import { BenchServers } from '../servers/bench-servers.js';
import { sessapp, toolEnvironment } from '../setup/environment.js';
import { createFilled } from '../store/filled.js';

export const title = 'Pruning';

export const about =
  'Nine reads, then one write, of 1,000 sessions: on a server that prunes 500,000 expired sessions meanwhile, and on a server without expired sessions (Node 20).';

export const notes = [
  'The server prunes in batches that take 40 ms, so 500,000 sessions take some minutes. The measurement covers a part of that time.',
];

const titles = {
  quiet: 'nothing to prune',
  pruning: 'the server prunes',
  command: 'sessapp sessions prune runs beside it',
};
/** A server starts to prune within 90 s of its start. */
const timeoutMs = 100_000;

export async function run(bench) {
  const expired = bench.quick ? 50_000 : 500_000;
  const started = new BenchServers(bench);
  try {
    const quiet = await prepare(bench, started, 'quiet', { live: 1000, cookies: 1000 });
    const pruning = await prepare(bench, started, 'pruning', { live: 1000, cookies: 1000, expired });
    await untilPruning(bench, pruning.directory, expired);
    const measures = { quiet: quiet.measure, pruning: pruning.measure };
    const rows = await measureRows(bench, measures, (id) => titles[id]);
    await verifyExpired(bench, pruning.directory);
    return [...rows, ...(await measureCommand(bench, pruning))];
  } finally {
    await started.stop();
  }
}

async function prepare(bench, started, name, counts) {
  bench.say(`filling ${name}`);
  const { directory, cookies } = await createFilled(bench, name, counts);
  const server = await started.start('sessapp', 20, { directory });
  const requests = cookies.map((cookie, i) => [i % 10 === 0 ? '/' : '/profile', cookie]);
  const bodies = [texts.current('guest'), texts.saved];
  return { directory, measure: await createMeasure(bench, server, { requests, bodies, seconds: 4 }) };
}

async function untilPruning(bench, directory, expired) {
  bench.say('waiting until the server prunes');
  for (const end = Date.now() + timeoutMs; Date.now() < end; await wait(2000)) {
    if ((await countExpired(bench, directory)) < expired) return;
  }
  throw new Error('the server does not prune');
}

// Some expired sessions must be left; otherwise the last rounds measured no pruning.
async function verifyExpired(bench, directory) {
  if ((await countExpired(bench, directory)) === 0) throw new Error('everything was pruned before the rounds ended');
}

async function countExpired({ workspace }, directory) {
  const args = [sessapp, 'sessions', 'stats', '--env', directory, '--json'];
  return JSON.parse(await runProgram(process.execPath, args, { env: toolEnvironment(workspace) })).expired;
}

/** Measures rounds until the command has pruned all remaining sessions. */
async function measureCommand({ workspace }, { directory, measure }) {
  const command = start(process.execPath, [sessapp, 'sessions', 'prune', '--env', directory], {
    env: toolEnvironment(workspace),
    stdio: 'ignore',
  });
  const rounds = [];
  do rounds.push(await measure());
  while (command.exitCode === null && command.signalCode === null);
  if (command.exitCode !== 0) throw new Error(`sessions prune exited with ${command.signalCode ?? command.exitCode}`);
  return [{ id: 'command', title: titles.command, rounds }];
}
