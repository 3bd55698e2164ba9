import { Interrupted } from './errors.ts';
import type { System } from './system.ts';

export interface Question {
  message: string;
  /** Without options the answer is a text. */
  options?: { value: string; label: string; hint: string }[];
  /** What Enter alone answers. */
  initial: string;
}

/**
 * Asks a person. Call it only where `output.interactive` is true.
 * @throws Interrupted when Ctrl-C or Escape was the answer
 */
export async function ask(system: System, { message, options, initial }: Question): Promise<string> {
  const { isCancel, select, text } = await import('@clack/prompts');
  const streams = { input: system.stdin, output: system.stderr };
  const answer = options
    ? await select({ message, options, initialValue: initial, ...streams })
    : await text({ message, placeholder: initial, defaultValue: initial, ...streams });
  if (isCancel(answer)) throw new Interrupted('SIGINT');
  return answer;
}
