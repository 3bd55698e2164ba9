import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { setImmediate, setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readJson, sha256 } from '../support/files.ts';
import { Sandbox } from '../support/sandbox.ts';

const signals = ['SIGKILL', 'SIGKILL of the group', 'SIGTERM', 'SIGINT of the group'] as const;
/**
 * How long an uninterrupted run takes, in milliseconds, with an installation by npm and with a snapshot. The signals are
 * spread over this time, with more of them near the end.
 */
const spansMs = { 'without a snapshot': 3800, 'with a snapshot': 700 };

interface Situation {
  title: string;
  options: string[];
  /** Creates the target as it is before the run. `mine` are the user's files, which must not change. */
  arrange(sandbox: Sandbox): Promise<void>;
  mine: Record<string, string>;
}

const situations: Situation[] = [
  { title: 'a missing target', options: ['--git'], arrange: async () => undefined, mine: {} },
  { title: 'an empty directory', options: ['--git'], arrange: (s) => mkdir(s.path('work', 'myenv')), mine: {} },
  {
    title: 'a directory with files, --allow-existing',
    options: ['--allow-existing', '--git'],
    arrange: async (s) => {
      await mkdir(s.path('work', 'myenv', 'bin'), { recursive: true });
      await writeFile(s.path('work', 'myenv', 'README.md'), 'my readme');
      await writeFile(s.path('work', 'myenv', 'bin', 'mine'), 'my program');
    },
    mine: { 'README.md': 'my readme', 'bin/mine': 'my program' },
  },
];

const cases = Array.from({ length: 52 }, (_, index) => {
  const situation = situations[index % situations.length] as Situation;
  const signal = signals[Math.floor(index / situations.length) % signals.length] as (typeof signals)[number];
  const cache = index % 3 === 0 ? 'without a snapshot' : ('with a snapshot' as const);
  return { ...situation, signal, cache, delayMs: Math.round(spansMs[cache] * Math.random() ** 0.7) };
});

test.each(cases)(
  'on $title, $cache, $signal after $delayMs ms leaves the target complete or unchanged, and the next run completes it',
  async (situation) => {
    const { options, cache, signal, delayMs, arrange, mine } = situation;
    const sandbox = new Sandbox();
    await mkdir(sandbox.path('work'));
    await arrange(sandbox);
    const isThere = (await readdir(sandbox.path('work'))).length > 0;

    const env = cache === 'with a snapshot' ? {} : { SESSAPP_CACHE_DIR: sandbox.path('cache') };
    const child = sandbox.start(['init', 'work/myenv', ...options, '--json'], { env, detached: true, stdio: 'ignore' });
    const ended = once(child, 'exit');
    await Promise.race([wait(delayMs), ended]);
    kill(child.pid ?? 0, signal);
    await ended;

    const marker = await readIfThere(sandbox, 'sessapp.json');
    if (marker !== undefined) await verifyWhole(sandbox);
    else if (!isThere)
      expect((await readdir(sandbox.path('work'))).filter((name) => !name.startsWith('.sessapp-'))).toEqual([]);
    await verifyKept(sandbox, mine);

    const again = await sandbox.sessapp(['init', 'work/myenv', ...options, '--json'], { env });
    expect([again.exitCode, again.stdout]).toEqual([0, expect.stringMatching(/"status":"(created|unchanged)"/)]);
    await verifyWhole(sandbox);
    await verifyKept(sandbox, mine);
    expect((await lstat(sandbox.path('work', 'myenv', '.git', 'index'))).size).toBeGreaterThan(0);
    const names = [...(await readdir(sandbox.path('work'))), ...(await readdir(sandbox.path('work', 'myenv')))];
    expect(names.filter((name) => name.startsWith('.sessapp-'))).toEqual([]);
    if (cache === 'without a snapshot') await verifySnapshot(sandbox);
  },
);

// After a kill, the next environment can be made from the snapshot.
async function verifySnapshot(sandbox: Sandbox): Promise<void> {
  const names = await readdir(sandbox.path('cache', 'snapshots'));
  expect(names).toEqual([expect.stringMatching(/^[0-9a-f]{40}$/)]);
  const env = { SESSAPP_CACHE_DIR: sandbox.path('cache'), npm_config_registry: 'http://127.0.0.1:9/' };
  const offline = await sandbox.sessapp(['init', 'other', '--offline', '--json'], { env });
  expect(JSON.parse(offline.stdout)).toMatchObject({ status: 'created' });
}

