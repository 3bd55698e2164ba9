import { CommanderError, Command as Parser } from 'commander';
import { UsageError } from '../errors.ts';
import type { System } from '../system.ts';
import {
  type Command,
  type Declaration,
  helpCommand,
  helpOption,
  type Input,
  jsonOption,
  versionOption,
} from './command.ts';
import { groups, listCommands, loadCommand } from './commands/index.ts';
import { renderSuggestion, verifyChoice } from './nearest.ts';

/** A parsed command line. */
export interface Invocation {
  /** A name from `listCommands`. */
  name: string;
  command: Command;
  input: Input;
}

/**
 * @param given the arguments after `sessapp`
 * @returns undefined when the command line asked for help, which has been printed
 * @throws UsageError with the valid words when the command line is not valid
 */
export async function parse(given: string[], system: System): Promise<Invocation | undefined> {
  const names = listCommands();
  const argv = withHelpOption(given, names);
  const parser = createParser(system);
  let invocation: Invocation | undefined;
  const wanted = wantedBy(argv, names);
  const commands = await Promise.all(wanted.map(async (name) => ({ name, command: await loadCommand(name) })));
  for (const { name, command } of commands) {
    declare(parserOf(parser, name), command, (input) => {
      invocation = { name, command, input };
    });
  }
  for (const group of parser.commands.filter((each) => each.commands.length > 0)) {
    const own = commands.filter(({ name }) => name.startsWith(`${group.name()} `));
    addExamples(
      group,
      own.flatMap(({ command }) => command.examples.slice(0, 1)),
    );
  }
  await verifyCommandName(argv, names, parser);
  try {
    parser.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw await toUsageError(error, reachedBy(argv, parser));
  }
  return invocation;
}

/** `help secret list` and `secret help list` mean `secret list --help`; `help help` means `--help`. */
function withHelpOption(given: string[], names: string[]): string[] {
  const isGroup = names.some((name) => name.startsWith(`${given[0]} `));
  const asks = given[isGroup ? 1 : 0] === 'help';
  return asks ? [...given.filter((word) => word !== 'help' && word !== '--'), '--help'] : given;
}

/** The commands that the first word of the command line can mean. Only these are loaded. */
function wantedBy(argv: string[], names: string[]): string[] {
  const asked = argv.find((word) => !word.startsWith('-'));
  const wanted = names.filter((name) => name.split(' ')[0] === asked);
  return wanted.length > 0 ? wanted : names;
}

function createParser(system: System): Parser {
  return new Parser('sessapp')
    .description('virtualenv for session servers\n\nTo begin: sessapp init myenv --serve')
    .option(...forParser(versionOption))
    .helpOption(...forParser(helpOption))
    .helpCommand(...forParser(helpCommand))
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => system.stdout.write(text),
      writeErr: () => undefined,
      getOutHelpWidth: () => system.stdout.columns ?? 100,
    });
}

/** Creates the parser of a command, under the parser of its group if it has one. */
function parserOf(root: Parser, name: string): Parser {
  const [first = '', second] = name.split(' ');
  if (second === undefined) return root.command(first);
  const known = root.commands.find((group) => group.name() === first);
  return (known ?? declareGroup(root.command(first), groups[first] ?? '')).command(second);
}

/** The part of a declaration that commander takes. */
function forParser([notation, description]: Declaration): [string, string] {
  return [notation, description];
}

function declareGroup(parser: Parser, summary: string): Parser {
  return parser
    .description(summary)
    .helpOption(...forParser(helpOption))
    .helpCommand(...forParser(helpCommand));
}

