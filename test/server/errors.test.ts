import { afterAll, expect, test } from 'vitest';
import { Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, request, startPlain } from '../support/server.ts';

const sandbox = new Sandbox(afterAll);

test('an error is answered without what the handler has said of its own answer, and with all else', async () => {
  const directory = await copyEnvironment(sandbox);
  const said = {
    'Content-Encoding': 'gzip',
    'Content-Disposition': 'attachment',
    'Content-Length': '1',
    'Cache-Control': 'public, max-age=1000',
    ETag: '"a"',
    'Last-Modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
    'X-Mine': 'stays',
  };
  await addRoutes(
    directory,
    `app.get('/fail', (req, res) => { res.set(${JSON.stringify(said)}); throw new Error('x'); });`,
  );
  const { url } = await startPlain(sandbox, directory);
  const { status, headers, body } = await request(`${url}/fail`);
  expect([status, body]).toEqual([500, expect.stringMatching(/^Something went wrong/)]);
  expect(headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'x-mine': 'stays' });
  expect(headers['content-security-policy']).toBeDefined();
  for (const name of ['content-encoding', 'content-disposition', 'cache-control', 'etag', 'last-modified'])
    expect(headers[name], name).toBeUndefined();
});
