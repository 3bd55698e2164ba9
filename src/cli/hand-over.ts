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
 * Finds the function that runs a command with the environment's own copy of the package, if that is a different build. The
 * copy is imported, or started as a process when the environment has a Node.js of another version.
 * @returns undefined when this copy should run the command, or the other copy is incomplete
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

// Files are missing or truncated. This copy runs the command then: it can report that, and `install` repairs it.
function isDamaged(error: unknown): boolean {
  return hasCode(error, 'ERR_MODULE_NOT_FOUND') || error instanceof SyntaxError;
}

/** Undefined when there is no valid environment: the command itself reports why. */
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

/** Reads the id of a copy's content; undefined when the copy is missing or incomplete. */
async function readBuild(directory: string): Promise<string | undefined> {
  return readTextIfThere(join(directory, 'dist', 'build-id'));
}
