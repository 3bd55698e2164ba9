import { timeCommand } from '../measure/commands.js';
import { measureRows } from '../measure/rounds.js';
import { createEnvironment, sessapp, toolEnvironment } from '../setup/environment.js';

export const title = 'Starting the command';

export const about = 'Seconds from the start of the process to its exit.';

export const notes = [];

const titles = {
  node: 'node -e 0',
  version: 'sessapp --version',
  help: 'sessapp --help',
  info: 'sessapp info',
  list: 'sessapp sessions list',
};
/** The commands are short, so each round measures them several times. */
const roundsPerRound = 8;

export async function run(bench) {
  const directory = await createEnvironment(bench.workspace, 'environment');
  const env = toolEnvironment(bench.workspace);
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
