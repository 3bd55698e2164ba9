import { join } from 'node:path';
import { finish, type Sandbox } from './sandbox.ts';

const platform = `node-${process.platform}-${process.arch}`;

/** Installs another version of Node.js from the registry. Returns the path of its program. */
export async function fetchNode(sandbox: Sandbox, version: number): Promise<string> {
  const prefix = sandbox.path(`node-${version}`);
  const args = ['install', '--no-save', '--ignore-scripts', `--prefix=${prefix}`, `${platform}@${version}`];
  const installed = await finish(sandbox.spawn('npm', args));
  if (installed.exitCode !== 0) throw new Error(`Node.js ${version}: ${installed.stderr}`);
  return join(prefix, 'node_modules', platform, 'bin', 'node');
}
