import { lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { orUndefined } from '../../errors.ts';
import { type Meta, metaBytes, toMeta } from './meta.ts';

/** The size of a page's header. Offsets in the rest of the page start here. */
const headerBytes = 24;
const at = { flags: 18, lower: 20, keySize: 6, key: 8, entries: 32 };
const leaf = 0x02;
/** The size of the value that describes a tree. It follows the tree's name. */
const treeBytes = 48;
/** The largest page size that LMDB supports. */
const mostPageBytes = 65_536;

/**
 * Counts the records of an embedded store, including expired records. It reads three pages of the file, without LMDB.
 * @param directory the directory of the store's files
 * @returns undefined when there is no store, or when the count is not found in its file
 */
export async function countRecords(directory: string): Promise<number | undefined> {
  const path = join(directory, 'data.mdb');
  const found = await orUndefined(lstat(path), 'ENOENT', 'ENOTDIR', 'EACCES');
  const file = found?.isFile() ? await orUndefined(open(path), 'ENOENT', 'EACCES', 'EPERM') : undefined;
  if (!file) return undefined;
  try {
    const read = async (position: number, length: number): Promise<Buffer> => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    };
    const first = toMeta(await read(0, metaBytes));
    const second = first && toMeta(await read(first.pageSize, metaBytes));
    if (!first || !second || first.pageSize > mostPageBytes) return undefined;
    const { pageSize, roots }: Meta = first.transaction > second.transaction ? first : second;
    return findEntries(await read(Number(roots[1]) * pageSize, pageSize), 'records');
  } catch (error) {
    // Another process is changing the page, or the page is damaged.
    if (error instanceof RangeError) return undefined;
    throw error;
  } finally {
    await file.close();
  }
}

/** @throws RangeError when the page ends too early */
function findEntries(page: Buffer, name: string): number | undefined {
  if ((page.readUInt16LE(at.flags) & leaf) === 0) return undefined;
  const nodes = page.readUInt16LE(at.lower) / 2;
  for (let index = 0; index < nodes; index += 1) {
    const node = headerBytes + page.readUInt16LE(headerBytes + 2 * index);
    const end = node + at.key + page.readUInt16LE(node + at.keySize);
    if (page.toString('latin1', node + at.key, end).replace(/\0$/, '') !== name) continue;
    return end + treeBytes <= page.length ? Number(page.readBigUInt64LE(end + at.entries)) : undefined;
  }
  return undefined;
}
