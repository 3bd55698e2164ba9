import type { TextOptions } from '@clack/prompts';
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
  const { select, text } = await import('@clack/prompts');
  const validate = (given = ''): string | undefined => explain(verify, given || initial);
  return showPrompt(system, message, (common) =>
    options
      ? select({ ...common, options, initialValue: initial })
      : text({ ...common, placeholder: initial, defaultValue: initial, validate }),
  );
}

/** Asks the user to confirm a change that cannot be undone. The keys y and n decide at once; Enter alone means no. */
export async function isConfirmed(system: System, message: string): Promise<boolean> {
  const { confirm } = await import('@clack/prompts');
  return showPrompt(system, message, (common) => confirm({ ...common, initialValue: false }));
}

type Common = Required<Pick<TextOptions, 'message' | 'input' | 'output' | 'signal'>>;

async function showPrompt<T>(
  system: System,
  message: string,
  show: (common: Common) => Promise<T>,
): Promise<Exclude<T, symbol>> {
  const { isCancel } = await import('@clack/prompts');
  const closing = untilClosed(system.stdin);
  try {
    const { stdin: input, stderr: output } = system;
    const reply = await show({ message: visible(message), input, output, signal: closing.signal });
    if (isCancel(reply)) throw new Interrupted('SIGINT');
    return reply as Exclude<T, symbol>;
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
