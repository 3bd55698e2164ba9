import { Writable } from 'node:stream';
import { takesDirectory } from '../../src/cli/commands/index.ts';
import { main } from '../../src/cli/main.ts';
import { createSystem, type System } from '../../src/system.ts';

/** A system that collects the output, to run commands in this process: starting a process takes 200 ms. */
export function fakeSystem(cwd: () => string, env: NodeJS.ProcessEnv = {}) {
  const printed = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk, _, done) {
        printed[name] += chunk;
        done();
      },
    });
  const real = createSystem(takesDirectory);
  const { SESSAPP_STATE_DIR } = process.env;
  const system: System = {
    ...real,
    env: { SESSAPP_STATE_DIR, ...env },
    stdout: stream('stdout'),
    stderr: stream('stderr'),
  };
  return { printed, system: Object.defineProperty(system, 'cwd', { get: cwd }) };
}

/** Runs a command line in this process. Of the real environment variables, it gets only PATH. */
export async function invoke(
  cwd: string,
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const { system, printed } = fakeSystem(() => cwd, { PATH: process.env.PATH, ...env });
  return { exitCode: await main(args, system), ...printed };
}
