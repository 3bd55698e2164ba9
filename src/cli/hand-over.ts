import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { hasCode, UserError } from '../errors.ts';
import { readTextIfThere } from '../files.ts';
import type { System } from '../system.ts';
import { type Command, type Input, text } from './command.ts';
import { runInPlace } from './control/child.ts';
import { type Environment, findEnvironment } from './environment/find.ts';
import { nodeOf, packageOf } from './environment/readiness.ts';
import { packageDirectory } from './package.ts';
import { recoverUpgrade } from './upgrade/swap.ts';

type Main = (argv: string[], system: System) => Promise<number>;

/**
 * What runs a command on an environment whose own copy of the package is another one than this: that copy. It is
 * imported, or started where the environment has a Node.js of another version.
 * @returns undefined when this copy is the one to run it, or the other one is not whole
 */
export async function findOwnCommand(
  command: Command,
  input: Input,
  argv: string[],
  system: System,
): Promise<(() => Promise<number>) | undefined> {
  const environment = command.isHandedOver ? await findMeant(command, input, system) : undefined;
  if (!environment) return undefined;
  const own = packageOf(environment);
  const [theirs, ours] = await Promise.all([readBuild(own), readBuild(packageDirectory)]);
  if (theirs === undefined || theirs === ours) return undefined;
  const { node } = environment.marker;
  if (node !== undefined && node !== process.versions.node) {
    if (!existsSync(nodeOf(environment))) return undefined;
    return () => runInPlace(system, nodeOf(environment), [join(own, 'bin', 'sessapp.js'), ...argv], system.env);
  }
  const main = await loadMain(own);
  return main && (() => main(argv, system));
}

async function loadMain(own: string): Promise<Main | undefined> {
  try {
    return ((await import(pathToFileURL(join(own, 'dist', 'cli', 'main.js')).href)) as { main: Main }).main;
  } catch (error) {
    if (isDamaged(error)) return undefined;
    throw error;
  }
}

// Files of it are missing, or cut off: this copy can say so, and `install` mends it.
function isDamaged(error: unknown): boolean {
  return hasCode(error, 'ERR_MODULE_NOT_FOUND') || error instanceof SyntaxError;
}

/** Undefined when the command itself is to say what is wrong. */
async function findMeant(command: Command, input: Input, system: System): Promise<Environment | undefined> {
  const operand = command.operands?.some(([syntax]) => syntax === '[dir]') ? input.operands[0] : undefined;
  try {
    const environment = await findEnvironment(system, operand, text(input, 'env'));
    await recoverUpgrade(environment.directory);
    return environment;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Names the content of a copy of the package; undefined where there is no whole one. */
async function readBuild(directory: string): Promise<string | undefined> {
  return readTextIfThere(join(directory, 'dist', 'build-id'));
}
