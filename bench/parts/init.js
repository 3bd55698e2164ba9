import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { timeCommand } from '../measure/commands.js';
import { measureRows } from '../measure/rounds.js';
import { peersDirectory } from '../servers/registry.js';
import { createEnvironment, sessapp, toolEnvironment } from '../setup/environment.js';
import { systemProgram } from '../setup/peers.js';

export const title = 'Making an environment';

export const about =
  'Seconds from the start of the command to its exit. Each run uses a new directory; npm’s cache is warm.';

export const notes = [
  '`virtualenv` and `python3 -m venv` create an environment without a framework: Flask has to be installed afterwards. An environment of sessapp contains Express and its store.',
  'npm runs with `--ignore-scripts --no-audit --no-fund --prefer-offline`, so the figures do not include the network and the audit.',
  'express-generator’s application has no sessions.',
];

const npmFlags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];

const titles = {
  first: 'sessapp init, first ever',
  seen: 'sessapp init, dependencies seen before',
  'npm-ci': 'npm ci of the same lockfile',
  virtualenv: 'virtualenv',
  venv: 'python3 -m venv',
  'express-generator': 'express-generator + npm install',
};

export async function run(bench) {
  const measures = await createMeasures(bench);
  // Run each once, so that every cache is warm, except the snapshots of `first`.
  for (const measure of Object.values(measures)) await measure('warm');
  return measureRows(bench, measures, (id) => titles[id]);
}

async function createMeasures(bench) {
  const { workspace, missing } = bench;
  const model = await createEnvironment(workspace, 'model');
  // Delete no directory before the end: for some seconds after files are deleted, ext4 takes ten times as long to create files.
  const fresh = (name) => (work) => (round) => work(workspace.path(`${name}-${round}`), round);
  const init = (directory, cache) =>
    timeCommand(process.execPath, [sessapp, 'init', directory], { env: toolEnvironment(workspace, cache) });
  const python = { ...process.env, VIRTUALENV_OVERRIDE_APP_DATA: workspace.path('virtualenv-data') };
  return {
    first: fresh('first')((directory, round) => init(directory, workspace.path(`empty-cache-${round}`))),
    seen: fresh('seen')((directory) => init(directory)),
    'npm-ci': fresh('npm-ci')((directory) => timeNpmCi(model, directory)),
    ...(!missing.includes('virtualenv') && {
      virtualenv: fresh('virtualenv')((directory) =>
        timeCommand(systemProgram('virtualenv'), [directory], { env: python }),
      ),
    }),
    ...(!missing.includes('python3-venv') && {
      venv: fresh('venv')((directory) => timeCommand(systemProgram('python3'), ['-m', 'venv', directory])),
    }),
    'express-generator': fresh('express-generator')(timeGenerator),
  };
}

async function timeNpmCi(model, directory) {
  await mkdir(directory);
  for (const name of ['package.json', 'package-lock.json', '.sessapp'])
    await cp(join(model, name), join(directory, name), { recursive: true });
  return timeCommand('npm', ['ci', ...npmFlags], { cwd: directory });
}

// express-generator's page says to run two commands. They count as one.
async function timeGenerator(directory) {
  const generator = join(peersDirectory, 'node_modules', 'express-generator', 'bin', 'express-cli.js');
  const made = await timeCommand(process.execPath, [generator, '--no-view', directory]);
  const installed = await timeCommand('npm', ['install', ...npmFlags], { cwd: directory });
  return { seconds: made.seconds + installed.seconds };
}
