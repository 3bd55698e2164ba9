import { Agent, get, type IncomingMessage } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

/** Clients that send requests continuously, half of them on keep-alive connections, half on a new one each time. */
export interface Load {
  /** The number of responses with status 200, by body. */
  responses: Map<string, number>;
  /** All other results of requests. */
  failures: string[];
  stop(): Promise<void>;
}

export function startLoad(url: string, clients = 2, pauseMs = 10): Load {
  const kept = new Agent({ keepAlive: true });
  const load = { responses: new Map<string, number>(), failures: [] as string[] };
  let isOver = false;
  const client = async (agent: Agent | false): Promise<void> => {
    for (; !isOver; await wait(pauseMs)) {
      try {
        const { status, body } = await ask(url, agent);
        if (status === 200) load.responses.set(body, (load.responses.get(body) ?? 0) + 1);
        else load.failures.push(`${status} ${body}`);
      } catch (error) {
        load.failures.push(String(error));
      }
    }
  };
  const running = Array.from({ length: clients }, () => [client(kept), client(false)]).flat();
  return {
    ...load,
    async stop() {
      isOver = true;
      await Promise.all(running);
      kept.destroy();
    },
  };
}

/** Sends one request with this agent. `false`: on a new connection. */
export function ask(
  url: string,
  agent: Agent | false,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = get(url, { agent, headers }, async (response) => {
      try {
        const body = (await response.setEncoding('utf8').toArray()).join('');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      } catch (error) {
        reject(error);
      }
    });
    sent.on('error', reject);
  });
}
