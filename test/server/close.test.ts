import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { finish, Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, request, startPlain, waitFor } from '../support/server.ts';

// Like a connection of the application, a timer keeps the process running until it is cleared.
const routes = `
  const timer = setInterval(() => undefined, 1000);
  closeTimer = () => clearInterval(timer);
  app.get('/slow', (req, res) => { console.log('asked'); setTimeout(() => { console.log('responded'); res.send('slow'); }, 300); });`;
const close = `
let closeTimer;
export async function close() {
  console.log('closed');
  closeTimer();
}
`;

test('the server calls close() of the application when it stops, after the last response', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await addRoutes(environment, routes);
  await appendFile(join(environment, 'app.js'), close);
  const { url, child, output } = await startPlain(sandbox, environment);
  const ended = finish(child);
  const response = request(`${url}/slow`);
  await waitFor(() => output().includes('asked'));
  child.kill('SIGTERM');
  expect((await response).body).toBe('slow');
  expect((await ended).exitCode).toBe(0);
  expect(output()).toMatch(/asked.*responded.*closed/s);
  expect(output()).not.toContain('keeps the process running');
});
