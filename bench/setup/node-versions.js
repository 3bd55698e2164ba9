import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../measure/processes.js';
import { keptPath } from './workspace.js';

/** The major versions that most parts measure. */
export const majors = [20, 24];
export const allMajors = [...majors, 26];

/** Installs every measured version of Node.js from the registry, except the version that is running. @returns the path of each */
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