// The change itself takes only milliseconds, so signals at random times seldom hit it.
const moments = situations
  .slice(1)
  .flatMap((situation) => Array.from({ length: 16 }, (_, index) => ({ ...situation, index })));

test.each(moments)(
  'on $title, SIGKILL during the change ($index) loses nothing, and the next run completes or undoes the change',
  async (situation) => {
    const { options, arrange, mine, index } = situation;
    const sandbox = new Sandbox();
    await mkdir(sandbox.path('work'));
    await arrange(sandbox);
    const args = ['init', 'work/myenv', '--no-install'];
    const child = sandbox.start([...args, ...options], { detached: true, stdio: 'ignore' });
    const ended = once(child, 'exit');
    while (child.exitCode === null && !existsSync(sandbox.path('work', 'myenv', '.sessapp-lock'))) await setImmediate();
    for (const end = performance.now() + index * 1.5; performance.now() < end; ) await setImmediate();
    kill(child.pid ?? 0, 'SIGKILL');
    await ended;
    await verifyKept(sandbox, mine);

    // Without --git: an interrupted run with --git is undone or completed as well.
    const again = await sandbox.sessapp([...args, ...options.filter((option) => option === '--allow-existing')]);
    expect([again.exitCode, again.stderr]).toEqual([0, '']);
    await verifyFiles(sandbox);
    await verifyKept(sandbox, mine);
    expect((await readdir(sandbox.path('work', 'myenv'))).filter((name) => name.startsWith('.sessapp-'))).toEqual([]);
  },
);

test('of eight concurrent installations on one target, one makes the environment and no files are mixed', async () => {
  for (const isThere of [false, true]) {
    const sandbox = new Sandbox();
    await mkdir(sandbox.path('work', ...(isThere ? ['myenv'] : [])), { recursive: true });
    const env = { SESSAPP_CACHE_DIR: sandbox.path('cache') };
    const runs = Array.from({ length: 8 }, () => sandbox.sessapp(['init', 'work/myenv', '--json'], { env }));
    const said = (await Promise.all(runs)).map(({ stdout }) => {
      const { status, error } = JSON.parse(stdout) as { status?: string; error?: object };
      return status ?? error;
    });
    expect(said.filter((status) => status !== 'unchanged')).toEqual(['created']);
    await verifyWhole(sandbox);
    expect(await readdir(sandbox.path('work'))).toEqual(['myenv']);
    expect((await readdir(sandbox.path('work', 'myenv'))).filter((name) => name.startsWith('.sessapp-'))).toEqual([]);
  }
});

// Kills only what this test started: the child, or the process group that the child leads.
function kill(pid: number, signal: (typeof signals)[number]): void {
  const [name, ...group] = signal.split(' ') as [NodeJS.Signals, ...string[]];
  try {
    process.kill(group.length > 0 ? -pid : pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Verifies that every generated file matches the marker, and that the dependencies match the lockfile. */
async function verifyWhole(sandbox: Sandbox): Promise<void> {
  await verifyFiles(sandbox);
  const info = await sandbox.sessapp(['info', 'work/myenv', '--json']);
  expect(JSON.parse(info.stdout)).toMatchObject({ dependencies: 'ready' });
}

async function verifyFiles(sandbox: Sandbox): Promise<void> {
  const { files } = await readJson<{ files: Record<string, string> }>(sandbox.path('work', 'myenv', 'sessapp.json'));
  for (const [path, hash] of Object.entries(files)) {
    expect([path, sha256(await readFile(sandbox.path('work', 'myenv', path)))]).toEqual([path, hash]);
  }
  expect(await readIfThere(sandbox, '.env')).toMatch(/^SESSION_SECRET=\S{43}$/m);
}

async function verifyKept(sandbox: Sandbox, mine: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(mine))
    expect([path, await readIfThere(sandbox, path)]).toEqual([path, content]);
}

async function readIfThere(sandbox: Sandbox, path: string): Promise<string | undefined> {
  return readFile(sandbox.path('work', 'myenv', path), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
