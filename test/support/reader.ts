import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { onTestFinished, test } from 'vitest';
import type { Block } from './docs.ts';
import { type Collected, collect } from './output.ts';
import { notInstalled } from './programs.ts';
import { freePort } from './redis-server.ts';
import { cli, finish, type Sandbox } from './sandbox.ts';
import { waitFor } from './server.ts';

/** The end of the title of a test with a reader: the missing programs, or empty. */
export const withoutReader = notInstalled('bash', 'curl', 'grep');

/** A test that types the commands of a page. */
export function testReader(title: string, run: () => Promise<void>): void {
  test.skipIf(withoutReader)(`${title}${withoutReader}`, run);
}

/** Commands that stay in the foreground until Ctrl-C. */
const stays =
  /^(?:\w+=\S+ )*(?:(?:npx )?sessapp (?:serve|dashboard)|node (?:server|app)\.js|npm start)\b(?!.*(?:--background|--dry-run|--help))/;

const shownPorts = ['3000', '5000', '5001'];

interface Running {
  child: ChildProcess;
  output: Collected;
}

export interface Typed {
  /** The output on both streams. */
  output: string;
  exitCode: number | null;
}

/**
 * Types the commands of a page. The directory and the variables of its shell stay from one block to the next. Servers
 * use a free port instead of the port on the page, and run until `interrupt` presses Ctrl-C.
 */
export class Reader {
  readonly sandbox: Sandbox;
  /** The free port that is used instead of each port that pages show. */
  readonly #ports: Record<string, number>;
  readonly #env: NodeJS.ProcessEnv;
  readonly #state: string;
  readonly #servers: Running[] = [];
  #hasState = false;

  private constructor(sandbox: Sandbox, ports: Record<string, number>, env: NodeJS.ProcessEnv) {
    this.sandbox = sandbox;
    this.#ports = ports;
    const tools = sandbox.path('.tools');
    this.#state = join(tools, 'state');
    mkdirSync(tools);
    writeProgram(join(tools, 'sessapp'), `exec "${process.execPath}" "${cli}" "$@"`);
    const path = process.env.PATH ?? '';
    writeProgram(join(tools, 'npx'), `if [ "$1" = sessapp ]; then exec "$@"; fi\nPATH='${path}' exec npx "$@"`);
    this.#env = { PATH: `${tools}:${path}`, PORT: String(this.port), CI: 'true', ...env };
    onTestFinished(() => {
      for (const { child } of this.#servers) signal(child, 'SIGKILL');
    });
  }

  static async open(sandbox: Sandbox, env: NodeJS.ProcessEnv = {}): Promise<Reader> {
    const ports: Record<string, number> = {};
    for (const shown of shownPorts) ports[shown] = await freePort();
    return new Reader(sandbox, ports, env);
  }

  /** The free port that is used instead of 5000. */
  get port(): number {
    return this.#ports[5000] ?? 0;
  }

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  /** The text with this reader's ports. */
  adapt(text: string): string {
    return text.replace(/\b\d{4}\b/g, (port) => String(this.#ports[port] ?? port));
  }

  /** Writes the file that a block names. */
  async write(block: Block, directory = ''): Promise<void> {
    const file = this.sandbox.path(directory, block.file ?? 'app.js');
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, this.adapt(block.code));
  }

  /**
   * Types commands one after the other. A server in the foreground keeps running; the next command follows when the
   * server has printed its address. Returns the output.
   * @throws when the exit code is not the expected one
   */
  async type({ code }: { code: string }, expected: number | null = 0): Promise<string> {
    let output = '';
    for (const part of split(this.adapt(code))) {
      const typed = stays.test(part) ? await this.#start(part) : await this.#run(part);
      output += typed.output;
      if (typed.exitCode !== expected) throw new Error(`exit code ${typed.exitCode}:\n${part}\n${output}`);
    }
    return output;
  }

  /** Starts an application that prints no address, and listens at the port that pages show as 3000. @returns its address */
  async serveApplication(command: string): Promise<string> {
    const url = this.adapt('http://localhost:3000');
    const child = this.#spawn(`exec env ${command}`);
    this.#servers.push({ child, output: collect(child) });
    await waitFor(() => fetch(url).catch(() => child.exitCode !== null), 30_000);
    return url;
  }

  /** Presses Ctrl-C for the last server that was started. Returns its output. */
  async interrupt(): Promise<string> {
    const { child, output } = this.#servers.pop() ?? {};
    if (!child || !output) throw new Error('Nothing runs in the foreground.');
    signal(child, 'SIGINT');
    await output.ended;
    return `${output.stdout()}${output.stderr()}`;
  }

  async #run(commands: string): Promise<Typed> {
    const state = `trap 'export -p > "${this.#state}"; declare -f >> "${this.#state}"; pwd > "${this.#state}.pwd"' EXIT`;
    const { stdout, stderr, exitCode } = await finish(this.#spawn(`${state}\nset -e\n${commands}`));
    this.#hasState = true;
    return { output: stdout + stderr, exitCode };
  }

  async #start(command: string): Promise<Typed> {
    const child = this.#spawn(`exec env ${command}`);
    const output = collect(child);
    const print = (): string => output.stdout() + output.stderr();
    this.#servers.push({ child, output });
    let isOver = false;
    void output.ended.then(() => {
      isOver = true;
    });
    await waitFor(() => isOver || /http:\/\/[\w.]+:\d+/.test(print()), 30_000);
    if (isOver) this.#servers.pop();
    return { output: print(), exitCode: isOver ? child.exitCode : 0 };
  }

  #spawn(script: string): ChildProcess {
    const before = this.#hasState ? `. "${this.#state}"\ncd "$(cat "${this.#state}.pwd")"\n` : '';
    return this.sandbox.spawn('bash', ['-c', before + script], { env: this.#env, detached: true });
  }
}

/** Splits commands before and after each command that stays in the foreground. */
function split(code: string): string[] {
  const parts: string[] = [];
  let before: string[] = [];
  for (const line of code.split('\n')) {
    if (!stays.test(line)) before.push(line);
    else {
      if (before.some((text) => text.trim() !== '')) parts.push(before.join('\n'));
      parts.push(line);
      before = [];
    }
  }
  return before.some((text) => text.trim() !== '') ? [...parts, before.join('\n')] : parts;
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, name);
}

function writeProgram(path: string, script: string): void {
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}
