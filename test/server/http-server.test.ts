import { Agent, get } from 'node:http';
import express from 'express';
import { afterAll, expect, test } from 'vitest';
import { createHttpServer } from '../../src/server/http-server.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, startPlain } from '../support/server.ts';

const sandbox = new Sandbox(afterAll);

/** The Keep-Alive header of a response. */
async function keepAliveOf(env: NodeJS.ProcessEnv): Promise<unknown> {
  const { url } = await startPlain(sandbox, await copyEnvironment(sandbox, `env${count++}`), { env });
  const agent = new Agent({ keepAlive: true });
  const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
    get(`${url}/profile`, { agent }, (response) => resolve(response.resume().headers)).on('error', reject);
  });
  agent.destroy();
  return headers['keep-alive'];
}

let count = 0;

test.each([
  [{}, 5],
  [{ TRUST_PROXY: '0' }, 5],
  [{ TRUST_PROXY: '1' }, 65],
  [{ TRUST_PROXY: '2', WORKERS: '1' }, 65],
  [{ TRUST_PROXY: '1', KEEP_ALIVE: '620' }, 620],
  [{ KEEP_ALIVE: '7' }, 7],
])('with %j an idle connection stays open for %i s', async (env, seconds) => {
  expect(await keepAliveOf(env)).toBe(`timeout=${seconds}`);
});

test.each([1000, 5000, 65_000, 620_000])('no other timeout is shorter than a keep-alive timeout of %i ms', (ms) => {
  const server = createHttpServer(express(), undefined, ms);
  expect(server.keepAliveTimeout).toBe(ms);
  expect(server.headersTimeout).toBeGreaterThan(ms);
  expect(server.headersTimeout).toBeGreaterThanOrEqual(60_000);
  expect(server.requestTimeout).toBeGreaterThanOrEqual(Math.max(server.headersTimeout, 300_000));
});
