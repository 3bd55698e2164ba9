import { join } from 'node:path';
import { readJson } from '../../files.ts';
import type { EnvironmentDirectory, ServerRecord } from './server-record.ts';

/** Reads what the running server wrote about itself to a file in `data/`; undefined when it has written nothing. */
export async function readState<T extends { pid: number }>(
  { directory }: EnvironmentDirectory,
  record: ServerRecord,
  name: string,
): Promise<T | undefined> {
  const state = await readJson<T>(join(directory, 'data', name));
  // An earlier server may have left the file.
  return state?.pid === record.pid ? state : undefined;
}
