/** What a meta page of an LMDB file says of a commit. Both pages together say it of the two newest commits. */
export interface Meta {
  pageSize: number;
  transaction: bigint;
  /** Its last page; the last ones are not in the file when none of them is in use. */
  lastPage: number;
  /** Of the two trees from which each page in use can be reached. */
  roots: bigint[];
}

/** How much of a meta page is needed. */
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
