import { Interrupted, UserError } from '../errors.ts';
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
  /** @throws UserError when a text is not valid: its message is shown, and the question stays */
  verify?: (answer: string) => void;
}

/**
 * Asks a person. Call it only where `output.interactive` is true.
 * @throws Interrupted when Ctrl-C, Ctrl-D or Escape was the answer, or there will be none
 */
export async function ask(system: System, { message, options, initial, verify }: Question): Promise<string> {
  const { isCancel, select, text } = await import('@clack/prompts');
  const closing = untilClosed(system.stdin);
  const common = { message: visible(message), input: system.stdin, output: system.stderr, signal: closing.signal };
  try {
    const answer = await (options
      ? select({ ...common, options, initialValue: initial })
      : text({
          ...common,
          placeholder: initial,
          defaultValue: initial,
          validate: (given) => explain(verify, given || initial),
        }));
    if (isCancel(answer)) throw new Interrupted('SIGINT');
    return answer;
  } finally {
    closing.stop();
  }
}

function explain(verify: Question['verify'], answer: string): string | undefined {
  try {
    verify?.(answer);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return `${error.message} ${error.hint ?? ''}`.trimEnd();
    throw error;
  }
}

// A prompt hears nothing of either, and would wait for ever.
function untilClosed(stdin: System['stdin']): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const press = (_: unknown, key?: { ctrl: boolean; name?: string }): void => {
    if (key?.ctrl && key.name === 'd') abort();
  };
  if (stdin.readableEnded) abort();
  stdin.on('keypress', press).on('end', abort);
  return { signal: controller.signal, stop: () => stdin.off('keypress', press).off('end', abort) };
}
