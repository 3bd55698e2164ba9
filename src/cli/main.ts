import { hasCode, isSystemError, toUserError, UserError } from '../errors.ts';
import { createSystem, type System } from '../system.ts';
import { takesDirectory } from './commands/index.ts';
import type { Output } from './output.ts';

/** The exit code for a bug in sessapp itself (EX_SOFTWARE of sysexits.h). */
const bugExitCode = 70;

/**
 * Runs one command line.
 * @param argv the arguments after `sessapp`
 * @returns the exit code: 0 done, 1 an expected failure, 2 usage, 70 a bug, or the code that the command returns
 */
export async function main(argv: string[], system: System = createSystem(takesDirectory)): Promise<number> {
  const lost = collectFailures(system);
  const exitCode = isAboutVersion(argv) ? await printVersion(system) : await runCommand(argv, system);
  await new Promise((resolve) => system.stdout.write('', resolve));
  // `sessapp info | head -1` closes our stdout early, which is not a failure.
  const failure = lost.find((error) => !hasCode(error, 'EPIPE'));
  return failure ? reportFailure(toOutputError(failure, exitCode), await createOutput(system, false)) : exitCode;
}

async function runCommand(argv: string[], system: System): Promise<number> {
  let output = await createOutput(system, asksForJson(argv));
  try {
    const [{ parse }, { findOwnCommand }] = await Promise.all([import('./command-line.ts'), import('./hand-over.ts')]);
    const invocation = await parse(argv, system);
    if (!invocation) return 0;
    const { name, command, input } = invocation;
    const runOwn = await findOwnCommand(command, input, argv, system);
    if (runOwn) return await runOwn();
    output = await createOutput(system, input.options.json === true);
    const report = await command.run(input, { system, output }).catch(async (error: unknown) => {
      await (await import('./environment/nearby.ts')).suggestNearby(system, name, error);
      throw await (await import('./environment/owner.ts')).explainOwner(error);
    });
    output.report(report);
    return report.exitCode ?? 0;
  } catch (error) {
    return reportFailure(error, output);
  }
}

// Loading the parser and the colours would double the time that this takes.
function isAboutVersion([first]: string[]): boolean {
  return first === '--version' || first === '-V';
}

async function createOutput(system: System, json: boolean): Promise<Output> {
  const output = await import('./output.ts');
  return new output.Output(system, json);
}

async function printVersion(system: System): Promise<number> {
  const { renderVersion } = await import('./version.ts');
  system.stdout.write(`${renderVersion(system)}\n`);
  return 0;
}

function reportFailure(error: unknown, output: Output): number {
  const expected = toUserError(error);
  if (expected) {
    output.fail(expected);
    return expected.exitCode;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const hint = 'This is a bug in sessapp. Please report it with the text above.';
  output.fail({ code: 'bug', message: stack, hint });
  return bugExitCode;
}

function asksForJson(argv: string[]): boolean {
  const separator = argv.indexOf('--');
  return argv.slice(0, separator === -1 ? undefined : separator).includes('--json');
}

// The command ended before its output was lost, and to rotate a secret twice, for example, does harm.
function toOutputError(failure: Error, exitCode: number): Error {
  if (!isSystemError(failure)) return failure;
  const fact = `The output could not be written (${failure.code}).`;
  const hint =
    exitCode === 0
      ? 'The command itself was done. Do not run it again only because its output is missing.'
      : `The command itself ended with exit code ${exitCode}.`;
  return new UserError('output-lost', fact, hint);
}

/** Collects the errors of our output streams as they happen. A command that was handed over leaves them to its caller. */
function collectFailures({ stdout, stderr }: System): Error[] {
  const failures: Error[] = [];
  for (const stream of [stdout, stderr])
    if (stream.listenerCount('error') === 0) stream.on('error', (error) => failures.push(error));
  return failures;
}
