import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { send } from './http.ts';
import type { Sandbox } from './sandbox.ts';

export interface DashboardResponse {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each path has another response format
  body: any;
}

/** A dashboard that runs until the end of the test. */
export class Dashboard {
  readonly child: ChildProcess;
  /** The output of the command. */
  readonly printed: { url: string };
  readonly link: string;
  /** The address without the token. */
  readonly origin: string;
  readonly linkToken: string;
  /** The token that the page sends with each request. */
  token = '';

  constructor(child: ChildProcess, printed: { url: string }) {
    const link = printed.url;
    this.child = child;
    this.printed = printed;
    this.link = link;
    this.origin = new URL(link).origin;
    this.linkToken = new URL(link).hash.slice(1);
  }

  /** Opens the link, as the page does. */
  async enter(token = this.linkToken): Promise<DashboardResponse> {
    const response = await this.call('POST', 'enter', { token });
    if (response.status === 200) this.token = response.body.token;
    return response;
  }

  async call(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<DashboardResponse> {
    const response = await send(`${this.origin}/api/${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.token}`, ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: JSON.parse(response.body) };
  }
}

/** Starts `sessapp dashboard --json`, and waits until it listens. The link is not opened. */
export async function startDashboard(
  sandbox: Sandbox,
  environment: string,
  args: string[] = [],
  options: SpawnOptions = {},
): Promise<Dashboard> {
  const child = sandbox.start(['dashboard', environment, '--json', ...args], options);
  return untilListening(child);
}

/** Waits for the link that a `sessapp dashboard` process prints. Returns its dashboard. */
export async function untilListening(child: ChildProcess): Promise<Dashboard> {
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text));
  while (!printed.includes('\n') && child.stdout) await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  return new Dashboard(child, JSON.parse(printed));
}

/** Like `startDashboard`, with the link opened. */
export async function openDashboard(sandbox: Sandbox, environment: string, args: string[] = []): Promise<Dashboard> {
  const dashboard = await startDashboard(sandbox, environment, args);
  await dashboard.enter();
  return dashboard;
}
