import { timeCommand } from '../measure/commands.js';
import { measureRows } from '../measure/rounds.js';
import { createEnvironment, sessapp, toolEnvironment } from '../setup/environment.js';

export const title = 'Starting the command';

export const about = 'Seconds from the start of the process to its end.';

export const notes = [];

const titles = {
  node: 'node -e 0',
  version: 'sessapp --version',
  help: 'sessapp --help',
  info: 'sessapp info',
  list: 'sessapp sessions list',
};
/** They are short: many of them take no longer than one round of other parts. */
const roundsPerRound = 8;

export async function run(bench) {
  const directory = await createEnvironment(bench.workshop, 'environment');
  const env = toolEnvironment(bench.workshop);
  const node =
    (...args) =>
    () =>
      timeCommand(process.execPath, args, { cwd: directory, env });
  const measures = {
    node: node('-e', '0'),
    version: node(sessapp, '--version'),
    help: node(sessapp, '--help'),
    info: node(sessapp, 'info'),
    list: node(sessapp, 'sessions', 'list'),
  };
  for (const measure of Object.values(measures)) await measure();
  return measureRows({ rounds: bench.rounds * roundsPerRound }, measures, (id) => titles[id]);
}
