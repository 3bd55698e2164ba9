import { resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import type { System } from '../../system.ts';
import { flag } from '../command.ts';
import { findUnrunScripts, runScriptsLine } from '../environment/install-scripts.ts';
import { remember } from '../environment/known.ts';
import { checkReadiness, isNodeInstalled } from '../environment/readiness.ts';
import { installNode } from '../scaffold/dependencies.ts';
import { installPackages, restorePackages } from '../scaffold/packages.ts';
import { onEnvironment } from './on-environment.ts';

export const command = onEnvironment({
  summary: 'add packages to an environment; with none, restore exactly what its lockfile says',
  examples: ['sessapp install passport passport-google-oauth20', 'sessapp install -e myenv'],
  operands: [['[package...]', 'what npm install takes: a name, name@range, a folder, an address']],
  options: [['--offline', 'use what is on this machine only: a snapshot, or npm’s cache']],
  async run({ input, system, output, environment, name }) {
    const { directory, marker } = environment;
    // From here on a signal ends it when it has cleared up.
    system.catchInterrupts();
    const packages = input.operands.map((name) => toSpecifier(name, system.cwd));
    const options = { directory, offline: flag(input, 'offline') };
    await output.working(async (step) => {
      step(packages.length > 0 ? `Adding ${input.operands.join(', ')}` : 'Installing what the lockfile says');
      if (packages.length > 0) await installPackages(system, packages, options);
      else await restorePackages(system, options);
      if (await isNodeInstalled(environment)) return;
      step(`Installing Node.js ${marker.node}`);
      await installNode(system, options);
    });
    await remember(system, directory);
    const dependencies = await checkReadiness(environment);
    const scriptsNotRun = (await findUnrunScripts(directory)).map((script) => script.name);
    const done = packages.length > 0 ? `has ${input.operands.join(', ')} now` : 'has what its lockfile says';
    return {
      data: { status: 'installed', packages: input.operands, dependencies, scriptsNotRun },
      text: [`${name} ${done}.`, ...(await tellScripts(system, directory, scriptsNotRun))].join('\n'),
    };
  },
});

async function tellScripts(system: System, directory: string, names: string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const line = await runScriptsLine(system, directory, names);
  return [`Not run: the install scripts of ${names.join(', ')}. If you trust them, type: ${line}`];
}

// npm works in the environment's directory; a folder or an archive was meant from where the user is.
function toSpecifier(name: string, cwd: string): string {
  if (name.trim() === '')
    throw new UsageError('The name of a package is empty.', 'For example: sessapp install helmet');
  if (name.startsWith('-'))
    throw new UsageError(`'${name}' is no package.`, 'Options of npm go to npm: sessapp run -- npm install …');
  const path = /^(?:file:)?(\.\.?(?:\/.*)?|[^:@]*\.(?:tgz|tar|tar\.gz))$/.exec(name)?.[1];
  return path === undefined ? name : resolve(cwd, path);
}
