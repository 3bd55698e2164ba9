import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { identify } from '../../src/cli/environment/process-identity.ts';
import { snapshot } from '../support/files.ts';
import { finish, Sandbox } from '../support/sandbox.ts';

/** Starts an `init` whose npm uses a registry that never responds, so that both keep running. */
async function startInstalling(sandbox: Sandbox, ...args: string[]): Promise<ChildProcess> {
  const env = {
    SESSAPP_CACHE_DIR: sandbox.path('snapshots'),
    npm_config_registry: await silentRegistry(),
    npm_config_cache: sandbox.path('cache'),
  };
  await mkdir(sandbox.path('work'), { recursive: true });
  const child = sandbox.start(['init', ...args], { env, cwd: sandbox.path('work') });
  await once(child.stderr ?? child, 'data');
  return child;
}

async function silentRegistry(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

test.each([
  ['SIGINT', 130, 'a/myenv', false],
  ['SIGTERM', 143, 'a/myenv', false],
  ['SIGINT', 130, '.', false],
  ['SIGTERM', 143, '.', true],
] as const)(
  '%s while npm is running: exit code %i, and %s is unchanged',
  async (signal, exitCode, target, hasFiles) => {
    const sandbox = new Sandbox();
    await mkdir(sandbox.path('work'));
    if (hasFiles) await writeFile(sandbox.path('work', 'mine'), 'mine');
    const before = await snapshot(sandbox.path('work'));
    const child = await startInstalling(sandbox, target, '--allow-existing');
    child.kill(signal);
    const result = await finish(child);
    expect(result).toMatchObject({ exitCode, stdout: '', stderr: `error: Interrupted by ${signal}.\n` });
    expect(await snapshot(sandbox.path('work'))).toEqual(before);
  },
);

test('the next init removes the staging directory of a killed init, but not of a running one; the npm of the killed init exits', async () => {
  const sandbox = new Sandbox();
  const living = await startInstalling(sandbox, 'first');
  const [livingStaging = ''] = await readdir(sandbox.path('work'));
  const killed = await startInstalling(sandbox, 'second');
  const orphan = await childOf(killed);
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  expect(await readdir(sandbox.path('work'))).toHaveLength(2);
  expect(await sandbox.sessapp(['init', 'work/third', '--no-install'])).toMatchObject({ exitCode: 0 });
  expect((await readdir(sandbox.path('work'))).sort()).toEqual([livingStaging, 'third']);
  await expect.poll(() => identify(orphan), { timeout: 10_000 }).toBeUndefined();
  living.kill('SIGTERM');
  await once(living, 'exit');
  expect(await readdir(sandbox.path('work'))).toEqual(['third']);
});

test('the next init also removes the staging directory of a killed init when it is inside the target', async () => {
  const sandbox = new Sandbox();
  const living = await startInstalling(sandbox, '.');
  const [livingStaging = ''] = await readdir(sandbox.path('work'));
  const killed = await startInstalling(sandbox, '.');
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  expect(await readdir(sandbox.path('work'))).toHaveLength(2);
  expect(await sandbox.sessapp(['init', 'work', '--no-install'])).toMatchObject({ exitCode: 0 });
  expect((await readdir(sandbox.path('work'))).filter((name) => name.startsWith('.sessapp-'))).toEqual([livingStaging]);
  living.kill('SIGINT');
  await once(living, 'exit');
  expect((await readdir(sandbox.path('work'))).filter((name) => name.startsWith('.sessapp-'))).toEqual([]);
});

test('init waits for the lock of a live process, and takes over the lock of a dead one', async () => {
  const sandbox = new Sandbox();
  await mkdir(sandbox.path('myenv'));
  const holder = spawn('sleep', ['60']);
  onTestFinished(() => void holder.kill('SIGKILL'));
  const owner = await identify(holder.pid ?? 0);
  await writeFile(sandbox.path('myenv', '.sessapp-lock'), JSON.stringify({ owner }));
  await writeFile(sandbox.path('myenv', '.sessapp-lock.999999999.00000000'), '');
  const init = finish(sandbox.start(['init', 'myenv', '--no-install']));
  expect(await Promise.race([init, wait(1000, 'waits')])).toBe('waits');
  holder.kill('SIGKILL');
  expect(await init).toMatchObject({ exitCode: 0, stderr: '' });
  expect((await readdir(sandbox.path('myenv'))).filter((name) => name.startsWith('.sessapp-'))).toEqual([]);
});

test('init takes over an old lock of another machine', async () => {
  const sandbox = new Sandbox();
  await mkdir(sandbox.path('myenv'));
  const path = sandbox.path('myenv', '.sessapp-lock');
  await writeFile(path, JSON.stringify({ owner: { pid: 1, started: '1', machine: '00000000' } }));
  const longAgo = new Date('2020-01-01');
  await utimes(path, longAgo, longAgo);
  const made = await sandbox.sessapp(['init', 'myenv', '--no-install']);
  expect(made).toMatchObject({ exitCode: 0, stderr: '' });
});

/** The pid of the only child of a process. */
async function childOf(parent: ChildProcess): Promise<number> {
  const children = async (): Promise<number[]> => {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
    const parents = await Promise.all(pids.map(async (pid) => [pid, await parentOf(pid)] as const));
    return parents.filter(([, ppid]) => ppid === parent.pid).map(([pid]) => pid);
  };
  await expect.poll(children, { timeout: 10_000 }).toHaveLength(1);
  return (await children())[0] ?? 0;
}

async function parentOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
