import { readFile } from 'node:fs/promises';
import { hasCode } from '../../errors.ts';

/** True when a line that is added to this file would be one of its own. */
export async function endsWithLine(path: string): Promise<boolean> {
  try {
    const text = await readFile(path, 'utf8');
    return text === '' || text.endsWith('\n');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true;
    throw error;
  }
}