function declare(parser: Parser, command: Command, act: (input: Input) => void): void {
  parser.description(command.summary).passThroughOptions(command.passThrough ?? false);
  for (const operand of command.operands ?? []) parser.argument(...forParser(operand));
  for (const option of command.options ?? []) parser.option(...forParser(option));
  parser.option(...forParser(jsonOption));
  parser.helpOption(...forParser(helpOption));
  if (command.notes) parser.addHelpText('after', `\n${command.notes.join('\n')}`);
  addExamples(parser, command.examples);
  parser.action(() => {
    verifyValues(parser);
    act({ operands: parser.args, options: parser.opts() });
  });
}

function addExamples(parser: Parser, lines: string[]): void {
  parser.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

// In `sessapp info -e --json` the value is missing, and the parser takes the next option as the value.
function verifyValues(parser: Parser): void {
  const flags = parser.options.flatMap(({ long, short }) => [long, short]);
  for (const option of parser.options) {
    const value: unknown = parser.getOptionValue(option.attributeName());
    if (typeof value !== 'string' || !flags.includes(value)) continue;
    throw new UsageError(`Option '${option.flags}' argument missing.`, helpOf(parser));
  }
}

async function verifyCommandName(argv: string[], names: string[], root: Parser): Promise<void> {
  // `--` only ends the options.
  const [first, second] = argv.filter((word) => word !== '--');
  if (first === undefined) throw new UsageError('No command given.', `\n${root.helpInformation().trimEnd()}`);
  if (first.startsWith('-')) return;
  const commands = [...new Set(names.map((name) => name.split(' ')[0] ?? ''))];
  await verifyChoice('command', first, [...commands, 'help']);
  const inGroup = names.filter((name) => name.startsWith(`${first} `));
  if (inGroup.length === 0 || second?.startsWith('-')) return;
  if (second === undefined)
    throw new UsageError(`'${first}' is a group of commands.`, `Choose one: ${inGroup.join(', ')}.`);
  await verifyChoice('command', `${first} ${second}`, inGroup);
}

/** The parser of the command, or group, that the command line names. */
function reachedBy(argv: string[], root: Parser): Parser {
  const words = argv.filter((word) => !word.startsWith('-'));
  const below = root.commands.find((command) => command.name() === words[0]);
  return below ? reachedBy(words.slice(1), below) : root;
}

function helpOf(parser: Parser): string {
  const names: string[] = [];
  for (let current: Parser | null = parser; current; current = current.parent) names.unshift(current.name());
  return `Type ${names.join(' ')} --help`;
}

// Some commands take the environment as an operand, others only as an option.
function adviceOn({ code }: CommanderError, { options, registeredArguments }: Parser): string {
  const takesOption = options.some(({ long }) => long === '--env');
  const takesOperand = registeredArguments.some((operand) => operand.name() === 'dir');
  const isExcess = code === 'commander.excessArguments' && takesOption && !takesOperand;
  return isExcess ? 'To name an environment, use -e <dir>. ' : '';
}

async function toUsageError(error: CommanderError, parser: Parser): Promise<UsageError> {
  // The value after '=' may be a password, so do not repeat it.
  const message = error.message
    .replace(/^error: /, '')
    .replace(/\n.*$/s, '')
    .replace(/'(--[^'=]*)=.*'/s, "'$1'");
  const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}${message.endsWith('.') ? '' : '.'}`;
  const unknown = error.code === 'commander.unknownOption' ? /'(.*)'/.exec(message)?.[1] : undefined;
  if (unknown === undefined) return new UsageError(sentence, `${adviceOn(error, parser)}${helpOf(parser)}`);
  const flags = parser
    .createHelp()
    .visibleOptions(parser)
    .map((option) => option.long ?? option.flags);
  if (flags.includes(unknown)) return new UsageError(`Option '${unknown}' takes no value.`, helpOf(parser));
  // No option is that long. It may be a session id that was pasted by mistake, so do not repeat it.
  const shown = unknown.length > 40 ? `${unknown.slice(0, 4)}…` : unknown;
  return new UsageError(
    sentence.replace(unknown, () => shown),
    await renderSuggestion('option', unknown, flags),
  );
}
