import type { Writable } from 'node:stream';
import * as kleur from 'kleur/colors';
import type { UserError } from '../errors.ts';
import type { System } from '../system.ts';
import { toVisibleJson, visibleText } from './visible.ts';

/** What a command hands back: what it found, and an exit code where 0 would not say it. */
export interface Report {
  /** For --json. Without it nothing is printed: what there was to say has been said. */
  data?: Record<string, unknown>;
  /** For a person. */
  text?: string;
  exitCode?: number;
}

export type Style = Pick<typeof kleur, 'bold' | 'dim' | 'green' | 'cyan' | 'yellow' | 'red'>;

/** The version of every shape that --json prints; it grows when a field is removed or changes its meaning. */
const jsonVersion = 1;

const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';

/** The two ends of a command's output: results on stdout, everything else on stderr. */
export class Output {
  readonly style: Style;
  readonly json: boolean;
  readonly #system: System;

  constructor(system: System, json: boolean) {
    this.#system = system;
    this.json = json;
    kleur.$.enabled = wantsColour(system);
    this.style = kleur;
  }

  /** True when a person is at both ends, so that a question can be asked. */
  get interactive(): boolean {
    const { stdin, stderr, env } = this.#system;
    return Boolean(stdin.isTTY && stderr.isTTY && !this.json && !isSet(env.CI));
  }

  /** A line for a person, on stderr; silent under --json. */
  note(line: string): void {
    if (!this.json) this.#tell(line);
  }

  /**
   * Tells a person who waits what is being done: a line that moves on a terminal, else a line for each step.
   * The spinners of packages are of no use here: on Ctrl-C they end the process, before we have cleared up.
   */
  async working<T>(work: (step: (name: string) => void) => Promise<T>): Promise<T> {
    const { stderr, env } = this.#system;
    if (this.json || !stderr.isTTY || env.TERM === 'dumb') return work((name) => this.note(`${name} …`));
    let current = '';
    let frame = 0;
    const draw = (): void => {
      if (current === '') return;
      frame = (frame + 1) % frames.length;
      stderr.write(`\r\x1b[2K${this.style.cyan(frames.charAt(frame))} ${this.#toText(current)}`);
    };
    const timer = setInterval(draw, 80);
    try {
      return await work((name) => {
        current = `${name} …`;
        draw();
      });
    } finally {
      clearInterval(timer);
      stderr.write('\r\x1b[2K');
    }
  }

  /** Something that went wrong but did not stop the command, on stderr. */
  warn(line: string): void {
    this.#tell(`${this.style.yellow('warning:')} ${line}`);
  }

  /** The command's result, on stdout. */
  report({ data, text = '' }: Report): void {
    if (!data) return;
    const result = this.json ? toVisibleJson({ version: jsonVersion, ...data }) : text;
    if (result !== '') this.text(`${result}\n`);
  }

  /**
   * A part of a result that is a text, on stdout.
   * @returns false when the reader is to be waited for
   */
  text(part: string): boolean {
    return this.#system.stdout.write(this.#toText(part));
  }

  /**
   * A result too long for memory, line by line on stdout: text, or JSON documents. It ends early when the reader is gone.
   * @returns how many lines there were until then
   */
  async lines(lines: AsyncIterable<string | Record<string, unknown>>): Promise<number> {
    const { stdout } = this.#system;
    let count = 0;
    let isOpen = true;
    const close = (): void => {
      isOpen = false;
    };
    stdout.once('close', close);
    for await (const line of lines) {
      count += 1;
      if (!isOpen) break;
      const text = typeof line === 'string' ? this.#toText(line) : toVisibleJson({ version: jsonVersion, ...line });
      if (!stdout.write(`${text}\n`)) await untilDrained(stdout);
    }
    stdout.off('close', close);
    return count;
  }

  /** One event of a command that goes on: a JSON line on stdout under --json, else the text on stderr. */
  event(data: { event: string } & Record<string, unknown>, text: string): void {
    if (this.json) this.#system.stdout.write(`${toVisibleJson({ version: jsonVersion, ...data })}\n`);
    else if (text !== '') this.#tell(text);
  }

  /** The failure that ended the command: on stdout as the one JSON document under --json, else on stderr. */
  fail({ code, message, hint }: Pick<UserError, 'code' | 'message' | 'hint'>): void {
    if (this.json) {
      const error = { code, message, ...(hint !== undefined && { hint }) };
      this.#system.stdout.write(`${toVisibleJson({ version: jsonVersion, error })}\n`);
      return;
    }
    this.#tell(`${this.style.red('error:')} ${message}`);
    if (hint !== undefined) this.#tell(hint);
  }

  #tell(line: string): void {
    this.#system.stderr.write(`${this.#toText(line)}\n`);
  }

  // The one place through which text goes that may be from outside: a directory's name, sessapp.json, npm, a log.
  #toText(text: string): string {
    return visibleText(text, kleur.$.enabled);
  }
}

/** Resolves when the stream takes more, was closed, or the signal aborted. */
export function untilDrained(stream: Writable, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const goOn = (): void => {
      stream.off('drain', goOn).off('close', goOn);
      signal?.removeEventListener('abort', goOn);
      resolve();
    };
    stream.on('drain', goOn).on('close', goOn);
    signal?.addEventListener('abort', goOn);
  });
}

// https://no-color.org and https://force-color.org: set and not empty; NO_COLOR wins.
function wantsColour({ env, stderr, stdout }: System): boolean {
  if (isSet(env.NO_COLOR)) return false;
  if (isSet(env.FORCE_COLOR)) return env.FORCE_COLOR !== '0';
  return Boolean(stdout.isTTY && stderr.isTTY && env.TERM !== 'dumb');
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== 'false';
}
