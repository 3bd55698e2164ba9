import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openDashboard } from '../support/dashboard.ts';
import { send } from '../support/http.ts';
import { invoke } from '../support/in-process.ts';
import { finish, Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, request, serve, startPlain, waitFor } from '../support/server.ts';

const sandbox = new Sandbox(afterAll);
let environment: string;

beforeAll(async () => {
  environment = await copyEnvironment(sandbox);
  await addRoutes(
    environment,
    `app.get('/in', (req, res) => { req.session.userId = 'ann'; res.send('in'); });
     app.post('/in', (req, res) => res.send('in'));
     app.get('/out', (req, res) => req.session.destroy(() => res.send('out')));
     app.get('/down', (req, res) => res.status(503).send('down'));
     app.get('/pid', (req, res) => res.send(String(process.pid)));`,
  );
});

/** Starts a server with metrics. Returns it with a function that reads them. */
async function start(env: Record<string, string> = {}) {
  const { url, output } = await startPlain(sandbox, environment, { env: { METRICS_PORT: '0', ...env } });
  const address = await waitFor(() => /metrics at (http:\/\/\S+)/.exec(output())?.[1]);
  const read = async (): Promise<Record<string, number>> => {
    const { body, headers } = await request(address);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    return parse(body);
  };
  return { url, address, read };
}

/** The samples by their names. Each must follow the HELP and TYPE of its metric. */
function parse(text: string): Record<string, number> {
  const samples: Record<string, number> = {};
  let metric = '';
  for (const line of text.split('\n').slice(0, -1)) {
    const [, type = ''] = /^# TYPE (\w+) (?:counter|histogram)$/.exec(line) ?? [];
    metric = type || metric;
    if (line.startsWith('# ')) continue;
    const [, name = '', value = ''] = /^(\w+(?:\{[^}]*\})?) ([\d.e+-]+)$/.exec(line) ?? [];
    expect(name.startsWith(metric) && metric !== '', line).toBe(true);
    samples[name] = Number(value);
  }
  return samples;
}

test('the server counts requests, sessions, refusals, 503s and calls to the store', async () => {
  const { url, address, read } = await start();
  expect(await read()).toMatchObject({ sessapp_requests_total: 0, sessapp_sessions_created_total: 0 });
  const { cookie } = await request(`${url}/in`);
  await request(`${url}/in`);
  await request(`${url}/out`, { Cookie: cookie });
  await request(`${url}/down`);
  const headers = { Origin: 'http://evil.example', 'Sec-Fetch-Site': 'cross-site', Cookie: cookie };
  expect((await send(`${url}/in`, { method: 'POST', headers })).status).toBe(403);
  await request(`${url}/healthz`);
  const samples = await waitFor(async () => {
    const found = await read();
    return found.sessapp_requests_total === 5 && found;
  });
  expect(samples).toMatchObject({
    sessapp_unavailable_responses_total: 1,
    sessapp_refused_requests_total: 1,
    sessapp_sessions_created_total: 2,
    sessapp_sessions_ended_total: 1,
    sessapp_store_failures_total: 0,
    'sessapp_store_call_seconds_count{call="create"}': 2,
    'sessapp_store_call_seconds_bucket{call="create",le="+Inf"}': 2,
    'sessapp_store_call_seconds_count{call="delete"}': 1,
  });
  const buckets = Object.entries(samples).filter(([name]) => name.includes('_bucket{call="create"'));
  expect(buckets.map(([, count]) => count)).toEqual(buckets.map(([, count]) => count).sort((a, b) => a - b));
  expect(samples['sessapp_store_call_seconds_sum{call="create"}']).toBeGreaterThan(0);
  expect(new URL(address).hostname).toBe('127.0.0.1');
  expect((await request(new URL('/', address).href)).status).toBe(404);
  expect((await request(`${url}/metrics`)).status).toBe(404);
});

test('a change of the secrets that the server applies is counted', async () => {
  const { url, read } = await start();
  await invoke(environment, ['secret', 'rotate']);
  await waitFor(async () => {
    await request(`${url}/in`);
    return (await read()).sessapp_secret_changes_total === 1;
  });
});

test('with workers the counts are the sum of all workers, including a replaced one', async () => {
  const { url, read } = await start({ WORKERS: '2' });
  const pids = new Set<number>();
  let sent = 0;
  await waitFor(async () => {
    sent += 1;
    pids.add(Number((await request(`${url}/pid`)).body));
    return pids.size === 2;
  });
  await waitFor(async () => (await read()).sessapp_requests_total === sent);
  const [first = 0] = pids;
  process.kill(first, 'SIGKILL');
  await waitFor(async () => {
    const { body } = await request(`${url}/pid`).catch(() => ({ body: '' }));
    if (body !== '') sent += 1;
    return body !== '' && !pids.has(Number(body));
  }, 30_000);
  await waitFor(async () => ((await read()).sessapp_requests_total ?? 0) >= sent);
});

test('when the metrics address is in use, the server does not start, and the message says what to change', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await waitFor(() => other.listening);
  const METRICS_PORT = String((other.address() as AddressInfo).port);
  for (const workers of [{}, { WORKERS: '1' }]) {
    const child = sandbox.start(['serve', environment, '--port', '0', '--json'], { env: { METRICS_PORT, ...workers } });
    const { exitCode, stdout } = await finish(child);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout).error).toEqual({
      code: 'port-in-use',
      message: `The metrics cannot be served: Port ${METRICS_PORT} of 127.0.0.1 is in use by another program.`,
      hint: 'Choose another METRICS_PORT or METRICS_HOST, or unset METRICS_PORT.',
    });
  }
});

test.each([[[]], [['--workers', '2']]])(
  'the dashboard shows the requests per second, also without METRICS_PORT: %j',
  async (args) => {
    const { url, child } = await serve(sandbox, environment, args);
    const ended = finish(child);
    onTestFinished(async () => {
      child.kill('SIGTERM');
      await ended;
    });
    const dashboard = await openDashboard(sandbox, environment);
    await waitFor(async () => {
      await request(`${url}/pid`);
      const { samples } = (await dashboard.call('GET', 'state')).body;
      return samples.some(({ requests }: { requests?: number }) => (requests ?? 0) > 0);
    }, 30_000);
  },
);
