import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { type Meta, metaBytes, toMeta } from './meta.ts';

/** The size of a page's header. Offsets in the rest of the page start here. */
const headerBytes = 24;
const flagsAt = 18;
const lowerAt = 20;
const branch = 0x01;
const leaf = 0x02;
/** Flags of a leaf node: its value is on separate pages, or its value is the root of another tree. */
const bigData = 0x01;
const subData = 0x02;
const rootInSubData = 40;

const attempts = 10;
const pauseMs = 20;

/**
 * Checks that a file is not truncated. LMDB maps its file into memory, and access to a missing page kills the process with
 * SIGBUS. Other processes may write to the file meanwhile.
 * @throws Error when the file is not an LMDB file, or when pages in use are missing at its end
 */
export async function verifyWhole(path: string): Promise<void> {
  const file = await open(path);
  try {
    let before: string | undefined;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const { fault, state } = await inspect(file);
      if (fault === undefined) return;
      // Another process may be creating the file or committing. If the file does not change, the fault is real.
      if (state === before) throw new Error(`${path} is damaged: ${fault}`);
      before = state;
      await wait(pauseMs);
    }
    // The file changed each time, so other processes are using it.
  } finally {
    await file.close();
  }
}

/** The fault of the file, and a text that changes whenever the file does. */
async function inspect(file: FileHandle): Promise<{ fault: string | undefined; state: string }> {
  const metas = await readMetas(file);
  // Read the size after the meta pages, because the file only grows.
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

/** True when a page that the readable trees refer to is beyond the end of the file. */
async function isPageMissing(file: FileHandle, { pageSize, lastPage, roots }: Meta, size: number): Promise<boolean> {
  const pageCount = BigInt(Math.floor(size / pageSize));
  const seen = new Set<bigint>();
  const waiting = [...roots];
  for (let number = waiting.pop(); number !== undefined; number = waiting.pop()) {
    // The root number of an empty tree is not a page.
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
  /** The numbers of further tree pages. */
  trees: bigint[];
  /** For each large value, the number of the page after its last page. */
  ends: bigint[];
}

// Ignore invalid pages and nodes: this only checks the length of the file.
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
