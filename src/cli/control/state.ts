import { join } from 'node:path';
import { readJson } from '../../files.ts';
import type { EnvironmentDirectory, ServerRecord } from './server-record.ts';

/** What a server has written of itself into a file of `data/`; undefined when there is nothing of this server. */
export async function readState<T extends { pid: number }>(
  { directory }: EnvironmentDirectory,
  record: ServerRecord,
  name: string,
): Promise<T | undefined> {
  const state = await readJson<T>(join(directory, 'data', name));
  // Another server may have left it.
  return state?.pid === record.pid ? state : undefined;
}
