import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { finish } from '../support/sandbox.ts';
import { collect, record, type Subject, type Ways } from './contract-support.ts';

const program = join(import.meta.dirname, 'contract-process.js');

/** The heap size for a list, including the driver's own code. */
const heap = ['--max-old-space-size=40', '--max-semi-space-size=4'];

/**
 * The contract for several processes on one store, and for processes that are killed.
 * @param many how many records to list
 */
export function testProcesses(ways: Ways, subject: () => Subject, many: number): void {
  const start = (job: string, args: unknown[], options: string[] = []): ChildProcess => {
    const { module, args: given } = subject();
    const words = [program, module, JSON.stringify(given), job, JSON.stringify(args)];
    return spawn(process.execPath, [...options, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  };
  const result = async <T>(child: ChildProcess): Promise<T> => {
    const { exitCode, stdout, stderr } = await finish(child);
    if (exitCode !== 0) throw new Error(`the process exited with code ${exitCode}: ${stderr}`);
    return JSON.parse(stdout) as T;
  };

  test('three processes of ten writers each lose no increment', async () => {
    await ways.driver.create('a', record({ data: '0' }));
    await Promise.all([1, 2, 3].map(() => result(start('increment', ['a', 10, 10]))));
    expect(await ways.driver.read('a')).toMatchObject({ data: '300', version: 301 });
  });

  test('a record that is deleted while other processes change it stays deleted', async () => {
    await ways.driver.create('a', record());
    const writers = [start('saveUntilGone', ['a']), start('saveUntilGone', ['a'])];
    const results = writers.map((writer) => result(writer));
    await Promise.all(writers.map((writer) => once(writer.stderr as NonNullable<typeof writer.stderr>, 'data')));
    await ways.driver.delete('a');
    expect(await Promise.all(results)).toEqual([[], []]);
    expect(await ways.driver.read('a')).toBeUndefined();
  });

  test('when processes regenerate one session concurrently, each has its new sessions, and the old one is gone', async () => {
    await ways.driver.create('old', record());
    const keys = await Promise.all(['a', 'b'].map((name) => result<string[]>(start('regenerate', ['old', name, 20]))));
    expect(await collect(ways.driver.list({}))).toEqual(keys.flat().sort());
  });

  test('another process finds everything that a process acknowledged before kill -9', async () => {
    expect(await finish(start('createAndDie', [20]))).toMatchObject({ signal: 'SIGKILL' });
    for (let n = 0; n < 20; n++) expect(await ways.driver.read(`k${n}`)).toMatchObject({ data: `${n}` });
    expect(await ways.driver.update('k1', 1, record())).toBe(true);
  });

  test(`${many} records of 100 MB are listed with 40 MB of memory`, { timeout: 180_000 }, async () => {
    const bytes = 100_000_000 / many;
    await (subject().fill?.(many, bytes) ?? result(start('fill', [many, bytes])));
    const queries = [{}, { owner: 'ann' }];
    expect(await result(start('countAll', queries, heap))).toEqual([many, many]);
  });
}
