import type { System } from '../system.ts';
import type { Output, Report } from './output.ts';

/** One command of the command line: what it takes, and what it does with it. */
export interface Command {
  /** One line for `sessapp --help`. */
  summary: string;
  /** One or two whole command lines, for its help. */
  examples: string[];
  /** Positional arguments in commander's notation: `[dir]`, `<cmd>`, `[args...]`. */
  operands?: [syntax: string, description: string][];
  /** Options in commander's notation: `-e, --env <dir>`. `--json` and `--help` are on every command. */
  options?: [flags: string, description: string][];
  /** Everything from the first operand on belongs to a command that this one runs. */
  passThrough?: boolean;
  /** An environment's own copy of sessapp runs it, where that is another one than the copy that is asked. */
  isHandedOver?: boolean;
  run(input: Input, context: Context): Promise<Report>;
}

/** A parsed command line. A variadic operand takes the rest, so operands are flat. */
export interface Input {
  operands: string[];
  options: Record<string, string | boolean | undefined>;
}

export interface Context {
  system: System;
  output: Output;
}

const environment = 'the environment (default: SESSAPP_ENV, else the nearest parent directory)';

/** The option of every command that works on an environment without naming it first. */
export const environmentOption: [string, string] = ['-e, --env <dir>', environment];

/** The operand of the commands that take their environment as an argument. */
export const environmentOperand: [string, string] = ['[dir]', environment];

/** A string option, or undefined when it was not given. */
export function text(input: Input, name: string): string | undefined {
  const value = input.options[name];
  return typeof value === 'string' ? value : undefined;
}

/** True when a flag was given. */
export function flag(input: Input, name: string): boolean {
  return input.options[name] === true;
}
