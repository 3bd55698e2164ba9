import { CommanderError, Command as Parser } from 'commander';
import type { Command, Input } from './command.ts';
import { listCommands, loadCommand } from './commands/index.ts';
import { hasCode, toUserError, UsageError } from './errors.ts';
import { renderSuggestion, verifyChoice } from './nearest.ts';
import { Output } from './output.ts';
import type { System } from './system.ts';
import { readVersion } from './version.ts';

/** The exit code for a bug in sessapp itself (EX_SOFTWARE of sysexits.h). */
const bugExitCode = 70;

interface Invocation {
  command: Command;
  input: Input;
}

/**
 * Runs one command line.
 * @param argv what follows `sessapp`
 * @returns the exit code: 0 done, 1 an expected failure, 2 usage, 70 a bug, or what the command says
 */
export async function main(argv: string[], system: System): Promise<number> {
  const lost = collectFailures(system);
  const exitCode = await runCommand(argv, system);
  await new Promise((resolve) => system.stdout.write('', resolve));
  // `sessapp info | head -1` closes our stdout early; that is not a failure.
  const failure = lost.find((error) => !hasCode(error, 'EPIPE'));
  return failure ? reportFailure(failure, new Output(system, false)) : exitCode;
}

async function runCommand(argv: string[], system: System): Promise<number> {
  let output = new Output(system, asksForJson(argv));
  try {
    const invocation = await parse(argv, system);
    if (!invocation) return 0;
    const { command, input } = invocation;
    output = new Output(system, input.options.json === true);
    const report = await command.run(input, { system, output });
    output.report(report);
    return report.exitCode ?? 0;
  } catch (error) {
    return reportFailure(error, output);
  }
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

/** Undefined when the command line only asked for help or the version, which have been printed. */
async function parse(argv: string[], system: System): Promise<Invocation | undefined> {
  const names = await listCommands();
  const asked = argv.find((word) => !word.startsWith('-'));
  const wanted = asked !== undefined && names.includes(asked) ? [asked] : names;
  const parser = createParser(system, await readVersion());
  let invocation: Invocation | undefined;
  for (const name of wanted) {
    const command = await loadCommand(name);
    declare(parser, name, command, (input) => {
      invocation = { command, input };
    });
  }
  verifyCommandName(argv, names);
  try {
    parser.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw toUsageError(error, parser, asked);
  }
  return invocation;
}

function createParser(system: System, version: string): Parser {
  return new Parser('sessapp')
    .description('virtualenv for session servers')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => system.stdout.write(text),
      writeErr: () => undefined,
      getOutHelpWidth: () => system.stdout.columns ?? 100,
    });
}

function declare(parser: Parser, name: string, command: Command, act: (input: Input) => void): void {
  const sub = parser
    .command(name)
    .description(command.summary)
    .passThroughOptions(command.passThrough ?? false);
  for (const [syntax, description] of command.operands ?? []) sub.argument(syntax, description);
  for (const [flags, description] of command.options ?? []) sub.option(flags, description);
  sub.option('--json', 'print one JSON document on stdout');
  sub.helpOption('-h, --help', 'print this help');
  sub.action(() => {
    verifyValues(sub);
    act({ operands: sub.args, options: sub.opts() });
  });
}

// `sessapp info -e --json`: the parser takes the next option for the value that was forgotten.
function verifyValues(sub: Parser): void {
  const flags = sub.options.flatMap(({ long, short }) => [long, short]);
  for (const option of sub.options) {
    const value: unknown = sub.getOptionValue(option.attributeName());
    if (typeof value !== 'string' || !flags.includes(value)) continue;
    throw new UsageError(`Option '${option.flags}' argument missing.`, `Type sessapp ${sub.name()} --help`);
  }
}

function verifyCommandName(argv: string[], names: string[]): void {
  const first = argv[0];
  if (first === undefined)
    throw new UsageError('No command given.', `Commands: ${names.join(', ')}. Type sessapp --help`);
  const name = first === 'help' ? argv[1] : first;
  if (name !== undefined && !name.startsWith('-')) verifyChoice('command', name, [...names, 'help']);
}

function toUsageError(error: CommanderError, parser: Parser, commandName: string | undefined): UsageError {
  const message = `${error.message.replace(/^error: /, '').replace(/\n.*$/s, '')}`;
  const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}${message.endsWith('.') ? '' : '.'}`;
  const sub = parser.commands.find((command) => command.name() === commandName) ?? parser;
  const unknown = error.code === 'commander.unknownOption' ? /'(.*)'/.exec(message)?.[1] : undefined;
  if (unknown === undefined)
    return new UsageError(sentence, `Type sessapp ${commandName ?? ''} --help`.replace('  ', ' '));
  const flags = sub
    .createHelp()
    .visibleOptions(sub)
    .map((option) => option.long ?? option.flags);
  return new UsageError(sentence, renderSuggestion('option', unknown, flags));
}

function asksForJson(argv: string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? undefined : end).includes('--json');
}

/** What goes wrong with our output, as it happens. */
function collectFailures({ stdout, stderr }: System): Error[] {
  const failures: Error[] = [];
  for (const stream of [stdout, stderr]) stream.on('error', (error) => failures.push(error));
  return failures;
}
