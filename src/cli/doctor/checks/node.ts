import { join } from 'node:path';
import type { Environment } from '../../environment/find.ts';
import { nodeOf } from '../../environment/readiness.ts';
import { commandLine, nearPath, quoteLine } from '../../shells/shells.ts';
import { isAtLeast, oldestFor } from '../../scaffold/dependencies.ts';
import type { System } from '../../../system.ts';
import { type Check, type Finding, ok, problem, type, withMarker } from '../check.ts';

/** Does the environment's Node.js work, and is it new enough? */
export const node: Check = {
  name: 'node',
  examine: withMarker(async (environment, system) => {
    const wanted = environment.marker.node;
    if (wanted === undefined) return [await judge(system, environment, process.versions.node)];
    const { exitCode, stdout } = await system.run(nodeOf(environment), ['--version'], {
      cwd: environment.directory,
      env: system.env,
    });
    const version = stdout.trim().replace(/^v/, '');
    if (exitCode !== 0) return [await broken(system, environment, 'does not run')];
    if (version !== wanted) return [await broken(system, environment, `is ${version}, not ${wanted}`)];
    return [await judge(system, environment, version)];
  }),
};

async function judge(system: System, { directory, marker }: Environment, version: string): Promise<Finding> {
  const oldest = oldestFor(marker.language);
  const name = `${marker.node === undefined ? '' : 'The environment’s own '}Node.js ${version}`;
  if (isAtLeast(version, oldest)) return ok(`${name}.`);
  const written = marker.language === 'typescript' ? 'TypeScript without a build step' : 'An environment';
  const command = await commandLine(system, directory, 'init', '--clear', '--node', '24');
  return problem(
    `${name} is too old.`,
    `${written} needs Node.js ${oldest.join('.')} or newer: the server does not start.`,
    `Run sessapp with a newer one; or give the environment its own, which makes the generated files anew (what you changed of them is kept aside). ${type(command)}`,
  );
}

async function broken(system: System, { directory }: Environment, how: string): Promise<Finding> {
  const installed = nearPath(system.cwd, join(directory, '.node', 'node_modules'));
  const commands = [await quoteLine(system, 'rm', '-rf', installed), await commandLine(system, directory, 'install')];
  return problem(
    `The environment’s own Node.js ${how}.`,
    'The server runs on it, or does not start.',
    `Install it anew. ${type(...commands)}`,
  );
}
