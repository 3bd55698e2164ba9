import { allowedCores } from '../measure/processes.js';
import { installNodes } from './node-versions.js';
import { installPeers, installPrograms } from './peers.js';

/**
 * Prepares what every part uses: the programs, the number of rounds, and their length.
 * @param quick few and short rounds, only to check that a part works
 */
export async function createBench({ quick, say }) {
  if (process.platform !== 'linux') throw new Error('The benchmarks read /proc and pin processes: they need Linux.');
  if (allowedCores().length < 2)
    throw new Error('The benchmarks need two processors: one for the load, one for the server.');
  say('installing peers');
  const missing = await installPrograms();
  if (missing.includes('wrk') || missing.includes('util-linux')) throw new Error(`Install ${missing.join(' and ')}.`);
  await installPeers();
  const nodes = await installNodes();
  return {
    quick,
    say,
    missing,
    nodes,
    rounds: quick ? 2 : 5,
    seconds: (full) => (quick ? 1 : full),
  };
}
