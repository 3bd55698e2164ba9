import { readFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { run } from '../measure/processes.js';
import { peersDirectory } from '../servers/registry.js';

const packages = ['redis-server', 'gunicorn', 'python3-flask', 'virtualenv', 'python3', 'wrk'];

/** What the figures of a run depend on: the machine, and the versions of everything. */
export async function readCircumstances({ nodes, missing, rounds, quick }) {
  return {
    measuredAt: new Date().toISOString(),
    machine: {
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memoryGb: Math.round(totalmem() / 2 ** 30),
      kernel: release(),
      loadBefore: Number(loadavg()[0].toFixed(2)),
    },
    versions: {
      ...(await sessappVersion()),
      ...(await nodeVersions(nodes)),
      ...(await peerVersions()),
      ...(await systemVersions()),
    },
    missing,
    rounds,
    quick,
  };
}

async function sessappVersion() {
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'));
  const commit = await run('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname }).catch(() => '');
  return { sessapp: [version, commit.trim()].filter(Boolean).join(' at ') };
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
