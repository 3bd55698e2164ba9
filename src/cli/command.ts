import type { System } from '../system.ts';
import type { Output, Report } from './output.ts';

/** The values that a shell completes: these words, or a kind of path or program. */
export type Values = 'directory' | 'file' | 'program' | (() => string[]);

/** An operand or option: its notation, its description, and the values that a shell can complete. */
export type Declaration = [notation: string, description: string, values?: Values];

/** One command: its operands and options, and the function that runs it. */
export interface Command {
  /** One line for `sessapp --help`. */
  summary: string;
  /** One or two complete command lines, for the command's help. */
  examples: string[];
  /** Lines for its help, above the examples. */
  notes?: string[];
  /** Positional arguments in commander's notation: `[dir]`, `<cmd>`, `[args...]`. */
  operands?: Declaration[];
  /** Options in commander's notation: `-e, --env <dir>`. Every command also has `--json` and `--help`. */
  options?: Declaration[];
  /** Whether everything from the first operand on belongs to another program, which this command runs. */
  passThrough?: boolean;
  /** Whether the environment's own copy of sessapp runs this command, if that is a different build. */
  isHandedOver?: boolean;
  run(input: Input, context: Context): Promise<Report>;
}

/** The operands and options of a parsed command line. The values of a variadic operand come last, in the same list. */
export interface Input {
  operands: string[];
  options: Record<string, string | boolean | undefined>;
}

export interface Context {
  system: System;
  output: Output;
}

const environment = 'the environment (default: SESSAPP_ENV, else that of the current directory)';

/** The option of every command that works on an environment. */
export const environmentOption: Declaration = ['-e, --env <dir>', environment, 'directory'];

/** The operand of the commands that take the environment as an operand. */
export const environmentOperand: Declaration = ['[dir]', environment, 'directory'];

export const versionOption: Declaration = ['-V, --version', 'print the version'];
export const helpOption: Declaration = ['-h, --help', 'print this help'];
/** The option of every command. */
export const jsonOption: Declaration = ['--json', 'print one JSON document on stdout'];
/** The subcommand of `sessapp` and of each group of commands. */
export const helpCommand: Declaration = ['help [command]', 'print the help of a command'];

/** The value of a string option; undefined when it was not given. */
export function text(input: Input, name: string): string | undefined {
  const value = input.options[name];
  return typeof value === 'string' ? value : undefined;
}

/** True when a flag was given. */
export function flag(input: Input, name: string): boolean {
  return input.options[name] === true;
}
