import { join } from 'node:path';
import type { Environment } from '../../environment/find.ts';
import { nodeOf } from '../../environment/readiness.ts';
import { isAtLeast, oldestFor } from '../../scaffold/dependencies.ts';
import { type Check, type Finding, ok, problem, withMarker } from '../check.ts';
import { sessapp, typeOn } from '../remedies.ts';

/** Does the environment's Node.js work, and is it new enough? */
export const node: Check = {
  name: 'node',
  examine: withMarker(async (environment, { run, env }) => {
    const wanted = environment.marker.node;
    if (wanted === undefined) return [checkVersion(environment, process.versions.node)];
    const { directory: cwd } = environment;
    const { exitCode, stdout } = await run(nodeOf(environment), ['--version'], { cwd, env });
    const version = stdout.trim().replace(/^v/, '');
    if (exitCode !== 0) return [broken(environment, 'does not run')];
    if (version !== wanted) return [broken(environment, `is ${version}, not ${wanted}`)];
    return [checkVersion(environment, version)];
  }),
};

function checkVersion({ marker }: Environment, version: string): Finding {
  const oldest = oldestFor(marker.language);
  const name = `${marker.node === undefined ? '' : 'The environment’s own '}Node.js ${version}`;
  if (isAtLeast(version, oldest)) return ok(`${name}.`);
  const written = marker.language === 'typescript' ? 'TypeScript without a build step' : 'An environment';
  return problem(
    `${name} is too old.`,
    `${written} needs Node.js ${oldest} or newer: the server does not start.`,
    marker.node === undefined
      ? 'Install a newer Node.js, and run sessapp with it.'
      : 'Make a new environment with --node 24, and move the application, .env and data/ to it.',
  );
}

function broken({ directory }: Environment, how: string): Finding {
  return problem(
    `The environment’s own Node.js ${how}.`,
    'The server runs on this Node.js only.',
    'Install Node.js again.',
    typeOn(['rm', '-rf'], join(directory, '.node', 'node_modules')),
    sessapp(directory, 'install'),
  );
}
