/** A meta page of an LMDB file, which describes a commit. The file's two meta pages describe the two newest commits. */
export interface Meta {
  pageSize: number;
  transaction: bigint;
  /** The number of the last page. The file may be shorter when the last pages are not in use. */
  lastPage: number;
  /** The roots of the two trees that lead to every page in use. */
  roots: bigint[];
}

/** How many bytes of a meta page to read. */
export const metaBytes = 160;

// The only documentation of the format is LMDB's source: mdb.c in lmdb/dependencies of npm's lmdb.
const magic = 0xbeefc0de;
const at = { magic: 24, pageSize: 48, freeRoot: 88, mainRoot: 136, lastPage: 144, transaction: 152 };

/** Undefined when it is not a meta page. */
export function toMeta(page: Buffer): Meta | undefined {
  if (page.length < metaBytes || page.readUInt32LE(at.magic) !== magic) return undefined;
  return {
    pageSize: page.readUInt32LE(at.pageSize),
    transaction: page.readBigUInt64LE(at.transaction),
    lastPage: Number(page.readBigUInt64LE(at.lastPage)),
    roots: [page.readBigUInt64LE(at.freeRoot), page.readBigUInt64LE(at.mainRoot)],
  };
}
