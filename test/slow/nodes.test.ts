import { delimiter, dirname } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { fetchNode } from '../support/nodes.ts';
import { cli, finish, Sandbox, untilEvent } from '../support/sandbox.ts';

const downloads = new Sandbox(afterAll);

describe.each([20, 22, 24, 26])('on Node.js %i', (major) => {
  test.each(major >= 22 ? [[[]], [['--typescript']]] : [[[]]])(
    'init, serve and a session work with options %j',
    async (options: string[]) => {
      const sandbox = new Sandbox();
      const node = await fetchNode(downloads, major);
      const env = { PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
      const sessapp = (...args: string[]) => sandbox.spawn(node, [cli, ...args], { env });

      expect(await finish(sessapp('init', 'myenv', '--json', ...options))).toMatchObject({ exitCode: 0 });
      const info = await finish(sessapp('info', 'myenv', '--json'));
      expect(JSON.parse(info.stdout)).toMatchObject({ dependencies: 'ready', node: { path: node } });

      const server = sessapp('serve', 'myenv', '--port', '0', '--json');
      const { url } = await untilEvent(server, 'listening');
      const saved = await fetch(`${url}/`);
      await saved.text();
      const cookie = saved.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      const read = await fetch(`${url}/profile`, { headers: { cookie, 'accept-language': 'en' } });
      expect(await read.text()).toBe('The current user is guest.\n');
      server.kill('SIGTERM');
      expect(await finish(server)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('"stopped"') });
    },
  );
});
