import { Interrupted, UserError } from '../errors.ts';
import type { System } from '../system.ts';
import { visible } from './visible.ts';

/** An option of a question, as it is shown. */
export interface ChoiceOption {
  value: string;
  label: string;
  hint: string;
}

export interface Question {
  message: string;
  /** Without options the user types a text. */
  options?: ChoiceOption[];
  /** The value when the user only presses Enter. */
  initial: string;
  /** @throws UserError when a text is not valid: its message is shown, and the question stays */
  verify?: (given: string) => void;
}

/**
 * Asks the user a question. Call it only when `output.interactive` is true.
 * @throws Interrupted when the user presses Ctrl-C, Ctrl-D or Escape, or when stdin ends
 */
export async function ask(system: System, { message, options, initial, verify }: Question): Promise<string> {
  const { isCancel, select, text } = await import('@clack/prompts');
  const closing = untilClosed(system.stdin);
  const common = { message: visible(message), input: system.stdin, output: system.stderr, signal: closing.signal };
  try {
    const reply = await (options
      ? select({ ...common, options, initialValue: initial })
      : text({
          ...common,
          placeholder: initial,
          defaultValue: initial,
          validate: (given) => explain(verify, given || initial),
        }));
    if (isCancel(reply)) throw new Interrupted('SIGINT');
    return reply;
  } finally {
    closing.stop();
  }
}

function explain(verify: Question['verify'], given: string): string | undefined {
  try {
    verify?.(given);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return `${error.message} ${error.hint ?? ''}`.trimEnd();
    throw error;
  }
}

// A prompt does not notice Ctrl-D or the end of stdin, and would wait for ever.
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
