import type { Writable } from 'node:stream';
import * as kleur from 'kleur/colors';
import type { UserError } from '../errors.ts';
import type { System } from '../system.ts';
import { toVisibleJson, visibleText } from './visible.ts';

/** The result of a command, and its exit code if that is not 0. */
export interface Report {
  /** For --json. Without it nothing is printed, because the command has printed its result itself. */
  data?: Record<string, unknown>;
  /** For a person. */
  text?: string;
  exitCode?: number;
}

export type Style = Pick<typeof kleur, 'bold' | 'dim' | 'green' | 'cyan' | 'yellow' | 'red'>;

/** The version of the JSON that --json prints. It grows when a field is removed or changes its meaning. */
const jsonVersion = 1;

const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';

/** The output of a command: results on stdout, everything else on stderr. */
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

  /** True when we can ask a person: stdin and stderr are terminals, and neither --json nor CI is set. */
  get interactive(): boolean {
    const { stdin, stderr, env } = this.#system;
    return Boolean(stdin.isTTY && stderr.isTTY && !this.json && !isSet(env.CI));
  }

  /** A line for a person, on stderr; silent under --json. */
  note(line: string): void {
    if (!this.json) this.#tell(line);
  }

  /**
   * Shows the current step while work is in progress: a spinner on a terminal, else a line for each step. We do not use a
   * spinner package, because those exit the process on Ctrl-C, before we have cleaned up.
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

  /** A problem that did not stop the command, on stderr. */
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
   * Writes a part of a text result to stdout.
   * @returns false when the caller must wait until the reader has caught up
   */
  text(part: string): boolean {
    return this.#system.stdout.write(this.#toText(part));
  }

  /**
   * Writes a result that is too long for memory, line by line: text, or JSON documents. Stops when the reader has closed.
   * @returns how many lines were read from `lines`
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

  /** An event of a command that keeps running: a JSON line on stdout under --json, else the text on stderr. */
  event(data: { event: string } & Record<string, unknown>, text: string): void {
    if (this.json) this.#system.stdout.write(`${toVisibleJson({ version: jsonVersion, ...data })}\n`);
    else if (text !== '') this.#tell(text);
  }

  /** The error that ended the command: under --json the one JSON document on stdout, else text on stderr. */
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

  // All text passes through here. Some comes from outside: the name of a directory, sessapp.json, npm, a log.
  #toText(text: string): string {
    return visibleText(text, kleur.$.enabled);
  }
}

/** Resolves when the stream accepts more, was closed, or the signal aborted. */
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

// https://no-color.org and https://force-color.org: a variable counts if it is not empty; NO_COLOR wins.
function wantsColour({ env, stderr, stdout }: System): boolean {
  if (isSet(env.NO_COLOR)) return false;
  if (isSet(env.FORCE_COLOR)) return env.FORCE_COLOR !== '0';
  return Boolean(stdout.isTTY && stderr.isTTY && env.TERM !== 'dumb');
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== 'false';
}
