import type { System } from '../system.ts';
import type { Output, Report } from './output.ts';

/** One command: its operands and options, and the function that runs it. */
export interface Command {
  /** One line for `sessapp --help`. */
  summary: string;
  /** One or two complete command lines, for the command's help. */
  examples: string[];
  /** Positional arguments in commander's notation: `[dir]`, `<cmd>`, `[args...]`. */
  operands?: [syntax: string, description: string][];
  /** Options in commander's notation: `-e, --env <dir>`. Every command also has `--json` and `--help`. */
  options?: [flags: string, description: string][];
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

const environment = 'the environment (default: SESSAPP_ENV, else the nearest parent directory)';

/** The option of every command that works on an environment. */
export const environmentOption: [string, string] = ['-e, --env <dir>', environment];

/** The operand of the commands that take the environment as an operand. */
export const environmentOperand: [string, string] = ['[dir]', environment];

/** The value of a string option; undefined when it was not given. */
export function text(input: Input, name: string): string | undefined {
  const value = input.options[name];
  return typeof value === 'string' ? value : undefined;
}

/** True when a flag was given. */
export function flag(input: Input, name: string): boolean {
  return input.options[name] === true;
}
