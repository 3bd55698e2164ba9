import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { finish, Sandbox } from '../../support/sandbox.ts';
import { waitFor } from '../../support/server.ts';

/** An npm that ignores signals, as the real npm sometimes does. */
const deaf = `#!/bin/sh
[ "$1" = --version ] && exec echo 11.0.0
trap '' HUP INT TERM
echo $$ > "$PID_FILE"
while :; do sleep 0.1; done
`;

// The time limits are for an idle machine, so a test on a busy machine is retried.
test.each([
  ['after one SIGINT, init ends within 6 s', 1, 6000],
  ['after a second SIGINT, init ends immediately', 2, 2400],
])('with an npm that ignores signals: %s, and leaves nothing', { retry: 2 }, async (_, signals, limitMs) => {
  const sandbox = new Sandbox();
  const [bin, work, pidFile] = [sandbox.path('bin'), sandbox.path('work'), sandbox.path('pid')];
  await Promise.all([mkdir(bin), mkdir(work)]);
  await writeFile(`${bin}/npm`, deaf);
  await chmod(`${bin}/npm`, 0o755);
  const env = { PATH: `${bin}:${process.env.PATH}`, SESSAPP_CACHE_DIR: sandbox.path('cache'), PID_FILE: pidFile };
  const child = sandbox.start(['init', 'myenv'], { cwd: work, env });
  const ended = finish(child);
  await waitFor(async () => (await readFile(pidFile, 'utf8').catch(() => '')) !== '');
  const startMs = performance.now();
  for (let sent = 0; sent < signals; sent++) {
    child.kill('SIGINT');
    await wait(200);
  }
  expect(await ended).toMatchObject({ exitCode: 130, stderr: expect.stringContaining('Interrupted by SIGINT.') });
  expect(performance.now() - startMs).toBeLessThan(limitMs);
  expect(await readdir(work)).toEqual([]);
  const pid = Number(await readFile(pidFile, 'utf8'));
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});
