import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../measure/processes.js';
import { keptPath } from './workshop.js';

/** Those that most parts measure. */
export const majors = [20, 24];
export const allMajors = [...majors, 26];

/** The programs of the Node.js versions that are measured: this one, and others from the registry, which has them as packages. */
export async function installNodes() {
  const nodes = {};
  for (const major of allMajors) nodes[major] = await installNode(major);
  return nodes;
}

async function installNode(major) {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const prefix = keptPath('nodes', String(major));
  const program = join(prefix, 'node_modules', name, 'bin', 'node');
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', `--prefix=${prefix}`];
  if (!existsSync(program)) await run('npm', ['install', ...flags, `${name}@${major}`]);
  return program;
}
