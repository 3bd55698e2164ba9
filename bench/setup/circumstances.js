import { readFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { run } from '../measure/processes.js';
import { peersDirectory } from '../servers/registry.js';

const packages = ['redis-server', 'gunicorn', 'python3-flask', 'virtualenv', 'python3', 'wrk'];

/**
 * Reads the conditions of a measurement.
 * @returns the conditions of this part: the time, the version of sessapp, and the load of the machine; and `circumstances`,
 * which are the same for all parts of a run: the machine, the versions of all other software, and the rounds
 */
export async function readCircumstances({ nodes, missing, rounds, quick }) {
  return {
    measuredAt: new Date().toISOString(),
    sessapp: await sessappVersion(),
    loadBefore: Number(loadavg()[0].toFixed(2)),
    circumstances: {
      rounds,
      quick,
      missing,
      machine: {
        processor: cpus()[0]?.model.trim() ?? 'unknown',
        cores: cpus().length,
        memoryGb: Math.round(totalmem() / 2 ** 30),
        kernel: release().split('-')[0],
      },
      versions: { ...(await nodeVersions(nodes)), ...(await peerVersions()), ...(await systemVersions()) },
    },
  };
}

async function sessappVersion() {
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'));
  const commit = await run('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname }).catch(() => '');
  return [version, commit.trim()].filter(Boolean).join(' at ');
}

async function nodeVersions(nodes) {
  const versions = {};
  for (const [major, file] of Object.entries(nodes))
    versions[`Node ${major}`] = (await run(file, ['--version'])).trim();
  return versions;
}

async function peerVersions() {
  return JSON.parse(await readFile(join(peersDirectory, 'package.json'), 'utf8')).dependencies;
}

async function systemVersions() {
  const versions = {};
  for (const name of packages) {
    const found = await run('dpkg-query', ['--show', '--showformat=${Version}', name]).catch(() => '');
    if (found !== '') versions[name] = found;
  }
  return versions;
}
