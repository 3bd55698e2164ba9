import { resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import type { System } from '../../system.ts';
import { flag } from '../command.ts';
import { findUnrunScripts, runScriptsLine } from '../environment/install-scripts.ts';
import { remember } from '../environment/known.ts';
import { checkReadiness, isNodeInstalled, verifyPackageJson } from '../environment/readiness.ts';
import { installNode } from '../scaffold/dependencies.ts';
import { installPackages, restorePackages } from '../scaffold/packages.ts';
import { onEnvironment } from './on-environment.ts';

export const command = onEnvironment({
  summary: 'add packages; without any, restore exactly what the lockfile says',
  examples: ['sessapp install passport passport-google-oauth20', 'sessapp install -e myenv'],
  operands: [['[package...]', 'what npm install takes: a name, name@range, a folder or a URL', 'file']],
  options: [['--offline', 'use what is on this machine only: a snapshot, or npm’s cache']],
  async run({ input, system, output, environment, name }) {
    const { directory, marker } = environment;
    // From here on, a signal ends the command after it has cleaned up.
    system.catchInterrupts();
    const packages = input.operands.map((name) => toSpecifier(name, system.cwd));
    await verifyPackageJson(system, environment);
    const options = { directory, offline: flag(input, 'offline') };
    await output.working(async (step) => {
      step(packages.length > 0 ? `Adding ${input.operands.join(', ')}` : 'Installing the packages of the lockfile');
      if (packages.length > 0) await installPackages(system, packages, options);
      else await restorePackages(system, options);
      if (await isNodeInstalled(environment)) return;
      step(`Installing Node.js ${marker.node}`);
      await installNode(system, options);
    });
    await remember(system, directory);
    const dependencies = await checkReadiness(environment);
    const scriptsNotRun = (await findUnrunScripts(directory)).map((script) => script.name);
    const done = packages.length > 0 ? `has ${input.operands.join(', ')} now` : 'has the packages of its lockfile';
    return {
      data: { status: 'installed', packages: input.operands, dependencies, scriptsNotRun },
      text: [`${name} ${done}.`, ...(await renderScripts(system, directory, scriptsNotRun))].join('\n'),
    };
  },
});

async function renderScripts(system: System, directory: string, names: string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const line = await runScriptsLine(system, directory, names);
  return [`Not run: the install scripts of ${names.join(', ')}. If you trust them, type: ${line}`];
}

// npm runs in the environment's directory, but the user names a folder or an archive relative to the working directory.
function toSpecifier(name: string, cwd: string): string {
  if (name.trim() === '') throw new UsageError('A package name is empty.', 'For example: sessapp install helmet');
  if (name.startsWith('-'))
    throw new UsageError(`'${name}' is not a package.`, 'To pass options to npm, type: sessapp run -- npm install …');
  const path = /^(?:file:)?(\.\.?(?:\/.*)?|[^:@]*\.(?:tgz|tar|tar\.gz))$/.exec(name)?.[1];
  return path === undefined ? name : resolve(cwd, path);
}
