import { Interrupted } from '../errors.ts';
import type { System } from '../system.ts';
import { visible } from './visible.ts';

/** What a person sees when choosing. */
export interface ChoiceOption {
  value: string;
  label: string;
  hint: string;
}

export interface Question {
  message: string;
  /** Without options the answer is a text. */
  options?: ChoiceOption[];
  /** What Enter alone answers. */
  initial: string;
}

/**
 * Asks a person. Call it only where `output.interactive` is true.
 * @throws Interrupted when Ctrl-C, Ctrl-D or Escape was the answer, or there will be none
 */
export async function ask(system: System, { message, options, initial }: Question): Promise<string> {
  const { isCancel, select, text } = await import('@clack/prompts');
  const closing = untilClosed(system.stdin);
  const common = { message: visible(message), input: system.stdin, output: system.stderr, signal: closing.signal };
  try {
    const answer = await (options
      ? select({ ...common, options, initialValue: initial })
      : text({ ...common, placeholder: initial, defaultValue: initial }));
    if (isCancel(answer)) throw new Interrupted('SIGINT');
    return answer;
  } finally {
    closing.stop();
  }
}

// A prompt hears nothing of either, and would wait for ever.
function untilClosed(stdin: System['stdin']): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  const end = (): void => controller.abort();
  const press = (_: unknown, key?: { ctrl: boolean; name?: string }): void => {
    if (key?.ctrl && key.name === 'd') end();
  };
  if (stdin.readableEnded) end();
  stdin.on('keypress', press).on('end', end);
  return { signal: controller.signal, stop: () => stdin.off('keypress', press).off('end', end) };
}
