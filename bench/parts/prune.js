import { existsSync } from 'node:fs';
import { join } from 'node:path';
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
  'Nine reads and a write in turn, of 1,000 sessions, while the server prunes 500,000 expired ones by itself, and beside a server that has none (Node 20).';

export const notes = [
  'The server prunes as many at a time as it deletes within 40 ms, so that 500,000 take it some minutes; what is measured is a part of that.',
];

const titles = {
  quiet: 'nothing to prune',
  pruning: 'the server prunes',
  command: 'sessapp sessions prune runs beside it',
};
/** A server begins within a minute and a half of its start. */
const patienceMs = 100_000;

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
  for (const end = Date.now() + patienceMs; Date.now() < end; await wait(2000)) {
    if ((await countExpired(bench, directory)) < expired) return;
  }
  throw new Error('the server does not prune');
}

// There must be some left, or the last rounds measured nothing.
async function verifyExpired(bench, directory) {
  if ((await countExpired(bench, directory)) === 0) throw new Error('everything was pruned before the rounds ended');
}

async function countExpired({ workshop }, directory) {
  const args = [sessapp, 'sessions', 'stats', '--env', directory, '--json'];
  return JSON.parse(await runProgram(process.execPath, args, { env: toolEnvironment(workshop) })).expired;
}

/** The rounds, one after the other, while the command prunes all that is left. */
async function measureCommand({ workshop }, { directory, measure }) {
  if (!existsSync(join(sessapp, '..', '..', 'dist', 'commands', 'sessions', 'prune.js'))) return [];
  const command = start(process.execPath, [sessapp, 'sessions', 'prune', '--env', directory], {
    env: toolEnvironment(workshop),
    stdio: 'ignore',
  });
  const rounds = [];
  do rounds.push(await measure());
  while (command.exitCode === null && command.signalCode === null);
  if (command.exitCode !== 0) throw new Error(`sessions prune ended with ${command.signalCode ?? command.exitCode}`);
  return [{ id: 'command', title: titles.command, rounds }];
}
