import type { System } from '../system.ts';
import type { Output, Report } from './output.ts';

/** The values that a shell completes: these words, or a kind of path or program. */
export type Values = 'directory' | 'file' | 'program' | (() => string[]);

/** An operand or option: how it is written, what it means, and its values where a shell can complete them. */
export type Declaration = [notation: string, description: string, values?: Values];

/** One command of the command line: what it takes, and what it does with it. */
export interface Command {
  /** One line for `sessapp --help`. */
  summary: string;
  /** One or two whole command lines, for its help. */
  examples: string[];
  /** Lines for its help, above the examples. */
  notes?: string[];
  /** Positional arguments in commander's notation: `[dir]`, `<cmd>`, `[args...]`. */
  operands?: Declaration[];
  /** Options in commander's notation: `-e, --env <dir>`. `--json` and `--help` are on every command. */
  options?: Declaration[];
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

const environment = 'the environment (default: SESSAPP_ENV, else the nearest one above)';

/** The option of every command that works on an environment without naming it first. */
export const environmentOption: Declaration = ['-e, --env <dir>', environment, 'directory'];

/** The operand of the commands that take their environment as an argument. */
export const environmentOperand: Declaration = ['[dir]', environment, 'directory'];

/** A string option, or undefined when it was not given. */
export function text(input: Input, name: string): string | undefined {
  const value = input.options[name];
  return typeof value === 'string' ? value : undefined;
}

/** True when a flag was given. */
export function flag(input: Input, name: string): boolean {
  return input.options[name] === true;
}
