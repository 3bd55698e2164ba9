import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { get, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { inject, onTestFinished } from 'vitest';
import { finish, type Sandbox, untilEvent } from './sandbox.ts';

const hiddenLockfile = join('node_modules', '.package-lock.json');

/** A running server under test. */
export interface Served {
  url: string;
  pid: number;
  workers: number;
}

/** Copies the ready environment with its packages as hard links. Faster, but a test must not edit files of packages. */
export async function copyEnvironment(sandbox: Sandbox, name = 'myenv'): Promise<string> {
  const from = inject('environment');
  const to = sandbox.path(name);
  const own = (await readdir(from)).filter((entry) => entry !== 'node_modules').map((entry) => join(from, entry));
  for (const [file, ...args] of [
    ['mkdir', '-p', to],
    ['cp', '-a', ...own, to],
    ['cp', '-al', join(from, 'node_modules'), to],
    // npm writes to this file, so copy it.
    ['cp', '-a', '--remove-destination', join(from, hiddenLockfile), join(to, hiddenLockfile)],
  ] as [string, ...string[]][]) {
    await finish(sandbox.spawn(file, args));
  }
  return to;
}

/** Starts `sessapp serve` in the foreground on a free port, and waits until it listens. */
export async function serve(
  sandbox: Sandbox,
  environment: string,
  args: string[] = [],
  options: SpawnOptions = {},
): Promise<Served & { child: ChildProcess }> {
  const child = sandbox.start(['serve', environment, '--port', '0', '--json', ...args], options);
  const { url, pid, workers } = (await untilEvent(child, 'listening')) as unknown as Served;
  return { url, pid, workers, child };
}

/** Starts `sessapp serve --background` on a free port. The server is stopped at the end of the test. */
export async function serveInBackground(sandbox: Sandbox, environment: string, args: string[] = []): Promise<Served> {
  const result = await sandbox.sessapp(['serve', environment, '--port', '0', '--background', '--json', ...args]);
  if (result.exitCode !== 0) throw new Error(`serve --background: ${result.stdout}${result.stderr}`);
  const { url, pid, workers } = JSON.parse(result.stdout) as Served;
  killAtEnd(pid);
  return { url, pid, workers };
}

/** Starts `node server.js`, without the sessapp command, and waits until it listens. */
export async function startPlain(
  sandbox: Sandbox,
  environment: string,
  options: SpawnOptions = {},
  command: [file: string, ...args: string[]] = [process.execPath, join(environment, 'server.js')],
): Promise<{ url: string; child: ChildProcess; output(): string }> {
  const [file, ...args] = command;
  const child = sandbox.spawn(file, args, { ...options, env: { PORT: '0', ...options.env } });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const url = await waitFor(
    () => /listening at (http:\/\/[^\s,]+:\d+)/.exec(output)?.[1] ?? failIfEnded(child, output),
  );
  return { url, child, output: () => output };
}

function failIfEnded(child: ChildProcess, output: string): undefined {
  if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the server ended: ${output}`);
}

export interface HttpResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** The cookies of the response, in the format of a Cookie header. */
  cookie: string;
}

/** Sends one request on a new connection, with only the given headers. */
export async function request(url: string, headers: Record<string, string> = {}): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const sent = get(url, { headers, agent: false }, async (response) => {
      try {
        const body = (await response.setEncoding('utf8').toArray()).join('');
        const cookie = (response.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]).join('; ');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, cookie });
      } catch (error) {
        reject(error);
      }
    });
    sent.on('error', reject);
  });
}

/** Writes an app.js with routes of a test: statements that use `app`. */
export async function addRoutes(environment: string, statements: string): Promise<void> {
  const code = `export function routes(app) {\n${statements}\napp.get('/ok', (req, res) => res.send('ok'));\n}\n`;
  await writeFile(join(environment, 'app.js'), code);
}

/** Calls `ask` repeatedly until the result is neither undefined nor false. */
export async function waitFor<T>(
  ask: () => T | Promise<T>,
  timeoutMs = 10_000,
): Promise<Exclude<T, undefined | false>> {
  for (const end = Date.now() + timeoutMs; Date.now() < end; await wait(20)) {
    const response = await ask();
    if (response !== undefined && response !== false) return response as Exclude<T, undefined | false>;
  }
  throw new Error(`not within ${timeoutMs} ms: ${ask}`);
}

/** True while the process exists and is not a zombie. The test must have started it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

export async function untilGone(pid: number, timeoutMs = 10_000): Promise<void> {
  await waitFor(() => !isAlive(pid), timeoutMs);
}

/** Stops a server that a command of the test left running. */
export function killAtEnd(pid: number): void {
  onTestFinished(async () => {
    if (!isAlive(pid)) return;
    process.kill(pid, 'SIGKILL');
    await untilGone(pid);
  });
}
