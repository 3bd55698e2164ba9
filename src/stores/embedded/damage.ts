import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { type Meta, metaBytes, toMeta } from './meta.ts';

/** Of a page's header; the rest of the page is counted from here. */
const headerBytes = 24;
const flagsAt = 18;
const lowerAt = 20;
const branch = 0x01;
const leaf = 0x02;
/** In a node of a leaf: its value is on pages of its own; or it is the root of another tree. */
const bigData = 0x01;
const subData = 0x02;
const rootInSubData = 40;

const attempts = 10;
const pauseMs = 20;

/**
 * LMDB reads its file through memory, where a page that is missing ends the process with SIGBUS: so a file that was cut
 * is an error here. Others may write to the file meanwhile.
 * @throws Error when the file is not an LMDB file, or when pages in use are missing from its end
 */
export async function verifyWhole(path: string): Promise<void> {
  const file = await open(path);
  try {
    let before: string | undefined;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const { fault, state } = await inspect(file);
      if (fault === undefined) return;
      // Another process may be in the midst of making the file, or of a commit: what stays so is a fault.
      if (state === before) throw new Error(`${path} is damaged: ${fault}`);
      before = state;
      await wait(pauseMs);
    }
    // It changes all the time: other processes work with it.
  } finally {
    await file.close();
  }
}

/** What is wrong with the file, and what tells whether it has changed since. */
async function inspect(file: FileHandle): Promise<{ fault: string | undefined; state: string }> {
  const metas = await readMetas(file);
  // After the metas: a file only grows.
  const { size } = await file.stat();
  const newest = metas.reduce(
    (one, other) => (other && one && one.transaction > other.transaction ? one : other),
    metas[0],
  );
  if (!newest || metas.includes(undefined)) return { fault: 'it is not an LMDB file', state: `${size}` };
  const missingBytes = (newest.lastPage + 1) * newest.pageSize - size;
  const isCut = missingBytes > 0 && (await isPageMissing(file, newest, size));
  return {
    fault: isCut ? `${missingBytes} bytes are missing from its end` : undefined,
    state: `${size} ${metas.map((meta) => meta?.transaction)}`,
  };
}

async function readMetas(file: FileHandle): Promise<[Meta | undefined, Meta | undefined]> {
  const first = toMeta(await read(file, 0, metaBytes));
  return [first, first && toMeta(await read(file, first.pageSize, metaBytes))];
}

/** True when a page that is in use lies behind the end of the file, as far as its trees can be read. */
async function isPageMissing(file: FileHandle, { pageSize, lastPage, roots }: Meta, size: number): Promise<boolean> {
  const pageCount = BigInt(Math.floor(size / pageSize));
  const seen = new Set<bigint>();
  const waiting = [...roots];
  for (let number = waiting.pop(); number !== undefined; number = waiting.pop()) {
    // The root of an empty tree is no page at all.
    if (number > lastPage || seen.has(number)) continue;
    if (number >= pageCount) return true;
    seen.add(number);
    const { trees, ends } = readLinks(await read(file, Number(number) * pageSize, pageSize));
    if (ends.some((end) => end > pageCount && end <= lastPage + 1)) return true;
    waiting.push(...trees);
  }
  return false;
}

interface Links {
  /** Pages of trees. */
  trees: bigint[];
  /** The numbers of the pages that follow those of large values. */
  ends: bigint[];
}

// What makes no sense leads nowhere: this is about the length of the file alone.
function readLinks(page: Buffer): Links {
  const links: Links = { trees: [], ends: [] };
  if (page.length < headerBytes) return links;
  const flags = page.readUInt16LE(flagsAt);
  if ((flags & (branch | leaf)) === 0) return links;
  const count = Math.min(page.readUInt16LE(lowerAt), page.length - headerBytes) >> 1;
  for (let n = 0; n < count; n += 1) {
    const node = page.subarray(page.readUInt16LE(headerBytes + 2 * n) + headerBytes);
    if (node.length >= 8) addLinks(links, node, (flags & branch) !== 0);
  }
  return links;
}

function addLinks({ trees, ends }: Links, node: Buffer, isBranch: boolean): void {
  const flags = node.readUInt16LE(4);
  if (isBranch) trees.push(BigInt(node.readUInt32LE(0)) | (BigInt(flags) << 32n));
  const value = node.subarray(8 + node.readUInt16LE(6));
  if (isBranch || value.length < 24) return;
  if (flags & subData && value.length >= rootInSubData + 8) trees.push(value.readBigUInt64LE(rootInSubData));
  else if (flags & bigData) ends.push(value.readBigUInt64LE(0) + value.readBigUInt64LE(16));
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(length), position });
  return buffer.subarray(0, bytesRead);
}
